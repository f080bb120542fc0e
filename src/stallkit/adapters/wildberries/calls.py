"""How Wildberries is called: the token in a header, a host per category of methods, and its several ways to say no."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from stallkit.errors import AdapterError, NeedsReconnect, Refused, SlowDown
from stallkit.http import DEFAULT_RETRY_AFTER, Door, Reply, Request
from stallkit.manifest import Limit


class Failure(msgspec.Struct):
    """Bodies of refusals: Marketplace says ``code`` and ``message``, problem+json ``title`` and ``detail``, prices and content
    ``errorText`` (02, 03, 09)."""

    code: str | int = ""
    message: str = ""
    title: str = ""
    detail: object = ""
    errorText: str = ""  # noqa: N815 - as on the wire

    @property
    def word(self) -> str:
        return str(self.title or self.code or self.errorText or "refused")

    @property
    def text(self) -> str:
        return self.message or (self.detail if isinstance(self.detail, str) else "") or self.errorText or self.word


class Calls:
    """The door with the token in hand. ``read`` changes nothing there, ``write`` may."""

    def __init__(self, http: Door, token: str, limits: Mapping[str, Limit] | None = None) -> None:
        """``limits``: by host, what is spent from instead of the limit of the method."""
        self._limits = limits or {}
        self._http = http.with_(secrets=(*http.secrets, token), read_error=read_error)
        self._headers = {"Authorization": token}

    def read(
        self,
        method: str,
        path: str,
        limit: Limit,
        *,
        host: str = "",
        params: dict[str, str] | None = None,
        json: object = None,
        accept: frozenset[int] = frozenset(),
    ) -> Reply:
        paid = self._limits.get(host, limit)
        return self._http.call(Request(method, path, paid, params or {}, self._headers, json, host=host, accept=accept))

    def write(
        self, method: str, path: str, limit: Limit, *, host: str = "", json: object = None, accept: frozenset[int] = frozenset()
    ) -> Reply:
        """``accept``: refusals that the caller reads itself."""
        paid = self._limits.get(host, limit)
        return self._http.call(Request(method, path, paid, headers=self._headers, json=json, host=host, writes=True, accept=accept))


def failure_of(reply: Reply) -> Failure | None:
    """The refusal's words; None if the body is none of the known forms."""
    try:
        told = msgspec.json.decode(reply.body, type=Failure)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return told if told != Failure() else None


def read_error(reply: Reply) -> AdapterError | None:
    """Replies outside 2xx. A 429 says in a header of its own how many seconds there are to the next allowed try (01, limits)."""
    if reply.status == 429:
        return SlowDown("Wildberries asks us to slow down (429)", retry_after=_wait(reply), status=429)
    told = failure_of(reply)
    if told is None:
        return None
    if reply.status in {401, 402, 403}:
        return NeedsReconnect(f"Wildberries refuses us: {told.text} ({told.word})", status=reply.status)
    if 400 <= reply.status < 500 and reply.status != 408:
        return Refused(f"Wildberries refused the call: {told.text}", code=told.word, status=reply.status)
    return None


def _wait(reply: Reply) -> float:
    for name in ("x-ratelimit-retry", "retry-after"):
        try:
            seconds = float(reply.headers.get(name, ""))
        except ValueError:
            continue
        if math.isfinite(seconds):
            return min(max(seconds, 1.0), 24 * 3600.0)
    return DEFAULT_RETRY_AFTER
