"""What the dummy market can do and how much of it, on purpose generous: it shall never be the slow part of a test."""

from __future__ import annotations

from datetime import timedelta

from stallkit.manifest import Basis, Capability, Limit, Manifest, Observer, OwnSale, Quirks, Setting, SettingKind
from stallkit.words import said as _

API = Limit("api", 6_000, timedelta(minutes=1), source="README.md, Limits", refusal_cost=2.0)
TASKS = Limit("tasks", 600, timedelta(minutes=1), source="README.md, Limits")
TOKENS = Limit("tokens", 60, timedelta(minutes=1), source="README.md, Limits")

OVERLAP_SECONDS = 900
"""The market's order list may lag by ten minutes (README, Orders), so each pull looks back further than that."""

MANIFEST = Manifest(
    platform="dummy",
    title="Dummy market",
    capabilities=frozenset(Capability),
    settings=(
        Setting("client_id", _("Client ID"), help=_("Any text; the emulator knows 'shop'.")),
        Setting("client_secret", _("Client secret"), SettingKind.SECRET),
        Setting(
            "callback_secret",
            _("Callback secret"),
            SettingKind.SECRET,
            help=_("Signs the market's callbacks. Without it every callback is ignored, and orders arrive at the next pull."),
            required=False,
        ),
        Setting(
            "overlap_seconds",
            _("Seconds that each pull looks back"),
            SettingKind.INTEGER,
            _("A market that is known not to lag may be read with less, as under a load that would be read again and again."),
            required=False,
            default=str(OVERLAP_SECONDS),
        ),
    ),
    limits=(API, TASKS, TOKENS),
    currencies=("EUR",),
    hosts=(("main", "https://api.dummy-market.example"),),
    sites=(("main", "Dummy market"),),
    quirks=Quirks(
        own_sale_lowers=OwnSale.AT_ORDER,
        observer=Observer.FALL,
        basis=Basis.NET,
        max_quantity=99_999,
        acknowledge_within=timedelta(hours=24),
        partial_line_cancel=True,
    ),
    order_interval=timedelta(seconds=5),
    order_freshness=timedelta(seconds=30),
    stock_batch=50,
    bulk_batch=1_000,
    bulk_from=200,
    read_batch=100,
    for_tests=True,
)
