"""The case file of an oversell says latency, and whose and how long, or names the rule that was broken (issue 4, time travel)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from stallkeeper.channels.models import Offer, OfferTodo
from stallkeeper.core.use_case import use_case
from stallkeeper.ops import case_file
from stallkeeper.orders import cancel, cases, verdicts
from stallkeeper.orders.case_words import clocks_of, words_of
from stallkeeper.orders.cases import CaseFile
from stallkeeper.orders.models import OrderLine, Shortage
from stallkeeper.orders.verdicts import Cause, Clocks, Kind, Known, Send, SoldTwice, Verdict, Whose, judge
from stallkeeper.stock import counts, ledger
from stallkeeper.stock.ledger import Target
from stallkit.testing.shop import Fault
from stallkit.types import CancelReason
from tests.market import Market, Stall

T = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def stalls(market: Market) -> tuple[Stall, Stall]:
    """Two stalls that show one pool of three mugs, confirmed."""
    pair = market.stall(), market.stall()
    mug = market.shop.unit("MUG", 3)
    for stall in pair:
        stall.offer(mug, shown=0)
    market.settle(4)
    assert [stall.emulator.quantity_of("MUG") for stall in pair] == [3, 3]
    return pair


def the_case(market: Market) -> CaseFile:
    with market.shop.scope():
        shortage = Shortage.objects.select_related("line__order").get()
        return cases.open_case(market.shop.organisation.pk, shortage.line_id)


def sold_on_both(market: Market, stalls: tuple[Stall, Stall]) -> datetime:
    """Each stall sells all three mugs. The moment ten seconds before, as of which somebody may have counted."""
    before = market.clock()
    market.clock.tick(10)
    for stall in stalls:
        stall.emulator.place_order([("MUG", 3)])
    market.settle(3)
    return before


def count_late(market: Market, unit: int, counted: int, counted_at: datetime) -> None:
    with use_case("test.count", organisation_id=market.shop.organisation.pk) as uc:
        counts.record_count(uc, market.shop.place.pk, {unit: counted}, as_of=counted_at, reference="late")


def unit_sold(market: Market) -> int:
    with market.shop.scope():
        unit = OrderLine.objects.order_by("pk")[0].stock_unit_id
    assert unit is not None
    return unit


def parts(verdict: Verdict) -> dict[str, int]:
    return {part.name: part.milliseconds for part in verdict.parts}


def test_a_sale_before_our_cut_could_arrive_is_latency_of_ours(market: Market, stalls: tuple[Stall, Stall]) -> None:
    """Nobody asked for orders for two minutes: the second stall sold what the first had sold. The wait is ours: "pull"."""
    first, second = stalls
    first.emulator.place_order([("MUG", 3)])
    market.clock.tick(90)
    second.emulator.place_order([("MUG", 2)])
    market.clock.tick(30)
    market.settle(3)
    case = the_case(market)
    assert (case.verdict.kind, case.short) == (Kind.LATENCY, 2)
    assert case.cause is not None
    assert case.cause.is_sale
    assert case.verdict.ours > case.verdict.theirs
    assert parts(case.verdict)["pull"] > 115_000
    assert [(offer.then, offer.today) for offer in case.offers if offer.channel_code == case.channel_code] == [(3, 0)]
    told = [entry.what for entry in case.entries]
    assert told.index("sold") < told.index("entered") < told.index("short")


def test_an_order_list_that_lags_is_latency_of_theirs(market: Market, stalls: tuple[Stall, Stall]) -> None:
    """We asked every few seconds; the list showed the first stall's order three minutes later. That wait is the channel's."""
    first, second = stalls
    order = first.emulator.place_order([("MUG", 3)])
    hidden = first.emulator.orders.pop(order)
    for _ in range(12):
        first.due_now()
        market.settle(1, 15)
    second.emulator.place_order([("MUG", 2)])
    hidden.modified_at = market.clock()
    first.emulator.orders[order] = hidden
    first.due_now()
    market.settle(4)
    case = the_case(market)
    assert case.verdict.kind is Kind.LATENCY
    assert case.verdict.theirs > case.verdict.ours
    assert parts(case.verdict)["order_list"] > 120_000


def test_a_figure_that_the_rules_do_not_give_is_a_bug(market: Market, stalls: tuple[Stall, Stall]) -> None:
    """Provoked: somebody writes a wrong intention past the engine, and it is sent. No window explains what is sold of it."""
    _first, second = stalls
    with market.shop.scope():
        offer = Offer.objects.get(channel=second.channel)
        Offer.objects.filter(pk=offer.pk).update(intended_qty=9)
        OfferTodo.objects.create(
            organisation=market.shop.organisation, offer=offer, kind="quantity", channel=second.channel, version=1, since=market.clock()
        )
    market.clock.tick(120)
    market.settle(2)
    assert second.emulator.quantity_of("MUG") == 9
    market.clock.tick(120)
    second.emulator.place_order([("MUG", 5)])
    market.settle(3)
    case = the_case(market)
    assert case.verdict.kind is Kind.BUG
    assert (case.verdict.broken, case.clocks) == ("10: 9 was sent, and the facts of that moment give 3", None)

    market.clock.tick(-118)  # the worker that comes next has a clock of its own
    with market.shop.scope():
        line = OrderLine.objects.get()
    cancel.cancel_lines(market.shop.organisation.pk, line.order_id, {line.pk: 3}, reason=CancelReason.FRAUD, actor="user:1")
    case = the_case(market)
    assert (case.verdict.kind, case.verdict.broken) == (Kind.CLOCKS, "10: 9 was sent, and the facts of that moment give 3")
    assert case.clocks is not None
    assert (case.clocks.channel_code, 100_000 < case.clocks.milliseconds <= 118_000) == ("", True)
    assert clocks_of(case).startswith("Our own clocks differ by at least 1")
    assert words_of(case).startswith("Nobody can tell what came first.")
    told = StringIO()
    Console(file=told, width=200).print(case_file.render(case))
    assert clocks_of(case) in told.getvalue()


def test_a_refresh_that_was_lost_is_a_bug(market: Market, stalls: tuple[Stall, Stall], monkeypatch: pytest.MonkeyPatch) -> None:
    """Provoked: the sale on one stall does not reach the other's offer. Ten minutes later it is sold again."""
    from stallkeeper.channels import refresh

    first, second = stalls
    first.emulator.place_order([("MUG", 3)])
    real = refresh._write

    def forget(uc, channels, offers, after, differs, touched) -> None:
        kept = differs & (offers["channel"] == first.channel.pk)
        real(uc, channels, offers | {"refused": after}, after, kept, touched)

    monkeypatch.setattr(refresh, "_write", forget)
    market.settle(2)
    monkeypatch.setattr(refresh, "_write", real)
    with market.shop.scope():
        assert Offer.objects.get(channel=second.channel).intended_qty == 3, "the bug is in"
    market.clock.tick(600)
    second.emulator.place_order([("MUG", 2)])
    market.settle(2)
    case = the_case(market)
    assert case.verdict.kind is Kind.BUG
    assert "no cut was wanted" in case.verdict.broken


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.RATE_LIMIT])
def test_a_cut_that_waited_for_long_was_wanted(market: Market, stalls: tuple[Stall, Stall], fault: Fault) -> None:
    """The cut for the other stall got lost, or had to wait. When that one sells it lowers its own figure: nothing is left to be sent, and
    the case file still knows that a cut was wanted (found by the simulation)."""
    first, second = stalls
    first.emulator.place_order([("MUG", 3)])
    first.due_now()
    second.emulator.fail_next(fault, path="/v1/stock")
    market.settle(1)
    assert second.emulator.quantity_of("MUG") == 3
    market.clock.tick(600)
    second.emulator.place_order([("MUG", 3)])
    second.due_now()
    market.settle(3)
    case = the_case(market)
    assert (case.verdict.kind, case.verdict.broken, case.short) == (Kind.LATENCY, "", 3)
    assert case.verdict.ours > 500_000


def test_a_kit_and_its_component_in_one_order_went_beyond_together(market: Market, stalls: tuple[Stall, Stall]) -> None:
    """Each line alone was there; both were not, since the other stall had sold one. That sale is the cause, and nothing broke."""
    first, second = stalls
    with market.shop.scope():
        mug = Offer.objects.get(channel=second.channel).stock_unit
    second.offer(market.shop.kit("SET", {mug: 1}), shown=0)
    market.settle(3)
    taken = first.emulator.place_order([("MUG", 1)])
    second.emulator.place_order([("SET", 1), ("MUG", 2)])
    market.settle(3)
    case = the_case(market)
    assert (case.verdict.kind, case.verdict.broken, case.short, case.sku) == (Kind.LATENCY, "", 1, "MUG")
    assert case.cause is not None
    assert (case.cause.what.startswith("order "), taken in case.cause.what, case.cause.is_sale) == (True, True, True)


def test_one_order_for_more_than_there_is_took_it_from_itself(market: Market, stalls: tuple[Stall, Stall]) -> None:
    """Nobody else sold anything: the channel sold a kit and all of its component, each as it was shown."""
    _first, second = stalls
    with market.shop.scope():
        mug = Offer.objects.get(channel=second.channel).stock_unit
    second.offer(market.shop.kit("SET", {mug: 1}), shown=0)
    market.settle(3)
    number = second.emulator.place_order([("SET", 1), ("MUG", 3)])
    market.settle(3)
    case = the_case(market)
    assert (case.verdict.kind, case.short) == (Kind.LATENCY, 1)
    assert case.cause is not None
    assert number in case.cause.what


def test_of_many_sales_those_nearest_to_the_short_one_are_looked_through(
    market: Market, stalls: tuple[Stall, Stall], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rush has more sales of a unit in a day than anybody reads; the line itself and what took its units are among those that are."""
    from stallkeeper.orders import case_queries

    first, second = stalls
    for _ in range(3):
        last = first.emulator.place_order([("MUG", 1)])
    second.emulator.place_order([("MUG", 1)])
    market.settle(3)
    monkeypatch.setattr(case_queries, "MOST_SALES", 2)
    case = the_case(market)
    assert (case.verdict.kind, case.short) == (Kind.LATENCY, 1)
    assert case.cause is not None
    assert last in case.cause.what


def test_two_orders_of_one_moment_are_looked_at_together(market: Market, stalls: tuple[Stall, Stall]) -> None:
    """Platforms cut times to the second. Which of the two was first nobody can say: together they went beyond."""
    first, second = stalls
    one, other = first.emulator.place_order([("MUG", 3)]), second.emulator.place_order([("MUG", 2)])
    second.emulator.orders[other].placed_at = first.emulator.orders[one].placed_at
    market.settle(3)
    case = the_case(market)
    assert (case.verdict.kind, case.verdict.broken) == (Kind.LATENCY, "")
    assert case.cause is not None
    assert case.cause.is_sale
    assert case.cause.what.split(" on ")[1] != case.channel_code


def test_stock_that_was_counted_lower_afterwards_is_no_oversell(market: Market, stalls: tuple[Stall, Stall]) -> None:
    first, _second = stalls
    first.emulator.place_order([("MUG", 3)])
    market.settle(3)
    market.clock.tick(60)
    with market.shop.scope():
        unit = OrderLine.objects.get().stock_unit_id
    with use_case("test.count", organisation_id=market.shop.organisation.pk) as uc:
        ledger.set_on_hand(uc, [Target(unit, market.shop.place.pk, 1, "counted")], reason="two broke")
    case = the_case(market)
    assert (case.verdict.kind, case.short, case.verdict.broken) == (Kind.STOCK_CUT, 2, "")


def test_goods_that_were_there_and_were_entered_later_are_no_bug(market: Market, stalls: tuple[Stall, Stall]) -> None:
    """Seed 81: figures of 1C waited for a person, and said afterwards what had been there all the time."""
    counted_at = sold_on_both(market, stalls)
    assert the_case(market).verdict.kind is Kind.LATENCY
    count_late(market, unit_sold(market), 9, counted_at)
    case = the_case(market)
    assert (case.verdict.kind, case.verdict.broken) == (Kind.ENTERED_LATER, "")
    assert "entered only after" in words_of(case)


def test_goods_that_were_entered_later_and_went_to_those_who_waited_are_no_bug(market: Market, stalls: tuple[Stall, Stall]) -> None:
    """Seed 72: a count as of earlier, after the sale and before its order came; an order that had been short got what it found."""
    counted_at = sold_on_both(market, stalls)
    market.clock.tick(10)
    last = stalls[0].emulator.place_order([("MUG", 3)], force=True)
    market.clock.tick(1)
    count_late(market, unit_sold(market), 6, counted_at)
    market.settle(3)
    with market.shop.scope():
        case = cases.open_case(market.shop.organisation.pk, OrderLine.objects.get(order__external_id=last).pk)
    assert (case.verdict.kind, case.verdict.broken) == (Kind.ENTERED_LATER, "")
    assert "after it had been sold" in words_of(case)


def test_a_line_that_was_never_short_has_no_case(market: Market, stalls: tuple[Stall, Stall]) -> None:
    first, _second = stalls
    first.emulator.place_order([("MUG", 1)])
    market.settle(2)
    with market.shop.scope(), pytest.raises(cases.NoCase, match="nothing was sold twice"):
        cases.open_case(market.shop.organisation.pk, OrderLine.objects.get().pk)
    with pytest.raises(cases.NoCase, match="no order 'NOPE'"):
        cases.find(market.shop.organisation.pk, "NOPE", "1")


# --- the verdict alone --------------------------------------------------------------------------------------------------------------------

STOOD = Send(T, 3, "accepted", T - SECOND)
RULES = [Known(3, 3)]
CAUSE = Cause("order 1 on AA", T + MINUTE, T + 2 * MINUTE, True, T + 118 * SECOND)
SALE = SoldTwice(T + 3 * MINUTE, 2, 0, 0, STOOD, RULES, cause=CAUSE)


def test_each_part_of_the_window_is_somebodys() -> None:
    wanted = T + 2 * MINUTE + SECOND
    cut = Send(T + 4 * MINUTE, 0, "accepted", T + 3 * MINUTE, wanted)
    verdict = judge(changed(cut=cut, wanted_at=wanted))
    assert parts(verdict) == {"order_list": 58_000, "pull": 2_000, "decide": 1_000, "queue": 59_000, "accept": 60_000}
    assert (verdict.ours, verdict.theirs) == (62_000, 118_000)
    assert verdict.since == CAUSE.happened_at
    assert verdict.until == cut.at
    assert sum(parts(verdict).values()) == 180_000, "the parts are the whole window"


def test_what_was_sold_after_the_yes_is_theirs_for_a_while_and_then_unexplained() -> None:
    accepted = Send(T, 0, "accepted", T - SECOND)
    soon, late = (
        changed(stood=accepted, rules=[Known(0, 0)], sold_at=T + MINUTE),
        changed(stood=accepted, rules=[Known(0, 0)], sold_at=T + 60 * MINUTE),
    )
    assert parts(judge(soon)) == {"show": 60_000}
    assert judge(soon).parts[0].whose is Whose.THEIRS
    assert judge(late).broken.startswith("9: the channel had accepted 0 60 minutes before")
    assert judge(changed(stood=accepted, rules=[Known(0, 0)], sold_at=T + 60 * MINUTE, read_above=True)).kind is Kind.LATENCY


def test_of_a_gross_figure_only_what_is_not_sold_there_already_is_for_sale() -> None:
    """Three were accepted, and the channel subtracts its two open orders: one was for sale, and it sold two."""
    gross = {"cause": None, "rules": [Known(0, 3), Known(3, 3, open=2), Known(3, 3, open=3)], "sold_at": T + MINUTE}
    assert parts(judge(changed(**gross))) == {"show": 60_000}
    assert judge(changed(**gross, freed=1)).broken.startswith("10: nothing was taken since"), (
        "two were for sale, by our books and by theirs"
    )
    assert judge(changed(**gross | {"units": 1})).broken.startswith("10: nothing was taken since")
    late = changed(**gross | {"sold_at": T + 60 * MINUTE})
    assert judge(late).broken.startswith("9: the channel had accepted 3, 2 of them sold there already, 60 minutes before")
    assert parts(judge(changed(**gross | {"cause": CAUSE, "sold_at": T + 3 * MINUTE}))) == parts(judge(SALE)), "what took the units is told"


@pytest.mark.parametrize(
    ("sale", "broken"),
    [
        ({"rules": [Known(1, 9), Known(2, 9)]}, "10: 3 was sent, and the facts of that moment give 2"),
        ({"rules": [Known(3, 2)]}, "4: 3 was sent, and 2 were there at most"),
        ({"cause": None}, "10: nothing was taken since"),
        ({"sold_at": T + 20 * MINUTE}, "10: order 1 on AA was known 18 minutes before the sale, and no cut was wanted"),
    ],
)
def test_without_a_window_the_verdict_names_what_was_broken(sale: dict, broken: str) -> None:
    verdict = judge(changed(**sale))
    assert verdict.kind is Kind.BUG
    assert verdict.broken.startswith(broken)


def test_what_was_known_long_before_is_no_bug_where_it_was_wanted_or_sending_was_off() -> None:
    late = {"sold_at": T + 20 * MINUTE}
    assert judge(changed(**late, wanted_at=T + 2 * MINUTE)).kind is Kind.LATENCY
    assert judge(changed(**late, switched=True)).kind is Kind.LATENCY
    assert judge(None, "counted 2").kind is Kind.STOCK_CUT
    assert judge(None).broken.startswith("3: there was enough")
    assert judge(None, ahead=True).kind is Kind.AHEAD
    assert verdicts.judge(changed(refused_at=T + 150 * SECOND)).parts[-1].name == "refused"
    earlier = judge(changed(refused_at=CAUSE.known_at - MINUTE))
    assert sum(parts(earlier).values()) == (SALE.sold_at - CAUSE.happened_at) / SECOND * 1000, "the parts are the whole window"


def test_clocks_that_differ_excuse_a_bug_and_are_told_with_any_verdict() -> None:
    bug, late = judge(None), judge(SALE)
    assert verdicts.differing(5 * SECOND, {"AA": 5 * SECOND, "BB": -MINUTE}) is None, "two clocks always differ a little"
    theirs = verdicts.differing(6 * SECOND, {"AA": 7 * SECOND, "BB": 6 * SECOND})
    assert theirs == Clocks(7_000, "AA")
    assert verdicts.differing(8 * SECOND, {"AA": 7 * SECOND}) == Clocks(8_000)
    assert (verdicts.heed(bug, theirs).kind, verdicts.heed(bug, theirs).broken) == (Kind.CLOCKS, bug.broken)
    assert verdicts.heed(bug, None) is bug
    assert verdicts.heed(late, theirs) is late


def changed(**fields: object) -> SoldTwice:
    from dataclasses import replace

    return replace(SALE, **fields)
