"""What 1C and the hub know of each other while one of the two is ahead: sessions that were given up, goods that came back, lost replies."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError

from stallkeeper.channels import rules
from stallkeeper.core import crash
from stallkeeper.fulfilment.not_left import not_left
from stallkeeper.orders.models import OrderLine
from stallkeeper.stock import ledger
from stallkeeper.stock.models import Movement
from stallkeeper.sync.exchange import sessions
from stallkit.sources.commerceml.emulator import Base, Caller
from stallkit.sources.commerceml.writing import Style
from tests.db.sources.desk import door


def test_a_session_that_1c_has_given_up_changes_nothing_any_more(desks) -> None:
    """1C waits no longer and begins anew while the hub is still at work for it: five that came in would come in twice."""
    desk = desks(style=Style((2, 5)))
    desk.send(whole=True)
    desk.base.goods["guid-mug"].stock["w1"] += 5
    desk.shop.later(minutes=30)
    begun: list[str] = []

    def begins_anew(name: str) -> None:
        if name == "commit:source.begin:after" and not begun:
            begun.append(name)
            desk.shop.later(minutes=1)
            Base.send_goods(desk.base, Caller(desk.caller.address, desk.caller.user, desk.caller.password, door()), whole=True)

    with crash.using(begins_anew):
        assert "Сеанс обмена не найден" in desk.failure(lambda: desk.base.send_goods(desk.caller, whole=True))
    assert begun
    assert desk.on_hand() == (15, 7)
    assert Movement.objects.filter(cause="source", stock_unit=desk.mug).count() == 2


@pytest.mark.parametrize("known", [False, True], ids=["1C does not have the order", "1C has the order"])
def test_goods_that_have_not_left_after_all_lie_there_again(desks, known) -> None:
    desk = desks(free=known)
    desk.send(whole=True)
    order = desk.sell("1", MUG=3)
    if known:
        desk.take_orders()
    desk.ship(order)
    at = desk.shop.at if known else None
    desk.shop.later(minutes=1)
    OrderLine.objects.update(taken_back=3)
    not_left(desk.shop.organisation.pk, order.pk, None, actor="user:1")
    assert desk.shop.level(desk.mug) == (10, 3, 0)
    if at is None:
        desk.send(whole=True)
    else:  # figures of before the shipment
        desk.base.clock = lambda: at - timedelta(seconds=30)
        desk.base.send_goods(desk.caller, whole=True)
    assert desk.shop.level(desk.mug) == (10, 3, 0)


@pytest.mark.parametrize("version", [(2, 5), (2, 8)])
def test_a_packet_of_changes_leaves_alone_what_it_does_not_name(desks, version) -> None:
    """Also where missing means zero: ``СодержитТолькоИзменения`` says that it is no whole list."""
    desk = desks(style=Style(version), mode="all")
    desk.send(whole=True)
    desk.base.goods["guid-mug"].stock["w1"] = 6
    assert desk.send() == 1
    assert desk.on_hand() == (6, 7)


def test_what_1c_reserves_is_added_to_its_total_also_where_another_place_serves_the_order(desks) -> None:
    """1C knows nothing of our other place: it takes the order off what it has."""
    desk = desks(free=True)
    desk.send(whole=True)
    other = desk.shop.add_place("OTHER")
    with desk.shop.use_case("test.stock") as uc:
        ledger.set_on_hand(uc, [ledger.Target(desk.mug.pk, other.pk, 50, "other")])
        rules.save(uc, desk.channel.pk, locations=[other.pk])
    desk.sell("1", MUG=3)
    assert desk.shop.level(desk.mug) == (10, 0, 0)
    desk.take_orders()
    desk.send(whole=True)
    assert desk.shop.level(desk.mug) == (10, 0, 0)


@pytest.mark.parametrize("step", ["find", "failed"])
def test_a_database_that_is_away_is_answered_in_the_protocol(desks, monkeypatch, step) -> None:
    """Also where it goes away before the session is known, or while a refusal is written down."""
    desk = desks()

    def away(*_: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(sessions, step, away)
    reply = desk.caller.call("catalog", "import", filename="offers.xml")
    assert reply.startswith("failure\nВнутренняя ошибка Stallkeeper")


def test_what_1c_may_have_otherwise_goes_out_again(desks) -> None:
    """1C took the order with a line cancelled, its success was lost, and the channel refused to cancel: then 1C has too little."""
    desk = desks()
    desk.send(whole=True)
    order = desk.sell("1", MUG=2, PEN=1)
    assert desk.take_orders() == [str(order.pk)]
    desk.cancel(order, "PEN")
    assert desk.take_orders(confirm=False) == [str(order.pk)]
    OrderLine.objects.filter(sku="PEN").update(cancelled=0)
    assert desk.take_orders() == [str(order.pk)]
    assert desk.base.orders[str(order.pk)].lines == {"guid-mug": 2, "guid-pen": 1}
    assert desk.take_orders() == []
