"""What the emulated Walmart needs to answer: JSON bodies, errors in Walmart's shape, rate buckets, request bodies of both kinds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.parser import BytesParser
from email.policy import HTTP
from typing import TypeVar

import msgspec

from stallkit.adapters.walmart.wire import ENCODER
from stallkit.manifest import Limit
from stallkit.pacing import Bucket, Priority, refill, take
from stallkit.testing.emulator import WireReply, WireRequest

T = TypeVar("T")
Json = Mapping[str, object]
Headers = tuple[tuple[str, str], ...]
KIND: Headers = (("Content-Type", "application/json"),)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

RATES = {
    "token": (60, MINUTE),
    "probe": (50, MINUTE),
    "orders": (5000, MINUTE),
    "released": (60, MINUTE),
    "order": (5000, MINUTE),
    "acknowledge": (60, MINUTE),
    "shipping": (60, MINUTE),
    "cancel": (60, MINUTE),
    "inventory": (200, MINUTE),
    "inventory_write": (200, MINUTE),
    "inventories": (200, MINUTE),
    "inventory_nodes": (200, MINUTE),
    "price": (100, HOUR),
    "items": (60, MINUTE),
    "item": (900, MINUTE),
    "feeds": (5000, MINUTE),
    "feed inventory": (10, HOUR),
    "feed MP_INVENTORY": (50, HOUR),
    "feed PRICE_AND_PROMOTION": (10, HOUR),
    "feed price": (10, HOUR),
}
"""Walmart's rate-limit page, on its side of the wire (written down apart from the adapter's manifest, so that one can catch the other)."""


class SaidNo(Exception):
    """Walmart refuses the call."""

    def __init__(self, status: int, code: str, text: str, *headers: tuple[str, str], gateway: bool = False) -> None:
        super().__init__(text)
        self.reply = failure(status, code, text, *headers, gateway=gateway)


def answer(body: object, *headers: tuple[str, str]) -> WireReply:
    return WireReply(200, ENCODER.encode(body), (*KIND, *headers))


def failure(status: int, code: str, text: str, *headers: tuple[str, str], gateway: bool = False) -> WireReply:
    """Applications answer ``errors``, the gateway before them ``error``."""
    entry = {
        "code": code,
        "info": text,
        "description": text,
        "severity": "ERROR",
        "category": "DATA",
        "gatewayErrorCategory": "SYSTEM_ERROR",
    }
    return WireReply(status, ENCODER.encode({"error" if gateway else "errors": [entry]}), (*KIND, *headers))


def read(body: bytes, kind: type[T]) -> T:
    """A request body; SaidNo if it is not what the contract says."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SaidNo(400, "INVALID_REQUEST_CONTENT.GMP_ITEM_INVENTORY_API", f"The request body is invalid: {error}") from error


def feed_file(request: WireRequest) -> bytes:
    """The feed of a submission: the multipart field ``file``, or the body itself."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return request.body
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body)
    for part in message.iter_parts():
        if part.get_param("name", header="content-disposition") == "file":
            return bytes(part.get_payload(decode=True))
    raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", "the multipart body has no field 'file'", gateway=True)


@dataclass(slots=True)
class Rates:
    """Token buckets per operation. ``limits_scale`` stretches the time that a token needs: 0.1 refills ten times faster."""

    limits_scale: float
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def spend(self, name: str, now: datetime) -> Headers:
        """Take a token; the headers that tell how many are left. SaidNo (429) when there is none."""
        capacity, per = RATES[name]
        limit = Limit(name, capacity, max(per * self.limits_scale, timedelta(microseconds=1)))
        bucket = refill(self.buckets.get(name, Bucket(float(capacity), now)), limit, now)
        self.buckets[name], wait = take(bucket, limit, now, Priority.CUT)
        left = self.buckets[name].tokens
        next_token = now + (timedelta(seconds=wait) if wait else limit.per / capacity)
        headers = (("x-current-token-count", str(int(left))), ("x-next-replenishment-time", str(int(next_token.timestamp() * 1000))))
        if wait:
            text = f"you have used up your calls of '{name}'"
            raise SaidNo(
                429, "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API", text, ("Retry-After", str(math.ceil(wait))), *headers, gateway=True
            )
        return headers


def page_of(rows: Sequence[T], request: WireRequest, most: int, default: int) -> tuple[Sequence[T], int, int]:
    """(rows, offset, limit) as ``offset`` and ``limit`` of the query say; SaidNo beyond the operation's limit."""
    offset, limit = int(request.param("offset", "0")), int(request.param("limit", str(default)))
    if not 0 < limit <= most:
        raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", f"limit must be from 1 to {most}")
    return rows[offset : offset + limit], offset, limit
