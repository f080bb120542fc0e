"""The way out for sources: whatever address a person typed, by whatever protocol, is resolved once, checked, and called by its number."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from stallkit import guard
from stallkit.errors import TryLater
from stallkit.guard import Resolver, system_resolver
from stallkit.http import Door as HttpDoor
from stallkit.http import open_client
from stallkit.manifest import Limit
from stallkit.words import said as _

SECONDS = 30.0
"""How long one answer may take."""


@dataclass(frozen=True, slots=True)
class Door:
    """``allow`` is the operator's list of networks and hosts that are not public and may be reached all the same. ``verify`` brings a
    private certificate authority."""

    allow: tuple[str, ...] = ()
    resolve: Resolver = system_resolver
    verify: ssl.SSLContext | None = None

    def http(self, url: str, clock: Callable[[], datetime], secrets: tuple[str, ...] = (), *, typed: bool = True) -> HttpDoor:
        """A door for calls to the host of ``url``; AddressNotAllowed if it leads where it must not. An address that is our own (not
        ``typed``) is called by the machine's proxy settings. Close its ``client`` after use."""
        client = guard.client_for(url, self.allow, resolve=self.resolve, verify=self.verify) if typed else open_client()
        return HttpDoor(client, url, Unpaced(), clock, secrets=secrets)

    def connect(self, host: str, port: int, seconds: float = SECONDS) -> socket.socket:
        """A TCP connection to a checked address of ``host``. AddressNotAllowed, or TryLater if there is none to be had."""
        try:
            return guard.connect(host, port, self.allow, resolve=self.resolve, seconds=seconds)
        except OSError as error:
            raise TryLater(
                _("no connection to {host}:{port}: {why}", host=host, port=port, why=error.strerror or type(error).__name__)
            ) from error

    def tls(self) -> ssl.SSLContext:
        """The context for TLS: certificates and names are checked."""
        return self.verify or ssl.create_default_context()


class Unpaced:
    """A source asks a few times an hour: there is no budget to spend."""

    def spend(self, limit: Limit, cost: float = 1.0) -> None:
        """Nothing is counted."""

    def block(self, limit: Limit, seconds: float) -> None:
        """A 429 is an error of this fetch; the schedule waits for the next."""

    def charge(self, limit: Limit, cost: float) -> None:
        """Nothing is counted."""
