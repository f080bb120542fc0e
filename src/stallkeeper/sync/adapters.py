"""Adapters, built for an account: its settings and credentials, the door to its host, and its rate budget.

An adapter is kept as long as the account's settings stay the same, so that access tokens live on from run to run; one per account and lane,
because no two runs of a lane overlap.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings

from stallkeeper.channels import connect
from stallkeeper.channels.models import Connection
from stallkeeper.core import clock, crash, figures
from stallkeeper.sync.budgets import Beforehand, PgPacer, refuse_in_transaction
from stallkit import guard
from stallkit.http import Client, Door, Exchange, open_client
from stallkit.manifest import Capability, Manifest
from stallkit.pacing import Pacer
from stallkit.registry import build, manifest_of
from stallkit.types import AccountInfo, RemoteWarehouse

SCALE = "limits_scale"
"""A setting that only test systems have (accounts with an address of their own): how many times the platform's time their limits and bulk
submissions take. 1 is the platform's pace, 0.1 ten times faster; emulators and the demo mean the same by it."""


@dataclass(slots=True)
class Tape:
    """What went over the wire in a run: calls per status ("0" = no reply) and the time they took. ``operation``: the adapter's method."""

    platform: str = ""
    operation: str = ""
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def __call__(self, exchange: Exchange) -> None:
        status = str(exchange.status or 0)
        self.statuses[status] += 1
        figures.CALLS.add(self.platform, self.operation, status)
        figures.CALL_SECONDS.observe(exchange.seconds, self.platform, self.operation)
        self.seconds += exchange.seconds

    def wind_back(self) -> None:
        self.statuses.clear()
        self.seconds = 0.0


@dataclass(frozen=True, slots=True)
class Session:
    """An account ready to be called. ``adapter`` implements the protocols of ``manifest.capabilities``."""

    manifest: Manifest
    adapter: Any
    pacer: PgPacer
    tape: Tape
    limits_scale: float
    stamp: tuple[object, ...] = ()

    def can(self, capability: Capability) -> bool:
        return capability in self.manifest.capabilities


_sessions: dict[tuple[int, str], Session] = {}
_lock = threading.Lock()


def session(connection: Connection, lane_kind: str) -> Session:
    """The account's session for this lane: the one of the last run if nothing about the account has changed since."""
    key, stamp = (connection.pk, lane_kind), _stamp(connection)
    with _lock:
        kept = _sessions.get(key)
    if kept is None or kept.stamp != stamp:
        kept = open_session(connection, connect.settings_of(connection).all, stamp)
        with _lock:
            _sessions[key] = kept
    kept.tape.wind_back()
    return kept


def open_session(connection: Connection, config: Mapping[str, str], stamp: tuple[object, ...] = ()) -> Session:
    """A new session with the given settings (secrets in clear)."""
    limits_scale = _scale(config, connection.base_url)
    pacer, tape = PgPacer(connection.organisation_id, connection.pk, limits_scale=limits_scale), Tape(connection.platform)
    further = {} if connection.base_url else manifest_of(connection.platform).hosts_of(connection.site)
    door = Door(client(connection.base_url), connect.base_url_of(connection), pacer, clock.now, recorder=tape, hosts=further)
    adapter = build(connection.platform, {name: value for name, value in config.items() if name != SCALE}, door, clock.now)
    return Session(manifest_of(connection.platform), adapter, pacer, tape, limits_scale, stamp)


def _scale(config: Mapping[str, str], base_url: str) -> float:
    return float(config.get(SCALE, 1)) if base_url else 1.0


def _stamp(connection: Connection) -> tuple[object, ...]:
    sealed = connection.credentials
    return (connection.platform, connection.base_url, connection.site, sorted(connection.config.items()), sealed and sealed.updated_at)


def budget_of(connection: Connection) -> PgPacer:
    """The budget that all calls of a stored account are paid from."""
    return PgPacer(connection.organisation_id, connection.pk, limits_scale=_scale(connection.config, connection.base_url))


def budget_beforehand(config: Mapping[str, str], base_url: str) -> Beforehand:
    """The budget of an account that is not stored yet; ``hand_over`` passes it on once it is."""
    return Beforehand(_scale(config, base_url))


def probe(platform: str, config: Mapping[str, str], base_url: str, pacer: Pacer) -> AccountInfo:
    """Ask an account who it is, before or after it is stored; changes nothing there. Raises what adapters raise."""
    refuse_in_transaction()
    adapter = _adapter(platform, config, base_url, pacer)
    with crash.around("send:probe"):
        account: AccountInfo = adapter.probe()
    return account


def warehouses(platform: str, config: Mapping[str, str], base_url: str, pacer: Pacer) -> list[RemoteWarehouse]:
    """The platform's own warehouses of an account, stored or not; none where it keeps one figure for all. Raises what adapters raise."""
    manifest = manifest_of(platform)
    if not manifest.quirks.per_warehouse:
        return []
    refuse_in_transaction()
    adapter = _adapter(platform, config, base_url, pacer)
    with crash.around("send:read_warehouses"):
        return list(adapter.read_warehouses())


def _adapter(platform: str, config: Mapping[str, str], base_url: str, pacer: Pacer) -> Any:  # noqa: ANN401 - capabilities differ
    """An adapter for one call of a person's."""
    manifest = manifest_of(platform)
    hosts = dict(manifest.hosts)
    host = base_url or hosts.get(config.get("site", "")) or next(iter(hosts.values()))
    door = Door(client(base_url), host, pacer, clock.now, hosts={} if base_url else manifest.hosts_of(config.get("site", "")))
    return build(platform, {name: value for name, value in config.items() if name != SCALE}, door, clock.now)


@cache
def client(base_url: str) -> Client:
    """The HTTP client for an address; kept for the life of the process. Addresses that users typed go through the guard."""
    if base_url:
        return guard.client_for(base_url, settings.ENV.allow_private_urls)
    return open_client()


def forget_sessions() -> None:
    """Drop everything that is kept (tests, and after a fork)."""
    with _lock:
        _sessions.clear()
    client.cache_clear()
