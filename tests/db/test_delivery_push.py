"""Sending figures: what goes out, what is believed afterwards, and what a crash, a refusal or a blind spell changes (invariants 9, 10)."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from stallkeeper.channels import belief_queries, delivery
from stallkeeper.channels.models import Connection, LaneStep, OfferTodo, SentLog
from stallkeeper.core import crash
from stallkeeper.sync import push
from stallkit.testing.shop import Fault
from stallkit.types import NotNow
from tests.market import Market, Stall


class Killed(BaseException):
    """Not an Exception: nothing may catch it, as nothing catches kill -9."""


def die(*_args, **_named):
    raise Killed


def stock_calls(stall: Stall) -> int:
    return len([call for call in stall.emulator.calls if call.path == "/v1/stock"])


def outcomes(market: Market) -> list[str]:
    with market.shop.scope():
        return list(SentLog.objects.order_by("id").values_list("outcome", flat=True))


# --- reading first ------------------------------------------------------------------------------------------------------------------------


def test_first_contact_reads_and_sends_only_what_differs(market: Market, stall: Stall) -> None:
    same = stall.offer(market.shop.unit("SAME", 5), shown=5)
    other = stall.offer(market.shop.unit("OTHER", 5), shown=8)
    stall.run()
    assert stall.emulator.quantity_of("OTHER") == 5
    assert (stall.reload(same).sent_qty, stall.reload(other).sent_qty) == (None, 5)
    assert stall.reload(same).believed_qty == stall.reload(same).observed_qty == 5


def test_a_lost_reply_is_read_before_anything_is_sent_again(market: Market, stall: Stall) -> None:
    """Rule 9: the value had arrived; reading says so, and nothing is sent twice."""
    unit = market.shop.unit("MUG", 9)
    offer = stall.offer(unit, shown=9)
    stall.run()
    market.stock(unit, 4)
    stall.emulator.fail_next(Fault.DROP_AFTER, path="/v1/stock")
    stall.run(outcome="error")
    assert stall.reload(offer).believed_qty is None
    assert outcomes(market) == ["unknown"]
    market.settle(3)
    assert stall.reload(offer).believed_qty == stall.emulator.quantity_of("MUG") == 4
    assert stock_calls(stall) == 1


@pytest.mark.parametrize("arrived", [True, False])
def test_a_crash_between_sending_and_writing_it_down(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch, arrived: bool) -> None:
    """INVARIANTS 3.2: crash around every send. The offer is unknown, is read, and is right in the end."""
    unit = market.shop.unit("MUG", 9)
    offer = stall.offer(unit, shown=9)
    stall.run()
    market.stock(unit, 4)
    with monkeypatch.context() as patch:
        patch.setattr(push, "_record" if arrived else "stock_intent", die)
        with pytest.raises(Killed):
            stall.run()
    assert stall.reload(offer).believed_qty is None
    assert stall.todo() == [offer.pk]
    market.clock.tick(11)
    market.settle(3)
    assert stall.reload(offer).believed_qty == stall.emulator.quantity_of("MUG") == 4
    assert stock_calls(stall) == 1
    assert stall.todo() == []


def test_a_change_while_the_call_is_under_way_is_not_lost(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Intended goes back to what was believed before the call: the new belief differs from it, so it is sent."""
    unit = market.shop.unit("MUG", 5)
    offer = stall.offer(unit, shown=5)
    stall.run()
    market.stock(unit, 4)
    real = push.stock_intent

    def restock(*item):
        monkeypatch.setattr(push, "stock_intent", real)
        market.stock(unit, 5)
        return real(*item)

    monkeypatch.setattr(push, "stock_intent", restock)
    stall.run()
    stall.run()
    assert stall.emulator.quantity_of("MUG") == stall.reload(offer).believed_qty == 5
    with market.shop.scope():
        assert [int(row.value) for row in SentLog.objects.order_by("id")] == [4, 5]


# --- refusals -----------------------------------------------------------------------------------------------------------------------------


def test_one_refused_item_of_many_is_listed_and_the_others_arrive(market: Market, stall: Stall) -> None:
    """C12: 1 bad among others: all others confirmed, 1 listed with the channel's words; not repeated until the value changes."""
    units = [market.shop.unit(f"U{number}", 7) for number in range(10)]
    offers = [stall.offer(unit, shown=9) for unit in units]
    stall.emulator.offers["U3"].refuse_stock = "frozen for an inventory"
    stall.run()

    assert [stall.emulator.quantity_of(f"U{number}") for number in range(10)] == [7, 7, 7, 9, 7, 7, 7, 7, 7, 7]
    bad = stall.reload(offers[3])
    assert (bad.refused_qty, bad.refused_message, bad.believed_qty) == (7, "frozen for an inventory", 9)
    calls = stock_calls(stall)
    market.settle(3)
    assert stock_calls(stall) == calls

    stall.emulator.offers["U3"].refuse_stock = ""
    market.stock(units[3], 6)
    stall.run()
    assert stall.emulator.quantity_of("U3") == 6
    assert stall.reload(offers[3]).refused_message == ""


def test_a_person_may_ask_for_a_refused_value_again(market: Market, stall: Stall) -> None:
    offer = stall.offer(market.shop.unit("MUG", 7), shown=9)
    stall.emulator.offers["MUG"].refuse_stock = "busy"
    stall.run()
    stall.emulator.offers["MUG"].refuse_stock = ""
    with market.shop.use_case("offer.try_again") as uc:
        delivery.try_again(uc, "quantity", [offer.pk])
    stall.run()
    assert stall.emulator.quantity_of("MUG") == 7


def test_a_call_refused_as_a_whole_is_taken_apart(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """One item that makes the platform refuse the whole batch costs a few calls, not the batch."""
    offers = {sku: stall.offer(market.shop.unit(sku, 3), shown=9) for sku in [f"U{number}" for number in range(8)]}
    from stallkit.adapters.dummy.adapter import Adapter
    from stallkit.errors import Refused

    real = Adapter.write_stock

    def picky(self, intents):
        if any(intent.ref.sku == "U5" for intent in intents):
            raise Refused("U5 is not a word we know", code="bad_batch")
        return real(self, intents)

    monkeypatch.setattr(Adapter, "write_stock", picky)
    stall.run()
    assert [stall.emulator.quantity_of(sku) for sku in offers] == [3, 3, 3, 3, 3, 9, 3, 3]
    assert stall.reload(offers["U5"]).refused_code == "bad_batch"
    assert stall.reload(offers["U5"]).believed_qty == 9
    assert stall.todo() == []


def test_what_the_channel_puts_off_is_believed_as_before_and_sent_when_it_says(
    market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NotNow: nothing happened there, nothing is refused, and nobody asks again before the time is over."""
    from stallkit.adapters.dummy.adapter import Adapter

    unit = market.shop.unit("MUG", 9)
    offer = stall.offer(unit, shown=9)
    stall.run()
    market.stock(unit, 4)
    with monkeypatch.context() as patch:
        patch.setattr(Adapter, "write_stock", lambda _self, intents: {intent.ref: NotNow(20, "too soon") for intent in intents})
        stall.run()
    assert (stall.reload(offer).believed_qty, stall.reload(offer).refused_qty, stall.todo()) == (9, None, [offer.pk])
    assert outcomes(market) == ["postponed"]
    assert stall.lane().not_before - market.clock() <= timedelta(seconds=20)
    market.clock.tick(20)
    stall.run()
    assert stall.emulator.quantity_of("MUG") == stall.reload(offer).believed_qty == 4


def test_a_figure_that_may_not_be_written_again_at_once_waits_and_holds_up_nobody(
    market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``rewrite_after``: Ozon takes one product in one warehouse once in thirty seconds."""
    from stallkit.adapters.dummy import manifest

    slow = replace(manifest.MANIFEST, quirks=replace(manifest.MANIFEST.quirks, rewrite_after=timedelta(seconds=30)))
    monkeypatch.setattr(manifest, "MANIFEST", slow)
    mug, cup = market.shop.unit("MUG", 9), market.shop.unit("CUP", 9)
    stall.offer(mug, shown=0)
    stall.offer(cup, shown=9)
    stall.run()
    sent = market.clock()
    market.stock(mug, 4)
    market.stock(cup, 3)
    market.clock.tick(5)
    ended = stall.run()
    assert (stall.emulator.quantity_of("MUG"), stall.emulator.quantity_of("CUP")) == (9, 3)
    due = next(step.done.again_at for step in ended.steps if step.step == "quantities")
    assert timedelta(seconds=29) < due - sent <= timedelta(seconds=30)
    market.clock.tick(26)
    stall.run()
    assert stall.emulator.quantity_of("MUG") == 4


def test_the_pause_between_two_figures_begins_when_the_platform_has_taken_the_first(
    market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call may wait for its budget. Counted from before that, the next one would come too early and wait for a whole pause more."""
    from stallkit.adapters.dummy import manifest

    slow = replace(manifest.MANIFEST, quirks=replace(manifest.MANIFEST.quirks, rewrite_after=timedelta(seconds=30)))
    monkeypatch.setattr(manifest, "MANIFEST", slow)
    mug = market.shop.unit("MUG", 9)
    stall.offer(mug, shown=0)
    real = push.stock_intent

    def late(*item: object) -> object:
        market.clock.tick(1)
        return real(*item)  # type: ignore[arg-type]

    monkeypatch.setattr(push, "stock_intent", late)
    stall.run()
    taken = stall.emulator.calls[-1].at
    market.stock(mug, 4)
    market.clock.tick(29.5)
    ended = stall.run()
    assert (stock_calls(stall), stall.emulator.quantity_of("MUG")) == (1, 9)
    due = next(step.done.again_at for step in ended.steps if step.step == "quantities")
    assert timedelta(seconds=30) <= due - taken < timedelta(seconds=31)
    market.clock.tick((due - market.clock()).total_seconds())
    stall.run()
    assert stall.emulator.quantity_of("MUG") == 4


def test_another_figure_than_the_expected_one_is_what_we_believe(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Differs: the channel changed nothing and said what it shows; that is a read."""
    unit = market.shop.unit("MUG", 9)
    offer = stall.offer(unit, shown=9)
    stall.run()
    market.stock(unit, 4)
    real, expected = push.stock_intent, [9]

    def compare(item, *more):
        return replace(real(item, *more), expected=expected.pop() if expected else item.was.believed)

    monkeypatch.setattr(push, "stock_intent", compare)
    stall.emulator.edit_quantity("MUG", 7)
    stall.run()
    with market.shop.scope():
        assert list(SentLog.objects.order_by("id").values_list("outcome", "detail")) == [
            ("differs", "the channel shows 7"),
            ("accepted", ""),
        ]
    assert (stall.reload(offer).observed_qty, stall.reload(offer).believed_qty, stall.emulator.quantity_of("MUG")) == (7, 4, 4)
    assert stall.todo() == []


def test_excluded_offers_are_never_sent(market: Market, stall: Stall) -> None:
    """S4.36."""
    stall.offer(market.shop.unit("MUG", 7), shown=9, stock_excluded=True)
    stall.run()
    assert stall.emulator.quantity_of("MUG") == 9


# --- blind --------------------------------------------------------------------------------------------------------------------------------


def go_blind(market: Market, stall: Stall, seconds: float) -> None:
    """The market's order list fails from now on, for so long."""
    stall.emulator.fail_next(Fault.SERVER_ERROR, times=10_000, path="/v1/orders")
    market.clock.tick(seconds)


def test_on_old_orders_only_cuts_go_out(market: Market, stall: Stall) -> None:
    """Pull before push: a raise waits for fresh orders; what the channel shows too much of is cut at once."""
    up, down = market.shop.unit("UP", 5), market.shop.unit("DOWN", 5)
    stall.offer(up, shown=5)
    stall.offer(down, shown=5)
    stall.run()
    go_blind(market, stall, 60)
    market.stock(up, 9)
    market.stock(down, 2)
    stall.run(outcome="error")
    assert (stall.emulator.quantity_of("UP"), stall.emulator.quantity_of("DOWN")) == (5, 2)

    stall.emulator.clear_faults()
    market.clock.tick(120)
    stall.run()
    assert stall.emulator.quantity_of("UP") == 9


def test_blind_for_too_long_takes_scarce_units_off_and_puts_them_back(market: Market, stall: Stall) -> None:
    scarce, plenty = market.shop.unit("SCARCE", 2), market.shop.unit("PLENTY", 20)
    offer = stall.offer(scarce, shown=2)
    stall.offer(plenty, shown=20)
    stall.run()
    go_blind(market, stall, 9 * 60)
    stall.run(outcome="error")
    assert stall.emulator.quantity_of("SCARCE") == 2
    market.clock.tick(2 * 60)
    stall.run(outcome="error")
    assert (stall.emulator.quantity_of("SCARCE"), stall.emulator.quantity_of("PLENTY")) == (0, 20)
    assert stall.reload(offer).intended_qty == 2

    stall.emulator.clear_faults()
    market.clock.tick(600)
    stall.run()
    assert stall.emulator.quantity_of("SCARCE") == 2


def test_none_is_not_sent_again_once_the_channel_refused_it(market: Market, stall: Stall) -> None:
    """Blind for too long, and the channel will not take the scarce units off: it is told so once, until the figure changes."""
    unit = market.shop.unit("SCARCE", 2)
    offer = stall.offer(unit, shown=2)
    stall.run()
    stall.emulator.offers["SCARCE"].refuse_stock = "frozen for an inventory"
    go_blind(market, stall, 11 * 60)
    market.settle(4, 120)
    assert (stock_calls(stall), stall.reload(offer).refused_qty) == (1, 0)
    market.stock(unit, 1)
    market.settle(4, 120)
    assert (stock_calls(stall), stall.reload(offer).refused_qty) == (2, 1)


def test_two_refused_figures_do_not_take_turns(market: Market, stall: Stall) -> None:
    """What we want to show was refused already: sending none and then that figure again would go on for ever."""
    unit = market.shop.unit("SCARCE", 5)
    offer = stall.offer(unit, shown=5)
    stall.run()
    stall.emulator.offers["SCARCE"].refuse_stock = "frozen for an inventory"
    market.stock(unit, 2)
    stall.run()
    go_blind(market, stall, 11 * 60)
    market.settle(6, 120)
    assert outcomes(market) == ["rejected"]
    assert (stall.reload(offer).refused_qty, stall.reload(offer).believed_qty) == (2, 5)


def test_a_worker_that_dies_taking_scarce_units_off_leaves_them_listed_to_be_read(market: Market, stall: Stall) -> None:
    """Found by the simulation: an offer that was as it should be is not listed, so nobody would have read it again."""
    offer = stall.offer(market.shop.unit("SCARCE", 2), shown=2)
    stall.run()
    go_blind(market, stall, 11 * 60)

    def die_before_sending(point: str) -> None:
        if point == "send:write_stock:before":
            raise Killed

    with crash.using(die_before_sending), pytest.raises(Killed):
        stall.run()
    assert stall.reload(offer).believed_qty is None
    assert stall.todo() == [offer.pk]


def test_scarce_units_stay_where_writing_was_switched_off_meanwhile(market: Market, stall: Stall) -> None:
    """Seed 358: the run had begun before a person switched it off."""
    stall.offer(market.shop.unit("SCARCE", 2), shown=2)
    stall.run()
    go_blind(market, stall, 11 * 60)

    def switch_off(point: str) -> None:
        if point == "send:pull_orders:before":
            Connection.objects.filter(pk=stall.connection_id).update(writes_allowed=False)

    with crash.using(switch_off):
        stall.run(outcome="error")
    assert stall.emulator.quantity_of("SCARCE") == 2


def test_where_orders_could_never_be_read_scarce_units_are_taken_off_as_well(market: Market) -> None:
    """No complete pull ever: the time counts from when our figures were let out."""
    stall = market.stall(first_send_at=market.clock.at)
    stall.offer(market.shop.unit("SCARCE", 2), shown=2)
    stall.offer(market.shop.unit("PLENTY", 20), shown=20)
    go_blind(market, stall, 9 * 60)
    stall.run(outcome="error")
    assert stall.emulator.quantity_of("SCARCE") == 2
    market.clock.tick(2 * 60)
    stall.run(outcome="error")
    assert (stall.emulator.quantity_of("SCARCE"), stall.emulator.quantity_of("PLENTY")) == (0, 20)
    stall.emulator.clear_faults()
    market.clock.tick(600)
    stall.run()
    assert stall.emulator.quantity_of("SCARCE") == 2


def test_before_the_first_complete_pull_nothing_is_raised(market: Market, stall: Stall) -> None:
    stall.offer(market.shop.unit("MUG", 9), shown=3)
    go_blind(market, stall, 0)
    stall.run(outcome="error")
    assert stall.emulator.quantity_of("MUG") == 3


def test_a_figure_that_fell_by_itself_is_not_raised_before_the_orders_are_pulled(market: Market, stall: Stall) -> None:
    """The market sold one, its order list lags: raising the figure back would sell it twice."""
    unit = market.shop.unit("MUG", 5)
    offer = stall.offer(unit, shown=4)
    stall.run()
    assert stall.reload(offer).accepted_qty == 5
    market.clock.tick(60)
    stall.emulator.change_quantity("MUG", -1, "sale")
    stall.run("background")
    assert stall.reload(offer).believed_qty == 4
    with market.shop.scope():
        LaneStep.objects.filter(lane=stall.lane(), step="orders").update(not_before=market.clock.at.replace(year=2030))
        LaneStep.objects.filter(lane=stall.lane(), step="orders").update(watermark=stall.reload(offer).observed_at.replace(microsecond=0))
    stall.run()
    assert stall.emulator.quantity_of("MUG") == 4
    stall.due_now()
    stall.run()
    assert stall.emulator.quantity_of("MUG") == 5


# --- order and quantity of calls ----------------------------------------------------------------------------------------------------------


def test_cuts_go_out_before_raises(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """C8: zeroing first."""
    raises = [market.shop.unit(f"R{number}", 1) for number in range(60)]
    for unit in raises:
        stall.offer(unit, shown=1)
    cut = market.shop.unit("CUT", 5)
    stall.offer(cut, shown=5)
    stall.run()
    for unit in raises:
        market.stock(unit, 3)
    market.stock(cut, 0)
    stall.run()
    pushes = [change.sku for change in stall.emulator.diary if change.cause == "push"]
    assert pushes[0] == "CUT"
    assert len(pushes) == 61


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(market: Market, stall: Stall) -> None:
    """Hot path: O(1) statements per batch."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for size in (2, 40):
        units = [market.shop.unit(f"S{size}-{number}", 5) for number in range(size)]
        for unit in units:
            stall.offer(unit, shown=5)
        stall.run()
        for unit in units:
            market.stock(unit, 4)
        with CaptureQueriesContext(connection) as queries:
            stall.run()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_what_the_todo_list_names_is_what_differs(market: Market, stall: Stall) -> None:
    """The list is level-triggered: it names every offer whose intention is not believed and was not refused, and no other for long."""
    chance = random.Random(7)
    units = [market.shop.unit(f"U{number}", 5) for number in range(6)]
    offers = [stall.offer(unit, shown=5) for unit in units]
    for _ in range(40):
        market.clock.tick(chance.uniform(0, 20))
        what = chance.random()
        if what < 0.4:
            market.stock(chance.choice(units), chance.randint(0, 6))
        elif what < 0.5:
            stall.emulator.fail_next(chance.choice([Fault.DROP_AFTER, Fault.DROP_BEFORE, Fault.SERVER_ERROR, Fault.RATE_LIMIT]))
        elif what < 0.6:
            stall.emulator.offers[f"U{chance.randrange(6)}"].refuse_stock = chance.choice(["", "no"])
        else:
            push_lane(stall)
        with market.shop.scope():
            listed = set(OfferTodo.objects.values_list("offer_id", flat=True))
        rows = [stall.reload(offer) for offer in offers]
        assert listed >= {row.pk for row in rows if row.intended_qty not in (row.believed_qty, row.refused_qty)}
    stall.emulator.clear_faults()
    market.settle(rounds=4, seconds=120)
    assert stall.todo() == []
    for number, offer in enumerate(stall.reload(offer) for offer in offers):
        assert offer.believed_qty == stall.emulator.quantity_of(f"U{number}")
        assert offer.intended_qty in (offer.believed_qty, offer.refused_qty)


def push_lane(stall: Stall) -> None:
    from stallkeeper.sync.runner import run_lane

    run_lane(stall.lane().pk, "w1")


# --- very many that wait ------------------------------------------------------------------------------------------------------------------


def test_unknown_offers_far_behind_in_a_long_line_are_found_twice_a_minute(
    market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every run looks through the head of the line only; what is behind it waits half a minute at most."""
    first, behind = (stall.offer(market.shop.unit(sku, 5), shown=5) for sku in ("FIRST", "BEHIND"))
    stall.run()
    monkeypatch.setattr(belief_queries, "HEAD", 1)
    monkeypatch.setattr(push, "_something_waits", lambda *_: False)
    with market.shop.scope():
        market.stock(first.stock_unit, 4)

    def found_by_the_next_run() -> bool:
        with market.shop.use_case() as uc:
            delivery.doubt(uc, [behind.pk])
        stall.run()
        return stall.reload(behind).believed_qty is not None

    assert found_by_the_next_run()
    assert not found_by_the_next_run()
    market.clock.tick(31)
    assert found_by_the_next_run()
