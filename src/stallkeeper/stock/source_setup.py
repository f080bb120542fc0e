"""Setting sources up: adding one, changing what is agreed, mapping its columns and places, turning it on, asking it now."""

from __future__ import annotations

import hashlib
import secrets as tokens
from collections.abc import Mapping
from typing import TypedDict

import msgspec

from stallkeeper.core import audit, notify, secrets
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock.models import BY_HAND, COPIES, PLACE, TYPED, Location, LocationOwner, SourceBasis, SourceMode, StockSource
from stallkeeper.stock.sources import WAKE, SourceError
from stallkit.words import said as _

SHORTEST, LONGEST = 1, 7 * 24 * 60
"""Minutes between two looks."""
AGAIN = "again:"
"""Before the fingerprint of a file that somebody wants to have read once more."""


class Terms(TypedDict, total=False):
    """What is agreed about a source's figures; what is not named stays. Limits are per cent."""

    name: str
    mode: str
    basis: str
    once: bool
    interval_minutes: int
    zero_limit: int
    change_limit: int
    least_rows: int
    limits_from: int
    silent_after: int


def add(uc: UseCase, location: Location, kind: str, config: Mapping[str, str], hidden: Mapping[str, str], terms: Terms) -> StockSource:
    """A new source of a place, switched off. ``hidden`` are settings that are stored encrypted. SourceError names what is wrong."""
    if location.owner == LocationOwner.VIRTUAL:
        raise SourceError(_("location: {code} is no place where goods lie", code=location.code))
    source = StockSource(organisation_id=uc.organisation_id, location=location, kind=kind, config=dict(config), created_at=uc.at, **terms)
    _check(source)
    source.save()
    _seal(uc, source, hidden)
    audit.record(uc, "add.source", "stock_source", source.pk, location=location.code, kind=kind, **terms)
    return source


def change(
    uc: UseCase, source_id: int, terms: Terms, config: Mapping[str, str] | None = None, hidden: Mapping[str, str] | None = None
) -> StockSource:
    """Change what is agreed, and settings if they are given. What was learned of the old settings (the last file) is forgotten, unless the
    source lists differences: those of the last file are in already, and would count twice."""
    source = StockSource.objects.get(pk=source_id)
    before = {name: getattr(source, name) for name in terms}
    for name, value in terms.items():
        setattr(source, name, value)
    if config is not None and dict(config) != source.config:
        source.config = dict(config)
    source.fingerprint, source.last_as_of = _seen(source), None
    _check(source)
    source.save()
    if hidden is not None:
        _seal(uc, source, hidden)
    differing = {name: [before[name], value] for name, value in terms.items() if before[name] != value}
    audit.record(uc, "change.source", "stock_source", source.pk, settings=config is not None, **differing)
    return source


def map_columns(
    uc: UseCase, source_id: int, shape: Mapping[str, object], columns: Mapping[str, str], places: Mapping[str, str | None]
) -> StockSource:
    """Say which column is what, and which place each word of the file means (None: leave its rows out). SourceError if a place is not ours,
    or gets its figures from another source."""
    source = StockSource.objects.get(pk=source_id)
    if not columns.get("quantity") or not (columns.get("code") or columns.get("gtin")):
        raise SourceError(_("columns: say which column holds the quantity, and which the code or the GTIN"))
    codes = {code for code in places.values() if code}
    known = set(Location.objects.exclude(owner=LocationOwner.VIRTUAL).filter(code__in=codes).values_list("code", flat=True))
    if unknown := sorted(codes - known):
        raise SourceError(_("places: there is no place with the code {unknown!r}", unknown=unknown[0]))
    source.shape, source.columns, source.places, source.fingerprint = dict(shape), dict(columns), dict(places), _seen(source)
    if source.continuous:
        _refuse_second(source)
    source.save(update_fields=["shape", "columns", "places", "fingerprint"])
    audit.record(uc, "map.source", "stock_source", source.pk, columns=dict(columns), places=dict(places))
    return source


def keep_sample(uc: UseCase, source_id: int, sample: Mapping[str, object]) -> None:
    """Keep the first rows of a file, for the mapping screen."""
    StockSource.objects.filter(pk=source_id).update(sample=dict(sample))
    audit.record(uc, "look.source", "stock_source", source_id)


def learn(uc: UseCase, source_id: int, learned: Mapping[str, str]) -> None:
    """Keep what was found out at first contact (a server's key) with the settings."""
    source = StockSource.objects.get(pk=source_id)
    source.config = source.config | dict(learned)
    source.save(update_fields=["config"])
    audit.record(uc, "learn.source", "stock_source", source.pk, names=sorted(learned))


def turn(uc: UseCase, source_id: int, enabled: bool) -> StockSource:
    """Switch a source on or off. SourceError if another continuous source brings figures of one of its places, or two places
    would copy each other."""
    source = StockSource.objects.get(pk=source_id)
    source.enabled = enabled
    if enabled:
        if source.kind == TYPED:
            raise SourceError(_("kind: figures of this place are typed; there is nothing to switch on"))
        _refuse_second(source)
        _refuse_unfit(source)
        source.next_at = source.enabled_at = uc.at
    else:
        notify.resolve(uc, *(f"source:{source.pk}:{key}" for key in ("failed", "silent")))
    source.save(update_fields=["enabled", "next_at", "enabled_at"])
    audit.record(uc, "turn.source", "stock_source", source.pk, enabled=enabled)
    uc.mark(WAKE, [source.pk])
    return source


def ask_now(uc: UseCase, source_id: int) -> None:
    """Have a source asked at once, whatever its schedule says, and its file read even if it is the one of last time. Differences
    that are in already are not read again: they would count twice."""
    source = StockSource.objects.get(pk=source_id)
    if not source.continuous:
        raise SourceError(_("enabled: the source is switched off, or brings figures only by hand"))
    again = _seen(source) or AGAIN + source.fingerprint.removeprefix(AGAIN)
    StockSource.objects.filter(pk=source_id).update(next_at=uc.at, fingerprint=again)
    audit.record(uc, "ask.source", "stock_source", source_id)
    uc.mark(WAKE, [source_id])


def issue_token(uc: UseCase, source_id: int) -> str:
    """A new key for a program that sends figures; the one before ends. Only its hash is kept: show it once."""
    token = f"sk_{tokens.token_urlsafe(32)}"
    StockSource.objects.filter(pk=source_id).update(token_hash=hash_of(token))
    audit.record(uc, "issue.source_token", "stock_source", source_id)
    return token


def hash_of(token: str) -> str:
    """How a key is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def settings_of(source: StockSource) -> dict[str, str]:
    """All settings, secrets in clear: for asking the source, never for a screen."""
    stored = secrets.reveal(source.credentials) if source.credentials else "{}"
    return {str(key): str(value) for key, value in source.config.items()} | msgspec.json.decode(stored, type=dict[str, str])


def _seal(uc: UseCase, source: StockSource, hidden: Mapping[str, str]) -> None:
    if hidden:
        text = msgspec.json.encode(dict(hidden)).decode()
        source.credentials = secrets.store(uc, f"stock_source:{source.pk}", text)
        source.save(update_fields=["credentials"])


def _check(source: StockSource) -> None:
    if not source.name.strip():
        raise SourceError(_("name: give the source a name"))
    if StockSource.objects.filter(name=source.name).exclude(pk=source.pk).exists():
        raise SourceError(_("name: there is a source called {name!r} already", name=source.name))
    if source.mode not in SourceMode.values or source.basis not in SourceBasis.values:
        raise SourceError(
            _("mode is one of {modes}, basis one of {bases}", modes=", ".join(SourceMode.values), bases=", ".join(SourceBasis.values))
        )
    if source.mode == SourceMode.DELTAS and source.basis == SourceBasis.NET:
        raise SourceError(_("basis: differences are of what lies there; they cannot have our orders taken off"))
    if not SHORTEST <= source.interval_minutes <= LONGEST:
        raise SourceError(_("interval_minutes: from {shortest} to {longest:,} minutes", shortest=SHORTEST, longest=LONGEST))
    for name in ("zero_limit", "change_limit", "least_rows"):
        if not 0 <= getattr(source, name) <= 100:
            raise SourceError(_("{name}: from 0 to 100 per cent", name=name))
    _refuse_unfit(source)
    if source.continuous:
        _refuse_second(source)


def _seen(source: StockSource) -> str:
    """The fingerprint that stays when the last file is to be read again."""
    return source.fingerprint.removeprefix(AGAIN) if source.mode == SourceMode.DELTAS else ""


def _refuse_unfit(source: StockSource) -> None:
    """What is copied are levels, and no place copies itself, not over others either: units would go round and come back."""
    if source.kind in COPIES and source.mode == SourceMode.DELTAS:
        raise SourceError(_("mode: what is copied are levels, not differences; choose listed or all"))
    if source.kind != PLACE:
        return
    others = StockSource.objects.filter(enabled=True, kind=PLACE).exclude(pk=source.pk).select_related("location")
    copied = {other.location.code: str(other.config.get("location", "")) for other in others}
    way, place = [source.location.code], str(source.config.get("location", ""))
    while place and place not in way:
        way.append(place)
        place = copied.get(place, "")
    if place == source.location.code:
        circle = " ← ".join([*way, place])
        raise SourceError(_("location: places copy each other ({circle}); a place cannot get its figures from itself", circle=circle))


def check_places(source: StockSource) -> None:
    """SourceError if the source is on and another one brings figures of one of its places."""
    if source.continuous:
        _refuse_second(source)


def _refuse_second(source: StockSource) -> None:
    """One place has at most one source that brings its figures by itself, or they would take turns in overwriting each other."""
    if source.kind in BY_HAND:
        return
    ours = _codes(source)
    for other in StockSource.objects.select_related("location").filter(enabled=True).exclude(kind__in=BY_HAND).exclude(pk=source.pk):
        if both := sorted(ours & _codes(other)):
            raise SourceError(
                _("location: figures of {both} come from {name} already; switch that one off first", both=both[0], name=other.name)
            )


def _codes(source: StockSource) -> set[str]:
    return {source.location.code, *(code for code in source.places.values() if code)}
