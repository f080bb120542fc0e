"""How long each operation takes on each channel, end to end, beside what is promised for it (S1.20-S1.28).

Measured from what is written down anyway (what was sent, orders, commands, waits), minutes after: orders and sends do not notice. Kept by
channel and hour as histograms, so that any stretch of time can be added up. This hour and the one before are measured anew each time, and
the next measurement goes on where the last one ended, whatever happened in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from django.db import connection

from stallkeeper.core import audit
from stallkeeper.core.histogram import Histogram, histogram, merged, percentile
from stallkeeper.core.models import Organisation
from stallkeeper.core.sql import Cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import delay_queries as queries
from stallkeeper.orders.delay_parts import Fact, Parts, Waits, parts
from stallkeeper.orders.models import Promise
from stallkeeper.orders.promises import CEILINGS, MEASURED, Operation
from stallkit.registry import ADAPTERS, manifest_of
from stallkit.words import said as _

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
LATE = queries.FOLLOWED
"""So long after its end an hour is measured again: sends of long transactions, and what follows a cancellation, come late."""
CHUNK = DAY
"""Measured in one transaction when there is much to catch up with."""
WORST = 10
STEPS = {"quantity": "quantities", "price": "prices"}
KINDS = {"quantity": Operation.STOCK, "price": Operation.PRICE}
PARTS = ("total", "ours", "theirs", "limits")


# --- measuring ----------------------------------------------------------------------------------------------------------------------------


def measure(uc: UseCase, since: datetime | None = None) -> datetime | None:
    """Measure from where the last measurement ended, or from ``since``, at most CHUNK; where to go on, None if this was all.

    The same facts give the same rows. Whoever dies in between loses nothing: how far it came is kept with the rows.
    """
    end = _hour(uc.at) + HOUR
    since = since or _begin(uc, end)
    until = min(since + CHUNK, end)
    with connection.cursor() as cursor:
        facts = [*_sends(cursor, uc, since, until), *_intakes(cursor, uc, since, until), *_messages(cursor, uc, since, until)]
        first = min((fact.began for fact in facts), default=since.timestamp())
        waits = queries.waits(cursor, uc.organisation_id, datetime.fromtimestamp(min(first, since.timestamp()), UTC), until)
        queries.store(cursor, uc.organisation_id, since, until, _hours(facts, _by_step(waits)))
    Organisation.objects.filter(pk=uc.organisation_id).exclude(delays_until=until).update(delays_until=until)
    return until if until < end else None


def _begin(uc: UseCase, end: datetime) -> datetime:
    """At most a week back, at least so far that what comes late is counted."""
    until = Organisation.objects.values_list("delays_until", flat=True).get(pk=uc.organisation_id)
    first = _hour(uc.at - WEEK)
    return max(first, min(until or first, end) - HOUR - LATE)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _sends(cursor: Cursor, uc: UseCase, since: datetime, until: datetime) -> Iterator[Fact]:
    quirks = {platform: manifest_of(platform).quirks for platform in sorted(ADAPTERS)}
    pauses = {platform: known.rewrite_after.total_seconds() for platform, known in quirks.items() if known.rewrite_after is not None}
    for row in queries.sends(cursor, uc.organisation_id, since, until, sorted(pauses)):
        channel, kind, account, platform, raises, offer, times, wanted, before, sent, answered, ended = row
        step = "raises" if raises and kind == "quantity" else STEPS[kind]
        free = wanted if before is None else before + pauses[platform]
        yield Fact(channel, KINDS[kind], account, step, offer, times, wanted, free, sent, answered, ended, ended)


def _intakes(cursor: Cursor, uc: UseCase, since: datetime, until: datetime) -> Iterator[Fact]:
    for channel, account, order, placed, shown, entered in queries.intakes(cursor, uc.organisation_id, since, until):
        free = placed if shown is None else shown
        yield Fact(channel, Operation.INTAKE, account, "orders", order, 1, placed, free, entered, entered, entered, entered, hidden=True)


def _messages(cursor: Cursor, uc: UseCase, since: datetime, until: datetime) -> Iterator[Fact]:
    for row in queries.messages(cursor, uc.organisation_id, since, until):
        channel, account, order, kind, asked, sent, done, pushed_by, push_sent, pushed = row
        if pushed is not None and pushed > done:
            # The restored quantity was the last to arrive: its way decides whose time it was.
            yield Fact(channel, kind, pushed_by, "raises", order, 1, asked, asked, push_sent, pushed, pushed, done)
        else:
            yield Fact(channel, kind, account, "commands", order, 1, asked, asked, sent, done, done, done)


def _by_step(waits: Iterable[tuple[int, str, float, float]]) -> dict[tuple[int, str], Waits]:
    """The waits of each account and step. A raise waits with the cuts, and for what is kept for them besides."""
    spans: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for account, step, begun, until in waits:
        spans.setdefault((account, step), []).append((begun, until))
        if step == STEPS["quantity"]:
            spans.setdefault((account, "raises"), []).append((begun, until))
    return {key: Waits(found) for key, found in spans.items()}


def _hours(facts: Sequence[Fact], waits: Mapping[tuple[int, str], Waits]) -> list[Sequence[object]]:
    """The rows that are kept (``delay_queries.COLUMNS``)."""
    alike: dict[tuple[int, str], list[Fact]] = {}
    for fact in facts:
        alike.setdefault((fact.connection, fact.step), []).append(fact)
    found: dict[tuple[int, str, int], _Hour] = {}
    for key, group in alike.items():
        taken = parts(group, waits.get(key, Waits(())))
        for index, fact in enumerate(group):
            where = (fact.channel, fact.operation, int(fact.settled // HOUR.total_seconds()))
            found.setdefault(where, _Hour()).add(fact, taken, index)
    return [(channel, operation, _start(hour), *each.row()) for (channel, operation, hour), each in sorted(found.items())]


def _start(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * HOUR.total_seconds(), UTC)


@dataclass
class _Hour:
    """What is added up of an hour."""

    facts: list[Fact] = field(default_factory=list)
    seconds: list[tuple[float, float, float, float]] = field(default_factory=list)

    def add(self, fact: Fact, taken: Parts, index: int) -> None:
        self.facts.append(fact)
        self.seconds.append((taken.total[index], taken.ours[index], taken.theirs[index], taken.limits[index]))

    def row(self) -> tuple[object, ...]:
        table, times = np.array(self.seconds), np.array([fact.times for fact in self.facts])
        sums = [float(value) for value in (table * times[:, None]).sum(axis=0)]
        spread = [_text(histogram(table[:, index], times)) for index in range(len(PARTS))]
        order = np.argsort(-table[:, 0], kind="stable")[:WORST]
        worst = [self._case(int(index)) for index in order]
        return int(times.sum()), *sums[1:], *spread, msgspec.json.encode(worst).decode()

    def _case(self, index: int) -> list[float]:
        fact, seconds = self.facts[index], self.seconds[index]
        return [fact.subject, fact.times, fact.began, fact.ended, *(float(value) for value in seconds[1:])]


def _text(spread: Histogram) -> str:
    return msgspec.json.encode({str(bucket): count for bucket, count in spread.items()}).decode()


# --- reading ------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """One of the longest: ``subject`` is the key of an order, or of an offer (``times`` of them alike). Parts in seconds."""

    channel_id: int
    subject: int
    times: int
    began: datetime
    ended: datetime
    ours: float
    theirs: float
    limits: float

    @property
    def total(self) -> float:
        return self.ours + self.theirs + self.limits


@dataclass(slots=True)
class Summary:
    """What was measured of a stretch of time. Percentiles are within ``histogram.ERROR``; the sums are exact."""

    count: int = 0
    ours: float = 0.0
    theirs: float = 0.0
    limits: float = 0.0
    spread: Histogram = field(default_factory=dict)

    def add(self, count: int, ours: float, theirs: float, limits: float, spread: Mapping[int, int]) -> None:
        self.count += count
        self.ours, self.theirs, self.limits = self.ours + ours, self.theirs + theirs, self.limits + limits
        for bucket, number in spread.items():
            self.spread[bucket] = self.spread.get(bucket, 0) + number

    def within(self, part: float) -> float | None:
        """The seconds within which this part of all were done; None of nothing."""
        return percentile(self.spread, part)

    @property
    def seconds(self) -> float:
        return self.ours + self.theirs + self.limits


_decode = msgspec.json.Decoder(dict[int, int]).decode
_decode_worst = msgspec.json.Decoder(list[tuple[int, int, float, float, float, float, float]]).decode


@dataclass(slots=True)
class Board:
    """All operations of an organisation: the last 24 hours and the last seven days."""

    day: dict[str, Summary] = field(default_factory=dict)
    week: dict[str, Summary] = field(default_factory=dict)


def board(organisation: int, now: datetime) -> Board:
    """What was measured, added up. One statement."""
    with connection.cursor() as cursor:
        found = queries.totals(cursor, organisation, _hour(now - WEEK))
    shown = Board()
    for operation, _channel, hour, count, ours, theirs, limits, total in found:
        spread = _decode(total)
        shown.week.setdefault(operation, Summary()).add(count, ours, theirs, limits, spread)
        if hour >= _hour(now - DAY):
            shown.day.setdefault(operation, Summary()).add(count, ours, theirs, limits, spread)
    return shown


def lately(organisation: int, now: datetime) -> dict[tuple[str, int], Summary]:
    """This hour and the one before, by operation and channel. One statement."""
    with connection.cursor() as cursor:
        found = queries.totals(cursor, organisation, _hour(now - HOUR))
    shown: dict[tuple[str, int], Summary] = {}
    for operation, channel, _at, count, ours, theirs, limits, total in found:
        shown.setdefault((operation, channel), Summary()).add(count, ours, theirs, limits, _decode(total))
    return shown


@dataclass(slots=True)
class Detail:
    """One operation: by channel and by hour, what each part came to, and the worst cases of the week. ``parts``: histograms of the parts
    of the last 24 hours."""

    day: dict[int, Summary] = field(default_factory=dict)
    week: dict[int, Summary] = field(default_factory=dict)
    hours: dict[datetime, Summary] = field(default_factory=dict)
    parts: dict[str, Histogram] = field(default_factory=dict)
    worst: list[Case] = field(default_factory=list)


def detail(organisation: int, operation: Operation, now: datetime, channel_id: int | None = None) -> Detail:
    """What was measured of an operation, of all channels or of one. One statement."""
    with connection.cursor() as cursor:
        found = queries.of_operation(cursor, organisation, operation, _hour(now - WEEK))
    shown, cases = Detail(), list[Case]()
    for channel, hour, count, ours, theirs, limits, total, *of_parts, worst in found:
        figures = (count, ours, theirs, limits, _decode(total))
        shown.week.setdefault(channel, Summary()).add(*figures)
        if hour >= _hour(now - DAY):
            shown.day.setdefault(channel, Summary()).add(*figures)
        if channel_id is not None and channel != channel_id:
            continue
        shown.hours.setdefault(hour, Summary()).add(*figures)
        cases += [_case(channel, row) for row in _decode_worst(worst)]
        if hour >= _hour(now - DAY):
            for name, text in zip(PARTS[1:], of_parts, strict=True):
                shown.parts[name] = merged([shown.parts.get(name, {}), _decode(text)])
    shown.worst = sorted(cases, key=lambda case: -case.total)[:WORST]
    return shown


def _case(channel: int, row: tuple[int, int, float, float, float, float, float]) -> Case:
    subject, times, began, ended, *whose = row
    return Case(channel, subject, times, datetime.fromtimestamp(began, UTC), datetime.fromtimestamp(ended, UTC), *whose)


# --- what is promised ---------------------------------------------------------------------------------------------------------------------


class PromiseError(ValueError):
    """A promise cannot be set as asked. The text says why."""


def promises() -> dict[Operation, timedelta]:
    """What the organisation in scope promises for each operation: the ceiling, unless it has set less."""
    own = dict(Promise.objects.values_list("operation", "seconds"))
    return {operation: timedelta(seconds=own[operation]) if operation in own else CEILINGS[operation] for operation in Operation}


def promise(uc: UseCase, operation: Operation, seconds: int | None) -> None:
    """Promise a tighter time; None goes back to the ceiling. PromiseError for one that is longer, or for what is not measured."""
    ceiling = int(CEILINGS[operation].total_seconds())
    if operation not in MEASURED:
        raise PromiseError(_("this is not measured, so nothing can be promised for it"))
    if seconds is not None and not 1 <= seconds <= ceiling:
        raise PromiseError(_("enter between 1 and {ceiling} seconds: a longer time than the ceiling cannot be promised", ceiling=ceiling))
    before = Promise.objects.filter(operation=operation).values_list("seconds", flat=True).first()
    if seconds is None or seconds == ceiling:
        Promise.objects.filter(operation=operation).delete()
    else:
        Promise.objects.update_or_create(operation=operation, defaults={"organisation_id": uc.organisation_id, "seconds": seconds})
    audit.record(uc, "delays.promise", "organisation", uc.organisation_id, operation=str(operation), before=before, after=seconds)
