"""Locks of levels, reservations, holds and places."""

from __future__ import annotations

from datetime import date, timedelta

from stallkeeper.channels import refresh
from stallkeeper.stock import holds, incoming, ledger, places
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Level, Location, ManualHold, Reservation, Stale
from tests.races.explorer import How, Race
from tests.races.locks import Belt, Pair, Proof
from tests.races.locks.acting import in_turn, once, within
from tests.shop import Shop


def two_say_ten() -> Race:
    shop = Shop.open()
    unit = shop.unit("MUG", 3)

    def say(name: str):
        return within(shop, lambda uc: ledger.set_on_hand(uc, [Target(unit.pk, shop.place.pk, 10, name)]))

    return Race(say("first"), say("second"), lambda: "" if shop.level(unit) == (10, 0, 0) else f"on hand is {shop.level(unit)}")


def a_hold_is_set_twice() -> Race:
    shop = Shop.open()
    unit = shop.unit("MUG", 5)

    def keep(quantity: int):
        return within(shop, lambda uc: holds.set_hold(uc, 1, unit.pk, shop.place.pk, quantity, reason="race"))

    keep(1)()

    def broken() -> str:
        with shop.scope():
            kept = Reservation.objects.get(owner_type="manual", owner_id=1, stock_unit=unit).quantity
        return "" if shop.level(unit)[2] == kept else f"the level holds {shop.level(unit)[2]}, the hold {kept}"

    return Race(keep(2), keep(3), broken)


def a_hold_is_lifted_twice() -> Race:
    shop = Shop.open()
    unit = shop.unit("MUG", 5)
    within(shop, lambda uc: holds.keep_back(uc, unit, shop.place, 2, reason="race"))()
    return once(within(shop, lambda uc: holds.keep_back(uc, unit, shop.place, 0, reason="race")), holds.HoldError)


def a_hold_is_prolonged_when_it_lapses() -> Race:
    shop = Shop.open()
    unit = shop.unit("MUG", 5)
    soon = shop.at + timedelta(minutes=1)
    within(shop, lambda uc: holds.keep_back(uc, unit, shop.place, 2, reason="race", expires_at=soon))()
    later = shop.at + timedelta(hours=9)
    shop.later(minutes=2)
    prolong = within(shop, lambda uc: holds.keep_back(uc, unit, shop.place, 2, reason="race", expires_at=later))

    def broken() -> str:
        with shop.scope():
            held = list(ManualHold.objects.filter(stock_unit=unit).values_list("expires_at", flat=True))
        return "" if (held, shop.level(unit)) == ([later], (5, 0, 2)) else f"{held}, {shop.level(unit)} although it was prolonged"

    return Race(within(shop, holds.lapse), prolong, broken)


def incoming_is_said_twice() -> Race:
    shop = Shop.open()
    unit, day = shop.unit("MUG", 5), date(2026, 3, 9)

    def say(quantity: int):
        return within(shop, lambda uc: incoming.set_incoming(uc, unit, shop.place, day, quantity))

    say(3)()
    return in_turn(3, (say(5), 5), (say(7), 7))


def a_place_changes_twice() -> Race:
    shop = Shop.open()
    found: list[object] = []

    def change(priority: int):
        return lambda: found.append(within(shop, lambda uc: places.change(uc, shop.place.pk, {"priority": priority}))())

    def broken() -> str:
        told = sorted(one["priority"] for one in found)
        return "" if told in ([[10, 30], [30, 40]], [[10, 40], [40, 30]]) else f"audited: {told}"

    return Race(change(30), change(40), broken)


def a_level_is_made_while_backorder_changes() -> Race:
    shop = Shop.open()
    unit, place = shop.unit("MUG", 5), shop.add_place("SHELF")

    def broken() -> str:
        with shop.scope():
            level = Level.objects.get(stock_unit=unit, location=place)
            word = Location.objects.get(pk=place.pk).allows_backorder
        return "" if level.backorder == word else f"the place says {word}, its level {level.backorder}"

    return Race(
        within(shop, lambda uc: places.change(uc, place.pk, {"allows_backorder": True})),
        within(shop, lambda uc: ledger.set_on_hand(uc, [Target(unit.pk, place.pk, 4, "first")])),
        broken,
    )


def two_drain_stale_units() -> Race:
    shop = Shop.open()
    units = [shop.unit(sku, 5) for sku in ("CUP", "MUG")]
    with shop.scope():
        Stale.objects.bulk_create(Stale(organisation=shop.organisation, stock_unit=unit) for unit in units)
    one = within(shop, lambda uc: refresh.drain_stale(uc, 1))

    def broken() -> str:
        with shop.scope():
            return "a unit still waits" if Stale.objects.exists() else ""

    return Race(one, one, broken, unhindered=True)


LOCKS: dict[str, Proof] = {
    "stock/queries.py:LOCK_LEVELS": Pair("on hand is compared and set by one at a time", two_say_ten, "FROM stock_level"),
    "stock/queries.py:lock_reservations": Pair(
        "reservations of one owner change one after the other", a_hold_is_set_twice, "FROM stock_reservation"
    ),
    "stock/holds.py:_lift": Pair("a hold is lifted once", a_hold_is_lifted_twice, "stock_manualhold"),
    "stock/holds.py:_over": Pair("a hold that was prolonged stays", a_hold_is_prolonged_when_it_lapses, "stock_manualhold"),
    "stock/incoming.py:set_incoming": Pair("what was said before, in the audit", incoming_is_said_twice, "stock_incoming"),
    "stock/places.py:change": Pair("what the place was before, in the audit", a_place_changes_twice, "stock_location"),
    "stock/places_queries.py:lock_all_levels": Pair(
        "no level is made with the place's old word", a_level_is_made_while_backorder_changes, "LOCK TABLE"
    ),
    "stock/queries.py:queue_up": Belt("each commit wakes one of those who wait for a unit", "levels are locked all the same"),
    "stock/queries.py:take_stale": Pair("nobody waits to drain", two_drain_stale_units, "DELETE FROM stock_stale", How.WAIT),
    "stock/queries.py:latest_due_allocations": Belt(
        "allocations that are cut", "LOCK_LEVELS: whoever writes a reservation holds its level"
    ),
    "stock/places_queries.py:promised_beyond": Belt("promises beyond what is there", "lock_all_levels: nobody else changes a level"),
}
