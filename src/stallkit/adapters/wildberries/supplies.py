"""Supplies: what is handed over to Wildberries together. An order is taken on by putting its units into an open one (03).

A supply holds one warehouse's units of one cargo type, from home or from abroad, for people or for firms. The list of supplies does not
tell the warehouse, so supplies made here say in their name what they are for, and only those are used: what people put together stays
theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from stallkit.adapters.wildberries.calls import Calls, failure_of
from stallkit.adapters.wildberries.manifest import ORDERS
from stallkit.adapters.wildberries.memory import Memory
from stallkit.adapters.wildberries.wire_orders import Unit
from stallkit.errors import Unintelligible
from stallkit.http import Reply, unreadable
from stallkit.types import Accepted, Outcome, Rejected

PAGE = 1_000
AT_ONCE = 100
"""03, PATCH /api/marketplace/v3/supplies/{supplyId}/orders: orders in one call."""
SAID_NO = frozenset({404, 409})


class Supply(msgspec.Struct):
    id: str
    done: bool
    name: str


class SupplyPage(msgspec.Struct):
    supplies: tuple[Supply, ...]
    next: int


class Made(msgspec.Struct):
    id: str


class Members(msgspec.Struct):
    orderIds: tuple[int, ...]  # noqa: N815 - as on the wire


class Supplies:
    def __init__(self, calls: Calls, memory: Memory) -> None:
        self._calls, self._memory = calls, memory

    def add(self, units: Iterable[Unit]) -> Outcome:
        """Put the units into open supplies of their kinds, made if there are none. A refusal leaves what went in before where it is."""
        kinds: dict[str, list[Unit]] = {}
        for unit in units:
            kinds.setdefault(name_for(unit), []).append(unit)
        for name, members in kinds.items():
            for first in range(0, len(members), AT_ONCE):
                outcome = self._put(name, members[first : first + AT_ONCE])
                if not isinstance(outcome, Accepted):
                    return outcome
        return Accepted()

    def _put(self, name: str, units: Sequence[Unit]) -> Outcome:
        """A supply that was handed over since we looked is followed by the next one; any other refusal stands."""
        supply_id = self._open(name)
        outcome = self._add(supply_id, units)
        if isinstance(outcome, Rejected) and (following := self._open(name)) != supply_id:
            outcome = self._add(following, units)
        if isinstance(outcome, Rejected):
            self._memory.supplies.pop(name, None)
        return outcome

    def _add(self, supply_id: str, units: Sequence[Unit]) -> Outcome:
        path = f"/api/marketplace/v3/supplies/{supply_id}/orders"
        body = {"orders": [unit.id for unit in units]}
        return outcome_of(self._calls.write("PATCH", path, ORDERS, json=body, accept=SAID_NO))

    def _open(self, name: str) -> str:
        """The open supply of this name. The one that was used last is looked at first, which saves walking through all of them."""
        known = self._memory.supplies.get(name)
        if known is None or not self._is_open(known):
            known = self._find(name) or self._make(name)
            self._memory.supplies[name] = known
        return known

    def _is_open(self, supply_id: str) -> bool:
        """An empty supply may be deleted by a person."""
        reply = self._calls.read("GET", f"/api/v3/supplies/{supply_id}", ORDERS, accept=SAID_NO)
        return reply.status not in SAID_NO and not reply.decode(Supply).done

    def _find(self, name: str) -> str | None:
        following, found = 0, None
        while True:
            params = {"limit": str(PAGE), "next": str(following)}
            page = self._calls.read("GET", "/api/v3/supplies", ORDERS, params=params).decode(SupplyPage)
            found = next((one.id for one in page.supplies if one.name == name and not one.done), found)
            if found or not page.supplies or page.next in {0, following}:
                return found
            following = page.next

    def _make(self, name: str) -> str:
        return self._calls.write("POST", "/api/v3/supplies", ORDERS, json={"name": name}).decode(Made).id

    def members(self, supply_id: str) -> set[int]:
        """The assembly orders in a supply."""
        return set(self._calls.read("GET", f"/api/marketplace/v3/supplies/{supply_id}/order-ids", ORDERS).decode(Members).orderIds)

    def deliver(self, supply_id: str) -> Outcome:
        """Close the supply and say that it is on its way. Refused while goods in it lack a marking that the law wants."""
        return outcome_of(self._calls.write("PATCH", f"/api/v3/supplies/{supply_id}/deliver", ORDERS, accept=SAID_NO))


def name_for(unit: Unit) -> str:
    """What a supply for this unit is called: warehouse, cargo type, kind of border."""
    firm = "/b2b" if unit.options is not None and unit.options.isB2B else ""
    return f"Stallkeeper {unit.warehouseId}/{unit.cargoType}/{unit.crossBorderType}{firm}"


def outcome_of(reply: Reply) -> Outcome:
    """204 is a yes, anything accepted is a no in the platform's words; a page of HTML is neither."""
    if reply.status == 204:
        return Accepted()
    if reply.status not in SAID_NO:
        raise unreadable(f"HTTP {reply.status} where 204 is a yes", writes=True, status=reply.status)
    told = failure_of(reply)
    if told is None:
        raise Unintelligible(f"HTTP {reply.status} without a word", status=reply.status)
    return Rejected(told.word, told.text)
