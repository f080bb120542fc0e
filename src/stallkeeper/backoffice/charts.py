"""Charts as plain SVG: coordinates are worked out here, templates draw them. No script, so a fragment that polls does not flicker."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone

from stallkeeper.backoffice.local import dated, decimal

Size = tuple[int, int]
WIDTH, HEIGHT = 460, 170
LEFT, RIGHT, TOP, BOTTOM = 52, 6, 10, 24
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
COLOURS = 6
TICKS = (
    (timedelta(minutes=30), timedelta(minutes=5)),
    (timedelta(hours=2), timedelta(minutes=10)),
    (timedelta(hours=30), timedelta(hours=3)),
    (timedelta.max, DAY),
)
"""Up to which length of the window which distance between marks is drawn."""
SIZE, WIDE = (WIDTH, HEIGHT), (640, 250)
"""Width and height of a chart in half a row, and in two thirds of one."""
DURATIONS = (0.01, 0.1, 1, 10, 60, 600, 3600, 36_000, 864_000, 8_640_000)
"""Marks of an axis of durations, in seconds: 10 ms to a hundred days."""


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """One series: an SVG path and its dots with what they say when pointed at."""

    name: str
    colour: int
    path: str
    dots: tuple[tuple[float, float, str], ...]
    faint: bool = False


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    colour: int
    text: str


@dataclass(frozen=True)
class Chart:
    """What a template needs to draw: axes with their ticks, lines or bars, and the legend (name, colour). ``columns`` and ``rows`` are the
    same as a table, for who cannot see it; ``limit`` is where a line across stands, and what it says."""

    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()
    legend: tuple[tuple[str, int], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, tuple[str, ...]], ...] = ()
    limit: Tick | None = None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT

    @property
    def right(self) -> int:
        return self.width - RIGHT

    @property
    def empty(self) -> bool:
        return not self.lines and not self.bars


@dataclass(frozen=True)
class Series:
    """Values by the moment at which their step begins. ``faint`` series are drawn thin and get no entry of their own in the legend."""

    name: str
    colour: int
    values: Mapping[datetime, float]
    faint: bool = False


@dataclass(frozen=True)
class Plane:
    """Where moments and values stand in the picture. Up to ``low`` the axis of values is at its foot; above it is even, or logarithmic."""

    start: datetime
    end: datetime
    top: float
    low: float = 0.0
    size: Size = SIZE

    def x(self, at: datetime) -> float:
        return round(LEFT + (self.size[0] - LEFT - RIGHT) * ((at - self.start) / (self.end - self.start)), 1)

    def y(self, value: float) -> float:
        part = math.log(max(value, self.low) / self.low) / math.log(self.top / self.low) if self.low else value / self.top
        return round(TOP + (self.size[1] - TOP - BOTTOM) * (1 - min(part, 1.0)), 1)


Words = Callable[[float], str]


def nice_top(value: float) -> float:
    """The smallest round number that is not below ``value``: 1, 1.5, 2, 3, 4, 5, 6 or 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.999999)


def lines(series: Sequence[Series], start: datetime, end: datetime, unit: str) -> Chart:
    """A line chart from ``start`` to ``end``; ``unit`` stands behind each number."""
    shown = [each for each in series if each.values]
    plane = Plane(start, end, nice_top(_highest(shown)))
    drawn = tuple(_line(each, plane, lambda value: f"{decimal(float(f'{value:.2g}'))} {unit}") for each in shown)
    return Chart(_time_ticks(plane), _value_ticks(plane, unit), lines=drawn, legend=_legend(shown))


def durations(series: Sequence[Series], start: datetime, end: datetime, words: Words, limit: tuple[float, str], size: Size = SIZE) -> Chart:
    """Durations in seconds on a logarithmic axis, so that seconds and hours can both be read; ``limit``: a duration that is drawn as a line
    across, and what it is called."""
    shown = [each for each in series if each.values]
    values = [limit[0], *(value for each in shown for value in each.values.values())]
    low = max([mark for mark in DURATIONS if mark <= min(values)], default=DURATIONS[0])
    top = min([mark for mark in DURATIONS if mark >= max(values) and mark > low], default=DURATIONS[-1])
    plane = Plane(start, end, top, low, size)
    marks = tuple(Tick(plane.y(mark), words(mark)) for mark in DURATIONS if low <= mark <= top)
    drawn = tuple(_line(each, plane, words) for each in shown)
    across = Tick(plane.y(limit[0]), limit[1])
    chart = Chart(_time_ticks(plane), marks, lines=drawn, legend=_legend(shown), limit=across, width=size[0], height=size[1])
    return _told(chart, shown, words)


def stacked_bars(
    series: Sequence[Series], start: datetime, end: datetime, step: timedelta = MINUTE, over: Series | None = None, size: Size = SIZE
) -> Chart:
    """One bar per ``step`` from ``start`` to ``end``, the series on top of each other; whole numbers. ``over`` is a line across."""
    shown = [each for each in series if each.values]
    lined = [over] if over is not None and over.values else []
    moments = [start + step * index for index in range(int((end - start) / step) + 1)]
    if step == MINUTE:
        end = moments[-1] + step
    heights = [sum(each.values.get(moment, 0) for each in shown) for moment in moments]
    plane = Plane(start, end, nice_top(max([*heights, _highest(lined)], default=0)), size=size)
    bars = tuple(bar for moment in moments for bar in _stack(shown, moment, step, plane))
    middle = [replace(each, values={moment + step / 2: value for moment, value in each.values.items()}) for each in lined]
    drawn = tuple(_line(each, plane, decimal) for each in middle)
    ticks = _value_ticks(plane, "", whole=True)
    return _told(
        Chart(_time_ticks(plane), ticks, lines=drawn, bars=bars, legend=_legend([*shown, *lined]), width=size[0], height=size[1]),
        [*shown, *lined],
        decimal,
    )


def _highest(series: Sequence[Series]) -> float:
    return max((max(each.values.values()) for each in series), default=0)


def _told(chart: Chart, shown: Sequence[Series], words: Words) -> Chart:
    """The chart with the table of its values."""
    moments = sorted({moment for each in shown for moment in each.values})
    rows = tuple((_moment(at), tuple(words(each.values[at]) if at in each.values else "–" for each in shown)) for at in moments)
    return replace(chart, columns=tuple(each.name for each in shown), rows=rows)


def _moment(at: datetime) -> str:
    local, today = timezone.localtime(at), timezone.localtime()
    return f"{local:%H:%M}" if local.date() == today.date() else f"{dated(local, 'EEE')} {local:%H:%M}"


def _line(series: Series, plane: Plane, words: Words) -> Line:
    points = [(plane.x(at), plane.y(value), at, value) for at, value in sorted(series.values.items()) if plane.start <= at <= plane.end]
    path = "M" + " L".join(f"{x} {y}" for x, y, _at, _value in points) if points else ""
    dots = tuple((x, y, f"{_moment(at)} · {series.name}: {words(value)}") for x, y, at, value in points)
    return Line(series.name, series.colour, path, dots, series.faint)


def _stack(shown: Sequence[Series], moment: datetime, step: timedelta, plane: Plane) -> list[Bar]:
    bars, below = [], 0.0
    width = max((plane.size[0] - LEFT - RIGHT) / ((plane.end - plane.start) / step) - 1.5, 1.5)
    for series in shown:
        value = series.values.get(moment, 0)
        if value:
            y, foot = plane.y(below + value), plane.y(below)
            text = f"{_moment(moment)} · {series.name}: {decimal(value)}"
            bars.append(Bar(plane.x(moment), y, round(width, 1), round(foot - y, 1), series.colour, text))
        below += value
    return bars


def _time_ticks(plane: Plane) -> tuple[Tick, ...]:
    """A mark at each round five or ten minutes, three hours, or day, by the length of the window; hours by the local clock."""
    step = next(step for longest, step in TICKS if plane.end - plane.start <= longest)
    first = timezone.localtime(plane.start)
    minutes = -(first.hour * 60 + first.minute) % (step // MINUTE)
    first = plane.start + timedelta(minutes=minutes)
    marks = [first + step * index for index in range(int((plane.end - first) / step) + 1)]
    return tuple(Tick(plane.x(mark), _mark(timezone.localtime(mark), step)) for mark in marks if mark < plane.end)


def _mark(local: datetime, step: timedelta) -> str:
    return dated(local, "EEE d") if step >= DAY else f"{local:%H:%M}"


def _value_ticks(plane: Plane, unit: str, whole: bool = False) -> tuple[Tick, ...]:
    marks = [0, plane.top] if whole and plane.top < 2 else [0, plane.top / 2, plane.top]
    return tuple(Tick(plane.y(mark), f"{decimal(mark)} {unit}".strip()) for mark in marks if not whole or mark == int(mark))


def _legend(shown: Sequence[Series]) -> tuple[tuple[str, int], ...]:
    return tuple((each.name, each.colour) for each in shown if not each.faint)
