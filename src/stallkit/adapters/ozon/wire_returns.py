"""Returns of FBS postings (``/v1/returns/list``): Ozon's JSON as types, and pure functions from it."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

import msgspec

from stallkit.adapters.ozon.wire import Instant, Number
from stallkit.types import OfferRef, RemoteReturn, ReturnLine, ReturnState

STATE = {
    "DisputeOpened": ReturnState.ASKED,
    "OnSellerApproval": ReturnState.ASKED,
    "OnSellerClarification": ReturnState.ASKED,
    "OnSellerClarificationAfterPartialCompensation": ReturnState.ASKED,
    "OfferedPartialCompensation": ReturnState.ASKED,
    "DisputeYouOpened": ReturnState.ASKED,
    "DisputeOpening": ReturnState.ASKED,
    "Approved": ReturnState.COMING,
    "ApprovedByOzon": ReturnState.COMING,
    "WaitingShipment": ReturnState.COMING,
    "MovingToSeller": ReturnState.COMING,
    "ReturningToSellerByCourier": ReturnState.COMING,
    "MovingToOzon": ReturnState.COMING,
    "ReturnedToOzon": ReturnState.COMING,
    "ArrivedAtReturnPlace": ReturnState.ARRIVED,
    "ReceivedBySeller": ReturnState.CLOSED,
    "ReturnMoneyApproved": ReturnState.CLOSED,
    "PartialCompensationReturned": ReturnState.CLOSED,
    "CancelledDisputeNotOpen": ReturnState.CLOSED,
    "Rejected": ReturnState.CLOSED,
    "CrmRejected": ReturnState.CLOSED,
    "Cancelled": ReturnState.CLOSED,
    "Utilizing": ReturnState.CLOSED,
    "Utilized": ReturnState.CLOSED,
    "MoneyReturned": ReturnState.CLOSED,
}
"""Seller API, visual_status_name. Words about compensation tell nothing about where the goods are: they are UNKNOWN."""


class Word(msgspec.Struct):
    sys_name: str


class Visual(msgspec.Struct):
    status: Word
    change_moment: Instant


class Goods(msgspec.Struct):
    sku: Number
    offer_id: str
    quantity: Annotated[int, msgspec.Meta(ge=1)]


class Logistic(msgspec.Struct):
    technical_return_moment: Instant | None = None
    return_date: Instant | None = None


class Return(msgspec.Struct):
    id: Number
    product: Goods
    visual: Visual
    posting_number: str = ""
    return_reason_name: str = ""
    logistic: Logistic | None = None


class ReturnPage(msgspec.Struct):
    returns: tuple[msgspec.Raw, ...]
    has_next: bool


def parse_return(raw: bytes) -> RemoteReturn:
    """One return. msgspec.DecodeError (a ValueError) when it must be parked; a status that is not known is UNKNOWN."""
    told = msgspec.json.decode(raw, type=Return)
    moments = told.logistic or Logistic()
    opened = moments.return_date or moments.technical_return_moment or told.visual.change_moment
    return RemoteReturn(
        return_id=str(told.id),
        order_id=told.posting_number,
        state=STATE.get(told.visual.status.sys_name, ReturnState.UNKNOWN),
        remote_state=told.visual.status.sys_name,
        lines=(ReturnLine(OfferRef(told.product.offer_id, str(told.product.sku)), told.product.quantity, told.return_reason_name),),
        opened_at=opened.astimezone(UTC),
        modified_at=told.visual.change_moment.astimezone(UTC),
        raw=bytes(raw),
    )


def last_id(raws: tuple[msgspec.Raw, ...]) -> int:
    """The number of the page's last return, which the next page starts behind; 0 if there is none."""
    if not raws:
        return 0
    number = msgspec.json.decode(bytes(raws[-1]), type=_Numbered).id
    return int(number)


class _Numbered(msgspec.Struct):
    id: Number
