"""The lost intended quantity: two orders for one unit, served from different places, at the same time.

Each transaction locks the level at its own place, so levels do not keep them apart; only the offers do. With the facts gathered after
the lock the last one to commit sees both sales; with no lock each writes a figure that has forgotten the other's sale.
"""

from __future__ import annotations

import threading

import pytest

from stallkeeper.channels import queries
from stallkeeper.orders import entering, intake
from tests.shop import Shop, remote_order


def two_places(shop: Shop):
    """A unit at two places; a channel for each place, and a third that shows the sum."""
    second = shop.add_place("SECOND")
    unit = shop.unit("MUG", {"MAIN": 5, "SECOND": 5})
    channels = [shop.channel(locations=[shop.place]), shop.channel(locations=[second])]
    for channel in channels:
        shop.offer(channel, unit)
    with shop.use_case("accept.orders") as uc:
        # The first sealed row makes the organisation's data key; without one the two transactions would meet there.
        intake.accept(uc, channels[0].connection_id, [remote_order("warm-up", [("OTHER", 1)])], shop.at)
    both = shop.channel(locations=[shop.place, second])
    return channels, shop.offer(both, unit)


def sell_at_once(shop: Shop, channels, race_db) -> None:
    def sell(number: int):
        def run() -> None:
            with shop.use_case("accept.orders") as uc:
                intake.accept(uc, channels[number].connection_id, [remote_order(f"o{number}", [("MUG", 1)])], shop.at)

        return run

    race_db.together(sell(0), sell(1))


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch):
    """Both transactions reach the point where offers are locked before either goes on; nobody waits there a second time."""
    barrier = threading.Barrier(2)
    here = threading.local()

    def wait() -> None:
        if not hasattr(here, "met"):
            here.met = True
            barrier.wait(60)

    return wait


def test_with_the_lock_no_sale_is_forgotten(race_db, monkeypatch: pytest.MonkeyPatch, meeting) -> None:
    shop = Shop.open()
    channels, offer = two_places(shop)
    locked = queries.ask_offers_of_units

    def lock(units):
        meeting()
        return locked(units)

    monkeypatch.setattr(queries, "ask_offers_of_units", lock)
    sell_at_once(shop, channels, race_db)
    assert shop.intended(offer) == 8


def test_without_the_lock_a_sale_is_forgotten(race_db, monkeypatch: pytest.MonkeyPatch, meeting) -> None:
    shop = Shop.open()
    channels, offer = two_places(shop)
    ask = queries.ask_places_of_units

    def unlocked(units):
        return lambda: queries.read_offers_of_units(units)

    def gathered(units):
        facts = ask(units)()
        meeting()
        return lambda: facts

    monkeypatch.setattr(entering, "QUEUED", 0)
    monkeypatch.setattr(queries, "ask_offers_of_units", unlocked)
    monkeypatch.setattr(queries, "ask_places_of_units", gathered)
    sell_at_once(shop, channels, race_db)
    assert shop.intended(offer) == 9
