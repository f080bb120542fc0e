"""The trade run from end to end against the emulated dummy market: orders in, answers out, every stall true to the pool."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import OperationalError

from stallkeeper.channels import delivery, links, reading
from stallkeeper.channels.models import Command, Connection, LaneKind, Offer, Parked, RemoteListing, SentLog
from stallkeeper.core.models import Notification
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import intake
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.sync import orders as orders_step
from stallkeeper.sync import push, runner, wake
from stallkeeper.sync.budgets import NetworkInTransaction
from stallkeeper.sync.runner import run_lane
from stallkit.adapters.dummy import manifest
from stallkit.adapters.dummy.adapter import Adapter
from stallkit.testing.shop import Fault
from tests.market import Market, Stall


def refuse_to_accept(monkeypatch: pytest.MonkeyPatch, poison: set[str]) -> None:
    """Make intake fail for these orders, as a bug of ours would."""
    real = intake.accept

    def accept(uc, connection_id, orders, fetched_at, read_to=None):
        if bad := [order.order_id for order in orders if order.order_id in poison]:
            raise ValueError(f"cannot take {bad[0]}")
        return real(uc, connection_id, orders, fetched_at, read_to)

    monkeypatch.setattr(orders_step, "accept", accept)


# --- the way through ----------------------------------------------------------------------------------------------------------------------


def test_an_order_is_pulled_acknowledged_and_lowers_the_other_stall(market: Market) -> None:
    """S4.44-S4.47: the order is in, taken over on the market, and the other site shows the new quantity."""
    unit = market.shop.unit("MUG", 10)
    one, two = market.stall(), market.stall()
    here, there = one.offer(unit, shown=10), two.offer(unit, shown=10)
    for stall in (one, two):
        stall.run()
    assert one.todo() == two.todo() == []

    market.clock.tick(10)
    order = one.emulator.place_order([("MUG", 3)])
    one.run()
    two.run()

    assert one.emulator.orders[order].acknowledge_calls == 1
    assert two.emulator.quantity_of("MUG") == one.emulator.quantity_of("MUG") == 7
    assert one.reload(here).believed_qty == two.reload(there).believed_qty == 7
    assert one.reload(here).sent_at is None, "its own sale has lowered the figure there already"
    with market.shop.scope():
        assert Command.objects.get().state == "done"
        assert SentLog.objects.get().outcome == "accepted"


def test_an_idle_run_writes_no_history_and_is_due_after_the_interval(market: Market, stall: Stall) -> None:
    ended = stall.run()
    assert ended.due_at is not None
    assert (ended.due_at - market.clock.at).total_seconds() == pytest.approx(5, abs=0.1)
    with market.shop.scope():
        assert stall.lane().runs.count() == 0


def test_nothing_leaves_while_the_company_switch_is_off(market: Market, stall: Stall) -> None:
    """S3.29, S4.32: orders come in, but neither an acknowledgement nor a quantity goes out."""
    organisation = market.shop.organisation
    organisation.sending_enabled = False
    organisation.save()
    stall.offer(market.shop.unit("MUG", 4), shown=10)
    order = stall.emulator.place_order([("MUG", 1)])

    stall.run()

    assert stall.emulator.orders[order].acknowledge_calls == 0
    assert stall.emulator.quantity_of("MUG") == 9
    assert {call.method for call in stall.emulator.calls if "token" not in call.path} == {"GET"}
    with market.shop.scope():
        assert Order.objects.count() == 1


def test_a_burst_of_changes_costs_one_call(market: Market, stall: Stall) -> None:
    """ARCHITECTURE 1: work is the difference, not the history."""
    unit = market.shop.unit("MUG", 10)
    stall.offer(unit, shown=10)
    stall.run()
    for on_hand in (9, 8, 7, 6, 5, 12, 3):
        market.stock(unit, on_hand)
    stall.run()
    assert stall.emulator.quantity_of("MUG") == 3
    assert len([call for call in stall.emulator.calls if call.path == "/v1/stock"]) == 1


def test_sold_to_zero_and_back_again_are_three_effective_sends(market: Market, stall: Stall) -> None:
    """C5: A, B, A is three intents; nothing suppresses a value because it was sent before."""
    unit = market.shop.unit("MUG", 1)
    stall.offer(unit, shown=0)
    for on_hand in (1, 0, 1):
        market.stock(unit, on_hand)
        stall.run()
        assert stall.emulator.quantity_of("MUG") == on_hand
    with market.shop.scope():
        assert [int(row.value) for row in SentLog.objects.order_by("id")] == [1, 0, 1]


# --- pulling ------------------------------------------------------------------------------------------------------------------------------


def test_a_crash_between_pages_loses_nothing(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor moves with the page's commit; the watermark only when the list is done, to its first request."""
    monkeypatch.setattr("stallkit.adapters.dummy.adapter.PAGE", "10")
    stall.offer(market.shop.unit("MUG", 100), shown=100)
    placed = [stall.emulator.place_order([("MUG", 1)]) for _ in range(25)]
    stall.emulator.fail_next(Fault.SERVER_ERROR, path="/v1/orders", after=2)

    stall.run(outcome="error")

    with market.shop.scope():
        assert Order.objects.count() == 20
    assert stall.step("orders").watermark is None
    assert "TryLater" in stall.step("orders").last_error

    before = market.clock.at
    market.clock.tick(60)
    stall.run()
    with market.shop.scope():
        assert set(Order.objects.values_list("external_id", flat=True)) == set(placed)
    assert stall.step("orders").watermark < before, "the watermark is the start of the pull, not of its last page"


def test_a_poison_order_is_parked_alone_and_taken_in_later(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invariant 18, C12: one bad in twelve; eleven are in, one is listed, and comes in once the fault is mended."""
    stall.offer(market.shop.unit("MUG", 100), shown=100)
    placed = [stall.emulator.place_order([("MUG", 1)]) for _ in range(12)]
    with monkeypatch.context() as patch:
        refuse_to_accept(patch, {placed[5]})
        stall.run()

    with market.shop.scope():
        assert set(Order.objects.values_list("external_id", flat=True)) == set(placed) - {placed[5]}
        parked = Parked.objects.get(resolved_at=None)
        assert (parked.external_id, parked.reason) == (placed[5], f"ValueError: cannot take {placed[5]}")
        assert Notification.objects.filter(key__contains="parked", resolved_at=None).exists()

    market.clock.tick(16 * 60)
    stall.run()
    with market.shop.scope():
        assert Order.objects.count() == 12
        assert not Parked.objects.filter(resolved_at=None).exists()
        assert not Notification.objects.filter(key__contains="parked", resolved_at=None).exists()


def test_if_every_order_fails_the_fault_is_ours_and_the_cursor_stays(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    stall.offer(market.shop.unit("MUG", 100), shown=100)
    placed = {stall.emulator.place_order([("MUG", 1)]) for _ in range(6)}
    with monkeypatch.context() as patch:
        refuse_to_accept(patch, placed)
        stall.run(outcome="error")
    with market.shop.scope():
        assert not Parked.objects.exists()
    market.clock.tick(60)
    stall.run()
    with market.shop.scope():
        assert set(Order.objects.values_list("external_id", flat=True)) == placed


def test_an_order_with_an_unknown_word_is_parked_by_the_adapter(market: Market, stall: Stall) -> None:
    """Rule 4: an unknown enum value never stops a page."""
    stall.offer(market.shop.unit("MUG", 100), shown=100)
    placed = [stall.emulator.place_order([("MUG", 1)]) for _ in range(3)]
    stall.emulator.fail_next(Fault.UNKNOWN_ENUM, path="/v1/orders")
    stall.run()
    with market.shop.scope():
        assert Order.objects.count() == len(placed), "asked for alone a moment later, it could be read"
        assert Parked.objects.get().resolved_at is not None


# --- what the outside does ----------------------------------------------------------------------------------------------------------------


def test_after_a_429_nothing_is_sent_before_retry_after(market: Market, stall: Stall) -> None:
    """Invariant 19."""
    unit = market.shop.unit("MUG", 10)
    stall.offer(unit, shown=10)
    stall.run()
    market.stock(unit, 4)
    stall.emulator.fail_next(Fault.RATE_LIMIT, path="/v1/stock")
    stall.run(outcome="error")
    limited = market.clock.at
    calls = len(stall.emulator.calls)

    market.clock.tick(5)
    stall.run()
    assert len(stall.emulator.calls) == calls, "the market said: not before 7 s have passed"

    market.clock.tick(3)
    stall.run()
    assert stall.emulator.calls[calls].at > limited
    assert stall.emulator.quantity_of("MUG") == 4


def test_revoked_access_ends_all_calls_until_a_person_acts(market: Market, stall: Stall) -> None:
    """C23: a banner and silence, no storm of refused calls."""
    stall.offer(market.shop.unit("MUG", 10), shown=10)
    stall.emulator.fail_next(Fault.REVOKED, path="/v1/orders")
    stall.run(outcome="error")
    with market.shop.scope():
        assert Connection.objects.get(pk=stall.connection_id).state == "needs_reconnect"
        assert Notification.objects.get().key == f"connection:{stall.connection_id}:needs_reconnect"
    calls = len(stall.emulator.calls)
    market.clock.tick(600)
    stall.run(outcome="resting")
    assert len(stall.emulator.calls) == calls


def test_html_instead_of_orders_is_not_an_empty_list(market: Market, stall: Stall) -> None:
    """Rule 4: nothing is assumed from a reply that is not what the contract says; the watermark does not move."""
    stall.run()
    before = stall.step("orders").watermark
    market.clock.tick(10)
    stall.emulator.fail_next(Fault.HTML, path="/v1/orders")
    stall.run(outcome="error")
    assert stall.step("orders").watermark == before
    with market.shop.scope():
        assert Notification.objects.filter(key__endswith="step:orders", resolved_at=None).exists()
    market.clock.tick(60)
    stall.run()
    with market.shop.scope():
        assert not Notification.objects.filter(key__endswith="step:orders", resolved_at=None).exists()


def test_a_bug_in_one_step_does_not_stop_the_others(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = market.shop.unit("MUG", 4)
    stall.offer(unit, shown=10)

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("stallkeeper.sync.order_actions._due", broken)
    stall.run(outcome="error")
    assert stall.emulator.quantity_of("MUG") == 4
    assert stall.step("commands").last_error.startswith("ZeroDivisionError")


def test_a_dead_channel_does_not_delay_another(market: Market) -> None:
    """Invariant 18."""
    unit = market.shop.unit("MUG", 10)
    dead, alive = market.stall(), market.stall()
    dead.offer(unit, shown=10)
    alive.offer(unit, shown=10)
    dead.run()
    alive.run()
    dead.emulator.fail_next(Fault.SERVER_ERROR, times=1000)
    market.stock(unit, 2)
    dead.run(outcome="error")
    alive.run()
    assert alive.emulator.quantity_of("MUG") == 2
    waits = []
    for _ in range(12):
        ended = run_lane(dead.lane().pk, "w1")
        waits.append((ended.due_at - market.clock.at).total_seconds())
        market.clock.tick(max(waits[-1], 0.1))
    assert max(waits) > 5, "a channel that is down is asked more and more seldom"


def test_no_network_inside_a_transaction(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """ARCHITECTURE 5, rule 1."""
    real = delivery.pick

    def careless(uc, kind, channel_id, most, view, **options):
        from stallkeeper.sync import adapters

        with market.shop.scope():
            account = Connection.objects.get(pk=stall.connection_id)
        adapters.session(account, "trade").adapter.probe()
        return real(uc, kind, channel_id, most, view, **options)

    stall.offer(market.shop.unit("MUG", 4), shown=10)
    monkeypatch.setattr(delivery, "pick", careless)
    stall.run(outcome="error")
    assert NetworkInTransaction.__name__ in stall.step("quantities").last_error
    assert stall.emulator.quantity_of("MUG") == 10


def test_offers_that_the_channel_does_not_have_are_named_and_left_alone(market: Market, stall: Stall) -> None:
    unit = market.shop.unit("MUG", 4)
    ghost = market.shop.offer(stall.channel, unit, "GHOST")
    stall.offer(unit, shown=10)
    stall.run()
    assert stall.emulator.quantity_of("MUG") == 4
    found = stall.reload(ghost)
    assert found.refused_code == "no_such_offer"
    assert found.believed_qty is None
    assert stall.todo() == []


def test_a_listing_that_went_is_seen_again_when_a_person_has_it_tried_again(market: Market, stall: Stall) -> None:
    """Also where the figure was right while it was there: what is not listed needs something."""
    offer = stall.offer(market.shop.unit("MUG", 4), shown=4)
    stall.run()
    stall.emulator.remove_offer("MUG")
    with market.shop.scope(), use_case("read", organisation_id=market.shop.organisation.pk) as uc:
        reading.read_again(uc, [offer.pk])
    stall.run()
    assert stall.reload(offer).refused_code == "no_such_offer"
    with market.shop.scope(), use_case("again", organisation_id=market.shop.organisation.pk) as uc:
        delivery.try_again(uc, "quantity", [offer.pk])
    assert stall.todo() == [offer.pk]
    market.clock.tick(10)
    stall.run()
    assert stall.reload(offer).refused_code == "no_such_offer"


def test_a_listing_that_is_there_again_is_sent_to_at_once(market: Market, stall: Stall, django_capture_on_commit_callbacks) -> None:
    """Seed 96: reading back found it, listed its figure to be sent, and asked nobody to send it."""
    offer = stall.offer(market.shop.unit("MUG", 4), shown=4)
    stall.run()
    gone = stall.emulator.offers["MUG"]
    stall.emulator.remove_offer("MUG")
    with market.shop.scope(), use_case("read", organisation_id=market.shop.organisation.pk) as uc:
        reading.read_again(uc, [offer.pk])
    stall.run()
    assert stall.reload(offer).refused_code == "no_such_offer"
    assert not stall.lane().wanted

    stall.emulator.offers["MUG"] = gone
    market.clock.tick(7200)
    with django_capture_on_commit_callbacks(execute=True):
        stall.run(LaneKind.BACKGROUND)
    assert stall.reload(offer).refused_code == ""
    assert stall.lane().wanted


def test_an_offer_that_was_sold_before_it_was_linked_is_read_before_it_is_sent(market: Market, stall: Stall) -> None:
    """What the channel listed is of the time before: its own sale has lowered it since."""
    unit = market.shop.unit("MUG", 6)
    stall.emulator.add_offer("THEIRS", quantity=6)
    stall.run("background")
    market.clock.tick(10)
    stall.emulator.place_order([("THEIRS", 1)])
    stall.run()
    with market.shop.scope(), use_case("link", organisation_id=market.shop.organisation.pk) as uc:
        offer = links.choose(uc, RemoteListing.objects.get(sku="THEIRS").pk, unit.pk)
    with market.shop.scope():
        made = Offer.objects.get(pk=offer)
        assert (made.intended_qty, made.believed_qty) == (5, None)
    market.clock.tick(10)
    stall.run()
    assert stall.reload(made).believed_qty == stall.emulator.quantity_of("THEIRS") == 5


def test_an_offer_whose_sale_is_over_is_read_as_well(market: Market, stall: Stall) -> None:
    """Seed 1572: nothing of the line was open any more when the listing was linked, and its sale had lowered the figure all the same."""
    unit = market.shop.unit("MUG", 6)
    stall.emulator.add_offer("THEIRS", quantity=6)
    stall.run("background")
    market.clock.tick(10)
    stall.emulator.place_order([("THEIRS", 1)])
    stall.run()
    with market.shop.scope():
        OrderLine.objects.update(cancelled=1)
    with market.shop.scope(), use_case("link", organisation_id=market.shop.organisation.pk) as uc:
        offer = links.choose(uc, RemoteListing.objects.get(sku="THEIRS").pk, unit.pk)
    with market.shop.scope():
        assert Offer.objects.get(pk=offer).believed_qty is None


def test_everything_is_sent_again_on_demand(market: Market, stall: Stall) -> None:
    """S4.42: resynchronise with one click: nothing is believed, everything is read, what differs is sent."""
    offers = [stall.offer(market.shop.unit(f"U{number}", 5), shown=5) for number in range(3)]
    stall.run()
    stall.emulator.edit_quantity("U1", 99)
    with market.shop.use_case("channel.resync") as uc:
        assert delivery.resync(uc, stall.channel.pk) == 3
    stall.run()
    assert [stall.emulator.quantity_of(f"U{number}") for number in range(3)] == [5, 5, 5]
    assert [stall.reload(offer).believed_qty for offer in offers] == [5, 5, 5]
    assert len([call for call in stall.emulator.calls if call.path == "/v1/stock"]) == 1


def test_one_offer_is_read_on_demand(market: Market, stall: Stall) -> None:
    """The next run looks at this one, sends only if it differs, and leaves the others alone."""
    asked, other = (stall.offer(market.shop.unit(sku, 5), shown=5) for sku in ("ASKED", "OTHER"))
    stall.run()
    for offer in (asked, other):
        stall.emulator.edit_quantity(offer.sku, 99)
    with market.shop.use_case("change.offers") as uc:
        reading.read_again(uc, [asked.pk])
    assert stall.todo() == [asked.pk]
    stall.run()
    assert [stall.emulator.quantity_of(offer.sku) for offer in (asked, other)] == [5, 99]
    assert (stall.reload(asked).believed_qty, stall.todo()) == (5, [])


def test_a_run_whose_database_went_away_is_due_again_a_second_later(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart of the database costs a second, not the wait of a run that fails by itself; if it goes on, the waits grow."""
    stall, waits = market.stall(), []

    def gone(*_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(runner, "_run", gone)
    for _ in range(3):
        begun = market.clock()
        ended = stall.run(outcome="error")
        assert ended.due_at is not None
        waits.append((ended.due_at - begun).total_seconds())
        market.clock.tick(60)
    assert waits[0] < 2
    assert waits[1] > 7
    assert waits[2] > waits[1]


@pytest.mark.parametrize("hinted", [True, False])
def test_whoever_pushes_for_long_gives_way_to_orders_that_a_platform_hints_at(
    market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch, hinted: bool
) -> None:
    """An order lowers what all others show, so it is not to wait for a queue of figures behind a slow budget."""
    monkeypatch.setattr(manifest, "MANIFEST", replace(manifest.MANIFEST, stock_batch=1))
    units = [market.shop.unit(f"U{number}", 9) for number in range(4)]
    for unit in units:
        stall.offer(unit, shown=9)
    market.settle(2)
    for unit in units:
        market.stock(unit, 7)
    real, before = push.stock_intent, len(stall.emulator.calls)

    def slowly(*item: object) -> object:
        if hinted and stall.emulator.calls[before:] == []:
            stall.emulator.place_order([("U0", 1)])
            with market.shop.scope():
                wake.hint([stall.connection_id])
        market.clock.tick(0.6)
        return real(*item)  # type: ignore[arg-type]

    monkeypatch.setattr(push, "stock_intent", slowly)
    ended = stall.run()
    assert [call.path for call in stall.emulator.calls[before:]] == ["/v1/stock"] * (2 if hinted else 4)
    if hinted:
        assert ended.due_at is not None
        assert ended.due_at <= market.clock()
        stall.run()
        assert stall.emulator.calls[before + 2].path == "/v1/orders"
        stall.run()
    assert [stall.emulator.quantity_of(unit.sku) for unit in units] == [7 - hinted, 7, 7, 7]


def test_a_read_that_took_long_does_not_count_its_sales_twice(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker stands still between its clock and its call; a sale in between is in what it reads, and so it is read once more."""
    mug = market.shop.unit("MUG", 10)
    offer = stall.offer(mug, shown=10)
    market.settle(2)
    slow = [7.0]
    read = Adapter.read_states

    def late(self: Adapter, *arguments: object) -> object:
        if slow:
            market.clock.tick(slow.pop())
            stall.emulator.place_order([("MUG", 2)])
            market.clock.tick(1)
        return read(self, *arguments)  # type: ignore[arg-type]

    late.__name__ = "read_states"
    monkeypatch.setattr(Adapter, "read_states", late)
    with market.shop.use_case() as uc:
        reading.read_again(uc, [offer.pk])
    market.stock(mug, 9)
    before = len(stall.emulator.calls)
    stall.due_now()
    stall.run()
    assert [call.path for call in stall.emulator.calls[before:]].count("/v1/offers/query") == 2
    assert not slow
    stall.due_now()
    stall.run()
    assert stall.reload(offer).believed_qty in {None, stall.emulator.quantity_of("MUG")}
    market.settle(3)
    assert stall.reload(offer).believed_qty == stall.emulator.quantity_of("MUG") == 7
