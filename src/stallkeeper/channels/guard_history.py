"""What guarded mode decided, kept for explaining past figures: which units were guarded, and what each offer was given (ADR 0060)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection

from stallkeeper.channels import guard_queries as queries
from stallkeeper.core import history
from stallkeeper.core.copy import Ints
from stallkeeper.core.history import Changed, Fact
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock.availability import NOT_SET


def keep(uc: UseCase, offers: Mapping[str, Ints], after: Ints, rows: Sequence[int]) -> None:
    """The offers in these rows are given these figures; call it before they are written."""
    if rows:
        before, given = offers["intended"].tolist(), after.tolist()
        ids = offers["id"].tolist()
        history.note(uc, Fact.QUOTA, [Changed(ids[row], "", _figure(before[row]), _figure(given[row])) for row in rows])


def begin(uc: UseCase, units: Iterable[int]) -> None:
    """These units are guarded from now on."""
    history.note(uc, Fact.GUARD, [Changed(unit, "", None, True) for unit in units])


def end(uc: UseCase, units: Sequence[int]) -> None:
    """These units are guarded no longer; call it before their offers are given other figures."""
    if not units:
        return
    history.note(uc, Fact.GUARD, [Changed(unit, "", True, None) for unit in units])
    with connection.cursor() as cursor:
        given = queries.given(cursor, units)
    history.note(uc, Fact.QUOTA, [Changed(offer, "", figure, None) for offer, figure in given])


def _figure(number: int) -> int | None:
    return None if number == NOT_SET else number
