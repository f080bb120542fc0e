"""Calls of one cabinet: the key, errors in the Market's words, and the few facts about the account that every call needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from stallkit.adapters.yandex_market import wire
from stallkit.adapters.yandex_market.manifest import ACCOUNT
from stallkit.adapters.yandex_market.places import GroupedAnswer, GroupedWarehouse, Place, Warehouse, WarehouseAnswer, places_of
from stallkit.adapters.yandex_market.wire_actions import Service
from stallkit.errors import AdapterError, NeedsReconnect, OutcomeUnknown, Refused, SlowDown, TryLater
from stallkit.http import DEFAULT_RETRY_AFTER, Door, Reply, Request
from stallkit.manifest import Limit

LONG_AGO = datetime.min.replace(tzinfo=UTC)
FACTS_LIVE = timedelta(hours=1)
LONGEST_WAIT = 6 * 3600.0
MOST_PAGES = 50
TOO_MANY = 420


@dataclass
class Kept:
    """Facts about the account, and when they were asked for."""

    at: datetime = LONG_AGO
    campaigns: tuple[wire.Campaign, ...] = ()
    places: dict[str, Place] | None = None
    places_at: datetime = LONG_AGO
    services: dict[str, int] = field(default_factory=dict)


class Session:
    """``config`` holds the manifest's settings. Facts about the account are asked for once an hour at most."""

    def __init__(self, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> None:
        self.clock, self._kept = clock, Kept()
        key = config["api_key"]
        self._headers = {"Api-Key": key, "Accept": "application/json"}
        self.http = http.with_(secrets=(*http.secrets, key), read_error=self._read_error)
        self._business = int(config.get("business_id") or 0)

    # --- calls --------------------------------------------------------------------------------------------------------------------------

    def get(self, path: str, limit: Limit, params: Mapping[str, str] | None = None, accept: frozenset[int] = frozenset()) -> Reply:
        return self.http.call(Request("GET", path, limit, params=params or {}, headers=self._headers, accept=accept))

    def ask(self, path: str, limit: Limit, body: object, params: Mapping[str, str] | None = None) -> Reply:
        """A question that is asked by POST: it changes nothing."""
        return self.http.call(Request("POST", path, limit, params=params or {}, headers=self._headers, json=body))

    def change(self, method: str, path: str, limit: Limit, body: object) -> Reply:
        return self.http.call(Request(method, path, limit, headers=self._headers, json=body, writes=True))

    # --- facts --------------------------------------------------------------------------------------------------------------------------

    @property
    def business(self) -> int:
        """The cabinet: as it is set, else the one that the key belongs to."""
        if not self._business:
            campaigns = self.campaigns()
            if not campaigns:
                raise Refused("the key shows no shop, so the cabinet is not known: set its number (businessId)", code="no_shop")
            self._business = campaigns[0].business.id
        return self._business

    def campaigns(self, *, anew: bool = False) -> tuple[wire.Campaign, ...]:
        """The shops that the key shows."""
        if not anew and self.clock() - self._kept.at < FACTS_LIVE:
            return self._kept.campaigns
        found: list[wire.Campaign] = []
        token = ""
        for _ in range(MOST_PAGES):
            params = {"limit": "100"} | ({"pageToken": token} if token else {})
            page = self.get("/v2/campaigns", ACCOUNT, params).decode(wire.CampaignPage)
            found += page.campaigns
            token = page.paging.next_page_token
            if not token:
                break
        self._kept.campaigns, self._kept.at = tuple(found), self.clock()
        return self._kept.campaigns

    def places(self, *, anew: bool = False) -> dict[str, Place]:
        """The warehouses, by number."""
        kept = self._kept
        if kept.places is None or anew or self.clock() - kept.places_at >= FACTS_LIVE:
            kept.places = self._ask_places()
            kept.places_at = self.clock()
        return kept.places

    def _ask_places(self) -> dict[str, Place]:
        """One of the two lists is not for this cabinet, and may be refused."""
        single: list[Warehouse] = []
        try:
            single = self._single_warehouses()
            return places_of(single, self._warehouses_by_shop())
        except Refused:
            return places_of(single, () if single else self._warehouses_by_shop())

    def remember_services(self, ask: Callable[[], Iterable[Service]]) -> Mapping[str, int]:
        """The numbers of delivery services by name, without regard to case; the list is asked for once."""
        if not self._kept.services:
            self._kept.services = {service.name.strip().casefold(): service.id for service in ask()}
        return self._kept.services

    def _single_warehouses(self) -> list[Warehouse]:
        found: list[Warehouse] = []
        token = ""
        for _ in range(MOST_PAGES):
            params = {"limit": "30"} | ({"pageToken": token} if token else {})
            page = self.ask(f"/v3/businesses/{self.business}/warehouses", ACCOUNT, {}, params).decode(WarehouseAnswer).result
            found += page.warehouses
            token = page.paging.next_page_token
            if not token:
                break
        return found

    def _warehouses_by_shop(self) -> list[GroupedWarehouse]:
        found: list[GroupedWarehouse] = []
        token = ""
        for _ in range(MOST_PAGES):
            params = {"limit": "30"} | ({"pageToken": token} if token else {})
            reply = self.ask(f"/v2/businesses/{self.business}/warehouses", ACCOUNT, {"components": ["STATUS"]}, params)
            page = reply.decode(GroupedAnswer).result
            found += page.warehouses
            token = page.paging.next_page_token
            if not token:
                break
        return found

    # --- errors -------------------------------------------------------------------------------------------------------------------------

    def _read_error(self, reply: Reply) -> AdapterError | None:
        """Replies outside 2xx, in the Market's words; None leaves it to the door."""
        if reply.status == TOO_MANY:
            return SlowDown(f"the Market's limit is used up (420): {words_of(reply)}", retry_after=self._wait(reply), status=TOO_MANY)
        if reply.status in {401, 403}:
            return NeedsReconnect(f"the Market refuses the key: {words_of(reply)}", status=reply.status)
        if reply.status in {400, 404, 409, 423}:
            failure = failure_of(reply)
            return Refused(words_of(reply), code=failure.code if failure else str(reply.status), status=reply.status)
        if reply.status >= 500:
            kind = OutcomeUnknown if reply.writes else TryLater
            return kind(f"the Market failed (HTTP {reply.status})", status=reply.status)
        return None

    def _wait(self, reply: Reply) -> float:
        """Seconds until ``X-RateLimit-Resource-Until``, an RFC 822 date."""
        try:
            until = parsedate_to_datetime(reply.headers.get("x-ratelimit-resource-until", ""))
        except ValueError:
            return DEFAULT_RETRY_AFTER
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - self.clock()).total_seconds()
        return DEFAULT_RETRY_AFTER if math.isnan(seconds) else min(max(seconds, 1.0), LONGEST_WAIT)


def failure_of(reply: Reply) -> wire.Failure | None:
    """The body of a refusal; None where it is not one of the Market's."""
    try:
        return msgspec.json.decode(reply.body, type=wire.Failure)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def words_of(reply: Reply) -> str:
    failure = failure_of(reply)
    return failure.words if failure else f"HTTP {reply.status} without a word"
