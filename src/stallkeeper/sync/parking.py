"""Objects that could not be understood: kept, counted and visible, while everything behind them goes on (rule 4, C12)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F

from stallkeeper.channels.models import Connection, Parked
from stallkeeper.core import notify
from stallkeeper.core.models import Severity
from stallkeeper.core.use_case import UseCase
from stallkit.types import Parked as ParkedObject


def park(uc: UseCase, account: Connection, kind: str, objects: Sequence[ParkedObject]) -> None:
    """Keep the objects and say so once per connection. The same object again is counted up."""
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
    if objects:
        first = objects[0]
        title = f"{account.name}: {kind} {first.external_id} cannot be read"
        notify.raise_(uc, f"connection:{account.pk}:parked:{kind}", Severity.WARNING, title, first.reason)


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
