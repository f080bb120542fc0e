"""Today: how late we are, what comes in, which connections run, and what waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from stallkeeper.backoffice import charts, today_queries
from stallkeeper.backoffice.lanes import lane_rows
from stallkeeper.backoffice.problems import counted, problems
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show
from stallkeeper.channels.models import Channel
from stallkeeper.core import clock
from stallkeeper.core.people import Permission
from stallkeeper.orders import exposure

WINDOW = timedelta(minutes=60)
EXPOSED = timedelta(days=7)
YOUNG = timedelta(minutes=15)


@dataclass(frozen=True)
class Step:
    """One step of setting up: done or not, where it happens."""

    text: str
    link: str
    done: bool


@screen(Permission.VIEW_ORDERS)
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
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        exists = today_queries.what_exists(cursor, organisation_id)
        sold = today_queries.today_figures(cursor, organisation_id, midnight)
    return {
        "steps": first_steps(exists),
        "today": sold,
        "todo": counted(organisation_id)["todo"],
        "lanes": lane_rows(),
        "problems": problems(organisation_id),
        "now": now,
        **pace(organisation_id, now),
    }


def pace(organisation_id: int, now: datetime) -> dict[str, object]:
    """The last hour: how late we were, and what came in."""
    start = (now - WINDOW).replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        per_minute = today_queries.orders_per_minute(cursor, organisation_id, start)
        seen = today_queries.lag_order_seen(cursor, organisation_id, start)
        cut = today_queries.lag_cut_accepted(cursor, organisation_id, start)
        older = today_queries.has_older_orders(cursor, organisation_id, start)
    orders = sum(count for *_, count in per_minute)
    if not older:
        start = window_start(start, now, [minute for _channel, minute, _count in per_minute])
    return {
        "lag": lag_chart(seen, cut, start, now),
        "lag_now": newest(seen),
        "cut_now": newest(cut),
        "measured": today_queries.MEASURED if orders > today_queries.MEASURED else None,
        "orders_chart": orders_chart(per_minute, start, now),
    }


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


def orders_chart(per_minute: Sequence[tuple[int, datetime, int]], start: datetime, end: datetime) -> charts.Chart:
    """Orders per minute, one colour for each channel."""
    series = []
    for index, channel in enumerate(Channel.objects.order_by("id")):
        values: dict[datetime, float] = {minute: count for channel_id, minute, count in per_minute if channel_id == channel.pk}
        series.append(charts.Series(channel.name, index % charts.COLOURS + 1, values))
    return charts.stacked_bars(series, start, end)


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
