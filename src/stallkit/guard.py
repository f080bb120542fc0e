"""The guarded door for addresses that a person can type: a shop's own URL, a feed, a proxy, an emulator.

Such an address must not reach what only this machine can reach. Each name is resolved once per minute and host; every address that it
resolves to is checked; and the connection goes to a checked address, not to the name again, so that a name which changes its mind between
check and call (rebinding) gains nothing. Host header and TLS name stay those of the URL. Redirects are never followed, and no proxy or
credentials are taken from the environment.

The operator may open the guard for chosen networks and hosts (``allow``): ``"127.0.0.1"``, ``"10.1.0.0/16"``, ``"shop.internal"``,
``"shop.internal:8443"``.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from stallkit.errors import NeedsReconnect
from stallkit.http import TIMEOUT
from stallkit.words import said as _

Resolver = Callable[[str, int], Sequence[str]]
"""(host, port) to addresses as text."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PINNED_SECONDS = 60.0
"""How long a checked answer of the resolver is used."""
UNICAST = ipaddress.IPv6Network("2000::/3")
SPECIAL = (
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv6Network("2001::/23"),
    ipaddress.IPv6Network("3fff::/20"),
)
"""Special networks of the IANA registries (RFC 6890 and later) that Pythons of today take for public ones, whole or in part."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?", re.IGNORECASE)


class AddressNotAllowed(NeedsReconnect):
    """The address leads where no user may send us, or is not a plain web address. A person must correct it."""


@dataclass(frozen=True, slots=True)
class Target:
    """The host and port of a URL that passed the checks on its text."""

    host: str
    port: int


def client_for(
    base_url: str, allow: Sequence[str] = (), *, resolve: Resolver | None = None, verify: ssl.SSLContext | None = None
) -> httpx.Client:
    """A client that reaches the host of ``base_url`` and nothing else. AddressNotAllowed if the URL or what it resolves to is not allowed;
    a name that does not resolve now is no error yet: calls will raise httpx.ConnectError. ``verify`` brings a private certificate
    authority."""
    transport = GuardedTransport(base_url, allow, resolve or system_resolver, verify)
    transport.check()
    return httpx.Client(transport=transport, follow_redirects=False, trust_env=False, timeout=TIMEOUT)


class GuardedTransport(httpx.BaseTransport):
    """Sends requests for one host to checked addresses of it."""

    def __init__(self, base_url: str, allow: Sequence[str], resolve: Resolver, verify: ssl.SSLContext | None = None) -> None:
        self.target = read_url(base_url)
        self.allow = tuple(allow)
        self._resolve = resolve
        self._inner = httpx.HTTPTransport(trust_env=False, verify=verify or True)
        self._checked: tuple[float, tuple[Address, ...]] | None = None

    def check(self) -> None:
        """Resolve and check now, for the form that the user is looking at."""
        try:
            self._addresses()
        except OSError:
            return

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if read_url(str(request.url)) != self.target:
            raise AddressNotAllowed(_("this connection is for {host}, not for {other}", host=self.target.host, other=request.url.host))
        try:
            addresses = self._addresses()
        except OSError as error:
            why = _("{host} does not resolve: {error}", host=self.target.host, error=str(error))
            raise httpx.ConnectError(why, request=request) from error
        return self._send(request, addresses)

    def _send(self, request: httpx.Request, addresses: Sequence[Address]) -> httpx.Response:
        """Try the addresses in turn; only a connection that never came about is tried again."""
        for address in addresses[:-1]:
            try:
                return self._inner.handle_request(pinned(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return self._inner.handle_request(pinned(request, addresses[-1]))

    def _addresses(self) -> tuple[Address, ...]:
        now = time.monotonic()
        if self._checked is None or self._checked[0] < now:
            self._checked = (now + PINNED_SECONDS, checked_addresses(self.target, self.allow, self._resolve))
        return self._checked[1]

    def close(self) -> None:
        self._inner.close()


def connect(host: str, port: int, allow: Sequence[str] = (), *, resolve: Resolver | None = None, seconds: float = 30.0) -> socket.socket:
    """A TCP connection to a checked address of a host that a person typed, for what does not speak HTTP. AddressNotAllowed, or OSError."""
    target = read_place(host, port)
    addresses = checked_addresses(target, allow, resolve or system_resolver)
    for address in addresses[:-1]:
        try:
            return socket.create_connection((str(address), port), timeout=seconds)
        except OSError:
            continue
    return socket.create_connection((str(addresses[-1]), port), timeout=seconds)


def read_place(host: str, port: int) -> Target:
    """A host and port that stand alone, without a URL around them."""
    if not 0 < port < 65_536:
        raise AddressNotAllowed(_("there is no port {port}", port=port))
    try:
        return Target(read_host(host.strip().encode("idna" if not host.isascii() else "ascii").decode().lower()), port)
    except UnicodeError as error:
        raise AddressNotAllowed(_("{host!r} is not the name of a host", host=host)) from error


def checked_addresses(target: Target, allow: Sequence[str], resolve: Resolver) -> tuple[Address, ...]:
    """What the target resolves to now, at least one address, all of them allowed; OSError if it does not resolve."""
    found = tuple(ipaddress.ip_address(text.partition("%")[0]) for text in resolve(target.host, target.port))
    if not found:
        raise OSError("no address")
    check_addresses(target, found, allow)
    return found


def system_resolver(host: str, port: int) -> list[str]:
    """Every address that the system knows for the host, in its order of preference; OSError if none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"this cannot be a name of a host: {error}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def pinned(request: httpx.Request, address: Address) -> httpx.Request:
    """The same request to a number: the Host header stays, and TLS asks for and checks the name."""
    extensions = {**request.extensions, "sni_hostname": request.url.host}
    url = request.url.copy_with(host=str(address))
    return httpx.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=extensions)


def read_url(url: str) -> Target:
    """Host and port of a plain http(s) URL; AddressNotAllowed names what is wrong with it."""
    try:
        parsed = httpx.URL(url)
        port = {"http": 80, "https": 443}.get(parsed.scheme, 0) if parsed.port is None else parsed.port
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise AddressNotAllowed(_("this is not an address: {error}", error=str(error))) from error
    if parsed.scheme not in {"http", "https"}:
        raise AddressNotAllowed(_("an address starts with http:// or https://, not with {scheme}:", scheme=parsed.scheme or _("nothing")))
    if parsed.userinfo:
        raise AddressNotAllowed(_("an address must not hold a user name or password; enter them in their own fields"))
    if not 0 < port < 65_536:
        raise AddressNotAllowed(_("there is no port {port}", port=port))
    return Target(read_host(parsed.raw_host.decode("ascii").lower()), port)


def read_host(host: str) -> str:
    """The host if it is a name, or a number in its usual form. Other spellings of numbers (hex, octal, one integer) are refused."""
    bare = host.removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    if not _NAME.fullmatch(host):
        raise AddressNotAllowed(_("{host!r} is not the name of a host", host=host))
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise AddressNotAllowed(_("write the address {host} in its usual form: four decimal numbers with dots", host=host))
    return host.rstrip(".")


def check_addresses(target: Target, addresses: Sequence[Address], allow: Sequence[str]) -> None:
    """AddressNotAllowed unless the operator vouches for the host, or each of its addresses is public or in an allowed network."""
    if target.host in allow or f"{target.host}:{target.port}" in allow:
        return
    networks = [network for entry in allow if (network := read_network(entry)) is not None]
    for address in addresses:
        faces = meanings(address)
        if not all(is_public(face) or any(face in network for network in networks) for face in faces):
            raise AddressNotAllowed(
                _(
                    "{host} leads to {address}, which is not a public address; the operator can allow it for this installation",
                    host=target.host,
                    address=str(address),
                )
            )


def read_network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """An entry of the allow-list that names a network or address; None if it names a host."""
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


def meanings(address: Address) -> list[Address]:
    """The address, or the IPv4 addresses that it carries inside (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inside: list[Address] = []
    if address.sixtofour is not None:
        inside.append(address.sixtofour)
    if address.teredo is not None:
        inside.extend(address.teredo)
    if address in NAT64:
        inside.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return inside or [address]


def is_public(address: Address) -> bool:
    """Whether anyone on the internet could mean this address."""
    if any(address in network for network in SPECIAL) or (address.version == 6 and address not in UNICAST):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
