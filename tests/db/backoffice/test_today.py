"""Today: what is due next, how late each channel is now, what went wrong, and whether all is well (S1.19, S1.20)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from stallkeeper.backoffice import today_rows
from stallkeeper.backoffice.today import by_channel, concerns
from stallkeeper.channels.models import Channel, Command, Lane, LaneKind, LaneStep, OfferTodo
from stallkeeper.core import clock
from stallkeeper.core.models import Role, User
from stallkeeper.orders import intake
from stallkeeper.orders.models import Order, Shortage
from stallkeeper.orders.promises import CEILINGS, Operation
from tests.busy_shop import BusyShop, signed_in, text
from tests.shop import Shop, join, remote_order

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.usefixtures("busy")  # its keyring: orders are entered with their buyers


def shop_of_today(**channel: object) -> tuple[Shop, Channel, Client]:
    """A shop with one channel whose orders were read a moment ago."""
    shop = Shop.open()
    shop.at = clock.now()
    shop.unit("MUG", 100)
    opened = shop.channel(**channel)
    read(shop, opened, timedelta(seconds=5))
    user = User.objects.create_user(f"today-{shop.organisation.pk}@example.com")
    join(shop.organisation, user, Role.OWNER)
    cache.clear()
    return shop, opened, signed_in(user)


def read(shop: Shop, channel: Channel, ago: timedelta) -> None:
    """The channel's orders were read completely so long ago."""
    with shop.scope():
        lane = Lane.objects.get(subject_id=channel.connection_id, kind=LaneKind.TRADE)
        LaneStep.objects.update_or_create(
            lane=lane, step="orders", defaults={"organisation": shop.organisation, "watermark": clock.now() - ago}
        )


def order(shop: Shop, channel: Channel, number: str, **due: object) -> Order:
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order(number, [("MUG", 1)], at=shop.at, **due)], shop.at)
    with shop.scope():
        return Order.objects.get(external_id=number)


def test_deadlines_that_have_passed_come_first_and_what_is_done_does_not_come() -> None:
    shop, channel, client = shop_of_today()
    now = clock.now()
    order(shop, channel, "SOON", dispatch_by=now + 2 * HOUR, acknowledge_by=now + 5 * HOUR)
    order(shop, channel, "LATE", dispatch_by=now - 2 * HOUR)
    order(shop, channel, "LATER-LATE", dispatch_by=now - HOUR)
    gone = order(shop, channel, "GONE", dispatch_by=now - HOUR, acknowledge_by=now - HOUR)
    theirs = order(shop, channel, "THEIRS", dispatch_by=now - HOUR)
    with shop.scope():
        Order.objects.filter(pk=gone.pk).update(state="shipped", acknowledged_at=now)
        Order.objects.filter(pk=theirs.pk).update(fulfilled_by="channel")
        due = today_rows.deadlines(shop.organisation.pk, clock.now())
    shown = [(row.number, row.act, row.overdue) for row in due["deadlines"]]
    assert shown == [
        ("LATER-LATE", "dispatch", True),
        ("LATE", "dispatch", True),
        ("SOON", "dispatch", False),
        ("SOON", "acknowledge", False),
    ]
    assert due["overdue"] == 2
    page = text(client.get("/"))
    assert "2 deadlines have passed" in page
    assert re.search(r"LATER-LATE .{,30}dispatch (60 min|1 h) ago", page)
    assert "SOON" in page
    assert "THEIRS" not in page


def test_coming_deadlines_are_grouped_by_the_hour_of_the_organisation() -> None:
    shop, channel, _client = shop_of_today()
    now = clock.now()
    order(shop, channel, "SOON", dispatch_by=now + 3 * HOUR)
    with shop.scope(), timezone.override("Asia/Kolkata"):
        (row,) = today_rows.deadlines(shop.organisation.pk, now)["deadlines"]
        assert row.hour is not None
        assert (row.hour.minute, row.due - row.hour < HOUR) == (0, True)


def test_a_channel_that_is_not_reached_is_late_although_nothing_is_measured_of_it() -> None:
    """What was last read, and what has waited longest: no figure of finished work shows that a channel stands still (C23)."""
    shop, channel, client = shop_of_today(prices_enabled=False)
    assert "is behind its promise" not in text(client.get("/"))
    read(shop, channel, CEILINGS[Operation.INTAKE] + timedelta(minutes=1))
    shop.offer(channel, shop.unit("LAMP", 4), external_id="1")
    with shop.scope():
        (late,) = today_rows.lags(shop.organisation.pk, clock.now() + timedelta(seconds=30))
    intake_lag, stock, prices, messages = late.lags
    assert (intake_lag.late, stock.late, prices.off, messages.seconds) == (True, False, True, 0.0)
    assert stock.seconds is not None
    assert 25 < stock.seconds < 60, "the figure has waited since it was listed"
    assert f"{channel.name} is behind its promise" in text(client.get("/"))


def test_messages_count_for_the_channel_of_their_order() -> None:
    """Two channels of one account: what waits for an order of the one says nothing of the other."""
    shop, channel, _client = shop_of_today(acknowledge_enabled=True)
    placed = order(shop, channel, "M-1")
    with shop.scope():
        command = Command.objects.get(subject_id=placed.pk)
        Command.objects.filter(pk=command.pk).update(created_at=clock.now() - HOUR)
        other = Channel.objects.get(pk=channel.pk)
        other.pk, other.code = None, "ZZ1"
        other.save()
        lags = {lag.channel_id: lag for lag in today_rows.lags(shop.organisation.pk, clock.now())}
    assert lags[channel.pk].lags[3].late
    assert not lags[other.pk].lags[3].late


def test_what_is_switched_off_has_no_lag() -> None:
    shop, channel, _client = shop_of_today(stock_enabled=False, orders_enabled=False, prices_enabled=False)
    read(shop, channel, 3 * HOUR)
    with shop.scope():
        (lag,) = today_rows.lags(shop.organisation.pk, clock.now())
    assert [each.off for each in lag.lags] == [True, True, True, False]
    assert not lag.late


def test_all_is_well_is_said_only_if_it_is(busy: BusyShop, client: Client) -> None:
    shop, channel, fine = shop_of_today()
    unit = shop.unit("CUP", 0)
    shop.offer(channel, unit, external_id="9")
    with shop.scope():
        OfferTodo.objects.all().delete()
    assert "All is well" in text(fine.get("/"))
    assert "All is well" not in text(client.get("/"))
    assert "kinds of problems wait for a person" in text(client.get("/"))
    assert concerns(0, 0, []) == []


def test_an_incident_opens_its_case_file(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        shortage = Shortage.objects.filter(resolved_at=None).select_related("line").latest("detected_at")
    page = client.get("/").content.decode()
    assert reverse("backoffice:case", args=[shortage.line.order_id, shortage.line_id]) in page
    with busy.shop.scope():
        Shortage.objects.update(resolved_at=clock.now(), detected_at=clock.now() - timedelta(days=8))
    assert "Nothing was sold in the last seven days that was not there." in text(client.get("/"))


def test_channels_beyond_the_fifth_share_a_colour() -> None:
    at = timezone.now()
    series = by_channel([(channel, at, channel) for channel in range(1, 9)], {channel: f"C{channel}" for channel in range(1, 9)})
    assert {each.name for each in series} == {"C4", "C5", "C6", "C7", "C8", "other channels"}
    assert sum(sum(each.values.values()) for each in series) == sum(range(1, 9))


def test_what_waits_is_counted_once_a_page() -> None:
    """The page, the badges of the frame around it and what renews itself ask for the same counts."""
    _shop, _channel, client = shop_of_today()
    client.get("/")  # leads to the first run, once
    for address in ("/", reverse("backoffice:overview_live")):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        assert sum("FROM channels_sendtask WHERE organisation_id" in query["sql"] for query in queries) == 1, address


def test_today_costs_the_same_number_of_statements_whatever_there_is() -> None:
    shop, channel, client = shop_of_today()
    counts = []
    for size in (2, 20):
        for number in range(size):
            order(shop, channel, f"N-{size}-{number}", dispatch_by=clock.now() + number * HOUR - HOUR)
        client.get("/")  # fills the cache of counts that are asked for rarely
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("backoffice:overview_live"))
        counts.append(len(queries))
    assert counts[0] == counts[1]
