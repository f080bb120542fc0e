"""The velocity guard: while a product sells fast, as much as a part of the last hour's sales is kept back (ADR 0051).

Orders come to us later than they are sold. What sells ten an hour sells some more before we know; what sells one a week does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db import connection

from stallkeeper.channels import overriding_queries as queries
from stallkeeper.channels.overriding_queries import SoldRow
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.core import clock
from stallkeeper.core.copy import Ints
from stallkeeper.core.sql import Cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock.reserve import STALE

WINDOW = timedelta(hours=1)
MOST = 5_000
"""Sales that one transaction lets pass."""
History = Callable[[int, datetime, datetime], list[SoldRow]]
"""What orders of an organisation took, between two moments."""
_histories: list[History] = []


def history(read: History) -> History:
    """Register who knows the orders, which is above this layer: for the hour before anybody asked."""
    _histories.append(read)
    return read


def in_use(channels: Iterable[ChannelFacts]) -> bool:
    """Whether any rule of any channel, category or product keeps sales back."""
    return any(channel.paced for channel in channels)


def sold(
    organisation: int, channels: Iterable[ChannelFacts], units: Ints, *, whole: bool, proposed: bool = False
) -> dict[str, Ints] | None:
    """Units sold in the last hour by counted unit, rising, of the given units or of all; None where no rule asks for it.

    Where a rule is only proposed, of a channel or (``proposed``) of a category or product, nothing is written down yet: then the orders are
    asked.
    """
    facts = list(channels)
    if in_use(facts):
        return queries.sold_lately(organisation, units, whole=whole)
    if not proposed and not any(channel.velocity_share for channel in facts):
        return None
    sums: dict[int, int] = {}
    for unit, quantity, _at in _of_the_hour(organisation, clock.now()):
        sums[unit] = sums.get(unit, 0) + quantity
    rising = sorted(sums)
    return {"unit": np.array(rising, dtype=np.int64), "quantity": np.array([sums[unit] for unit in rising], dtype=np.int64)}


def _of_the_hour(organisation: int, at: datetime) -> list[SoldRow]:
    return [row for read in _histories for row in read(organisation, at - WINDOW, at)]


def hold_rules(cursor: Cursor, organisation: int) -> None:
    """Sales come in: until this commits no rule begins to keep sales back. Called before channels are asked whether one does.

    Then either ``record`` sees the first rule, or ``begin`` sees the order. Whoever else takes in orders is not kept waiting. Locks: the
    organisation's sales, shared, before anything that who saves rules may want (docs/locks.md).
    """
    queries.hold_rules(cursor, organisation)


def hold_sales(uc: UseCase, rules: Iterable[Mapping[str, object]]) -> None:
    """These rules are about to be saved. If one of them keeps sales back: until this commits nobody takes in orders or saves another such.

    Who is in the middle of that is waited for. Locks: the organisation's sales, before channels.
    """
    if any(said.get("velocity_share") for said in rules):
        with connection.cursor() as cursor:
            queries.hold_sales(cursor, uc.organisation_id)


def begin(uc: UseCase) -> None:
    """The first rule keeps sales back: the last hour is written down, in place of what may be left of an earlier time.

    The caller holds sales off.
    """
    with connection.cursor() as cursor:
        queries.pass_all(cursor, uc.organisation_id, uc.at)
    write(uc, _of_the_hour(uc.organisation_id, uc.at))


def record(uc: UseCase, channels: Mapping[int, ChannelFacts], sales: Sequence[SoldRow]) -> None:
    """Orders have taken so many of these counted units; of use only where a rule asks for it. Their offers are looked at again.

    The caller has held rules off since before ``channels`` were gathered.

    What was sold longer ago than the window is left out, and nothing is sold later than now, whatever the channel's clock says.
    """
    if not in_use(channels.values()):
        return
    write(uc, [(unit, quantity, min(sold_at, uc.at)) for unit, quantity, sold_at in sales if sold_at > uc.at - WINDOW])


def write(uc: UseCase, sales: Sequence[SoldRow]) -> None:
    """Keep sales of the window."""
    if sales:
        with connection.cursor() as cursor:
            queries.insert_sales(cursor, uc.organisation_id, uc.at, sales)
        uc.mark(STALE, [unit for unit, _quantity, _at in sales])


def lapse(uc: UseCase) -> int:
    """Sales that have left the window count no longer, and the offers of their units show more again; how many units."""
    with connection.cursor() as cursor:
        units = queries.pass_sales(cursor, uc.organisation_id, uc.at, uc.at - WINDOW, MOST)
    uc.mark(STALE, units)
    return len(units)
