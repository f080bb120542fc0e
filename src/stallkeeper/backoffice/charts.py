"""Charts as plain SVG: coordinates are worked out here, templates draw them. No script, so a fragment that polls does not flicker."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

WIDTH, HEIGHT = 460, 170
LEFT, RIGHT, TOP, BOTTOM = 52, 6, 10, 24
MINUTE = timedelta(minutes=1)
SHORT = timedelta(minutes=30)
COLOURS = 6


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
    """What a template needs to draw: axes with their ticks, lines or bars, and the legend (name, colour)."""

    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()
    legend: tuple[tuple[str, int], ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM

    @property
    def empty(self) -> bool:
        return not self.lines and not self.bars


@dataclass(frozen=True)
class Series:
    """Values by minute. ``faint`` series are drawn thin and get no entry of their own in the legend."""

    name: str
    colour: int
    values: Mapping[datetime, float]
    faint: bool = False


def nice_top(value: float) -> float:
    """The smallest round number that is not below ``value``: 1, 1.5, 2, 3, 4, 5, 6 or 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.999999)


def lines(series: Sequence[Series], start: datetime, end: datetime, unit: str) -> Chart:
    """A line chart from ``start`` to ``end``; ``unit`` stands behind each number."""
    shown = [each for each in series if each.values]
    top = nice_top(max((max(each.values.values()) for each in shown), default=0))
    drawn = tuple(_line(each, start, end, top, unit) for each in shown)
    return Chart(_time_ticks(start, end), _value_ticks(top, unit), lines=drawn, legend=_legend(shown))


def stacked_bars(series: Sequence[Series], start: datetime, end: datetime) -> Chart:
    """One bar per minute from ``start`` to ``end``, the series on top of each other; whole numbers."""
    shown = [each for each in series if each.values]
    minutes = [start + MINUTE * index for index in range(int((end - start) / MINUTE) + 1)]
    end = minutes[-1] + MINUTE
    top = nice_top(max((sum(each.values.get(minute, 0) for each in shown) for minute in minutes), default=0))
    bars = tuple(bar for minute in minutes for bar in _stack(shown, minute, start, end, top))
    return Chart(_time_ticks(start, end), _value_ticks(top, "", whole=True), bars=bars, legend=_legend(shown))


def _x(at: datetime, start: datetime, end: datetime) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * ((at - start) / (end - start)), 1)


def _y(value: float, top: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(value, top) / top), 1)


def _line(series: Series, start: datetime, end: datetime, top: float, unit: str) -> Line:
    points = [(_x(at, start, end), _y(value, top), at, value) for at, value in sorted(series.values.items()) if start <= at <= end]
    path = "M" + " L".join(f"{x} {y}" for x, y, _at, _value in points) if points else ""
    dots = tuple((x, y, f"{timezone.localtime(at):%H:%M} · {series.name}: {value:.2g} {unit}") for x, y, at, value in points)
    return Line(series.name, series.colour, path, dots, series.faint)


def _stack(shown: Sequence[Series], minute: datetime, start: datetime, end: datetime, top: float) -> list[Bar]:
    bars, below = [], 0.0
    width = max((WIDTH - LEFT - RIGHT) / ((end - start) / MINUTE) - 1.5, 1.5)
    for series in shown:
        value = series.values.get(minute, 0)
        if value:
            y, foot = _y(below + value, top), _y(below, top)
            x = _x(minute, start, end)
            text = f"{timezone.localtime(minute):%H:%M} · {series.name}: {value:g}"
            bars.append(Bar(x, y, round(width, 1), round(foot - y, 1), series.colour, text))
        below += value
    return bars


def _time_ticks(start: datetime, end: datetime) -> tuple[Tick, ...]:
    """A mark at each round ten minutes; at each round five where the window is short."""
    minutes = 10 if end - start > SHORT else 5
    step = timedelta(minutes=minutes)
    first = start + timedelta(minutes=-timezone.localtime(start).minute % minutes)
    marks = [first + step * index for index in range(int((end - first) / step) + 1)]
    return tuple(Tick(_x(mark, start, end), f"{timezone.localtime(mark):%H:%M}") for mark in marks)


def _value_ticks(top: float, unit: str, whole: bool = False) -> tuple[Tick, ...]:
    marks = [0, top / 2, top]
    if whole and top < 2:
        marks = [0, top]
    return tuple(Tick(_y(mark, top), f"{mark:g} {unit}".strip()) for mark in marks if not whole or mark == int(mark))


def _legend(shown: Sequence[Series]) -> tuple[tuple[str, int], ...]:
    return tuple((each.name, each.colour) for each in shown if not each.faint)
