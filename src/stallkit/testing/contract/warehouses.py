"""Chapters warehouses and compare, and what the platform's own reserve tells: whose figures they are, and when they may be replaced."""

from __future__ import annotations

from stallkit.manifest import Capability, Observer, OwnSale
from stallkit.testing.contract.bench import Bench
from stallkit.testing.contract.cases import NotApplicable, case
from stallkit.testing.contract.reading import read_state
from stallkit.types import Accepted, Differs, RemoteWarehouse

WAREHOUSES, COMPARE, STATES = Capability.READ_WAREHOUSES, Capability.COMPARE_AND_SET, Capability.READ_STATES


@case("warehouses.are_told", WAREHOUSES)
def warehouses_are_told(bench: Bench) -> None:
    """Every warehouse has a number and a name, no number comes twice, and ours is among those that can be used."""
    told = bench.patiently(bench.adapter.read_warehouses)
    assert told, "no warehouse is told"
    assert all(isinstance(one, RemoteWarehouse) and one.id and one.name for one in told), f"a warehouse without number or name: {told}"
    assert len({one.id for one in told}) == len(told), "a number comes twice"
    if bench.subject.warehouse:
        usable = [one.id for one in told if one.usable]
        assert bench.subject.warehouse in usable, f"{bench.subject.warehouse} is not among the usable ones: {usable}"
    assert all(one.note for one in told if not one.usable), "a warehouse that cannot be used does not say why"


@case("compare.replaces_what_is_expected", COMPARE)
def compare_replaces(bench: Bench) -> None:
    """A figure that is as expected is replaced."""
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    assert bench.patiently(lambda: bench.adapter.write_stock([bench.intent(ref, 3, expected=5)])) == {ref: Accepted()}
    assert bench.emulator.quantity_of("CUP-RED") == 3


@case("compare.tells_what_differs", COMPARE)
def compare_tells(bench: Bench) -> None:
    """Another figure than expected is not replaced, and is told: a sale in between is not lost."""
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    bench.order(("CUP-RED", 1))
    outcomes = bench.patiently(lambda: bench.adapter.write_stock([bench.intent(ref, 6, expected=5)]))
    assert outcomes == {ref: Differs(4)}, f"answered with {outcomes}"
    assert bench.emulator.quantity_of("CUP-RED") == 4, "the figure was replaced all the same"


@case("states.fall_with_a_sale", STATES)
def states_fall_with_a_sale(bench: Bench) -> None:
    """Where sales are observed by the figure's fall, it falls at once by the units sold, before anybody has read the order."""
    if bench.manifest.quirks.observer is not Observer.FALL:
        raise NotApplicable("sales are not observed by a fall of the figure here")
    assert bench.manifest.quirks.own_sale_lowers is OwnSale.AT_ORDER, "a figure that does not fall at the order shows no sale"
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    bench.order(("CUP-RED", 2))
    bench.clock.advance(1)
    state = read_state(bench, ref)
    assert state is not None
    assert state.quantity == 3, f"5 less 2, observed {state.quantity}"


@case("states.reserve_is_told", STATES)
def states_reserve_is_told(bench: Bench) -> None:
    """Where the platform shows its own reserve, a sale is in it at once, and a write of ours does not touch it."""
    if bench.manifest.quirks.observer is not Observer.RESERVE:
        raise NotApplicable("the platform shows no reserve of its own")
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    state = read_state(bench, ref)
    assert state is not None
    assert state.reserved == 0, f"nothing is sold, the reserve is {state.reserved}"
    bench.order(("CUP-RED", 2))
    bench.patiently(lambda: bench.adapter.write_stock([bench.intent(ref, 9)]))
    bench.clock.advance(1)
    state = read_state(bench, ref)
    assert state is not None
    assert state.reserved == 2, f"2 are sold, the reserve is {state.reserved}"
