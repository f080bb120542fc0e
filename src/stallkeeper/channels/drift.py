"""Reads that differ from what we believed, each with a verdict: why the channel shows something else.

A quantity that fell is left open (``unknown``) until the orders of its time have been pulled: only then can a sale be told from an edit.
No sale lowers a price, so a price has its verdict at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from stallkeeper.channels import drift_queries as queries
from stallkeeper.channels.belief_queries import Shown
from stallkeeper.channels.delivery_queries import Value
from stallkeeper.channels.drift_queries import Sent
from stallkeeper.channels.models import Connection, Drift, TodoKind
from stallkeeper.core import notify
from stallkeeper.core.models import Severity
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _

SALE, EDIT, LATE, NOT_APPLIED, UNKNOWN = "sale_not_yet_pulled", "edited_on_channel", "late_push", "not_applied", "unknown"
REMEMBER = timedelta(days=2)
"""A push may land late by so much."""
OFTEN = 3
"""So many accepted and not applied values of one offer in a day are a matter for a person."""


def note(uc: UseCase, kind: str, shown: Sequence[Shown], at: datetime) -> int:
    """Keep those that differ from what we believed, with a first verdict; close the drifts of offers that are right again.

    Returns how many differed. A read that did not become belief proves nothing and is not noted.
    """
    differing = [row for row in shown if row.replaced and row.believed_before is not None and row.observed != row.believed_before]
    right = [row.offer_id for row in shown if row.replaced and row.observed == row.intended]
    with connection.cursor() as cursor:
        if right:
            queries.resolve(cursor, kind, right, uc.at)
        older = queries.sent_values(cursor, kind, [row.offer_id for row in differing], at - REMEMBER) if differing else {}
    Drift.objects.bulk_create(
        Drift(
            organisation_id=uc.organisation_id,
            offer_id=row.offer_id,
            at=at,
            kind=kind,
            believed=row.believed_before,
            observed=row.observed,
            intended=row.intended,
            verdict=first_verdict(kind, row, older),
        )
        for row in differing
    )
    return len(differing)


def first_verdict(kind: str, row: Shown, older: Mapping[int, Sequence[Sent]]) -> str:
    """What can be told from the figures alone. ``older``: what was sent for the offer, newest first. Pure."""
    earlier = _earlier(older.get(row.offer_id, ()))
    fell = row.observed is not None and row.believed_before is not None and row.observed < row.believed_before
    if fell and kind == TodoKind.QUANTITY:
        return UNKNOWN
    if row.accepted_at is not None and not row.confirmed and row.observed in (row.seen_before, _replaced(earlier)):
        return NOT_APPLIED
    return LATE if any(row.observed == sent.value for sent in earlier) else EDIT


def _earlier(sent: Sequence[Sent]) -> list[Sent]:
    """What was sent before the newest value, newest first."""
    return [one for one in sent if one.value != sent[0].value]


def _replaced(earlier: Sequence[Sent]) -> Value | None:
    """The accepted value that the newest one should have replaced."""
    return earlier[0].value if earlier and earlier[0].accepted else None


class Fall(NamedTuple):
    """An open drift downwards. ``sold``: units of it in orders that came in after the read and were placed before it."""

    id: int
    offer_id: int
    believed: Decimal
    observed: Decimal
    sold: int


def judge(uc: UseCase, falls: Sequence[Fall]) -> None:
    """Give open falls their verdict, now that the orders of their time have been pulled."""
    if not falls:
        return
    with connection.cursor() as cursor:
        older = queries.sent_values(cursor, "quantity", sorted({row.offer_id for row in falls}), uc.at - REMEMBER)
        queries.write_verdicts(cursor, [(row.id, later_verdict(row, older)) for row in falls])


def later_verdict(row: Fall, older: Mapping[int, Sequence[Sent]]) -> str:
    """Why a figure fell, once the orders of its time are known. Pure."""
    if row.sold >= row.believed - row.observed:
        return SALE
    earlier = _earlier(older.get(row.offer_id, ()))
    if row.observed == _replaced(earlier):
        return NOT_APPLIED
    return LATE if any(row.observed == sent.value for sent in earlier) else EDIT


def alarm(uc: UseCase, account: Connection) -> int:
    """Say which offers the channel accepts values for without applying them; returns how many there are."""
    with connection.cursor() as cursor:
        offers = queries.often(cursor, account.pk, NOT_APPLIED, uc.at - timedelta(days=1), OFTEN)
    key = f"connection:{account.pk}:not_applied"
    if not offers:
        notify.resolve(uc, key)
        return 0
    skus = ", ".join(sku for _offer, sku in offers[:5])
    title = _("{account} accepts figures and does not show them", account=account.name)
    text = _("Offers: {count}, for instance {skus}. Look at them in the channel's own screen.", count=len(offers), skus=skus)
    notify.raise_(uc, key, Severity.ERROR, title, text)
    return len(offers)
