"""Listings: what we want beside what the channel shows, each one's next action, many at once after a look (S4.13, S4.36, S4.37)."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from stallkeeper.backoffice import listing_rows
from stallkeeper.backoffice.listing_rows import Next, listings_with, rows_of
from stallkeeper.channels import links, switches
from stallkeeper.channels.likeness import alike
from stallkeeper.channels.models import Offer, OfferTodo, RemoteListing
from stallkeeper.core.models import Role
from tests.busy_shop import BusyShop, member, text


def bare(busy: BusyShop, sku: str = "FRESH-1", **more: object) -> RemoteListing:
    with busy.shop.scope():
        return RemoteListing.objects.create(
            organisation=busy.organisation, channel=busy.near, sku=sku, title="Green jug", status="live", seen_at=busy.now, **more
        )


def linked(busy: BusyShop, at: int = 0) -> RemoteListing:
    with busy.shop.scope():
        return RemoteListing.objects.filter(channel=busy.near, state="linked").select_related("offer").order_by("sku")[at]


def next_of(busy: BusyShop, listing: RemoteListing) -> Next:
    with busy.shop.scope():
        fresh = RemoteListing.objects.select_related("channel", "offer__price").get(pk=listing.pk)
        return rows_of([fresh], switches.states())[0].next


def test_every_listing_names_its_next_action(busy: BusyShop) -> None:
    ids = iter(range(20))
    with busy.shop.scope():
        certain = RemoteListing.objects.filter(channel=busy.near, state="new")[0]
        several = RemoteListing.objects.filter(channel=busy.near, state="ambiguous")[0]
    assert next_of(busy, certain) == Next.LINK
    assert next_of(busy, several) == Next.CHOOSE
    assert next_of(busy, bare(busy)) == Next.MAKE
    assert next_of(busy, bare(busy, "OUT-1", state="excluded")) == Next.NONE
    cases = {
        Next.NONE: {"intended_qty": 4, "believed_qty": 4, "observed_qty": 4},
        Next.LOOK: {"intended_qty": 4, "believed_qty": None},
        Next.WAIT: {"intended_qty": 4, "believed_qty": 3},
        Next.REPAIR: {"intended_qty": 4, "believed_qty": 3, "refused_at": busy.now, "refused_message": "No."},
    }
    for wanted, figures in cases.items():
        listing = linked(busy, next(ids))
        with busy.shop.scope():
            Offer.objects.filter(pk=listing.offer_id).update(**{"refused_at": None, "refused_message": ""} | figures)
            listing.offer.price.delete()
        assert next_of(busy, listing) == wanted, wanted
    with busy.shop.scope():
        RemoteListing.objects.filter(pk=listing.pk).update(status="gone")
    assert next_of(busy, listing) == Next.REPAIR


def test_what_differs_waits_for_a_switch_where_sending_is_off(busy: BusyShop) -> None:
    listing = linked(busy)
    with busy.shop.scope():
        Offer.objects.filter(pk=listing.offer_id).update(intended_qty=4, believed_qty=3, refused_at=None)
        type(busy.near).objects.filter(pk=busy.near.pk).update(stock_enabled=False)
    assert next_of(busy, listing) == Next.SWITCH


def test_ours_stands_beside_theirs_and_differences_are_marked(busy: BusyShop, client: Client) -> None:
    listing = linked(busy)
    with busy.shop.scope():
        Offer.objects.filter(pk=listing.offer_id).update(intended_qty=812, believed_qty=733, observed_qty=733)
    shown = client.get(reverse("backoffice:listings"), {"q": listing.sku}).content.decode()
    assert "<strong>812</strong>" in shown
    assert 'sk-differs" title="differs">733<' in shown
    panel = client.get(reverse("backoffice:listing", args=[listing.pk]))
    assert "812" in text(panel)
    assert "733" in text(panel)


@pytest.mark.parametrize("state", listing_rows.STATES)
def test_each_state_filters(busy: BusyShop, client: Client, state: str) -> None:
    """Every word of the filter finds exactly its rows: no word of the list falls through to all."""
    listing = linked(busy)
    bare(busy)
    bare(busy, "OUT-1", state="excluded")
    with busy.shop.scope():
        Offer.objects.filter(pk=listing.offer_id).update(stock_excluded=True)
        RemoteListing.objects.filter(pk=listing.pk).update(status="blocked")
        OfferTodo.objects.create(
            organisation=busy.organisation, offer_id=linked(busy, 1).offer_id, kind="quantity", channel=busy.near, version=1, since=busy.now
        )
        found, every = listings_with({"state": state}).count(), RemoteListing.objects.count()
    assert 0 < found < every
    assert client.get(reverse("backoffice:listings"), {"state": state}).status_code == 200


def test_counts_of_all_channels_are_one_statement_and_true(busy: BusyShop) -> None:
    bare(busy)
    with busy.shop.scope():
        with CaptureQueriesContext(connection) as queries:
            found = links.counts_up_to(busy.organisation.pk, 10_001)
        assert len(queries) == 1
        assert {channel: found[channel] for channel in found} == {each.pk: links.count(each.pk) for each in (busy.near, busy.far)}
        assert found[busy.near.pk].new == 1
        assert links.counts_up_to(busy.organisation.pk, 2)[busy.near.pk].linked == 2


def test_many_are_shown_before_anything_happens(busy: BusyShop, client: Client) -> None:
    """Link three that fit and one that does not: the page says both, and nothing is linked before the yes."""
    with busy.shop.scope():
        ids = list(RemoteListing.objects.filter(channel=busy.near, state="new").values_list("pk", flat=True))
    given = {"listing": [*ids, bare(busy).pk], "action": "link", "back": "/listings/?state=certain"}
    asked = client.post(reverse("backoffice:listing_action"), given)
    assert f"Link to the unit that fits: {len(ids)} listings" in text(asked)
    assert "1 of those chosen stays as it is" in text(asked)
    with busy.shop.scope():
        assert not RemoteListing.objects.filter(pk__in=ids, state="linked").exists()
    done = client.post(reverse("backoffice:listing_action"), given | {"sure": str(len(ids))})
    assert done["Location"] == "/listings/?state=certain"
    with busy.shop.scope():
        assert RemoteListing.objects.filter(pk__in=ids, state="linked").count() == len(ids)


def test_all_of_the_filter_are_acted_on_only_as_they_were_shown(busy: BusyShop, client: Client) -> None:
    """S4.37: all that fit, beyond the page; where others fit meanwhile, the person is asked again."""
    given = {"all": "1", "channel": str(busy.near.pk), "state": "linked", "action": "stock_out"}
    with busy.shop.scope():
        count = RemoteListing.objects.filter(channel=busy.near, state="linked", offer__stock_excluded=False).count()
        others = Offer.objects.filter(channel=busy.far, stock_excluded=True).count()
    assert count > 30
    again = client.post(reverse("backoffice:listing_action"), given | {"sure": str(count - 1)})
    assert "Since you looked, other listings fit." in text(again)
    with busy.shop.scope():
        assert Offer.objects.filter(channel=busy.near, stock_excluded=False, listing__isnull=False).count() == count
    client.post(reverse("backoffice:listing_action"), given | {"sure": str(count)})
    with busy.shop.scope():
        assert Offer.objects.filter(channel=busy.near, stock_excluded=True, listing__isnull=False).count() == count
        assert Offer.objects.filter(channel=busy.far, stock_excluded=True).count() == others


def test_unlinking_asks_even_for_one_and_twice_is_harmless(busy: BusyShop, client: Client) -> None:
    listing = linked(busy)
    given = {"listing": [listing.pk], "action": "unlink"}
    assert "nothing is sent to it any more" in text(client.post(reverse("backoffice:listing_action"), given))
    for _twice in range(2):
        assert client.post(reverse("backoffice:listing_action"), given | {"sure": "1"}).status_code == 302
    with busy.shop.scope():
        assert RemoteListing.objects.get(pk=listing.pk).offer_id is None


def test_a_product_is_made_of_a_listing_that_has_none(busy: BusyShop, client: Client) -> None:
    listing = bare(busy, gtins=["4006381333931"])
    client.post(reverse("backoffice:listing_action"), {"listing": [listing.pk], "action": "create"})
    with busy.shop.scope():
        made = RemoteListing.objects.select_related("offer__stock_unit").get(pk=listing.pk)
        assert made.offer.stock_unit.title == "Green jug"
        assert made.offer.stock_unit.identifiers.filter(value="4006381333931").exists()


def test_a_listing_that_is_taken_in_again_finds_its_unit(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        unit = Offer.objects.filter(channel=busy.near).first().stock_unit
        gtin = unit.identifiers.get().value
    listing = bare(busy, "AGAIN-1", state="excluded", gtins=[gtin])
    client.post(reverse("backoffice:listing_action"), {"listing": [listing.pk], "action": "in"})
    with busy.shop.scope():
        assert [each["unit"] for each in RemoteListing.objects.get(pk=listing.pk).candidates] == [unit.pk]


def test_a_unit_is_found_by_words_and_chosen_with_its_pack(busy: BusyShop, client: Client) -> None:
    listing = bare(busy)
    with busy.shop.scope():
        unit = Offer.objects.filter(channel=busy.near).first().stock_unit
    found = client.get(reverse("backoffice:listing_units", args=[listing.pk]), {"q": unit.sku})
    assert unit.title in text(found)
    client.post(reverse("backoffice:choose", args=[listing.pk]), {"sku": unit.sku, "pack_factor": "6"})
    with busy.shop.scope():
        offer = RemoteListing.objects.select_related("offer").get(pk=listing.pk).offer
    assert (offer.stock_unit_id, offer.pack_factor, offer.linked_by) == (unit.pk, 6, "person")


def test_who_may_only_look_is_offered_nothing_and_refused(busy: BusyShop) -> None:
    looker = member(busy.organisation, Role.READ_ONLY)
    assert "data-choose" not in looker.get(reverse("backoffice:listings")).content.decode()
    for action in ("link", "unlink", "stock_out"):
        given = {"listing": [linked(busy).pk], "action": action, "sure": "1"}
        assert looker.post(reverse("backoffice:listing_action"), given).status_code == 403


def test_resynchronising_says_what_it_reads_and_does_it_once_asked(busy: BusyShop, client: Client) -> None:
    """S4.42: with one click, after a look."""
    asked = client.get(reverse("backoffice:resync"), {"channel": busy.near.pk})
    assert busy.near.name in text(asked)
    assert busy.far.name not in text(asked).split("Read everything back")[1]
    client.post(reverse("backoffice:resync"), {"channel": busy.near.pk})
    with busy.shop.scope():
        assert not Offer.objects.filter(channel=busy.near, believed_qty__isnull=False).exists()
        assert Offer.objects.filter(channel=busy.far, believed_qty__isnull=False).exists()


def test_among_many_listings_beginnings_numbers_and_products_are_found(busy: BusyShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that is too long for looking inside every text: a SKU's beginning in any case, the number, the GTIN, the product's title."""
    listing, fresh = linked(busy), bare(busy, "FRESH-1", external_id="N-1", gtins=["4006381333931"])
    monkeypatch.setattr(listing_rows, "COUNT_LIMIT", 1)
    with busy.shop.scope():
        for typed, wanted in (("fresh", fresh), ("N-1", fresh), ("4006381333931", fresh), (listing.offer.stock_unit.title, listing)):
            assert wanted in set(listings_with({"q": typed})), typed
        assert not listings_with({"q": "nothing like it"}).exists()


def test_titles_are_alike_by_their_words() -> None:
    assert alike("Blue mug, large", "LARGE Blue Mug") == 100
    assert alike("Blue mug", "Steel kettle") < 50
    assert alike("", "Blue mug") == 0
