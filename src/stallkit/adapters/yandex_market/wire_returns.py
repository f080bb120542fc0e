"""Returns and orders that nobody fetched (``GET /v2/campaigns/{c}/returns``) in our words. Pure."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

import msgspec
from msgspec import Struct, field

from stallkit.adapters.yandex_market.wire import Instant, Paging, ref_of
from stallkit.types import RemoteReturn, ReturnLine, ReturnState

STATE = {
    "CREATED": ReturnState.ASKED,
    "RECEIVED": ReturnState.COMING,
    "IN_TRANSIT": ReturnState.COMING,
    "READY_FOR_PICKUP": ReturnState.ARRIVED,
    "PICKED": ReturnState.ARRIVED,
    "LOST": ReturnState.CLOSED,
    "EXPIRED": ReturnState.CLOSED,
    "CANCELLED": ReturnState.CLOSED,
    "NOT_IN_DEMAND": ReturnState.CLOSED,
    "FULFILMENT_RECEIVED": ReturnState.CLOSED,
    "PREPARED_FOR_UTILIZATION": ReturnState.CLOSED,
    "UTILIZED": ReturnState.CLOSED,
    "READY_FOR_EXPROPRIATION": ReturnState.CLOSED,
    "RECEIVED_FOR_EXPROPRIATION": ReturnState.CLOSED,
}
"""Logistic status. CLOSED ones do not come back to the seller, READY_FOR_PICKUP ones wait for him at a point of the Market's."""
UNDECIDED = {"STARTED_BY_USER", "WAITING_FOR_DECISION", "PREMODERATION_DECISION_WAITING", "PREMODERATION_SELECT_DELIVERY"}


class Decision(Struct, rename="camel"):
    reason_type: str = ""


class ReturnItem(Struct, rename="camel"):
    shop_sku: Annotated[str, msgspec.Meta(min_length=1)]
    count: Annotated[int, msgspec.Meta(ge=0)]
    decisions: tuple[Decision, ...] | None = None


class Return(Struct, rename="camel"):
    id: int
    order_id: int
    items: tuple[ReturnItem, ...]
    return_type: str
    creation_date: Instant
    update_date: Instant | None = None
    shipment_status: str = ""
    refund_status: str = ""
    fast_return: bool = False


class Returns(Struct):
    returns: tuple[msgspec.Raw, ...]
    paging: Paging = field(default_factory=Paging)


class ReturnAnswer(Struct):
    result: Returns


class _Identity(Struct):
    id: int | str = ""


def return_id_of(raw: bytes) -> str:
    try:
        return str(msgspec.json.decode(raw, type=_Identity).id)
    except ValueError:
        return ""


def state_of(told: Return) -> ReturnState:
    """Where the goods are. Without a logistic status they stay with the buyer (``fastReturn``), or nobody has decided yet."""
    if told.shipment_status:
        return STATE.get(told.shipment_status, ReturnState.UNKNOWN)
    if told.fast_return:
        return ReturnState.CLOSED
    return ReturnState.ASKED if told.refund_status in UNDECIDED else ReturnState.UNKNOWN


def parse_return(raw: bytes) -> RemoteReturn:
    """One return. msgspec.DecodeError (a ValueError) when it must be parked."""
    told = msgspec.json.decode(raw, type=Return)
    kind = "not fetched" if told.return_type == "UNREDEEMED" else ""
    return RemoteReturn(
        return_id=str(told.id),
        order_id=str(told.order_id),
        state=state_of(told),
        remote_state=told.shipment_status or told.refund_status,
        lines=tuple(ReturnLine(ref_of(item.shop_sku), item.count, reason_of(item) or kind) for item in told.items),
        opened_at=told.creation_date.astimezone(UTC),
        modified_at=told.update_date.astimezone(UTC) if told.update_date else None,
        raw=bytes(raw),
    )


def reason_of(item: ReturnItem) -> str:
    return next((decision.reason_type for decision in item.decisions or () if decision.reason_type), "")
