"""Conditions that are told by a notification and stand in no other table: each is a group of its own."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from stallkeeper.backoffice.problem_groups import Act, Group, Scene
from stallkeeper.backoffice.problems import ProblemKind
from stallkeeper.backoffice.screens import own_address
from stallkeeper.backoffice.words import told
from stallkeeper.core.models import Notification, Severity
from stallkeeper.core.notice_kinds import place_of
from stallkeeper.core.people import Permission
from stallkeeper.core.words import of_row

TONES = {Severity.INFO.value: "info", Severity.WARNING.value: "warn", Severity.ERROR.value: "bad"}
LINKS = {"connection": "connection", "channel": "channel", "order": "order", "source": "source", "send": "send_task", "target": "target"}
RUN_NOW = {"silent"}


def noticed(scene: Scene, kind: ProblemKind) -> Iterator[Group]:
    """The conditions that stand under this kind."""
    for notice in scene.notices:
        if place_of(notice.key)[0] == kind.key:
            yield _group(scene, kind, notice)


def _group(scene: Scene, kind: ProblemKind, notice: Notification) -> Group:
    subject, _colon, rest = notice.key.partition(":")
    pk = int(rest.partition(":")[0]) if rest.partition(":")[0].isdecimal() else 0
    link = link_of(notice)
    acts = [Act(_("Look at it"), link, main=True)] if link else []
    if kind.key in RUN_NOW and subject == "connection":
        acts.append(Act(_("Run now"), reverse("backoffice:run_now", args=[pk]), Permission.SEND, post=True))
    channels = scene.channels_of(pk) if subject == "connection" else frozenset({pk} if subject == "channel" else ())
    may_go = notice.severity != Severity.ERROR
    return Group(
        kind,
        notice.key,
        told(of_row(notice.title, notice.title_words)),
        1,
        notice.first_at,
        channels=channels,
        words=told(of_row(notice.detail, notice.detail_words)),
        link=link,
        acts=tuple(acts),
        tone=TONES[notice.severity],
        seen_id=notice.pk if may_go else None,
    )


def link_of(notice: Notification) -> str:
    """Where the condition can be looked at; "" if nowhere."""
    subject, _colon, rest = notice.key.partition(":")
    pk = rest.partition(":")[0]
    if notice.link:
        return own_address(notice.link)
    if subject == "company":
        return reverse("backoffice:channels")
    return reverse(f"backoffice:{LINKS[subject]}", args=[pk]) if subject in LINKS and pk.isdecimal() else ""
