"""Screens say what the rows say, in pages that cost the same whatever their length (S1.19, S1.20, S5.107-S5.115)."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from stallkeeper.backoffice.charts import nice_top
from stallkeeper.backoffice.event_words import words_of
from stallkeeper.backoffice.lanes import STEP_NAMES
from stallkeeper.backoffice.offer_panel import step_note
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.templatetags.stallkeeper import ago, clock_time
from stallkeeper.backoffice.today import YOUNG, window_start
from stallkeeper.channels.explain import Step
from stallkeeper.channels.held_rules import HeldRules
from stallkeeper.channels.models import Channel, Command, Connection, Offer
from stallkeeper.channels.overriding import NAMES, Origin
from stallkeeper.core import clock
from stallkeeper.core.models import AuditEntry, Role
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.sync.steps import STEPS
from tests.busy_shop import BusyShop, member, text
from tests.shop import Shop


@pytest.mark.parametrize("name", ["offers", "orders", "listings", "stock"])
def test_a_list_costs_the_same_number_of_statements_whatever_its_length(client: Client, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    counts = []
    client.get("/")  # fills the cache of counts that are asked for rarely
    for size in (2, 20):
        monkeypatch.setattr(page, "__defaults__", ("", "", size))
        with CaptureQueriesContext(connection) as queries:
            response = client.get(reverse(f"backoffice:{name}"))
        assert response.content.decode().count("<tr") > size
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_pages_show_every_offer_once_forwards_and_backwards(busy: BusyShop) -> None:
    with busy.shop.scope():
        everything = list(Offer.objects.order_by("channel_id", "sku").values_list("pk", flat=True))
        forwards, cursor, trail = [], "", []
        while True:
            shown = page(Offer.objects.all(), ("channel_id", "sku"), after=cursor, size=7)
            forwards += [offer.pk for offer in shown.rows]
            trail.append(shown)
            if not (cursor := shown.after):
                break
        backwards, cursor = [offer.pk for offer in trail[-1].rows], trail[-1].before
        while cursor:
            shown = page(Offer.objects.all(), ("channel_id", "sku"), before=cursor, size=7)
            backwards = [offer.pk for offer in shown.rows] + backwards
            cursor = shown.before
    assert forwards == backwards == everything


def test_a_made_up_cursor_shows_the_first_page(client: Client) -> None:
    for cursor in ("x", "eyJhIjoxfQ:1:abc", "%00"):
        assert client.get(reverse("backoffice:offers"), {"after": cursor}).status_code == 200


def test_offers_are_found_by_sku_gtin_and_state(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        offer = Offer.objects.select_related("stock_unit").order_by("pk")[2]
        gtin = offer.stock_unit.identifiers.get().value
    for query in (offer.sku, gtin, offer.stock_unit.title.split(",")[1].strip()):
        assert offer.sku in text(client.get(reverse("backoffice:offers"), {"q": query})), query
    assert "No offer fits" in text(client.get(reverse("backoffice:offers"), {"q": "nothing like this"}))
    refused = text(client.get(reverse("backoffice:offers"), {"state": "refused"}))
    assert "Stock cannot be changed while the documentation is being validated." in refused
    assert "2 offers" in refused
    assert "4 offers" in text(client.get(reverse("backoffice:offers"), {"state": "unknown"}))


def test_unknown_is_not_zero(busy: BusyShop, client: Client) -> None:
    """C6: what was never read is shown as unknown, on the list and in the panel."""
    with busy.shop.scope():
        offer = Offer.objects.filter(believed_qty=None).first()
    response = client.get(reverse("backoffice:offer", args=[offer.pk]))
    assert 'title="unknown: not read yet">?<' in response.content.decode()


def test_orders_are_filtered(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        short = Order.objects.filter(lines__short__gt=0).distinct()
        numbers = set(short.values_list("number", flat=True))
        line = OrderLine.objects.filter(stock_unit__isnull=False).select_related("order").first()
    shown = text(client.get(reverse("backoffice:orders"), {"short": "1"}))
    assert set(re.findall(r"\b7001\d\d\b", shown)) == numbers != set()
    assert line.order.number in text(client.get(reverse("backoffice:orders"), {"q": line.sku}))
    assert "UNKNOWN-77" in text(client.get(reverse("backoffice:orders"), {"unmapped": "1"}))


def test_the_overview_says_what_the_rows_say(busy: BusyShop, client: Client) -> None:
    """S1.20: lag is measured and shown; problems are counted by kind."""
    response = client.get("/")
    shown = text(response)
    assert "Orders per hour" in shown
    assert "not reached, tried again by itself: GET /v3/items answered 503" in shown
    assert "Values that a channel refused" in shown
    assert response.content.decode().count("<rect") >= 2
    with busy.shop.scope():
        waiting = OrderLine.objects.filter(stock_unit=None).count()
    assert re.search(rf"Order lines with an unknown SKU {waiting} ", shown)
    assert client.get(reverse("backoffice:overview_live")).status_code == 200


def test_an_empty_shop_is_told_what_to_do_next() -> None:
    shop = Shop.open()
    client = member(shop.organisation, Role.OWNER)
    assert client.get("/").url == reverse("backoffice:start")  # once; from then on nobody is led there
    shown = text(client.get("/"))
    for step in (
        "Import products and stock",
        "Connect an account",
        "Link listings",
        "Let a channel take orders",
        "No account is connected",
    ):
        assert step in shown
    for name, hint in (("offers", "No offers yet"), ("orders", "No orders yet"), ("stock", "No products yet"), ("listings", "No listings")):
        assert hint in text(client.get(reverse(f"backoffice:{name}")))


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
def test_an_empty_shop_leads_nobody_where_the_role_may_not_go(role: Role) -> None:
    """S5.118: the next action that a screen names is one that its reader can do."""
    client = member(Shop.open().organisation, role)
    shown = [client.get(reverse(f"backoffice:{name}"), follow=True) for name in ("overview", "orders", "stock", "stock_table", "sending")]
    links = {link for answer in shown for link in re.findall(r'class="sk-button" href="(/[^"#]*)"', answer.content.decode())}
    assert [link for link in sorted(links) if client.get(html.unescape(link)).status_code == 403] == []
    assert [answer.status_code for answer in shown] == [200] * len(shown)


def test_the_panel_shows_the_working_of_the_number(busy: BusyShop, client: Client) -> None:
    """D1: each step that leads to the number, its places, promises and sends."""
    with busy.shop.scope():
        line = OrderLine.objects.filter(offer__isnull=False, short=0, order__state="new").select_related("offer", "order").last()
    response = client.get(reverse("backoffice:offer", args=[line.offer_id]), headers={"HX-Request": "true"})
    shown = text(response)
    assert "<html" not in response.content.decode()
    for words in ("On hand in the channel's places", "Less promised to orders", "Less buffer", line.order.number, "Main warehouse"):
        assert words in shown
    with busy.shop.scope():
        assert f"Intended {Offer.objects.get(pk=line.offer_id).intended_qty} the rules say" in shown


def test_times_are_shown_in_the_zone_of_the_organisation_with_utc_beside(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        order = Order.objects.first()
    page_source = client.get(reverse("backoffice:order", args=[order.pk])).content.decode()
    assert f'title="{order.ordered_at:%Y-%m-%d %H:%M:%S} UTC"' in page_source


def test_money_is_for_those_who_may_see_it(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        order = Order.objects.filter(channel=busy.far).first()
    address = reverse("backoffice:order", args=[order.pk])
    assert "19.99\N{NO-BREAK SPACE}USD" in client.get(address).content.decode()
    assert "owed by the marketplace" in text(client.get(address))
    assert "USD" not in text(member(busy.organisation, Role.WAREHOUSE).get(address))


def test_looking_at_the_buyer_is_allowed_by_role_and_recorded(busy: BusyShop, client: Client) -> None:
    """C27: personal data behind a permission; each look is an audit entry."""
    with busy.shop.scope():
        order = Order.objects.first()
    assert "Example Street" not in text(client.get(reverse("backoffice:order", args=[order.pk])))
    address = reverse("backoffice:buyer", args=[order.pk])
    assert "Example Street 5" in text(client.post(address))
    with busy.shop.scope():
        entry = AuditEntry.objects.get(action="read.personal_data")
    assert (entry.subject_id, entry.actor) == (str(order.pk), busy.owner.actor)
    assert member(busy.organisation, Role.READ_ONLY).post(address).status_code == 403


def test_what_channels_say_is_text_not_markup(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        Offer.objects.filter(refused_at__isnull=False).update(refused_message="<script>alert(1)</script>")
        OrderLine.objects.all().update(title="<img src=x onerror=alert(1)>")
        order = Order.objects.first()
    for address in (reverse("backoffice:offers") + "?state=refused", reverse("backoffice:order", args=[order.pk])):
        page_source = client.get(address).content.decode()
        assert "<script>alert" not in page_source
        assert "<img src=x" not in page_source


def test_secrets_are_never_on_a_page(busy: BusyShop, client: Client) -> None:
    from stallkeeper.channels import connect

    with busy.shop.use_case() as uc:
        settings = connect.Settings({"site": "ro", "user": "shop@example.com"}, {"password": "hidden-word-77"})
        account = Connection.objects.get(pk=busy.near.connection_id)
        connect._seal(uc, account, settings)
    page_source = client.get(reverse("backoffice:connection", args=[account.pk])).content.decode()
    assert "hidden-word-77" not in page_source
    assert "stored; leave empty to keep it" in page_source


def test_every_step_of_a_run_has_a_name_in_words() -> None:
    """S5.107: the transfer status speaks of transfers, not of functions."""
    assert {name for steps in STEPS.values() for name, _step in steps} == set(STEP_NAMES)


def test_a_buyer_who_was_quicker_is_nobodys_problem(busy: BusyShop, client: Client) -> None:
    """An acknowledgement that came too late because the order was cancelled needs no person; another refusal does."""
    with busy.shop.scope():
        order = Order.objects.filter(channel=busy.near).first()
        for number, code in enumerate(("cancelled", "too_late")):
            Command.objects.create(
                organisation=busy.organisation, connection_id=busy.near.connection_id, kind="acknowledge", subject_type="order",
                subject_id=order.pk, key=f"acknowledge:{number}", payload={}, state="refused", code=code, message=f"{code} says the shop",
                ended_at=clock.now(), created_at=clock.now(), not_before=clock.now(),
            )  # fmt: skip
    shown = text(client.get(reverse("backoffice:problem_list", args=["commands"])))
    assert "too_late says the shop" in shown
    assert "cancelled says the shop" not in shown
    assert re.search(r"Order messages that a channel refused [^0-9]*1 ", text(client.get(reverse("backoffice:problem_board"))))


def test_what_is_switched_off_is_not_said_to_be_sent(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        Channel.objects.filter(pk=busy.near.pk).update(prices_enabled=False)
    assert "Prices sent switched off" in text(client.get(reverse("backoffice:channel_status", args=[busy.near.pk])))


def test_a_moment_of_another_day_says_its_day() -> None:
    with clock.using(lambda: datetime(2026, 3, 5, 12, tzinfo=UTC)):
        assert ">11:59:58<" in clock_time(datetime(2026, 3, 5, 11, 59, 58, tzinfo=UTC))
        assert ">4 Mar 23:00:00<" in clock_time(datetime(2026, 3, 4, 23, tzinfo=UTC))
        assert ">just now<" in ago(clock.now())
        assert ">2 s ago<" in ago(datetime(2026, 3, 5, 11, 59, 58, tzinfo=UTC))


def test_the_window_of_the_charts_begins_with_the_shop() -> None:
    now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    hour, minutes = now - timedelta(minutes=60), (now - timedelta(minutes=40), now)
    assert window_start(hour, now, minutes) == minutes[0]
    assert window_start(hour, now, []) == now - YOUNG
    assert [nice_top(value) for value in (0, 1, 2.1, 55, 101, 700)] == [1, 1, 3, 60, 150, 800]


def test_a_time_line_speaks_of_skus_and_reasons(busy: BusyShop) -> None:
    """No field names of ours and no line numbers of the channel; what has no name yet is shown as it is."""
    detail = {"reason": "buyer_asked", "lines": {"L1": 2, "L9": 1}, "for_ever": True, "tracking": "", "new_fact": "7"}
    assert words_of(detail, {"L1": "MUG-RED"}) == (
        "reason: the buyer asked for it, lines: 2 × MUG-RED, 1 × L9, also from now on: yes, new_fact: 7"
    )


def test_a_step_names_its_rule_only_where_one_is_set(busy: BusyShop) -> None:
    with busy.shop.scope():
        offer = Offer.objects.select_related("channel").filter(channel=busy.near).first()
        origins = dict.fromkeys(NAMES, Origin.CHANNEL)
        none = HeldRules(Decimal(100), "down", 0, None, 0, None, Decimal(0), origins)
        steps = ("share", "buffer", "velocity", "cap", "zero_at", "basis")
        assert [step_note(Step(name, 5, 5), offer, none) for name in steps] == [""] * 6
        some = HeldRules(Decimal("50.00"), "down", 2, 9, 1, None, Decimal("20.00"), origins)
        notes = [step_note(Step(name, 5, 4), offer, some) for name in steps[:5]]
        special = step_note(Step("buffer", 5, 4, "", Origin.PRODUCT), offer, some)
    assert notes == ["50 %, down", "2 kept back", "20 % of what was sold", "at most 9", "1 or fewer are shown as 0"]
    assert special == "2 kept back, rule of the product"
