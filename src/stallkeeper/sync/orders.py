"""First step of a trade run: pull the orders that are new or changed, page by page.

A page's orders, the cursor and the parked objects are committed together, so a crash between pages loses nothing and repeats nothing. The
watermark moves, with the last page of a pull, to the moment when its first page was asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from django.db import InterfaceError, OperationalError, connection

from stallkeeper.channels import lanes_queries
from stallkeeper.channels.lanes import LaneLost
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders.intake import IntakeError, IntakeResult, accept
from stallkeeper.orders.models import Order
from stallkeeper.sync import parking
from stallkeeper.sync.run import Current, Done, now
from stallkit.errors import Refused, Unintelligible
from stallkit.manifest import Capability
from stallkit.pacing import Priority
from stallkit.types import Page, Parked, RemoteOrder

log = logging.getLogger(__name__)

STEP = "orders"
POISON = 3
"""If more orders than this fail and none succeeds, the fault is ours: nothing is parked and the cursor stays."""


def pulls(current: Current) -> bool:
    """Whether this connection's orders are ours to read."""
    return (
        current.serves("orders")
        and current.session.can(Capability.PULL_ORDERS)
        and any(channel.orders_enabled for channel in current.channels)
    )


def pull(current: Current) -> Done:
    """Pull until the list is done or the time is up."""
    if not pulls(current):
        return Done()
    place = current.place(STEP)
    cursor, begun, items = place.cursor, place.begun_at, 0
    while True:
        asked = now()
        begun = begun or asked
        page: Page[RemoteOrder] = with_parents(current, current.call(Priority.ORDER, current.session.adapter.pull_orders, cursor))
        items += take(current, page, asked, begun)
        cursor = page.cursor
        if page.done:
            current.watermark = begun
            return Done(items, not_before=asked + current.session.manifest.order_interval)
        if current.out_of_time:
            return Done(items, again_at=now())


def with_parents(current: Current, page: Page[RemoteOrder]) -> Page[RemoteOrder]:
    """The page, and beside orders that were cut off known ones, those as they are now: units change hands in one transaction.

    One that cannot be read is left out; the units count twice then until it is listed.
    """
    parts = {order.order_id: order.split_from for order in page.items if order.split_from}
    if not parts or current.session.manifest.quirks.split_within is None or not current.session.can(Capability.READ_ORDER):
        return page
    known = set(
        Order.objects.filter(connection=current.connection, external_id__in=[*parts, *parts.values()]).values_list("external_id", flat=True)
    )
    wanted = {parent for child, parent in parts.items() if child not in known} & known - {order.order_id for order in page.items}
    read = [order for number in sorted(wanted) if (order := _read(current, number)) is not None]
    return replace(page, items=(*page.items, *read))


def _read(current: Current, number: str) -> RemoteOrder | None:
    try:
        return cast("RemoteOrder | None", current.call(Priority.ORDER, current.session.adapter.read_order, number))
    except (Refused, Unintelligible) as error:
        log.warning("order %s, which another one was cut off, could not be read: %s", number, error)
        return None


def take(current: Current, page: Page[RemoteOrder], asked: datetime, begun: datetime) -> int:
    """Commit a page; returns how many orders were new or changed. An order that cannot be taken in is parked, alone."""
    parked: tuple[Parked, ...] = page.parked
    try:
        return _commit(current, page, page.items, parked, asked, begun)
    except (LaneLost, IntakeError, OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("connection %s: a page of orders failed, taking it apart", current.connection.pk)
    taken, poison = take_apart(current, page.items, asked, current.watermark)
    if not taken and len(poison) > POISON:
        raise IntakeError(f"all {len(poison)} orders of a page failed, the first with: {poison[0].reason}")
    return taken + _commit(current, page, (), (*parked, *poison), asked, begun)


def take_apart(
    current: Current, items: Sequence[RemoteOrder], asked: datetime, read_to: datetime | None = None
) -> tuple[int, list[Parked]]:
    """Take the good orders of a failing group by halving it; returns how many, and the ones that fail alone. ``read_to`` as in
    ``accept``."""
    if not items:
        return 0, []
    try:
        result = current.commit("accept_orders", lambda uc: accept(uc, current.connection.pk, items, asked, read_to))
    except (LaneLost, IntakeError, OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(items) == 1:
            log.exception("order %s of connection %s is parked", items[0].order_id, current.connection.pk)
            return 0, [Parked(items[0].order_id, f"{type(error).__name__}: {error}"[:500], items[0].raw)]
    else:
        _tell(result)
        return result.new + result.changed, []
    half = len(items) // 2
    first, second = take_apart(current, items[:half], asked, read_to), take_apart(current, items[half:], asked, read_to)
    return first[0] + second[0], first[1] + second[1]


def _commit(
    current: Current,
    page: Page[RemoteOrder],
    items: Sequence[RemoteOrder],
    parked: Sequence[Parked],
    asked: datetime,
    begun: datetime,
) -> int:
    """One transaction: orders, what is parked, and the place after the page."""
    mark = (None, begun) if page.done else (begun, None)

    def change(uc: UseCase) -> IntakeResult:
        result = accept(uc, current.connection.pk, items, asked, current.watermark)
        parking.unpark(uc, current.connection, "order", [order.order_id for order in page.items], except_=parked)
        parking.park(uc, current.connection, "order", parked)
        with connection.cursor() as cursor:
            lanes_queries.write_cursor(cursor, uc.organisation_id, current.held.lane_id, STEP, page.cursor, *mark)
        return result

    result = current.commit("accept_orders", change)
    _tell(result)
    return result.new + result.changed


def _tell(result: IntakeResult) -> None:
    """One line per page that brought news, with the orders' numbers on the channel."""
    if result.entered or result.taken_over:
        fields = {"new": result.new, "changed": result.changed, "short_lines": result.short_lines, "unmapped_lines": result.unmapped_lines}
        log.info("orders taken in", extra={**fields, "orders": sorted(result.entered), "changed_orders": sorted(result.taken_over)})
