"""Walmart's callbacks. They only say where to look; the pull decides.

Sources: the pages "Order management event" (ORDER_UPDATES, since February 2026), "Purchase order created event" (the older single
events, which end on 15 December 2026), "Security and authenticity" (signature) and "Create subscription" (HMAC).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from stallkit.types import Hint

OWN_HEADER = "x-stallkeeper-signature"
"""The ``authHeaderName`` to give when subscribing with ``authMethod`` HMAC."""
STOCK_EVENTS = frozenset({"INVENTORY_OOS"})
ORDER_EVENTS = frozenset({"ORDER_UPDATES", "PO_CREATED", "PO_LINE_AUTOCANCELLED", "INTENT_TO_CANCEL", "FRAUD_CANCEL"})


class Source(Struct, rename="camel"):
    event_type: str


class EventMeta(Struct, rename="camel"):
    sub_event_type: str = ""


class EventOrder(Struct, rename="camel"):
    purchase_order_id: str = ""


class Payload(Struct, rename="camel"):
    """ORDER_UPDATES nests the order, the older events do not."""

    purchase_order_id: str = ""
    sub_event_type: str = ""
    meta: EventMeta | None = None
    order: EventOrder | None = None


class Event(Struct):
    source: Source
    payload: Payload


@dataclass(frozen=True, slots=True)
class Callback:
    """A call to us. Header names are lower case with dashes: proxies drop or rewrite underscores."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Callback:
        return cls(method, path, query, {name.lower().replace("_", "-"): value for name, value in headers.items()}, body)


def read_hint(secret: str, call: Callback) -> Hint | None:
    """The hint in a callback; None if it is no event of Walmart, or not signed with ``secret`` where one is set.

    A genuine event of a kind that we do not follow is accepted without a look: a refusal would be repeated.
    """
    if secret and not genuine(secret, call):
        return None
    try:
        event = msgspec.json.decode(call.body, type=Event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if event.source.event_type not in ORDER_EVENTS | STOCK_EVENTS:
        return Hint("", event.source.event_type, calls_for_a_look=False)
    payload = event.payload
    topic = payload.sub_event_type or (payload.meta.sub_event_type if payload.meta else "") or event.source.event_type
    return Hint(payload.order.purchase_order_id if payload.order else payload.purchase_order_id, topic)


def sign(secret: str, call: Callback, timestamp: str) -> str:
    """``WM_SEC.SIGNATURE``: base64 of HMAC-SHA256 over method, target, timestamp and the body's hash, each on its line."""
    target = f"{call.path}?{call.query}" if call.query else call.path
    text = "\n".join((call.method, target, timestamp, hashlib.sha256(call.body).hexdigest()))
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()


def genuine(secret: str, call: Callback) -> bool:
    """Whether one of Walmart's two ways to sign fits: its own signature, or the HMAC of the body that a subscription may ask for."""
    given = call.headers.get("wm-sec.signature", "")
    if given:
        good = sign(secret, call, call.headers.get("wm-sec.timestamp", ""))
        return hmac.compare_digest(given.encode(), good.encode())
    digest = hmac.digest(secret.encode(), call.body, "sha256")
    given = call.headers.get(OWN_HEADER, "")
    return any(hmac.compare_digest(given.encode(), good) for good in (base64.b64encode(digest), digest.hex().encode()))
