"""API notifications: calls of the Market's to the address that the seller entered in the cabinet. Nobody signs them.

What is answered with 400 is never sent again, so everything that has the shape of a notification is taken, known or not.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
from msgspec import Struct

from stallkit.adapters.yandex_market.wire import moment
from stallkit.types import Hint

ABOUT_ORDERS = {
    "ORDER_CREATED",
    "ORDER_UPDATED",
    "ORDER_STATUS_UPDATED",
    "ORDER_CANCELLED",
    "ORDER_CANCELLATION_REQUEST",
    "ORDER_RETURN_CREATED",
    "ORDER_RETURN_STATUS_UPDATED",
}
VERSION, NAME = "1.0.0", "Stallkeeper"
LARGEST = 65_536


class Notification(Struct, rename="camel"):
    notification_type: str
    order_id: int | None = None
    campaign_id: int | None = None


def read_hint(method: str, body: bytes, shops: Collection[int], now: datetime) -> Hint | None:
    """None if it is no notification. Those of other shops, and about other things than orders, call for no look."""
    if method.upper() != "POST" or len(body) > LARGEST:
        return None
    try:
        told = msgspec.json.decode(body, type=Notification)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    ours = not shops or told.campaign_id is None or told.campaign_id in shops
    look = ours and told.notification_type in ABOUT_ORDERS
    return Hint(str(told.order_id or "") if look else "", told.notification_type, look, answer(now))


def answer(now: datetime) -> bytes:
    """What the Market wants to hear within ten seconds."""
    return msgspec.json.encode({"version": VERSION, "name": NAME, "time": moment(now)})
