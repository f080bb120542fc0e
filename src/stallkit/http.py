"""The one door for HTTP: every call of every adapter goes through :class:`Door`.

It sets time-outs, spends the rate budget before the call, turns what happened into the six errors, hides secrets, and hands each exchange
to a recorder. It never retries and never sleeps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
import msgspec

from stallkit.errors import (
    AdapterError,
    NeedsReconnect,
    OutcomeUnknown,
    Refused,
    SlowDown,
    TryLater,
    Unintelligible,
)
from stallkit.manifest import Limit
from stallkit.pacing import Pacer

T = TypeVar("T")

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
DEFAULT_RETRY_AFTER = 30.0
MAX_BODY = 64 * 1024 * 1024
"""Replies larger than this (after decompression) are refused as unintelligible."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call to make. ``path`` is appended to the door's base URL. ``writes`` says whether the call may change something there."""

    method: str
    path: str
    limit: Limit
    params: Mapping[str, str] | Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object | None = None
    body: bytes | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    writes: bool = False
    cost: float = 1.0
    accept: frozenset[int] = frozenset()
    """Statuses outside 2xx that the adapter wants to read itself."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes
    writes: bool = False

    def decode(self, kind: type[T]) -> T:
        """The body as ``kind``, strictly; Unintelligible names the field where it differs from the contract."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unintelligible(f"{describe_body(self)}: {error}", status=self.status) from error


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the recorder gets, secrets already hidden. ``status`` is None when no reply came; ``error`` names the exception then."""

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int | None
    reply_headers: Mapping[str, str]
    reply_body: bytes
    seconds: float
    error: str = ""


Recorder = Callable[[Exchange], None]
ErrorReader = Callable[[Reply], AdapterError | None]
"""An adapter's own reading of a reply that is not 2xx; None leaves it to the default mapping."""


def describe_body(reply: Reply) -> str:
    """A few safe words about a reply that could not be read."""
    kind = reply.headers.get("content-type", "no content type").split(";")[0]
    return f"HTTP {reply.status}, {kind}, {len(reply.body)} bytes, is not what the contract says"


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds to wait after a 429: Retry-After in seconds or as a date; DEFAULT_RETRY_AFTER when absent or senseless."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return DEFAULT_RETRY_AFTER
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return DEFAULT_RETRY_AFTER if math.isnan(seconds) else min(max(seconds, 1.0), 6 * 3600.0)


def default_error(reply: Reply, now: datetime) -> AdapterError:
    """The error that a status means when the adapter has no better reading."""
    status = reply.status
    if status == 429:
        return SlowDown("the platform asks us to slow down (429)", retry_after=retry_after(reply.headers, now), status=status)
    if status in {401, 403}:
        return NeedsReconnect(f"the platform refuses our credentials or address (HTTP {status})", status=status)
    if status >= 500 or status == 408:
        kind = OutcomeUnknown if reply.writes else TryLater
        return kind(f"the platform failed (HTTP {status})", status=status)
    return Refused(f"the platform refused the call (HTTP {status})", code=str(status), status=status)


@dataclass(frozen=True, slots=True)
class Door:
    """Calls of one adapter instance. ``secrets`` are texts that must never leave through the recorder or an error."""

    client: httpx.Client
    base_url: str
    pacer: Pacer
    clock: Callable[[], datetime]
    recorder: Recorder | None = None
    secrets: tuple[str, ...] = ()
    read_error: ErrorReader | None = None

    def with_(self, **changes: object) -> Door:
        """A copy that differs in the given fields (an adapter adds its ``secrets`` and ``read_error``)."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def call(self, request: Request) -> Reply:
        """Make the call. Returns the reply for 2xx and for ``request.accept``; raises one of the six errors otherwise."""
        self.pacer.spend(request.limit, request.cost)
        prepared = self._prepare(request)
        started = time.monotonic()
        try:
            answer = self.client.send(prepared)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            self._record(prepared, None, started, error)
            raise TryLater(f"no connection to {prepared.url.host}: {type(error).__name__}") from error
        except httpx.RequestError as error:
            self._record(prepared, None, started, error)
            kind = OutcomeUnknown if request.writes else TryLater
            raise kind(f"no reply from {prepared.url.host}: {type(error).__name__}") from error
        self._record(prepared, answer, started, None)
        return self._judge(request, answer)

    def _prepare(self, request: Request) -> httpx.Request:
        url = self.base_url.rstrip("/") + request.path
        content = request.body if request.json is None else msgspec.json.encode(request.json)
        headers = dict(request.headers)
        if request.json is not None:
            headers.setdefault("Content-Type", "application/json")
        pairs = request.params.items() if isinstance(request.params, Mapping) else request.params
        params = httpx.QueryParams(tuple(pairs)) if pairs else None
        return self.client.build_request(
            request.method,
            url,
            params=params,
            headers=headers,
            content=content,
            files=request.files,
            timeout=TIMEOUT,
        )

    def _judge(self, request: Request, answer: httpx.Response) -> Reply:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        reply = Reply(answer.status_code, headers, answer.content, request.writes)
        if len(reply.body) > MAX_BODY:
            raise Unintelligible(f"reply of {len(reply.body)} bytes is larger than {MAX_BODY}", status=reply.status)
        if 200 <= reply.status < 300 or reply.status in request.accept:
            return reply
        error = (self.read_error(reply) if self.read_error else None) or default_error(reply, self.clock())
        if isinstance(error, SlowDown):
            self.pacer.block(request.limit, error.retry_after)
        raise error

    def _record(self, sent: httpx.Request, answer: httpx.Response | None, started: float, error: Exception | None) -> None:
        if self.recorder is None:
            return
        self.recorder(
            Exchange(
                sent.method,
                self._hide(str(sent.url)),
                self._hide_headers(sent.headers),
                self._hide_bytes(sent.read()),
                answer.status_code if answer is not None else None,
                self._hide_headers(answer.headers) if answer is not None else {},
                self._hide_bytes(answer.content) if answer is not None else b"",
                time.monotonic() - started,
                type(error).__name__ if error else "",
            )
        )

    def _hide(self, text: str) -> str:
        for secret in self.secrets:
            if secret:
                text = text.replace(secret, "•••")
        return text

    def _hide_bytes(self, body: bytes) -> bytes:
        return self._hide(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape") if self.secrets else body

    def _hide_headers(self, headers: httpx.Headers) -> dict[str, str]:
        return {name: "•••" if name.lower() in SECRET_HEADERS else self._hide(value) for name, value in headers.items()}


SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "set-cookie", "wm_sec.access_token", "x-api-key"}
