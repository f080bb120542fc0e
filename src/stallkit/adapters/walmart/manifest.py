"""What the Walmart adapter declares. Figures without another source are from Walmart's rate-limit page as transcribed in August 2026."""

from __future__ import annotations

from datetime import timedelta

from stallkit.manifest import Basis, Capability, Limit, Manifest, OwnSale, Quirks, Setting, SettingKind
from stallkit.words import said as _

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PAGE = "developer.walmart.com, Rate limiting, transcribed 2026-08"

LIMITS = (
    Limit("token", 30, MINUTE, "no published figure; ours"),
    Limit("probe", 50, MINUTE, f"{PAGE}: Get Partner Configurations"),
    Limit("orders", 5000, MINUTE, f"{PAGE}: All orders"),
    Limit("order", 5000, MINUTE, f"{PAGE}: An order"),
    Limit("acknowledge", 60, MINUTE, f"{PAGE}: Acknowledge Orders"),
    Limit("ship", 60, MINUTE, f"{PAGE}: Ship Order Lines"),
    Limit("cancel", 60, MINUTE, f"{PAGE}: Cancel Order Lines"),
    Limit("stock", 200, MINUTE, f"{PAGE}: Update Inventory"),
    Limit("states", 200, MINUTE, f"{PAGE}: Single Item Inventory by Ship Node"),
    Limit("price", 100, HOUR, f"{PAGE}: Update pricing for a single item"),
    Limit("items", 60, MINUTE, f"{PAGE}: All items, 300/min but 60/min with query parameters, which we send"),
    Limit("feed_status", 5000, MINUTE, f"{PAGE}: feed statuses, list and single share it"),
    Limit("feed_stock", 10, HOUR, f"{PAGE}: feedType inventory, 10 MB, 10,000 items"),
    Limit("feed_price", 10, HOUR, f"{PAGE}: PRICE_AND_PROMOTION; another row of that page says 6/day for promotions"),
)

MANIFEST = Manifest(
    platform="walmart",
    title="Walmart Marketplace",
    capabilities=frozenset(Capability)
    - {Capability.READ_WAREHOUSES, Capability.COMPARE_AND_SET, Capability.READ_LABELS, Capability.READ_RETURNS},
    settings=(
        Setting("client_id", _("Client ID"), help=_("Developer Portal, API keys, production.")),
        Setting(
            "client_secret",
            _("Client secret"),
            SettingKind.SECRET,
            help=_("Shown once beside the Client ID; make a new one if it is lost."),
        ),
        Setting(
            "ship_node",
            _("Ship node"),
            required=False,
            help=_("Number of the fulfilment centre whose stock is kept true. Needed only if the account has several."),
        ),
        Setting(
            "webhook_secret",
            _("Webhook secret"),
            SettingKind.SECRET,
            required=False,
            help=_("The clientSecret given to Walmart for HMAC callbacks. Empty: callbacks are taken as unverified hints."),
        ),
    ),
    limits=LIMITS,
    currencies=("USD",),
    hosts=(("us", "https://marketplace.walmartapis.com"),),
    sites=(("us", "Walmart United States"),),
    quirks=Quirks(
        # All about inputQty, the figure that we send and read. An order or a cancellation does not touch it (README, "Which figure").
        # Whether a shipment does is not documented for the US: "never" makes us send the new figure, which is harmless if it fell already.
        own_sale_lowers=OwnSale.NEVER,
        cancel_raises=False,
        basis=Basis.GROSS_UNTIL_SHIPPED,
        prices_include_tax=False,
        out_of_stock_cancel_empties=True,
        acknowledge_within=timedelta(hours=4),
        acknowledge_before_ship=True,
    ),
    # 5,000 calls a minute allow far more; two seconds keep a run short and the watermark fresh.
    order_interval=timedelta(seconds=2),
    order_freshness=timedelta(seconds=10),
    stock_batch=1,
    bulk_batch=10_000,
    # Single calls clear 60 stock changes in 20 seconds and stay inside the burst of prices (100/h less the reserve);
    # a feed takes minutes and there are ten in an hour.
    bulk_from=60,
    read_batch=1,  # one call per offer: a larger batch that the budget stops half-way would have read for nothing
    verify_interval=timedelta(minutes=15),
    skips=(
        ("orders.pending_is_shown", "Walmart hides an order until it is released for fulfilment; its units are in the reserve meanwhile"),
    ),
)
