"""Where a person is signed in, and ending that from elsewhere. A session that was ended is out with its next request.

The session itself is Django's; ``SignedIn`` says beside it from where and when. It is written at most every few minutes, so that a click
costs no statement for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from stallkeeper.core import clock, crash, sign_in_limits
from stallkeeper.core.models import User
from stallkeeper.core.sign_in_models import SignedIn

MARK = "listed"
"""In the session: the key under which it stands in the list, and when that was written last."""
EVERY = timedelta(minutes=5)


def note(request: HttpRequest) -> None:
    """Keep the list of the person's sessions true. Nothing is written if it was less than five minutes ago."""
    key, user = request.session.session_key, request.user
    if key is None or not isinstance(user, User) or not user.is_authenticated:
        return
    at, (listed, seconds) = clock.now(), request.session.get(MARK, (None, 0.0))
    if listed == key and at.timestamp() - float(seconds) < EVERY.total_seconds():
        return
    with crash.committing("session.note"):
        if listed and listed != key:  # signing in again, or another password, gave the session another key
            SignedIn.objects.filter(session_key=listed, user=user).exclude(session_key=key).update(session_key=key)
        _upsert(request, user, key, at)
    request.session[MARK] = [key, at.timestamp()]


def _upsert(request: HttpRequest, user: User, key: str, at: datetime) -> None:
    row = SignedIn(
        user=user,
        session_key=key,
        address=(sign_in_limits.client_address(request) or "")[:45],
        device=request.headers.get("User-Agent", "").replace("\0", "")[:300],
        began_at=at,
        seen_at=at,
    )
    SignedIn.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["session_key"], update_fields=["user", "address", "device", "seen_at"]
    )


def sessions_of(user: User) -> list[SignedIn]:
    """Where the person is signed in now, the last seen first."""
    found = list(SignedIn.objects.filter(user=user).order_by("-seen_at", "pk"))
    keys = [each.session_key for each in found]
    live = set(Session.objects.filter(session_key__in=keys, expire_date__gt=clock.now()).values_list("session_key", flat=True))
    return [each for each in found if each.session_key in live]


def end(found: list[SignedIn]) -> int:
    """End these sessions; how many there were. The caller's transaction."""
    keys = [each.session_key for each in found]
    for key in keys:
        _store(key).delete(key)
    SignedIn.objects.filter(session_key__in=keys).delete()
    return len(keys)


def forget(before: datetime) -> int:
    """Drop what expired before then: sessions of Django, and what the list says of sessions that are gone; how many of the first."""
    gone: int = Session.objects.filter(expire_date__lt=before).delete()[0]
    SignedIn.objects.filter(seen_at__lt=before).exclude(session_key__in=Session.objects.values("session_key")).delete()
    return gone


def _store(key: str) -> SessionBase:
    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return store
