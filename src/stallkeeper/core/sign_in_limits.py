"""How often a password may be tried: counted in the database by django-axes, so that all processes and machines count together.

Ten wrong passwords for an account from one address, or a hundred from everywhere, and for a quarter of an hour none is looked at, right or
wrong. Accounts that do not exist are counted and answered the same. A sign-in link works meanwhile, so nobody can lock others out.
"""

from __future__ import annotations

import ipaddress
import math
from datetime import datetime, timedelta

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest

from stallkeeper.core import audit, clock
from stallkeeper.core.models import User
from stallkeeper.core.people import memberships_of
from stallkeeper.core.use_case import use_case

TRIES: int = settings.AXES_FAILURE_LIMIT
ACCOUNT_TRIES = 100
WAIT: timedelta = settings.AXES_COOLOFF_TIME
KEPT = timedelta(days=1)
"""Counts of failed attempts hold an address and an account's name; they are of no use after ``WAIT``."""
HOUSEHOLD = 64
"""An IPv6 customer has a whole /64 and could come from another address each time."""


class Handler(AxesDatabaseHandler):  # type: ignore[misc]
    """Axes' counting, with a second, wider limit for an account from all addresses together."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, object] | None = None) -> bool:
        if super().is_locked(request, credentials):
            return True
        name = account_name(request, credentials or {})
        return (_recent(name).aggregate(total=Sum("failures_since_start"))["total"] or 0) >= ACCOUNT_TRIES


def client_address(request: HttpRequest) -> str | None:
    """Where the request comes from, as it is counted; behind a proxy ``core.proxies`` has put the client's address there."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(address), HOUSEHOLD), strict=False).network_address)
    return str(address)


def account_name(request: HttpRequest | None, credentials: dict[str, object] | None) -> str:  # noqa: ARG001 - as axes calls it
    """The account that is tried, as it is counted: however it is spelled, and whether or not there is one."""
    given = (credentials or {}).get("username") or (credentials or {}).get(User.USERNAME_FIELD) or ""
    return str(given).strip().lower()[:255]


def minutes_left(name: str) -> int:
    """How long until passwords for the account are looked at again, at most; at least 1."""
    last = _recent(name).aggregate(last=Max("attempt_time"))["last"]
    left = (last + WAIT - clock.now()) if last else WAIT
    return max(1, math.ceil(left.total_seconds() / 60))


def unlock(user: User, actor: str) -> int:
    """Forget the failed attempts for a person; how many were counted. Leaves an entry in the audit log of each of his organisations."""
    attempts = AccessAttempt.objects.filter(username=user.email)
    counted: int = attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0
    attempts.delete()
    for membership in sorted(memberships_of(user), key=lambda one: one.organisation_id):
        with use_case("unlock.user", organisation_id=membership.organisation_id, actor=actor) as uc:
            audit.record(uc, "unlock.user", "user", user.pk, failed_attempts=counted)
    return counted


def forget(before: datetime) -> int:
    """Drop counts whose last attempt is older; how many."""
    gone: int = AccessAttempt.objects.filter(attempt_time__lt=before).delete()[0]
    return gone


def _recent(name: str) -> QuerySet[AccessAttempt]:
    recent: QuerySet[AccessAttempt] = AccessAttempt.objects.filter(username=name, attempt_time__gte=clock.now() - WAIT)
    return recent
