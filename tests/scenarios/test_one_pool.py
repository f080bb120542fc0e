"""Two stalls, one pool: an order on one lowers the other, and each platform's own figure is kept in its own basis (S4.44-S4.48, L10)."""

from __future__ import annotations

import pytest

from stallkeeper.channels.explain import explain
from stallkeeper.channels.models import Offer
from stallkeeper.stock.models import Reservation
from tests.scenarios.town import Stall, Town, assert_adds_up, assert_true, held_by, notices
from tests.shop import Shop


def open_both(town: Town, firm: Shop, **stock: int) -> tuple[Stall, Stall]:
    """Units in stock, both stalls showing something else; after the first numbers both are true."""
    for sku, quantity in stock.items():
        firm.unit(sku, quantity)
    walmart = town.stall(firm, "walmart", goods=dict.fromkeys(stock, 99))
    emag = town.stall(firm, "emag", goods=dict.fromkeys(stock, 0))
    town.work(40)
    assert_true(walmart, emag)
    return walmart, emag


def test_first_numbers_then_silence(town: Town, firm: Shop) -> None:
    walmart, emag = open_both(town, firm, MUG=10, LAMP=4)
    assert walmart.shown() == emag.shown() == {"LAMP": 4, "MUG": 10}
    before = walmart.writes(), emag.writes()
    town.work(120)
    assert (walmart.writes(), emag.writes()) == before, "nothing differs, nothing is sent"
    assert_true(walmart, emag)
    assert_adds_up(firm, calm=True)


def test_until_the_switches_are_turned_nothing_is_written(town: Town, firm: Shop) -> None:
    """S2.3, S4.32: the first contact reads only; orders are not even asked for before the cutover question is answered."""
    firm.unit("MUG", 10)
    stalls = [town.stall(firm, platform, goods={"MUG": 3}, open_=False) for platform in ("walmart", "emag")]
    for stall in stalls:
        stall.link()
        stall.emulator.place_order([("MUG", 1)])
    town.work(90)
    for stall in stalls:
        assert stall.writes() == 0
        assert stall.shown() == {"MUG": 2}
        assert all(order.acknowledge_calls == 0 for order in stall.emulator.orders.values())
        assert stall.offer("MUG").intended_qty == 10, "the number is worked out, so that a person can look at it first"


@pytest.mark.parametrize(("sells", "follows"), [("emag", "walmart"), ("walmart", "emag")])
def test_an_order_on_one_stall_lowers_the_other(town: Town, firm: Shop, sells: str, follows: str) -> None:
    """S4.47. The own sale is not pushed back to where it was sold: its stall needs no write at all, before or after acknowledgement."""
    stalls = dict(zip(("walmart", "emag"), open_both(town, firm, MUG=10), strict=True))
    seller, other = stalls[sells], stalls[follows]
    before = seller.writes(), other.writes()

    order = seller.emulator.place_order([("MUG", 3)])
    town.work(7)

    assert other.shown() == {"MUG": 7}, "within one interval and a wake-up"
    assert seller.shown() == {"MUG": 7}
    assert other.writes() == before[1] + 1
    assert seller.emulator.orders[order].acknowledge_calls == 1
    assert "acknowledged" in seller.events(order)
    town.work(60)
    assert seller.writes() == before[0], "the platform lowered its own figure"
    assert other.writes() == before[1] + 1
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)


def test_emag_keeps_its_two_figures_apart_from_order_to_shipment(town: Town, firm: Shop) -> None:
    """estimated falls at the order, general at the acknowledgement; what we believe follows without a read or a write."""
    walmart, emag = open_both(town, firm, MUG=10)
    before = emag.writes()
    order = emag.emulator.place_order([("MUG", 3)])
    assert (held_by(emag, "MUG"), emag.emulator.quantity_of("MUG")) == (10, 7)
    town.work(7)
    offer = emag.offer("MUG")
    assert (held_by(emag, "MUG"), emag.emulator.quantity_of("MUG")) == (7, 7)
    assert (offer.intended_qty, offer.believed_qty, offer.open_qty, offer.unacknowledged_qty) == (7, 7, 3, 0)

    emag.ship(order, carrier="Cargus")
    town.work(7)
    assert [line.shipped for line in emag.emulator.orders[order].lines] == [3]
    assert "ship_confirmed" in emag.events(order)
    assert emag.writes() == before, "nothing that we did not know already"
    assert_true(walmart, emag)

    firm_stock(town, firm, "MUG", 20)
    town.work(7)
    assert walmart.shown() == emag.shown() == {"MUG": 20}
    assert_true(walmart, emag)


@pytest.mark.parametrize("ship_lowers_input", [True, False], ids=["walmart lowers its figure itself", "walmart leaves its figure"])
def test_walmart_keeps_input_and_reserve_apart_from_order_to_shipment(town: Town, firm: Shop, ship_lowers_input: bool) -> None:
    """inputQty counts sold units until they are shipped, so the order changes nothing there; a shipment is followed by the lower figure."""
    walmart, emag = open_both(town, firm, MUG=10)
    walmart.emulator.ship_lowers_input = ship_lowers_input
    before = walmart.writes()
    order = walmart.emulator.place_order([("MUG", 3)])
    town.work(7)
    offer = walmart.offer("MUG")
    assert (walmart.emulator.input["MUG"], walmart.emulator.held["MUG"]) == (10, 3)
    assert (offer.intended_qty, offer.believed_qty, offer.open_qty) == (10, 10, 3)
    assert walmart.writes() == before

    walmart.ship(order)
    town.work(60)
    assert (walmart.emulator.input["MUG"], walmart.emulator.held["MUG"]) == (7, 0)
    assert_true(walmart, emag)

    firm_stock(town, firm, "MUG", 20)
    town.work(7)
    assert walmart.shown() == emag.shown() == {"MUG": 20}
    assert_true(walmart, emag)


def firm_stock(town: Town, firm: Shop, sku: str, on_hand: int | dict[str, int]) -> None:
    from stallkeeper.catalog.models import StockUnit

    with firm.scope():
        unit = StockUnit.objects.get(sku=sku)
    town.stock(firm, unit, on_hand)


def test_a_push_while_orders_wait_is_right_in_both_bases(town: Town, firm: Shop) -> None:
    """New stock arrives while each stall has an order that nobody has acknowledged: gross figures go out, buyers see net ones."""
    walmart, emag = open_both(town, firm, MUG=10)
    for stall in (walmart, emag):
        with stall.use_case() as uc:
            from stallkeeper.channels import switches

            switches.set_channel(uc, stall.channel.pk, acknowledge=False)
        stall.emulator.place_order([("MUG", 2)])
    town.work(7)
    firm_stock(town, firm, "MUG", 30)
    town.work(10)
    assert walmart.shown() == emag.shown() == {"MUG": 26}
    assert (held_by(walmart, "MUG"), held_by(emag, "MUG")) == (28, 28), "gross: the platform subtracts its own two"
    assert_true(walmart, emag)


# --- kits, packs, rules -----------------------------------------------------------------------------------------------------------------


def test_kits_and_multipacks_draw_on_the_same_shelf(town: Town, firm: Shop) -> None:
    """C2: the kit and its component in one basket, the multipack on the other stall; every stall follows every sale."""
    mug, lamp = firm.unit("MUG", 10), firm.unit("LAMP", 4)
    firm.kit("SET", {mug: 2, lamp: 1})
    firm.kit("SIX", {mug: 6})
    goods = dict.fromkeys(("MUG", "LAMP", "SET", "SIX"), 0)
    walmart, emag = town.stall(firm, "walmart", goods=goods), town.stall(firm, "emag", goods=goods)
    town.work(40)
    assert walmart.shown() == emag.shown() == {"LAMP": 4, "MUG": 10, "SET": 4, "SIX": 1}

    order = walmart.emulator.place_order([("SET", 2), ("MUG", 1)])
    town.work(15)
    assert walmart.shown() == emag.shown() == {"LAMP": 2, "MUG": 5, "SET": 2, "SIX": 0}
    assert_true(walmart, emag)
    walmart.ship(order)
    emag.emulator.place_order([("MUG", 5)])
    town.work(15)
    assert walmart.shown() == emag.shown() == {"LAMP": 2, "MUG": 0, "SET": 0, "SIX": 0}
    assert_true(walmart, emag)
    assert_adds_up(firm, calm=True)
    assert firm.level(mug)[:2] == (5, 5)


def test_a_kit_sold_over_two_places_comes_from_one_of_them(town: Town, firm: Shop) -> None:
    """Kits are counted place by place unless the channel allows splits."""
    east = firm.add_place("EAST")
    mug, lamp = firm.unit("MUG", {"MAIN": 3, "EAST": 2}), firm.unit("LAMP", {"MAIN": 1, "EAST": 5})
    firm.kit("SET", {mug: 1, lamp: 1})
    emag = town.stall(firm, "emag", goods={"SET": 0})
    walmart = town.stall(firm, "walmart", goods={"SET": 0, "MUG": 0})
    town.work(40)
    assert emag.shown() == {"SET": 3}
    emag.emulator.place_order([("SET", 3)])
    town.work(10)
    with firm.scope():
        kept = sorted(Reservation.objects.values_list("stock_unit__sku", "location__code", "quantity"))
    assert kept == [("LAMP", "EAST", 2), ("LAMP", "MAIN", 1), ("MUG", "EAST", 2), ("MUG", "MAIN", 1)]
    assert walmart.shown() == {"MUG": 2, "SET": 0}
    assert east
    assert_true(walmart, emag)


def test_a_pack_takes_its_base_units(town: Town, firm: Shop) -> None:
    """C11: the offer sells packs of four of the unit that the other stall sells singly."""
    firm.unit("MUG", 11)
    emag = town.stall(firm, "emag", goods={"MUG": 0})
    walmart = town.stall(firm, "walmart", goods={"MUG": 0})
    with firm.scope():
        Offer.objects.filter(channel=emag.channel).update(pack_factor=4)
    firm_stock(town, firm, "MUG", 12)
    firm_stock(town, firm, "MUG", 11)
    town.work(40)
    assert (emag.shown(), walmart.shown()) == ({"MUG": 2}, {"MUG": 11})
    order = emag.emulator.place_order([("MUG", 1)])
    town.work(10)
    assert (emag.shown(), walmart.shown()) == ({"MUG": 1}, {"MUG": 7})
    emag.ship(order)
    walmart.emulator.place_order([("MUG", 4)])
    town.work(10)
    assert (emag.shown(), walmart.shown()) == ({"MUG": 0}, {"MUG": 3})
    assert_true(walmart, emag)
    assert_adds_up(firm, calm=True)


RULES = {
    "buffer": ({"buffer": 3}, 7, 4),
    "cap": ({"max_publish": 5}, 5, 5),
    "zero at or below": ({"zero_at": 8}, 10, 0),
    "share": ({"share": 50}, 5, 3),
    "share, buffer and cap": ({"share": 80, "buffer": 1, "max_publish": 6}, 6, 4),
}


@pytest.mark.parametrize(("chosen", "first", "then"), RULES.values(), ids=RULES.keys())
@pytest.mark.parametrize("ruled", ["walmart", "emag"])
def test_rules_of_a_channel_bind_that_channel_only(
    town: Town, firm: Shop, ruled: str, chosen: dict[str, int], first: int, then: int
) -> None:
    """S3.32-S3.35, in both bases: ten on the shelf, then three are sold on the stall without rules."""
    stalls = dict(zip(("walmart", "emag"), open_both(town, firm, MUG=10), strict=True))
    strict, free = stalls[ruled], next(stall for name, stall in stalls.items() if name != ruled)
    strict.rules(**chosen)
    town.work(10)
    assert (strict.shown(), free.shown()) == ({"MUG": first}, {"MUG": 10})
    assert_true(strict, free)

    order = free.emulator.place_order([("MUG", 3)])
    town.work(10)
    assert (strict.shown(), free.shown()) == ({"MUG": then}, {"MUG": 7})
    free.ship(order)
    town.work(60)
    assert_true(strict, free)


def test_an_own_sale_under_rules_is_put_right_on_its_own_stall(town: Town, firm: Shop) -> None:
    """A capped stall sold one of its five and shows four by itself: the rules say five again, and five it gets."""
    walmart, emag = open_both(town, firm, MUG=10)
    for stall in (walmart, emag):
        stall.rules(max_publish=5)
        town.work(7)
        stall.emulator.place_order([("MUG", 1)])
        town.work(12)
        assert stall.shown() == {"MUG": 5}
    assert_true(walmart, emag)


@pytest.mark.parametrize("platform", ["walmart", "emag"])
def test_the_explanation_leads_to_what_buyers_see(town: Town, firm: Shop, platform: str) -> None:
    """D1: every step from the shelf to the figure that is sent, with an open order of the stall itself, a rule and another stall's sale."""
    stalls = dict(zip(("walmart", "emag"), open_both(town, firm, MUG=10), strict=True))
    stall, other = stalls[platform], next(each for name, each in stalls.items() if name != platform)
    stall.rules(buffer=1)
    stall.emulator.place_order([("MUG", 2)])
    other.emulator.place_order([("MUG", 1)])
    town.work(15)
    told = explain(firm.organisation.pk, "MUG", stall.channel.code)[0]
    figures = {step.name: step.after for step in told.steps}
    assert (figures["on_hand"], figures["allocated"], figures["buffer"]) == (10, 7, 6)
    assert told.steps[-1].after == told.intended == told.believed == held_by(stall, "MUG")
    assert stall.shown() == {"MUG": 6}
    assert_true(*stalls.values())


def test_rules_for_places(town: Town, firm: Shop) -> None:
    """S4.33: each channel sees its chosen places; an order is served from them and from nowhere else."""
    east = firm.add_place("EAST")
    mug = firm.unit("MUG", {"MAIN": 4, "EAST": 6})
    walmart = town.stall(firm, "walmart", goods={"MUG": 0})
    emag = town.stall(firm, "emag", goods={"MUG": 0})
    emag.rules(locations=[east.pk])
    town.work(40)
    assert (walmart.shown(), emag.shown()) == ({"MUG": 10}, {"MUG": 6})
    order = walmart.emulator.place_order([("MUG", 5)])
    town.work(10)
    assert (firm.level(mug), firm.level(mug, east)) == ((4, 0, 0), (6, 5, 0)), "the place that has all of it serves it"
    assert (walmart.shown(), emag.shown()) == ({"MUG": 5}, {"MUG": 1})
    emag.emulator.place_order([("MUG", 1)])
    walmart.ship(order)
    town.work(60)
    assert (walmart.shown(), emag.shown()) == ({"MUG": 4}, {"MUG": 0})
    assert (firm.level(mug), firm.level(mug, east)) == ((4, 0, 0), (1, 1, 0)), "none of eMAG's own place is left, MAIN is not asked"
    assert_true(walmart, emag)


# --- cutover and pending ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("include", "free"), [(True, 6), (False, 10)], ids=["figures include them", "figures exclude them"])
@pytest.mark.parametrize("platform", ["walmart", "emag"])
def test_orders_that_were_open_already(town: Town, firm: Shop, platform: str, include: bool, free: int) -> None:
    """The cutover question: four units are in an order from before. Buyers see what is really free either way."""
    firm.unit("MUG", 10)
    stall = town.stall(firm, platform, goods={"MUG": 20}, open_=False)
    other = town.stall(firm, "emag" if platform == "walmart" else "walmart", goods={"MUG": 0})
    old = stall.emulator.place_order([("MUG", 4)])
    town.clock.tick(600)
    stall.link()
    stall.open(include=include)
    town.work(90)
    assert (stall.shown(), other.shown()) == ({"MUG": free}, {"MUG": free})
    assert_true(stall, other)
    assert_adds_up(firm, calm=True)

    stall.ship(old)
    town.work(60)
    assert (stall.shown(), other.shown()) == ({"MUG": free}, {"MUG": free}), "its goods were never, or are no longer, in the figure"
    assert_true(stall, other)


def test_a_pending_order_holds_and_then_allocates_without_a_gap(town: Town, firm: Shop) -> None:
    """C28 on eMAG: unpaid takes a hold; paid turns it into an allocation; buyers see the same figure all the while."""
    walmart, emag = open_both(town, firm, MUG=10)
    order = emag.emulator.place_order([("MUG", 4)], pending=True)
    town.work(10)
    assert (walmart.shown(), emag.shown()) == ({"MUG": 6}, {"MUG": 6})
    assert emag.emulator.orders[order].acknowledge_calls == 0
    seen = len(walmart.emulator.diary)
    emag.emulator.confirm_payment(order)
    town.work(10)
    assert emag.emulator.orders[order].acknowledge_calls == 1
    assert len(walmart.emulator.diary) == seen, "no gap in which the units were for sale"
    assert_true(walmart, emag)
    assert_adds_up(firm, calm=True)


def test_the_last_unit_sold_twice_is_a_visible_shortage(town: Town, firm: Shop) -> None:
    """Invariant 3: latency is told as latency, with a row, and the acknowledged order is not lost."""
    walmart, emag = open_both(town, firm, MUG=1)
    first = walmart.emulator.place_order([("MUG", 1)])
    second = emag.emulator.place_order([("MUG", 1)])
    town.work(20)
    assert (walmart.shown(), emag.shown()) == ({"MUG": 0}, {"MUG": 0})
    short = [walmart.lines(first)[0].short, emag.lines(second)[0].short]
    assert sorted(short) == [0, 1]
    with firm.scope():
        from stallkeeper.orders.models import Shortage

        row = Shortage.objects.get()
        assert (row.quantity, row.verdict, row.resolved_at) == (1, "latency", None)
    firm_stock(town, firm, "MUG", 2)
    town.work(10)
    with firm.scope():
        assert Shortage.objects.get().resolved_at is not None
    assert walmart.lines(first)[0].short == emag.lines(second)[0].short == 0
    assert_true(walmart, emag)
    assert_adds_up(firm, calm=True)
    assert not notices(firm)
