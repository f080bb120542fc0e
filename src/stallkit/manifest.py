"""What an adapter declares about itself. The settings form, the runner and the documentation read it; nothing else knows platforms."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Capability(StrEnum):
    """One thing that an adapter can do; each has a Protocol in :mod:`stallkit.protocols` and a chapter in the contract suite."""

    PROBE = "probe"
    READ_OFFERS = "read_offers"
    READ_STATES = "read_states"
    PULL_ORDERS = "pull_orders"
    READ_ORDER = "read_order"
    ACKNOWLEDGE = "acknowledge"
    WRITE_STOCK = "write_stock"
    BULK_STOCK = "bulk_stock"
    WRITE_PRICES = "write_prices"
    BULK_PRICES = "bulk_prices"
    RESOLVE_TICKET = "resolve_ticket"
    CONFIRM_SHIPMENT = "confirm_shipment"
    CANCEL_LINES = "cancel_lines"
    HINTS = "hints"
    READ_WAREHOUSES = "read_warehouses"
    COMPARE_AND_SET = "compare_and_set"
    """``write_stock`` obeys ``StockIntent.expected``: a figure is replaced only while it is the one that we take it for."""
    READ_LABELS = "read_labels"
    READ_RETURNS = "read_returns"


class OwnSale(StrEnum):
    """When a sale on the channel lowers the channel's own figure without us."""

    AT_ORDER = "at_order"
    AT_ACKNOWLEDGE = "at_acknowledge"
    AT_SHIP = "at_ship"
    NEVER = "never"


class Observer(StrEnum):
    """How a sale shows in the channel's own figures before its order can be read (double reservation)."""

    NONE = "none"
    FALL = "fall"
    """The figure falls below what we believe. A push destroys the evidence, so reading comes first."""
    RESERVE = "reserve"
    """The platform shows its own reserve: what is more than the units of the open orders that we know is an order to come."""


class Basis(StrEnum):
    """What figure the channel wants: net of open orders, or gross as long as it subtracts its own orders itself."""

    NET = "net"
    GROSS_UNTIL_ACKNOWLEDGED = "gross_until_acknowledged"
    GROSS_UNTIL_SHIPPED = "gross_until_shipped"


class SettingKind(StrEnum):
    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - the name of a form field kind
    CHOICE = "choice"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    URL = "url"


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of the connection form. ``SECRET`` values are stored encrypted and never shown again."""

    name: str
    label: str
    kind: SettingKind = SettingKind.TEXT
    help: str = ""
    required: bool = True
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket of the platform: ``capacity`` calls per ``per`` for one account, with its source (document, date) in ``source``."""

    bucket: str
    capacity: int
    per: timedelta
    source: str = ""
    refusal_cost: float = 1.0
    """What a call that the platform refuses (4XX but 429) costs in all, where refusals are charged more than answers."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where platforms differ in ways that the engine must respect."""

    own_sale_lowers: OwnSale = OwnSale.AT_ORDER
    cancel_raises: bool = False
    basis: Basis = Basis.NET
    none_left: str = "zero"
    max_quantity: int = 999_999
    price_decimals: int = 2
    prices_include_tax: bool = True
    """Whether the prices that we send include VAT or sales tax."""
    acknowledge_within: timedelta | None = None
    """Time owed from order to acknowledgement."""
    acknowledge_before_ship: bool = False
    acknowledge_before_cancel: bool = False
    """Whether the seller may do this with an order only once it is acknowledged."""
    buyer_may_cancel_until: str = "shipped"
    correction_window: timedelta | None = None
    """How long after the final state corrections are still allowed."""
    partial_line_cancel: bool = True
    partial_shipments: bool = True
    """Whether an order may leave in several shipments; if not, everything that is open leaves at once."""
    tracking_numbers_per_line: int = 1
    out_of_stock_cancel_empties: bool = False
    """Cancelling with the reason out of stock also sets the channel's figure to zero."""
    observer: Observer = Observer.NONE
    per_warehouse: bool = False
    """Figures are kept per warehouse of theirs: a channel names one, and every listing is on sale from each (READ_WAREHOUSES)."""
    rewrite_after: timedelta | None = None
    """The quantity of one offer may be written again only so long after the last time."""
    shown_after: timedelta | None = None
    """A figure that was accepted may be shown only so long after: until then a read may tell the one before."""
    split_within: timedelta | None = None
    """Orders may be cut up there (``RemoteOrder.split_from``), and the new one is listed at most so long after the old one shows fewer
    units; None: they are not."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole declaration. Intervals are floors: the runner never asks more often."""

    platform: str
    title: str
    capabilities: frozenset[Capability]
    settings: tuple[Setting, ...]
    limits: tuple[Limit, ...]
    currencies: tuple[str, ...]
    hosts: tuple[tuple[str, str], ...]
    """Site code to base URL. One entry: no choice to make. The hub may override it (emulators, proxies) through the guarded door."""
    sites: tuple[tuple[str, str], ...] = ()
    """Site code to the name that people read."""
    more_hosts: tuple[tuple[str, str, str], ...] = ()
    """Where a platform answers at several addresses: site code, name (``Request.host``), base URL. An overridden address replaces all."""
    quirks: Quirks = field(default_factory=Quirks)
    order_interval: timedelta = timedelta(seconds=10)
    """How often orders are pulled when nothing hints at one."""
    order_freshness: timedelta = timedelta(seconds=30)
    """Age of the order watermark up to which an absolute quantity may be sent (pull before push)."""
    stock_batch: int = 1
    bulk_batch: int = 1_000
    bulk_from: int = 50
    """From so many waiting items on, the bulk path is used where there is one."""
    read_batch: int = 50
    verify_interval: timedelta = timedelta(minutes=15)
    """How often the background run reads back what the channel shows."""
    hint_networks: tuple[str, ...] = ()
    """Networks (CIDR) that genuine callbacks come from, where the platform signs none but publishes its addresses."""
    for_tests: bool = False
    """Not a platform that anybody sells on: offered for connecting only where the installation asks for such."""
    skips: tuple[tuple[str, str], ...] = ()
    """Contract-suite cases that cannot apply here, each with the reason that the matrix prints."""

    def hosts_of(self, site: str) -> dict[str, str]:
        """The further addresses of a site by name; of the first site where none is named."""
        wanted = site or self.hosts[0][0]
        return {name: url for of, name, url in self.more_hosts if of == wanted}

    def limit(self, bucket: str) -> Limit:
        """The declared limit of ``bucket``; KeyError if the adapter uses a bucket that it did not declare."""
        for limit in self.limits:
            if limit.bucket == bucket:
                return limit
        raise KeyError(bucket)
