"""What the Wildberries adapter declares. Sources are the contracts on dev.wildberries.ru as of 18.08.2026, by the names of their files:
02 (products), 03 (orders FBS), 09 (communication), 01 (general). Limits are those of a personal token."""

from __future__ import annotations

from datetime import timedelta

from stallkit.manifest import Basis, Capability, Limit, Manifest, Observer, OwnSale, Quirks, Setting, SettingKind
from stallkit.words import said as _

SANDBOX = "sandbox"
SITES = (("ru", "Wildberries"), (SANDBOX, "Wildberries sandbox"))
HOSTS = (("ru", "https://marketplace-api.wildberries.ru"), (SANDBOX, "https://marketplace-api-sandbox.wildberries.ru"))
CONTENT, PRICES_HOST, RETURNS_HOST, COMMON = "content", "prices", "returns", "common"
MORE_HOSTS = (
    ("ru", CONTENT, "https://content-api.wildberries.ru"),
    ("ru", PRICES_HOST, "https://discounts-prices-api.wildberries.ru"),
    ("ru", RETURNS_HOST, "https://returns-api.wildberries.ru"),
    ("ru", COMMON, "https://common-api.wildberries.ru"),
    (SANDBOX, CONTENT, "https://content-api-sandbox.wildberries.ru"),
    (SANDBOX, PRICES_HOST, "https://discounts-prices-api-sandbox.wildberries.ru"),
)
"""The sandbox has neither returns nor the seller's name."""


def bucket(name: str, burst: int, interval_ms: int, source: str, refusal_cost: float = 1.0) -> Limit:
    """Wildberries states a burst and the interval at which one more call is allowed: a token bucket, in the words of ``Limit``."""
    return Limit(name, burst, burst * timedelta(milliseconds=interval_ms), source, refusal_cost)


# In the category Marketplace a 4XX counts as ten calls (02 and 03, "Один запрос с кодами ответов 4XX").
ORDERS = bucket("orders", 20, 200, "03: 300 a minute, burst 20, for orders and supplies together", 10)
CANCELS = bucket("cancels", 20, 600, "03, PATCH /api/v3/orders/{orderId}/cancel: 100 a minute, burst 20", 10)
STOCKS = bucket("stocks", 20, 200, "02, /api/v3/stocks/{warehouseId}: 300 a minute, burst 20", 10)
WAREHOUSES = bucket("warehouses", 20, 200, "02, /api/v3/warehouses: 300 a minute, burst 20", 10)
CARDS = bucket("cards", 5, 600, "02, POST /content/v2/get/cards/list: 100 a minute, burst 5")
PRICES = bucket("prices", 5, 600, "02, prices and discounts: 10 in 6 s, burst 5")
CLAIMS = bucket("claims", 10, 3_000, "09, GET /api/v1/claims: 20 a minute, burst 10")
SELLER = bucket("seller", 10, 60_000, "01, GET /api/v1/seller-info: 1 a minute, burst 10")

DBS = bucket("dbs", 20, 200, "05: 300 a minute, burst 20, for assembly orders DBS", 10)
DBS_ACTIONS = bucket("dbs_actions", 10, 1_000, "05, POST .../dbs/orders/status/confirm and others: 1 a second, burst 10", 10)

SANDBOX_LIMITS = {
    "": bucket("sandbox_marketplace", 1, 1_000, "03, sandbox: one call a second over all methods of a category"),
    CONTENT: bucket("sandbox_content", 1, 1_000, "02, sandbox: one call a second over all methods of a category"),
    PRICES_HOST: bucket("sandbox_prices", 1, 1_000, "02, sandbox: one call a second over all methods of a category"),
}
"""By host: what takes the place of all other limits in the sandbox."""

LABELS = (("png", "PNG picture"), ("svg", "SVG drawing"), ("zplv", "ZPL, upright"), ("zplh", "ZPL, lying"))

SETTINGS = (
    Setting("site", _("Platform"), SettingKind.CHOICE, default="ru", choices=SITES),
    Setting(
        "token",
        _("API token"),
        SettingKind.SECRET,
        _("A personal token with the categories Marketplace, Content, Prices and Returns, not read-only. It lives for 180 days."),
    ),
    Setting(
        "with_dbs",
        _("Also read orders that you deliver yourself"),
        SettingKind.BOOLEAN,
        _("Schemes DBS and express. Without it, warehouses of these schemes cannot be used."),
        required=False,
    ),
    Setting(
        "label_format",
        _("Form of the stickers"),
        SettingKind.CHOICE,
        _("58 × 40 mm each; ZPL is for label printers that speak it."),
        required=False,
        default="png",
        choices=LABELS,
    ),
)

MANIFEST = Manifest(
    platform="wildberries",
    title="Wildberries",
    capabilities=frozenset(
        {
            Capability.PROBE,
            Capability.READ_WAREHOUSES,
            Capability.READ_OFFERS,
            Capability.READ_STATES,
            Capability.WRITE_STOCK,
            Capability.PULL_ORDERS,
            Capability.READ_ORDER,
            Capability.ACKNOWLEDGE,
            Capability.CONFIRM_SHIPMENT,
            Capability.CANCEL_LINES,
            Capability.READ_LABELS,
            Capability.READ_RETURNS,
            Capability.BULK_PRICES,
            Capability.RESOLVE_TICKET,
        }
    ),
    settings=SETTINGS,
    limits=(ORDERS, CANCELS, STOCKS, WAREHOUSES, CARDS, PRICES, CLAIMS, SELLER, DBS, DBS_ACTIONS, *SANDBOX_LIMITS.values()),
    currencies=("RUB", "BYN", "KZT", "KGS", "AMD", "UZS", "TJS", "GEL", "CNY"),
    hosts=HOSTS,
    sites=SITES,
    more_hosts=MORE_HOSTS,
    quirks=Quirks(
        own_sale_lowers=OwnSale.AT_ORDER,  # FACTS, "Stock and reservations": the figure falls when an order is placed
        observer=Observer.FALL,  # one figure per size and warehouse, no reserve (02, POST /api/v3/stocks/{warehouseId})
        cancel_raises=False,  # FACTS: not reliably given back; believing less than there is cannot oversell
        basis=Basis.NET,
        per_warehouse=True,
        max_quantity=100_000,  # 02, PUT /api/v3/stocks/{warehouseId}, amount
        price_decimals=0,  # 02, POST /api/v2/upload/task: "Price should be a whole number"
        acknowledge_before_ship=True,  # 03: only orders in a supply are handed over
        buyer_may_cancel_until="acknowledged",  # 03, declined_by_client: in the first hour, unless the order is being assembled
        tracking_numbers_per_line=0,
    ),
    order_interval=timedelta(seconds=5),
    order_freshness=timedelta(seconds=15),
    stock_batch=1_000,  # 02, PUT /api/v3/stocks/{warehouseId}, maxItems
    bulk_batch=1_000,  # 02, POST /api/v2/upload/task
    read_batch=1_000,  # 02, POST /api/v3/stocks/{warehouseId}, maxItems
    skips=(
        ("*.token_expired", "a person makes the token, for 180 days: nothing can renew it"),
        ("offers.paused_is_not_live", "cards do not tell whether they are on sale; a card in the bin is in another list"),
        ("orders.pending_is_shown", "assembly orders are made once the buyer has paid; until then only the figure has fallen"),
        ("orders.cancel_request_seen", "buyers cancel by themselves in the first hour, or not at all: there are no requests"),
        ("orders.buyer_is_told", "Wildberries delivers, and does not tell sellers to whom"),
        ("shipment.whole_order", "goods go by Wildberries: there is no field for a tracking number"),
        ("shipment.partial_lines", "what has left is learned from Wildberries' own scan, unit by unit, not from us"),
        ("shipment.*known_carrier", "goods go by Wildberries: there is no field for a carrier"),
        (
            "tickets.found_after_a_lost_reply",
            "uploads are not listed; the same upload again is answered with the number of the first (208)",
        ),
        ("returns.are_complete", "a claim is for one unit: two units that come back are two returns"),
        ("returns.arrival_is_seen", "claims tell that goods are sent back, not that they have arrived"),
        ("states.unknown_ref_is_none", "the reply leaves out sizes that were never on sale as well as those that are gone: both show 0"),
        ("states.missing_is_not_zero", "the reply names sizes by number only; test_wildberries_traps shows it"),
    ),
)
