"""Sessions of 1C as rows: one that began before the hub was restarted goes on after it."""

from __future__ import annotations

import secrets
from datetime import timedelta

from stallkeeper.core import clock
from stallkeeper.core.use_case import use_case
from stallkeeper.sync.exchange.accounts import hash_of
from stallkeeper.sync.models import Exchange, ExchangeFile, ExchangeSession
from stallkit.sources.commerceml.refusals import ExchangeRefused, Refusal, refuse
from stallkit.sources.commerceml.session import Kind, Known

PATIENCE = timedelta(hours=6)
"""A session in which nothing is called for so long is over."""
KEEP = timedelta(days=30)
MOST_IN_AN_HOUR = 240


def actor_of(exchange: Exchange) -> str:
    """How 1C is named in audit entries and movements."""
    return f"1c:{exchange.source_id}"


def begin(exchange: Exchange, kind: Kind) -> str:
    """A new session; what its cookie holds. An earlier one of the same kind is over: 1C has one at a time.

    ExchangeRefused if 1C begins sessions without end.
    """
    key = secrets.token_urlsafe(32)
    with use_case("exchange.session", organisation_id=exchange.organisation_id, actor=actor_of(exchange)) as uc:
        if exchange.sessions.filter(begun_at__gt=uc.at - timedelta(hours=1)).count() >= MOST_IN_AN_HOUR:
            raise refuse(Refusal.TOO_OFTEN, str(MOST_IN_AN_HOUR))
        exchange.sessions.filter(kind=kind, ended_at=None).update(ended_at=uc.at)
        ExchangeFile.objects.filter(session__exchange=exchange, session__kind=kind).delete()
        exchange.sessions.filter(last_at__lt=uc.at - KEEP).delete()
        ExchangeSession.objects.create(
            organisation_id=exchange.organisation_id, exchange=exchange, kind=kind, key_hash=hash_of(key), begun_at=uc.at, last_at=uc.at
        )
        Exchange.objects.filter(pk=exchange.pk).update(last_call_at=uc.at)
    return key


def find(exchange: Exchange, key: str) -> ExchangeSession | None:
    """The session that the cookie names, if it is this exchange's."""
    if not key:
        return None
    return ExchangeSession.objects.filter(exchange=exchange, key_hash=hash_of(key)).first()


def known(session: ExchangeSession | None) -> Known | None:
    """The session as the protocol sees it."""
    if session is None:
        return None
    over = session.ended_at is not None or session.last_at < clock.now() - PATIENCE
    return Known(Kind(session.kind), session.started, over)


def hold(session: ExchangeSession) -> ExchangeSession:
    """The session's row, locked until the transaction ends: its files change by one call at a time, and no other session of its kind begins
    meanwhile. ExchangeRefused if one has begun: 1C has given this one up, and what it brought is overtaken."""
    row = ExchangeSession.objects.select_for_update().get(pk=session.pk)
    if row.ended_at is not None:
        raise refuse(Refusal.NO_SESSION)
    return row


def start(session: ExchangeSession, version: tuple[int, ...]) -> None:
    """``init``: what comes from here on belongs to the session."""
    shown = ".".join(map(str, version))[:10]
    with use_case("exchange.session", organisation_id=session.organisation_id, actor=actor_of(session.exchange)) as uc:
        ExchangeSession.objects.filter(pk=session.pk).update(started=True, version=shown, last_at=uc.at)


def end(session: ExchangeSession) -> None:
    """``complete``: its files are not needed any more."""
    with use_case("exchange.session", organisation_id=session.organisation_id, actor=actor_of(session.exchange)) as uc:
        ExchangeSession.objects.filter(pk=session.pk, ended_at=None).update(ended_at=uc.at, last_at=uc.at)
        session.files.all().delete()


def failed(exchange: Exchange, session: ExchangeSession | None, error: ExchangeRefused) -> None:
    """Keep why a call of the session was refused, for the source's page."""
    if session is None:
        return
    with use_case("exchange.session", organisation_id=exchange.organisation_id, actor=actor_of(exchange)) as uc:
        ExchangeSession.objects.filter(pk=session.pk).update(failure=str(error)[:500], last_at=uc.at)
