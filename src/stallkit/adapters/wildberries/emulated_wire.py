"""What every part of the emulated Wildberries answers with, reads, and counts. Error bodies differ by category, as in the contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from stallkit.testing.emulator import WireReply, WireRequest

Json = Mapping[str, object]
MOSCOW = timezone(timedelta(hours=3))
PLAIN, PROBLEM = "application/json", "application/problem+json"


class SaidNo(Exception):
    """Ends a route with this reply."""

    def __init__(self, status: int, code: str, message: str, data: object = None) -> None:
        super().__init__(message)
        self.reply = refusal(status, code, message, data)


def answer(body: object, status: int = 200) -> WireReply:
    return WireReply(status, msgspec.json.encode(body))


def nothing() -> WireReply:
    return WireReply(204, b"", ())


def refusal(status: int, code: str, message: str, data: object = None) -> WireReply:
    """Marketplace: ``{code, message, data}``; data only where there is some (03, Error)."""
    body: dict[str, object] = {"code": code, "message": message}
    return answer(body if data is None else {**body, "data": data}, status)


def priced(data: object, error: str = "", status: int = 200) -> WireReply:
    """Prices and content: ``{data, error, errorText}``."""
    return answer({"data": data, "error": bool(error), "errorText": error}, status)


def problem(status: int, title: str, detail: str, kind: str, *headers: tuple[str, str]) -> WireReply:
    """Gateway replies; ``kind`` is the content type, which is plain JSON on the order routes (03) and problem+json elsewhere."""
    body = msgspec.json.encode({"title": title, "detail": detail, "requestId": "0" * 32, "status": status})
    return WireReply(status, body, (("Content-Type", kind), *headers))


def read_json(request: WireRequest) -> dict[str, object]:
    try:
        return msgspec.json.decode(request.body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SaidNo(400, "IncorrectRequestBody", "Incorrect required body") from error


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def as_numbers(value: object) -> list[int]:
    return [item for item in as_list(value) if isinstance(item, int)]


def number(request: WireRequest, name: str, default: int | None = None) -> int:
    """A whole number from the query; 400 if it is missing or none."""
    text = request.param(name, "" if default is None else str(default))
    try:
        return int(text)
    except ValueError as error:
        raise SaidNo(400, "IncorrectParameter", f"{name} must be a number") from error


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, as in Marketplace."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moscow(moment: datetime) -> str:
    """Without a zone, in Moscow's time, as in claims (09)."""
    return moment.astimezone(MOSCOW).replace(tzinfo=None).isoformat(timespec="microseconds")


@dataclass
class Bucket:
    """A token bucket: so many at once, then one per interval (01, limits). ``refused``: what a 4XX counts for."""

    burst: float
    interval: float
    refused: float
    tokens: float
    at: datetime

    @classmethod
    def make(cls, burst: int, interval: float, refused: int, scale: float, now: datetime) -> Bucket:
        """``scale`` below 1 allows so many times more at once, above 1 it makes the interval longer."""
        size = burst / min(scale, 1.0)
        return cls(size, interval * scale, refused, size, now)

    def fill(self, now: datetime) -> None:
        self.tokens = min(self.tokens + max((now - self.at).total_seconds(), 0) / self.interval, self.burst)
        self.at = max(now, self.at)

    def take(self, now: datetime) -> float:
        """0 if the call may pass, else the seconds to the next that may."""
        self.fill(now)
        if self.tokens < 1 - 1e-9:
            return (1 - self.tokens) * self.interval
        self.tokens -= 1
        return 0.0

    def charge(self) -> None:
        """The call was refused: it counts for more."""
        self.tokens = max(self.tokens - (self.refused - 1), -self.burst)

    def headers(self, wait: float) -> tuple[tuple[str, str], ...]:
        full = (self.burst - self.tokens) * self.interval
        return (("X-Ratelimit-Retry", f"{wait:.3f}"), ("X-Ratelimit-Reset", f"{full:.3f}"), ("X-Ratelimit-Limit", str(int(self.burst))))
