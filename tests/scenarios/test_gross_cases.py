"""Case files of a channel that wants gross figures: it subtracts its own open orders from them (ADR 0007, Walmart's FACTS: "push what you
hold"), so of what it had accepted only the rest was for sale."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stallkeeper.orders import cases
from stallkeeper.orders.case_words import words_of
from stallkeeper.orders.cases import CaseFile
from stallkeeper.orders.verdicts import Kind
from tests.scenarios.town import Stall, Town
from tests.shop import Shop


@pytest.fixture
def walmart(town: Town, firm: Shop) -> Stall:
    """A Walmart that shows ten mugs, and leaves its figure as it is when goods are shipped."""
    firm.unit("MUG", 10)
    stall = town.stall(firm, "walmart", goods={"MUG": 0})
    stall.emulator.ship_lowers_input = False
    town.work(40)
    assert stall.shown() == {"MUG": 10}
    return stall


def case_of(stall: Stall, external: str) -> CaseFile:
    with stall.shop.scope():
        return cases.open_case(stall.shop.organisation.pk, stall.lines(external)[0].pk)


@pytest.mark.parametrize("shipped", [False, True], ids=["open there", "shipped by our books, and nobody has told Walmart yet"])
def test_a_cut_that_was_accepted_and_not_applied_is_theirs(town: Town, firm: Shop, walmart: Stall, shipped: bool) -> None:
    """All mugs broke, two of them sold: 2 is accepted and 0 are for sale by that, but Walmart goes on selling. Nothing of ours broke."""
    first = walmart.emulator.place_order([("MUG", 2)])
    town.work(7)
    broke(town, firm, 0)
    walmart.emulator.dials = replace(walmart.emulator.dials, not_applied=1.0)
    town.work(7)
    assert (walmart.sent("MUG")[-1], walmart.shown()) == ((2, "accepted"), {"MUG": 8})
    if shipped:
        walmart.ship(first)
    second = walmart.emulator.place_order([("MUG", 1)])
    walmart.emulator.dials = replace(walmart.emulator.dials, not_applied=0.0)
    town.work(30)
    case = case_of(walmart, second)
    assert (case.verdict.kind, case.verdict.broken, case.cause, case.short) == (Kind.LATENCY, "", None, 1)
    assert [part.name for part in case.verdict.parts] == ["show"]
    assert (case.verdict.ours, words_of(case).startswith("Latency: the channel's own figure.")) == (0, True)


def test_a_shipment_that_the_channel_was_told_of_before_our_cut_is_ours(town: Town, firm: Shop, walmart: Stall) -> None:
    """Both mugs are sold and shipped. Walmart subtracts them no longer, its figure still has them, and our cut is not there yet."""
    first = walmart.emulator.place_order([("MUG", 2)])
    town.work(7)
    broke(town, firm, 2)
    town.work(30)
    assert walmart.shown() == {"MUG": 0}
    walmart.ship(first)
    walmart.emulator.fail_next("rate_limit", 9, "/v3/inventor")
    town.work(7)
    assert walmart.shown() == {"MUG": 2}, "the window"
    second = walmart.emulator.place_order([("MUG", 1)])
    walmart.emulator.clear_faults()
    town.work(200)
    assert walmart.shown() == {"MUG": 0}
    case = case_of(walmart, second)
    assert (case.verdict.kind, case.verdict.broken, case.verdict.theirs <= case.verdict.ours) == (Kind.LATENCY, "", True)
    assert f"the shipment of order {walmart.order(first).number}" in words_of(case)


def broke(town: Town, firm: Shop, left: int) -> None:
    from stallkeeper.catalog.models import StockUnit

    with firm.scope():
        unit = StockUnit.objects.get(sku="MUG")
    town.stock(firm, unit, left)
