"""1C calls the hub, from ``checkauth`` to ``success``, in both directions (ADR 0059; facts: specs/commerceml/FACTS.md)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stallkeeper.catalog.models import Identifier, IdentifierKind, StockUnit
from stallkeeper.core import crash
from stallkeeper.core.models import Notification
from stallkeeper.orders.models import Order, OrderEvent, OrderLine
from stallkeeper.stock import source_setup
from stallkeeper.stock.models import Level, Movement, SourceRun
from stallkeeper.sync.exchange import accounts, uploads
from stallkeeper.sync.exchange.accounts import Agreed
from stallkeeper.sync.models import Exchange, ExchangeGood, ExchangeOrder, ExchangeParked, ExchangePart, ExchangeSession
from stallkit.sources.commerceml import names, writing
from stallkit.sources.commerceml.emulator import Caller, pack
from stallkit.sources.commerceml.session import COOKIE, Limits
from stallkit.sources.commerceml.writing import BaseGood, Style
from tests.db.sources.desk import GTIN, Desk, door


@pytest.mark.parametrize(
    ("style", "zipped"),
    [
        (Style((2, 3)), False),
        (Style((2, 5), "windows-1251"), False),
        (Style((2, 7), byte_order_mark=True), True),
        (Style((2, 8)), False),
        (Style((3, 1), "windows-1251"), True),
    ],
    ids=lambda value: value.shown if isinstance(value, Style) else "zip" if value else "plain",
)
def test_figures_of_every_version_reach_the_shelf(desks, style, zipped) -> None:
    desk = desks(style=style)
    desk.send(whole=True, zipped=zipped)
    assert desk.on_hand() == (10, 7)
    numbers = Identifier.objects.filter(kind=IdentifierKind.CHANNEL).order_by("value").values_list("value", "stock_unit__sku", "scope")
    assert list(numbers) == [("guid-mug", "MUG", f"1c:{desk.exchange.source_id}"), ("guid-pen", "PEN", f"1c:{desk.exchange.source_id}")]
    assert Movement.objects.filter(cause="source").count() == 2
    assert ExchangeGood.objects.get(code="guid-else").title == "Гвозди"
    desk.base.goods["guid-else"].deleted = True

    desk.base.goods["guid-mug"].stock["w1"] = 6
    desk.base.goods["guid-mug"].article = "renamed in 1C"
    assert desk.send(zipped=zipped) == 1
    assert desk.on_hand() == (6, 7)
    desk.send(whole=True, zipped=zipped)
    assert ExchangeGood.objects.get(code="guid-else").deleted
    assert not ExchangePart.objects.exists()
    assert ExchangeSession.objects.filter(kind="catalog", ended_at=None).count() == 0
    assert {session.figures_in for session in ExchangeSession.objects.all()} == {1, 2}


def test_a_large_file_comes_in_pieces_and_a_piece_may_come_twice(desks, monkeypatch) -> None:
    monkeypatch.setattr(uploads, "LIMITS", Limits(part=500))
    desk = desks(style=Style((2, 5)))
    content = desk.base.files(whole=True)["offers.xml"]
    assert len(content) > 1000
    desk.caller.begin("catalog")
    for start in range(0, len(content), 500):
        for _lost in range(2):
            desk.caller.must("catalog", "file", content[start : start + 500], filename="offers.xml")
    desk.caller.must("catalog", "import", filename="offers.xml")
    assert desk.on_hand() == (10, 7)


def test_places_of_1c_are_places_of_ours_once_they_are_mapped(desks) -> None:
    desk = desks(style=Style((2, 5)))
    desk.base.places = {"w1": "Склад", "w2": "Магазин", "w3": "Витрина"}
    desk.base.goods["guid-pen"].stock["w3"] = 2
    desk.send(whole=True)
    exchange = Exchange.objects.get()
    assert exchange.place_names == {"w1": "Склад", "w2": "Магазин", "w3": "Витрина"}
    assert desk.on_hand() == (10, 9)

    shelf = desk.shop.add_place("SHOP")
    with desk.shop.use_case("test.map") as uc:
        accounts.map_places(uc, exchange, {"w1": desk.shop.place.code, "w2": "SHOP", "w3": "SHOP"})
    desk.send(whole=True)
    assert [Level.objects.get(stock_unit=desk.pen, location=place).on_hand for place in (desk.shop.place, shelf)] == [4, 5]


def test_an_order_is_not_taken_off_twice(desks) -> None:
    """1C takes what it reserves off its free figures: for orders that it had from us that is added again, for others there is nothing."""
    desk = desks(free=True)
    desk.send(whole=True)
    first = desk.sell("1", MUG=3)
    assert desk.shop.level(desk.mug) == (10, 3, 0)

    desk.send(whole=True)  # 1C does not have the order: its figure is 10 still
    assert desk.shop.level(desk.mug) == (10, 3, 0)

    assert desk.take_orders() == [str(first.pk)]
    assert desk.base.shown(desk.base.goods["guid-mug"]) == 7
    desk.send()
    assert desk.shop.level(desk.mug) == (10, 3, 0)

    second = desk.sell("2", MUG=2)
    desk.ship(first)  # the hub ships, 1C has not booked it yet
    desk.base.goods["guid-mug"].stock["w1"] += 5  # and goods come in
    desk.send()
    assert desk.shop.level(desk.mug) == (12, 2, 0)
    desk.ship(second)  # which 1C has not even heard of
    desk.base.goods["guid-mug"].stock["w1"] += 1
    desk.send()
    assert desk.shop.level(desk.mug) == (11, 0, 0)
    desk.take_orders()
    desk.base.ship(str(first.pk))
    desk.base.ship(str(second.pk))
    desk.send(whole=True)
    assert desk.shop.level(desk.mug) == (11, 0, 0)


def test_gross_figures_are_taken_as_they_are_until_goods_have_left_that_1c_has_not_booked(desks) -> None:
    desk = desks(free=False)
    desk.send(whole=True)
    order = desk.sell("1", MUG=3)
    desk.take_orders()
    desk.send(whole=True)
    assert desk.shop.level(desk.mug) == (10, 3, 0)
    assert desk.base.send_orders(desk.caller) == 1
    desk.ship(order)
    desk.send(whole=True)
    assert desk.shop.level(desk.mug) == (7, 0, 0)
    desk.base.ship(str(order.pk))
    desk.base.send_orders(desk.caller)
    desk.send(whole=True)
    assert desk.shop.level(desk.mug) == (7, 0, 0)


def test_a_short_order_does_not_spiral(desks) -> None:
    """1C's free figure is below zero then; with what it reserves for the order added, it is what lies there."""
    desk = desks(free=True)
    desk.send(whole=True)
    desk.sell("1", MUG=12)
    desk.take_orders()
    for _again in range(2):
        desk.send(whole=True)
        assert desk.shop.level(desk.mug) == (10, 10, 0)
        assert OrderLine.objects.get().short == 2


def test_only_success_hands_orders_over(desks) -> None:
    desk = desks()
    desk.send(whole=True)
    order = desk.sell("113-1", MUG=2, PEN=1)
    came = [desk.take_orders(confirm=False) for _lost in range(2)]
    assert came == [[str(order.pk)]] * 2
    assert ExchangeOrder.objects.get().confirmed_at is None
    assert desk.take_orders() == [str(order.pk)]
    assert desk.take_orders() == []
    assert desk.base.orders[str(order.pk)].lines == {"guid-mug": 2, "guid-pen": 1}
    assert [session.orders_confirmed for session in ExchangeSession.objects.filter(kind="sale").order_by("pk")] == [0, 0, 1, 0]

    desk.shop.later(minutes=1)
    desk.cancel(order, "PEN")
    assert desk.take_orders() == [str(order.pk)]
    assert desk.base.orders[str(order.pk)].lines == {"guid-mug": 2, "guid-pen": 0}
    assert desk.take_orders() == []


def test_orders_from_before_the_exchange_and_those_that_were_cancelled_unseen_are_not_handed_over(desks) -> None:
    desk = desks(give_orders=False)
    desk.sell("old", MUG=1)
    desk.shop.later(minutes=1)
    with desk.shop.use_case("test.agree") as uc:
        accounts.agree(uc, desk.exchange, Agreed("Europe/Moscow", True))
    gone = desk.sell("gone", PEN=1)
    desk.cancel(gone, "PEN")
    Order.objects.filter(pk=gone.pk).update(state=Order.State.CANCELLED)
    new = desk.sell("new", MUG=1)
    assert desk.take_orders() == [str(new.pk)]


def test_what_1c_says_of_an_order_is_shown_and_does_nothing(desks) -> None:
    desk = desks()
    desk.send(whole=True)
    first, second = desk.sell("1", MUG=1), desk.sell("2", MUG=2)
    desk.take_orders()
    desk.base.ship(str(first.pk))
    desk.base.cancel(str(second.pk))
    assert desk.base.send_orders(desk.caller) == 2
    said = ExchangeOrder.objects.get(order=first)
    assert (said.status, said.shipment, said.cancelled, said.posted) == ("Отгружен", f"РТ{first.pk:09}", False, True)
    assert ExchangeOrder.objects.get(order=second).cancelled
    assert set(OrderEvent.objects.filter(kind="heard_of_1c").values_list("order", flat=True)) == {first.pk, second.pk}
    assert [order.state for order in Order.objects.order_by("pk")] == ["new", "new"]
    notice = Notification.objects.get(key=f"order:{second.pk}:cancelled_in_1c")
    assert notice.resolved_at is None

    events = OrderEvent.objects.count()
    for order in desk.base.orders.values():
        order.changed = True
    desk.base.send_orders(desk.caller)
    assert OrderEvent.objects.count() == events

    desk.base.orders[str(second.pk)].cancelled = False
    desk.base.orders[str(second.pk)].changed = True
    desk.base.send_orders(desk.caller)
    notice.refresh_from_db()
    assert notice.resolved_at is not None


def test_an_old_base_sends_orders_back_without_asking_for_the_import(desks) -> None:
    desk = desks()
    order = desk.sell("77", MUG=1)
    desk.take_orders()
    style = Style((2, 3), "windows-1251")
    known = {names.ID: str(order.pk), names.NUMBER: "77", "Статус заказа": "Принят", "Отменен": "false"}
    theirs = {names.ID: "", names.NUMBER: "ТК-1", "Статус заказа": "Принят"}
    content = writing.returned([known, theirs], desk.base.now(), style)
    desk.caller.begin("sale")
    half = len(content) // 2
    for piece in (content[:half], content[half:]):
        desk.caller.must("sale", "file", piece, filename="orders.xml")
    assert ExchangeOrder.objects.get().status == "Принят"
    parked = ExchangeParked.objects.get()
    assert (parked.code, parked.number) == ("", "ТК-1")


def test_missing_means_zero_only_by_choice_only_for_whole_lists_and_only_at_the_end(desks) -> None:
    """A numbered file that calls itself whole is a part of the list: the rest comes in the next one."""
    desk = desks(style=Style((2, 5)), mode="all")
    mug, pen = desk.base.goods["guid-mug"], desk.base.goods["guid-pen"]
    desk.send(whole=True)

    def sends(*files: tuple[str, list[BaseGood]], whole: bool, to_the_end: bool = True) -> None:
        desk.shop.later(minutes=30)
        desk.caller.begin("catalog")
        for name, goods in files:
            desk.caller.send("catalog", name, writing.offers(goods, desk.base.now(), whole, desk.base.style))
            desk.caller.must("catalog", "import", filename=name)
        if to_the_end:
            desk.caller.must("catalog", "deactivate")

    sends(("offers0_1.xml", [pen]), whole=True, to_the_end=False)
    assert desk.on_hand() == (10, 7)
    sends(("offers0_1.xml", [pen]), whole=False)
    assert desk.on_hand() == (10, 7)
    sends(("offers0_1.xml", [pen]), ("offers0_2.xml", [mug]), whole=True)
    assert desk.on_hand() == (10, 7)
    sends(("offers0_1.xml", [pen]), whole=True)
    assert desk.on_hand() == (0, 7)
    sends(("offers.xml", [mug]), whole=True, to_the_end=False)
    assert desk.on_hand() == (10, 0)


def test_too_much_at_once_waits_for_a_person_and_1c_is_told(desks) -> None:
    desk = desks(style=Style((2, 5)))
    desk.send(whole=True)
    with desk.shop.use_case("test.limits") as uc:
        source_setup.change(uc, desk.exchange.source_id, {"zero_limit": 30, "limits_from": 1})
    desk.base.goods["guid-mug"].stock["w1"] = 0
    said = desk.failure(lambda: desk.send(whole=True))
    assert "Остатки не приняты" in said
    assert "would go to zero" in said
    assert desk.on_hand() == (10, 7)
    desk.base.goods["guid-mug"].stock["w1"] = 9
    desk.send(whole=True)
    assert desk.on_hand() == (9, 7)
    assert list(SourceRun.objects.order_by("pk").values_list("state", flat=True)) == ["done", "replaced", "done"]


def test_nothing_moves_while_the_source_is_off(desks) -> None:
    desk = desks()
    with desk.shop.use_case("test.turn") as uc:
        source_setup.turn(uc, desk.exchange.source_id, False)
    assert "выключен" in desk.failure(lambda: desk.send(whole=True))
    assert desk.on_hand() == (1, 1)
    assert ExchangeGood.objects.count() == 3


BOMB = "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><КоммерческаяИнформация>&b;</КоммерческаяИнформация>".encode()


def offers_of(desk: Desk) -> bytes:
    return desk.base.files(whole=True)["offers.xml"]


BAD: dict[str, tuple[Callable[[Desk], tuple[str, bytes, str]], str]] = {
    "cut off": (lambda desk: ("offers.xml", offers_of(desk)[:-200], ""), "не читается"),
    "entities": (lambda desk: ("offers.xml", BOMB, ""), "DOCTYPE"),
    "wrong encoding": (lambda desk: ("offers.xml", offers_of(desk).decode().encode("cp1251"), ""), "не читается"),
    "another XML": (lambda desk: ("offers.xml", b"<yml_catalog/>", ""), "не файл CommerceML"),
    "no XML": (lambda desk: ("offers.xml", b"sku;qty\nMUG;0\n", ""), "не читается"),
    "zip cut off": (lambda desk: ("v8.zip", pack({"offers.xml": offers_of(desk)})[:-30], "offers.xml"), "повреждён"),
    "zip bomb": (lambda desk: ("v8.zip", pack({"offers.xml": b" " * 80_000_000}), "offers.xml"), "слишком большой"),
    "zip slip": (lambda desk: ("v8.zip", pack({"../../offers.xml": offers_of(desk)}), "offers.xml"), "Недопустимое имя"),
    "not in the zip": (lambda desk: ("v8.zip", pack({"import.xml": b"<a/>"}), "offers.xml"), "не передавался"),
    "never sent": (lambda desk: ("other.xml", b"<a/>", "offers.xml"), "не передавался"),
    "words for numbers": (
        lambda desk: ("offers.xml", offers_of(desk).replace(b">10<", ">много<".encode()).replace(b">7<", b">1.5<"), ""),
        "Файл не принят",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_files_change_nothing_and_1c_reads_why(desks, what) -> None:
    desk = desks(style=Style((2, 5)))
    make, words = BAD[what]
    reply = desk.put(*make(desk))
    assert reply.startswith("failure\n")
    assert words in reply
    assert desk.on_hand() == (1, 1)
    assert ExchangeSession.objects.get().failure

    desk.send(whole=True)
    assert desk.on_hand() == (10, 7)


def test_one_bad_row_is_parked_and_the_rest_goes_on(desks) -> None:
    desk = desks(style=Style((2, 5)))
    reply = desk.put("offers.xml", offers_of(desk).replace(b">10<", ">много<".encode()))
    assert reply == "success\n"
    assert desk.on_hand() == (1, 7)
    (problem,) = SourceRun.objects.get().problems.all()
    assert (problem.column, problem.value) == ("Количество", "много")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"type": "catalog", "mode": "file", "filename": "../../x.xml"}, "Недопустимое имя"),
        ({"type": "catalog", "mode": "file", "filename": "empty.xml"}, "пуст"),
        ({"type": "catalog", "mode": "import"}, "Недопустимое имя"),
        ({"type": "catalog", "mode": "format_c"}, "Неизвестный режим"),
        ({"type": "catalog\x00", "mode": "import"}, "type"),
        ({"type": "sale", "mode": "query"}, "отдельные сеансы"),
        ({}, "type"),
    ],
)
def test_rubbish_is_answered_in_the_protocol(desks, query, words) -> None:
    desk = desks()
    desk.caller.begin("catalog")
    reply = desk.caller.client.request("POST", desk.caller.address, params=query, headers={"Cookie": desk.caller.cookie})
    assert reply.status_code == 200
    assert reply.text.startswith("failure\n")
    assert words in reply.text


def test_a_cut_connection_keeps_nothing_of_the_piece(desks) -> None:
    desk = desks(style=Style((2, 5)))
    content = offers_of(desk)
    desk.caller.begin("catalog")
    query = {"type": "catalog", "mode": "file", "filename": "offers.xml"}
    cut = {"Cookie": desk.caller.cookie, "Content-Length": str(len(content))}
    reply = desk.caller.client.request("POST", desk.caller.address, params=query, headers=cut, content=iter([content[:500]]))
    assert "Соединение прервалось" in reply.text
    assert not ExchangePart.objects.exists()
    desk.caller.send("catalog", "offers.xml", content)
    desk.caller.must("catalog", "import", filename="offers.xml")
    assert desk.on_hand() == (10, 7)


def test_wrong_passwords_are_counted_and_nobody_gets_in_without(desks) -> None:
    desk = desks()
    stranger = Caller(desk.caller.address, desk.caller.user, "wrong", desk.caller.client)
    for _try in range(accounts.TRIES):
        assert "Неверное имя пользователя или пароль" in desk.failure(lambda: stranger.begin("catalog"))
    assert "Слишком много" in desk.failure(lambda: desk.caller.begin("catalog"))
    assert not ExchangeSession.objects.exists()
    desk.shop.later(minutes=16)
    desk.caller.begin("catalog")
    assert Exchange.objects.get().failed_logins == 0

    for cookie in ("", f"{COOKIE}=made up", "other=1"):
        desk.caller.cookie = cookie
        assert "Сеанс обмена не найден" in desk.caller.call("catalog", "import", filename="offers.xml")
    assert desk.caller.client.get("/1c/made-up-token/?type=catalog&mode=checkauth").status_code == 404


def test_the_cookie_of_one_seller_opens_nothing_of_another(desks) -> None:
    mine = desks()
    mine.caller.begin("catalog")
    theirs = desks()
    theirs.caller.cookie = mine.caller.cookie
    assert "Сеанс обмена не найден" in theirs.caller.call("catalog", "import", filename="offers.xml")
    theirs.caller.password = mine.caller.password
    assert "Неверное имя" in theirs.failure(lambda: theirs.caller.begin("catalog"))


def test_too_much_in_one_session_is_refused(desks, monkeypatch) -> None:
    monkeypatch.setattr(uploads, "LIMITS", Limits(part=1000, total=2500, files=3))
    desk = desks()
    desk.caller.begin("catalog")
    desk.caller.send("catalog", "import_files/ab/1.jpg", b"x" * 1000)
    desk.caller.send("catalog", "a.xml", b"y" * 1000)
    assert "больше 2,500 байт" in desk.failure(lambda: desk.caller.send("catalog", "a.xml", b"z" * 1000))
    desk.caller.send("catalog", "b.xml", b"1")
    assert "больше 3 файлов" in desk.failure(lambda: desk.caller.send("catalog", "c.xml", b"1"))
    assert "больше 1,000 байт" in desk.failure(lambda: desk.caller.must("catalog", "file", b"z" * 1001, filename="b.xml"))
    assert set(ExchangePart.objects.values_list("file__name", flat=True)) == {"a.xml", "b.xml"}


class Killed(BaseException):
    """The hub dies here."""


MOMENTS = ("commit:exchange.session:before", "commit:exchange.file:before", "commit:exchange.file:after", "claim:exchange.file:after")
MOMENTS += ("commit:exchange.goods:before", "commit:source.begin:after", "commit:source.take_in:before", "commit:source.take_in:after")
MOMENTS += ("commit:source.end:before", "commit:exchange.orders:before", "commit:exchange.orders:after")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_hub_that_was_killed_ends_where_it_would_have(desks, moment) -> None:
    """1C's session fails; its next one brings everything again, and nothing counts twice."""
    desk = desks(style=Style((2, 5)))
    order = desk.sell("1", MUG=1)

    def kill(name: str) -> None:
        if name == moment:
            raise Killed

    def exchange() -> None:
        desk.send(whole=True)
        desk.take_orders()

    with crash.using(kill), pytest.raises(Killed):
        exchange()
    desk.send(whole=True)
    desk.take_orders()
    desk.send(whole=True)
    assert desk.on_hand() == (10, 7)
    assert desk.shop.level(desk.mug) == (10, 1, 0)
    assert desk.base.orders[str(order.pk)].lines == {"guid-mug": 1}


def test_a_session_goes_on_after_the_hub_was_killed_between_file_and_import(desks) -> None:
    desk = desks(style=Style((2, 5)))
    desk.caller.begin("catalog")
    with crash.using(lambda name: (_ for _ in ()).throw(Killed) if name == "commit:exchange.file:after" else None), pytest.raises(Killed):
        desk.caller.send("catalog", "offers.xml", offers_of(desk))
    desk.caller.client = door()
    desk.caller.must("catalog", "import", filename="offers.xml")
    assert desk.on_hand() == (10, 7)


def test_an_article_that_two_variants_share_says_nothing_and_a_barcode_does(desks) -> None:
    desk = desks(style=Style((2, 5)))
    desk.base.goods = {
        "p#red": BaseGood("p#red", "MUG", "", "red", {"w1": 5}),
        "p#blue": BaseGood("p#blue", "MUG", GTIN, "blue", {"w1": 6}),
    }
    desk.send(whole=True)
    assert desk.on_hand() == (1, 6)


def test_an_article_that_is_made_later_is_found_by_what_1c_said_before(desks) -> None:
    desk = desks()
    desk.send(whole=True)
    nails = desk.shop.unit("НЕ НАШ")
    desk.base.goods["guid-else"].stock["w1"] = 900
    assert list(desk.base.files(whole=False)) == ["rests.xml"]
    desk.send()
    assert StockUnit.objects.get(identifiers__value="guid-else") == nails
    assert desk.shop.level(nails)[0] == 900
