"""Doors for machines that watch: liveness, readiness, figures. Answered before any session, host check or translation."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, JsonResponse

from stallkeeper.core import figures
from stallkeeper.sync import health, scraping
from stallkeeper.sync.figures import Collector

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def live(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """200: this process answers. It asks nobody else, so that a database that is away does not get us killed."""
    return JsonResponse({"live": True})


def ready(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """200 if all is well, else 503; the reason for each condition that is not met."""
    checks = health.look()
    fine = not any(check.reason for check in checks)
    return JsonResponse({"ready": fine, "checks": {check.name: check.reason or "fine" for check in checks}}, status=200 if fine else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of the installation and of this process, for Prometheus."""
    if not scraping.may_read(request.META):
        return HttpResponse("Not for you: see docs/observability.md.\n", status=403, content_type="text/plain")
    body, kind = scraping.page(registry())
    return HttpResponse(body, content_type=kind)


@cache
def registry() -> CollectorRegistry:
    """This process's figures and those of the database."""
    made = figures.start()
    made.register(Collector())
    return made


PROBES = {"/health/live": live, "/health/ready": ready, "/metrics": metrics}
