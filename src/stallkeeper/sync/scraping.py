"""Who may read the figures, and the worker's own small server for them.

With STALLKEEPER_METRICS_TOKEN every reader shows it (``Authorization: Bearer …``). Without one only this machine may read, and only
directly: behind a proxy every caller looks like this machine, so whatever a proxy has forwarded is refused. A proxy that adds no header of
its own cannot be told from this machine: there a token is needed (docs/observability.md).
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings

from stallkeeper.core import figures

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

log = logging.getLogger(__name__)

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA", "HTTP_X_FORWARDED_HOST")
PORTS = 20
"""Workers of one machine take the first free port from the one that is set."""


def may_read(environ: Mapping[str, Any]) -> bool:
    """Whether the caller of this WSGI environment may read the figures."""
    token: str = settings.ENV.metrics_token
    if token:
        shown = str(environ.get("HTTP_AUTHORIZATION", ""))
        return secrets.compare_digest(shown.encode(), f"Bearer {token}".encode())
    return _is_local(str(environ.get("REMOTE_ADDR", ""))) and not any(environ.get(name) for name in FORWARDED)


def _is_local(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def page(registry: CollectorRegistry) -> tuple[bytes, str]:
    """The figures as Prometheus reads them, and their media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return generate_latest(registry), CONTENT_TYPE_LATEST


# --- the worker's server ------------------------------------------------------------------------------------------------------------------


class _Quiet(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing: somebody asks every few seconds."""


def _answer(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ.get("PATH_INFO") != "/metrics":
        status, body, kind = "404 Not Found", b"Ask for /metrics.\n", "text/plain"
    elif not may_read(environ):
        status, body, kind = "403 Forbidden", b"Not for you: see docs/observability.md.\n", "text/plain"
    else:
        status, (body, kind) = "200 OK", page(figures.start())
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


def serve(host: str, port: int) -> WSGIServer:
    """Serve this process's figures at the port, or the next one that is free, until the process ends. OSError if none is."""
    figures.start()
    last = min(port + PORTS - 1, 65_535)
    for number in range(port, last + 1):
        try:
            server = make_server(host, number, _answer, handler_class=_Quiet)
        except OSError:
            if number == last:
                raise
            continue
        break
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    log.info("figures are served", extra={"host": host, "port": server.server_port})
    return server
