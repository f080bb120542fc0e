"""Reading assembly orders: pages, single orders (which Wildberries cannot be asked for by their number), and what became of the units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from stallkit.adapters.wildberries import walk, wire_orders
from stallkit.adapters.wildberries.calls import Calls
from stallkit.adapters.wildberries.dbs import Dbs
from stallkit.adapters.wildberries.manifest import ORDERS
from stallkit.adapters.wildberries.memory import Memory
from stallkit.adapters.wildberries.walk import Window
from stallkit.adapters.wildberries.wire_orders import Group, Status, Told
from stallkit.errors import Unintelligible
from stallkit.types import Page, RemoteOrder

PAGE = 1_000
"""03, GET /api/v3/orders, limit; also the most numbers that POST /api/v3/orders/status takes."""
DAY = 86_400
LOOKS = (DAY, 3 * DAY, 10 * DAY, walk.MONTH, 2 * walk.MONTH, 3 * walk.MONTH)
"""How far back an order is looked for that this process has never read, one step after the other: they are listed for three months."""


class Assembly:
    """``dbs``: the orders that the seller delivers, where they are read too."""

    def __init__(self, calls: Calls, clock: Callable[[], datetime], memory: Memory, dbs: Dbs | None = None) -> None:
        self._calls, self._clock, self.memory, self._dbs = calls, clock, memory, dbs

    def now(self) -> int:
        return int(self._clock().timestamp())

    # --- the pull -----------------------------------------------------------------------------------------------------------------------

    def pull(self, cursor: str) -> Page[RemoteOrder]:
        """The baskets that begin on the page at the cursor, whole; see ``walk``."""
        place = walk.place_from(cursor, self.now())
        window = place.window or Window(0)
        units, later, following = self._page_and_next(window)
        here = [one for one in units if walk.mark(one.basket) not in window.told]
        begun = {one.basket for one in here}
        groups, parked = wire_orders.group([*here, *(one for one in later if one.basket in begun)])
        told = [one for one in groups if one.placed_at.timestamp() >= window.tells_from]
        orders, odd = wire_orders.parse_groups(told, self.statuses(told))
        goes_on = {one.basket for one in units} & {one.basket for one in later}
        after, done = walk.after(place, following, tuple(sorted(map(walk.mark, goes_on))), more=bool(later), now=self.now())
        if done and self._dbs is not None:
            own, strange, after = self._dbs.step(after)
            orders, odd = (*orders, *own), (*odd, *strange)
        return Page(orders, walk.write_cursor(after), done, (*parked, *odd))

    def _page_and_next(self, window: Window) -> tuple[list[Told], list[Told], int]:
        """The page at ``next``, as much of what follows as its baskets reach, and where the following page begins."""
        units, following = self._page(window, window.next)
        later: list[Told] = []
        ahead = following
        while ahead:
            more, ahead = self._page(window, ahead)
            later += more
            if not more or more[-1].basket not in {one.basket for one in units}:
                break
        return units, later, following

    def _page(self, window: Window, following: int) -> tuple[list[Told], int]:
        """One call, and where to go on, 0 at the end. How a list ends is not documented: by an empty page, or without progress."""
        params = {"limit": str(PAGE), "next": str(following), "dateFrom": str(window.start)}
        if window.end:
            params["dateTo"] = str(window.end)
        page = self._calls.read("GET", "/api/v3/orders", ORDERS, params=params).decode(wire_orders.UnitPage)
        units = [wire_orders.read_unit(bytes(raw)) for raw in page.orders]
        return units, page.next if units and page.next != following else 0

    # --- single orders ------------------------------------------------------------------------------------------------------------------

    def find(self, order_ids: Iterable[str]) -> dict[str, Group]:
        """These orders, whole; one that is not among those of three months is left out."""
        wanted = set(order_ids)
        found: dict[str, Group] = {}
        for window in self._known(wanted):
            found |= self.between(window, wanted)
        reach = self.now()
        for look in LOOKS:
            if wanted <= found.keys():
                break
            start = self.now() - look
            found |= self._whole(self.between(Window(start, reach + walk.SPREAD), wanted - found.keys()), start)
            reach = start
        return found

    def _known(self, wanted: Iterable[str]) -> list[Window]:
        """The periods in which the orders lie that have been read before, those that overlap as one."""
        spans = sorted(self.memory.times[order_id] for order_id in wanted if order_id in self.memory.times)
        windows: list[Window] = []
        for first, last in spans:
            start, end = first - walk.SPREAD, last + walk.SPREAD
            if windows and start <= windows[-1].end and end - windows[-1].start <= walk.MONTH:
                windows[-1] = Window(windows[-1].start, max(end, windows[-1].end))
            else:
                windows.append(Window(start, end))
        return windows

    def _whole(self, found: Mapping[str, Group], start: int) -> dict[str, Group]:
        """Orders near the start of the period that was read may have units before it."""
        near = {order_id: one for order_id, one in found.items() if one.placed_at.timestamp() < start + walk.SPREAD}
        again: dict[str, Group] = {}
        for order_id, one in near.items():
            first, last = int(one.placed_at.timestamp()), int(one.last_at.timestamp())
            again |= self.between(Window(first - walk.SPREAD, last + walk.SPREAD), {order_id})
        return {**found, **again}

    def between(self, window: Window, wanted: Iterable[str]) -> dict[str, Group]:
        """Those of the wanted orders that lie in a period. Unintelligible if one of them cannot be understood."""
        names = set(wanted)
        groups, parked = wire_orders.group(self.units_of(window))
        for odd in parked:
            if any(name.split("/")[0] == odd.external_id for name in names):
                raise Unintelligible(f"order {odd.external_id}: {odd.reason}")
        found = {one.order_id: one for one in groups if one.order_id in names}
        for one in found.values():
            self.memory.keep(one)
        return found

    def units_of(self, window: Window) -> list[Told]:
        """All units of a period, page after page."""
        units, following = self._page(window, 0)
        while following:
            more, following = self._page(window, following)
            units += more
        return units

    def statuses(self, groups: Sequence[Group]) -> dict[int, Status]:
        """What became of the units. One that cannot be read is left out, and its order parked by whoever misses it."""
        ids = [unit.id for one in groups for unit in one.units]
        for one in groups:
            self.memory.keep(one)
        found: dict[int, Status] = {}
        for first in range(0, len(ids), PAGE):
            body = {"orders": ids[first : first + PAGE]}
            page = self._calls.read("POST", "/api/v3/orders/status", ORDERS, json=body).decode(wire_orders.StatusPage)
            found |= {status.id: status for status in map(_status, page.orders) if status is not None}
        return found

    def read(self, order_id: str) -> RemoteOrder | None:
        one = self.find([order_id]).get(order_id)
        if one is None:
            return None
        try:
            return wire_orders.parse_group(one, self.statuses([one]))
        except ValueError as error:
            raise Unintelligible(f"order {order_id}: {error}") from error


def _status(raw: msgspec.Raw) -> Status | None:
    try:
        return msgspec.json.decode(raw, type=Status)
    except ValueError:
        return None
