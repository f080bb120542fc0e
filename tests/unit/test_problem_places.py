"""Nothing that is parked anywhere may be missing on the board of problems: whatever the code raises, refuses or stops has its place there.

Read from the code, so that a new kind of notification, or a new state that waits for a person, fails here until somebody gives it one.
"""

from __future__ import annotations

import ast
from pathlib import Path

from django.apps import apps
from django.db import models

from stallkeeper.backoffice.problem_readers import READERS
from stallkeeper.backoffice.problem_rows import READERS as ROWS
from stallkeeper.backoffice.problems import BY_KEY
from stallkeeper.core.notice_kinds import PLACES, place_of

ROOT = Path(__file__).parents[2] / "src/stallkeeper"
WAITING = {"refused", "dead", "failed", "stopped", "ambiguous", "needs_reconnect", "parked"}
"""States of rows that wait for a person."""
MARKS = {"refused_at", "stopped_at"}
"""Moments that say that something waits since then; ``resolved_at`` says that it does no longer."""

STATES = {
    "channels.Connection.state=needs_reconnect": "reconnect",
    "channels.Channel.stopped_at": "stopped",
    "channels.Command.state=refused": "commands",
    "channels.Command.state=dead": "commands",
    "channels.Offer.refused_at": "refused",
    "channels.OfferPrice.refused_at": "refused",
    "channels.RemoteListing.state=ambiguous": "ambiguous",
    "channels.Drift.resolved_at": "drift",
    "channels.Parked.resolved_at": "parked",
    "core.Notification.resolved_at": "notifications",
    "orders.Shortage.resolved_at": "shortages",
    "catalog.ImportRun.state=stopped": "imports",
    "stock.SourceRun.state=stopped": "sources",
    "stock.SourceRun.state=failed": "sources",
    "core.NoticeMessage.state=refused": "targets",
    "sync.ExchangeParked": "exchange",
}
NOT_WAITING = {
    "core.FileExport.state=failed": "who asked for the file is told on its page, and asks again",
    "catalog.ImportRun.state=failed": "who began it sees it end; nothing of it was taken in",
}


def states() -> set[str]:
    """What a row can be that waits for a person, as the models say."""
    found = set()
    for model in apps.get_models():
        if not model.__module__.startswith("stallkeeper."):
            continue
        label = f"{model._meta.app_label}.{model.__name__}"
        if "Parked" in model.__name__ and not any(column.name == "resolved_at" for column in model._meta.concrete_fields):
            found.add(label)
        for column in model._meta.concrete_fields:
            if column.name in MARKS | {"resolved_at"} and isinstance(column, models.DateTimeField):
                found.add(f"{label}.{column.name}")
            found |= {f"{label}.{column.name}={value}" for value, _name in column.choices or () if value in WAITING}
    return found


def raised() -> set[str]:
    """Keys of notifications as the code writes them, with N for what differs."""
    found = set()
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        if "notify.raise_" not in path.read_text("utf-8") and "notify.Notice" not in path.read_text("utf-8"):
            continue
        found |= {key for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) and (key := key_of(node))}
        found |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in PLACES}
    return found


def key_of(node: ast.JoinedStr) -> str:
    text = "".join(str(part.value) if isinstance(part, ast.Constant) else "N" for part in node.values)
    subjects = {key.partition(":")[0] for key in PLACES}
    return text if text.partition(":")[0] in subjects and ":N" in text and " " not in text else ""


NOT_KEYS = {"source:N:N", "source:N:N:N"}
"""References of movements."""


def test_every_notification_has_its_place_on_the_board():
    assert raised() - set(PLACES) - NOT_KEYS == set()
    assert {kind for kind, _itself in PLACES.values()} <= set(BY_KEY)
    assert place_of("connection:12:step:orders") == ("lanes", False)
    assert place_of("connection:12:parked:order") == ("parked", False)
    assert place_of("something:new") == ("notifications", True)


def test_every_state_that_waits_for_a_person_has_its_place_on_the_board():
    assert states() == set(STATES) | set(NOT_WAITING)
    assert set(STATES.values()) <= set(READERS)


def test_every_kind_is_read_and_rows_belong_to_kinds():
    assert set(READERS) == set(BY_KEY)
    assert set(ROWS) <= set(BY_KEY)
