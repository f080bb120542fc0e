"""Which lines of an order are meant, and how many units of each: to ship, or to cancel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stallkeeper.orders.models import Order, OrderLine
from stallkit.words import said as _


def asked_of(
    order: Order, rows: Sequence[OrderLine], quantities: Mapping[int, int] | None, error: type[ValueError]
) -> list[tuple[OrderLine, int]]:
    """Lines of the order (``rows``) with sold units: ``quantities`` by line but for those of which none is asked, or all that is open.

    ``error`` is raised for a line of another order. Numbers are as they were given: the caller says how many there may be.
    """
    if quantities is None:
        return [(row, row.open) for row in rows if row.open]
    by_id = {row.pk: row for row in rows}
    if strange := [line for line, units in quantities.items() if units and line not in by_id]:
        raise error(_("line {line} does not belong to order {number}", line=strange[0], number=order.number))
    return [(by_id[line], units) for line, units in quantities.items() if units]
