"""The demo's judge: worked examples by hand, and figures that must not be kind to the hub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stallkeeper.ops.demo import ideal, judge
from stallkeeper.ops.demo.judge import Cut, Oversold, Shown, Sold, Supplied

T = datetime(2026, 3, 2, 12, tzinfo=UTC)
RED, BLUE, PACK = ("red", "M"), ("blue", "M-blue"), ("blue", "PACK-3")
RECIPES = {RED: {"M": 1}, BLUE: {"M": 1}, PACK: {"M": 3}}


def at(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def cuts(sales, diary, supplied=10, more=(), start=None, since=T):
    supplies = [Supplied(T - timedelta(days=1), "M", supplied), *more]
    return judge.cuts(RECIPES, start or {RED: supplied, BLUE: supplied, PACK: supplied // 3}, supplies, sales, diary, since)


def test_a_sale_owes_a_cut_to_the_other_stall_and_its_push_pays_it():
    found = cuts([Sold(at(0), RED, 1)], [Shown(at(0), RED, 9, "sale"), Shown(at(2), BLUE, 9, "push")])
    assert found == [Cut(at(0), RED, BLUE, 2.0, "call")]


def test_a_pack_is_owed_only_when_its_number_changes():
    """Ten hold three packs of three, nine do too, eight do not."""
    sales = [Sold(at(0), RED, 1), Sold(at(5), RED, 1)]
    diary = [Shown(at(1), BLUE, 9, "push"), Shown(at(6), BLUE, 8, "push"), Shown(at(7), PACK, 2, "push")]
    first, second, pack = Cut(at(0), RED, BLUE, 1.0, "call"), Cut(at(5), RED, BLUE, 1.0, "call"), Cut(at(5), RED, PACK, 2.0, "call")
    assert cuts(sales, diary) == [first, second, pack]


def test_a_push_to_a_number_that_is_still_too_high_pays_nothing():
    found = cuts([Sold(at(0), RED, 4)], [Shown(at(1), BLUE, 8, "push"), Shown(at(3), BLUE, 6, "push"), Shown(at(3), PACK, 2, "push")])
    assert found == [Cut(at(0), RED, BLUE, 3.0, "call"), Cut(at(0), RED, PACK, 3.0, "call")]


def test_one_push_pays_for_a_burst_from_each_sale_on():
    sales = [Sold(at(0), RED, 1), Sold(at(1), RED, 1)]
    found = cuts(sales, [Shown(at(4), BLUE, 8, "push"), Shown(at(4), PACK, 2, "push")])
    assert [cut.seconds for cut in found if cut.offer == BLUE] == [4.0, 3.0]


def test_a_cut_that_was_never_made_is_open_and_not_forgotten():
    assert cuts([Sold(at(0), RED, 1)], []) == [Cut(at(0), RED, BLUE, None, "open")]


def test_buyers_there_or_new_goods_may_make_the_cut_needless():
    own = cuts([Sold(at(0), RED, 1), Sold(at(1), BLUE, 1)], [Shown(at(1), BLUE, 9, "sale")])
    assert Cut(at(0), RED, BLUE, 1.0, "own_sale") in own
    assert cuts([Sold(at(0), RED, 1)], [], more=[Supplied(at(1), "M", 1)]) == [Cut(at(0), RED, BLUE, None, "relieved")]
    assert cuts([Sold(at(0), RED, 1), Sold(at(1), RED, -1)], []) == [Cut(at(0), RED, BLUE, None, "relieved")]


def test_a_push_to_what_there_is_by_then_pays():
    """Three are sold, one comes in: the push shows eight, which is right, though the sale alone would have owed seven."""
    found = cuts([Sold(at(0), RED, 3)], [Shown(at(2), BLUE, 8, "push"), Shown(at(2), PACK, 2, "push")], more=[Supplied(at(1), "M", 1)])
    assert found == [Cut(at(0), RED, BLUE, 2.0, "call"), Cut(at(0), RED, PACK, 2.0, "call")]


def test_pushes_by_feed_are_told_apart():
    found = cuts([Sold(at(0), RED, 1)], [Shown(at(300), BLUE, 9, "push", by_feed=True)])
    assert found == [Cut(at(0), RED, BLUE, 300.0, "feed")]


def test_nothing_is_owed_where_less_is_shown_than_there_is():
    assert cuts([Sold(at(0), RED, 1)], [], start={RED: 10, BLUE: 5, PACK: 1}) == []


def test_sales_before_trade_began_lower_the_pool_but_are_not_measured():
    sales = [Sold(at(-60), RED, 5), Sold(at(0), RED, 1)]
    found = cuts(sales, [Shown(at(2), BLUE, 4, "push"), Shown(at(2), PACK, 1, "push")])
    assert [(cut.sold_at, cut.seconds) for cut in found] == [(at(0), 2.0), (at(0), 2.0)]


def test_the_sold_offer_itself_owes_nothing_but_its_siblings_do():
    """A pack and its single one stand on the same stall: the platform lowers only what was sold."""
    found = cuts([Sold(at(0), BLUE, 2)], [Shown(at(0), BLUE, 8, "sale"), Shown(at(3), PACK, 2, "push"), Shown(at(3), RED, 8, "push")])
    assert {(cut.offer, cut.seconds) for cut in found} == {(PACK, 3.0), (RED, 3.0)}


def test_of_one_moment_the_diary_comes_before_the_sale():
    """The stall writes the fall of the sold offer and the sale with one clock: the fall is no payment for the sale that caused it."""
    found = cuts([Sold(at(1), RED, 1)], [Shown(at(1), BLUE, 10, "push"), Shown(at(2), BLUE, 9, "push")])
    assert found == [Cut(at(1), RED, BLUE, 1.0, "call")]


# --- overselling --------------------------------------------------------------------------------------------------------------------------


def supply(units: int, seconds: float = -60) -> Supplied:
    return Supplied(at(seconds), "M", units)


def test_units_sold_beyond_what_there_was_are_counted_at_their_worst():
    found = judge.oversold(RECIPES, [supply(3)], [Sold(at(0), RED, 2), Sold(at(1), PACK, 1)], T, at(10))
    assert found == [Oversold("M", 2, 2, timedelta(seconds=9))]


def test_an_oversell_that_was_taken_back_leaves_nothing():
    sales = [Sold(at(0), RED, 1), Sold(at(1), BLUE, 1), Sold(at(4), BLUE, -1)]
    assert judge.oversold(RECIPES, [supply(1)], sales, T, at(60)) == [Oversold("M", 1, 0, timedelta(seconds=3))]
    assert judge.oversold(RECIPES, [supply(1), supply(1, 3)], sales[:2], T, at(60)) == [Oversold("M", 1, 0, timedelta(seconds=2))]


def test_what_was_there_is_no_oversell():
    assert judge.oversold(RECIPES, [supply(3)], [Sold(at(0), PACK, 1)], T, at(60)) == []


def test_orders_that_came_before_the_stock_was_entered_are_no_oversell():
    """The stalls had open orders when the seller connected them and imported his stock."""
    early = [Sold(at(-90), RED, 1)]
    assert judge.oversold(RECIPES, [supply(3)], [*early, Sold(at(0), RED, 1)], T, at(60)) == []
    assert judge.oversold(RECIPES, [supply(0)], early, T, at(60)) == []  # nothing happened since
    assert judge.oversold(RECIPES, [supply(0)], [*early, Sold(at(5), RED, 1)], T, at(60)) == [Oversold("M", 2, 2, timedelta(seconds=60))]


@pytest.mark.parametrize(
    ("one", "short_now", "ever", "complaint"),
    [
        (Oversold("M", 2, 2, timedelta(seconds=60)), {"M": 2}, {"M"}, ""),
        (Oversold("M", 2, 2, timedelta(seconds=60)), {"M": 1}, {"M"}, "M: 2 sold too many, only 1 recorded as short"),
        (Oversold("M", 1, 0, timedelta(seconds=3)), {}, set(), ""),
        (Oversold("M", 1, 0, timedelta(seconds=16)), {}, set(), "M: 1 sold too many for 16 s without a shortage"),
        (Oversold("M", 1, 0, timedelta(seconds=16)), {}, {"M"}, ""),
    ],
)
def test_an_oversell_must_have_been_noticed(one, short_now, ever, complaint):
    assert judge.unnoticed([one], short_now, ever) == ([complaint] if complaint else [])


# --- convergence and figures --------------------------------------------------------------------------------------------------------------


def test_complete_kits_are_counted_at_each_place():
    free = {("M", "HERE"): 4, ("M", "THERE"): 2, ("N", "HERE"): 9}
    assert judge.for_sale({"M": 1}, free, ["HERE", "THERE"]) == 6
    assert judge.for_sale({"M": 3}, free, ["HERE", "THERE"]) == 1  # not two: 4 here and 2 there
    assert judge.for_sale({"M": 1, "N": 2}, free, ["HERE", "THERE"]) == 4
    assert judge.for_sale({"M": 1}, {("M", "HERE"): -2, ("M", "THERE"): 1}, ["HERE", "THERE"]) == 1


def test_offers_that_show_another_number_are_named():
    free = {("M", "HERE"): 4}
    assert judge.not_converged(RECIPES, free, ["HERE"], {RED: 4, BLUE: 4, PACK: 1}) == []
    assert judge.not_converged(RECIPES, free, ["HERE"], {RED: 4, BLUE: 5, PACK: 1}) == [
        "blue M-blue: buyers see 5, the ledger has 4 for sale"
    ]


def test_spread_is_by_nearest_rank():
    assert judge.spread([]) == {"p50": None, "p95": None, "p99": None, "max": None}
    assert judge.spread([3.0]) == {"p50": 3.0, "p95": 3.0, "p99": 3.0, "max": 3.0}
    assert judge.spread(float(n) for n in range(1, 101)) == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert judge.spread([1.0, 2.0, 10.0])["p95"] == 10.0


def ideally(sales, supplied=10, more=(), pause=30.0, end=300.0):
    supplies = [Supplied(T - timedelta(days=1), "M", supplied), *more]
    start = {RED: supplied, BLUE: supplied, PACK: supplied // 3}
    found = ideal.ideal_cuts(RECIPES, start, supplies, sales, "blue", timedelta(seconds=pause), T, at(end))
    return [(cut.offer[1], round(cut.seconds, 3)) for cut in found if cut.how == "call"]


def test_the_ideal_sender_waits_for_nothing_but_the_platforms_pause():
    """The first figure of an offer goes out at once, the next when its half minute is over, with all that was sold meanwhile."""
    sold = [Sold(at(0), RED, 1), Sold(at(10), RED, 1), Sold(at(20), RED, 1), Sold(at(100), RED, 1)]
    assert ideally(sold) == [("M-blue", 0.0), ("M-blue", 20.0), ("PACK-3", 0.0), ("M-blue", 10.0), ("M-blue", 0.0)]
    assert [seconds for _, seconds in ideally(sold, pause=0.0)] == [0.0] * 5


def test_the_ideal_sender_uses_up_turns_for_raises_too_and_needs_none_for_sales_there():
    goods = [Supplied(at(1), "M", 5)]
    assert ideally([Sold(at(5), RED, 1)], more=goods) == [("M-blue", 26.0), ("PACK-3", 26.0)]
    assert ideally([Sold(at(0), BLUE, 1), Sold(at(5), RED, 1)]) == [("M-blue", 0.0), ("PACK-3", 0.0)]


def test_what_must_be_kept_is_five_seconds_or_a_fifth_more_than_the_limit_allows():
    assert (ideal.allowed(None), ideal.allowed(0.0), ideal.allowed(25.0)) == (5.0, 5.0, 30.0)
