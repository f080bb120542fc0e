"""A 1C base that may call us: connecting one, its password, the way its places are ours."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import F

from stallkeeper.core import audit, clock, crash
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import source_setup
from stallkeeper.stock.models import Location, LocationOwner, StockSource
from stallkeeper.stock.source_setup import Terms
from stallkeeper.stock.sources import SourceError
from stallkeeper.sync.models import Exchange
from stallkeeper.sync.source_kinds import COMMERCEML
from stallkit.words import said as _

ENCODINGS = ("utf-8", "windows-1251")
TRIES = 10
WAIT = timedelta(minutes=15)
"""After so many wrong passwords in a row none is looked at for so long."""


class Agreed(NamedTuple):
    """What is agreed with whoever runs the 1C base. Nothing of it can be seen in the files, so it is asked; so is, as the basis of the
    source, whether 1C takes off its quantities what it reserves for orders."""

    time_zone: str
    give_orders: bool
    encoding: str = "utf-8"


class Made(NamedTuple):
    """A new exchange with its password, which is kept nowhere: show it once."""

    exchange: Exchange
    password: str


def connect(uc: UseCase, location: Location, terms: Terms, agreed: Agreed) -> Made:
    """A source whose figures 1C brings, switched off, and the address that 1C calls. SourceError names what is wrong."""
    return open_for(uc, source_setup.add(uc, location, COMMERCEML, {}, {}, terms), agreed)


def open_for(uc: UseCase, source: StockSource, agreed: Agreed) -> Made:
    """The address that 1C calls to bring figures of this source. SourceError names what is wrong."""
    if source.kind != COMMERCEML or Exchange.objects.filter(source=source).exists():
        raise SourceError(_("kind: {name} is no source of 1C, or has its address already", name=source.name))
    _check(agreed)
    password = secrets.token_urlsafe(15)
    exchange = Exchange.objects.create(
        organisation_id=uc.organisation_id,
        source=source,
        token=secrets.token_urlsafe(24),
        user_name=f"stallkeeper-{source.pk}",
        password_hash=hash_of(password),
        orders_since=uc.at,
        created_at=uc.at,
        **agreed._asdict(),
    )
    audit.record(uc, "open.exchange", "stock_source", source.pk, **agreed._asdict())
    return Made(exchange, password)


def agree(uc: UseCase, exchange: Exchange, agreed: Agreed) -> None:
    """Change what is agreed. Orders are handed over from the moment on at which that is switched on."""
    _check(agreed)
    if agreed.give_orders and not exchange.give_orders:
        exchange.orders_since = uc.at
    for name, value in agreed._asdict().items():
        setattr(exchange, name, value)
    exchange.save(update_fields=[*Agreed._fields, "orders_since"])
    audit.record(uc, "agree.exchange", "stock_source", exchange.source_id, **agreed._asdict())


def new_password(uc: UseCase, exchange: Exchange) -> str:
    """Another password; the one before and all sessions that began with it end."""
    password = secrets.token_urlsafe(15)
    Exchange.objects.filter(pk=exchange.pk).update(password_hash=hash_of(password), failed_logins=0, last_failed_at=None)
    exchange.sessions.filter(ended_at=None).update(ended_at=uc.at)
    audit.record(uc, "change.exchange_password", "stock_source", exchange.source_id)
    return password


def map_places(uc: UseCase, exchange: Exchange, places: Mapping[str, str | None]) -> None:
    """Say which place of ours each place of 1C is (None: its figures are left out). Without any, the total counts for the source's place.

    SourceError if a place is not ours, or gets its figures from another source.
    """
    codes = {code for code in places.values() if code}
    known = set(Location.objects.exclude(owner=LocationOwner.VIRTUAL).filter(code__in=codes).values_list("code", flat=True))
    if unknown := sorted(codes - known):
        raise SourceError(_("places: there is no place with the code {unknown!r}", unknown=unknown[0]))
    source = exchange.source
    source.places = dict(places)
    source_setup.check_places(source)
    source.save(update_fields=["places"])
    audit.record(uc, "map.source", "stock_source", source.pk, places=dict(places))


def at_address(token: str) -> Exchange | None:
    """The exchange whose address holds the token, whoever it belongs to; None if there is none."""
    if not (token.isascii() and token.isprintable()):
        return None
    with across_organisations(Passage.CALLBACK):
        return Exchange.objects.filter(token=token).first()


def locked_for(exchange: Exchange) -> int:
    """Minutes for which no password is looked at; 0 if one is."""
    if exchange.failed_logins < TRIES or exchange.last_failed_at is None:
        return 0
    left = exchange.last_failed_at + WAIT - clock.now()
    return max(0, -(-int(left.total_seconds()) // 60))


def is_right(exchange: Exchange, user: str, password: str) -> bool:
    """Whether they are the exchange's. A wrong one is counted, a right one ends the count."""
    right = hmac.compare_digest(hash_of(password), exchange.password_hash) & hmac.compare_digest(user.encode(), exchange.user_name.encode())
    rows = Exchange.objects.filter(pk=exchange.pk)
    with crash.around("commit:exchange.login"):
        if right:
            rows.exclude(failed_logins=0).update(failed_logins=0)
        else:
            again = exchange.last_failed_at is not None and exchange.last_failed_at > clock.now() - WAIT
            rows.update(failed_logins=F("failed_logins") + 1 if again else 1, last_failed_at=clock.now())
    return right


def hash_of(text: str) -> str:
    """How passwords and cookies are kept: both are long and drawn by lot, so that a plain digest is no help in guessing them."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def local(exchange: Exchange, at: datetime) -> datetime:
    """The time on the clock of the 1C base, which has no zone."""
    return at.astimezone(ZoneInfo(exchange.time_zone)).replace(tzinfo=None)


def is_zone(name: str) -> bool:
    """Whether there is such a time zone."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


def _check(agreed: Agreed) -> None:
    if agreed.encoding not in ENCODINGS:
        raise SourceError(_("encoding: one of {encodings}", encodings=", ".join(ENCODINGS)))
    if not is_zone(agreed.time_zone):
        raise SourceError(_("time_zone: {time_zone!r} is no time zone; write it like Europe/Moscow", time_zone=agreed.time_zone))
