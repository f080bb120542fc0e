"""How long operations take, from facts that were placed by hand, and of a market that runs (S1.20-S1.28)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import lanes_queries
from stallkeeper.channels.models import Channel, Command, Offer, SentLog, Wait
from stallkeeper.core import clock, housekeeping
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import cancel, delays, intake
from stallkeeper.orders.delays import Case, Detail
from stallkeeper.orders.models import Delay, Order, OrderLine
from stallkeeper.orders.promises import CEILINGS, Operation
from stallkeeper.sync import delays as engine
from stallkeeper.sync import push
from stallkit.errors import SlowDown
from stallkit.types import CancelReason
from tests.market import Market, Stall
from tests.shop import Shop, remote_order

S = timedelta(seconds=1)
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = NINE + timedelta(minutes=30)


@pytest.fixture
def shop() -> Shop:
    shop = Shop.open()
    shop.at = NINE - timedelta(hours=2)
    shop.unit("MUG", 50)
    return shop


def an_offer(shop: Shop, channel: Channel) -> Offer:
    with shop.scope():
        unit = StockUnit.objects.get(sku="MUG")
    return shop.offer(channel, unit, external_id="1")


def sent(shop: Shop, offer: Offer, at: datetime, **fields: object) -> None:
    with shop.scope():
        values = {"kind": "quantity", "value": 3, "shown": 5, "outcome": "accepted"} | fields
        SentLog.objects.create(organisation=shop.organisation, offer_id=offer.pk, at=at, **values)


def waited(shop: Shop, channel: Channel, step: str, begun: datetime, until: datetime) -> None:
    with shop.scope(), connection.cursor() as cursor:
        lanes_queries.write_waits(cursor, shop.organisation.pk, channel.connection_id, [(step, begun, until)])


def measured(shop: Shop, operation: Operation, now: datetime = NOW) -> Detail:
    """All that is known of an operation after measuring at ``now``."""
    measure(shop, now)
    with shop.scope():
        return delays.detail(shop.organisation.pk, operation, now)


def measure(shop: Shop, now: datetime = NOW) -> None:
    since = measure_once(shop, now)
    while since is not None:
        since = measure_once(shop, now, since)


def measure_once(shop: Shop, now: datetime = NOW, since: datetime | None = None) -> datetime | None:
    with use_case("delays.measure", organisation_id=shop.organisation.pk, at=now) as uc:
        return delays.measure(uc, since)


def seconds(case: Case) -> tuple[float, float, float, float]:
    """The whole and its parts, to the millisecond."""
    return round(case.total, 3), round(case.ours, 3), round(case.theirs, 3), round(case.limits, 3)


# --- facts that were placed by hand -------------------------------------------------------------------------------------------------------


def test_a_cut_that_waited_three_seconds_for_the_budget_and_two_for_the_feed(shop: Shop) -> None:
    channel = shop.channel()
    offer = an_offer(shop, channel)
    wanted = NINE + 100 * S
    waited(shop, channel, "quantities", wanted + 1 * S, wanted + 4 * S)
    sent(shop, offer, wanted + 5.5 * S, outcome="pending", detail="T-1", wanted_at=wanted, sent_at=wanted + 5 * S)
    sent(shop, offer, wanted + 7.5 * S, sent_at=wanted + 5 * S, shown=None)
    found = measured(shop, Operation.STOCK)
    (case,) = found.worst
    assert seconds(case) == (7.5, 2.0, 0.5, 5.0)
    assert (case.channel_id, case.subject, case.began, case.ended) == (channel.pk, offer.pk, wanted, wanted + 7.5 * S)
    day = found.day[channel.pk]
    assert (day.count, round(day.ours, 3), round(day.theirs, 3), round(day.limits, 3)) == (1, 2.0, 0.5, 5.0)
    told = day.within(0.95)
    assert told is not None
    assert abs(told - 7.5) <= 7.5 * 0.05


def test_an_order_that_was_seen_seven_seconds_late(shop: Shop) -> None:
    """Placed at 9:00:10, the complete look of 9:00:12 did not show it (that is within what clocks differ), entered at 9:00:17."""
    channel = shop.channel()
    shop.at = NINE + 17 * S
    order = remote_order("O-1", [("MUG", 1)], at=NINE + 10 * S)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [order], NINE + 16 * S, NINE + 12 * S)
    (case,) = measured(shop, Operation.INTAKE).worst
    assert seconds(case) == (7.0, 7.0, 0.0, 0.0)


def test_an_order_that_the_channel_showed_late_is_their_delay(shop: Shop) -> None:
    """A look that began half a minute after it was placed did not have it; the next one waited four seconds for the budget."""
    channel = shop.channel()
    shop.at = NINE + 47 * S
    waited(shop, channel, "orders", NINE + 41 * S, NINE + 45 * S)
    order = remote_order("O-1", [("MUG", 1)], at=NINE)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [order], NINE + 46 * S, NINE + 30 * S)
    (case,) = measured(shop, Operation.INTAKE).worst
    assert seconds(case) == (47.0, 13.0, 30.0, 4.0)


def test_what_was_open_before_the_channel_came_is_no_delay(shop: Shop) -> None:
    channel = shop.channel(cutover_at=NINE)
    shop.at = NINE + 60 * S
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("O-1", [("MUG", 1)], at=NINE - timedelta(days=3))], shop.at)
    assert measured(shop, Operation.INTAKE).worst == []


def test_a_raise_waits_for_what_is_kept_for_cuts_and_a_cut_does_not(shop: Shop) -> None:
    channel = shop.channel()
    offer = an_offer(shop, channel)
    waited(shop, channel, "raises", NINE, NINE + 20 * S)
    sent(shop, offer, NINE + 30 * S, value=9, shown=5, wanted_at=NINE, sent_at=NINE + 29 * S)
    sent(shop, offer, NINE + 40 * S, value=2, shown=9, wanted_at=NINE + 10 * S, sent_at=NINE + 39 * S)
    found = {seconds(case) for case in measured(shop, Operation.STOCK).worst}
    assert found == {(30.0, 9.0, 1.0, 20.0), (30.0, 29.0, 1.0, 0.0)}


def test_a_platform_that_wants_figures_to_stand_has_that_time_on_its_account(shop: Shop) -> None:
    """Ozon: a figure may be written again two minutes after the last one."""
    channel = shop.channel("ozon", warehouse="1")
    offer = an_offer(shop, channel)
    pause = delays.manifest_of("ozon").quirks.rewrite_after
    assert pause is not None
    sent(shop, offer, NINE, value=4, shown=5, wanted_at=None, sent_at=NINE - S)
    sent(shop, offer, NINE + pause + 3 * S, value=3, shown=4, wanted_at=NINE + 10 * S, sent_at=NINE + pause + 2 * S)
    (case,) = measured(shop, Operation.STOCK).worst
    assert seconds(case) == (pause.total_seconds() - 7, 2.0, 1.0, pause.total_seconds() - 10)


def test_prices_are_their_own_operation_and_refusals_are_none(shop: Shop) -> None:
    channel = shop.channel()
    offer = an_offer(shop, channel)
    sent(shop, offer, NINE + 9 * S, kind="price", wanted_at=NINE, sent_at=NINE + 8 * S)
    sent(shop, offer, NINE + 9 * S, outcome="rejected", wanted_at=NINE, sent_at=NINE + 8 * S)
    sent(shop, offer, NINE + 9 * S, outcome="postponed", wanted_at=NINE, sent_at=NINE + 8 * S)
    assert [seconds(case) for case in measured(shop, Operation.PRICE).worst] == [(9.0, 8.0, 1.0, 0.0)]
    assert measured(shop, Operation.STOCK).worst == []


def told(shop: Shop, channel: Channel, kind: str, asked: datetime, sent_at: datetime, done: datetime, **fields: object) -> Command:
    with shop.scope():
        order = Order.objects.get()
        values = {"key": f"{kind}:1", "state": "done", "payload": {"lines": [{"line_id": "1", "quantity": 1}]}} | fields
        times = {"not_before": asked, "created_at": asked, "sent_at": sent_at, "ended_at": done}
        base = {"organisation": shop.organisation, "connection_id": channel.connection_id, "subject_type": "order"}
        return Command.objects.create(kind=kind, subject_id=order.pk, **base, **times, **values)


def an_order(shop: Shop, channel: Channel) -> None:
    shop.at = NINE - timedelta(hours=1)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("O-1", [("MUG", 1)], at=shop.at)], shop.at)


def test_a_shipment_that_waited_for_the_budget(shop: Shop) -> None:
    channel = shop.channel()
    an_order(shop, channel)
    waited(shop, channel, "commands", NINE + 1 * S, NINE + 6 * S)
    told(shop, channel, "ship", NINE, NINE + 7 * S, NINE + 9 * S)
    assert [seconds(case) for case in measured(shop, Operation.SHIP).worst] == [(9.0, 2.0, 2.0, 5.0)]
    assert measured(shop, Operation.CANCEL).worst == []


def test_a_cancellation_is_over_when_the_restored_quantity_is_accepted_elsewhere(shop: Shop) -> None:
    """S1.28: the channel is told after two seconds, the other stall shows the unit again after eight."""
    channel, other = shop.channel(), shop.channel()
    offer = an_offer(shop, other)
    an_order(shop, channel)
    with shop.scope():
        assert OrderLine.objects.get().stock_unit_id is None, "it is of no offer there: the order came before the link"
        OrderLine.objects.update(stock_unit_id=offer.stock_unit_id)
    told(shop, channel, "cancel", NINE, NINE + 1 * S, NINE + 2 * S)
    sent(shop, offer, NINE + 8 * S, value=6, shown=5, wanted_at=NINE, sent_at=NINE + 7 * S)
    sent(shop, offer, NINE + 20 * S, value=7, shown=6, wanted_at=NINE + 15 * S, sent_at=NINE + 19 * S)
    (case,) = measured(shop, Operation.CANCEL).worst
    assert seconds(case) == (8.0, 7.0, 1.0, 0.0)
    assert case.channel_id == channel.pk, "it counts for the channel of the order"


# --- measuring again ----------------------------------------------------------------------------------------------------------------------


def rows(shop: Shop) -> list[dict[str, object]]:
    with shop.scope():
        return [{k: v for k, v in row.items() if k != "id"} for row in Delay.objects.order_by("channel", "operation", "hour").values()]


def test_measuring_twice_gives_the_same_rows_and_late_ones_are_counted(shop: Shop) -> None:
    channel = shop.channel()
    offer = an_offer(shop, channel)
    sent(shop, offer, NINE + 5 * S, wanted_at=NINE, sent_at=NINE + 4 * S)
    measure(shop)
    once = rows(shop)
    measure(shop)
    assert rows(shop) == once != []
    sent(shop, offer, NINE + 9 * S, wanted_at=NINE, sent_at=NINE + 8 * S)
    measure(shop, NINE + timedelta(minutes=95))
    assert [row["count"] for row in rows(shop)] == [2], "an hour is looked at again until an hour after its end"
    later = NINE + timedelta(hours=3)
    sent(shop, offer, later, wanted_at=later - 5 * S, sent_at=later - S)
    sent(shop, offer, NINE + 10 * S, wanted_at=NINE, sent_at=NINE + 8 * S)
    measure(shop, later + 5 * S)
    assert [row["count"] for row in rows(shop)] == [3, 1], "nobody had measured since: it goes on where it ended"
    sent(shop, offer, NINE + 11 * S, wanted_at=NINE, sent_at=NINE + 8 * S)
    measure(shop, later + 9 * S)
    assert [row["count"] for row in rows(shop)] == [3, 1], "older hours are not looked at any more"


def test_what_is_no_longer_so_goes(shop: Shop) -> None:
    channel = shop.channel()
    an_order(shop, channel)
    command = told(shop, channel, "ship", NINE, NINE + S, NINE + 2 * S)
    measure(shop)
    assert "ship" in {row["operation"] for row in rows(shop)}
    with shop.scope():
        Command.objects.filter(pk=command.pk).update(state="queued", ended_at=None)
    measure(shop)
    assert "ship" not in {row["operation"] for row in rows(shop)}


def test_after_a_week_without_measuring_it_goes_on_where_it_was(shop: Shop) -> None:
    """A day at a time, each kept before the next: whoever dies in between loses nothing."""
    channel = shop.channel()
    offer = an_offer(shop, channel)
    for day in range(6):
        at = NINE - timedelta(days=day)
        sent(shop, offer, at, wanted_at=at - 5 * S, sent_at=at - S)
    since = measure_once(shop)
    while not rows(shop):
        assert since is not None
        since = measure_once(shop, since=since)
    begun = len(rows(shop))
    measure(shop)  # begins anew, after a death
    assert (begun < 6, len(rows(shop))) == (True, 6)


def test_where_nothing_is_to_be_measured_nothing_is_read_again(shop: Shop) -> None:
    """Sends of everybody stand in one log: an organisation that sends nothing reads a week of it once, not every five minutes."""
    shop.channel()

    def reads() -> int:
        with CaptureQueriesContext(connection) as seen:
            engine.run()
        return sum("log.sent_at IS NOT NULL" in query["sql"] for query in seen)

    assert (reads(), reads()) == (8, 1)


def test_after_hours_without_measuring_it_goes_on_though_there_was_nothing_before(shop: Shop) -> None:
    channel = shop.channel()
    offer = an_offer(shop, channel)
    measure(shop)
    sent(shop, offer, NOW + 5 * S, wanted_at=NOW, sent_at=NOW + 4 * S)
    sent(shop, offer, NOW + timedelta(hours=5), wanted_at=NOW + timedelta(hours=5) - S, sent_at=NOW + timedelta(hours=5))
    measure(shop, NOW + timedelta(hours=20))
    assert [row["count"] for row in rows(shop)] == [1, 1]


class Killed(BaseException):
    pass


def measure_and_die(shop: Shop) -> None:
    """It measures, and dies before its commit."""
    with use_case("delays.measure", organisation_id=shop.organisation.pk, at=NOW) as uc:
        delays.measure(uc)
        raise Killed


def test_a_killed_measurement_goes_on(shop: Shop) -> None:
    """It dies before its commit: nothing of it stands, and the next one measures the same."""
    channel = shop.channel()
    offer = an_offer(shop, channel)
    sent(shop, offer, NINE + 5 * S, wanted_at=NINE, sent_at=NINE + 4 * S)
    with pytest.raises(Killed):
        measure_and_die(shop)
    assert rows(shop) == []
    measure(shop)
    assert [row["count"] for row in rows(shop)] == [1]


# --- a market that runs -------------------------------------------------------------------------------------------------------------------


def test_of_a_market_that_runs_every_operation_is_measured(market: Market) -> None:
    """An order, its acknowledgement, the cut elsewhere, its cancellation and the raise: each is measured on its channel."""
    first, second = market.stall(acknowledge_enabled=True), market.stall()
    mug = market.shop.unit("MUG", 5)
    for stall in (first, second):
        stall.offer(mug, shown=0)
    market.settle(4)
    number = first.emulator.place_order([("MUG", 2)])
    market.settle(4)
    with market.shop.scope():
        order = Order.objects.get(external_id=number)
    cancel.cancel_lines(market.shop.organisation.pk, order.pk, None, reason=CancelReason.OUT_OF_STOCK, actor="system")
    market.settle(4)
    assert second.emulator.quantity_of("MUG") == 5
    engine.run()
    with market.shop.scope():
        board = delays.board(market.shop.organisation.pk, clock.now())
        lately = delays.lately(market.shop.organisation.pk, clock.now())
        intakes = delays.detail(market.shop.organisation.pk, Operation.INTAKE, clock.now())
        stopped = delays.detail(market.shop.organisation.pk, Operation.CANCEL, clock.now())
        order.refresh_from_db()
    assert set(board.day) == {"stock", "intake", "acknowledge", "cancel"}
    assert board.day["intake"].count == 1
    (case,) = intakes.worst
    assert abs(case.total - (order.imported_at - order.ordered_at).total_seconds()) < 1e-3
    (case,) = stopped.worst
    assert case.total > 0
    assert ("cancel", first.channel.pk) in lately


def test_a_run_writes_down_that_it_waited_for_its_budget(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step that was held back, from when and until when: whatever the run did besides."""
    mug = stall.market.shop.unit("MUG", 5)
    stall.offer(mug, shown=0)
    stall.run()
    with stall.market.shop.scope():
        before = Wait.objects.count()

    def slow(*_args: object, **_named: object) -> None:
        raise SlowDown("our own budget is spent", retry_after=3.0)

    monkeypatch.setattr(push, "_push_channel", slow)
    stall.run()
    with stall.market.shop.scope():
        wait = Wait.objects.latest("pk")
        assert Wait.objects.count() == before + 1
    assert (wait.step, (wait.until - wait.begun_at).total_seconds()) == ("quantities", 3.0)
    housekeeping.daily(clock.now() + timedelta(days=7))
    with stall.market.shop.scope():
        assert Wait.objects.exists()
    housekeeping.daily(clock.now() + timedelta(days=9))
    with stall.market.shop.scope():
        assert not Wait.objects.exists()


# --- what is promised ---------------------------------------------------------------------------------------------------------------------


def test_a_promise_may_be_tighter_than_the_ceiling_and_not_longer(shop: Shop) -> None:
    with shop.use_case() as uc:
        assert delays.promises() == CEILINGS
        delays.promise(uc, Operation.STOCK, 60)
        assert delays.promises()[Operation.STOCK] == timedelta(minutes=1)
        for seconds_asked in (0, 601):
            with pytest.raises(delays.PromiseError, match="between 1 and 600"):
                delays.promise(uc, Operation.STOCK, seconds_asked)
        with pytest.raises(delays.PromiseError, match="not measured"):
            delays.promise(uc, Operation.MATCH, 60)
        delays.promise(uc, Operation.STOCK, None)
        assert delays.promises() == CEILINGS


def test_other_firms_see_nothing_of_it(shop: Shop) -> None:
    channel = shop.channel()
    offer = an_offer(shop, channel)
    sent(shop, offer, NINE + 5 * S, wanted_at=NINE, sent_at=NINE + 4 * S)
    measure(shop)
    other = Shop.open()
    with other.scope():
        assert delays.board(other.organisation.pk, NOW).day == {}
        assert not Delay.objects.exists()
