"""Delays as rows and charts: percentiles beside the promise, whose time it was, and the longest cases with their links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice import charts
from stallkeeper.backoffice.templatetags.stallkeeper import duration
from stallkeeper.channels.models import Offer
from stallkeeper.core.histogram import ERROR, percentile
from stallkeeper.orders.delays import Board, Case, Detail, Summary
from stallkeeper.orders.models import Order
from stallkeeper.orders.promises import MEASURED, Operation

TITLES: dict[Operation, str | LazyText] = {
    Operation.LIST: gettext_lazy("Add products"),
    Operation.MATCH: gettext_lazy("Match products"),
    Operation.STOCK: gettext_lazy("Stock update"),
    Operation.PRICE: gettext_lazy("Price update"),
    Operation.INTAKE: gettext_lazy("Order intake"),
    Operation.CREATE: gettext_lazy("Order creation"),
    Operation.ACKNOWLEDGE: gettext_lazy("Acknowledgement"),
    Operation.SHIP: gettext_lazy("Shipment"),
    Operation.CANCEL: gettext_lazy("Cancellation"),
}
NOTES: dict[Operation, str | LazyText] = {
    Operation.LIST: gettext_lazy("Stallkeeper puts no new products on channels: they are listed there, and linked here."),
    Operation.MATCH: gettext_lazy("Listings are linked here, at once when you say so; nothing is sent to the channel for it."),
    Operation.STOCK: gettext_lazy("From the moment a channel should show another quantity until it has accepted it."),
    Operation.PRICE: gettext_lazy("From the moment a channel should show another price until it has accepted it."),
    Operation.INTAKE: gettext_lazy("From the buyer's order on the channel until it stands here with its stock reserved."),
    Operation.CREATE: gettext_lazy("An order has its number and its reservation the moment it comes in: nothing is left to measure."),
    Operation.ACKNOWLEDGE: gettext_lazy("From the order here until the channel knows that we have it."),
    Operation.SHIP: gettext_lazy("From “shipped” here until the channel has accepted it."),
    Operation.CANCEL: gettext_lazy("From “cancel” here until the channel has accepted it and every channel shows the restored quantity."),
}
OURS, THEIRS, LIMITS = gettext_lazy("ours"), gettext_lazy("theirs"), gettext_lazy("their limits")
QUANTILES = (0.5, 0.95, 0.99)
OFFERS = (Operation.STOCK, Operation.PRICE)
"""Their cases are offers; those of all others are orders."""
COARSE = timedelta(hours=6)
"""A point of the chart of a week."""


@dataclass(frozen=True)
class Share:
    """A part of all the time, in percent, and where its piece of the bar begins."""

    name: str | LazyText
    colour: int
    percent: int
    start: int


@dataclass(frozen=True)
class Times:
    """Half, 95 and 99 of 100 were done within so many seconds, each with whether that breaks the promise; None of nothing."""

    count: int
    within: tuple[tuple[float | None, bool], ...]
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Row:
    """An operation on the board. What is not measured has no times, and its note says why."""

    operation: Operation
    title: str | LazyText
    note: str | LazyText
    promise: timedelta
    day: Times
    week: Times
    measured: bool


def row(operation: Operation, promise: timedelta, board: Board) -> Row:
    day, week = (of.get(operation, Summary()) for of in (board.day, board.week))
    shown = operation in MEASURED
    return Row(operation, TITLES[operation], NOTES[operation], promise, times(day, promise), times(week, promise), shown)


def times(summary: Summary, promise: timedelta) -> Times:
    """What a summary says, beside what is promised: broken is what is over it whatever the histogram may be off by."""
    within, most = [summary.within(part) for part in QUANTILES], promise.total_seconds() * (1 + ERROR)
    return Times(summary.count, tuple((told, told is not None and told > most) for told in within), shares(summary))


def shares(summary: Summary) -> tuple[Share, ...]:
    """Whose the time was, in whole percents that add up to a hundred; nothing where no time was taken."""
    if not summary.seconds:
        return ()
    limits = round(100 * summary.limits / summary.seconds)
    theirs = min(round(100 * summary.theirs / summary.seconds), 100 - limits)
    ours = 100 - limits - theirs
    return (Share(OURS, 1, ours, 0), Share(THEIRS, 2, theirs, ours), Share(LIMITS, 3, limits, ours + theirs))


def of_channel(channel: int, found: Detail, promise: timedelta) -> tuple[int, Times, Times]:
    """(key, day, week) of a channel."""
    day, week = (of.get(channel, Summary()) for of in (found.day, found.week))
    return channel, times(day, promise), times(week, promise)


def parts(found: Detail) -> list[tuple[str, list[float | None]]]:
    """Each part of the time of the last 24 hours by itself: half, 95 and 99 of 100 within so many seconds."""
    names = (("ours", OURS), ("theirs", THEIRS), ("limits", LIMITS))
    return [(str(title), [percentile(found.parts.get(name, {}), part) for part in QUANTILES]) for name, title in names]


# --- charts -------------------------------------------------------------------------------------------------------------------------------


def day_chart(found: Detail, promise: timedelta, now: datetime) -> charts.Chart:
    """The last 24 hours, hour by hour."""
    start = now.replace(minute=0, second=0, microsecond=0) - charts.DAY
    return _chart(((hour, [summary]) for hour, summary in found.hours.items() if hour >= start), promise, start, now, charts.HOUR)


def week_chart(found: Detail, promise: timedelta, now: datetime) -> charts.Chart:
    """The last seven days, six hours to a point."""
    start = now.replace(minute=0, second=0, microsecond=0) - 7 * charts.DAY
    groups: dict[datetime, list[Summary]] = {}
    for hour, summary in found.hours.items():
        if hour >= start:
            groups.setdefault(start + (hour - start) // COARSE * COARSE, []).append(summary)
    return _chart(groups.items(), promise, start, now, COARSE)


def _chart(
    points: Iterable[tuple[datetime, list[Summary]]], promise: timedelta, start: datetime, end: datetime, step: timedelta
) -> charts.Chart:
    lines: dict[float, dict[datetime, float]] = {part: {} for part in QUANTILES}
    for moment, summaries in points:
        whole = Summary()
        for each in summaries:
            whole.add(each.count, each.ours, each.theirs, each.limits, each.spread)
        for part in QUANTILES:
            if (told := whole.within(part)) is not None:
                lines[part][min(moment + step / 2, end)] = told
    names = (_("half within"), _("95 of 100 within"), _("99 of 100 within"))
    series = [charts.Series(name, colour, lines[part]) for colour, (name, part) in enumerate(zip(names, QUANTILES, strict=True), 1)]
    seconds = promise.total_seconds()
    return charts.durations(series, start, end, duration, (seconds, _("promise: {time}").format(time=duration(seconds))))


# --- the longest --------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WorstCase:
    """One of the longest, and where it is shown; ``link`` is empty for what is no longer there."""

    case: Case
    name: str
    link: str
    channel: str


def worst(operation: Operation, found: Detail, channels: Mapping[int, str]) -> list[WorstCase]:
    """The longest, the first the longest. One statement."""
    ids = [case.subject for case in found.worst]
    if operation in OFFERS:
        names, view = dict(Offer.objects.filter(pk__in=ids).values_list("pk", "sku")), "offer"
    else:
        names, view = dict(Order.objects.filter(pk__in=ids).values_list("pk", "number")), "order"
    return [_worst(case, names.get(case.subject), view, channels) for case in found.worst]


def _worst(case: Case, name: str | None, view: str, channels: Mapping[int, str]) -> WorstCase:
    link = reverse(f"backoffice:{view}", args=[case.subject]) if name is not None else ""
    return WorstCase(case, name or str(case.subject), link, channels.get(case.channel_id, ""))
