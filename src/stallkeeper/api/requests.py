"""Every request has an id: on its log lines, in its answer, and on whatever it sets going (``core.correlation``)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from stallkeeper.api.probes import PROBES
from stallkeeper.core import correlation, figures, tracing

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"


class RequestMiddleware:
    """Binds the id and writes one line per request. Its route is written, never its path: that may hold a token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        with correlation.born() as request_id, tracing.span("request", method=request.method or ""):
            response = _ask(PROBES[request.path], request) if request.path in PROBES else self.get_response(request)
            response[HEADER] = request_id
            _write(request, response, time.perf_counter() - begun)
        return response


def _ask(probe: Callable[[HttpRequest], HttpResponse], request: HttpRequest) -> HttpResponse:
    """Django would write every "not ready" of a probe that asks each few seconds as an error of its own."""
    response = probe(request)
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _write(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    figures.REQUESTS.add(route(request), request.method or "", str(response.status_code))
    figures.REQUEST_SECONDS.observe(seconds, route(request))
    quiet = request.path in PROBES or request.path.startswith("/" + settings.STATIC_URL.lstrip("/"))
    level = logging.DEBUG if quiet else logging.INFO
    fields = {"method": request.method, "route": route(request), "status": response.status_code, "ms": round(seconds * 1000)}
    log.log(level, "request", extra=fields)


def route(request: HttpRequest) -> str:
    """The pattern that the address fits, ``hints/<str:token>/``; "" if it fits none (what is no page, or unknown)."""
    match = request.resolver_match
    if match is None:
        return request.path if request.path in PROBES else ""
    return match.route
