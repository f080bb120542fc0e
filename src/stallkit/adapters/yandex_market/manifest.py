"""What the Yandex Market adapter declares. "Limits" is the page on limits of the vendor's documentation (September 2025); the pages of the
single methods (2026) name their own."""

from __future__ import annotations

from datetime import timedelta

from stallkit.manifest import Basis, Capability, Limit, Manifest, Observer, OwnSale, Quirks, Setting, SettingKind
from stallkit.words import said as _

# The Market counts calls per resource and per minute or hour. A token bucket lets "capacity + refill" calls into one window, so each bucket
# is cut to stay under the window: capacity and refill together make the published number. Being refused (HTTP 420) shuts the resource, and
# the counters are worked out anew only hours later, so what is given away here is cheap.
ORDERS = Limit("orders", 1_000, timedelta(seconds=40), "method page: 100,000 an hour; 1,000 at once and 90,000 an hour stay under it")
ACTIONS = Limit("order_actions", 1_000, timedelta(seconds=40), "Limits: 100,000 an hour for boxes, status, tracks and labels")
DECISIONS = Limit("cancel_decisions", 50, timedelta(seconds=400), "Limits: 500 an hour for answers to requests to cancel")
RETURNS = Limit("returns", 1_000, timedelta(seconds=400), "Limits: 10,000 an hour")
CATALOGUE = Limit("catalogue", 100, timedelta(seconds=12), "Limits: 600 a minute for offer-mappings")
STOCK_WRITE = Limit("stock_write", 10, timedelta(seconds=15), "method page: 50 a minute; 10 at once and 40 a minute stay under it")
STOCK_READ = Limit("stock_read", 100, timedelta(seconds=15), "method page: 500 a minute")
GROUP_WRITE = Limit("group_stock_write", 40, timedelta(seconds=15), "Limits: 100,000 items a minute, and we send up to 500 in a call")
GROUP_READ = Limit("group_stock_read", 40, timedelta(seconds=15), "Limits: 100,000 items a minute, and we ask for up to 500 in a call")
PRICES = Limit(
    "prices", 4, timedelta(seconds=15), "Limits: 10,000 items a minute for one shop; taken for the cabinet too, where none is named"
)
ACCOUNT = Limit("account", 100, timedelta(seconds=400), "Limits: 1,000 an hour for shops, warehouses and the key")

SETTINGS = (
    Setting(
        "api_key",
        _("API key"),
        SettingKind.SECRET,
        _(
            "Made in the cabinet under Settings, API and modules. "
            "It needs the rights to process orders, to manage products, and for prices."
        ),
    ),
    Setting(
        "business_id",
        _("Cabinet"),
        SettingKind.INTEGER,
        _("The number of the cabinet (businessId). Leave it empty to take the one that the key belongs to."),
        required=False,
    ),
    Setting(
        "campaign_ids",
        _("Shops"),
        help=_("Numbers of shops (campaignId), with commas between them, if only their orders shall be taken. Empty: all of the cabinet."),
        required=False,
    ),
    Setting(
        "price_campaign_id",
        _("Shop with prices of its own"),
        SettingKind.INTEGER,
        _(
            "Prices are set for the whole cabinet. "
            "Where it allows prices per shop, the number of the shop (campaignId) whose prices are ours."
        ),
        required=False,
    ),
    Setting(
        "test_orders",
        _("Take test orders instead of real ones"),
        SettingKind.BOOLEAN,
        _("The orders that the cabinet's own tool for tests makes. Only for trying the connection."),
        required=False,
    ),
)

MANIFEST = Manifest(
    platform="yandex_market",
    title="Yandex Market",
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
    limits=(ORDERS, ACTIONS, DECISIONS, RETURNS, CATALOGUE, STOCK_WRITE, STOCK_READ, GROUP_WRITE, GROUP_READ, PRICES, ACCOUNT),
    currencies=("RUB", "BYN", "KZT", "UZS"),
    hosts=(("main", "https://api.partner.market.yandex.ru"),),
    quirks=Quirks(
        own_sale_lowers=OwnSale.AT_ORDER,
        cancel_raises=True,
        basis=Basis.NET,
        max_quantity=2_000_000_000,
        partial_line_cancel=True,
        partial_shipments=False,
        observer=Observer.RESERVE,
        per_warehouse=True,
        shown_after=timedelta(minutes=15),  # Partner API, stock update: the shop window changes within so long
    ),
    order_interval=timedelta(seconds=5),
    order_freshness=timedelta(seconds=15),
    stock_batch=500,  # 2,000 may be sent, but a body holds 512 KB, and prices are sent by 500
    read_batch=500,
    hint_networks=("5.45.207.0/25", "141.8.142.0/25", "5.255.253.0/25"),
    skips=(
        ("*.token_expired", "an API key has no token that could expire and be renewed"),
        ("orders.buyer_is_told", "the list of orders names no buyer; another call does, for DBS orders only (README)"),
        (
            "orders.cancel_request_seen",
            "a buyer's cancellation takes effect by itself here; requests are for DBS orders on their way (test_yandex_market_dbs)",
        ),
        (
            "shipment.whole_order",
            "FBS and Express goods go out with the Market's own tracking numbers; it is shown for DBS (test_yandex_market_dbs)",
        ),
        ("shipment.known_carrier", "FBS and Express goods are carried by the Market; it is shown for DBS (test_yandex_market_dbs)"),
        ("shipment.unknown_carrier", "the Market takes a number from its own list of delivery services, and no other names"),
        ("shipment.partial_lines", "an order leaves as a whole (README)"),
        (
            "cancel.part_of_a_line",
            "the only product of an order cannot be reduced; with two products it is shown in test_yandex_market_orders",
        ),
    ),
)
