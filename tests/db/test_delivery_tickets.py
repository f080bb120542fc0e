"""Bulk submissions: a yes counts when the ticket resolves; a lost reply is looked for; a cut overtakes (C6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stallkeeper.channels import delivery, tickets
from stallkeeper.channels.models import LaneKind, Offer, SentLog, Ticket, TicketItem
from stallkeeper.core import crash
from stallkeeper.core.models import Notification
from stallkeeper.sync import push
from stallkeeper.sync.runner import run_lane
from stallkit.adapters.dummy.manifest import MANIFEST
from stallkit.testing.shop import Fault
from tests.market import Market, Stall, open_market


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("stallkit.adapters.dummy.manifest.MANIFEST", replace(MANIFEST, bulk_from=3, order_freshness=timedelta(hours=9)))
    with open_market(monkeypatch) as opened:
        yield opened


def six_raises(market: Market, stall: Stall):
    """Six offers that the market shows and that are to show more: enough for the bulk path."""
    units = [market.shop.unit(f"U{number}", 5) for number in range(6)]
    offers = [stall.offer(unit, shown=5) for unit in units]
    stall.run()
    for unit in units:
        market.stock(unit, 9)
    return units, offers


def shown(stall: Stall) -> list[int]:
    return [stall.emulator.quantity_of(f"U{number}") for number in range(6)]


def the_ticket(market: Market) -> Ticket:
    with market.shop.scope():
        return Ticket.objects.get()


def outcomes(market: Market) -> set[str]:
    with market.shop.scope():
        return set(SentLog.objects.values_list("outcome", flat=True))


def test_accepted_only_when_the_ticket_resolves(market: Market, stall: Stall) -> None:
    _, offers = six_raises(market, stall)
    stall.run()
    assert the_ticket(market).ticket == "T000001"
    assert [stall.reload(offer).believed_qty for offer in offers] == [5] * 6
    assert [stall.reload(offer).sent_qty for offer in offers] == [9] * 6
    assert outcomes(market) == {"pending"}

    stall.run()
    assert len(stall.emulator.tasks) == 1, "what is in an open ticket is not sent again"

    market.clock.tick(11)
    stall.run()
    assert shown(stall) == [9] * 6
    assert [stall.reload(offer).believed_qty for offer in offers] == [9] * 6
    assert the_ticket(market).outcome == "done"
    assert stall.todo() == []


def test_refusals_inside_a_ticket_stay_with_their_offers(market: Market, stall: Stall) -> None:
    _, offers = six_raises(market, stall)
    stall.emulator.offers["U2"].refuse_stock = "not now"
    stall.run()
    market.clock.tick(11)
    stall.run()
    assert shown(stall) == [9, 9, 5, 9, 9, 9]
    bad = stall.reload(offers[2])
    assert (bad.refused_qty, bad.refused_message, bad.believed_qty) == (9, "not now", 5)
    assert stall.todo() == []


def test_a_cut_overtakes_an_open_ticket_and_the_offer_is_read_when_it_resolves(market: Market, stall: Stall) -> None:
    """Danger first: the single call goes out at once; the ticket lands later over it; reading finds that, and the cut is sent again."""
    units, offers = six_raises(market, stall)
    stall.emulator.task_time = timedelta(seconds=30)
    stall.run()
    market.stock(units[0], 1)
    stall.run()
    assert stall.emulator.quantity_of("U0") == 1
    with market.shop.scope():
        assert [item.offer_id for item in TicketItem.objects.filter(overtaken=True)] == [offers[0].pk]

    market.settle(rounds=8, seconds=10)
    assert shown(stall) == [1, 9, 9, 9, 9, 9]
    assert stall.reload(offers[0]).believed_qty == 1
    assert [change.after for change in stall.emulator.diary if change.sku == "U0" and change.cause == "push"] == [1, 9, 1]


def test_a_yes_that_comes_late_does_not_hide_what_was_accepted_since(market: Market, stall: Stall) -> None:
    """Nine were submitted, twelve were sent and accepted meanwhile. Until it is read, the offer may show twelve (invariant 4, seed 791)."""
    _, offers = six_raises(market, stall)
    stall.run()
    with market.shop.scope():
        Offer.objects.filter(pk=offers[0].pk).update(believed_qty=12, accepted_qty=12)
        TicketItem.objects.filter(offer=offers[0]).update(overtaken=True)
    market.clock.tick(11)
    stall.emulator.fail_next(Fault.SERVER_ERROR, times=9, path="/v1/offers/query")
    run_lane(stall.lane().pk, "w1")
    late = stall.reload(offers[0])
    assert (late.believed_qty, late.accepted_qty, late.most_qty) == (None, 9, 12)


def test_an_own_sale_while_a_ticket_is_open_makes_the_offer_unknown(market: Market, stall: Stall) -> None:
    """Nobody can say whether the sale came before or after the ticket took effect: read, then send."""
    _, offers = six_raises(market, stall)
    stall.run()
    stall.emulator.place_order([("U1", 2)])
    market.clock.tick(6)
    market.settle(rounds=6, seconds=6)
    assert shown(stall) == [9, 7, 9, 9, 9, 9]
    assert stall.reload(offers[1]).believed_qty == 7


def test_an_offer_that_was_doubted_while_a_ticket_is_open_is_read_when_it_resolves(market: Market, stall: Stall) -> None:
    """The market lowered its figure by itself after the ticket had landed (a shipment, say): its yes says nothing of what is shown now."""
    _, offers = six_raises(market, stall)
    stall.run()
    market.clock.tick(6)
    stall.emulator.settle()
    stall.emulator.change_quantity("U1", -2, "ship")
    with market.shop.use_case() as uc:
        delivery.doubt(uc, [offers[1].pk])
    with market.shop.scope():
        stall.run()
        assert stall.reload(offers[1]).believed_qty in (None, 7)
    market.settle(rounds=6, seconds=6)
    assert shown(stall) == [9] * 6
    assert stall.reload(offers[1]).believed_qty == 9


def test_an_offer_that_showed_something_else_after_the_submission_is_read_when_it_resolves(market: Market, stall: Stall) -> None:
    """The submission was applied, then a hand set another figure, which we read; the yes comes last and says nothing of what is shown."""
    _, offers = six_raises(market, stall)
    stall.run()
    market.clock.tick(8)
    stall.emulator.settle()
    stall.emulator.edit_quantity("U2", 3)
    stall.due_now("verify", LaneKind.BACKGROUND)
    stall.run(LaneKind.BACKGROUND)
    assert stall.reload(offers[2]).believed_qty == 3
    market.clock.tick(11)
    with crash.using(
        lambda point: seen.append(stall.reload(offers[2]).believed_qty) if point == "commit:sync.resolve_ticket:after" else None
    ):
        seen: list[int | None] = []
        stall.run()
    assert seen == [None]
    market.settle(2)
    assert shown(stall) == [9] * 6
    assert stall.reload(offers[2]).believed_qty == 9


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.CUT_JSON])
def test_a_submission_whose_reply_was_lost_is_found(market: Market, stall: Stall, fault: Fault) -> None:
    _, offers = six_raises(market, stall)
    stall.emulator.fail_next(fault, path="/v1/tasks")
    stall.run(outcome="error")
    assert the_ticket(market).ticket == ""
    market.settle(rounds=5, seconds=11)
    assert the_ticket(market).ticket == "T000001"
    assert len(stall.emulator.tasks) == 1
    assert [stall.reload(offer).believed_qty for offer in offers] == [9] * 6


def test_a_submission_that_never_arrived_is_made_again(market: Market, stall: Stall) -> None:
    _, offers = six_raises(market, stall)
    stall.emulator.fail_next(Fault.DROP_BEFORE, path="/v1/tasks")
    stall.run(outcome="error")
    market.settle(rounds=12, seconds=20)
    with market.shop.scope():
        assert sorted(Ticket.objects.values_list("outcome", flat=True)) == ["done", "lost"]
    assert shown(stall) == [9] * 6
    assert [stall.reload(offer).believed_qty for offer in offers] == [9] * 6


def test_a_crash_after_submitting_is_looked_for(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(*_args, **_named):
        raise Killed

    six_raises(market, stall)
    with monkeypatch.context() as patch:
        patch.setattr(push, "_record", die)
        with pytest.raises(Killed):
            stall.run()
    market.clock.tick(11)
    market.settle(rounds=4, seconds=11)
    assert shown(stall) == [9] * 6
    assert len(stall.emulator.tasks) == 1
    assert the_ticket(market).outcome == "done"


def test_one_unreadable_reply_among_many_looks_ends_nothing(market: Market, stall: Stall) -> None:
    """Seed 477: it was given up after a page of HTML, its offers were sent anew, and then it landed on top of them."""
    stall.emulator.task_time = timedelta(minutes=20)
    six_raises(market, stall)
    stall.run()
    for _ in range(5):
        market.clock.tick(120)
        stall.run()
    assert the_ticket(market).looks >= tickets.LOST_AFTER
    stall.emulator.fail_next(Fault.HTML, path="/v1/tasks/")
    market.clock.tick(120)
    stall.run()
    assert (the_ticket(market).closed_at, the_ticket(market).in_vain) == (None, 1)
    market.clock.tick(900)
    stall.run()
    assert (the_ticket(market).outcome, shown(stall)) == ("done", [9] * 6)


def test_a_refused_submission_leaves_no_ticket(market: Market, stall: Stall) -> None:
    _, offers = six_raises(market, stall)
    stall.emulator.fail_next(Fault.RATE_LIMIT, path="/v1/tasks")
    stall.run(outcome="error")
    with market.shop.scope():
        assert not Ticket.objects.exists()
    assert [(stall.reload(offer).believed_qty, stall.reload(offer).sent_qty) for offer in offers] == [(5, None)] * 6
    market.clock.tick(10)
    market.settle(rounds=3, seconds=11)
    assert shown(stall) == [9] * 6


def test_a_stuck_ticket_has_an_alarm_and_a_second_path(market: Market, stall: Stall) -> None:
    """C6: sixty hours of feed are no reason to show old numbers."""
    units, offers = six_raises(market, stall)
    stall.emulator.task_time = timedelta(hours=60)
    stall.run()
    market.clock.tick(3700)
    stall.run()
    with market.shop.scope():
        assert Notification.objects.filter(key__startswith="ticket:").exists()
    market.stock(units[4], 8)
    stall.run()
    assert stall.emulator.quantity_of("U4") == 8
    assert stall.reload(offers[4]).believed_qty == 8


def test_looks_grow_rarer() -> None:
    waits = [tickets.wait(looks).total_seconds() for looks in range(9)]
    assert waits[0] == 10
    assert waits == sorted(waits)
    assert waits[-1] == 120
    assert tickets.wait(0, limits_scale=0.1).total_seconds() == 1
