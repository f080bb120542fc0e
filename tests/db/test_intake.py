"""Orders come in (S1.8-S1.11, S4.45-S4.47; invariants 1-3, 5-7)."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stallkeeper.backoffice.order_page import AMOUNT_NAMES
from stallkeeper.channels.explain import explain
from stallkeeper.channels.models import Channel, ChannelLocation, Command, Offer
from stallkeeper.orders import cancel, intake, lines, linking, shortages
from stallkeeper.orders.cancel import CancelError
from stallkeeper.orders.models import Amount, Order, OrderEvent, OrderLine, Shortage
from stallkeeper.stock.models import Reservation
from stallkit.types import CancelReason, ChargeKind, OrderState
from tests.shop import NOON, Shop, remote_line, remote_order

WRITES = re.compile(r"\b(INSERT INTO|(?<!FOR )(?<!NO KEY )UPDATE|DELETE FROM|COPY)\b")
"""Wherever in a statement; rows may be locked."""
MOST = 99_999
"""The largest quantity that the dummy platform takes."""


@pytest.fixture
def shop() -> Shop:
    return Shop.open()


def take(shop: Shop, channel, *orders, fetched=None):
    with shop.use_case("accept.orders") as uc:
        return intake.accept(uc, channel.connection_id, orders, fetched or shop.at)


def test_an_order_reserves_and_lowers_every_channel(shop: Shop) -> None:
    """S4.46: stock is reserved at once and the new quantity is meant for all connected sites; on hand does not fall."""
    unit = shop.unit("MUG", 10)
    first, second = shop.channel(), shop.channel()
    a, b = shop.offer(first, unit), shop.offer(second, unit)
    assert (shop.intended(a), shop.intended(b)) == (10, 10)

    result = take(shop, first, remote_order("1001", [("MUG", 3)]))

    assert (result.new, result.short_lines, result.unmapped_lines) == (1, 0, 0)
    with shop.scope():
        assert shop.level(unit) == (10, 3, 0)
        assert Command.objects.get().kind == "acknowledge"
        assert OrderEvent.objects.get().kind == "imported"
        assert Amount.objects.get().amount == Decimal("29.97")
    assert (shop.intended(a), shop.intended(b)) == (7, 7)


def test_offers_are_looked_up_once_where_the_server_knows_nothing_of_the_tables(shop: Shop) -> None:
    """A new installation: nobody has analysed what was filled a moment ago. The offers were looked up for each unit once."""

    def look_ups() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT idx_scan + seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'channels_offer'")
            return int(cursor.fetchone()[0])

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_stockunit, channels_offer")
    channel = shop.channel()
    for number in range(120):
        shop.offer(channel, shop.unit(f"U{number}", 5))
    before = look_ups()
    take(shop, channel, remote_order("1001", [("U7", 1)]))
    assert look_ups() - before < 20


def test_the_same_snapshot_twice_writes_nothing(shop: Shop) -> None:
    """Invariant 13; PERFORMANCE goal 12: a redelivered page writes 0 offers."""
    unit = shop.unit("MUG", 10)
    channel = shop.channel()
    shop.offer(channel, unit)
    order = remote_order("1001", [("MUG", 3)])
    take(shop, channel, order)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        result = take(shop, channel, order, fetched=shop.at + timedelta(minutes=1))
    assert (result.new, result.changed, result.unchanged) == (0, 0, 1)
    assert not [q["sql"] for q in queries if WRITES.search(q["sql"])]


def test_a_page_costs_the_same_number_of_statements_whatever_its_size(shop: Shop) -> None:
    """PERFORMANCE goal 13: at most 20 statements, the two COPYs of a refresh (which Django does not see) included."""
    channel = shop.channel()
    for number in range(30):
        shop.offer(channel, shop.unit(f"U{number}", 100))
    take(shop, channel, remote_order("first", [("U1", 1)]))
    counts = []
    for size, base in ((1, 0), (100, 1000)):
        orders = [remote_order(str(base + n), [(f"U{n % 30}", 1), (f"U{(n + 1) % 30}", 1)]) for n in range(size)]
        with CaptureQueriesContext(connection) as queries:
            take(shop, channel, *orders)
        counts.append(len([q for q in queries if "SAVEPOINT" not in q["sql"]]))
    assert counts[0] == counts[1] <= 18


def test_what_stock_cannot_serve_is_short_and_visible(shop: Shop) -> None:
    """Invariant 3: a marketplace sale is a fact and always enters; exactly one shortage row."""
    unit = shop.unit("MUG", 2)
    channel = shop.channel()
    shop.offer(channel, unit)
    result = take(shop, channel, remote_order("1", [("MUG", 3)]))
    assert result.short_lines == 1
    with shop.scope():
        line = OrderLine.objects.get()
        assert (line.allocated, line.short) == (2, 1)
        shortage = Shortage.objects.get()
        assert (shortage.quantity, shortage.sold_at, shortage.verdict) == (1, NOON, "latency")
    shop.stock(unit, 5)
    with shop.scope():
        assert OrderLine.objects.get().short == 0
        assert Shortage.objects.get().resolved_at is not None
        assert shop.level(unit) == (5, 3, 0)


@pytest.mark.parametrize(("gone", "still_short"), [(2, 1), (3, 0)])
def test_goods_that_left_without_us_are_not_missing_any_more(shop: Shop, gone: int, still_short: int) -> None:
    """The channel says that they have left: what was short of them closes, or falls to what is left."""
    unit = shop.unit("MUG", 1)
    channel = shop.channel()
    shop.offer(channel, unit)
    take(shop, channel, remote_order("1", [("MUG", 3)]))
    later = NOON + timedelta(hours=1)
    state = OrderState.PART_SHIPPED if still_short else OrderState.SHIPPED
    take(shop, channel, remote_order("1", [remote_line("1", "MUG", 3, shipped=gone)], state=state, modified=later), fetched=later)
    with shop.scope():
        shortage = Shortage.objects.get()
        assert OrderLine.objects.get().short == still_short
        assert (shortage.quantity, shortage.resolved_at is None) == (still_short, still_short > 0)


def test_goods_that_left_without_us_were_not_there_for_an_order_that_is_due_earlier(shop: Shop) -> None:
    """Seed 60: both stood in one page, and the earlier one was promised what had gone already."""
    unit = shop.unit("MUG", 5)
    channel = shop.channel()
    shop.offer(channel, unit)
    take(shop, channel, remote_order("1", [("MUG", 5)], dispatch_by=NOON + timedelta(days=2)))
    later = NOON + timedelta(hours=1)
    gone = remote_order(
        "1", [remote_line("1", "MUG", 5, shipped=5)], state=OrderState.SHIPPED, modified=later, dispatch_by=NOON + timedelta(days=2)
    )
    take(shop, channel, gone, remote_order("2", [("MUG", 2)], dispatch_by=NOON + timedelta(days=1)), fetched=later)
    with shop.scope():
        assert shop.level(unit) == (0, 0, 0)
        assert OrderLine.objects.get(order__external_id="2").short == 2


def test_two_lines_on_one_unit_are_added_up(shop: Shop) -> None:
    """C2: the same stock unit twice in one order, once through a kit."""
    cup, saucer = shop.unit("CUP", 5), shop.unit("SAUCER", 9)
    kit = shop.kit("SET", {cup: 2, saucer: 2})
    channel = shop.channel()
    shop.offer(channel, cup)
    shop.offer(channel, kit)
    take(shop, channel, remote_order("1", [("SET", 2), ("CUP", 2)]))
    with shop.scope():
        lines = {line.sku: line for line in OrderLine.objects.all()}
        assert (lines["SET"].short, lines["CUP"].short) == (0, 1)
        assert shop.level(cup) == (5, 5, 0)
        assert shop.level(saucer) == (9, 4, 0)


def test_a_kit_takes_only_its_counted_components(shop: Shop) -> None:
    """S5.90: wrapping that nobody counts limits nothing, whichever component comes first, and is never short."""
    paper = shop.unit("PAPER", stocked=False)
    cup = shop.unit("CUP", 7)
    ribbon = shop.unit("RIBBON", stocked=False)
    channel = shop.channel()
    gift = shop.offer(channel, shop.kit("GIFT", {paper: 1, cup: 2, ribbon: 1}))
    wrapping = shop.offer(channel, shop.kit("WRAPPING", {paper: 1, ribbon: 3}))
    assert (shop.intended(gift), shop.intended(wrapping)) == (3, MOST)
    assert [found.intended for found in explain(shop.organisation.pk, "GIFT")] == [3]
    take(shop, channel, remote_order("1", [("GIFT", 2), ("WRAPPING", 50)]))
    with shop.scope():
        assert {line.sku: line.short for line in OrderLine.objects.all()} == {"GIFT": 0, "WRAPPING": 0}
        assert [(one.stock_unit_id, one.quantity) for one in Reservation.objects.all()] == [(cup.pk, 4)]
    assert (shop.intended(gift), shop.intended(wrapping)) == (1, MOST)
    shop.stock(cup, 9)
    assert shop.level(cup) == (9, 4, 0)
    assert shop.intended(gift) == 2
    take(shop, channel, remote_order("2", [("GIFT", 3)]))
    with shop.scope():
        assert OrderLine.objects.get(order__external_id="2").short == 1


def test_a_kit_of_which_a_component_was_never_stocked_is_none(shop: Shop) -> None:
    paper, cup = shop.unit("PAPER", stocked=False), shop.unit("CUP")
    offer = shop.offer(shop.channel(), shop.kit("GIFT", {paper: 1, cup: 2}))
    assert shop.intended(offer) == 0


def test_an_unknown_sku_keeps_the_order_and_waits_alone(shop: Shop) -> None:
    """C10, S4.15: the line is kept; linking it reserves and is remembered."""
    unit = shop.unit("MUG", 4)
    channel = shop.channel()
    shop.offer(channel, unit)
    result = take(shop, channel, remote_order("1", [("MUG", 1), ("NEW-SKU", 2)]))
    assert result.unmapped_lines == 1
    with shop.scope():
        line = OrderLine.objects.get(sku="NEW-SKU")
    linking.link_line(shop.organisation.pk, line.pk, unit.pk, for_ever=True, actor="user:1")
    with shop.scope():
        assert shop.level(unit) == (4, 3, 0)
        assert Offer.objects.get(sku="NEW-SKU").intended_qty == 1
    assert take(shop, channel, remote_order("2", [("NEW-SKU", 1)])).unmapped_lines == 0


def test_an_order_without_a_buyer_is_an_order(shop: Shop) -> None:
    """C27."""
    unit = shop.unit("MUG", 4)
    channel = shop.channel()
    shop.offer(channel, unit)
    assert take(shop, channel, remote_order("1", [("MUG", 1)], buyer=None, raw=b"")).new == 1


def test_pending_orders_hold_and_confirmation_turns_the_hold_into_an_allocation(shop: Shop) -> None:
    """C28."""
    unit = shop.unit("MUG", 4)
    channel = shop.channel()
    offer = shop.offer(channel, unit)
    take(shop, channel, remote_order("1", [("MUG", 3)], state=OrderState.PENDING))
    with shop.scope():
        assert shop.level(unit) == (4, 0, 3)
        assert Reservation.objects.get().expires_at is not None
        assert not Command.objects.exists()
    assert shop.intended(offer) == 1
    take(shop, channel, remote_order("1", [("MUG", 3)], modified=NOON + timedelta(minutes=5)), fetched=NOON + timedelta(minutes=6))
    with shop.scope():
        assert shop.level(unit) == (4, 3, 0)
        assert Command.objects.get().kind == "acknowledge"


def test_a_stale_snapshot_changes_nothing(shop: Shop) -> None:
    """Invariant 6."""
    unit = shop.unit("MUG", 4)
    channel = shop.channel()
    shop.offer(channel, unit)
    late = NOON + timedelta(minutes=10)
    cancelled = [remote_line("1", "MUG", 2, cancelled=2)]
    take(shop, channel, remote_order("1", cancelled, state=OrderState.CANCELLED, modified=late), fetched=late)
    result = take(shop, channel, remote_order("1", [("MUG", 2)], modified=NOON), fetched=late + timedelta(minutes=1))
    assert result.unchanged == 1
    with shop.scope():
        assert Order.objects.get().state == "cancelled"


def test_a_buyers_cancellation_gives_the_units_back(shop: Shop) -> None:
    """S1.15, G1: part of a line."""
    unit = shop.unit("MUG", 10)
    channel, other = shop.channel(), shop.channel()
    offer = shop.offer(other, unit)
    shop.offer(channel, unit)
    take(shop, channel, remote_order("1", [("MUG", 5)]))
    line = [remote_line("1", "MUG", 5, cancelled=3)]
    take(shop, channel, remote_order("1", line, modified=NOON + timedelta(minutes=1)), fetched=NOON + timedelta(minutes=2))
    with shop.scope():
        assert shop.level(unit) == (10, 2, 0)
        assert Offer.objects.get(channel=channel).open_qty == 2
    assert shop.intended(offer) == 8


def test_a_released_unit_serves_the_line_that_is_short(shop: Shop) -> None:
    unit = shop.unit("MUG", 1)
    channel = shop.channel()
    shop.offer(channel, unit)
    take(shop, channel, remote_order("1", [("MUG", 1)]))
    take(shop, channel, remote_order("2", [("MUG", 1)]))
    gone = [remote_line("1", "MUG", 1, cancelled=1)]
    take(
        shop,
        channel,
        remote_order("1", gone, state=OrderState.CANCELLED, modified=NOON + timedelta(minutes=1)),
        fetched=NOON + timedelta(minutes=2),
    )
    with shop.scope():
        assert OrderLine.objects.get(order__external_id="2").short == 0
        assert shop.level(unit) == (1, 1, 0)


def test_our_cancellation_releases_tells_the_channel_and_is_not_undone_by_an_older_snapshot(shop: Shop) -> None:
    """S1.14, S1.15, C4."""
    unit = shop.unit("MUG", 10)
    channel = shop.channel()
    offer = shop.offer(channel, unit)
    take(shop, channel, remote_order("1", [("MUG", 4)]))
    with shop.scope():
        order, line = Order.objects.get(), OrderLine.objects.get()
    cancel.cancel_lines(shop.organisation.pk, order.pk, {line.pk: 3}, reason=CancelReason.OUT_OF_STOCK, actor="user:1")
    with shop.scope():
        assert Command.objects.get(kind="cancel").payload["lines"] == [{"line_id": "1", "quantity": 3}]
        assert shop.level(unit) == (10, 1, 0)
    assert shop.intended(offer) == 9
    touched = remote_order("1", [("MUG", 4)], state=OrderState.ACKNOWLEDGED, modified=NOON + timedelta(minutes=1))
    take(shop, channel, touched, fetched=NOON + timedelta(minutes=1))
    with shop.scope():
        assert OrderLine.objects.get().cancelled == 3
        assert shop.level(unit) == (10, 1, 0)
    with pytest.raises(CancelError, match="1 can still be cancelled"):
        cancel.cancel_lines(shop.organisation.pk, order.pk, {line.pk: 2}, reason=CancelReason.OUT_OF_STOCK, actor="user:1")


def test_a_line_that_the_channel_takes_out_of_the_order_is_cancelled(shop: Shop) -> None:
    mug, cup = shop.unit("MUG", 5), shop.unit("CUP", 5)
    channel = shop.channel()
    shop.offer(channel, mug)
    shop.offer(channel, cup)
    take(shop, channel, remote_order("1", [("MUG", 1), ("CUP", 2)]))
    take(shop, channel, remote_order("1", [("MUG", 1)], modified=NOON + timedelta(minutes=1)), fetched=NOON + timedelta(minutes=1))
    with shop.scope():
        assert OrderLine.objects.get(sku="CUP").cancelled == 2
        assert (shop.level(mug), shop.level(cup)) == ((5, 1, 0), (5, 0, 0))


def test_the_exposure_window_ends_when_the_channel_shows_the_truth(shop: Shop) -> None:
    """Invariant 3: from the sale to our accepted cut."""
    unit = shop.unit("MUG", 1)
    channel = shop.channel()
    offer = shop.offer(channel, unit)
    take(shop, channel, remote_order("1", [("MUG", 2)]))
    accepted = NOON + timedelta(seconds=4)
    with shop.use_case() as uc:
        assert shortages.close_windows(uc, channel.pk) == 0
        Offer.objects.filter(pk=offer.pk).update(sent_at=NOON, accepted_at=accepted, accepted_qty=0, believed_qty=0)
        assert shortages.close_windows(uc, channel.pk) == 1
        assert Shortage.objects.get().cut_accepted_at == accepted


def test_goods_that_left_without_us_leave_the_shelf(shop: Shop) -> None:
    """S3.58: orders and their statuses are followed."""
    unit = shop.unit("MUG", 10)
    channel = shop.channel()
    offer = shop.offer(channel, unit)
    take(shop, channel, remote_order("1", [("MUG", 4)]))
    line = [remote_line("1", "MUG", 4, shipped=3)]
    take(
        shop,
        channel,
        remote_order("1", line, state=OrderState.PART_SHIPPED, modified=NOON + timedelta(hours=1)),
        fetched=NOON + timedelta(hours=1),
    )
    with shop.scope():
        assert shop.level(unit) == (7, 1, 0)
        assert OrderLine.objects.get().shipped == 3
    assert shop.intended(offer) == 6


def test_orders_from_before_the_cutover_allocate_nothing_where_they_were_taken_off(shop: Shop) -> None:
    """The cutover question."""
    unit = shop.unit("MUG", 10)
    channel = shop.channel(cutover="exclude", cutover_at=NOON)
    shop.offer(channel, unit)
    take(shop, channel, remote_order("old", [("MUG", 2)], at=NOON - timedelta(hours=1)))
    take(shop, channel, remote_order("new", [("MUG", 3)], at=NOON + timedelta(hours=1)))
    with shop.scope():
        assert shop.level(unit) == (10, 3, 0)


def test_a_cut_of_stock_turns_the_latest_dispatch_short(shop: Shop) -> None:
    """ARCHITECTURE, Reservation: a cut turns the latest dispatch dates short; a rise refills, earliest first."""
    unit = shop.unit("MUG", 5)
    channel = shop.channel()
    shop.offer(channel, unit)
    take(shop, channel, remote_order("late", [("MUG", 3)], dispatch_by=NOON + timedelta(days=3)))
    take(shop, channel, remote_order("soon", [("MUG", 2)], dispatch_by=NOON + timedelta(days=1)))
    shop.stock(unit, 3)
    with shop.scope():
        short = dict(OrderLine.objects.values_list("order__external_id", "short"))
        assert short == {"late": 2, "soon": 0}
        assert Shortage.objects.get().verdict == "stock_cut"


def test_an_order_that_must_leave_later_than_it_was_told_first_goes_short_first(shop: Shop) -> None:
    """The channel moves only the dispatch date: who goes short when goods are missing moves with it."""
    unit = shop.unit("MUG", 5)
    channel = shop.channel()
    shop.offer(channel, unit)
    take(shop, channel, remote_order("moved", [("MUG", 3)], dispatch_by=NOON + timedelta(days=1)))
    take(shop, channel, remote_order("soon", [("MUG", 2)], dispatch_by=NOON + timedelta(days=2)))
    later = NOON + timedelta(minutes=1)
    take(shop, channel, remote_order("moved", [("MUG", 3)], dispatch_by=NOON + timedelta(days=9), modified=later))
    shop.stock(unit, 3)
    with shop.scope():
        assert dict(OrderLine.objects.values_list("order__external_id", "short")) == {"moved": 2, "soon": 0}


def test_an_order_stays_on_its_channel_when_that_is_switched_off(shop: Shop) -> None:
    """Another channel of the account is active: it gets new orders, and nothing of the old ones."""
    unit, other = shop.unit("MUG", 10), shop.add_place("EAST")
    channel = shop.channel()
    offer = shop.offer(channel, unit)
    take(shop, channel, remote_order("1001", [("MUG", 3)]))
    with shop.scope():
        Channel.objects.filter(pk=channel.pk).update(active=False)
        second = Channel.objects.create(
            organisation=shop.organisation,
            connection=channel.connection,
            name="B",
            code="B2",
            currency="EUR",
            created_at=NOON,
            cutover="include",
        )
        ChannelLocation.objects.create(organisation=shop.organisation, channel=second, location=other)

    shop.later(minutes=1)
    take(shop, channel, remote_order("1001", [("MUG", 2)], modified=shop.at), remote_order("1002", [("MUG", 1)]))

    with shop.scope():
        assert dict(Order.objects.values_list("external_id", "channel_id")) == {"1001": channel.pk, "1002": second.pk}
        assert list(Reservation.objects.values_list("location_id", "quantity")) == [(shop.place.pk, 2)], "it keeps its places"
        assert dict(OrderLine.objects.values_list("order__external_id", "short")) == {"1001": 0, "1002": 1}
        assert Offer.objects.get(pk=offer.pk).open_qty == 3


@pytest.mark.parametrize("arrived", [3, 7])
def test_a_refill_serves_every_short_line_that_it_can(shop: Shop, monkeypatch: pytest.MonkeyPatch, arrived: int) -> None:
    """However many wait: not only the first page of them."""
    monkeypatch.setattr(lines, "REFILL", 2)
    unit, channel = shop.unit("MUG", 0), shop.channel()
    shop.offer(channel, unit)
    due = [shop.at + timedelta(hours=number) for number in range(7)]
    take(shop, channel, *(remote_order(f"o{number}", [("MUG", 1)], dispatch_by=at) for number, at in enumerate(due)))
    with shop.scope():
        assert OrderLine.objects.filter(short=1).count() == 7

    shop.stock(unit, arrived)

    with shop.scope():
        assert list(OrderLine.objects.order_by("order__dispatch_by").values_list("short", flat=True)) == [0] * arrived + [1] * (7 - arrived)
    assert shop.level(unit) == (arrived, arrived, 0)


def test_the_money_page_names_each_kind_of_amount_that_there_is_and_no_other() -> None:
    assert set(AMOUNT_NAMES) == set(ChargeKind)
