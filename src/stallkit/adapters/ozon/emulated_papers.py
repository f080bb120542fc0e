"""Labels and returns of the emulated account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from stallkit.adapters.ozon.emulated_goods import Handler
from stallkit.adapters.ozon.emulated_postings import ManyAsked, Postings
from stallkit.adapters.ozon.emulated_wire import Row, SaidNo, answer, moment, pdf, read
from stallkit.testing.emulator import ShopReturn, WireReply, WireRequest
from stallkit.types import ReturnState

LABEL_TIME = timedelta(seconds=45)
"""Seller API, package-label: labels are best asked for 45 to 60 seconds after packing."""
RETURNS_PER_PAGE = 4
RETURN_STATUS = {
    ReturnState.ASKED: "DisputeOpened",
    ReturnState.COMING: "MovingToSeller",
    ReturnState.ARRIVED: "ArrivedAtReturnPlace",
    ReturnState.CLOSED: "ReceivedBySeller",
    ReturnState.UNKNOWN: "CompensationOffered",
}


class Moments(msgspec.Struct):
    time_from: datetime
    time_to: datetime


class ReturnFilter(msgspec.Struct):
    visual_status_change_moment: Moments
    return_schema: str = ""


class ReturnsAsked(msgspec.Struct):
    limit: int
    filter: ReturnFilter
    last_id: int = 0


class Papers(Postings):
    def paper_routes(self) -> dict[str, Handler]:
        return {"/v2/posting/fbs/package-label": self.show_labels, "/v1/returns/list": self.show_returns}

    def show_labels(self, request: WireRequest) -> WireReply:
        """One file for all; one posting that is not ready, or not packed, spoils all."""
        numbers = read(request, ManyAsked).posting_number
        if not 1 <= len(numbers) <= 20:
            raise SaidNo(400, "INVALID_ARGUMENT: from 1 to 20 postings")
        orders = [self.find(number) for number in numbers]
        if wrong := [one.order_id for one in orders if self.status_of(one) != "awaiting_deliver"]:
            raise SaidNo(400, f"INVALID_ARGUMENT: {', '.join(wrong)} is not awaiting_deliver")
        ready = self.clock() - LABEL_TIME * self.limits_scale
        if early := [one.order_id for one in orders if one.acknowledged_at is None or one.acknowledged_at > ready]:
            raise SaidNo(409, f"The next postings aren't ready: {', '.join(early)}")
        return WireReply(200, pdf(", ".join(numbers)), (("Content-Type", "application/pdf"),))

    def show_returns(self, request: WireRequest) -> WireReply:
        asked = read(request, ReturnsAsked)
        if not 1 <= asked.limit <= 500:
            raise SaidNo(400, "Request validation error: limit must be between 1 and 500")
        window = asked.filter.visual_status_change_moment
        found = [one for one in self.returns.values() if window.time_from <= one.modified_at <= window.time_to]
        rest = [one for one in sorted(found, key=_number) if _number(one) > asked.last_id]
        page = rest[: min(asked.limit, RETURNS_PER_PAGE)]
        return answer({"returns": [self._show_return(one) for one in page], "has_next": len(rest) > len(page)})

    def open_return(self, order_id: str, lines: Sequence[tuple[str, int]], reason: str = "does not fit") -> str:
        """Ozon numbers returns."""
        made = super().open_return(order_id, lines, reason)
        with self.lock:
            told = self.returns.pop(made)
            told.return_id = str(1_000_015_552 + len(self.returns))
            self.returns[told.return_id] = told
        return told.return_id

    def _show_return(self, told: ShopReturn) -> Row:
        """A return is one product."""
        (line_id, quantity), *_ = told.units.items()
        line = next(one for one in self.orders[told.order_id].lines if one.line_id == line_id)
        product = {"sku": int(line.line_id), "offer_id": line.sku, "name": line.title, "quantity": quantity}
        status = {"id": 1, "display_name": "", "sys_name": RETURN_STATUS[told.state]}
        return {
            "id": _number(told),
            "company_id": 1_234_567,
            "type": "ClientReturn",
            "schema": "Fbs",
            "return_reason_name": told.reason,
            "posting_number": told.order_id,
            "order_number": told.order_id.rsplit("-", 1)[0],
            "product": product,
            "logistic": {"return_date": moment(told.opened_at)},
            "visual": {"status": status, "change_moment": moment(told.modified_at)},
        }


def _number(told: ShopReturn) -> int:
    return int(told.return_id)
