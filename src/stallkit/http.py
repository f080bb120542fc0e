"""The one door for HTTP: every call of every adapter goes through :class:`Door`.

It sets time-outs, spends the rate budget before the call, reads no more than it can hold, turns what happened into the six errors, hides
secrets, and hands each exchange to a recorder. It never retries, never sleeps, never follows a redirect and keeps no cookies.
"""

from __future__ import annotations

import math
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import BinaryIO, TypeVar
from urllib.parse import quote, quote_plus

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
from stallkit.words import Said
from stallkit.words import said as _

T = TypeVar("T")

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
MAX_SECONDS = 120.0
"""A reply that drips longer than this counts as none."""
DEFAULT_RETRY_AFTER = 30.0
MAX_BODY = 64 * 1024 * 1024
"""Replies larger than this (after decompression) are refused as unintelligible; no more than this is ever held."""
USER_AGENT = "stallkeeper"
HIDDEN = "•••"


Client = httpx.Client


def open_client() -> Client:
    """A client for the hosts that manifests name, by the machine's proxy settings. What a person typed needs ``guard.client_for``."""
    return httpx.Client(follow_redirects=False, timeout=TIMEOUT)


@dataclass(frozen=True, slots=True)
class Request:
    """One call to make. ``path`` is appended to the door's base URL, or to the address of ``host`` (a name in ``Manifest.more_hosts``).

    ``writes`` says whether the call may change something there.
    """

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
    host: str = ""
    accept: frozenset[int] = frozenset()
    """Statuses outside 2xx that the adapter wants to read itself."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes
    writes: bool = False

    def decode(self, kind: type[T]) -> T:
        """The body as ``kind``, strictly. The error names the field where it differs from the contract: Unintelligible, or OutcomeUnknown
        for a write, which may well have been applied."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise unreadable(
                _("{body}: {error}", body=describe_body(self), error=str(error)), writes=self.writes, status=self.status
            ) from error


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


def unreadable(detail: str, *, writes: bool, status: int | None = None) -> AdapterError:
    """The error for a reply that cannot be read: after a write nobody knows whether it took effect."""
    return (OutcomeUnknown if writes else Unintelligible)(detail, status=status)


def describe_body(reply: Reply) -> str:
    """A few safe words about a reply that could not be read."""
    kind = reply.headers.get("content-type", "no content type").split(";")[0]
    size = len(reply.body)
    return _("HTTP {status}, {kind}, {size} bytes, is not what the contract says", status=reply.status, kind=kind, size=size)


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
    if 300 <= status < 400:
        return unreadable(
            _("the platform wants to send us elsewhere (HTTP {status}); check the base URL", status=status),
            writes=reply.writes,
            status=status,
        )
    if status == 429:
        return SlowDown(_("the platform asks us to slow down (429)"), retry_after=retry_after(reply.headers, now), status=status)
    if status in {401, 403}:
        return NeedsReconnect(_("the platform refuses our credentials or address (HTTP {status})", status=status), status=status)
    if status >= 500 or status == 408:
        kind = OutcomeUnknown if reply.writes else TryLater
        return kind(_("the platform failed (HTTP {status})", status=status), status=status)
    return Refused(_("the platform refused the call (HTTP {status})", status=status), code=str(status), status=status)


SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "set-cookie", "wm_sec.access_token", "x-api-key", "api-key"}
_NAMES = "client_secret|password|access_token|refresh_token|id_token|token|api_key|apikey|secret|assertion|signature"
_FORM = re.compile(rf"(^|[?&])({_NAMES}|code)=([^&\s]+)", re.IGNORECASE)
_JSON = re.compile(rf'("(?:{_NAMES})"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)


@lru_cache(maxsize=256)
def spellings(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """The secrets as they may stand in URLs, forms and JSON, longest first, so that no tail of a longer one is left."""
    found: set[str] = set()
    for secret in filter(None, secrets):
        found |= {secret, quote(secret, safe=""), quote_plus(secret), msgspec.json.encode(secret).decode()[1:-1]}
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def hide(text: str, secrets: tuple[str, ...]) -> str:
    """``text`` without the secrets, in any of their spellings, nor in what it was made of."""
    if isinstance(text, Said) and text.values:
        text = Said(text.pattern, {name: hide(value, secrets) if isinstance(value, str) else value for name, value in text.values.items()})
    hidden = text
    for secret in spellings(secrets):
        hidden = hidden.replace(secret, HIDDEN)
    return text if hidden == text else hidden


def hide_body(body: bytes, kind: str, secrets: tuple[str, ...]) -> bytes:
    """A body fit for a recording: secrets, and in forms and JSON every field whose name says that it is one, are covered."""
    text = hide(body.decode("utf-8", "surrogateescape"), secrets)
    if "json" in kind:
        text = _JSON.sub(rf'\1"{HIDDEN}"', text)
    elif "form-urlencoded" in kind:
        text = _FORM.sub(rf"\1\2={HIDDEN}", text)
    return text.encode("utf-8", "surrogateescape")


class TooLarge(Exception):
    """The reply holds more than ``most`` bytes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} bytes")
        self.most = most


def unpacked(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The chunks of a body, inflated in pieces of bounded size; zlib.error if they are not what ``encoding`` says."""
    if encoding in {"", "identity"}:
        yield from chunks
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise zlib.error(f"encoding {encoding!r} was not asked for")
    inflater = zlib.decompressobj(wbits=31)
    begun = False
    for chunk in chunks:
        waiting, begun = chunk, True
        while waiting and not inflater.eof:
            yield inflater.decompress(waiting, 1024 * 1024)
            waiting = inflater.unconsumed_tail
    if begun and not inflater.eof:
        raise zlib.error("the compressed body ends too early")


def pieces(answer: httpx.Response, deadline: float, most: int) -> Iterator[bytes]:
    """The body in pieces. TooLarge beyond ``most`` bytes, httpx.ReadTimeout past the deadline, zlib.error if it cannot be unpacked."""
    if answer.is_stream_consumed:  # a transport inside the process: there is nothing left to limit
        chunks: Iterator[bytes] = iter((answer.content,))
    else:
        chunks = unpacked(answer.iter_raw(), answer.headers.get("content-encoding", "").strip().lower())
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise TooLarge(most)
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the reply took too long", request=answer.request)
        yield chunk


def read_limited(answer: httpx.Response) -> bytes:
    """The whole body, no more than MAX_BODY within MAX_SECONDS; otherwise what ``pieces`` raises."""
    return b"".join(pieces(answer, time.monotonic() + MAX_SECONDS, MAX_BODY))


@dataclass(frozen=True, slots=True)
class Saving:
    """Reads a good reply into a file, in pieces, and any other as usual."""

    into: BinaryIO
    most: int
    seconds: float

    def __call__(self, answer: httpx.Response) -> bytes:
        if not 200 <= answer.status_code < 300:
            return read_limited(answer)
        for piece in pieces(answer, time.monotonic() + self.seconds, self.most):
            self.into.write(piece)
        return b""


@dataclass(frozen=True, slots=True)
class Door:
    """Calls of one adapter instance. ``secrets`` are texts that must never leave through the recorder or an error: every secret setting and
    token, and whatever is made of them (for basic authentication the base64 text as well)."""

    client: httpx.Client
    base_url: str
    pacer: Pacer
    clock: Callable[[], datetime]
    recorder: Recorder | None = None
    secrets: tuple[str, ...] = ()
    read_error: ErrorReader | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Further addresses of the platform by name; one that is not there is the base URL, as for a test system that answers for all."""

    def with_(self, **changes: object) -> Door:
        """A copy that differs in the given fields (an adapter adds its ``secrets`` and ``read_error``)."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def call(self, request: Request) -> Reply:
        """Make the call. Returns the reply for 2xx and for ``request.accept``; raises one of the six errors otherwise."""
        return self._call(request, read_limited)

    def save(self, request: Request, into: BinaryIO, most: int, seconds: float = MAX_SECONDS) -> Reply:
        """Make the call and write the body of a 2xx reply into a file, so that a large one is never held; the reply's own body is empty.
        Unintelligible beyond ``most`` bytes, TryLater if it takes longer than ``seconds``; what was written until then is no whole file."""
        return self._call(request, Saving(into, most, seconds))

    def _call(self, request: Request, read: Callable[[httpx.Response], bytes]) -> Reply:
        self.pacer.spend(request.limit, request.cost)
        try:
            return self._exchange(request, read)
        except AdapterError as error:
            error.detail = hide(error.detail, self.secrets)
            error.args = (error.detail,)
            raise

    def _exchange(self, request: Request, read: Callable[[httpx.Response], bytes]) -> Reply:
        prepared = self._prepare(request)
        started = time.monotonic()
        try:
            answer = self.client.send(prepared, stream=True, auth=httpx.Auth(), follow_redirects=False)
            try:
                body = read(answer)
            finally:
                answer.close()
        except (httpx.RequestError, zlib.error, TooLarge) as error:
            self._record(prepared, None, b"", started, error)
            raise self._failure(request, prepared, error) from error
        self._record(prepared, answer, body, started, None)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return self._judge(request, Reply(answer.status_code, headers, body, request.writes))

    def _prepare(self, request: Request) -> httpx.Request:
        content = request.body if request.json is None else msgspec.json.encode(request.json)
        headers = {"Accept": "*/*", "User-Agent": USER_AGENT, **request.headers, "Accept-Encoding": "gzip"}
        if request.json is not None:
            headers.setdefault("Content-Type", "application/json")
        pairs = request.params.items() if isinstance(request.params, Mapping) else request.params
        try:
            return httpx.Request(  # not through the client: its cookies may be another account's
                request.method,
                self.hosts.get(request.host, self.base_url).rstrip("/") + request.path,
                params=httpx.QueryParams(tuple(pairs)) if pairs else None,
                headers=headers,
                content=content,
                files=request.files,
                extensions={"timeout": TIMEOUT.as_dict()},
            )
        except (httpx.InvalidURL, UnicodeError) as error:
            raise Refused(_("the address cannot be used: {error}", error=str(error))) from error

    def _failure(self, request: Request, sent: httpx.Request, error: Exception) -> AdapterError:
        """The error for a call without a readable reply."""
        host = sent.url.host
        if isinstance(error, TooLarge):
            return unreadable(_("the reply of {host} is larger than {most} bytes", host=host, most=error.most), writes=request.writes)
        if isinstance(error, zlib.error | httpx.DecodingError):
            return unreadable(_("the reply of {host} cannot be unpacked: {error}", host=host, error=str(error)), writes=request.writes)
        if isinstance(error, httpx.UnsupportedProtocol):
            return Refused(_("the address of {host} must start with http:// or https://", host=host or _("the platform")))
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
            return TryLater(_("no connection to {host}: {kind}: {error}", host=host, kind=type(error).__name__, error=str(error)))
        kind = OutcomeUnknown if request.writes else TryLater
        return kind(_("no reply from {host}: {kind}", host=host, kind=type(error).__name__))

    def _judge(self, request: Request, reply: Reply) -> Reply:
        if 400 <= reply.status < 500 and reply.status != 429 and request.limit.refusal_cost > request.cost:
            self.pacer.charge(request.limit, request.limit.refusal_cost - request.cost)
        if 200 <= reply.status < 300 or reply.status in request.accept:
            return reply
        error = (self.read_error(reply) if self.read_error else None) or default_error(reply, self.clock())
        if isinstance(error, SlowDown):
            self.pacer.block(request.limit, error.retry_after)
        raise error

    def _record(self, sent: httpx.Request, answer: httpx.Response | None, body: bytes, started: float, error: Exception | None) -> None:
        if self.recorder is None:
            return
        replied = answer.headers if answer is not None else httpx.Headers()
        self.recorder(
            Exchange(
                sent.method,
                _FORM.sub(rf"\1\2={HIDDEN}", hide(str(sent.url), self.secrets)),
                self._hide_headers(sent.headers),
                hide_body(sent.read(), sent.headers.get("content-type", ""), self.secrets),
                answer.status_code if answer is not None else None,
                self._hide_headers(replied),
                hide_body(body, replied.get("content-type", ""), self.secrets),
                time.monotonic() - started,
                type(error).__name__ if error else "",
            )
        )

    def _hide_headers(self, headers: httpx.Headers) -> dict[str, str]:
        return {name: HIDDEN if name.lower() in SECRET_HEADERS else hide(value, self.secrets) for name, value in headers.items()}
