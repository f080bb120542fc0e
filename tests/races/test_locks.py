"""Every row lock by a pair: with it no interleaving breaks the promise, without it one does. See ``explorer``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from stallkeeper.orders import cancel, intake
from stallkeeper.orders.models import Order
from stallkit.types import CancelReason
from tests.races.explorer import Race, explore
from tests.shop import Shop, remote_order


@dataclass(frozen=True)
class Pair:
    """A lock by the statement that takes it (a regular expression), and the race that it decides."""

    lock: str
    race: Callable[[], Race]


def two_cancel_one_order() -> Race:
    shop = Shop.open()
    channel = shop.channel()
    shop.offer(channel, shop.unit("MUG", 5))
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("o1", [("MUG", 2)])], shop.at)
    with shop.scope():
        order = Order.objects.get()
        line = order.lines.get()

    def one() -> None:
        try:
            cancel.cancel_lines(shop.organisation.pk, order.pk, {line.pk: 2}, reason=CancelReason.BUYER_ASKED, actor="user:1")
        except cancel.CancelError:
            return

    def broken() -> str:
        with shop.scope():
            line.refresh_from_db()
        return "" if line.cancelled == 2 else f"{line.cancelled} of 2 are cancelled"

    return Race(one, one, broken)


PAIRS = {
    "order of a cancellation": Pair(r'FROM "orders_order(line)?"', two_cancel_one_order),
}


@pytest.mark.parametrize("name", PAIRS)
def test_with_the_lock_nothing_breaks(race_db, name: str) -> None:
    found = explore(PAIRS[name].race, race_db)
    assert found.broken == ""
    assert found.schedules > 4


@pytest.mark.parametrize("name", PAIRS)
def test_without_it_something_does(race_db, name: str) -> None:
    found = explore(PAIRS[name].race, race_db, without=PAIRS[name].lock)
    assert found.broken, f"{found.schedules} schedules, and none needs the lock"
