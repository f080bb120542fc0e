"""Every request has an id: on its log lines, in its answer, and on whatever it sets going (``core.correlation``)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from stallkeeper.core import correlation

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
QUIET = ("/health/", "/metrics")
"""Machines ask here every few seconds."""


class RequestMiddleware:
    """Binds the id and writes one line per request. Its route is written, never its path: that may hold a token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        with correlation.born() as request_id:
            response = self.get_response(request)
            response[HEADER] = request_id
            _write(request, response, time.perf_counter() - begun)
        return response


def _write(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    quiet = request.path.startswith((*QUIET, "/" + settings.STATIC_URL.lstrip("/")))
    level = logging.DEBUG if quiet else logging.INFO
    fields = {"method": request.method, "route": route(request), "status": response.status_code, "ms": round(seconds * 1000)}
    log.log(level, "request", extra=fields)


def route(request: HttpRequest) -> str:
    """The pattern that the address fits, ``hints/<str:token>/``; "" if it fits none."""
    match = request.resolver_match
    return match.route if match is not None else ""
