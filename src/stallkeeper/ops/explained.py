"""An explanation as people read it in a terminal, and as a program reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from django.utils.functional import Promise
from django.utils.text import capfirst
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from stallkeeper.channels.explain import Explanation
from stallkeeper.channels.explain_words import PRICE_STEPS, STEPS
from stallkeeper.ops.terminal import Row, cell, table
from stallkeeper.orders.models import OrderLine

VERDICTS = {
    "in_step": "the channel shows what it should",
    "to_push": "it will be sent",
    "unknown": "nobody knows what the channel shows: it is read first",
    "refused": "the channel refused it",
    "excluded": "left out of stock sending",
    "switched_off": "nothing is sent: see 'stallkeeper channel'",
    "not_refreshed": "the stored figure is being worked out anew",
}
SPOTS = {
    "component": "Unit", "per_kit": "Per kit", "location": "Place", "on_hand": "On hand", "allocated": "Allocated", "held": "Held",
    "free": "Free", "counts": "Counts",
}  # fmt: skip
PROMISES = {
    "component": "Unit", "location": "Place", "kind": "Kind", "quantity": "Units", "owner": "For", "expires_at": "Until (UTC)"
}  # fmt: skip
MOVEMENTS = {
    "occurred_at": "Moved (UTC)", "component": "Unit", "quantity": "Units", "origin": "From", "target": "To", "cause": "Cause",
    "reason": "Reason",
}  # fmt: skip


def as_json(one: Explanation) -> dict[str, object]:
    """Everything, by the names of the dataclasses."""
    return asdict(one)


def render(one: Explanation) -> Group:
    """The working as a table, the five quantities, and the facts behind them."""
    title = Text.assemble((f"{one.sku}", "bold"), f" on {one.channel} ({one.channel_code}), unit {one.unit}: ", (_figure(one), "bold"))
    steps = [{"step": in_words(STEPS, step.name), "before": step.before, "after": step.after, "note": step.note} for step in one.steps]
    five: list[Row] = [
        {"what": "intended", "value": one.stored, "at": None},
        {"what": "sent", "value": one.sent, "at": one.sent_at},
        {"what": "accepted", "value": one.accepted, "at": one.accepted_at},
        {"what": "believed", "value": one.believed, "at": None},
        {"what": "observed", "value": one.observed, "at": one.observed_at},
    ]
    parts: list[RenderableType] = [title, _in(table(steps, {"step": "Step", "before": "Before", "after": "After", "note": ""}))]
    parts.append(_in(table(five, {"what": "Quantity", "value": "Value", "at": "When (UTC)"})))
    if one.refused:
        parts.append(_in(Text(f"Refused: {one.refused}")))
    parts += _facts(one)
    return Group(*parts, "")


def in_words(names: Mapping[str, str | Promise], step: str) -> str:
    """A step as the screens call it."""
    return capfirst(str(names.get(step, step)))


def _figure(one: Explanation) -> str:
    return f"{cell(one.intended)}, {VERDICTS.get(one.verdict, one.verdict)}"


def _facts(one: Explanation) -> list[Padding]:
    spots = [{**asdict(spot), "free": spot.on_hand - spot.allocated - spot.held} for spot in one.spots]
    owners = orders_of([promise.line_id for promise in one.promises if promise.line_id])
    tables: list[tuple[Sequence[Row], dict[str, str]]] = [
        (spots, SPOTS),
        ([asdict(promise) | {"owner": owners.get(promise.line_id or 0, promise.owner)} for promise in one.promises], PROMISES),
        ([asdict(movement) for movement in one.movements[:10]], MOVEMENTS),
        (
            [asdict(step) | {"name": in_words(PRICE_STEPS, step.name)} for step in one.price_steps],
            {"name": "Price step", "price": "Price", "note": ""},
        ),
    ]
    parts = [_in(table(rows, columns)) for rows, columns in tables if rows]
    return [*parts, _in(Text(f"Price: {one.price_problem}"))] if one.price_problem else parts


def orders_of(line_ids: Sequence[int]) -> dict[int, str]:
    """The orders that lines belong to, as people call them."""
    rows = OrderLine.objects.filter(pk__in=line_ids).values_list("pk", "order__number", "order__channel__code")
    return {pk: f"order {number} on {code}" for pk, number, code in rows}


def _in(what: RenderableType) -> Padding:
    return Padding(what, (0, 0, 1, 2))
