"""The main use cases in pairs, with all their locks: whatever the interleaving, the books are right and nobody fails.

Every schedule with one preemption (see ``explorer``). Nobody may raise anything but the refusals of the use case itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from stallkeeper.channels import plans, rules
from stallkeeper.channels.models import SendPlan
from stallkeeper.channels.proposals import Proposal
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase
from stallkeeper.fulfilment import ship
from stallkeeper.orders import cancel, linking
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock import counts, holds, ledger
from stallkeeper.stock.ledger import Target
from stallkit.types import OrderState
from tests.races.explorer import Race, explore
from tests.races.locks.acting import Results, ordered, within
from tests.races.locks.orders import arrives, called_off, misfits, sold, unknown_line
from tests.shop import Shop

Act = Callable[[], object]


def again(shop: Shop, act: Callable[[UseCase], object]) -> Act:
    """A use case of the shop as its callers run it: once more if the database asks for that."""
    return again_on_conflict(within(shop, act))


def pair(shop: Shop, first: Act, second: Act, *refusals: type[Exception]) -> Race:
    results = Results()
    return Race(results.of(first, *refusals), results.of(second, *refusals), lambda: misfits(shop), runs_again=True)


def order_comes(shop: Shop, connection: int, order: str, units: int) -> Act:
    return again_on_conflict(lambda: ordered(shop, connection, order, [("MUG", units)]))


def said(shop: Shop, line: OrderLine, on_hand: int) -> Act:
    return again(shop, lambda uc: ledger.set_on_hand(uc, [Target(line.stock_unit_id, shop.place.pk, on_hand, f"race:{on_hand}")]))


def shipped(shop: Shop, line: OrderLine) -> Act:
    return lambda: ship.ship(shop.organisation.pk, line.order_id, None, carrier="Post", tracking_number="1", actor="user:1")


def cancelling(shop: Shop, line: OrderLine) -> Act:
    return lambda: called_off(shop, line)


def two_orders_for_the_last_units() -> Race:
    shop, connection, _ = sold()
    return pair(shop, order_comes(shop, connection, "o2", 2), order_comes(shop, connection, "o3", 2))


def one_order_twice() -> Race:
    shop, connection, _ = sold()
    one = order_comes(shop, connection, "o2", 2)
    return pair(shop, one, one)


def an_order_comes_while_another_is_shipped() -> Race:
    shop, connection, line = sold()
    return pair(shop, order_comes(shop, connection, "o2", 4), shipped(shop, line))


def an_order_comes_while_another_is_called_off() -> Race:
    shop, connection, line = sold()
    return pair(shop, order_comes(shop, connection, "o2", 4), cancelling(shop, line))


def called_off_while_it_is_shipped() -> Race:
    shop, _, line = sold()
    return pair(shop, cancelling(shop, line), shipped(shop, line), cancel.CancelError, ship.ShipError)


def two_that_wait_for_each_others_units() -> Race:
    """Both orders are short; what one gives back is the other's."""
    shop, connection, line = sold(4)
    ordered(shop, connection, "o2", [("MUG", 4)])
    with shop.scope():
        other = OrderLine.objects.exclude(pk=line.pk).get()
    return pair(shop, cancelling(shop, line), cancelling(shop, other))


def stock_falls_while_an_order_comes() -> Race:
    shop, connection, line = sold()
    return pair(shop, said(shop, line, 1), order_comes(shop, connection, "o2", 3))


def stock_falls_while_its_order_is_called_off() -> Race:
    shop, _, line = sold(4)
    return pair(shop, said(shop, line, 1), cancelling(shop, line))


def stock_falls_while_its_order_is_shipped() -> Race:
    shop, _, line = sold(4)
    return pair(shop, said(shop, line, 1), shipped(shop, line), ship.ShipError)


def stock_rises_while_a_short_order_is_called_off() -> Race:
    shop, _, line = sold(8)
    return pair(shop, said(shop, line, 9), cancelling(shop, line))


def counted_while_it_is_shipped() -> Race:
    shop, _, line = sold(4)
    unit = line.stock_unit_id
    count = again(shop, lambda uc: counts.record_count(uc, shop.place.pk, {unit: 4}, as_of=shop.at, reference="race"))
    return pair(shop, count, shipped(shop, line), ship.ShipError)


def rules_change_while_an_order_comes() -> Race:
    shop, connection, line = sold()
    with shop.scope():
        channel = Order.objects.get(pk=line.order_id).channel_id
    return pair(shop, again(shop, lambda uc: rules.save(uc, channel, share=50, buffer=1)), order_comes(shop, connection, "o2", 2))


def linked_while_an_order_comes() -> Race:
    shop = Shop.open()
    line = unknown_line(shop)
    with shop.scope():
        channel = line.order.channel
        unit = channel.listings.get().candidates[0]["unit"]
    link = lambda: linking.link_line(shop.organisation.pk, line.pk, unit, for_ever=True, actor="user:1")  # noqa: E731
    return pair(shop, link, order_comes(shop, channel.connection_id, "o2", 2))


def a_hold_is_set_when_it_lapses() -> Race:
    shop = Shop.open()
    unit = shop.unit("MUG", 5)
    within(shop, lambda uc: holds.keep_back(uc, unit, shop.place, 2, reason="race", expires_at=shop.at + timedelta(minutes=1)))()
    shop.later(minutes=2)
    later = shop.at + timedelta(hours=9)
    keep = again(shop, lambda uc: holds.keep_back(uc, unit, shop.place, 3, reason="race", expires_at=later))
    race = pair(shop, again(shop, holds.lapse), keep)

    def broken() -> str:
        return misfits(shop) or ("" if shop.level(unit) == (5, 0, 3) else f"{shop.level(unit)} although 3 are kept back")

    return Race(race.first, race.second, broken, runs_again=True)


def an_order_is_paid_when_its_hold_lapses() -> Race:
    shop, connection, line = sold(state=OrderState.PENDING)
    shop.later(hours=25)
    paid = again_on_conflict(arrives(shop, connection, OrderState.NEW, 1))
    race = pair(shop, again(shop, holds.lapse), paid)

    def broken() -> str:
        with shop.scope():
            line.refresh_from_db()
            unit = line.stock_unit
        assert unit is not None
        served = (line.short, shop.level(unit)) == (0, (5, 2, 0))
        return misfits(shop) or ("" if served else f"paid, with 5 there, but {line.short} short, {shop.level(unit)}")

    return Race(race.first, race.second, broken, runs_again=True)


def two_save_a_plan() -> Race:
    """S3.34: nobody fails, and the plan that was saved last is the open one."""
    shop, _, _ = sold()

    def save() -> int:
        with shop.scope():
            return plans.save(shop.organisation.pk, Proposal(), "user:1").pk

    race = pair(shop, save, save)

    def broken() -> str:
        with shop.scope():
            states = list(SendPlan.objects.order_by("pk").values_list("state", flat=True))
        return misfits(shop) or ("" if sorted(states) == ["open", "replaced"] else f"plans are {states}")

    return Race(race.first, race.second, broken, runs_again=True)


PAIRS = [
    two_save_a_plan,
    two_orders_for_the_last_units,
    one_order_twice,
    an_order_comes_while_another_is_shipped,
    an_order_comes_while_another_is_called_off,
    called_off_while_it_is_shipped,
    two_that_wait_for_each_others_units,
    stock_falls_while_an_order_comes,
    stock_falls_while_its_order_is_called_off,
    stock_falls_while_its_order_is_shipped,
    stock_rises_while_a_short_order_is_called_off,
    counted_while_it_is_shipped,
    rules_change_while_an_order_comes,
    linked_while_an_order_comes,
    a_hold_is_set_when_it_lapses,
    an_order_is_paid_when_its_hold_lapses,
]


@pytest.mark.parametrize("prepare", PAIRS, ids=lambda prepare: prepare.__name__)
def test_the_books_are_right_in_every_order(shared_race_db, prepare: Callable[[], Race]) -> None:
    found = explore(prepare, shared_race_db)
    assert (found.broken, found.schedule) == ("", ())
    assert found.schedules > 2
