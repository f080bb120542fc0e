"""Today: whether all is well, what comes in, what is due next, how late each channel is, and what waits for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stallkeeper.backoffice import charts, today_queries, today_rows
from stallkeeper.backoffice.lanes import lane_rows
from stallkeeper.backoffice.problems import counted_for, problems
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show
from stallkeeper.backoffice.start_frame import led_there
from stallkeeper.channels.models import Channel
from stallkeeper.core import clock
from stallkeeper.core.people import Permission
from stallkeeper.orders import exposure

WINDOW = timedelta(minutes=60)
EXPOSED = timedelta(days=7)
YOUNG = timedelta(minutes=15)
NAMED = 5
"""Channels with a colour of their own in the chart of orders; the rest are one."""


@dataclass(frozen=True)
class Step:
    """One step of setting up: done or not, where it happens."""

    text: str
    link: str
    done: bool


@dataclass(frozen=True)
class Concern:
    """Why not all is well, and where on this page it stands."""

    text: str
    anchor: str
    tone: str


@screen(Permission.VIEW_ORDERS)
@led_there
def today(request: MemberRequest) -> HttpResponse:
    """The page; its figures renew themselves every few seconds."""
    exposed = exposure.days(request.organisation, clock.now() - EXPOSED)
    context = {"title": _("Today"), "exposed": exposed, "exposed_by_channel": True, **figures(request)}
    return show(request, "backoffice/today.html", context)


@screen(Permission.VIEW_ORDERS)
def live(request: MemberRequest) -> HttpResponse:
    """The part of the page that renews itself."""
    return fragment(request, "backoffice/today_live.html", figures(request))


def figures(request: MemberRequest) -> dict[str, object]:
    """Everything the screen shows, read from rows."""
    organisation_id, now = request.organisation.pk, clock.now()
    channels = {channel.pk: channel.name for channel in Channel.objects.order_by("id")}
    with connection.cursor() as cursor:
        exists = today_queries.what_exists(cursor, organisation_id)
    reserved = today_rows.reserved(organisation_id)
    counts = counted_for(request, organisation_id)
    due, waiting, lags = today_rows.deadlines(organisation_id, now), problems(counts), today_rows.lags(organisation_id, now)
    return {
        "steps": first_steps(exists),
        "concerns": concerns(sum(problem.kind.tone != "info" for problem in waiting), int(str(due["overdue"])), lags),
        "reserved": reserved,
        "reserved_sum": sum(units for _kind, units in reserved),
        "todo": counts["todo"],
        "lanes": lane_rows(),
        "problems": waiting,
        "incidents": today_rows.incidents(now),
        "lags": lags,
        "channel_names": channels,
        "now": now,
        **due,
        **orders_of_today(organisation_id, now, channels),
        **pace(organisation_id, now),
    }


def concerns(kinds: int, overdue: int, lags: Sequence[today_rows.ChannelLag]) -> list[Concern]:
    """What keeps the day from being well; empty if nothing does."""
    found = []
    if overdue:
        text = ngettext("{count} deadline has passed", "{count} deadlines have passed", overdue)
        found.append(Concern(text.format(count=overdue), "deadlines", "bad"))
    late = [lag.name for lag in lags if lag.late]
    if late:
        text = ngettext("{channels} is behind its promise", "{channels} are behind their promise", len(late))
        found.append(Concern(text.format(channels=", ".join(late)), "lags", "bad"))
    if kinds:
        text = ngettext("{count} kind of problem waits for a person", "{count} kinds of problems wait for a person", kinds)
        found.append(Concern(text.format(count=kinds), "problems", "warn"))
    return found


# --- orders -------------------------------------------------------------------------------------------------------------------------------


def orders_of_today(organisation_id: int, now: datetime, channels: Mapping[int, str]) -> dict[str, object]:
    """Orders per hour of today by channel beside those of yesterday, and the sums until this moment of both days."""
    zone = timezone.get_current_timezone()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday, tomorrow = ((midnight + timedelta(days=days)).replace(hour=0) for days in (-1, 1))
    with connection.cursor() as cursor:
        per_hour = today_queries.orders_per_hour(cursor, organisation_id, yesterday, str(zone))
        sold = today_queries.today_figures(cursor, organisation_id, midnight, yesterday, yesterday + (now - midnight))
    series = by_channel([row for row in per_hour if row[1] >= midnight], channels)
    before: dict[datetime, float] = {}
    for _channel, hour, count in per_hour:
        if hour < midnight:
            shown = midnight + (hour - yesterday)
            before[shown] = before.get(shown, 0) + count
    line = charts.Series(_("yesterday, all channels"), 0, before)
    chart = charts.stacked_bars(series, midnight, tomorrow, charts.HOUR, over=line, size=charts.WIDE)
    return {"sold": sold, "orders_chart": chart}


def by_channel(per_hour: Sequence[tuple[int, datetime, int]], channels: Mapping[int, str]) -> list[charts.Series]:
    """A series for each of the channels that sold most, and one for all others."""
    totals: dict[int, int] = {}
    for channel, _hour, count in per_hour:
        totals[channel] = totals.get(channel, 0) + count
    most = sorted(sorted(totals, key=lambda channel: (-totals[channel], channel))[:NAMED])
    values: dict[int | None, dict[datetime, float]] = {channel: {} for channel in most}
    for channel, hour, count in per_hour:
        of = values.setdefault(channel if channel in most else None, {})
        of[hour] = of.get(hour, 0) + count
    names = {channel: channels.get(channel, "") for channel in most}
    return [
        charts.Series(names[channel] if channel is not None else _("other channels"), number, found)
        for number, (channel, found) in enumerate(values.items(), 1)
    ]


# --- the last hour ------------------------------------------------------------------------------------------------------------------------


def pace(organisation_id: int, now: datetime) -> dict[str, object]:
    """The last hour: how late we were."""
    start = (now - WINDOW).replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        seen = today_queries.lag_order_seen(cursor, organisation_id, start)
        cut = today_queries.lag_cut_accepted(cursor, organisation_id, start)
        older = today_queries.has_older_orders(cursor, organisation_id, start)
    if not older:
        start = window_start(start, now, [minute for minute, _p50, _p95 in seen])
    return {"lag": lag_chart(seen, cut, start, now), "lag_now": newest(seen), "cut_now": newest(cut), "measured": today_queries.MEASURED}


def window_start(start: datetime, now: datetime, minutes: Sequence[datetime]) -> datetime:
    """From the first order of all, but at least YOUNG long: a shop that has just begun is not shown as a line at the edge."""
    return max(start, min([*minutes, (now - YOUNG).replace(second=0, microsecond=0)]))


def newest(rows: Sequence[tuple[datetime, float, float]]) -> float | None:
    """The p95 of the last five minutes that had any; None if there were none."""
    return max((p95 for _minute, _p50, p95 in rows[-5:]), default=None)


def lag_chart(
    seen: Sequence[tuple[datetime, float, float]], cut: Sequence[tuple[datetime, float, float]], start: datetime, end: datetime
) -> charts.Chart:
    """p50 as lines, p95 faint, in seconds."""
    series = []
    for name, colour, rows in ((_("order seen"), 1, seen), (_("cut accepted elsewhere"), 2, cut)):
        series.append(charts.Series(name, colour, {minute: p50 for minute, p50, _p95 in rows}))
        series.append(
            charts.Series(_("{name}, 95 of 100 within").format(name=name), colour, {minute: p95 for minute, _p50, p95 in rows}, faint=True)
        )
    return charts.lines(series, start, end, _("s"))


# --- the first run ------------------------------------------------------------------------------------------------------------------------


def first_steps(exists: dict[str, bool]) -> list[Step]:
    """What is still to do before the first order lowers a number elsewhere; empty once everything is on."""
    steps = [
        Step(_("Import products and stock"), reverse("backoffice:imports"), exists["products"]),
        Step(_("Connect an account"), reverse("backoffice:channels"), exists["connection"]),
        Step(_("Link listings to your stock units"), reverse("backoffice:listings"), exists["offers"]),
        Step(_("Let a channel take orders"), reverse("backoffice:channels"), exists["orders_on"]),
        Step(_("Switch on sending stock for a channel"), reverse("backoffice:channels"), exists["stock_on"]),
        Step(_("Switch on sending for the company"), reverse("backoffice:channels"), exists["sending"]),
    ]
    return [] if all(step.done for step in steps) else steps
