"""eMAG's wire, pure: envelopes that lie, odd lists, offers, orders and what is sent back (facts: specs/emag/FACTS.md)."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from stallkit.adapters.emag import changes, orders, wire
from stallkit.errors import NeedsReconnect, OutcomeUnknown, Refused, Unintelligible
from stallkit.http import Reply
from stallkit.types import (
    Accepted,
    CancelNotice,
    CancelReason,
    ChargeKind,
    LineQuantity,
    Money,
    OfferRef,
    OfferStatus,
    OrderState,
    PriceIntent,
    Rejected,
    ShipmentNotice,
    StockIntent,
)

FIXTURES = Path(wire.__file__).parent / "fixtures"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ORDER = msgspec.json.decode((FIXTURES / "order_read.json").read_bytes())["results"][0]


def order(**changed):
    return msgspec.json.encode({**ORDER, **changed})


def line(**changed):
    return {**ORDER["products"][0], **changed}


def parsed(**changed):
    return orders.parse_order(order(**changed), NOW, "RON")


def reply(body, *, writes=False):
    return Reply(200, {"content-type": "application/json"}, msgspec.json.encode(body), writes)


# --- envelope -----------------------------------------------------------------------------------------------------------------------------


def test_a_reply_without_is_error_is_not_understood():
    """Section 1.4: "the call most likely was not interpreted"."""
    with pytest.raises(Unintelligible, match="isError"):
        wire.parse_envelope(reply({"messages": [], "results": []}))


def test_a_write_answered_without_is_error_may_have_been_applied():
    with pytest.raises(OutcomeUnknown):
        wire.parse_envelope(reply({"results": []}, writes=True))


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        (["Invalid vendor ip 203.0.113.9"], NeedsReconnect),
        (["You are not allowed to use this API."], NeedsReconnect),
        ([{"message": "Invalid vendor ip"}], NeedsReconnect),
        (["Maximum input vars of 4000 exceeded"], Refused),
        ("Expected list of arrays, single array received", Refused),
        ([], Refused),
    ],
)
def test_is_error_says_what_to_do(messages, error):
    with pytest.raises(error):
        wire.parse_envelope(reply({"isError": True, "messages": messages, "results": []}))


def test_messages_may_be_texts_or_objects():
    assert wire.say(["a", {"text": "b", "more": ["c"]}, None, ""]) == "a; b; c"


@pytest.mark.parametrize("body", [b'{"a":1}', b'[{"a":1}]', b'{"7":{"a":1}}'])
def test_results_are_a_list_an_object_of_objects_or_the_one_object(body):
    assert wire.parse_rows(wire.Envelope(False, results=msgspec.Raw(body))) == [b'{"a":1}']


def test_results_that_are_nothing_of_the_kind_are_not_an_empty_list():
    with pytest.raises(Unintelligible):
        wire.parse_rows(wire.Envelope(False, results=msgspec.Raw(b"null")))


# --- bodies -------------------------------------------------------------------------------------------------------------------------------


def test_filters_stand_at_the_top_and_saves_are_lists():
    """Filters inside ``data`` are ignored and everything comes back; a save must be a list. One switch wraps saves."""
    assert wire.build_read({"id": 7}) == b'{"id":7}'
    assert wire.build_save([{"id": 7}]) == b'[{"id":7}]'
    assert wire.build_save([{"id": 7}], wrapped=True) == b'{"data":[{"id":7}]}'


def test_a_stock_save_is_the_documents_own_example():
    batch = wire.StockBatch([StockIntent(OfferRef("A", "243409"), 50)], 1)
    assert wire.build_save(list(batch.rows.values())) == b'[{"id":243409,"stock":[{"warehouse_id":1,"value":50}]}]'


def test_two_warehouses_of_one_offer_are_one_row():
    ref = OfferRef("A", "7")
    batch = wire.StockBatch([StockIntent(ref, 5), StockIntent(ref, 3, "2"), StockIntent(ref, 4, "2")], 1)
    assert msgspec.to_builtins(batch.rows[7].stock) == [{"warehouse_id": 1, "value": 5}, {"warehouse_id": 2, "value": 4}]


@pytest.mark.parametrize("key", ["", "abc", "0", "16777216", "-1", "1.5", "٣", "999999999999"])
def test_the_key_of_an_offer_is_a_number_from_1_to_16777215(key):
    ref = OfferRef("A", key)
    batch = wire.StockBatch([StockIntent(ref, 1)], 1)
    assert not batch.rows
    assert batch.refused[ref].code == "offer_id"
    assert isinstance(wire.build_price(PriceIntent(ref, Money(Decimal(1), "RON")), "RON"), Rejected)


def test_the_highest_key_and_the_highest_stock_pass():
    batch = wire.StockBatch([StockIntent(OfferRef("A", "16777215"), 65_535)], 1)
    assert list(batch.rows) == [16_777_215]


@pytest.mark.parametrize(
    ("quantity", "warehouse", "code"), [(-1, "", "stock_range"), (65_536, "", "stock_range"), (1, "main", "warehouse")]
)
def test_stock_that_emag_could_not_take_is_refused_without_a_call(quantity, warehouse, code):
    ref = OfferRef("A", "7")
    assert wire.StockBatch([StockIntent(ref, quantity, warehouse)], 1).refused[ref].code == code


def test_prices_are_exact_numbers_with_four_decimals():
    row = wire.build_price(PriceIntent(OfferRef("A", "7"), Money(Decimal("51.6477"), "RON"), Money(Decimal("40.1"), "RON")), "RON")
    assert wire.build_save([row]) == b'[{"id":7,"sale_price":51.6477,"min_sale_price":40.1}]'


@pytest.mark.parametrize(
    ("price", "code"),
    [(Money(Decimal("1.23456"), "RON"), "price_form"), (Money(Decimal(0), "RON"), "price_form"), (Money(Decimal(1), "USD"), "currency")],
)
def test_prices_that_emag_could_not_take_are_refused_without_a_call(price, code):
    refused = wire.build_price(PriceIntent(OfferRef("A", "7"), price), "RON")
    assert isinstance(refused, Rejected)
    assert refused.code == code


def test_a_price_in_another_currency_says_so():
    row = wire.build_price(PriceIntent(OfferRef("A", "7"), Money(Decimal(5), "EUR")), "RON")
    assert isinstance(row, wire.OfferSave)
    assert row.currency_type == "EUR"


def test_an_item_may_fail_under_an_envelope_that_says_all_is_well():
    """The example "offer update": outer isError false, inner true."""
    results = msgspec.Raw(b'{"7":{"isError":true,"messages":["Stock should be 0 or more"]},"8":{"isError":false,"messages":["ok"]}}')
    saved = wire.parse_saved(wire.Envelope(False, results=results), [7, 8])
    assert (saved[7].is_error, saved[8].is_error) == (True, False)
    assert wire.refusal_of(saved[7]) == Rejected("stock", "Stock should be 0 or more")


@pytest.mark.parametrize("results", [b"[]", b'{"7":{"isError":false}}', b'{"7":{"isError":false},"8":{}}'])
def test_an_item_that_emag_forgets_is_not_a_yes(results):
    with pytest.raises(OutcomeUnknown):
        wire.parse_saved(wire.Envelope(False, results=msgspec.Raw(results)), [7, 8])


# --- offers -------------------------------------------------------------------------------------------------------------------------------


def offer(**changed):
    given = msgspec.json.decode((FIXTURES / "product_offer_read.json").read_bytes())["results"][0]
    return wire.parse_offer(msgspec.json.encode({**given, **changed}))


def test_the_state_is_general_stock_and_the_reserve_is_what_waits():
    state = wire.state_of(offer(general_stock=20, estimated_stock="17"), OfferRef("A", "7"), "RON")
    assert (state.quantity, state.reserved) == (20, 3)


def test_an_unknown_stock_is_not_zero():
    state = wire.state_of(offer(general_stock=None, estimated_stock=""), OfferRef("A", "7"), "RON")
    assert (state.quantity, state.reserved) == (None, None)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, OfferStatus.LIVE),
        ({"status": 0}, OfferStatus.INACTIVE),
        ({"status": 2}, OfferStatus.INACTIVE),
        ({"offer_validation_status": {"value": 2}}, OfferStatus.BLOCKED),
        ({"validation_status": [{"value": 10}]}, OfferStatus.BLOCKED),
        ({"validation_status": {"value": 4, "description": "waiting"}}, OfferStatus.PENDING),
        ({"validation_status": [{"value": 12}]}, OfferStatus.LIVE),
        ({"validation_status": [{"value": 77}]}, OfferStatus.UNKNOWN),
        ({"validation_status": ""}, OfferStatus.UNKNOWN),
    ],
)
def test_the_status_of_an_offer_follows_the_table_in_2_8(changed, status):
    assert wire.offer_status(offer(**changed)) is status


@pytest.mark.parametrize(
    ("ean", "gtins"), [(["1", "2"], ("1", "2")), ("", ()), ({"0": "1"}, ("1",)), (5901234123457, ("5901234123457",)), (None, ())]
)
def test_codes_come_in_any_shape(ean, gtins):
    assert wire.remote_offer(offer(ean=ean), "RON").gtins == gtins


def test_one_bad_offer_is_parked_and_the_page_goes_on():
    results = msgspec.Raw(b'[{"id":"x1","part_number":"A"},{"id":8,"part_number":"B"}]')
    found, parked = wire.parse_offers(wire.Envelope(False, results=results), "RON")
    assert [one.ref for one in found] == [OfferRef("B", "8")]
    assert [one.external_id for one in parked] == ["x1"]


# --- orders -------------------------------------------------------------------------------------------------------------------------------


def test_an_order_in_our_words():
    got = parsed()
    assert (got.order_id, got.state, got.fulfilled_by) == ("412345678", OrderState.NEW, "seller")
    assert got.ordered_at == datetime(2026, 3, 2, 8, 15, 31, tzinfo=UTC)
    assert got.modified_at == datetime(2026, 3, 2, 8, 16, 2, tzinfo=UTC)
    assert got.dispatch_by == datetime(2026, 3, 4, 21, 59, 59, tzinfo=UTC)
    assert got.lines[0].ref == OfferRef("SKU-1", "243409")
    assert got.buyer is not None
    assert (got.buyer.name, got.buyer.pickup_point) == ("Ion Exemplu", "dce0-demo easybox Demo")


def test_amounts_are_the_platforms_facts():
    """Unit prices without VAT, VAT as a fraction, vouchers negative, shipping as its own charge (C14, C15)."""
    got = parsed()
    told = [(charge.kind, charge.money.amount) for charge in got.lines[0].charges]
    assert told == [
        (ChargeKind.PRODUCT, Decimal("88.2352")),
        (ChargeKind.TAX, Decimal("16.7647")),
        (ChargeKind.DISCOUNT, Decimal("-4.2")),
        (ChargeKind.TAX, Decimal("-0.8")),
    ]
    assert [(charge.kind, charge.money) for charge in got.charges] == [(ChargeKind.SHIPPING, Money(Decimal("14.99"), "RON"))]
    assert "eMAG" in got.lines[0].charges[2].label


def test_a_voucher_that_is_split_over_lines_is_not_counted_twice():
    both = [
        {"voucher_id": "875", "sale_price": "-4.2", "sale_price_vat": "-0.8"},
        {"voucher_id": 9, "sale_price": "-1", "sale_price_vat": "-0.19"},
    ]
    discounts = [charge.money.amount for charge in parsed(vouchers=both).charges if charge.kind is ChargeKind.DISCOUNT]
    assert discounts == [Decimal(-1)]


def test_a_deposit_is_a_fee_of_the_line():
    deposit = {"quantity": 6, "sale_price": "0.5", "vat_rate": 0, "product_name": "Taxa SGR metal"}
    fees = [charge for charge in parsed(products=[line(recycle_warranties=[deposit])]).lines[0].charges if charge.kind is ChargeKind.FEE]
    assert [(fee.money.amount, fee.label) for fee in fees] == [(Decimal("3.0"), "Taxa SGR metal")]


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"status": 0}, OrderState.CANCELLED),
        ({"status": 1}, OrderState.NEW),
        ({"status": 1, "is_complete": 0}, OrderState.PENDING),
        ({"status": 1, "payment_mode_id": 3, "payment_status": 0}, OrderState.PENDING),
        ({"status": 1, "payment_mode_id": 3, "payment_status": 1}, OrderState.NEW),
        ({"status": "2"}, OrderState.ACKNOWLEDGED),
        ({"status": 3}, OrderState.ACKNOWLEDGED),
        ({"status": 4}, OrderState.SHIPPED),
        ({"status": 5}, OrderState.SHIPPED),
        ({"status": 2, "products": [line(status=0)]}, OrderState.CANCELLED),
    ],
)
def test_states(changed, state):
    assert parsed(**changed).state is state


@pytest.mark.parametrize(
    ("status", "changed", "expected"),
    [
        (1, {}, (2, 0, 0)),
        (0, {}, (2, 2, 0)),
        (2, {"quantity": 1}, (2, 1, 0)),
        (2, {"status": 0}, (2, 2, 0)),
        (4, {}, (2, 0, 2)),
        (4, {"quantity": 1}, (2, 1, 1)),
        (4, {"quantity": "1", "storno_qty": "1"}, (2, 0, 2)),
        (5, {"quantity": 0, "storno_qty": 2}, (2, 0, 2)),
        (2, {"initial_qty": None, "quantity": "2.0000"}, (2, 0, 0)),
    ],
)
def test_running_totals_of_a_line(status, changed, expected):
    got = parsed(status=status, products=[line(**changed)]).lines[0]
    assert (got.ordered, got.cancelled, got.shipped) == expected


@pytest.mark.parametrize(("value", "asked"), [(None, 0), ("", 0), ([], 0), (0, 0), ({"status": 1}, 2), ("2026-03-02", 2)])
def test_a_wish_to_cancel_has_no_documented_shape(value, asked):
    assert parsed(cancellation_request=value).lines[0].cancel_requested == asked


@pytest.mark.parametrize("empty", [[], "", None, {}, False])
def test_lists_that_are_no_lists(empty):
    odd = dict.fromkeys(["vouchers", "shipping_tax_voucher_split", "details", "customer"], empty)
    got = parsed(**odd, products=[line(product_voucher_split=empty, recycle_warranties=empty)])
    assert len(got.lines) == 1
    assert got.buyer is None or got.buyer.name == ""


def test_lists_that_are_objects():
    """Numbers for keys, as PHP writes a list with holes, and the one voucher where a list should be (example order_update)."""
    one = {"id": "1234", "voucher_id": "387361", "sale_price": "-8.0645", "sale_price_vat": "-1.9355"}
    assert len(parsed(products={"1": line()}).lines) == 1
    assert Decimal("-8.0645") in [charge.money.amount for charge in parsed(vouchers=one).charges]


def test_an_order_without_a_name_is_valid():
    """C27: the order enters."""
    assert parsed(customer={**ORDER["customer"], "name": None, "shipping_contact": None}).buyer.name == ""
    assert parsed(customer=None, details=[]).buyer is None


def test_orders_fulfilled_by_emag_say_so():
    assert parsed(type="2").fulfilled_by == "marketplace"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status": 9}, "status 9"),
        ({"date": None, "created": ""}, "no date"),
        ({"products": "x"}, "list"),
        ({"products": [{"id": 1}]}, "status"),
        ({"products": [line(quantity="1.5")]}, "whole"),
        ({"products": [line(sale_price="free")]}, "number"),
        ({"date": "soon"}, "soon"),
    ],
)
def test_an_order_that_is_not_understood_is_parked_and_the_page_goes_on(changed, reason):
    """Rule 4."""
    results = msgspec.Raw(b"[" + order(**changed) + b"," + order(id="99") + b"]")
    found, parked = orders.parse_orders(wire.Envelope(False, results=results), NOW, "RON")
    assert [one.order_id for one in found] == ["99"]
    assert [one.external_id for one in parked] == ["412345678"]
    assert reason in parked[0].reason
    assert parked[0].raw == order(**changed)


def test_the_raw_body_of_an_order_is_untouched():
    assert parsed().raw == order()


# --- changes ------------------------------------------------------------------------------------------------------------------------------


def plan_cancel(*lines, reason=CancelReason.OUT_OF_STOCK, **changed):
    raw = order(**{"status": 2, **changed})
    return changes.plan_cancel(raw, orders.read(raw), CancelNotice("412345678", tuple(lines), reason))


def sent(plan):
    assert isinstance(plan, msgspec.Raw), plan
    return msgspec.json.decode(plan)


def test_an_order_goes_back_whole_with_only_what_must_change():
    """Section 5.5: ALL the fields initially read, also those that we do not know."""
    unknown = {"brand_new_field": {"a": [1, 2.50]}, "flags": [{"flag": "demo", "value": "1"}]}
    got = sent(plan_cancel(LineQuantity("9000001", 2), **unknown))
    assert got == {**ORDER, "status": 0, "reason_cancellation": 1, **unknown}


def test_bytes_of_unknown_fields_are_carried_as_they_came():
    raw = order(status=2)[:-1] + b',"big":12345678901234567890.123400}'
    assert b'"big":12345678901234567890.123400' in bytes(changes.build_order(raw, 0, {}, 1))


def test_a_part_is_a_smaller_quantity_and_a_whole_line_a_status():
    two = [line(), line(id=9000002, quantity=3, initial_qty=3)]
    got = sent(plan_cancel(LineQuantity("9000001", 2), LineQuantity("9000002", 1), products=two))
    assert got["status"] == 2
    assert [(row["status"], row["quantity"]) for row in got["products"]] == [(0, 2), (1, 2)]


def test_a_reason_that_was_read_as_an_object_is_sent_as_a_number():
    raw = order(status=2, reason_cancellation={"id": 31, "name": "x"})
    assert msgspec.json.decode(changes.build_order(raw, 3, {}))["reason_cancellation"] == 31


def test_the_type_is_sent_even_if_it_was_not_read():
    """Mandatory on save since August 2025."""
    assert msgspec.json.decode(changes.build_order(b'{"id":1,"status":2}', 4, {}))["type"] == 3


@pytest.mark.parametrize("reason", list(CancelReason))
def test_every_reason_has_a_code(reason):
    assert isinstance(sent(plan_cancel(LineQuantity("9000001", 2), reason=reason))["reason_cancellation"], int)


@pytest.mark.parametrize(
    ("changed", "lines", "code"),
    [
        ({"status": 1}, [LineQuantity("9000001", 2)], "acknowledge_first"),
        ({"status": 5}, [LineQuantity("9000001", 2)], "returned"),
        ({"type": 2}, [LineQuantity("9000001", 2)], "fulfilled_by_marketplace"),
        ({"status": 4}, [LineQuantity("9000001", 2)], "finalized"),
        ({"payment_mode_id": 3, "payment_status": 1}, [LineQuantity("9000001", 1)], "paid_by_card"),
        ({}, [LineQuantity("5", 1)], "unknown_line"),
        ({}, [LineQuantity("9000001", 1), LineQuantity("9000001", 2)], "too_many"),
        ({}, [], "no_lines"),
    ],
)
def test_what_emag_would_refuse_is_refused_before_the_call(changed, lines, code):
    refused = plan_cancel(*lines, **changed)
    assert isinstance(refused, Rejected)
    assert refused.code == code
    assert "412345678" in refused.message


def test_a_whole_cancellation_is_allowed_for_cards():
    assert sent(plan_cancel(LineQuantity("9000001", 2), payment_mode_id=3))["status"] == 0


def test_an_order_that_is_cancelled_already_needs_nothing():
    assert plan_cancel(LineQuantity("9000001", 2), status=0) == Accepted()


def plan_shipment(quantity=2, tracking_url="", **changed):
    raw = order(**{"status": 2, **changed})
    notice = ShipmentNotice("412345678", (LineQuantity("9000001", quantity),), "DPD", "0123456789", NOW, tracking_url)
    return changes.plan_shipment(raw, orders.read(raw), notice)


@pytest.mark.parametrize("status", [2, 3])
def test_a_shipment_finalises_the_order(status):
    assert sent(plan_shipment(status=status)) == {**ORDER, "status": 4}


@pytest.mark.parametrize("status", [4, 5])
def test_an_order_that_emag_finalised_itself_needs_nothing(status):
    """The first AWB that is issued through eMAG sets status 4."""
    assert plan_shipment(status=status) == Accepted()


@pytest.mark.parametrize(
    ("quantity", "changed", "code"), [(1, {}, "whole_order_only"), (2, {"status": 1}, "acknowledge_first"), (2, {"status": 0}, "cancelled")]
)
def test_shipments_that_emag_does_not_know(quantity, changed, code):
    refused = plan_shipment(quantity, **changed)
    assert isinstance(refused, Rejected)
    assert refused.code == code


@pytest.mark.parametrize(
    ("url", "attached"),
    [("https://labels.example/a.PDF?x=1", True), ("https://track.example/0123456789", False), ("", False), ("ftp://x/a.pdf", False)],
)
def test_only_a_pdf_can_carry_the_number_of_another_courier(url, attached):
    notice = ShipmentNotice("412345678", (), "DPD", "0123456789", NOW, url)
    attachment = changes.build_awb_attachment(notice)
    assert (attachment is not None) is attached
    if attachment:
        assert (attachment.type, attachment.name, attachment.order_type) == (10, "AWB DPD 0123456789", 3)
