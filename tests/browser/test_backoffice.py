"""The first back office in a real browser: sign in, look, explain, ship, cancel, change rules, connect, import."""

from __future__ import annotations

import re

import msgspec
import pytest
from playwright.sync_api import Page, expect

from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels.models import Channel, Command, Connection, Offer, SendTask
from stallkeeper.orders.models import Order, OrderLine, Shortage
from stallkeeper.stock import source_setup
from stallkeeper.stock.models import Level, StockSource
from stallkeeper.sync import adapters
from stallkit.sources.types import Columns, Preview, Shape
from stallkit.types import AccountInfo
from tests.busy_shop import BusyShop
from tests.db.tenancy.furnished import furnish

SCREENS = (
    *("/", "/orders/", "/problems/", "/offers/", "/sending/", "/sending/undo/", "/sending/tasks/", "/listings/", "/stock/"),
    *("/stock/table/", "/stock/places/", "/imports/", "/channels/", "/reserves/", "/reserves/start/", "/sources/"),
    *(
        "/reserves/?of=line",
        "/reserves/?of=manual",
        "/sources/add/imap/",
        "/sending/plan/",
        "/delays/",
        "/delays/intake/",
        "/settings/",
        "/settings/company/",
        "/settings/keys/",
        "/settings/people/",
        "/settings/audit/",
        "/settings/account/",
        "/settings/notifications/",
    ),
)
BEYOND = """
    [...document.querySelectorAll(".sk *")]
        .filter(each => each.getBoundingClientRect().right > window.innerWidth && !each.closest(".sk-scroll"))
        .slice(0, 5).map(each => `${each.tagName}.${each.className}`)
"""
"""What sticks out."""
WIDER = """
    new Promise(said => requestAnimationFrame(() => requestAnimationFrame(
        () => said(document.documentElement.scrollWidth > window.innerWidth))))
"""
"""Once the page has heard of its new width: until then a table that did fit is not yet one that scrolls."""
LONG = "Donaudampfschifffahrtsgesellschaften_4711"
"""A word that breaks nowhere."""


def test_signing_in_by_link_leads_to_today(screen: Page) -> None:
    expect(screen.get_by_role("heading", level=1)).to_contain_text("Today")
    expect(screen.locator("svg.sk-chart")).to_have_count(2)
    assert screen.locator("svg.sk-chart rect").count() >= 2
    expect(screen.get_by_role("link", name="eMAG Romania").first).to_be_visible()
    expect(screen.get_by_text("not reached, tried again by itself: GET /v3/items answered 503")).to_be_visible()


def test_today_renews_itself(busy: BusyShop, screen: Page) -> None:
    with busy.shop.scope():
        Connection.objects.filter(pk=busy.near.connection_id).update(name="Renamed stall")
    expect(screen.get_by_role("link", name="Renamed stall").first).to_be_visible()


@pytest.mark.long(30)
def test_no_screen_is_wider_than_the_window(busy: BusyShop, screen: Page) -> None:
    """On a phone too: the page never scrolls sideways, only a wide table within its card does, whatever the length of the words in it.
    Nothing is reported on the console of any of them."""
    furnish(busy, LONG)
    wide = []
    for address in (*SCREENS, *_pages_of_one_thing(busy), *_pages_of_figures(busy)):
        screen.goto(address)
        for width in (390, 1440):
            screen.set_viewport_size({"width": width, "height": 844})
            if screen.evaluate(WIDER):
                wide.append((address, width, screen.evaluate(BEYOND)))
    assert not wide, "\n".join(map(str, wide))


@pytest.mark.parametrize("address", ["/orders/", "/offers/", "/listings/", "/stock/"])
def test_a_list_shows_what_matters_on_a_phone_without_scrolling_sideways(screen: Page, address: str) -> None:
    screen.set_viewport_size({"width": 390, "height": 844})
    screen.goto(address)
    table = screen.locator(".sk-scroll").last
    assert table.evaluate("element => element.scrollWidth - element.clientWidth") <= 0


def test_from_a_number_to_its_working(busy: BusyShop, screen: Page) -> None:
    """Every number opens its working; the panel closes with Escape and gives the focus back."""
    with busy.shop.scope():
        line = OrderLine.objects.filter(order__state="new", short=0, offer__isnull=False).select_related("order").last()
        offer = Offer.objects.get(pk=line.offer_id)
    screen.goto("/offers/")
    screen.keyboard.press("/")
    screen.keyboard.type(offer.sku)
    screen.keyboard.press("Enter")
    link = screen.get_by_role("link", name=offer.sku, exact=True).first
    link.click()
    panel = screen.locator("#panel")
    expect(panel.get_by_text("How the intended number comes about")).to_be_visible()
    expect(panel.get_by_text("Less buffer")).to_be_visible()
    expect(panel.get_by_role("link", name=line.order.number)).to_be_visible()
    screen.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(link).to_be_focused()


def test_leaving_an_offer_out_from_the_panel(busy: BusyShop, screen: Page) -> None:
    screen.goto("/offers/")
    link = screen.locator("tbody a.sk-link").nth(4)
    sku = link.inner_text()
    link.click()
    screen.locator("#panel").get_by_role("button", name="Leave out: stock").click()
    expect(screen.locator("#panel").get_by_role("status")).to_contain_text("1 offer")
    with busy.shop.scope():
        assert Offer.objects.get(sku=sku, channel=busy.near).stock_excluded


def test_several_offers_are_shown_before_anything_happens(screen: Page) -> None:
    screen.goto("/offers/")
    boxes = screen.locator("[data-choose]")
    for number in range(3):
        boxes.nth(number).check()
    screen.get_by_role("button", name="Read now").click()
    expect(screen.get_by_text("Read now: 3 offers").first).to_be_visible()
    screen.get_by_role("button", name="Read now").click()
    expect(screen.get_by_text("Read now: 3 offers.")).to_be_visible()


def test_shipping_an_order(busy: BusyShop, screen: Page) -> None:
    order = _open_order(busy)
    screen.goto("/orders/")
    screen.get_by_role("link", name=order.number).click()
    screen.get_by_text("Ship…", exact=True).click()
    form = screen.locator("#ship")
    form.get_by_label("Carrier").fill("Cargus")
    form.get_by_label("Tracking number").fill("AWB-55")
    form.get_by_role("button", name="Goods have left").click()
    expect(screen.get_by_text(re.compile("^Shipped"))).to_be_visible()
    expect(screen.get_by_text("Goods left")).to_be_visible()
    with busy.shop.scope():
        assert Command.objects.get(kind="ship", subject_id=order.pk).payload["tracking_number"] == "AWB-55"
        assert Order.objects.get(pk=order.pk).state == "shipped"


def test_cancelling_an_order_after_seeing_what_happens(busy: BusyShop, screen: Page) -> None:
    order = _open_order(busy)
    screen.goto(f"/orders/{order.pk}/")
    screen.get_by_text("Cancel…", exact=True).click()
    screen.locator("#cancel").get_by_label("Reason").select_option("buyer_asked")
    screen.get_by_role("button", name="Cancel units…").click()
    expect(screen.get_by_text("back on sale at once")).to_be_visible()
    screen.get_by_role("button", name="Cancel these units").click()
    expect(screen.get_by_text("Cancelled by us")).to_be_visible()
    with busy.shop.scope():
        assert Command.objects.filter(kind="cancel", subject_id=order.pk).exists()


def test_the_buyer_is_shown_on_request(busy: BusyShop, screen: Page) -> None:
    order = _open_order(busy)
    screen.goto(f"/orders/{order.pk}/")
    expect(screen.get_by_text("Example Street 5")).to_have_count(0)
    screen.get_by_role("button", name="Show name and address").click()
    expect(screen.get_by_text("Example Street 5")).to_be_visible()


def test_putting_stock_right_in_the_panel(busy: BusyShop, screen: Page) -> None:
    screen.goto("/stock/")
    screen.locator("tbody a.sk-link").nth(2).click()
    panel = screen.locator("#panel")
    panel.get_by_text("Put right").first.click()
    panel.get_by_label("Units there").first.fill("64")
    panel.get_by_label("Reason").first.fill("counted")
    panel.get_by_role("button", name="Save").first.click()
    expect(panel.get_by_role("status")).to_contain_text("64 units now")
    behind = screen.locator("tbody tr").nth(2)
    expect(behind.get_by_role("cell", name="64", exact=True).first).to_be_visible()  # the list does not contradict the panel
    screen.keyboard.press("Escape")
    expect(behind.locator("a.sk-link")).to_be_focused()
    behind.locator("a.sk-link").press("Enter")
    expect(panel.get_by_text("Put right").first).to_be_visible()
    with busy.shop.scope():
        assert Level.objects.filter(location=busy.shop.place, on_hand=64).exists()


def test_rules_are_planned_before_they_are_saved(busy: BusyShop, screen: Page) -> None:
    screen.goto(f"/channels/{busy.near.pk}/rules/")
    screen.get_by_label("Buffer").fill("2")
    screen.get_by_role("button", name="See what changes…").click()
    expect(screen.get_by_text("Buffer: 1 → 2")).to_be_visible()
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).buffer == 1
    if (confirm := screen.locator("[name=sure]")).count():
        confirm.check()
    screen.get_by_role("button", name="Send exactly this").click()
    expect(screen.get_by_text("under way").first).to_be_visible()
    screen.goto(f"/channels/{busy.near.pk}/rules/")
    expect(screen.get_by_label("Buffer")).to_have_value("2")
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).buffer == 2


def test_connecting_an_account(busy: BusyShop, screen: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form is drawn from the manifest; the secret is not shown again; everything starts switched off."""
    answer = AccountInfo("12345", "Sample US", rights=("orders", "inventory"))
    monkeypatch.setattr("stallkeeper.backoffice.connections.probe", lambda *_: answer)
    adapters.forget_sessions()
    screen.goto("/channels/")
    screen.get_by_role("link", name="Walmart Marketplace").click()
    screen.get_by_label("Client ID").fill("client-1")
    screen.get_by_label("Client secret").fill("never-shown-9")
    screen.get_by_label("Name of the connection").fill("Walmart two")
    screen.get_by_role("button", name="Ask the account and connect").click()
    expect(screen.get_by_text("Connected to Sample US (12345)")).to_be_visible()
    expect(screen.get_by_text("read only")).to_be_visible()
    assert "never-shown-9" not in screen.content()
    with busy.shop.scope():
        assert not Connection.objects.get(name="Walmart two").writes_allowed


def test_an_import_is_tried_and_its_bad_row_is_named(busy: BusyShop, screen: Page, tmp_path) -> None:
    """100 good rows and a bad one: the page follows the run by itself."""
    file = tmp_path / "products.csv"
    rows = [f"NEW-{number};Thing {number};" for number in range(100)] + ["BAD-1;Thing;4006381333932"]
    file.write_text("sku;title;gtin\n" + "\n".join(rows) + "\n", encoding="utf-8")
    screen.goto("/imports/")
    screen.get_by_label("What it holds").select_option("products")
    screen.locator("input[type=file]").set_input_files(file)
    screen.get_by_role("button", name="Upload", exact=True).click()
    expect(screen.get_by_text("Nothing was changed.")).to_be_visible()
    expect(screen.get_by_role("cell", name="4006381333932", exact=True)).to_be_visible()
    with screen.expect_download() as download:
        screen.get_by_role("link", name="All as a spreadsheet").click()
    assert download.value.suggested_filename.endswith(".xlsx")


def test_pages_follow_each_other(screen: Page) -> None:
    screen.goto("/offers/")
    first = screen.locator("tbody a.sk-link").first.inner_text()
    screen.get_by_role("link", name="Next").click()
    expect(screen.locator("tbody a.sk-link").first).not_to_have_text(first)
    screen.get_by_role("link", name="Back", exact=True).click()
    expect(screen.locator("tbody a.sk-link").first).to_have_text(first)


def test_signing_out_without_a_mouse(screen: Page) -> None:
    screen.get_by_label("You and the look").focus()
    screen.keyboard.press("Enter")
    screen.get_by_role("button", name="Sign out").focus()
    screen.keyboard.press("Enter")
    screen.wait_for_url("**/logout/")
    screen.goto("/orders/")
    expect(screen.get_by_label("E-mail address")).to_be_visible()


def _pages_of_one_thing(busy: BusyShop) -> list[str]:
    """An order with an unknown SKU, one that can be shipped, an offer, a stock unit, a channel's tabs, a connection, a form to connect."""
    with busy.shop.scope():
        unmapped = OrderLine.objects.filter(stock_unit=None).values_list("order_id", flat=True)[0]
        offer = Offer.objects.order_by("pk")[0]
    channel = f"/channels/{busy.near.pk}/"
    return [
        f"/orders/{unmapped}/",
        f"/orders/{_open_order(busy).pk}/",
        f"/offers/{offer.pk}/",
        f"/stock/{offer.stock_unit_id}/",
        "/stock/taking/",
        channel,
        f"{channel}rules/",
        f"{channel}status/",
        f"/channels/connections/{busy.near.connection_id}/",
        "/channels/connect/walmart/",
        *(f"/problems/{kind}/" for kind in ("notifications", "shortages", "parked", "drift", "commands")),
    ]


def _pages_of_figures(busy: BusyShop) -> list[str]:
    """A case file, a send, sources with a run, with columns and with 1C, imports, rules of their own."""
    with busy.shop.use_case("test.sample") as uc:
        shortage, source = Shortage.objects.select_related("line").order_by("pk")[0], StockSource.objects.get(kind="url")
        guess = Columns(code="Артикул", quantity=LONG)
        seen = Preview(Shape(format="csv"), ("Артикул", LONG), (("MUG-1", "7"), (LONG, LONG)), guess)
        source_setup.keep_sample(uc, source.pk, msgspec.to_builtins(seen))
        run = source.runs.order_by("pk")[0].pk
        base = StockSource.objects.get(kind="commerceml").pk
        products, stock = (ImportRun.objects.filter(kind=kind).latest("pk").pk for kind in ("products", "stock_table"))
        task = SendTask.objects.latest("pk").pk
    return [
        f"/orders/{shortage.line.order_id}/lines/{shortage.line_id}/case/",
        *(f"/sources/{source.pk}/{page}" for page in ("", "edit/", "columns/", f"runs/{run}/")),
        *(f"/sources/{base}/{page}" for page in ("", "1c/")),
        *(f"/imports/{products}/", f"/stock/table/runs/{stock}/", f"/sending/tasks/{task}/", f"/channels/{busy.near.pk}/rules/own/"),
    ]


def _open_order(busy: BusyShop) -> Order:
    """A new order that has all its stock."""
    with busy.shop.scope():
        short = OrderLine.objects.filter(short__gt=0).values("order_id")
        unmapped = OrderLine.objects.filter(stock_unit=None).values("order_id")
        return Order.objects.filter(state="new").exclude(pk__in=short).exclude(pk__in=unmapped).order_by("-ordered_at")[0]
