"""Small parts of the emulated wire: answers, refusals, bodies. Texts of errors are Ozon's own (Seller API, Errors) where it prints them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from stallkit.testing.shop import WireReply, WireRequest

T = TypeVar("T")
GRPC = {400: 3, 401: 16, 403: 7, 404: 5, 409: 9, 429: 8, 500: 13}
"""gRPC's code beside each HTTP status, as its gateway pairs them."""
RATE_LIMIT = "You have reached request rate limit per second"
CIRCLE = "Circle is open"


class SaidNo(Exception):
    """The call is answered with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.reply = failure(status, message)


def answer(body: object) -> WireReply:
    return WireReply(200, msgspec.json.encode(body))


def failure(status: int, message: str) -> WireReply:
    return WireReply(status, msgspec.json.encode({"code": GRPC[status], "message": message, "details": []}))


def read(request: WireRequest, kind: type[T]) -> T:
    """The body as ``kind``; refused in the manner of Ozon's request validation."""
    try:
        return msgspec.json.decode(request.body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SaidNo(400, f"Request validation error: {error}") from error


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def show_place(place: Sequence[str]) -> str:
    return b64encode(msgspec.json.encode(place)).decode()


def read_place(text: str) -> list[str]:
    try:
        return msgspec.json.decode(b64decode(text), type=list[str])
    except (ValueError, msgspec.DecodeError) as error:
        raise SaidNo(400, "Request validation error: invalid cursor") from error


def pdf(text: str) -> bytes:
    """Bytes that begin and end as a PDF does."""
    return f"%PDF-1.4\n% label of {text}\n%%EOF\n".encode()


Row = Mapping[str, object]
