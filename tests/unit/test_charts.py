"""Charts say in coordinates what the values are: the axis, the line across, and the same as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone, translation

from stallkeeper.backoffice import charts
from stallkeeper.backoffice.charts import HOUR, MINUTE, Series

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
FOOT = charts.HEIGHT - charts.BOTTOM


def test_bars_stand_on_each_other_and_a_line_goes_across() -> None:
    with timezone.override(UTC):
        at = MIDNIGHT + 9 * HOUR
        over = Series("yesterday", 0, {at: 30})
        chart = charts.stacked_bars([Series("A", 1, {at: 10}), Series("B", 2, {at: 20})], MIDNIGHT, MIDNIGHT + 24 * HOUR, HOUR, over)
    first, second = chart.bars
    assert (first.y + first.height, second.y + second.height) == (FOOT, first.y)
    assert abs(second.height - 2 * first.height) < 0.2
    (line,) = chart.lines
    assert line.dots[0][1] == second.y, "thirty yesterday is as high as thirty today"
    assert chart.rows == (("Mon 09:00", ("10", "20", "30")),)
    assert [tick.text for tick in chart.x_ticks] == ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]


def test_hours_of_a_zone_are_marked_by_its_clock() -> None:
    with timezone.override(timezone.get_fixed_timezone(timedelta(hours=5, minutes=30))):
        midnight = timezone.localtime(MIDNIGHT).replace(hour=0, minute=0)
        chart = charts.stacked_bars([Series("A", 1, {midnight: 1})], midnight, midnight + 24 * HOUR, HOUR)
    assert chart.x_ticks[0] == charts.Tick(charts.LEFT, "00:00")
    assert chart.bars[0].x == charts.LEFT


def test_an_axis_of_durations_shows_seconds_and_hours_alike() -> None:
    """Each factor of ten is as high as the next; what is promised is a line across."""
    with timezone.override(UTC):
        values = {MIDNIGHT + number * HOUR: seconds for number, seconds in enumerate((1.0, 10.0, 100.0, 0.0))}
        chart = charts.durations([Series("p50", 1, values)], MIDNIGHT, MIDNIGHT + 24 * HOUR, lambda s: f"{s:g} s", (600.0, "promise"))
    one, ten, hundred, none = (y for _x, y, _text in chart.lines[0].dots)
    assert abs((one - ten) - (ten - hundred)) < 0.2
    assert none == FOOT, "no time at all is at the foot"
    assert chart.limit is not None
    assert chart.limit.at < hundred
    assert [tick.text for tick in chart.y_ticks] == ["0.01 s", "0.1 s", "1 s", "10 s", "60 s", "600 s"]
    assert chart.rows[1][1] == ("10 s",)


def test_a_week_is_marked_by_days() -> None:
    with timezone.override(UTC):
        chart = charts.durations([Series("p50", 1, {MIDNIGHT: 1.0})], MIDNIGHT, MIDNIGHT + timedelta(days=7), str, (60.0, "promise"))
    assert [tick.text for tick in chart.x_ticks] == ["Mon 2", "Tue 3", "Wed 4", "Thu 5", "Fri 6", "Sat 7", "Sun 8"]


def test_numbers_of_an_axis_and_its_points_are_written_as_the_language_does() -> None:
    """150 seconds were "1.5e+02 s", and a half had a point in Russian."""
    with timezone.override(UTC), translation.override("ru"):
        seconds = {MIDNIGHT: 150.0, MIDNIGHT + MINUTE: 7.46}
        chart = charts.lines([Series("A", 1, seconds)], MIDNIGHT, MIDNIGHT + HOUR, "с")
        low = charts.lines([Series("A", 1, {MIDNIGHT: 15.0})], MIDNIGHT, MIDNIGHT + HOUR, "с")
    assert [words.rsplit(": ")[-1] for _x, _y, words in chart.lines[0].dots] == ["150 с", "7,5 с"]
    assert [tick.text for tick in low.y_ticks] == ["0 с", "7,5 с", "15 с"]
