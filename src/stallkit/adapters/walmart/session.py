"""The conversation with Walmart: a token of fifteen minutes, the headers that every call must carry, and its ways to say no.

A 403 has two meanings: the key has no right to this area (``/v3/token/detail`` lists its rights), or nothing of ours is let in.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from stallkit.adapters.walmart.manifest import MANIFEST
from stallkit.adapters.walmart.wire import Token, TokenDetail, parse_errors, replenished_in
from stallkit.errors import AdapterError, NeedsReconnect, Refused, SlowDown, TryLater, Unintelligible
from stallkit.http import Door, Reply, Request, retry_after

EARLY = timedelta(seconds=60)
"""A token is renewed so long before it ends: no call starts with one that dies on the way."""
RIGHTS = "/v3/token/detail"
AREAS = {"/v3/orders": "orders", "/v3/inventory": "inventory", "/v3/inventories": "inventory", "/v3/price": "price", "/v3/items": "item"}
"""First two parts of a path to the right that it needs, by the names of token/detail; feeds need two."""
FED = {"inventory": "inventory", "PRICE_AND_PROMOTION": "price"}


class Session:
    """Calls with a token that is kept here and renewed before it ends, and once when Walmart refuses it (401).

    NeedsReconnect when a fresh token is refused too, or when Walmart gives none for these credentials, or lets nothing in (403).
    Refused, with the code ``no_right``, when the key lacks the right to what was asked: other areas go on.
    """

    def __init__(self, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        pair = f"{config['client_id']}:{config['client_secret']}"
        self._basic = base64.b64encode(pair.encode()).decode()
        self._secrets = tuple(filter(None, (config["client_secret"], self._basic, config.get("webhook_secret", ""))))
        self._http = http.with_(secrets=self._secrets, read_error=self._read_error)
        self._token = ""
        self._renew_at: datetime | None = None
        self._rights: Mapping[str, str] | None = None

    def call(self, request: Request) -> Reply:
        """Make the call with a valid token. A 401 means that nothing was done there, so repeating even a write is safe."""
        if self._renew_at is None or self.clock() >= self._renew_at:
            self.renew()
        try:
            return self._send(request)
        except NeedsReconnect as error:
            if error.status == 403:
                raise self._forbidden(request, error) from error
            if error.status != 401:
                raise
        self.renew()
        return self._send(request)

    def _forbidden(self, request: Request, error: NeedsReconnect) -> AdapterError:
        """What a 403 means, by the rights of the key."""
        areas = areas_of(request)
        if not areas:
            return error
        if self._rights is None:
            try:
                self._rights = self._send(Request("GET", RIGHTS, MANIFEST.limit("probe"))).decode(TokenDetail).scopes
            except (NeedsReconnect, Unintelligible):
                return error
        lacking = [f"{area}: {self._rights.get(area, 'none')}" for area in areas if not suffices(self._rights.get(area), request)]
        if not lacking:
            return error
        return Refused(
            f"The key has no right to this ({', '.join(lacking)}). In the Developer Portal give it full access to {' and '.join(areas)}, "
            "and reconnect the account if Walmart makes a new key. Everything else goes on.",
            code="no_right",
            status=403,
        )

    def renew(self) -> None:
        """Get a new token. NeedsReconnect if Walmart refuses the client id or secret."""
        request = Request(
            "POST",
            "/v3/token",
            MANIFEST.limit("token"),
            headers=self._headers() | {"Authorization": f"Basic {self._basic}", "Content-Type": "application/x-www-form-urlencoded"},
            body=b"grant_type=client_credentials",
        )
        try:
            token = self._http.call(request).decode(Token)
        except (Refused, NeedsReconnect) as error:
            if error.status == 403:
                raise
            raise NeedsReconnect(f"Walmart gives no token for this client id and secret: {error.detail}", status=error.status) from error
        self._token, self._rights = token.access_token, None
        self._renew_at = self.clock() + timedelta(seconds=token.expires_in) - EARLY
        self._http = self._http.with_(secrets=(*self._secrets, self._token))

    def _send(self, request: Request) -> Reply:
        headers = self._headers() | {"WM_SEC.ACCESS_TOKEN": self._token} | dict(request.headers)
        return self._http.call(replace(request, headers=headers))

    @staticmethod
    def _headers() -> dict[str, str]:
        """What every call must carry; the correlation id is new each time."""
        return {"WM_QOS.CORRELATION_ID": str(uuid.uuid4()), "WM_SVC.NAME": "Walmart Marketplace", "Accept": "application/json"}

    def _read_error(self, reply: Reply) -> AdapterError | None:
        """Walmart's own reading of a status outside 2xx; None leaves 5xx to the door."""
        if reply.status == 429:
            return SlowDown("Walmart asks us to slow down (429)", retry_after=self._wait(reply), status=429)
        if reply.status < 400 or reply.status >= 500 or reply.status == 408:
            return None
        errors = parse_errors(reply)
        code = errors[0].code if errors else str(reply.status)
        detail = "; ".join(error.text for error in errors if error.text) or f"HTTP {reply.status} without a reason"
        if reply.status == 401:
            return NeedsReconnect(f"Walmart refuses the token ({code}): {detail}", status=401)
        if reply.status == 403:
            return NeedsReconnect(f"Walmart refuses our rights or our address ({code}): {detail}", status=403)
        if reply.status == 423:
            return TryLater(f"Walmart has locked this for a moment ({code}): {detail}", status=423)
        return Refused(f"{code}: {detail}", code=code, status=reply.status)

    def _wait(self, reply: Reply) -> float:
        """Seconds after a 429: Retry-After, else Walmart's own header for the next token, else the door's default."""
        seconds = replenished_in(reply.headers.get("x-next-replenishment-time", ""), self.clock())
        if "retry-after" in reply.headers or seconds is None:
            return retry_after(reply.headers, self.clock())
        return min(max(seconds, 1.0), 6 * 3600.0)


def areas_of(request: Request) -> tuple[str, ...]:
    """The rights that a call needs; none for those about the account itself. Pure."""
    if request.path.startswith("/v3/feeds"):
        fed = FED.get(dict(request.params).get("feedType", ""))
        return ("feeds", fed) if fed else ("feeds",)
    area = AREAS.get("/".join(request.path.split("/")[:3]))
    return (area,) if area else ()


def suffices(level: str | None, request: Request) -> bool:
    """Whether a level of access, as token/detail names it, is enough for a call. Pure."""
    return level == "full_access" or (level == "view_only" and not request.writes)
