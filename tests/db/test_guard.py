"""Guarded mode: what channels show of a unit together is never more than there is (invariant 4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import delivery, fences, guarding
from stallkeeper.channels.explain import explain
from stallkeeper.channels.models import GuardedUnit, LaneKind, Offer, OfferTodo, WriteWindow
from stallkeeper.core import housekeeping
from stallkeeper.orders import cases
from stallkeeper.orders.models import Shortage
from stallkeeper.sync import adapters, nightly, push
from stallkit.adapters.dummy.manifest import MANIFEST
from stallkit.manifest import Capability
from stallkit.registry import manifest_of
from stallkit.testing.shop import Fault
from tests.market import Market, Stall


def guard(market: Market, unit: StockUnit, on: bool = True) -> None:
    market.shop.at = market.clock()
    with market.shop.use_case("set.guard") as uc:
        guarding.set_unit(uc, unit, on)


def intended(market: Market) -> list[int | None]:
    with market.shop.scope():
        return list(Offer.objects.order_by("id").values_list("intended_qty", flat=True))


def shown(market: Market, sku: str = "MUG") -> list[int]:
    return [stall.emulator.quantity_of(sku) for stall in market.stalls]


def three(market: Market, on_hand: int) -> StockUnit:
    """Three stalls that show all of a unit, which is guarded then."""
    unit = market.shop.unit("MUG", on_hand)
    for stall in [market.stall() for _ in range(3)]:
        stall.offer(unit, shown=on_hand)
    market.settle(1)
    return unit


def test_from_shared_to_guarded_and_back(market: Market) -> None:
    """Cuts first, and then nobody shows more than a share; back in shared mode everybody shows all again (architecture, section 4)."""
    unit = three(market, 10)
    assert intended(market) == [10, 10, 10]
    guard(market, unit)
    assert intended(market) == [4, 3, 3]
    market.settle(2)
    assert shown(market) == [4, 3, 3]
    guard(market, unit, False)
    market.settle(2)
    assert shown(market) == [10, 10, 10]


def test_a_raise_waits_until_the_others_have_been_cut(market: Market) -> None:
    """A share for a new stall goes out only as far as the cuts of the others have been accepted, and then at once."""
    unit = three(market, 9)
    guard(market, unit)
    market.settle(2)
    fourth = market.stall()
    offer = fourth.offer(unit, shown=0)
    with market.shop.use_case("test.drain") as uc:
        guarding.refresh.drain_stale(uc)
    assert intended(market) == [3, 2, 2, 2]
    fourth.run()
    assert fourth.emulator.quantity_of("MUG") == 0, "nobody has made room yet"
    assert fourth.todo() == [offer.pk]
    told = explain(market.shop.organisation.pk, "MUG", fourth.channel.code)[0]
    names = [stall.channel.name for stall in market.stalls[:3]]
    assert (told.steps[-1].name, told.steps[-1].before, told.steps[-1].after, told.verdict) == ("guard", 9, 2, "to_push")
    assert told.steps[-1].note == (
        f"9 free, shared with: {names[0]} 3, {names[1]} 2, {names[2]} 2; waits for the cut of {names[1]}, {names[2]}"
    )
    market.stalls[1].run()
    fourth.run()
    assert fourth.emulator.quantity_of("MUG") == 1, "one cut was accepted: one may be shown"
    market.stalls[2].run()
    fourth.run()
    assert shown(market) == [3, 2, 2, 2]


def test_an_unknown_figure_counts_as_the_most_it_could_be(market: Market) -> None:
    """A lost reply: until it is read, the stall may show what it had or what it was told, and nobody else is raised over that."""
    unit = three(market, 9)
    guard(market, unit)
    market.settle(2)
    one, two, _ = market.stalls
    market.stock(unit, 12)
    one.emulator.fail_next(Fault.DROP_AFTER, path="/v1/stock")
    one.run(outcome="error")
    market.stock(unit, 9)  # what was raised there must come back, and nobody knows whether it went up
    two.run()
    with market.shop.scope():
        offer = Offer.objects.get(channel=one.channel)
    assert (offer.believed_qty, offer.most_qty, one.emulator.quantity_of("MUG")) == (None, 4, 4)
    market.stock(unit, 10)
    two.run()
    assert two.emulator.quantity_of("MUG") == 3
    market.settle(4)
    assert sum(shown(market)) == 10


def test_what_is_sent_after_orders_were_told_of_contains_them_no_more(market: Market) -> None:
    """Nobody knows what the second stall shows: it was five, and orders for three have come. Then four are sent, without a reply: it
    may show four, not five less three (invariant 4, seed 646)."""
    unit = market.shop.unit("MUG", 8)
    one, two = market.stall(), market.stall()
    for stall in (one, two):
        stall.offer(unit, shown=8)
    market.settle(1)
    guard(market, unit)
    market.settle(2)
    assert shown(market) == [4, 4]
    with market.shop.scope():
        Offer.objects.filter(channel=two.channel).update(
            believed_qty=None, most_qty=5, missing_qty=-3, observed_qty=None, observed_at=market.clock()
        )
        Offer.objects.filter(channel=one.channel).update(intended_qty=8)
        for stall in (one, two):
            offer = Offer.objects.get(channel=stall.channel)
            fields = {"offer": offer, "channel": stall.channel, "kind": "quantity", "version": 1, "since": market.clock()}
            OfferTodo.objects.create(organisation=market.shop.organisation, **fields)
    two.emulator.fail_next(Fault.DROP_AFTER, path="/v1/stock")
    two.run(outcome="error")
    assert shown(market) == [4, 4]
    one.run()
    assert one.emulator.quantity_of("MUG") == 4


def worked_off(market: Market) -> None:
    """What was left to the job has been done."""
    with market.shop.use_case("offers.refresh") as uc:
        guarding.refresh.drain_stale(uc)


def note(market: Market, stall: Stall) -> str:
    """What the guard says of the mug's figure there."""
    step = explain(market.shop.organisation.pk, "MUG", stall.channel.code)[0].steps[-1]
    assert step.name == "guard"
    return step.note


def test_a_listing_that_is_gone_leaves_its_room_to_others(market: Market) -> None:
    """Its channel says that it has no such offer: what it showed counts as sold for half an hour, then others are raised (invariants 4 and
    10; seeds 115 and 126 of the simulation). Of one that nobody has ever seen, none counts. Neither has a part of what they share."""
    unit = three(market, 9)
    one, two, _ = market.stalls
    never = market.stall()
    never.offer(unit, shown=0)
    never.emulator.remove_offer("MUG")
    one.emulator.remove_offer("MUG")
    market.clock.tick(1_000)
    one.run(LaneKind.BACKGROUND)
    never.run(LaneKind.BACKGROUND)
    with market.shop.scope():
        gone = list(Offer.objects.filter(refused_code="no_such_offer").order_by("id").values_list("most_qty", "missing_qty"))
    assert gone == [(0, 9), (0, 0)]
    guard(market, unit)
    market.settle(2)
    market.stock(unit, 12)
    two.run()
    assert (intended(market), two.emulator.quantity_of("MUG")) == ([0, 6, 6, 0], 5), "nine may have been sold before it went"
    market.clock.tick(1_800)
    market.settle(2)
    assert [stall.emulator.quantity_of("MUG") for stall in market.stalls[1:3]] == [6, 6]


def test_a_listing_that_goes_and_comes_back_has_its_part_while_it_is_there(market: Market) -> None:
    """Nobody can buy what is kept for a listing that is not there: the others show it, and give it back when a read finds the listing."""
    unit = three(market, 9)
    guard(market, unit)
    market.settle(2)
    one = market.stalls[0]
    one.emulator.remove_offer("MUG")
    market.clock.tick(1_000)
    one.run(LaneKind.BACKGROUND)
    worked_off(market)
    assert intended(market) == [0, 5, 4]
    assert "this channel has no such offer" in note(market, one)
    market.clock.tick(1_800)
    market.settle(3)
    assert [stall.emulator.quantity_of("MUG") for stall in market.stalls[1:]] == [5, 4]
    assert one.todo() == [], "and nothing is sent there"
    one.emulator.add_offer("MUG", quantity=0)
    market.clock.tick(1_000)
    one.run(LaneKind.BACKGROUND)
    worked_off(market)
    assert intended(market) == [3, 3, 3]
    assert "no such offer" not in note(market, one)
    market.settle(3)
    assert shown(market) == [3, 3, 3]


def test_what_a_channel_refuses_others_show(market: Market) -> None:
    """It keeps what it shows and has no more, until a person has it tried again, or a night is over (S3.40)."""
    unit = three(market, 9)
    guard(market, unit)
    market.settle(2)
    one = market.stalls[0]
    one.emulator.offers["MUG"].refuse_stock = "blocked by moderation"
    market.stock(unit, 12)
    one.run()
    worked_off(market)
    assert intended(market) == [3, 5, 4]
    market.settle(3)
    assert shown(market) == [3, 5, 4]
    assert "this channel has refused a figure" in note(market, one)
    with market.shop.scope():
        mine = Offer.objects.get(channel=one.channel)

    def tried() -> int:
        return len([call for call in one.emulator.calls if call.path == "/v1/stock"])

    before = tried()
    nightly.check_offers(market.shop.organisation.pk)
    assert intended(market) == [4, 4, 4]
    market.settle(3)
    worked_off(market)
    assert (intended(market), tried()) == ([3, 5, 4], before + 1), "refused again"
    market.settle(3)
    one.emulator.offers["MUG"].refuse_stock = ""
    with market.shop.use_case("test.again") as uc:
        delivery.try_again(uc, "quantity", [mine.pk])
    worked_off(market)
    market.settle(3)
    assert shown(market) == [4, 4, 4]
    assert "refused" not in note(market, one)


def test_without_an_answer_to_a_submission_others_have_the_units_as_well(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where the refusal comes with a ticket."""
    monkeypatch.setattr("stallkit.adapters.dummy.manifest.MANIFEST", replace(MANIFEST, bulk_from=1))
    unit = three(market, 9)
    guard(market, unit)
    market.settle(12)
    assert shown(market) == [3, 3, 3]
    market.stalls[0].emulator.offers["MUG"].refuse_stock = "blocked by moderation"
    market.stock(unit, 12)
    market.settle(12)
    worked_off(market)
    assert intended(market) == [3, 5, 4]


def test_what_was_refused_does_not_go_out_again_for_want_of_room(market: Market) -> None:
    """There is room for one, and the channel refuses one: that does not go out again, nor any other raise once its part is split anew
    (seed 150). Before the job has done that, another figure may go out."""
    unit = three(market, 9)
    guard(market, unit)
    market.settle(2)
    fourth = market.stall()
    offer = fourth.offer(unit, shown=0)
    fourth.emulator.offers["MUG"].refuse_stock = "no stock for this one"
    with market.shop.use_case("test.drain") as uc:
        guarding.refresh.drain_stale(uc)
    for cut, refused, calls in ((1, 1, 1), (None, 1, 1), (2, 2, 2), (None, 2, 2)):
        if cut is not None:
            market.stalls[cut].run()
        fourth.run()
        assert fourth.reload(offer).refused_qty == refused
        assert len([call for call in fourth.emulator.calls if call.path == "/v1/stock"]) == calls
    worked_off(market)
    assert (intended(market), fourth.todo()) == ([3, 3, 3, 0], [])


def test_blind_and_unread_a_guarded_figure_stands(market: Market) -> None:
    """Orders cannot be read, and the shop window told nothing: even a cut could offer sold units once more, and nobody needs it, for the
    others count this stall with all that it was given. None is always safe (the rush with Yandex Market)."""
    unit = three(market, 12)
    guard(market, unit)
    market.settle(2)
    one, two, _ = market.stalls
    assert shown(market) == [4, 4, 4]
    for _ in range(3):
        one.emulator.place_order([("MUG", 1)])
    one.emulator.fail_next(Fault.SERVER_ERROR, times=10_000, path="/v1/orders")
    market.clock.tick(60)
    with market.shop.scope():
        read = {"believed_qty": None, "most_qty": 4, "observed_qty": None, "observed_at": market.clock()}
        Offer.objects.filter(channel=one.channel).update(**read)
    market.stock(unit, 9)
    one.run(outcome="error")
    assert (one.emulator.quantity_of("MUG"), intended(market)) == (1, [3, 3, 3]), "3 would be two too many"
    market.stock(unit, 0)
    one.run()  # the order list is given a rest
    assert one.emulator.quantity_of("MUG") == 0
    two.run()
    one.emulator.clear_faults()
    market.stock(unit, 9)
    market.settle(4, 60)
    assert sum(shown(market)) == 6


def test_units_kept_for_one_channel_are_nobody_elses(market: Market) -> None:
    """Six of ten are kept for a channel that does not even have the listing yet: the others share four, cuts first; then it shows six."""
    unit = market.shop.unit("MUG", 10)
    one, two, three_ = [market.stall() for _ in range(3)]
    one.offer(unit, shown=10)
    market.settle(1)
    guard(market, unit)
    with market.shop.use_case("set.fence") as uc:
        fences.set_fence(uc, three_.channel, unit, 6)
    two.offer(unit, shown=0)
    worked_off(market)
    assert intended(market) == [2, 2]
    two.run()
    assert two.emulator.quantity_of("MUG") == 0, "ten are shown"
    one.run()
    two.run()
    assert [stall.emulator.quantity_of("MUG") for stall in (one, two)] == [2, 2]
    three_.offer(unit, shown=0)
    worked_off(market)
    assert intended(market) == [2, 2, 6]
    names = [stall.channel.name for stall in market.stalls]
    assert note(market, three_) == f"10 free, shared with: {names[0]} 2, {names[1]} 2; kept for channels: {names[2]} 6"
    three_.run()
    assert shown(market) == [2, 2, 6]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_fence_is_set_and_lifted_in_whatever_order_the_stalls_run(market: Market, order: tuple[int, ...]) -> None:
    """Never more is shown than there is, and what the others are raised to leaves alone what is kept (invariant 4)."""
    unit = three(market, 10)
    guard(market, unit)
    market.settle(2)
    assert shown(market) == [4, 3, 3]
    for kept, parts in ((6, [2, 2, 6]), (0, [4, 3, 3])):
        with market.shop.use_case("set.fence") as uc:
            fences.set_fence(uc, market.stalls[2].channel, unit, kept)
        assert sorted(intended(market)) == sorted(parts)
        for stall in order * 3:
            before = shown(market)
            market.clock.tick(6)
            market.stalls[stall].run()
            now = shown(market)
            assert sum(now) <= 10
            assert sum(now[:2]) <= max(10 - kept, sum(before[:2]))
        assert now == intended(market)


def test_scarce_units_are_guarded_by_the_threshold_and_do_not_flap(market: Market) -> None:
    """Below the threshold by themselves; back only above twice of it; a person's choice stands."""
    unit = three(market, 10)
    market.shop.at = market.clock()
    with market.shop.use_case("company.guard") as uc:
        assert guarding.set_below(uc, 4)

    def guarded() -> bool:
        with market.shop.scope():
            return GuardedUnit.objects.filter(stock_unit=unit, scarce=True).exists()

    states = []
    for units in (5, 4, 5, 8, 9, 5):
        market.stock(unit, units)
        states.append(guarded())
    assert states == [False, True, True, True, False, False]
    market.stock(unit, 4)
    assert intended(market) == [2, 1, 1]


def test_kits_and_packs_draw_on_the_same_units(market: Market) -> None:
    """Twelve cups: singly, in packs of two, and three in a set with a plate: in base units never more than twelve."""
    cup, plate = market.shop.unit("CUP", 12), market.shop.unit("PLATE", 50)
    market.shop.kit("SET", {cup: 3, plate: 1})
    with market.shop.scope():
        kit = StockUnit.objects.get(sku="SET")
    one, two = market.stall(), market.stall()
    offers = [one.offer(cup, shown=0), two.offer(cup, shown=0, sku="CUP2", pack_factor=2), two.offer(kit, shown=0)]
    guard(market, cup)
    quotas = [stall_offer.intended_qty or 0 for stall_offer in map(one.reload, offers)]
    assert quotas[0] + 2 * quotas[1] + 3 * quotas[2] == 12
    assert all(quotas)
    market.settle(3)
    assert (one.emulator.quantity_of("CUP"), two.emulator.quantity_of("CUP2"), two.emulator.quantity_of("SET")) == tuple(quotas)


@pytest.mark.parametrize("compares", [True, False])
def test_a_sale_between_the_read_and_the_write(market: Market, monkeypatch: pytest.MonkeyPatch, compares: bool) -> None:
    """Where figures are compared it is not written over: nothing is oversold. Elsewhere it is sold once more, and the shortage names the
    write whose window it lies in (must show 2)."""
    if not compares:
        real = manifest_of("dummy")
        lesser = replace(real, capabilities=real.capabilities - {Capability.COMPARE_AND_SET})
        monkeypatch.setattr(adapters, "manifest_of", lambda _platform: lesser)
    unit = three(market, 3)
    guard(market, unit)
    market.settle(2)
    one = market.stalls[0]
    market.stock(unit, 6)
    with monkeypatch.context() as patch:
        usual = push.stock_intent
        patch.setattr(push, "stock_intent", lambda *given: one.emulator.place_order([("MUG", 1)]) and usual(*given))
        one.run()
    assert one.emulator.quantity_of("MUG") == (0 if compares else 2)
    market.stalls[1].run()
    market.stalls[2].run()
    assert shown(market)[1:] == [2, 2]
    for stall in market.stalls:
        for _ in range(stall.emulator.quantity_of("MUG")):
            market.clock.tick(10)
            stall.emulator.place_order([("MUG", 1)])
    market.settle(4)
    assert sum(len(stall.emulator.orders) for stall in market.stalls) == (5 if compares else 7)
    with market.shop.scope():
        windows = list(WriteWindow.objects.filter(offer__channel=one.channel).order_by("id"))
        short = list(Shortage.objects.all())
    if compares:
        assert not windows
        assert not short
        market.settle(2)
        assert shown(market) == [1, 0, 0]
        return
    assert [shortage.quantity for shortage in short] == [1]
    sold_at = min(order.placed_at for order in one.emulator.orders.values())
    over = next(window for window in windows if window.pk == short[0].window_id)
    assert over.written_at is not None
    assert over.read_at <= sold_at <= over.written_at
    with market.shop.scope():
        shown_by_case = cases.open_case(market.shop.organisation.pk, short[0].line_id).window
        assert shown_by_case is not None
        assert (shown_by_case.channel_code, shown_by_case.written_at) == (one.channel.code, over.written_at)
        assert set(WriteWindow.objects.values_list("pk", flat=True)) > {over.pk}
    assert housekeeping.daily(market.clock() + timedelta(days=29)).write_windows_deleted == 0
    report = housekeeping.daily(market.clock() + timedelta(days=31))
    assert report.failures == []
    assert report.write_windows_deleted > 0
    with market.shop.scope():
        assert [window.pk for window in WriteWindow.objects.all()] == [over.pk], "what a shortage names stays with it"
