"""Objects that could not be understood: kept, counted and visible, while everything behind them goes on (rule 4, C12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F

from stallkeeper.channels.models import Connection, Parked
from stallkeeper.core import housekeeping, notify, personal
from stallkeeper.core.models import Severity
from stallkeeper.core.personal import PersonalText
from stallkeeper.core.use_case import UseCase
from stallkit.types import Parked as ParkedObject
from stallkit.words import said as _

SUBJECT, BODY = "parked", "body"
"""Where the vault keeps what came: it names buyers, so it is sealed and goes when bodies of orders go."""
MOST = 200_000
"""Bytes of a body that are kept."""


def park(uc: UseCase, account: Connection, kind: str, objects: Sequence[ParkedObject]) -> None:
    """Keep the objects with what came, and say so once per connection. The same object again is counted up."""
    keep(uc, account, kind, objects)
    if objects:
        first = objects[0]
        title = _("{account}: {kind} {number} cannot be read", account=account.name, kind=kind, number=first.external_id)
        notify.raise_(uc, f"connection:{account.pk}:parked:{kind}", Severity.WARNING, title, first.reason)


def keep(uc: UseCase, account: Connection, kind: str, objects: Sequence[ParkedObject]) -> None:
    """The same without saying so: for what is about to be asked for again, and must be if this process dies before."""
    bodies = []
    for thing in objects:
        row, new = Parked.objects.get_or_create(
            organisation_id=uc.organisation_id,
            connection=account,
            kind=kind,
            external_id=thing.external_id[:100],
            defaults={"reason": thing.reason[:500], "first_seen_at": uc.at, "last_seen_at": uc.at},
        )
        if not new:
            Parked.objects.filter(pk=row.pk).update(reason=thing.reason[:500], last_seen_at=uc.at, times=F("times") + 1, resolved_at=None)
        if thing.raw:
            until = uc.at + timedelta(days=housekeeping.RAW_PAYLOAD_DAYS)
            bodies.append(PersonalText(SUBJECT, row.pk, BODY, thing.raw[:MOST].decode("utf-8", "backslashreplace"), until))
    personal.store_many(uc, bodies)


def unpark(uc: UseCase, account: Connection, kind: str, ids: Sequence[str], except_: Sequence[ParkedObject] = ()) -> int:
    """These objects have been understood after all; returns how many had been parked. The last one closes the notification."""
    still = {thing.external_id for thing in except_}
    fine = [external for external in ids if external not in still]
    if not fine:
        return 0
    open_ = Parked.objects.filter(connection=account, kind=kind, resolved_at=None)
    done = open_.filter(external_id__in=fine).update(resolved_at=uc.at)
    if done and not open_.exists():
        notify.resolve(uc, f"connection:{account.pk}:parked:{kind}")
    return done


def body_of(uc: UseCase, parked_id: int) -> str | None:
    """What came, as text; None if its time is over or nothing was kept. Reading it is audited."""
    texts = personal.read(uc, SUBJECT, [parked_id], reason="parked object")
    return texts.get((parked_id, BODY))
