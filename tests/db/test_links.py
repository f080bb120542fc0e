"""Linking listings to units: the fixed order of search, nothing linked silently, nothing overwritten (S4.14-S4.22, S4.36, S4.37)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection as database

from stallkeeper.catalog.models import Identifier, Product, StockUnit
from stallkeeper.channels import links, links_queries
from stallkeeper.channels.models import Channel, Connection, Offer, OfferPrice, RemoteListing
from stallkeeper.core.models import AuditEntry, Organisation
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkit.types import Money, OfferRef, OfferStatus, RemoteOffer

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Shop:
    """An organisation with one channel, and short words for what the tests do."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        connection = Connection.objects.create(
            organisation=self.organisation, platform="emag", name="eMAG", created_at=AT, hint_token="t" * 20
        )
        self.channel = Channel.objects.create(
            organisation=self.organisation, connection=connection, code="EM", name="eMAG", currency="RON", created_at=AT
        )
        self.stale: set[int] = set()

    def use_case(self):
        return use_case("test.links", organisation_id=self.organisation.pk, at=AT)

    def unit(self, sku: str, active: bool = True, **identifiers: str) -> StockUnit:
        unit = StockUnit.objects.create(organisation=self.organisation, sku=sku, title=f"Our {sku}", active=active, created_at=AT)
        for kind, value in identifiers.items():
            self.identifier(unit, kind, value)
        return unit

    def identifier(self, unit: StockUnit, kind: str, value: str, pack_factor: int = 1) -> None:
        scope = "emag" if kind == "channel" else ""
        Identifier.objects.create(
            organisation=self.organisation, stock_unit=unit, kind=kind, scope=scope, value=value, pack_factor=pack_factor
        )

    def take(self, *offers: RemoteOffer) -> links.Taken:
        with self.use_case() as uc:
            return links.take_page(uc, self.channel.pk, offers)

    def propose(self) -> links.Proposal:
        with self.use_case() as uc:
            return links.propose(uc, self.channel.pk)

    def confirm(self, *listings: RemoteListing) -> links.Linked:
        with self.use_case() as uc:
            done = links.confirm(uc, [listing.pk for listing in listings])
            self.stale = set(uc.marks.get("stale_unit", {}))
            return done

    def listing(self, sku: str) -> RemoteListing:
        return RemoteListing.objects.get(sku=sku)

    def offer(self, sku: str) -> Offer:
        return Offer.objects.get(sku=sku)


@pytest.fixture
def shop():
    organisation = Organisation.objects.create(name="Ada's Stall", slug="ada", created_at=AT)
    with organisation_scope(organisation.pk):
        yield Shop(organisation)


def remote(sku: str, external_id: str = "", **fields: object) -> RemoteOffer:
    return RemoteOffer(OfferRef(sku, external_id or f"n-{sku}"), f"Theirs {sku}", OfferStatus.LIVE, **fields)


@pytest.mark.parametrize(
    ("evidence", "by"),
    [
        ({}, "sku"),
        ({"gtins": ("4006381333931",)}, "gtin"),
        ({"codes": ("OLD-CODE",)}, "code"),
        ({"channel_ids": {"part_number_key": "D5DD9BBBM"}}, "channel"),
    ],
)
def test_each_step_of_the_search_finds_its_unit(shop, evidence, by):
    """S4.16, S4.18: product code, barcode, additional codes; then the channel's own id."""
    unit = shop.unit("OURS", gtin="4006381333931", code="OLD-CODE", channel="D5DD9BBBM")
    shop.take(remote("OURS" if by == "sku" else "THEIRS", **evidence))
    assert shop.propose() == links.Proposal(certain=1)
    found = RemoteListing.objects.get().candidates
    assert (found[0]["unit"], found[0]["by"]) == (unit.pk, by)


def test_an_earlier_step_wins_over_a_later_one(shop):
    """S4.15-S4.18: the first step that finds anything decides; the later finding stays visible."""
    ours, other = shop.unit("OURS"), shop.unit("OTHER", gtin="4006381333931")
    shop.take(remote("OURS", gtins=("4006381333931",)))
    assert shop.propose().certain == 1
    assert [(c["by"], c["unit"]) for c in shop.listing("OURS").candidates] == [("sku", ours.pk), ("gtin", other.pk)]


@pytest.mark.parametrize(("ours", "theirs"), [("04006381333931", "4006381333931"), ("4006381333931", "04006381333931")])
def test_a_gtin_matches_whatever_its_zeros(shop, ours, theirs):
    shop.unit("OURS", gtin=ours)
    shop.take(remote("THEIRS", gtins=("5000112637922", theirs)))
    assert shop.propose().certain == 1


def test_the_sellers_code_is_searched_in_barcodes_and_additional_codes_too(shop):
    """S4.16, S4.17."""
    shop.unit("A", gtin="4006381333931")
    shop.unit("B", code="B-ON-EMAG")
    shop.take(remote("4006381333931"), remote("B-ON-EMAG"))
    assert shop.propose().certain == 2


def test_what_several_units_fit_is_ambiguous_and_not_linked(shop):
    """S4.15: never silently."""
    shop.unit("A", gtin="4006381333931")
    shop.unit("B", gtin="4006381333931")
    shop.take(remote("THEIRS", gtins=("4006381333931",)))
    assert shop.propose() == links.Proposal(ambiguous=1)
    listing = shop.listing("THEIRS")
    assert [candidate["sku"] for candidate in listing.candidates] == ["A", "B"]
    assert shop.confirm(listing) == links.Linked((), (listing.pk,))
    assert not Offer.objects.exists()


def test_one_unit_with_two_pack_factors_is_ambiguous(shop):
    """A barcode belongs to (unit, factor): which of the two is sold is not ours to guess."""
    unit = shop.unit("A")
    shop.identifier(unit, "gtin", "4006381333931", pack_factor=1)
    shop.identifier(unit, "gtin", "5000112637922", pack_factor=6)
    shop.take(remote("THEIRS", gtins=("4006381333931", "5000112637922")))
    assert shop.propose().ambiguous == 1


def test_inactive_units_are_not_found(shop):
    shop.unit("OURS", active=False)
    shop.take(remote("OURS"))
    assert shop.propose() == links.Proposal(new=1)


def test_confirm_links_and_overwrites_nothing(shop):
    """S4.22: only linked; both sides keep their details. What the channel listed counts as read, nothing is sent."""
    unit = shop.unit("OURS")
    shop.take(remote("OURS", quantity=7, price=Money(Decimal("12.50"), "RON")))
    shop.propose()
    done = shop.confirm(shop.listing("OURS"))
    offer = shop.offer("OURS")
    assert done == links.Linked((offer.pk,), ())
    assert (offer.stock_unit_id, offer.external_id, offer.linked_by) == (unit.pk, "n-OURS", "sku")
    assert (offer.observed_qty, offer.believed_qty, offer.sent_qty) == (7, 7, None)
    price = OfferPrice.objects.get()
    assert (price.observed, price.believed, price.sent, price.currency) == (Decimal("12.5"), Decimal("12.5"), None, "RON")
    unit.refresh_from_db()
    assert (unit.title, shop.listing("OURS").title) == ("Our OURS", "Theirs OURS")
    assert shop.listing("OURS").state == RemoteListing.State.LINKED
    assert shop.stale == {unit.pk}
    assert AuditEntry.objects.filter(action="offers.link").count() == 1


def test_a_quantity_that_the_channel_does_not_tell_stays_unknown(shop):
    """Unknown is not zero: such an offer is read before anything is sent."""
    shop.unit("OURS")
    shop.take(remote("OURS", quantity=None))
    shop.propose()
    shop.confirm(shop.listing("OURS"))
    assert (shop.offer("OURS").observed_qty, shop.offer("OURS").observed_at, shop.offer("OURS").believed_qty) == (None, None, None)


def test_the_channels_id_is_stored_and_recognised_later(shop):
    """S4.18, S4.19: the same page comes again under another seller's code."""
    unit = shop.unit("OURS")
    shop.take(remote("OURS", channel_ids={"part_number_key": "D5DD9BBBM"}))
    shop.propose()
    shop.confirm(shop.listing("OURS"))
    assert Identifier.objects.get(kind="channel").value == "D5DD9BBBM"
    shop.take(remote("RENAMED", channel_ids={"part_number_key": "D5DD9BBBM"}))
    assert shop.propose() == links.Proposal(certain=1, linked=1)
    assert shop.listing("RENAMED").candidates[0]["unit"] == unit.pk


def test_each_channels_ids_are_stored_for_its_own_platform(shop):
    """S4.19: listings of two platforms, linked with one yes: the number of one says nothing on the other."""
    units = [shop.unit("OURS"), shop.unit("MORE")]
    there = Connection.objects.create(organisation=shop.organisation, platform="ozon", name="Ozon", created_at=AT, hint_token="o" * 20)
    ozon = Channel.objects.create(organisation=shop.organisation, connection=there, code="OZ", name="Ozon", currency="RUB", created_at=AT)
    shop.take(remote("OURS", channel_ids={"part_number_key": "D5DD9BBBM"}))
    with shop.use_case() as uc:
        links.take_page(uc, ozon.pk, [remote("MORE", channel_ids={"sku": "148313766"})])
        links.propose(uc, ozon.pk)
    shop.propose()
    shop.confirm(shop.listing("OURS"), shop.listing("MORE"))
    found = set(Identifier.objects.filter(kind="channel").values_list("stock_unit", "scope", "value"))
    assert found == {(units[0].pk, "emag", "D5DD9BBBM"), (units[1].pk, "ozon", "148313766")}
    shop.take(remote("ANOTHERS", channel_ids={"part_number_key": "148313766"}))
    assert shop.propose().new == 1


def test_the_pack_factor_comes_from_the_identifier(shop):
    unit = shop.unit("SINGLE")
    shop.identifier(unit, "code", "SIX-PACK", pack_factor=6)
    shop.take(remote("SIX-PACK"))
    shop.propose()
    shop.confirm(shop.listing("SIX-PACK"))
    assert shop.offer("SIX-PACK").pack_factor == 6


def test_a_page_read_again_updates_and_keeps_the_link(shop):
    shop.unit("OURS")
    assert shop.take(remote("OURS", quantity=7)) == links.Taken(1, 0)
    shop.propose()
    shop.confirm(shop.listing("OURS"))
    assert shop.take(remote("OURS", quantity=3)) == links.Taken(0, 1)
    listing = shop.listing("OURS")
    assert (listing.quantity, listing.state, listing.offer_id) == (3, "linked", shop.offer("OURS").pk)
    assert shop.offer("OURS").observed_qty == 7  # reading offers for linking is not the read-back of stock


def test_a_listing_that_gets_its_number_later_stays_one_listing(shop):
    with shop.use_case() as uc:
        links.take_page(uc, shop.channel.pk, [RemoteOffer(OfferRef("OURS"), "Theirs", OfferStatus.PENDING)])
    shop.take(remote("OURS", external_id="77"))
    assert RemoteListing.objects.get().external_id == "77"


def test_a_sku_too_long_to_keep_is_named(shop):
    assert shop.take(remote("X" * 101), remote("OURS")).left_out == ("X" * 40 + "…: longer than 100 characters",)
    assert RemoteListing.objects.count() == 1


def test_what_is_no_gtin_is_kept_as_a_code(shop):
    """Nothing is dropped silently."""
    shop.take(remote("OURS", gtins=("4006381333931", "N/A-1")))
    assert (shop.listing("OURS").gtins, shop.listing("OURS").codes) == (["4006381333931"], ["N/A-1"])


def test_two_listings_with_one_sku_are_not_both_linked(shop):
    shop.unit("OURS")
    shop.take(remote("OURS", external_id="1"), remote("OURS", external_id="2"))
    shop.propose()
    done = shop.confirm(*RemoteListing.objects.all())
    assert (len(done.offer_ids), len(done.refused)) == (1, 1)


def test_a_person_may_choose_among_several(shop):
    shop.unit("A", gtin="4006381333931")
    chosen = shop.unit("B", gtin="4006381333931")
    shop.take(remote("THEIRS", gtins=("4006381333931",)))
    shop.propose()
    with shop.use_case() as uc:
        links.choose(uc, shop.listing("THEIRS").pk, chosen.pk, pack_factor=2)
    offer = shop.offer("THEIRS")
    assert (offer.stock_unit_id, offer.pack_factor, offer.linked_by) == (chosen.pk, 2, "person")
    with shop.use_case() as uc, pytest.raises(links.LinkError, match="linked or left out already"):
        links.choose(uc, shop.listing("THEIRS").pk, chosen.pk)


def test_a_new_product_is_made_from_a_listing(shop):
    """S4.20, S4.21: with its title, barcodes and codes; and linked."""
    shop.unit("OURS")
    shop.take(remote("OURS"), remote("NEW-1", gtins=("4006381333931",), codes=("C-1",)), remote("NEW-2"))
    shop.propose()
    with shop.use_case() as uc:
        done = links.create_products(uc, list(RemoteListing.objects.values_list("pk", flat=True)))
    assert (len(done.offer_ids), done.refused) == (2, (shop.listing("OURS").pk,))
    unit = StockUnit.objects.get(sku="NEW-1")
    assert (unit.title, unit.variants.get().product.title) == ("Theirs NEW-1", "Theirs NEW-1")
    assert set(unit.identifiers.values_list("kind", "value")) == {("gtin", "4006381333931"), ("code", "C-1")}
    assert Product.objects.count() == 2
    assert shop.offer("NEW-1").linked_by == "created"


def test_unlink_forgets_the_link_and_allows_another(shop):
    unit, other = shop.unit("OURS"), shop.unit("OTHER")
    shop.take(remote("OURS"))
    shop.propose()
    done = shop.confirm(shop.listing("OURS"))
    with shop.use_case() as uc:
        assert links.unlink(uc, done.offer_ids) == 1
        assert set(uc.marks["stale_unit"]) == {unit.pk}
    assert not Offer.objects.exists()
    freed = shop.listing("OURS")
    assert (freed.state, [each["unit"] for each in freed.candidates]) == ("new", [unit.pk]), "nobody is told that no unit fits"
    with shop.use_case() as uc:
        links.choose(uc, shop.listing("OURS").pk, other.pk)
    assert shop.offer("OURS").stock_unit_id == other.pk


def test_an_offer_that_orders_refer_to_survives_unlinking(shop):
    from stallkeeper.orders.models import Order, OrderLine

    shop.unit("OURS")
    other = shop.unit("OTHER")
    shop.take(remote("OURS"))
    shop.propose()
    (offer_id,) = shop.confirm(shop.listing("OURS")).offer_ids
    order = Order.objects.create(
        organisation=shop.organisation, connection=shop.channel.connection, channel=shop.channel, external_id="1", number="1",
        state="new", remote_state="1", ordered_at=AT, fetched_at=AT, imported_at=AT, currency="RON", digest=b"",
    )  # fmt: skip
    OrderLine.objects.create(organisation=shop.organisation, order=order, line_id="1", sku="OURS", offer_id=offer_id, ordered=1)
    with shop.use_case() as uc:
        links.unlink(uc, [offer_id])
    offer = shop.offer("OURS")
    assert (offer.linked_by, offer.stock_excluded, offer.prices_excluded) == ("", True, True)
    with shop.use_case() as uc:
        assert links.choose(uc, shop.listing("OURS").pk, other.pk) == offer_id
    offer.refresh_from_db()
    assert (offer.stock_unit_id, offer.stock_excluded) == (other.pk, False)


def test_listings_can_be_left_out_and_taken_in_again(shop):
    shop.unit("OURS")
    shop.take(remote("OURS"))
    with shop.use_case() as uc:
        assert links.leave_out(uc, [shop.listing("OURS").pk]) == 1
    assert shop.propose() == links.Proposal(excluded=1)
    with shop.use_case() as uc:
        assert links.leave_out(uc, [shop.listing("OURS").pk], out=False) == 1
    assert shop.propose().certain == 1


def test_offers_are_left_out_of_stock_or_prices_one_or_many(shop):
    """S4.36, S4.37: each on its own; what does not change is not touched."""
    units = [shop.unit("A"), shop.unit("B")]
    shop.take(remote("A"), remote("B"))
    shop.propose()
    offers = shop.confirm(*RemoteListing.objects.all()).offer_ids
    with shop.use_case() as uc:
        assert links.exclude(uc, offers, stock=True) == 2
        assert set(uc.marks["stale_unit"]) == {unit.pk for unit in units}
    assert set(Offer.objects.values_list("stock_excluded", "prices_excluded")) == {(True, False)}
    with shop.use_case() as uc:
        assert links.exclude(uc, offers[:1], stock=False, prices=True) == 1
        assert links.exclude(uc, offers[:1], stock=False, prices=True) == 0
    assert Offer.objects.filter(stock_excluded=False, prices_excluded=True).count() == 1


def test_another_organisations_units_and_listings_are_out_of_reach(shop):
    other = Organisation.objects.create(name="Other", slug="other", created_at=AT)
    with organisation_scope(other.pk):
        StockUnit.objects.create(organisation=other, sku="OURS", created_at=AT)
    shop.take(remote("OURS"))
    assert shop.propose() == links.Proposal(new=1)
    shop.unit("OURS")
    shop.propose()
    listing = shop.listing("OURS")
    with use_case("test.links", organisation_id=other.pk, at=AT) as uc:
        assert links.confirm(uc, [listing.pk]) == links.Linked((), (listing.pk,))


def test_listings_that_a_complete_read_does_not_bring_are_gone(shop):
    shop.unit("LINKED")
    shop.take(remote("LINKED"), remote("LOOSE"))
    shop.propose()
    shop.confirm(shop.listing("LINKED"))
    with database.cursor() as cursor:
        assert links_queries.forget_unseen(cursor, shop.channel.pk, AT) == (0, 0)
        assert links_queries.forget_unseen(cursor, shop.channel.pk, AT.replace(hour=13)) == (1, 1)
    assert shop.listing("LINKED").status == "gone"


def test_many_thousand_listings_are_linked_by_few_statements(shop, django_assert_max_num_queries):
    """A handful of statements each, whatever the number; 100,000 take some 14 s. A loop over rows would take minutes."""
    number = 20_000
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_stockunit (organisation_id, sku, title, kind, stocked, active, created_at)"
            " SELECT %s, 'S' || n, '', 'single', true, true, %s FROM generate_series(1, %s) n",
            [shop.organisation.pk, AT, number],
        )
        cursor.execute("ANALYZE catalog_stockunit")
    with django_assert_max_num_queries(50):
        for first in range(1, number, 10_000):
            shop.take(*(remote(f"S{n}", quantity=n % 9, gtins=(f"{n:013}",)) for n in range(first, first + 10_000)))
        assert shop.propose().certain == number
        with shop.use_case() as uc:
            assert len(links.confirm(uc, links.certain(shop.channel.pk)).offer_ids) == number
