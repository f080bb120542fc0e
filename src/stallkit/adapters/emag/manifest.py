"""What the eMAG adapter declares. Section numbers are those of the vendor's document 4.4.9 (19.09.2025)."""

from __future__ import annotations

from datetime import timedelta

from stallkit.manifest import Basis, Capability, Limit, Manifest, OwnSale, Quirks, Setting, SettingKind
from stallkit.words import said as _

SITES = (
    ("ro", "eMAG Romania"),
    ("bg", "eMAG Bulgaria"),
    ("hu", "eMAG Hungary"),
    ("fd-ro", "Fashion Days Romania"),
    ("fd-bg", "Fashion Days Bulgaria"),
)
HOSTS = (
    ("ro", "https://marketplace-api.emag.ro/api-3"),
    ("bg", "https://marketplace-api.emag.bg/api-3"),
    ("hu", "https://marketplace-api.emag.hu/api-3"),
    ("fd-ro", "https://marketplace-ro-api.fashiondays.com/api-3"),
    ("fd-bg", "https://marketplace-bg-api.fashiondays.com/api-3"),
)

# eMAG counts calls in windows: 12 a second and 720 a minute for orders, 3 a second and 180 a minute for all else together. A token bucket
# lets "capacity + refill" calls into one window, so each bucket is cut to stay under both windows with one Limit, with room for calls
# that bunch up on the way. A 429 costs far more than the calls that are given away here. Two at once: a read and the write after it.
ORDERS = Limit("orders", 4, timedelta(milliseconds=500), "1.5: 12/s and 720/min on order routes; 4 at once and 8/s stay under both")
OTHER = Limit("other", 2, timedelta(milliseconds=1_100), "1.5: 3/s and 180/min on all other routes; 2 at once and 1.8/s stay under both")

SETTINGS = (
    Setting("site", _("Platform"), SettingKind.CHOICE, default="ro", choices=SITES),
    Setting("user", _("User name"), help=_("A user of the eMAG account that has API rights.")),
    Setting(
        "password",
        _("Password"),
        SettingKind.SECRET,
        help=_("eMAG checks our address too: enter it in your account's list of allowed IPs."),
    ),
    Setting(
        "warehouse_id",
        _("Warehouse"),
        SettingKind.INTEGER,
        _("The number of the eMAG warehouse whose stock is written; 1 if you have only one."),
        required=False,
        default="1",
    ),
    Setting(
        "with_fbe",
        _("Also read orders that eMAG fulfils"),
        SettingKind.BOOLEAN,
        _("They are shown and never acknowledged, shipped or cancelled from here. Doubles the calls for orders."),
        required=False,
    ),
    Setting(
        "callback_token",
        _("Callback token"),
        SettingKind.SECRET,
        _("If set, callbacks count only with this word as the last part of their path or as ?token=."),
        required=False,
    ),
    Setting(
        "save_body",
        _("Form of write requests"),
        SettingKind.CHOICE,
        _("Leave as it is unless eMAG answers every write with a complaint about its form."),
        required=False,
        default="array",
        choices=(("array", _("plain list")), ("data", _('list wrapped in "data"'))),
    ),
)

MANIFEST = Manifest(
    platform="emag",
    title="eMAG Marketplace",
    capabilities=frozenset(
        {
            Capability.PROBE,
            Capability.READ_OFFERS,
            Capability.READ_STATES,
            Capability.PULL_ORDERS,
            Capability.READ_ORDER,
            Capability.ACKNOWLEDGE,
            Capability.WRITE_STOCK,
            Capability.WRITE_PRICES,
            Capability.CONFIRM_SHIPMENT,
            Capability.CANCEL_LINES,
            Capability.HINTS,
        }
    ),
    settings=SETTINGS,
    limits=(ORDERS, OTHER),
    currencies=("RON", "EUR", "HUF", "BGN"),
    hosts=HOSTS,
    sites=SITES,
    quirks=Quirks(
        own_sale_lowers=OwnSale.AT_ACKNOWLEDGE,
        cancel_raises=True,
        basis=Basis.GROSS_UNTIL_ACKNOWLEDGED,
        max_quantity=65_535,
        price_decimals=4,
        prices_include_tax=False,
        acknowledge_before_ship=True,
        acknowledge_before_cancel=True,
        buyer_may_cancel_until="acknowledged",
        correction_window=timedelta(hours=48),
        partial_line_cancel=True,
        partial_shipments=False,
        tracking_numbers_per_line=0,
    ),
    order_interval=timedelta(seconds=5),
    order_freshness=timedelta(seconds=15),
    stock_batch=50,  # 1.5: at most 50 entities per save
    read_batch=1,  # 2.8: the id filter takes one value
    skips=(
        ("*.token_expired", "eMAG uses basic authentication: there is no token that could expire and be renewed"),
        ("shipment.whole_order", "order/save has no field for a tracking number; eMAG knows the AWBs that it issued itself (README)"),
        ("shipment.known_carrier", "order/save has no field for a carrier; eMAG knows the AWBs that it issued itself (README)"),
        ("shipment.unknown_carrier", "order/save has no field for a carrier; eMAG knows the AWBs that it issued itself (README)"),
        ("shipment.partial_lines", "eMAG finalises whole orders only: part shipments are refused (README)"),
    ),
)
