"""A channel's general and further fields, its adapter, and copies of it (S5.14-S5.29, S5.116)."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from stallkeeper.catalog import products
from stallkeeper.catalog.models import Product
from stallkeeper.catalog.products import ProductFacts
from stallkeeper.channels import connect, general, inheritance, overrides, rules
from stallkeeper.channels.models import Channel, ChannelLocation, FurtherField, FurtherKind, Offer, RuleVersion
from stallkeeper.channels.overriding import Own
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.core.models import Role
from tests.busy_shop import BusyShop, member, text

GIVEN = {
    "name": "eMAG Romania",
    "code": "EMR",
    "sales_organisation": "Branch North",
    "customer_type": "both",
    "sales_market": "international",
    "category": "Home/Kitchen",
    "price_origin": "list",
}
VALUES = {
    FurtherKind.TEXT: ("Contract 12", "Contract 12"),
    FurtherKind.EMAIL: ("a@example.com", "a@example.com"),
    FurtherKind.URL: ("https://example.com/a", "https://example.com/a"),
    FurtherKind.DATE: ("2026-12-24", "2026-12-24"),
    FurtherKind.MOMENT: ("2026-12-24T18:30", "2026-12-24T16:30:00+00:00"),
    FurtherKind.CHOICE: ("gold", "gold"),
    FurtherKind.AMOUNT: ("-12.50", "-12.5"),
    FurtherKind.PRICE: ("9.90", "9.9"),
    FurtherKind.OWN_AMOUNT: ("100", "100"),
    FurtherKind.OWN_PRICE: ("0.10", "0.1"),
    FurtherKind.QUANTITY: ("2.5", "2.5"),
    FurtherKind.TICK: ("on", "1"),
    FurtherKind.PRODUCT: ("", ""),
    FurtherKind.LONG: ("one\ntwo", "one\ntwo"),
}
WRONG = {
    FurtherKind.EMAIL: "nobody",
    FurtherKind.URL: "not a page",
    FurtherKind.DATE: "yesterday",
    FurtherKind.MOMENT: "noon",
    FurtherKind.CHOICE: "silver",
    FurtherKind.AMOUNT: "much",
    FurtherKind.PRICE: "-1",
    FurtherKind.OWN_AMOUNT: "much",
    FurtherKind.OWN_PRICE: "-1",
    FurtherKind.QUANTITY: "some",
    FurtherKind.PRODUCT: "NO-SUCH-SKU",
}


def defined(busy: BusyShop, kind: str, label: str = "") -> FurtherField:
    with busy.shop.use_case() as uc:
        choices = ["gold", "blue"] if kind == FurtherKind.CHOICE else []
        return general.define(uc, label or f"My {kind}", kind, choices=choices, currency="EUR" if kind.startswith("own") else "")


def fresh(busy: BusyShop, pk: int | None = None) -> Channel:
    with busy.shop.scope():
        return Channel.objects.select_related("connection").get(pk=pk or busy.near.pk)


def test_general_fields_are_saved_and_no_figure_moves(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        before = list(Offer.objects.order_by("pk").values_list("intended_qty", flat=True))
    assert client.post(reverse("backoffice:channel_general", args=[busy.near.pk]), GIVEN).status_code == 302
    saved = fresh(busy)
    assert {name: getattr(saved, name) for name in GIVEN} == GIVEN
    with busy.shop.scope():
        assert list(Offer.objects.order_by("pk").values_list("intended_qty", flat=True)) == before


@pytest.mark.parametrize(("code", "said"), [("WMT", "is taken"), ("A-1", "One to three letters or digits"), ("ABCD", "at most 3")])
def test_an_identifier_is_short_and_the_channels_own(busy: BusyShop, client: Client, code: str, said: str) -> None:
    """S5.15."""
    answer = client.post(reverse("backoffice:channel_general", args=[busy.near.pk]), GIVEN | {"code": code})
    assert answer.status_code == 422
    assert said in text(answer)
    assert fresh(busy).code == "EMR"


@pytest.mark.parametrize("kind", FurtherKind.values)
def test_a_further_field_of_each_kind_keeps_what_was_typed(busy: BusyShop, client: Client, kind: str) -> None:
    """S5.116: all fourteen kinds; what comes back is what went in, and what is no such value is refused at its field."""
    field, (typed, kept) = defined(busy, kind), VALUES[FurtherKind(kind)]
    if kind == FurtherKind.PRODUCT:
        with busy.shop.scope():
            typed = kept = Offer.objects.filter(channel=busy.near).select_related("stock_unit").first().stock_unit.sku
    address, name = reverse("backoffice:channel_further", args=[busy.near.pk]), f"further_{field.pk}"
    if kind in WRONG:
        assert client.post(address, {name: WRONG[FurtherKind(kind)]}).status_code == 422
        assert fresh(busy).further == {}
    assert client.post(address, {name: typed}).status_code == 302
    assert fresh(busy).further == {str(field.pk): kept}
    page = client.get(address)
    written = re.search(rf'name="{name}"[^>]* value="([^"]*)"|name="{name}"[^>]* (checked)', page.content.decode())
    value = page.context["form"][name].value() if written is None else written[1] or "on"
    again = client.post(address, {name: value})
    assert again.status_code == 302
    assert fresh(busy).further == {str(field.pk): kept}


def test_the_currency_of_an_amount_stands_beside_it(busy: BusyShop, client: Client) -> None:
    defined(busy, FurtherKind.PRICE)
    defined(busy, FurtherKind.OWN_PRICE)
    shown = text(client.get(reverse("backoffice:channel_further", args=[busy.near.pk])))
    assert "In RON." in shown
    assert "In EUR." in shown


def test_a_field_that_is_put_away_keeps_its_values(busy: BusyShop, client: Client) -> None:
    field = defined(busy, FurtherKind.TEXT, "Contract")
    with busy.shop.use_case() as uc:
        general.save_further(uc, busy.near.pk, {field.pk: "A-12"})
    client.post(reverse("backoffice:put_away", args=[field.pk]), {"active": "0"})
    assert "A-12" not in client.get(reverse("backoffice:channel_further", args=[busy.near.pk])).content.decode()
    client.post(reverse("backoffice:put_away", args=[field.pk]), {"active": "1"})
    assert 'value="A-12"' in client.get(reverse("backoffice:channel_further", args=[busy.near.pk])).content.decode()


def test_fields_are_defined_on_a_screen_for_those_who_connect(busy: BusyShop, client: Client) -> None:
    address = reverse("backoffice:further_fields")
    assert client.post(address, {"label": "Level", "kind": "choice", "choices": "gold\nblue\n\ngold"}).status_code == 302
    with busy.shop.scope():
        assert FurtherField.objects.get(label="Level").choices == ["gold", "blue"]
    for given in ({"label": "Level", "kind": "text"}, {"label": "Grade", "kind": "choice"}, {"label": "Fee", "kind": "own_price"}):
        assert client.post(address, given).status_code == 422, given
    assert member(busy.organisation, Role.READ_ONLY).get(address).status_code == 403


def test_a_copy_has_the_rules_and_none_of_the_account(busy: BusyShop, client: Client) -> None:
    """S5.29: everything that was set, everything off, nothing that belongs to an account."""
    note = defined(busy, FurtherKind.TEXT)
    with busy.shop.use_case() as uc:
        unit = Offer.objects.filter(channel=busy.near).order_by("pk")[0].stock_unit_id
        rules.save(uc, busy.near.pk, buffer=3, zero_at=1, locations=[busy.shop.place.pk])
        overrides.say(uc, busy.near.pk, [overrides.own([], [unit], {"buffer": 7})])
        general.save(uc, busy.near.pk, sales_organisation="North")
        general.save_further(uc, busy.near.pk, {note.pk: "A-12"})
    answer = client.post(
        reverse("backoffice:copy_channel", args=[busy.near.pk]), {"name": "Second", "code": "EM2", "account": busy.near.connection_id}
    )
    assert answer.status_code == 302
    with busy.shop.scope():
        made = Channel.objects.get(code="EM2")
        source = fresh(busy)
        assert rules.snapshot(made) == rules.snapshot(source)
        assert [made.sales_organisation, made.further, made.connection_id] == ["North", {str(note.pk): "A-12"}, source.connection_id]
        assert not any([made.orders_enabled, made.stock_enabled, made.prices_enabled, made.holds_enabled])
        assert (made.cutover, made.first_send_at, made.stopped_at) == ("", None, None)
        assert list(ChannelLocation.objects.filter(channel=made).values_list("location_id", flat=True)) == [busy.shop.place.pk]
        assert list(RuleOverride.objects.filter(channel=made).values_list("stock_unit_id", "buffer")) == [(unit, 7)]
        assert not Offer.objects.filter(channel=made).exists()
        assert not RuleVersion.objects.filter(channel=made).exists()


def test_a_copy_does_not_go_to_another_platform(busy: BusyShop) -> None:
    with busy.shop.use_case() as uc:
        with pytest.raises(general.GeneralError, match="another platform"):
            general.copy(uc, busy.near.pk, code="X", name="X", account=fresh(busy, busy.far.pk).connection)
        with pytest.raises(connect.ConnectError, match="taken"):
            general.copy(uc, busy.near.pk, code="WMT", name="X")


def test_every_tab_says_what_channel_it_is(busy: BusyShop, client: Client) -> None:
    """S5.14: the most important fields stand above each tab."""
    for name in ("channel_general", "channel", "channel_rules", "own_rules", "channel_adapter", "channel_status", "channel_further"):
        answer = client.get(reverse(f"backoffice:{name}", args=[busy.near.pk]))
        head = answer.content.decode().split('class="sk-channel-head"')[1].split("</nav>")[0]
        assert "EMR" in head, name
        assert "RON" in head, name
        assert head.count('aria-current="page"') == 1, name


def family(busy: BusyShop) -> Channel:
    """A sub-channel of the near channel, with a buffer of its own."""
    with busy.shop.use_case() as uc:
        made = general.copy(uc, busy.near.pk, code="SUB", name="Second shop")
        inheritance.attach(uc, made.pk, busy.near.pk)
        rules.save(uc, made.pk, locations=None, follow=(), buffer=3)
    return fresh(busy, made.pk)


def test_a_main_channel_is_chosen_among_the_general_fields(busy: BusyShop, client: Client) -> None:
    """S5.19, S5.20."""
    with busy.shop.use_case() as uc:
        made = general.copy(uc, busy.near.pk, code="SUB", name="Second shop")
    address = reverse("backoffice:channel_general", args=[made.pk])
    given = GIVEN | {"name": "Second shop", "code": "SUB"}
    assert client.post(address, given | {"main": str(busy.near.pk)}).status_code == 302
    assert fresh(busy, made.pk).parent_id == busy.near.pk
    assert "main channel of Second shop" in text(client.get(reverse("backoffice:channel_general", args=[busy.near.pk])))
    assert client.post(address, given | {"main": str(busy.far.pk)}).status_code == 422
    assert client.post(address, given | {"main": ""}).status_code == 302
    assert fresh(busy, made.pk).parent_id is None


def test_a_sub_channel_shows_what_it_overrides_and_goes_back_field_by_field(busy: BusyShop, client: Client) -> None:
    made = family(busy)
    address = reverse("backoffice:channel_rules", args=[made.pk])
    page = client.get(address)
    assert re.search(r"Buffer \*.*its own.*as the main channel: 1 ", text(page))
    shown = {field.name: field.value() for field in page.context["form"]}
    given = {name: value for name, value in shown.items() if value is not None and value is not False}
    preview = client.post(reverse("backoffice:preview_rules", args=[made.pk]), given | {"follow_buffer": "on"})
    assert preview.status_code == 200
    assert client.post(address, given | {"follow_buffer": "on"}).status_code == 302
    assert (fresh(busy, made.pk).buffer, fresh(busy, made.pk).own_rules) == (1, [])
    assert "its own" not in text(client.get(address)).partition("Share in per cent")[2].partition("Preview")[0]


def test_the_plan_of_a_main_channel_names_its_sub_channels(busy: BusyShop, client: Client) -> None:
    made = family(busy)
    address = reverse("backoffice:channel_rules", args=[busy.near.pk])
    page = client.get(address)
    assert "Second shop" in text(page)
    shown = {field.name: field.value() for field in page.context["form"]}
    given = {name: value for name, value in shown.items() if value is not None and value is not False}
    assert client.post(address, given | {"zero_at": "1", "buffer": "2"}).headers["Location"] == reverse("backoffice:plan")
    plan = text(client.get(reverse("backoffice:plan")))
    assert "Second shop: Zero at or below: 0 → 1, as its main channel" in plan
    assert "Second shop: Buffer" not in plan
    assert fresh(busy, made.pk).zero_at == 0


def test_a_channel_with_rules_of_an_empty_category_can_be_copied(busy: BusyShop) -> None:
    """Its last product moved on; the rules wait for the next."""
    with busy.shop.use_case() as uc:
        products.create_product(uc, "CAN", ProductFacts("Can", category="Cellar"))
        overrides.say(uc, busy.near.pk, [Own(categories=["Cellar"], rules={"buffer": 2})])
    with busy.shop.scope():
        Product.objects.filter(category="Cellar").update(category="")
    with busy.shop.use_case() as uc:
        made = general.copy(uc, busy.near.pk, code="CPY", name="Copy")
    with busy.shop.scope():
        assert RuleOverride.objects.get(channel=made, category="Cellar").buffer == 2
