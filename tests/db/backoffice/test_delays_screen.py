"""Delays on screens: what was measured beside what is promised, whose time it was, and the longest cases (S1.20-S1.28)."""

from __future__ import annotations

import re
from datetime import timedelta

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from stallkeeper.backoffice.delay_rows import shares, times
from stallkeeper.backoffice.templatetags.stallkeeper import duration
from stallkeeper.channels import lanes_queries
from stallkeeper.channels.models import Channel, Offer, SentLog
from stallkeeper.core import clock
from stallkeeper.core.histogram import ERROR, histogram
from stallkeeper.core.models import Role
from stallkeeper.orders import delays, intake
from stallkeeper.orders.delays import Summary
from stallkeeper.orders.models import Delay, Order, Promise
from stallkeeper.orders.promises import UNMEASURED, Operation
from tests.busy_shop import BusyShop, member, signed_in, text
from tests.shop import Shop, remote_order

S = timedelta(seconds=1)
pytestmark = pytest.mark.usefixtures("busy")  # its keyring: orders are entered with their buyers


@pytest.fixture
def shop() -> Shop:
    shop = Shop.open()
    shop.at = clock.now() - timedelta(minutes=10)
    shop.unit("MUG", 50)
    cache.clear()
    return shop


def a_cut(shop: Shop, channel: Channel) -> Offer:
    """Wanted, three seconds without budget, called two seconds later, the ticket after half a second, the yes two seconds later."""
    unit = shop.unit(f"LAMP-{channel.pk}", 5)
    offer, wanted = shop.offer(channel, unit, external_id="1"), clock.now() - timedelta(minutes=5)
    sent = {"organisation": shop.organisation, "offer_id": offer.pk, "kind": "quantity", "value": 3, "sent_at": wanted + 5 * S}
    with shop.scope(), connection.cursor() as cursor:
        waits = [("quantities", wanted + 1 * S, wanted + 4 * S)]
        lanes_queries.write_waits(cursor, shop.organisation.pk, channel.connection_id, waits)
        SentLog.objects.create(at=wanted + 5.5 * S, outcome="pending", wanted_at=wanted, shown=5, **sent)
        SentLog.objects.create(at=wanted + 7.5 * S, outcome="accepted", **sent)
    return offer


def a_late_order(shop: Shop, channel: Channel) -> Order:
    """Entered seven seconds after it was placed."""
    shop.at = clock.now() - timedelta(minutes=4)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("LATE-7", [("MUG", 1)], at=shop.at - 7 * S)], shop.at)
    with shop.scope():
        return Order.objects.get(external_id="LATE-7")


def measure(shop: Shop) -> None:
    with shop.scope():
        Delay.objects.all().delete()
    shop.at = clock.now()
    with shop.use_case("delays.measure") as uc:
        delays.measure(uc, clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1))


def test_a_cut_shows_as_exactly_the_parts_that_it_had(shop: Shop) -> None:
    channel = shop.channel()
    offer = a_cut(shop, channel)
    measure(shop)
    client = member(shop.organisation, Role.OWNER)
    page = client.get(reverse("backoffice:delay", args=["stock"]))
    assert re.search(rf"LAMP-{channel.pk} {channel.name} .{{,40}}7.5 s 2 s 0.5 s 5 s", text(page))
    assert reverse("backoffice:offer", args=[offer.pk]) in page.content.decode()
    board = text(client.get(reverse("backoffice:delays")))
    assert re.search(r"Stock update .{,120} 10 min 7.\d s 7.\d s 7.\d s ours 26 % theirs 7 % their limits 67 %", board)


def test_an_order_that_was_seen_seven_seconds_late_leads_to_it(shop: Shop) -> None:
    order = a_late_order(shop, shop.channel())
    measure(shop)
    page = member(shop.organisation, Role.OWNER).get(reverse("backoffice:delay", args=["intake"]))
    assert re.search(r"LATE-7 .{,60}7 s 7 s 0 s 0 s", text(page))
    assert reverse("backoffice:order", args=[order.pk]) in page.content.decode()
    assert page.content.decode().count("<circle") > 6, "a point of each line in both charts"


def test_one_channel_can_be_looked_at_by_itself(shop: Shop) -> None:
    near, far = shop.channel(), shop.channel()
    for channel in (near, far):
        a_cut(shop, channel)
    measure(shop)
    client = member(shop.organisation, Role.OWNER)
    both, one = (text(client.get(reverse("backoffice:delay", args=["stock"]), query)) for query in ({}, {"channel": str(near.pk)}))
    assert f"LAMP-{near.pk}" in one
    assert f"LAMP-{far.pk}" in both
    assert f"LAMP-{far.pk}" not in one
    assert client.get(reverse("backoffice:delay", args=["stock"]), {"channel": "x1"}).status_code == 200


@pytest.mark.parametrize("operation", UNMEASURED)
def test_what_is_not_done_says_so_and_has_no_figures(shop: Shop, operation: Operation) -> None:
    client = member(shop.organisation, Role.OWNER)
    shown = text(client.get(reverse("backoffice:delays")))
    assert "Stallkeeper puts no new products on channels" in shown
    assert "Nothing was done in the last seven days that could be measured." in shown
    assert client.get(reverse("backoffice:delay", args=[operation.value])).status_code == 404
    assert "Nothing of this kind was done" in text(client.get(reverse("backoffice:delay", args=["ship"])))


def test_a_tighter_promise_is_the_line_from_then_on(shop: Shop) -> None:
    channel = shop.channel()
    a_cut(shop, channel)
    measure(shop)
    client, address = member(shop.organisation, Role.OWNER), reverse("backoffice:delay_promise", args=["stock"])
    page = client.get(reverse("backoffice:delay", args=["stock"])).content.decode()
    assert 'class="sk-badge sk-bad"' not in page
    assert "Promised: 5 s." in text(client.post(address, {"seconds": "5"}, follow=True))
    page = client.get(reverse("backoffice:delay", args=["stock"])).content.decode()
    assert page.count('class="sk-badge sk-bad"') == 6, "half, 95 and 99 of 100, of the day and of the week"
    assert "promise: 5 s" in page
    assert "5 s" in text(client.get("/")), "and on Today"
    for wrong, says in (("601", "between 1 and 600"), ("-1", "whole number"), ("ten", "whole number"), ("0", "between 1 and 600")):
        assert says in text(client.post(address, {"seconds": wrong}, follow=True))
    with shop.scope():
        assert Promise.objects.get().seconds == 5
    client.post(address, {"seconds": ""})
    with shop.scope():
        assert not Promise.objects.exists()


@pytest.mark.parametrize(("role", "may"), [(Role.OPERATIONS, True), (Role.WAREHOUSE, False), (Role.READ_ONLY, False)])
def test_who_may_change_rules_may_promise(shop: Shop, role: Role, may: bool) -> None:
    client = member(shop.organisation, role)
    assert client.get(reverse("backoffice:delays")).status_code == 200
    assert ("What you promise" in text(client.get(reverse("backoffice:delay", args=["stock"])))) is may
    assert client.post(reverse("backoffice:delay_promise", args=["stock"]), {"seconds": "60"}).status_code == (302 if may else 403)


def test_delays_cost_the_same_number_of_statements_whatever_was_measured(shop: Shop) -> None:
    client, counts = member(shop.organisation, Role.OWNER), []
    for _round in range(2):
        for _ in range(3):
            a_cut(shop, shop.channel())
        measure(shop)
        client.get("/")
        pages = (reverse("backoffice:delays"), reverse("backoffice:delay", args=["stock"]))
        for page in pages:
            with CaptureQueriesContext(connection) as queries:
                client.get(page)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


def test_another_shop_s_delays_are_not_shown(shop: Shop, busy: BusyShop) -> None:
    channel = shop.channel()
    a_cut(shop, channel)
    measure(shop)
    other = signed_in(busy.owner)
    assert channel.name not in text(other.get(reverse("backoffice:delay", args=["stock"])))


# --- words --------------------------------------------------------------------------------------------------------------------------------


def test_a_promise_is_broken_only_beyond_what_the_histogram_may_be_off_by() -> None:
    """A minute and a second, give or take: that may be less than a minute, but not less than 58 seconds."""
    summary = Summary()
    summary.add(1, 61.0, 0, 0, histogram(np.array([61.0])))
    told = summary.within(0.5)
    assert told is not None
    assert 60 < told < 60 * (1 + ERROR)
    assert [times(summary, timedelta(seconds=limit)).within[0][1] for limit in (60, 58)] == [False, True]


def test_the_shares_add_up_to_a_hundred() -> None:
    summary = Summary(1, 1.0, 1.0, 1.0)
    assert sum(share.percent for share in shares(summary)) == 100
    assert shares(Summary()) == ()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.42, "0.42 s"),
        (12.4, "12 s"),
        (72, "1.2 min"),
        (300, "5 min"),
        (2100, "35 min"),
        (5400, "1.5 h"),
        (108000, "30 h"),
        (345600, "4 days"),
    ],
)
def test_durations_can_be_held_against_each_other(seconds: float, said: str) -> None:
    assert duration(seconds) == said
