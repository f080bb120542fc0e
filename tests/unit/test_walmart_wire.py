"""Walmart's wire format, in and out, on fixtures. No sockets, no emulator."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from msgspec import Raw

import stallkit.adapters.walmart
from stallkit.adapters.walmart import wire, wire_actions, wire_feeds, wire_orders
from stallkit.adapters.walmart.carriers import CARRIERS, carrier_of
from stallkit.http import Reply
from stallkit.types import (
    Accepted,
    CancelNotice,
    CancelReason,
    Charge,
    ChargeKind,
    LineQuantity,
    Money,
    OfferState,
    OfferStatus,
    OrderState,
    OwedBy,
    PriceIntent,
    Rejected,
    ShipmentNotice,
    StockIntent,
)

FIXTURES = Path(stallkit.adapters.walmart.__file__).parent / "fixtures"
NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def fixture(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


def changed(name: str, **changes: object) -> bytes:
    return json.dumps({**json.loads(fixture(name)), **changes}).encode()


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


# --- times ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [1788264000000, "1788264000000", "2026-09-01T12:00:00Z", "2026-09-01T12:00:00", "2026-09-01T14:00:00+02:00"]
)
def test_milliseconds_of_bodies_and_iso_of_pages_are_the_same_instant(text):
    assert wire.instant(text) == NOON


def test_query_strings_take_iso_in_utc():
    assert wire.iso(NOON) == "2026-09-01T12:00:00Z"


@pytest.mark.parametrize("text", ["yesterday", 10**18, -(10**18)])
def test_what_is_no_instant_is_unreadable(text):
    with pytest.raises(wire.UNREADABLE):
        wire.instant(text)


# --- orders -----------------------------------------------------------------------------------------------------------------------------


def test_an_order_is_read_by_the_statuses_of_its_lines():
    order = wire_orders.parse_order(fixture("order_mixed")).order
    assert (order.order_id, order.number, order.state) == ("1796277099001", "2000277099001", OrderState.PART_SHIPPED)
    assert order.remote_state == "Acknowledged, Shipped, Cancelled"
    assert [(line.line_id, line.ordered, line.cancelled, line.shipped, line.cancel_requested) for line in order.lines] == [
        ("1", 3, 0, 2, 0),
        ("2", 2, 2, 0, 0),
        ("3", 4, 0, 0, 4),
    ]
    assert order.ordered_at == NOON
    assert order.modified_at == datetime(2026, 9, 1, 14, tzinfo=UTC)
    assert order.dispatch_by == datetime(2026, 9, 3, 12, tzinfo=UTC)
    assert order.acknowledge_by is None
    assert order.raw == fixture("order_mixed")


def test_money_is_exact_and_walmart_owes_the_tax():
    order = wire_orders.parse_order(fixture("order_mixed")).order
    assert order.lines[0].charges == (
        Charge(ChargeKind.PRODUCT, usd("59.97"), label="ItemPrice"),
        Charge(ChargeKind.TAX, usd("4.80"), owed_by=OwedBy.MARKETPLACE, label="Tax1"),
        Charge(ChargeKind.SHIPPING, usd("5"), label="Shipping"),
    )
    assert order.lines[1].charges[0].money == usd("0.1")


def test_the_buyer_is_told():
    buyer = wire_orders.parse_order(fixture("order_mixed")).order.buyer
    assert buyer is not None
    assert (buyer.name, buyer.email, buyer.address) == (
        "Ada Example",
        "0123456789ABCDEF@relay.walmart.example",
        ("12 Sample Street", "Flat 3"),
    )
    assert (buyer.postal_code, buyer.city, buyer.region, buyer.country) == ("90001", "Springfield", "CA", "USA")


def test_single_objects_a_missing_name_and_a_placeholder_address_are_an_order():
    """C27: an order is valid without a name; the placeholder e-mail counts as none yet."""
    order = wire_orders.parse_order(fixture("order_single")).order
    assert order.state is OrderState.NEW
    assert order.acknowledge_by == datetime(2026, 9, 1, 16, tzinfo=UTC)
    assert order.modified_at is None
    assert [(line.line_id, line.ordered) for line in order.lines] == [("1", 1)]
    assert order.buyer is not None
    assert (order.buyer.name, order.buyer.email) == ("", "")
    assert order.fulfilled_by == "seller"


def test_an_order_of_walmarts_own_warehouse_is_not_ours_to_ship():
    assert wire_orders.parse_order(changed("order_single", shipNode={"type": "WFSFulfilled"})).order.fulfilled_by == "walmart"
    assert wire_orders.parse_order(changed("order_single", shipNode=[{"type": "3PLFulfilled"}])).order.fulfilled_by == "seller"


def statuses(*rows: tuple[str, int | None], ordered: int = 5) -> bytes:
    order = json.loads(fixture("order_single"))
    line = order["orderLines"]["orderLine"]
    line["orderLineQuantity"]["amount"] = str(ordered)
    line["orderLineStatuses"]["orderLineStatus"] = [
        {"status": word} | ({} if units is None else {"statusQuantity": {"unitOfMeasurement": "EACH", "amount": str(units)}})
        for word, units in rows
    ]
    return json.dumps(order).encode()


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([("Created", 5)], OrderState.NEW),
        ([("Acknowledged", 5)], OrderState.ACKNOWLEDGED),
        ([("Created", 2), ("Acknowledged", 3)], OrderState.NEW),
        ([("Acknowledged", 3), ("Cancelled", 2)], OrderState.ACKNOWLEDGED),
        ([("Acknowledged", 3), ("Shipped", 2)], OrderState.PART_SHIPPED),
        ([("Shipped", 3), ("Cancelled", 2)], OrderState.SHIPPED),
        ([("Delivered", 5)], OrderState.SHIPPED),
        ([("Refund", 5)], OrderState.SHIPPED),
        ([("Cancelled", 5)], OrderState.CANCELLED),
    ],
)
def test_the_state_of_an_order_follows_from_units(rows, state):
    assert wire_orders.parse_order(statuses(*rows)).order.state is state


def test_units_of_statuses_count_when_the_line_tells_fewer():
    """Should Walmart lower a line's quantity on cancelling, the units still add up."""
    line = wire_orders.parse_order(statuses(("Acknowledged", 3), ("Cancelled", 2), ordered=3)).order.lines[0]
    assert (line.ordered, line.cancelled) == (5, 2)


@pytest.mark.parametrize(
    "body",
    [
        statuses(("OnHold", 5)),
        statuses(("Created", None)),
        statuses(("Created", 2), ("Shipped", None)),
        statuses(("Created", -1)),
        changed("order_single", orderDate="soon"),
        changed("order_single", orderLines={"orderLine": []}),
        changed("order_single", orderLines={}),
        fixture("order_single").replace(b'"PRODUCT"', b'"MYSTERY"'),
        fixture("order_single").replace(b'"amount": "1"', b'"amount": "one"'),
        b'"1796277099002"',
    ],
)
def test_what_no_document_lists_parks_that_order_alone(body):
    good, parked = wire.sort_out([Raw(fixture("order_mixed")), Raw(body)], lambda raw: wire_orders.parse_order(raw).order)
    assert [order.order_id for order in good] == ["1796277099001"]
    assert [(kept.external_id, kept.raw) for kept in parked] == [("1796277099002" if body.startswith(b"{") else "", body)]
    assert parked[0].reason


@pytest.mark.parametrize(
    ("word", "asked"), [("true", 1), ("TRUE", 1), (True, 1), ("CUSTOMER", 1), ("false", 0), (False, 0), ("", 0), (None, 0)]
)
def test_a_request_to_cancel_is_heard_in_any_spelling(word, asked):
    order = json.loads(fixture("order_single"))
    order["orderLines"]["orderLine"]["intentToCancel"] = word
    assert wire_orders.parse_order(json.dumps(order).encode()).order.lines[0].cancel_requested == asked


# --- order actions ----------------------------------------------------------------------------------------------------------------------


def notice(carrier: str = "ups", url: str = "", **lines: int) -> ShipmentNotice:
    quantities = tuple(LineQuantity(line.removeprefix("line"), units) for line, units in (lines or {"line1": 1}).items())
    return ShipmentNotice("1796277099001", quantities, carrier, "1Z9999", NOON, url)


def test_a_shipment_takes_the_method_of_the_order_and_overrides_a_wish_to_cancel_if_a_person_says_so():
    order = wire_orders.parse_order(fixture("order_mixed")).wire
    heeded = json.loads(wire_actions.build_shipment(notice(line3=4), order))
    assert not heeded["orderShipment"]["orderLines"]["orderLine"][0]["intentToCancelOverride"]
    body = json.loads(wire_actions.build_shipment(replace(notice(line1=1, line3=4), although_asked=True), order))
    one, three = body["orderShipment"]["orderLines"]["orderLine"]
    assert one == {
        "lineNumber": "1",
        "intentToCancelOverride": False,
        "sellerOrderId": "1796277099001",
        "orderLineStatuses": {
            "orderLineStatus": [
                {
                    "status": "Shipped",
                    "statusQuantity": {"unitOfMeasurement": "EACH", "amount": "1"},
                    "trackingInfo": {
                        "shipDateTime": 1788264000000,
                        "carrierName": {"carrier": "UPS"},
                        "methodCode": "Express",
                        "trackingNumber": "1Z9999",
                    },
                }
            ]
        },
    }
    assert (three["lineNumber"], three["intentToCancelOverride"]) == ("3", True)


def test_a_carrier_off_the_list_goes_into_the_free_field():
    order = wire_orders.parse_order(fixture("order_mixed")).wire
    body = json.loads(wire_actions.build_shipment(notice("Ada's Van", "https://van.example/7"), order))
    tracking = body["orderShipment"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"][0]["trackingInfo"]
    assert tracking["carrierName"] == {"otherCarrier": "Ada's Van"}
    assert tracking["trackingURL"] == "https://van.example/7"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Fed Ex", "FedEx"),
        ("FEDEX", "FedEx"),
        ("LaserShip", "LS"),
        ("dhl e-commerce us", "DHL Ecommerce - US"),
        ("u.s.p.s.", "USPS"),
        ("Cargus", None),
    ],
)
def test_carriers_are_found_in_our_spelling(text, name):
    assert carrier_of(text) == name


def test_every_listed_carrier_is_itself():
    assert [carrier_of(name) for name in CARRIERS] == list(CARRIERS)


def test_a_shipment_counts_as_reported_only_with_its_number_and_its_units():
    order = wire_orders.parse_order(fixture("order_mixed")).wire
    at = NOON + timedelta(hours=1)
    sent = ShipmentNotice("1796277099001", (LineQuantity("1", 2),), "UPS", "1Z0001", at)
    assert wire_actions.reported(sent, order)
    assert not wire_actions.reported(replace(sent, shipped_at=at + timedelta(minutes=5)), order), "more went into the same parcel"
    assert not wire_actions.reported(notice(line1=2), order)
    more = ShipmentNotice("1796277099001", (LineQuantity("1", 2), LineQuantity("3", 1)), "UPS", "1Z0001", at)
    assert not wire_actions.reported(more, order)


@pytest.mark.parametrize("reason", list(CancelReason))
def test_every_reason_to_cancel_has_walmarts_word(reason):
    body = json.loads(wire_actions.build_cancellation(CancelNotice("1", (LineQuantity("2", 3),), reason)))
    (line,) = body["orderCancellation"]["orderLines"]["orderLine"]
    (status,) = line["orderLineStatuses"]["orderLineStatus"]
    assert (line["lineNumber"], status["status"], status["statusQuantity"]["amount"]) == ("2", "Cancelled", "3")
    assert status["cancellationReason"].startswith(("SELLER_CANCEL_", "CUSTOMER_REQUESTED_"))


# --- stock and prices -------------------------------------------------------------------------------------------------------------------


def test_the_stock_feed_spells_its_capitals_and_sends_a_sku_once():
    intents = [StockIntent(wire.ref_of(sku), quantity) for sku, quantity in (("A", 1), ("B", 0), ("A", 7))]
    assert json.loads(wire.build_stock_feed(intents)) == {
        "Inventory": [{"sku": "A", "quantity": {"amount": 7, "unit": "EACH"}}, {"sku": "B", "quantity": {"amount": 0, "unit": "EACH"}}],
        "InventoryHeader": {"version": "1.4"},
    }


def test_prices_travel_as_numbers_with_their_decimals():
    intent = PriceIntent(wire.ref_of("A"), usd("12.30"))
    assert b'"amount":12.30' in wire.build_price(intent)
    assert json.loads(wire.build_price(intent))["pricing"] == [
        {"currentPrice": {"currency": "USD", "amount": 12.3}, "currentPriceType": "BASE"}
    ]
    feed = json.loads(wire.build_price_feed([intent]))
    assert feed["MPItem"] == [{"Promo&Discount": {"sku": "A", "price": 12.3}}]
    assert feed["MPItemFeedHeader"] == {"businessUnit": "WALMART_US", "version": "2.0.20240126-12_25_52-api", "locale": "en"}


@pytest.mark.parametrize("quantity", [-1, 1_000_000])
def test_a_quantity_out_of_range_is_told_before_it_is_sent(quantity):
    problem = wire.stock_problem(StockIntent(wire.ref_of("A"), quantity))
    assert problem == Rejected("QUANTITY", f"A: {quantity} is not a quantity from 0 to 999999")


@pytest.mark.parametrize("money", [Money(Decimal("9.99"), "CAD"), usd("9.999"), usd("0"), usd("-1")])
def test_a_price_that_walmart_cannot_take_is_told_before_a_feed_is_spent(money):
    problem = wire.price_problem(PriceIntent(wire.ref_of("A"), money))
    assert isinstance(problem, Rejected)
    assert problem.message.startswith("A: ")


def nodes(*rows: tuple[str, int, int]) -> wire.Inventory:
    return wire.Inventory("A", [wire.Node(node, wire.Amount(held), wire.Amount(reserved)) for node, held, reserved in rows])


def test_a_state_is_what_the_seller_holds_with_walmarts_reserve_beside_it():
    ref = wire.ref_of("A")
    assert wire.parse_state(nodes(("1", 9, 3)), ref, "") == OfferState(ref, 9, reserved=3)
    assert wire.parse_state(nodes(("1", 9, 3), ("2", 4, 0)), ref, "2") == OfferState(ref, 4, reserved=0)


def test_with_several_nodes_and_none_named_the_quantity_is_unknown_not_a_sum():
    ref = wire.ref_of("A")
    assert wire.parse_state(nodes(("1", 9, 3), ("2", 4, 0)), ref, "") == OfferState(ref, None)
    assert wire.parse_state(nodes(("1", 9, 3)), ref, "7") == OfferState(ref, None)
    assert wire.parse_state(wire.Inventory("A", []), ref, "") == OfferState(ref, None)


# --- items ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "lifecycle", "status"),
    [
        ("PUBLISHED", "ACTIVE", OfferStatus.LIVE),
        ("PUBLISHED", "RETIRED", OfferStatus.INACTIVE),
        ("UNPUBLISHED", "ACTIVE", OfferStatus.INACTIVE),
        ("SYSTEM_PROBLEM", "ACTIVE", OfferStatus.BLOCKED),
        ("IN_PROGRESS", "ACTIVE", OfferStatus.PENDING),
        ("QUANTUM", "ACTIVE", OfferStatus.UNKNOWN),
    ],
)
def test_items_have_a_status(published, lifecycle, status):
    raw = Raw(json.dumps({"sku": "A", "publishedStatus": published, "lifecycleStatus": lifecycle}).encode())
    assert wire.parse_offer(raw).status is status


@pytest.mark.parametrize("amount", ["19.99", '"19.99"'])
def test_an_items_price_is_exact_as_number_and_as_text(amount):
    offer = wire.parse_offer(Raw(b'{"sku":"A","gtin":"04006381333931","upc":"","price":{"currency":"USD","amount":%s}}' % amount.encode()))
    assert offer.price == usd("19.99")
    assert offer.gtins == ("04006381333931",)


def test_a_list_may_be_a_single_object_null_or_absent():
    assert [bytes(raw) for raw in wire.elements(Raw(b'[{"a":1},{}]'))] == [b'{"a":1}', b"{}"]
    assert [bytes(raw) for raw in wire.elements(Raw(b'{"a":1}'))] == [b'{"a":1}']
    assert wire.elements(Raw(b"null")) == wire.elements(Raw()) == wire.elements(Raw(b"[]")) == []


# --- feeds ------------------------------------------------------------------------------------------------------------------------------


def test_a_processed_feed_is_judged_item_by_item():
    feed = msgspec.json.decode(fixture("feed_processed"), type=wire_feeds.FeedDetail)
    assert wire_feeds.parse_outcomes(feed.items) == {
        wire.ref_of("GOOD"): Accepted(),
        wire.ref_of("BAD"): Rejected("ERR_EXT_DATA_0101119", "sku: The item is not set up.; Nothing was changed."),
    }


def test_a_feed_that_failed_as_a_whole_tells_why():
    feed = msgspec.json.decode(fixture("feed_error"), type=wire_feeds.FeedDetail)
    assert feed.feed_status is wire_feeds.FeedState.ERROR
    assert wire_feeds.tell_errors(feed.ingestion_errors) == ("ERR_EXT_DATA_0503009", "The header is not valid.")


def test_a_status_of_a_feed_that_no_document_lists_is_not_taken_for_progress():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(fixture("feed_error").replace(b'"ERROR"', b'"COMPLETE"'), type=wire_feeds.FeedDetail)


def test_the_newest_feed_of_the_kind_since_then_is_found():
    feeds = [
        wire_feeds.FeedSummary("old", "inventory", 1788263999000),
        wire_feeds.FeedSummary("first", "inventory", 1788264000000),
        wire_feeds.FeedSummary("second", "MP_INVENTORY", 1788264001000),
        wire_feeds.FeedSummary("price", "MP_ITEM_PRICE_UPDATE", 1788264002000),
        wire_feeds.FeedSummary("item", "MP_ITEM", 1788264003000),
    ]
    assert wire_feeds.newest_feed(feeds, "stock", NOON) == "second"
    assert wire_feeds.newest_feed(feeds, "price", NOON) == "price"
    assert wire_feeds.newest_feed(feeds[:1], "stock", NOON) is None
    assert wire_feeds.newest_feed([], "stock", NOON) is None


# --- errors -----------------------------------------------------------------------------------------------------------------------------


def test_errors_of_applications_and_of_the_gateway_are_read_alike():
    (entry,) = wire.parse_errors(Reply(400, {}, fixture("error_application")))
    assert (entry.code, entry.text) == ("INVALID_REQUEST_CONTENT.GMP_ORDER_API", "lineNumber: line 9 does not exist")
    (entry,) = wire.parse_errors(Reply(401, {}, fixture("error_gateway")))
    assert (entry.code, entry.text) == ("UNAUTHORIZED.GMP_GATEWAY_API", "Unauthorized token or incorrect authorization header.")
    (entry,) = wire.parse_errors(Reply(401, {}, b'{"error":"invalid_client","error_description":"no such client"}'))
    assert (entry.code, entry.text) == ("invalid_client", "no such client")


@pytest.mark.parametrize("body", [b"", b"<errors/>", b"[]", b"{}", b'{"errors":null}', b"\xff"])
def test_an_error_without_readable_reason_has_none(body):
    assert wire.parse_errors(Reply(400, {}, body)) == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5", 1.5), ("1788264030000", 30), ("2026-09-01T12:00:30Z", 30), ("soon", None), ("", None)],
)
def test_the_time_of_the_next_token_is_read_in_its_three_spellings(text, seconds):
    assert wire.replenished_in(text, NOON) == (pytest.approx(seconds) if seconds is not None else None)
