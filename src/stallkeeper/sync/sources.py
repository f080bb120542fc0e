"""A run of a source's lane: go on with what a person let through, ask the source if it is due, and notice its silence (C23).

The network is asked outside of transactions; what came goes to ``stock.sources``, which decides. An error leaves the last numbers as they
are and is shown.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from stallkeeper.channels import lanes
from stallkeeper.channels.lanes import Claim, Heart, LaneLost
from stallkeeper.core import clock, crash, notify, words
from stallkeeper.core.models import Organisation, Severity
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import source_queries, source_setup
from stallkeeper.stock import sources as stock
from stallkeeper.stock.models import SourceMode, SourceRun, StockSource
from stallkeeper.stock.sources import SourceError
from stallkeeper.sync import source_kinds, source_shown
from stallkeeper.sync.budgets import refuse_in_transaction
from stallkit.errors import AdapterError, NeedsReconnect, Refused, Unintelligible
from stallkit.sources import files, registry
from stallkit.sources.bringing import marks_of
from stallkit.sources.door import Door
from stallkit.sources.types import Columns, Fetched, Figure, FileRefused, Preview, RowProblem, Shape
from stallkit.words import joined, plain
from stallkit.words import said as _

log = logging.getLogger(__name__)

RESTING = timedelta(hours=1)
"""A source that brings nothing by itself: a wish wakes its lane."""
SOONEST = timedelta(minutes=1)
"""After an error the next attempt comes no sooner, and no later than the source's interval."""


class Came(Enum):
    """What an attempt brought."""

    UNASKED = 0
    NO_ANSWER = 1
    NOTHING_NEW = 2
    FIGURES = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """How a look at a source ended: what went wrong ("" = nothing), and when its lane is due again."""

    due_at: datetime
    error: str = ""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a source had: rows, their moment, a fingerprint of all of it."""

    rows: Iterable[Figure | RowProblem]
    as_of: datetime
    fingerprint: str
    name: str = ""


def ask(held: Claim, heart: Heart) -> Asked:
    """One run of the lane. Raises LaneLost, and what the database raises; everything else is the answer."""
    source = StockSource.objects.select_related("location", "credentials").get(pk=held.subject_id)
    guard = _guard(held)
    for run in stock.waiting_to_go_on(source):
        stock.go_on(run, guard=guard)
    source.refresh_from_db()
    at = clock.now()
    if not source.continuous:
        return Asked(at + RESTING)
    came = Came.UNASKED
    error = ""
    if source_kinds.manifest_of(source.kind).pull and (source.next_at is None or source.next_at <= at):
        came, error = _try(held, heart, source)
    return Asked(_end(held, source, at, came, error), plain(error)[:500])


def _guard(held: Claim) -> Callable[[], None]:
    def guard() -> None:
        lanes.guard(held)

    return guard


def _try(held: Claim, heart: Heart, source: StockSource) -> tuple[Came, str]:
    """Ask, and take in what came; the text of what went wrong."""
    try:
        run = _bring(held, heart, source)
    except (LaneLost, OperationalError, InterfaceError):
        raise
    except AdapterError as error:
        return Came.NO_ANSWER, _told(held, source, error)
    except (SourceError, FileRefused) as error:
        return Came.NO_ANSWER, _told(held, source, Refused(str(error)))
    except Exception as error:
        log.exception("source %s", source.pk)
        return Came.NO_ANSWER, _told(held, source, Unintelligible(_("{kind}: {error}", kind=type(error).__name__, error=str(error))))
    if run is None:
        return Came.NOTHING_NEW, ""
    return Came.FIGURES, run.problem if run.state in {SourceRun.State.FAILED, SourceRun.State.STOPPED} else ""


def _told(held: Claim, source: StockSource, error: AdapterError) -> str:
    """Errors that a person must hear of are told at once; of those that pass, silence will tell."""
    text = error.detail
    if isinstance(error, NeedsReconnect | Refused | Unintelligible):
        with lanes.guarded(held, "sync.source_error") as uc:
            title = _("{source}: its figures could not be fetched", source=source.name)
            notify.raise_(uc, f"source:{source.pk}:failed", Severity.WARNING, title, text[:500], f"/sources/{source.pk}/")
    return text or type(error).__name__


def _bring(held: Claim, heart: Heart, source: StockSource) -> SourceRun | None:
    """Ask the source; None if it has nothing new."""
    if source.kind == source_kinds.LOCATION:
        return _copy(held, source, _of_place(source))
    if source.kind == source_kinds.CHANNEL:
        refuse_in_transaction()
        asked = clock.now()
        rows = source_shown.read(source, heart)
        return _copy(held, source, Brought(rows, asked, _print(rows), source.config.get("channel", "")))
    refuse_in_transaction()
    asked, again = clock.now(), source.fingerprint.startswith(source_setup.AGAIN)
    with TemporaryDirectory(prefix="source-") as folder:
        heart.assure()
        fetched = fetch(source, Path(folder), "" if again else source.fingerprint)
        if fetched is None:
            return None
        if fetched.learned:
            with lanes.guarded(held, "sync.source_learn") as uc:
                source_setup.learn(uc, source.pk, fetched.learned)
        if again and fetched.as_of is not None and fetched.as_of >= asked and _same(source, fetched):
            fetched = replace(fetched, as_of=stock.read_before(source))
        brought = of_file(source, fetched)
        return None if brought.fingerprint == source.fingerprint else _take(held, source, brought)


def _same(source: StockSource, fetched: Fetched) -> bool:
    """Whether the file says what it said last time: its figures are as old as then, and what was sold since stays sold."""
    before, now = marks_of(source.fingerprint.removeprefix(source_setup.AGAIN)), marks_of(fetched.fingerprint)
    return before.get("sha256", "") == now.get("sha256")


def _copy(held: Claim, source: StockSource, brought: Brought) -> SourceRun | None:
    """What stands elsewhere is set again if it is the same but levels here have moved."""
    if brought.fingerprint == source.fingerprint and not stock.differs(source, brought.rows, brought.as_of):
        return None
    return _take(held, source, brought)


def _take(held: Claim, source: StockSource, brought: Brought) -> SourceRun:
    return stock.take_in(
        source.pk,
        brought.rows,
        as_of=brought.as_of,
        reference=stock.reference_of(source, brought.fingerprint),
        whole=True,
        actor=held.actor,
        name=brought.name,
        fingerprint=brought.fingerprint,
        guard=_guard(held),
    )


def fetch(source: StockSource, folder: Path, seen: str) -> Fetched | None:
    """Ask a source of the kit for its file. Raises what such sources raise."""
    door = Door(tuple(settings.ENV.allow_private_urls))
    with crash.around("send:fetch"):
        return registry.build(source.kind, source_setup.settings_of(source), door, clock.now).fetch(folder, seen)


def of_file(source: StockSource, fetched: Fetched) -> Brought:
    """The rows of a file as the source's mapping reads it; SourceError if nobody has said which column is what."""
    if not source.columns:
        raise SourceError(_("Say on the mapping screen which column is what; nothing is taken in before."))
    zone = ZoneInfo(Organisation.objects.get(pk=source.organisation_id).time_zone)
    shape, columns = shape_of(source), msgspec.convert(source.columns, Columns)
    rows = _rows(fetched.path, shape, columns, zone, signed=source.mode == SourceMode.DELTAS)
    return Brought(rows, fetched.as_of or clock.now(), fetched.fingerprint, fetched.name)


def _rows(path: Path, shape: Shape, columns: Columns, zone: ZoneInfo, *, signed: bool) -> Iterator[Figure | RowProblem]:
    """Opened where the rows are taken: a file that is refused makes a run that says so."""
    yield from files.figures(path, shape, columns, zone, signed=signed)


def shape_of(source: StockSource) -> Shape:
    """How the source's files are built, as far as anybody has said."""
    return msgspec.convert(source.shape, Shape)


def look(source: StockSource, path: Path) -> Preview:
    """The first rows of a file, and a guess of what is what."""
    return files.preview(path, shape_of(source))


def _of_place(source: StockSource) -> Brought:
    place, at = source_kinds.place_of(source.config), clock.now()
    with connection.cursor() as cursor:
        there = source_queries.on_hand_at_place(cursor, source.organisation_id, place.pk)
    rows = [Figure(number, sku, "", "", on_hand, None) for number, (_unit, sku, on_hand) in enumerate(there, 1)]
    return Brought(rows, at, _print(rows), place.code)


def _print(rows: Sequence[Figure | RowProblem]) -> str:
    return hashlib.sha256(msgspec.json.encode(rows, enc_hook=plain)).hexdigest()


def _end(held: Claim, source: StockSource, at: datetime, came: Came, error: str) -> datetime:
    """Write when the source is asked next, and whether it is silent; returns when its lane is due."""
    interval = timedelta(minutes=source.interval_minutes)
    with lanes.guarded(held, "sync.source_end") as uc:
        now = StockSource.objects.get(pk=source.pk)
        if not now.continuous:  # it was asked once only, or switched off meanwhile
            return uc.at + RESTING
        if came is not Came.UNASKED and now.next_at == source.next_at:  # or somebody asks for one more
            now.next_at = at + (min(max(_failing(source, at), SOONEST), interval) if came is Came.NO_ANSWER else interval)
        if came is Came.NO_ANSWER:
            now.last_error, now.last_error_words = words.storable(error)[:500], words.kept(error)
        if came is Came.NOTHING_NEW and not now.runs.filter(state=SourceRun.State.STOPPED).exists():
            now.last_success_at, now.last_error, now.last_error_words = uc.at, "", None
            notify.resolve(uc, f"source:{source.pk}:failed")
        now.save(update_fields=["next_at", "last_error", "last_error_words", "last_success_at"])
        watched = _watch(uc, now, interval)
        return min(watched, now.next_at or watched) if source_kinds.manifest_of(now.kind).pull else watched


def _failing(source: StockSource, at: datetime) -> timedelta:
    """Half of the time since it went well: the waits grow by half."""
    since = source.last_success_at or source.enabled_at or at
    return (at - since) / 2


def _watch(uc: UseCase, source: StockSource, interval: timedelta) -> datetime:
    """Raise or close the alarm of silence; returns when to look again."""
    key, window = f"source:{source.pk}:silent", interval * source.silent_after
    last = source.last_success_at or source.enabled_at or uc.at
    if not source.silent_after or uc.at - last <= window:
        notify.resolve(uc, key)
        return last + window + timedelta(seconds=1) if source.silent_after else uc.at + RESTING
    nothing = _("No figures since {moment}; the last numbers stay.", moment=f"{last:%Y-%m-%d %H:%M} UTC")
    error = words.of_row(source.last_error, source.last_error_words)
    text = joined([nothing, error]) if error else nothing
    notify.raise_(uc, key, Severity.ERROR, _("{source} has brought nothing", source=source.name), text, f"/sources/{source.pk}/")
    return uc.at + max(interval, SOONEST)
