"""Walmart's published contracts (August 2023) as a check on the emulator's traffic, corrected where they are known to be wrong.

A contract is not corrected to fit the emulator, but to fit its own examples; each ``amend_`` function names its source.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import parse_qs, urlsplit

import httpx

from stallkit.http import Exchange
from stallkit.testing.emulator import Emulator
from stallkit.testing.published import Document, Published, ValidatingTransport, Validator
from stallkit.testing.serving import EmulatorTransport

OUTSIDE = (("GET", "/v3/settings/partnerprofile"),)
"""Calls that none of the files describes: the settings file is not among them."""
UNDESCRIBED_FEEDS = {"PRICE_AND_PROMOTION"}
"""Feed types younger than the contracts. Their bodies follow the page "Update pricing for multiple items in bulk (New)"."""


def schema(document: Document, name: str) -> Document:
    components = cast("dict[str, dict[str, Document]]", document["components"])
    return components["schemas"][name]


def prop(document: Document, name: str, field: str) -> Document:
    return cast("dict[str, Document]", schema(document, name)["properties"])[field]


def relink(document: Document, name: str, field: str, to: str) -> None:
    """Let a property point to another schema of the file."""
    cast("Document", schema(document, name)["properties"])[field] = {"$ref": f"#/components/schemas/{to}"}


def demand_less(document: Document, name: str, *fields: str) -> None:
    """These fields may be missing."""
    known = schema(document, name)
    known["required"] = [field for field in cast("list[str]", known.get("required", [])) if field not in fields] or ["country"]


def amend_orders(document: Document) -> None:
    """Order lines point to refund lines by mistake, in replies and in shipments: the file's examples, and its otherwise unused schemas
    OrderLinesType and ShippingLinesType, show what is meant. One order comes wrapped in "order", with its date in milliseconds (example).
    The buyer's name may be missing (the requirement C27 of this project: seen in production on marketplaces)."""
    relink(document, "GetOrderResponseRecord", "orderLines", "OrderLinesType")
    relink(document, "OrderShipmentRecord", "orderLines", "ShippingLinesType")
    relink(document, "ShippingLineType", "orderLineStatuses", "ShipLineStatusesType")
    paths = cast("dict[str, dict[str, dict[str, dict[str, Document]]]]", document["paths"])
    paths["/v3/orders/{purchaseOrderId}"]["get"]["responses"]["200"]["content"] = {
        "application/json": {"schema": {"$ref": "#/components/schemas/GetOrderResponse"}}
    }
    demand_less(document, "PostalAddressType", "name", "addressType")


def amend_inventory(document: Document) -> None:
    """The list of all items' stock points to the request schema; the example is a list of items with their nodes."""
    nodes = {"type": "array", "items": {"$ref": "#/components/schemas/GetAllInventoriesNodeDTO"}}
    item = {"type": "object", "required": ["sku", "nodes"], "properties": {"sku": {"type": "string"}, "nodes": nodes}}
    elements = {"type": "object", "required": ["inventories"], "properties": {"inventories": {"type": "array", "items": item}}}
    cast("Document", schema(document, "MultiNodeInventoryFetchResponseDTO")["properties"])["elements"] = elements


def amend_items(document: Document) -> None:
    """The amount of a price is called text; the example has a number."""
    for name in cast("dict[str, dict[str, Document]]", document["components"])["schemas"]:
        if cast("Document", schema(document, name).get("properties", {})).keys() == {"amount", "currency"}:
            prop(document, name, "amount")["type"] = "number"


def amend_price(document: Document) -> None:
    """The reply to a single price comes inside "ItemPriceResponse" (example)."""
    paths = cast("dict[str, dict[str, dict[str, dict[str, Document]]]]", document["paths"])
    content = cast("dict[str, Document]", paths["/v3/price"]["put"]["responses"]["200"]["content"])
    inner = content["application/json"]["schema"]
    content["application/json"]["schema"] = {
        "type": "object",
        "required": ["ItemPriceResponse"],
        "properties": {"ItemPriceResponse": inner},
    }


def contracts() -> list[Validator]:
    """One per file that describes a call of the adapter; the order matters only for POST /v3/feeds, see ``Transport``."""
    folder = "openapi-2023"
    return [
        Published.openapi("walmart", f"{folder}/auth.json"),
        Published.openapi("walmart", f"{folder}/orders.json", amend=amend_orders),
        Published.openapi("walmart", f"{folder}/inventory.json", amend=amend_inventory),
        Published.openapi("walmart", f"{folder}/price.json", amend=amend_price),
        Published.openapi("walmart", f"{folder}/items.json", amend=amend_items),
        Published.openapi("walmart", f"{folder}/feeds.json"),
    ]


class Transport(ValidatingTransport):
    """Reaches the emulator and checks each exchange. Several files describe POST /v3/feeds: that of the stock feed comes first."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(EmulatorTransport(emulator), contracts(), OUTSIDE)

    def check(self, exchange: Exchange) -> None:
        feed_type = parse_qs(urlsplit(exchange.url).query).get("feedType", [""])[0]
        if not (exchange.method == "POST" and feed_type in UNDESCRIBED_FEEDS):
            super().check(exchange)


def client(emulator: Emulator) -> httpx.Client:
    """A client whose every exchange must keep to the contracts."""
    return httpx.Client(transport=Transport(emulator))
