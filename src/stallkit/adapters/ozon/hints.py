"""Ozon's notifications. Nobody signs them, so they only say where to look (``Manifest.hint_networks`` says where they come from)."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from stallkit.types import Hint

ORDERS = {"TYPE_NEW_POSTING", "TYPE_POSTING_CANCELLED", "TYPE_STATE_CHANGED", "TYPE_CUTOFF_DATE_CHANGED", "TYPE_DELIVERY_DATE_CHANGED"}
STOCK = "TYPE_STOCKS_CHANGED"
"""Its figures may be late: a reason to read them, not to believe them."""
PING = "TYPE_PING"
TAKEN = b'{"result":true}'
NAME, VERSION = "stallkeeper", "1"


class Notification(msgspec.Struct):
    message_type: str
    posting_number: str = ""


def read_notification(method: str, body: bytes, now: datetime) -> Hint | None:
    """The hint in a notification, with the answer that Ozon wants to it within five seconds; None if it is none of Ozon's.

    A kind that we do not follow is accepted without a look: a refusal would be repeated, and too many of them suspend all notifications.
    """
    if method.upper() != "POST":
        return None
    try:
        told = msgspec.json.decode(body, type=Notification)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not told.message_type.startswith("TYPE_") or len(told.posting_number) > 100:
        return None
    if told.message_type == PING:
        return Hint("", PING, calls_for_a_look=False, answer=pong(now))
    followed = told.message_type in ORDERS or told.message_type == STOCK
    return Hint(told.posting_number, told.message_type, calls_for_a_look=followed, answer=TAKEN)


def pong(now: datetime) -> bytes:
    """The answer to the check of the address: who we are, and when we began to answer."""
    time = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return msgspec.json.encode({"version": VERSION, "name": NAME, "time": time})
