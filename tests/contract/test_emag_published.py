"""eMAG publishes no OpenAPI: what adapter and emulator say is held against the vendor's text 4.4.9 and its example files.

Adapter and emulator could share a misreading; a field that neither the text nor the list below knows is one.
"""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import msgspec
import pytest

from stallkit.adapters.emag import orders, wire
from stallkit.adapters.emag.adapter import Adapter
from stallkit.adapters.emag.changes import REASONS
from stallkit.adapters.emag.emulator import CONFIG, Emulator
from stallkit.adapters.emag.manifest import HOSTS, MANIFEST
from stallkit.http import Door
from stallkit.testing.published import specs_folder
from stallkit.testing.serving import EmulatorTransport
from stallkit.types import CancelNotice, CancelReason, LineQuantity, Money, OfferRef, PriceIntent, ShipmentNotice, StockIntent

FOLDER = specs_folder() / "emag"
TEXT = FOLDER / "emag_marketplace_api_v4.4.9.txt"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

SEEN_LIVE = {
    # order/read, in replies that public clients of the API map (FACTS.md, C2)
    "cancellation_request",
    "finalization_date",
    "flags",
    "has_editable_products",
    "initial_qty",
    "late_shipment",
    "maximum_date_for_shipment",
    "original_price",
    "payment_mode",
    "proforms",
    "storno_qty",
    "reversible_vat_charging",
    # the counting routes (C2)
    "noOfItems",
    "noOfPages",
}
"""Fields that the text does not have, with the reason to use them all the same."""


@pytest.fixture(scope="module")
def text():
    if not TEXT.is_file():
        pytest.skip(f"the vendor's text is not in {TEXT.parent} (set STALLKEEPER_SPECS)")
    return TEXT.read_text("utf-8")


def example(name):
    path = FOLDER / "examples" / name
    if not path.is_file():
        pytest.skip(f"the example {name} is not in {path.parent} (set STALLKEEPER_SPECS)")
    return path.read_text("utf-8")


def json_parts(told):
    """Every JSON value that starts a line of its own in a text."""
    found, at = [], 0
    for start in (match.start() for match in re.finditer(r"^[\[{]", told, re.MULTILINE)):
        if start >= at:
            value, at = json.JSONDecoder().raw_decode(told, start)
            found.append(value)
    return found


class Traffic:
    """Every capability once, with everything that went over the wire."""

    def __init__(self):
        self.sent, self.got = [], []
        shop = Emulator(lambda: NOW, limits_scale=0.0001)
        hooks = {"request": [lambda request: self.sent.append((request.url.path, request.content))], "response": [self.keep]}
        client = httpx.Client(transport=EmulatorTransport(shop), event_hooks=hooks)
        self.adapter = Adapter(CONFIG, Door(client, "http://emag.invalid/api-3", NoPacer(), lambda: NOW), lambda: NOW)
        self.run(shop)

    def keep(self, response):
        self.got.append((response.request.url.path, response.read()))

    def run(self, shop):
        adapter, ref, lev = self.adapter, OfferRef("RED", "243409"), Money(Decimal("5.1234"), "EUR")
        shop.add_offer("RED", quantity=10, gtin="5901234123457")
        first, second = shop.place_order([("RED", 2)]), shop.place_order([("RED", 1)])
        adapter.probe()
        adapter.read_offers("")
        adapter.read_states([ref])
        adapter.write_stock([StockIntent(ref, 9)])
        adapter.write_prices([PriceIntent(ref, lev, lev, lev)])
        adapter.pull_orders(adapter.pull_orders("").cursor)
        for order_id in (first, second):
            adapter.acknowledge(order_id)
        adapter.cancel_lines(CancelNotice(first, (LineQuantity("1", 2),), CancelReason.OUT_OF_STOCK))
        adapter.confirm_shipment(ShipmentNotice(second, (LineQuantity("1", 1),), "DPD", "1", NOW, "https://labels.example/1.pdf"))


class NoPacer:
    def spend(self, limit, cost=1.0):
        pass

    def block(self, limit, seconds):
        pass


@pytest.fixture(scope="module")
def fields(text):
    """Every word of the text and of its examples that could be the name of a field."""
    told = text + "".join(path.read_text("utf-8") for path in sorted((FOLDER / "examples").glob("*.txt")))
    return set(re.findall(r"\w+", told))


@pytest.fixture(scope="module")
def traffic():
    return Traffic()


def keys(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            if not name.isdigit():  # ids as keys
                yield name
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_every_field_that_we_send_is_in_the_text(fields, traffic):
    sent = {name for _, body in traffic.sent for name in keys(json.loads(body))}
    assert {"stock", "warehouse_id", "value", "sale_price", "currency_type", "modifiedAfter", "order_type"} <= sent
    assert sent - fields - SEEN_LIVE == set()


def test_every_field_that_the_emulator_answers_is_in_the_text(fields, traffic):
    got = {name for _, body in traffic.got if body for name in keys(json.loads(body))}
    assert {"general_stock", "estimated_stock", "ext_part_number", "reason_cancellation"} <= got
    assert got - fields - SEEN_LIVE == set()


def test_every_field_that_we_read_is_in_the_text(fields):
    structs = (
        wire.ListedOffer,
        wire.Check,
        orders.Order,
        orders.Line,
        orders.Customer,
        orders.Details,
        orders.Split,
        orders.Voucher,
        orders.Warranty,
    )
    read = {field.encode_name for struct in structs for field in msgspec.structs.fields(struct)}
    assert read - fields - SEEN_LIVE == set()


def test_the_list_of_undocumented_fields_is_not_longer_than_needed(fields):
    assert SEEN_LIVE & fields == set()


def test_every_route_that_we_call_is_in_the_text(text, traffic):
    routes = {re.sub(r"/\d+$", "", path.removeprefix("/api-3/")) for path, _ in traffic.sent}
    assert routes == {
        "vat/read",
        "product_offer/read",
        "offer/save",
        "order/read",
        "order/acknowledge",
        "order/save",
        "order/attachments/save",
    }
    table = re.sub(r"\s+", " ", text)
    for route in routes:
        resource, action = route.rsplit("/", 1)
        assert re.search(rf"\b{resource}\b", table), resource
        assert re.search(rf"\b{action}\b", table), action


DOCUMENTED = [
    # what, in which part of the text, field, what its description must say
    ("PRODUCT_OFFER – read", "general_stock", r"sum of the stock on all seller warehouses.*decremented and incremented.*\nInteger"),
    ("PRODUCT_OFFER – read", "estimated_stock", r"reserved stock on unacknowledged orders.*\nInteger"),
    ("PRODUCT_OFFER – read", "part_number", r"String"),
    ("PRODUCT_OFFER – read", "sale_price", r"without VAT\nDecimal"),
    ("The following filters are available when counting and reading products", "id", r"Integer value between 1 and"),
    ("Attaching offers on existing products\n", "stock", r"List of arrays"),
    ("Attaching offers on existing products\n", "id", r"between 1 and 16777215"),
    ("Order fields\nAn order", "status", r"between 0 and 5"),
    ("Order fields\nAn order", "type", r"fulfilled by eMAG[\s\S]*mandatory"),
    ("Order fields\nAn order", "date", r"YYYY-mm-dd HH:ii:ss"),
    ("Order fields\nAn order", "is_complete", r"Integer"),
    ("Product field in order details\nKey", "product_id", r"Seller internal product id"),
    ("Product field in order details\nKey", "quantity", r"Positive, different than 0"),
    ("Product field in order details\nKey", "sale_price", r"without VAT.\nRequired"),
    ("Product field in order details\nKey", "ext_part_number", r"Your unique identifier"),
    ("Order filters\nYou can read", "modifiedAfter", r"Maximum 1 month difference"),
    ("Order filters\nYou can read", "status", r"single value or a list of values"),
    ("Order invoices and warranties\nWhen", "url", r"Required. String between 1 and 1024"),
    ("Order invoices and warranties\nWhen", "name", r"between 1 and 60 characters"),
]


@pytest.mark.parametrize(("part", "field", "said"), DOCUMENTED)
def test_the_text_says_what_we_rely_on(text, part, field, said):
    """Each field's description within its table (the table is plain text: name, description, constraint, example)."""
    start = text.index(part)
    described = re.search(rf"^{field}\s*\n([\s\S]{{0,700}})", text[start:], re.MULTILINE)
    assert described, f"{field} is not in the part {part.splitlines()[0]!r}"
    assert re.search(said, described.group(1)), described.group(1)[:200]


def test_hosts_limits_and_sizes_are_those_of_the_text(text):
    for _, url in HOSTS:
        assert url in text
    assert "Maximum 12 requests per second or 720 requests per minute" in text
    assert "max. 3 requests per second or 180 requests per minute" in text
    assert f"the limit is {MANIFEST.stock_batch} entities per request" in text
    assert f"Integer between 0 and {MANIFEST.quirks.max_quantity}" in text
    assert '{"message":"API rate limit exceeded"}' in text


def test_the_reasons_of_cancellations_are_in_the_list(text):
    part = text[text.index("The order cancellation reason") : text.index("enforced_vendor_courier_accounts\n")]
    listed = {int(code): words for code, words in re.findall(r"^(\d+) - +(.+)$", part, re.MULTILINE)}
    assert set(REASONS.values()) <= set(listed)
    assert listed[REASONS[CancelReason.OUT_OF_STOCK]] == "Out of stock"
    assert listed[REASONS[CancelReason.BUYER_ASKED]] == "By customer request"


# --- examples -----------------------------------------------------------------------------------------------------------------------------


def test_the_example_of_an_offer_update():
    """Our rows are written as its requests are, and its replies are read."""
    parts = json_parts(example("Request&response example - offer update.txt"))
    requests, replies = [part for part in parts if isinstance(part, list)], [part for part in parts if isinstance(part, dict)]
    assert (len(requests), len(replies)) == (4, 2)
    for row in (request[0] for request in requests):
        known = {name: value for name, value in row.items() if name in {field.name for field in msgspec.structs.fields(wire.OfferSave)}}
        assert json.loads(wire.build_save([msgspec.convert(known, wire.OfferSave)])) == [known]
    results = [wire.parse_saved(envelope(reply), [1235122]) for reply in replies]
    assert [result[1235122].is_error for result in results] == [False, True]
    assert wire.refusal_of(results[1][1235122]).code == "stock"


def envelope(reply):
    return msgspec.json.decode(json.dumps(reply), type=wire.Envelope)


def test_the_replies_of_the_single_stock_route_are_the_emulators():
    parts = json_parts(example("offer_stock.txt"))
    shop = Emulator(lambda: NOW, limits_scale=0.0001)
    shop.add_offer("RED", quantity=1)
    shop.offers["RED"].refuse_stock = parts[-1]["errors"][0]["message"]
    client = httpx.Client(
        transport=EmulatorTransport(shop), auth=(CONFIG["user"], CONFIG["password"]), base_url="http://emag.invalid/api-3"
    )
    got = [client.patch(f"/offer_stock/{key}", json=parts[0]).json() for key in ("999", "243409")]
    assert got == [parts[3], parts[5]]
    assert client.patch("/offer_stock/243409", content=b"{}").json() == parts[4]


def test_a_read_without_results_is_an_empty_list():
    reply = json_parts(example("reading_rma_norequests.txt").replace("response: ", "response:\n"))[-1]
    assert wire.parse_rows(envelope(reply)) == []


def test_the_example_of_an_order_is_read():
    """PHP notation, with two slips of the pen in it; read field by field."""
    told = example("order_update.txt")
    order = php_order(told)
    got = orders.parse_order(json.dumps(order).encode(), NOW, "RON")
    assert (got.order_id, got.remote_state, got.lines[0].ref.external_id) == ("41200", "3 prepared", "1264")
    assert got.lines[0].charges[0].money == Money(Decimal("967.6613"), "RON")
    assert [charge.money.amount for charge in got.charges] == [Decimal("-8.0645"), Decimal("-1.9355")]
    assert got.buyer.name == "Name Surname"


def php_order(told):
    """The example's blocks by indentation: order fields, customer, the one product, the voucher that stands where a list should."""
    pairs = re.findall(r"^( *)'(\w+)' => '?([^'\n]*?)'?,$", told, re.MULTILINE)
    depths = sorted({len(indent) for indent, _, _ in pairs})
    level = {depth: {name: value for indent, name, value in pairs if len(indent) == depth} for depth in depths}
    fields, customer, product = (level[depth] for depth in depths)
    voucher = json.loads("{" + told[told.index('"id":"1234"') : told.index('"vat":"0.24"')] + '"vat":"0.24"}')
    order = {name: None if value == "NULL" else value for name, value in fields.items()}
    return {**order, "details": [], "customer": customer, "products": {"0": {**product, "details": []}}, "vouchers": voucher}
