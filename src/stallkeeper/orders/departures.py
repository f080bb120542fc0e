"""Goods that left without us: the channel says that units were shipped which we never handed over (in its own screens, by its own people).

The shelf has to follow: the units leave our stock as if we had shipped them, from where they were allocated. The other way round a person
decides: some channels let a shipment be taken back for a while, and whether the goods are here, nobody but a person knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from stallkeeper.core import notify
from stallkeeper.core.models import Severity
from stallkeeper.core.sql import Cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import events, queries
from stallkeeper.orders.models import Order
from stallkeeper.orders.queries import WrittenLine
from stallkeeper.stock import ledger, places, reserve
from stallkeeper.stock.ledger import Move
from stallkeeper.stock.models import Cause, VirtualRole
from stallkit.registry import manifest_of
from stallkit.types import RemoteOrder
from stallkit.words import joined
from stallkit.words import said as _

Parts = Mapping[int, tuple[tuple[int, int], ...]]


def follow(
    uc: UseCase, cursor: Cursor, rows: Sequence[WrittenLine], orders: Mapping[int, RemoteOrder], ours: set[int], parts: Parts
) -> dict[int, int]:
    """Bring ``shipped`` up to what the channel says; goods of lines that we serve leave stock. Returns sold units gone per line."""
    gone = {row.id: units for row in rows if (units := left_without_us(orders[row.order_id], row))}
    if not gone:
        return {}
    for row in rows:
        if row.id in gone and row.id in ours and row.unit_id is not None:
            taken = {unit: number * row.pack_factor * gone[row.id] for unit, number in parts.get(row.unit_id, ())}
            # With the moment: what came back may be reported as gone once more.
            leave(uc, row.id, taken, f"remote:{row.id}:{row.shipped + gone[row.id]}:{uc.at.timestamp():.3f}")
    queries.add_shipped(cursor, list(gone), list(gone.values()))
    queries.lower_shortages(cursor, uc.at, list(gone))
    return gone


def left_without_us(order: RemoteOrder, row: WrittenLine) -> int:
    """Units of the line that have been shipped by the channel's word, and not by ours."""
    said = next((line.shipped for line in order.lines if line.line_id == row.line_id), 0)
    return max(min(said, row.ordered - row.cancelled) - row.shipped, 0)


def compare(
    uc: UseCase, cursor: Cursor, rows: Sequence[WrittenLine], orders: Mapping[int, RemoteOrder], fetched_at: datetime
) -> dict[int, int]:
    """Keep in mind of which shipped units the channel says no longer that they have left, and tell people while there are any.

    Returns these units by line. A platform that learns of it by its own scan says nothing before that.
    """
    told = [row for row in rows if not orders[row.order_id].scanned]
    gone = [row for row in told if row.shipped and (row.taken_back or _told(orders[row.order_id], row) < row.shipped)]
    if not gone:
        return {}
    unheard = queries.unheard_shipments(cursor, [row.id for row in gone], fetched_at)
    back = {row: max(row.shipped - unheard.get(row.id, 0) - _told(orders[row.order_id], row), 0) for row in gone}
    changed = {row: units for row, units in back.items() if units != row.taken_back}
    if changed:
        queries.set_taken_back(cursor, [row.id for row in changed], list(changed.values()))
        _tell(uc, changed, back)
    return {row.id: units for row, units in back.items() if units}


def _told(order: RemoteOrder, row: WrittenLine) -> int:
    """Shipped units by the channel's word; a line that it does not mention is no word about what has left."""
    return next((line.shipped for line in order.lines if line.line_id == row.line_id), row.shipped)


def _tell(uc: UseCase, changed: Iterable[WrittenLine], back: Mapping[WrittenLine, int]) -> None:
    lines: dict[int, dict[str, int]] = defaultdict(dict)
    for row, units in back.items():
        if units:
            lines[row.order_id][row.line_id] = units
    touched = {row.order_id for row in changed}
    for order in Order.objects.select_related("connection").filter(pk__in=touched & lines.keys()).order_by("pk"):
        detail: dict[str, object] = {"lines": lines[order.pk]}
        events.record(uc, order.pk, "taken_back", detail)
        title = _("Order {number}: the channel says that goods have not left", number=order.number)
        notify.raise_(uc, notice_of(order.pk), Severity.WARNING, title, _advice(order))
    notify.resolve(uc, *(notice_of(order) for order in sorted(touched - lines.keys())))


def _advice(order: Order) -> str:
    manifest = manifest_of(order.connection.platform)
    window = manifest.quirks.correction_window
    hours = round(window.total_seconds() / 3600) if window else 0
    how_long = [_("{platform} allows that for {hours} hours.", platform=manifest.title, hours=hours)] if window else []
    here = _(
        "If they are here, say so: “Not left after all” on the order's page, or stallkeeper not-left {number}. If they have left, put it "
        "right on the channel.",
        number=order.number,
    )
    return joined([_("It said before that they had."), *how_long, here])


def notice_of(order_id: int) -> str:
    """The key of the notification that stands while the channel says that goods of the order have not left."""
    return f"order:{order_id}:taken_back"


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
