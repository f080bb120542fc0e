"""The words that adapters and the hub share: frozen, typed, free of any platform's spelling.

Quantities are whole sold units of the offer (a pack counts as one). Instants are aware UTC datetimes. Money is an exact decimal with its
currency. ``None`` always means "the platform did not say", never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as the platform states it; never a float, never without its currency (ISO 4217)."""

    amount: Decimal
    currency: str


# --- accounts -----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """What a probe learned about the account, without changing anything there."""

    account_id: str
    name: str
    rights: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    currency: str | None = None
    credentials_expire_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoteWarehouse:
    """A place of the platform's that figures are kept for. ``scheme`` is the platform's word for how goods leave it (fbs, dbs, express)."""

    id: str
    name: str
    scheme: str = ""
    usable: bool = True
    """Whether figures may be written for it now; ``note`` says why not."""
    note: str = ""


# --- offers -------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfferRef:
    """How both sides name one offer. ``sku`` is the seller's text code, ``external_id`` the platform's own number (may equal the SKU).

    Equality and hashing use both, so a ref that went into a batch call comes back as the key of its outcome.
    """

    sku: str
    external_id: str = ""


class OfferStatus(StrEnum):
    LIVE = "live"
    INACTIVE = "inactive"
    BLOCKED = "blocked"
    PENDING = "pending"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RemoteOffer:
    """An offer as the platform lists it: the evidence for linking (S4.15-S4.20)."""

    ref: OfferRef
    title: str
    status: OfferStatus
    gtins: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    channel_ids: Mapping[str, str] = field(default_factory=dict)
    quantity: int | None = None
    price: Money | None = None
    fulfilled_by: str = "seller"


@dataclass(frozen=True, slots=True)
class OfferState:
    """What the platform shows for an offer at the moment of the read. ``quantity`` is in the platform's own basis (see ``Manifest.basis``).

    ``reserved`` is the platform's own reserve for orders, where it shows one.
    """

    ref: OfferRef
    quantity: int | None
    price: Money | None = None
    reserved: int | None = None
    status: OfferStatus = OfferStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class StockIntent:
    """Show exactly ``quantity`` for this offer: absolute, so that repeating it is harmless. ``warehouse`` is theirs, if any.

    ``as_of`` is the moment at which the quantity was worked out, for platforms that want to know. ``expected``: only while the platform
    shows this figure (COMPARE_AND_SET); otherwise nothing changes and the outcome is ``Differs``.
    """

    ref: OfferRef
    quantity: int
    warehouse: str = ""
    as_of: datetime | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class PriceIntent:
    """Show exactly this price for the offer; ``minimum`` and ``maximum`` are the limits that some platforms demand beside it."""

    ref: OfferRef
    price: Money
    minimum: Money | None = None
    maximum: Money | None = None


# --- outcomes -----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The platform said yes to this item. A yes is not proof; reading is."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The platform took the item in and will tell later, under this ticket (opaque text)."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The platform refused this item, in its own words. Repeating the same value is useless."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class NotNow:
    """The platform did nothing with this item, and the same may go out again after so many seconds."""

    retry_after: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class Differs:
    """The platform shows ``quantity``, not what ``StockIntent.expected`` says, and changed nothing."""

    quantity: int


Outcome = Accepted | Pending | Rejected | NotNow | Differs
Outcomes = Mapping[OfferRef, Outcome]


@dataclass(frozen=True, slots=True)
class TicketResult:
    """State of a ticket. ``outcomes`` holds Accepted/Rejected for every item that is decided; ``done`` means that no more will come."""

    done: bool
    outcomes: Outcomes = field(default_factory=dict)


# --- orders -------------------------------------------------------------------------------------------------------------------------------


class OrderState(StrEnum):
    """The least common story of an order. ``PENDING`` (payment unsure) takes a hold only; everything else allocates."""

    PENDING = "pending"
    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    PART_SHIPPED = "part_shipped"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class ChargeKind(StrEnum):
    PRODUCT = "product"
    SHIPPING = "shipping"
    DISCOUNT = "discount"
    FEE = "fee"
    TAX = "tax"


class OwedBy(StrEnum):
    SELLER = "seller"
    MARKETPLACE = "marketplace"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Charge:
    """One amount of an order or line, as a fact of the platform (C14, C15). For a line it covers the whole line, not one unit.

    ``rate`` is a fraction (0.19). ``owed_by`` matters for TAX only.
    """

    kind: ChargeKind
    money: Money
    tax_included: bool = False
    rate: Decimal | None = None
    owed_by: OwedBy = OwedBy.SELLER
    label: str = ""


@dataclass(frozen=True, slots=True)
class RemoteOrderLine:
    """A line with the platform's own running totals: of ``ordered``, so many are cancelled, so many shipped.

    ``cancel_requested`` is the number that the buyer asks to cancel, while the seller still decides.
    """

    line_id: str
    ref: OfferRef
    title: str
    ordered: int
    cancelled: int = 0
    shipped: int = 0
    cancel_requested: int = 0
    charges: tuple[Charge, ...] = ()
    unit_ids: tuple[str, ...] = ()
    """The platform's own number of each unit, where it gives every one a number."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """Personal data of an order. Every field may be empty: an order is valid without a name (C27)."""

    name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    tax_number: str = ""
    address: tuple[str, ...] = ()
    postal_code: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    pickup_point: str = ""


@dataclass(frozen=True, slots=True)
class RemoteOrder:
    """A snapshot of an order. ``state`` is ours, ``remote_state`` the platform's word. ``raw`` is the untouched body of this one order.

    ``modified_at`` orders snapshots; where the platform has none it is None and the time of the fetch decides.
    """

    order_id: str
    number: str
    state: OrderState
    remote_state: str
    ordered_at: datetime
    currency: str
    lines: tuple[RemoteOrderLine, ...]
    modified_at: datetime | None = None
    acknowledge_by: datetime | None = None
    dispatch_by: datetime | None = None
    charges: tuple[Charge, ...] = ()
    buyer: Buyer | None = None
    fulfilled_by: str = "seller"
    warehouse: str = ""
    """Theirs, that the order is served from; "" where there is only one."""
    split_from: str = ""
    """The order whose units these are, where the platform has cut it in two: they were sold once, then."""
    cut_up: bool = False
    """It ended because all of its units are in other orders now, which name it in ``split_from``."""
    scanned: bool = False
    """The platform learns from its own scan that goods have left: until then it shows them as here, whatever the seller says."""
    raw: bytes = b""


class ReturnState(StrEnum):
    """The least common story of goods that come back."""

    ASKED = "asked"
    COMING = "coming"
    ARRIVED = "arrived"
    """At the seller's, or waiting there to be fetched."""
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ReturnLine:
    ref: OfferRef
    quantity: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RemoteReturn:
    """Goods that come back, as the platform tells it. ``order_id`` names the order as ``RemoteOrder`` does, "" if it is not said."""

    return_id: str
    order_id: str
    state: ReturnState
    remote_state: str
    lines: tuple[ReturnLine, ...]
    opened_at: datetime
    modified_at: datetime | None = None
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Parked:
    """One object of a page that could not be understood: kept and shown, while the rest of the page goes on (rule 4)."""

    external_id: str
    reason: str
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. ``cursor`` is opaque text for the next call; ``done`` says that this list has no further page for now.

    For orders the cursor of a ``done`` page is where the next pull starts (the adapter builds the overlap into it).
    """

    items: tuple[T, ...]
    cursor: str
    done: bool
    parked: tuple[Parked, ...] = ()


# --- order actions ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineQuantity:
    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ShipmentNotice:
    """Goods of one parcel group have left. ``carrier`` is our text; the adapter maps it to the platform's list or its 'other' field."""

    order_id: str
    lines: tuple[LineQuantity, ...]
    carrier: str
    tracking_number: str
    shipped_at: datetime
    tracking_url: str = ""
    although_asked: bool = False
    """A person has decided that lines leave which the buyer asked to cancel."""


class CancelReason(StrEnum):
    OUT_OF_STOCK = "out_of_stock"
    BUYER_ASKED = "buyer_asked"
    PRICING_ERROR = "pricing_error"
    FRAUD = "fraud"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class CancelNotice:
    order_id: str
    lines: tuple[LineQuantity, ...]
    reason: CancelReason


@dataclass(frozen=True, slots=True)
class Label:
    """Something to print and stick on a parcel, as the platform made it. ``media_type`` is its MIME type."""

    media_type: str
    body: bytes


LabelAnswer = tuple[Label, ...] | NotNow | Rejected
"""The labels of an order; or it has none yet; or it will have none, in the platform's words."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What a verified (or deliberately unverified) callback suggests: look at this connection, perhaps at this order. Never a fact."""

    order_id: str = ""
    topic: str = ""
    calls_for_a_look: bool = True
    """False for a genuine callback about something that we do not follow: it is accepted, and nothing happens."""
    answer: bytes = b""
    """The JSON that the platform wants for an answer; nothing where any 2xx will do."""
