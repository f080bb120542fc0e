"""What the Ozon adapter declares. "Seller API" is Ozon's own description of it, as published in June 2026 (README, Sources)."""

from __future__ import annotations

from datetime import timedelta

from stallkit.manifest import Basis, Capability, Limit, Manifest, Observer, OwnSale, Quirks, Setting, SettingKind
from stallkit.words import said as _

# Ozon counts 50 requests a second per Client-Id over all methods, and 80 requests a minute for stock. A token bucket lets "capacity +
# refill" calls into one window: the four buckets together stay under 50 in any second, and that of stock under 80 in any minute.
ORDERS = Limit("orders", 10, timedelta(seconds=1), "Seller API, Errors: 50/s per Client-Id over all methods; this bucket: 20 of them")
STOCK = Limit("stock", 10, timedelta(seconds=9), "Seller API, /v2/products/stocks: 80/min; 10 at once and 67/min stay under it")
LABELS = Limit("labels", 4, timedelta(seconds=2), "Seller API, Errors: 50/s per Client-Id over all methods; this bucket: 6 of them")
OTHER = Limit("other", 6, timedelta(seconds=1), "Seller API, Errors: 50/s per Client-Id over all methods; this bucket: 12 of them")

REWRITE_AFTER = timedelta(seconds=30)
"""Seller API, /v2/products/stocks: one product-warehouse pair once in 30 seconds."""
STOCK_BATCH = 100
"""Seller API, /v2/products/stocks: 100 product-warehouse pairs a request."""
READ_BATCH = 1_000
"""Seller API, /v2/product/info/stocks-by-warehouse/fbs: up to 1,000 offer_id a request."""

SETTINGS = (
    Setting("client_id", _("Client ID"), help=_("Seller account, Settings, API keys: the number above the list of keys.")),
    Setting(
        "api_key",
        _("API key"),
        SettingKind.SECRET,
        help=_(
            'Seller account, Settings, API keys: a key of type "Admin", or with the roles for products, stock, prices, FBS orders, '
            "warehouses and returns. It lives for six months."
        ),
    ),
)

FBS_TELLS_NOTHING = "FBS: the goods are Ozon's business once the posting is packed; shown on rFBS postings in tests/contract/test_ozon.py"
SHOWN_ON_RFBS = (
    "whole_order",
    "rate_limit",
    "rate_limit_silent",
    "server_error",
    "server_error_after",
    "dropped_before",
    "dropped_after",
    "html",
    "cut_json",
    "revoked",
    "address_blocked",
)
NO_CARRIER = "no call of the Seller API takes a carrier: Ozon knows it from the delivery method"
UNITS_LESS = "Ozon shows a posting without the units that were cancelled of it: fewer are ordered, none is told as cancelled (README)"

MANIFEST = Manifest(
    platform="ozon",
    title="Ozon",
    capabilities=frozenset(
        {
            Capability.PROBE,
            Capability.READ_WAREHOUSES,
            Capability.READ_OFFERS,
            Capability.READ_STATES,
            Capability.WRITE_STOCK,
            Capability.WRITE_PRICES,
            Capability.PULL_ORDERS,
            Capability.READ_ORDER,
            Capability.ACKNOWLEDGE,
            Capability.CONFIRM_SHIPMENT,
            Capability.CANCEL_LINES,
            Capability.READ_LABELS,
            Capability.READ_RETURNS,
            Capability.HINTS,
        }
    ),
    settings=SETTINGS,
    limits=(ORDERS, STOCK, LABELS, OTHER),
    currencies=("RUB", "BYN", "KZT", "EUR", "USD", "CNY"),  # Seller API, currency_code: what a seller's prices may be in
    hosts=(("ru", "https://api-seller.ozon.ru"),),
    sites=(("ru", "Ozon"),),
    quirks=Quirks(
        own_sale_lowers=OwnSale.AT_ORDER,
        cancel_raises=True,
        basis=Basis.NET,
        max_quantity=999_999,  # Seller API, Errors, STOCK_TOO_BIG: less than a million
        acknowledge_before_ship=True,
        partial_line_cancel=True,
        partial_shipments=False,
        observer=Observer.RESERVE,
        per_warehouse=True,
        rewrite_after=REWRITE_AFTER,
        split_within=timedelta(
            minutes=10
        ),  # assumed: its lists are of one moment, and all that is not delivered is read every five minutes
    ),
    order_interval=timedelta(seconds=5),
    order_freshness=timedelta(seconds=15),
    stock_batch=STOCK_BATCH,
    read_batch=READ_BATCH,
    hint_networks=("195.34.21.0/24", "185.73.192.0/22", "91.223.93.0/24"),  # Seller API, push notifications
    skips=(
        ("*.token_expired", "the key goes with every call: there is no token that could expire and be renewed"),
        *((f"shipment.{name}", FBS_TELLS_NOTHING) for name in SHOWN_ON_RFBS),
        ("shipment.known_carrier", NO_CARRIER),
        ("shipment.unknown_carrier", NO_CARRIER),
        ("shipment.partial_lines", "a posting leaves as a whole: who wants to send less splits it in Ozon's screen"),
        ("cancel.part_of_a_line", UNITS_LESS),
        ("orders.partial_cancellation_seen", UNITS_LESS),
        ("orders.cancel_request_seen", "FBS: buyers cancel without asking; shown on rFBS postings in tests/contract/test_ozon.py"),
        ("orders.buyer_is_told", "FBS: Ozon does not name the buyer; shown on rFBS postings in tests/contract/test_ozon.py"),
    ),
)
