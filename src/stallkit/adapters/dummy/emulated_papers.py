"""The part of the dummy market that has no bearing on figures: its warehouses, labels and returns."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

from stallkit.adapters.dummy.replies import Json, answer, as_list, read_json, read_place, show_place
from stallkit.testing.emulator import Emulator, ShopReturn, WireReply, WireRequest
from stallkit.types import OrderState, ReturnState

RETURN_STATUS = {
    ReturnState.ASKED: "asked",
    ReturnState.COMING: "on_the_way",
    ReturnState.ARRIVED: "back",
    ReturnState.CLOSED: "closed",
}
RETURNS_PER_PAGE = 4
LABEL_TIME = timedelta(seconds=3)


class Papers(Emulator):
    """Routes for the market's emulator."""

    def show_warehouses(self, _request: WireRequest, _: str) -> WireReply:
        return answer({"warehouses": [{"id": "W-1", "name": "Berlin", "open": True}, {"id": "W-2", "name": "Leipzig", "open": False}]})

    def show_labels(self, request: WireRequest, _: str) -> WireReply:
        return answer({"orders": [self._papers(str(order_id)) for order_id in as_list(read_json(request).get("orders"))]})

    def _papers(self, order_id: str) -> Json:
        """The labels of an accepted order; the market prints them some seconds after that."""
        order = self.orders.get(order_id)
        if order is None or order.acknowledged_at is None or order.state is OrderState.CANCELLED:
            return {"order_id": order_id, "error": {"code": "no_label", "message": f"order {order_id} is not one to be packed"}}
        wait = (order.acknowledged_at + LABEL_TIME - self.clock()).total_seconds()
        if wait > 0:
            return {"order_id": order_id, "wait": wait}
        content = b64encode(f"%PDF-1.4 label of {order_id}".encode()).decode()
        return {"order_id": order_id, "labels": [{"type": "application/pdf", "content": content}]}

    def show_returns(self, request: WireRequest, _: str) -> WireReply:
        """Changed returns, oldest change first."""
        since, after = request.param("changed_since"), request.param("after")
        begin = datetime.fromisoformat(since) if since else datetime.min.replace(tzinfo=UTC)
        rows = sorted((one.modified_at, one.return_id) for one in self.returns.values() if one.modified_at >= begin)
        rows = [row for row in rows if not after or row > read_place(after)]
        page = rows[: min(int(request.param("limit", "100")), RETURNS_PER_PAGE)]
        following = show_place(page[-1]) if len(rows) > len(page) else None
        shown = [self._show_return(self.returns[row[1]]) for row in page]
        return answer({"returns": shown, "next": following, "as_of": self.clock().isoformat()})

    def _show_return(self, told: ShopReturn) -> Json:
        lines = {line.line_id: line for line in self.orders[told.order_id].lines}
        units = [(lines[line_id].sku, quantity) for line_id, quantity in told.units.items()]
        return {
            "id": told.return_id,
            "order_id": told.order_id,
            "status": RETURN_STATUS[told.state],
            "reason": told.reason,
            "lines": [{"sku": sku, "offer_id": self.offers[sku].external_id, "quantity": quantity} for sku, quantity in units],
            "opened_at": told.opened_at.isoformat(),
            "changed_at": told.modified_at.isoformat(),
        }
