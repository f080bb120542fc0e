"""Requests that come through the operator's own proxy: who really asks, and whether the outer connection is encrypted.

Only addresses in STALLKEEPER_TRUSTED_PROXIES are believed; anybody can write these headers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ProxyMiddleware:
    """Puts the client's address and scheme where Django looks for them. Must stand before everything that asks for either."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        trusted = settings.ENV.trusted_proxies
        if trusted and is_in(request.META.get("REMOTE_ADDR", ""), trusted):
            believe(request, trusted)
        return self.get_response(request)


def believe(request: HttpRequest, trusted: Sequence[Network]) -> None:
    """Take over what the nearest trusted proxy says."""
    request.META["REMOTE_ADDR"] = client_of(request.META["REMOTE_ADDR"], request.META.get("HTTP_X_FORWARDED_FOR", ""), trusted)
    if request.META.get("HTTP_X_FORWARDED_PROTO", "").strip().lower() == "https":
        request.META["wsgi.url_scheme"] = "https"


def client_of(nearest: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The address that the outermost trusted proxy saw: from the right, the first that is not one of ours. What stands further left was
    written by strangers."""
    client = nearest
    for text in reversed([part.strip() for part in forwarded_for.split(",")]):
        if not _is_address(text):
            break
        client = text
        if not is_in(text, trusted):
            break
    return client


def is_in(text: str, networks: Sequence[Network]) -> bool:
    """Whether the text is an address in one of the networks."""
    return _is_address(text) and any(ipaddress.ip_address(text) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
