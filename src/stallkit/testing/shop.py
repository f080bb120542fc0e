"""The things of an emulated shop: offers, orders, its diary, and what a route sees and answers. No platform's spelling here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from stallkit.types import OrderState, ReturnState


class SoldOut(Exception):
    """The shop shows fewer than the buyer wants."""


class DropConnection(Exception):
    """The server side closes the socket without a reply; ``applied`` says whether the call took effect first."""

    def __init__(self, *, applied: bool) -> None:
        super().__init__("applied" if applied else "not applied")
        self.applied = applied


class Fault(StrEnum):
    """What ``fail_next`` can do to the next call. Platforms spell them in their own way."""

    RATE_LIMIT = "rate_limit"
    RATE_LIMIT_SILENT = "rate_limit_without_retry_after"
    SERVER_ERROR = "server_error"
    SERVER_ERROR_AFTER = "server_error_after_applying"
    DROP_BEFORE = "drop_before_applying"
    DROP_AFTER = "drop_reply_after_applying"
    HTML = "html"
    CUT_JSON = "cut_json"
    UNKNOWN_ENUM = "unknown_enum"
    """One object of the reply carries a word that no document lists; ``respond`` spells it (see ``Emulator.fault``)."""
    UNTOLD = "figure_untold"
    """The reply leaves a quantity open, where the platform may do that; ``respond`` spells it."""
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a fault's name
    REVOKED = "revoked"
    IP_BLOCKED = "ip_blocked"


@dataclass(slots=True)
class ShopOffer:
    """An offer in the emulated shop. ``quantity`` is what a buyer can buy now."""

    sku: str
    title: str
    quantity: int
    price: Decimal
    external_id: str
    gtin: str = ""
    channel_ids: dict[str, str] = field(default_factory=dict)
    live: bool = True
    refuse_stock: str = ""
    """If set, stock writes for this offer are refused with this message."""
    refuse_price: str = ""


@dataclass(slots=True)
class ShopLine:
    line_id: str
    sku: str
    title: str
    ordered: int
    unit_price: Decimal
    cancelled: int = 0
    shipped: int = 0
    cancel_requested: int = 0
    carrier: str = ""
    tracking_number: str = ""

    @property
    def open(self) -> int:
        return self.ordered - self.cancelled - self.shipped


@dataclass(slots=True)
class ShopOrder:
    order_id: str
    placed_at: datetime
    modified_at: datetime
    lines: list[ShopLine]
    buyer_name: str
    pending: bool = False
    acknowledged_at: datetime | None = None
    acknowledge_calls: int = 0
    ship_calls: int = 0
    cancel_calls: int = 0
    sent_by_hand: int = 0
    taken_back: int = 0
    """How often somebody said in the platform's own screen that it has left, and that it has not after all."""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> OrderState:
        if self.pending:
            return OrderState.PENDING
        if all(line.cancelled == line.ordered for line in self.lines):
            return OrderState.CANCELLED
        if all(line.open == 0 for line in self.lines):
            return OrderState.SHIPPED
        if any(line.shipped for line in self.lines):
            return OrderState.PART_SHIPPED
        return OrderState.ACKNOWLEDGED if self.acknowledged_at else OrderState.NEW


@dataclass(slots=True)
class ShopReturn:
    """Goods of an order that come back: units by line."""

    return_id: str
    order_id: str
    opened_at: datetime
    modified_at: datetime
    units: dict[str, int]
    reason: str
    state: ReturnState = ReturnState.ASKED


@dataclass(frozen=True, slots=True)
class QuantityChange:
    """One line of the shop's own diary of a shown quantity: the demo and the tests measure against this, never against the hub."""

    at: datetime
    sku: str
    before: int
    after: int
    cause: str  # "push" | "sale" | "cancel" | "edit"
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    at: datetime
    method: str
    path: str
    status: int  # 0 = the connection was dropped
    fault: str = ""  # the planned fault that this call suffered
    retry_after: float = 0.0  # seconds for which the caller was told to stay away


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as a route sees it. ``query`` keeps repeated keys and order."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    query_string: str
    headers: dict[str, str]
    body: bytes

    def param(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)


@dataclass(frozen=True, slots=True)
class WireReply:
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
