"""The background run: what the account lists, what the channel really shows, why it differs, and the alarms (C6, C23, D9)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from stallkeeper.backoffice.problems import counted, problems
from stallkeeper.channels import switches
from stallkeeper.channels.belief_queries import Shown
from stallkeeper.channels.drift import EDIT, LATE, NOT_APPLIED, SALE, UNKNOWN, Fall, first_verdict, later_verdict
from stallkeeper.channels.drift_queries import Sent
from stallkeeper.channels.models import Connection, Drift, LaneKind, RemoteListing
from stallkeeper.core.models import Notification
from stallkeeper.orders.models import Order
from stallkeeper.sync import nightly, wake
from stallkit.testing.dials import Dials
from stallkit.testing.shop import Fault
from tests.market import Market, Stall
from tests.shop import NOON


def background(market: Market, stall: Stall, rounds: int = 3, seconds: float = 20) -> None:
    for _ in range(rounds):
        market.clock.tick(seconds)
        stall.run(LaneKind.BACKGROUND)
        stall.run()


def verdicts(market: Market) -> list[str]:
    with market.shop.scope():
        return list(Drift.objects.order_by("id").values_list("verdict", flat=True))


def open_notices(market: Market) -> list[str]:
    with market.shop.scope():
        return sorted(Notification.objects.filter(resolved_at=None).values_list("key", flat=True))


# --- catalogue ----------------------------------------------------------------------------------------------------------------------------


def test_the_catalogue_is_read_page_by_page_and_changes_nothing_there(market: Market, stall: Stall) -> None:
    """S4.10, S2.3: the first contact is read-only."""
    for number in range(250):
        stall.emulator.add_offer(f"U{number:03d}", quantity=1)
    before = stall.emulator.state()
    stall.run(LaneKind.BACKGROUND)
    with market.shop.scope():
        assert RemoteListing.objects.filter(channel=stall.channel).count() == 250
    assert stall.emulator.state() == before
    assert stall.step("catalogue", LaneKind.BACKGROUND).watermark is not None


def test_a_catalogue_that_breaks_off_goes_on_where_it_was(market: Market, stall: Stall) -> None:
    for number in range(250):
        stall.emulator.add_offer(f"U{number:03d}", quantity=1)
    stall.emulator.fail_next(Fault.SERVER_ERROR, path="/v1/offers", after=2)
    stall.run(LaneKind.BACKGROUND, outcome="error")
    with market.shop.scope():
        assert RemoteListing.objects.count() == 200
    calls = len(stall.emulator.calls)
    market.clock.tick(60)
    stall.run(LaneKind.BACKGROUND)
    with market.shop.scope():
        assert RemoteListing.objects.count() == 250
    assert len([call for call in stall.emulator.calls[calls:] if call.path == "/v1/offers"]) == 1


def listings(market: Market) -> dict[str, str]:
    with market.shop.scope():
        return dict(RemoteListing.objects.values_list("sku", "status"))


def test_what_the_channel_no_longer_lists_is_not_shown_as_live(market: Market, stall: Stall) -> None:
    """A linked listing stays, marked; one that nobody linked goes; what comes back is live again."""
    stall.offer(market.shop.unit("LINKED", 5), shown=5)
    stall.emulator.add_offer("FREE", quantity=1)
    stall.emulator.add_offer("STAYS", quantity=1)
    stall.run(LaneKind.BACKGROUND)
    with market.shop.scope():
        RemoteListing.objects.filter(sku="LINKED").update(state=RemoteListing.State.LINKED)
    taken = {sku: stall.emulator.offers.pop(sku) for sku in ("LINKED", "FREE")}
    look_at_the_list(market, stall)
    assert listings(market) == {"LINKED": "gone", "STAYS": "live"}
    stall.emulator.offers |= taken
    look_at_the_list(market, stall)
    assert listings(market) == {"LINKED": "live", "FREE": "live", "STAYS": "live"}


def test_a_list_that_broke_off_says_nothing_of_what_it_did_not_bring(market: Market, stall: Stall) -> None:
    for number in range(250):
        stall.emulator.add_offer(f"U{number:03d}", quantity=1)
    stall.run(LaneKind.BACKGROUND)
    before = listings(market)
    stall.emulator.fail_next(Fault.SERVER_ERROR, times=10, path="/v1/offers", after=1)
    look_at_the_list(market, stall, outcome="error")
    assert listings(market) == before
    stall.emulator.clear_faults()
    del stall.emulator.offers["U000"]
    market.clock.tick(600)
    stall.run(LaneKind.BACKGROUND)
    assert listings(market).keys() == before.keys(), "its page had been read before it went"


def look_at_the_list(market: Market, stall: Stall, outcome: str = "ok") -> None:
    market.clock.tick(3700)
    stall.run(LaneKind.BACKGROUND, outcome=outcome)


# --- reading back -------------------------------------------------------------------------------------------------------------------------


def test_an_edit_on_the_channel_is_found_named_and_put_right(market: Market, stall: Stall) -> None:
    """Invariant 10: whatever somebody types over there, the stall is true again after the next look."""
    offer = stall.offer(market.shop.unit("MUG", 5), shown=5)
    stall.run()
    stall.emulator.edit_quantity("MUG", 99)
    background(market, stall)
    assert stall.emulator.quantity_of("MUG") == stall.reload(offer).believed_qty == 5
    assert verdicts(market) == [EDIT]
    background(market, stall)
    with market.shop.scope():
        assert Drift.objects.get().resolved_at is not None


def test_a_sale_that_the_order_list_shows_late_is_no_edit(market: Market, stall: Stall) -> None:
    """The figure fell, the order comes minutes later: the verdict waits for it, and nothing is raised back meanwhile."""
    unit = market.shop.unit("MUG", 5)
    offer = stall.offer(unit, shown=4)
    stall.run()
    market.clock.tick(30)
    stall.emulator.dials = Dials(read_lag=timedelta(seconds=45))
    stall.emulator.place_order([("MUG", 1)])
    stall.run(LaneKind.BACKGROUND)
    assert verdicts(market) == [UNKNOWN]
    stall.emulator.dials = Dials()
    market.clock.tick(6)
    stall.run()
    stall.due_now("verify", LaneKind.BACKGROUND)
    stall.run(LaneKind.BACKGROUND)
    assert verdicts(market) == [SALE]
    assert stall.emulator.quantity_of("MUG") == stall.reload(offer).intended_qty == 4
    assert [change.cause for change in stall.emulator.diary if change.sku == "MUG"] == ["push", "sale"]


def test_a_push_that_was_accepted_and_not_applied_is_sent_again_and_told(market: Market, stall: Stall) -> None:
    """C6: the emulator says yes and forgets; the board turns red, the value is repeated without a flood."""
    unit = market.shop.unit("MUG", 5)
    offer = stall.offer(unit, shown=5)
    stall.run()
    market.stock(unit, 4)
    stall.run()
    stall.emulator.dials = Dials(not_applied=1.0)
    market.stock(unit, 2)
    stall.run()
    assert (stall.reload(offer).believed_qty, stall.emulator.quantity_of("MUG")) == (2, 4)
    background(market, stall, rounds=20, seconds=60)
    assert set(verdicts(market)) == {NOT_APPLIED}
    assert f"connection:{stall.connection_id}:not_applied" in open_notices(market)
    assert len([call for call in stall.emulator.calls if call.path == "/v1/stock"]) < 25

    stall.emulator.dials = Dials()
    background(market, stall, rounds=6, seconds=60)
    assert stall.emulator.quantity_of("MUG") == 2


def test_an_old_push_that_lands_late_is_found_and_repaired(market: Market, stall: Stall) -> None:
    """Invariant 9."""
    unit = market.shop.unit("MUG", 9)
    offer = stall.offer(unit, shown=9)
    stall.run()
    for on_hand in (8, 3):
        market.stock(unit, on_hand)
        stall.run()
    background(market, stall)
    stall.emulator.change_quantity("MUG", +5, "push")  # the 8 of a while ago
    market.clock.tick(16 * 60)
    background(market, stall)
    assert stall.emulator.quantity_of("MUG") == stall.reload(offer).believed_qty == 3
    assert verdicts(market) == [LATE]


def shown(believed: int, observed: int, confirmed: bool = False, seen_before: int | None = None) -> Shown:
    return Shown(1, "MUG", believed, observed, believed, NOON, confirmed, seen_before, True)


def sent(*values: int, accepted: bool = True) -> list[Sent]:
    return [Sent(Decimal(value), accepted) for value in values]


def test_a_value_whose_fate_was_unknown_landed_late() -> None:
    assert first_verdict("quantity", shown(2, 4, seen_before=9), {1: [*sent(2), *sent(4, accepted=False)]}) == LATE


@pytest.mark.parametrize(
    ("row", "older", "verdict"),
    [
        (shown(5, 9), (5, 9), NOT_APPLIED),
        (shown(5, 9, confirmed=True), (5, 9), LATE),
        (shown(5, 9), (5, 7, 9), LATE),
        (shown(5, 99), (5, 9), EDIT),
        (shown(5, 3), (5, 9), UNKNOWN),
        (shown(5, 3), (5, 3), UNKNOWN),
        (shown(5, 9), (5, 5, 9), NOT_APPLIED),
        (shown(5, 9, seen_before=9), (5,), NOT_APPLIED),
        (shown(5, 9), (), EDIT),
    ],
)
def test_first_verdicts(row: Shown, older: tuple[int, ...], verdict: str) -> None:
    assert first_verdict("quantity", row, {1: sent(*older)}) == verdict


@pytest.mark.parametrize(
    ("sold", "older", "verdict"),
    [(2, (), SALE), (3, (), SALE), (1, (), EDIT), (0, (5, 3), NOT_APPLIED), (0, (5, 4, 3), LATE), (0, (3,), EDIT)],
)
def test_later_verdicts(sold: int, older: tuple[int, ...], verdict: str) -> None:
    assert later_verdict(Fall(1, 1, Decimal(5), Decimal(3), sold), {1: sent(*older)}) == verdict


# --- alarms -------------------------------------------------------------------------------------------------------------------------------


def test_silence_is_an_alarm(market: Market, stall: Stall) -> None:
    """C23: a channel with no successful call in its window is silent, which is worse than failing."""
    stall.run()
    key = f"connection:{stall.connection_id}:silent"
    stall.run(LaneKind.BACKGROUND)
    assert key not in open_notices(market)
    market.clock.tick(16 * 60)
    stall.run(LaneKind.BACKGROUND)
    assert key in open_notices(market)
    stall.run()
    market.clock.tick(61)
    stall.run(LaneKind.BACKGROUND)
    assert key not in open_notices(market)


def test_credentials_that_end_soon_are_announced(market: Market, stall: Stall) -> None:
    """C23: expiry is a metric with a countdown."""
    with market.shop.scope():
        Connection.objects.filter(pk=stall.connection_id).update(credentials_expire_at=NOON + timedelta(days=9))
    stall.run(LaneKind.BACKGROUND)
    assert open_notices(market) == [f"connection:{stall.connection_id}:expiry"]


@pytest.mark.parametrize("off", ["acknowledging", "company", "writes"])
def test_orders_whose_acknowledgement_falls_due_are_an_alarm(market: Market, stall: Stall, off: str) -> None:
    """A channel cancels what nobody acknowledged, whatever our switches say: as long as there is time, a person must hear of it."""
    stall.offer(market.shop.unit("MUG", 5), shown=5)
    turn(market, stall, off, on=False)
    order = stall.emulator.place_order([("MUG", 1)])
    stall.run()
    due = order_of(market, order).acknowledge_by
    assert due is not None
    market.clock.at = due - timedelta(hours=2)
    background(market, stall)
    key = f"connection:{stall.connection_id}:acknowledge"
    assert key not in open_notices(market)
    market.clock.at = due - timedelta(minutes=50)
    background(market, stall)
    assert key in open_notices(market)
    with market.shop.scope():
        notice = Notification.objects.get(key=key)
    assert f"orders to acknowledge, the first by {due:%Y-%m-%d %H:%M} UTC: 1" in notice.title
    assert order in notice.detail
    with market.shop.scope():
        assert {problem.kind.key: problem.count for problem in problems(counted(market.shop.organisation.pk))}["acknowledge"] == 1
    assert ("Acknowledging is switched off" if off == "acknowledging" else "Nothing is sent") in notice.detail
    turn(market, stall, off, on=True)
    market.settle(3)
    background(market, stall, seconds=61)
    assert stall.emulator.orders[order].acknowledged_at is not None
    assert key not in open_notices(market)


def turn(market: Market, stall: Stall, switch: str, *, on: bool) -> None:
    with market.shop.use_case("test.switch") as uc:
        if switch == "company":
            switches.set_company(uc, on)
        elif switch == "writes":
            switches.set_writes(uc, stall.connection_id, on)
        else:
            switches.set_channel(uc, stall.channel.pk, acknowledge=on)


def order_of(market: Market, external: str) -> Order:
    with market.shop.scope():
        return Order.objects.get(external_id=external)


# --- wake-ups and the night ---------------------------------------------------------------------------------------------------------------


def test_a_hint_brings_the_next_pull_forward(market: Market, stall: Stall) -> None:
    """Rule 7: events hint, sweeps decide."""
    stall.run()
    calls = len(stall.emulator.calls)
    stall.run()
    assert len(stall.emulator.calls) == calls, "the interval is not over"
    with market.shop.scope():
        wake.hint([stall.connection_id])
    assert stall.lane().not_before <= market.clock.at
    stall.run()
    assert len(stall.emulator.calls) == calls + 1


def test_the_nightly_look_finds_nothing_and_says_so_if_it_does(market: Market, stall: Stall) -> None:
    offer = stall.offer(market.shop.unit("MUG", 5), shown=5)
    organisation = market.shop.organisation.pk
    assert nightly.check_offers(organisation) == 0
    assert open_notices(market) == []
    with market.shop.scope():
        type(offer).objects.filter(pk=offer.pk).update(intended_qty=77)
    assert nightly.check_offers(organisation) == 1
    assert open_notices(market) == [nightly.KEY]
    assert stall.reload(offer).intended_qty == 5
    assert nightly.check_offers(organisation) == 0
    assert open_notices(market) == []


def test_a_hint_during_a_run_is_not_lost(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """It came after the pull of this run: the next run pulls again although the interval is not over."""
    from stallkeeper.sync import push

    real = push.look

    def hinted(*asked):
        wake.hint([stall.connection_id])
        return real(*asked)

    stall.offer(market.shop.unit("MUG", 5), shown=9)
    with monkeypatch.context() as patch:
        patch.setattr(push, "look", hinted)
        ended = stall.run()
    assert ended.due_at <= market.clock.at
    pulls = len([call for call in stall.emulator.calls if call.path == "/v1/orders"])
    stall.run()
    assert len([call for call in stall.emulator.calls if call.path == "/v1/orders"]) == pulls + 1
