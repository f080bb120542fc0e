"""Goods that left without us: the channel says that units were shipped which we never handed over (in its own screens, by its own people).

The shelf has to follow: the units leave our stock as if we had shipped them, from where they were allocated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stallkeeper.core.sql import Cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import queries
from stallkeeper.orders.queries import WrittenLine
from stallkeeper.stock import ledger, places, reserve
from stallkeeper.stock.ledger import Move
from stallkeeper.stock.models import Cause, VirtualRole
from stallkit.types import RemoteOrder

Parts = Mapping[int, tuple[tuple[int, int], ...]]


def follow(
    uc: UseCase, cursor: Cursor, rows: Sequence[WrittenLine], orders: Mapping[int, RemoteOrder], ours: set[int], parts: Parts
) -> dict[int, int]:
    """Bring ``shipped`` up to what the channel says; goods of lines that we serve leave stock. Returns sold units gone per line."""
    gone = {row.id: _shipped(orders[row.order_id], row) - row.shipped for row in rows}
    gone = {line: units for line, units in gone.items() if units > 0}
    if not gone:
        return {}
    for row in rows:
        if row.id in gone and row.id in ours and row.unit_id is not None:
            taken = {unit: number * row.pack_factor * gone[row.id] for unit, number in parts.get(row.unit_id, ())}
            leave(uc, row.id, taken, f"remote:{row.id}:{row.shipped + gone[row.id]}")
    queries.add_shipped(cursor, list(gone), list(gone.values()))
    return gone


def _shipped(order: RemoteOrder, row: WrittenLine) -> int:
    said = next((line.shipped for line in order.lines if line.line_id == row.line_id), 0)
    return min(said, row.ordered - row.cancelled)


def leave(uc: UseCase, line_id: int, units: Mapping[int, int], reference: str, reason: str = "") -> None:
    """Goods of a line leave: its allocation is given up and the movements are posted, from the places that it was allocated at.

    Units that were never allocated were not on our shelf by our books: nothing moves for them.
    """
    customer = places.virtual(uc, VirtualRole.CUSTOMER).pk
    taken = reserve.take_out(uc, "line", line_id, units, cause="shipped")
    ledger.post(
        uc,
        [
            Move(unit, quantity, location, customer, Cause.SHIP, f"{reference}:{unit}:{location}", uc.at, reason)
            for (unit, location), quantity in sorted(taken.items())
        ],
    )
