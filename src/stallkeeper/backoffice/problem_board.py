"""Problems: every kind with its count, and the rows of those kinds that have no list of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.order_messages import COMMAND_NAMES
from stallkeeper.backoffice.problems import BY_KEY, COMMAND_DAYS, problems
from stallkeeper.backoffice.screens import MemberRequest, own_address, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.channels.models import Command, CommandState, Drift, Parked
from stallkeeper.core import clock, crash
from stallkeeper.core.models import Notification
from stallkeeper.core.people import Permission, can
from stallkeeper.core.words import of_row
from stallkeeper.orders.models import Shortage

StrOrPromise = str | Promise
SHOWN = 200

VERDICTS: dict[str, StrOrPromise] = {
    "sale_not_yet_pulled": gettext_lazy("a sale that we had not read yet"),
    "edited_on_channel": gettext_lazy("changed by hand on the channel"),
    "late_push": gettext_lazy("an earlier value of ours arrived late"),
    "not_applied": gettext_lazy("the channel said yes and did not do it"),
    "unknown": gettext_lazy("not known"),
}


@dataclass(frozen=True)
class ProblemRow:
    """One thing that waits: what, where it leads, what was said, since when. ``seen_id``: a notification that can be set aside."""

    title: StrOrPromise
    link: str
    words: str
    at: datetime
    note: StrOrPromise = ""
    seen_id: int | None = None
    case_link: str = ""
    """The case file of a line that is short."""
    body_id: int | None = None
    """A parked object whose untouched body may be looked at."""


@screen(Permission.VIEW_ORDERS)
def problem_board(request: MemberRequest) -> HttpResponse:
    """All kinds that have something waiting."""
    return show(request, "backoffice/problem_board.html", {"title": _("Problems"), "problems": problems(request.organisation.pk)})


@screen(Permission.VIEW_ORDERS)
def problem_list(request: MemberRequest, kind: str) -> HttpResponse:
    """The newest 200 of one kind."""
    if kind not in READERS:
        raise Http404(kind)
    context = {"title": BY_KEY[kind].title, "kind": BY_KEY[kind], "rows": READERS[kind](), "most": SHOWN}
    context["may_see_body"] = can(request.membership, Permission.SEE_PERSONAL_DATA)
    return show(request, "backoffice/problem_list.html", context)


@require_POST
@screen(Permission.VIEW_ORDERS)
def seen(_request: MemberRequest, pk: int) -> HttpResponse:
    """Set a notification aside; it comes back only if its condition ends and begins again."""
    row = get_object_or_404(Notification, pk=pk)
    row.seen_at = row.seen_at or clock.now()
    with crash.around("commit:problem.seen"):
        row.save(update_fields=["seen_at"])
    return redirect("backoffice:problem_list", "notifications")


def shortages() -> list[ProblemRow]:
    """Units sold that are not there, with the window in which it could happen."""
    rows = Shortage.objects.filter(resolved_at=None).select_related("line__order__channel", "stock_unit").order_by("-detected_at")[:SHOWN]
    return [
        ProblemRow(
            _("{number}: {short} of {sku} missing").format(number=row.line.order.number, short=row.quantity, sku=row.stock_unit.sku),
            reverse("backoffice:order", args=[row.line.order_id]),
            _window(row),
            row.detected_at,
            row.get_verdict_display(),
            case_link=reverse("backoffice:case", args=[row.line.order_id, row.line_id]),
        )
        for row in rows
    ]


def _window(row: Shortage) -> str:
    if row.cut_accepted_at and row.sold_at:
        seconds = (row.cut_accepted_at - row.sold_at).total_seconds()
        return _("The channel had accepted our cut {seconds:+.1f} s from the sale.").format(seconds=seconds)
    return _("No cut of ours had been accepted by then.")


def parked() -> list[ProblemRow]:
    """Objects of channels that could not be understood."""
    rows = Parked.objects.filter(resolved_at=None).select_related("connection").order_by("-last_seen_at")[:SHOWN]
    return [
        ProblemRow(
            f"{row.connection.name}: {row.kind} {row.external_id}",
            reverse("backoffice:connection", args=[row.connection_id]),
            row.reason,
            row.last_seen_at,
            _("seen {times} times").format(times=row.times),
            body_id=row.pk,
        )
        for row in rows
    ]


def drift() -> list[ProblemRow]:
    """Reads that differed from what we believed."""
    rows = Drift.objects.filter(resolved_at=None).select_related("offer__channel").order_by("-at")[:SHOWN]
    return [
        ProblemRow(
            f"{row.offer.channel.name}: {row.offer.sku}",
            reverse("backoffice:offer", args=[row.offer_id]),
            _("{kind}: believed {believed}, seen {observed}, intended {intended}").format(
                kind=row.get_kind_display(), believed=_figure(row.believed), observed=_figure(row.observed), intended=_figure(row.intended)
            ),
            row.at,
            VERDICTS.get(row.verdict, row.verdict),
        )
        for row in rows
    ]


def _figure(value: Decimal | None) -> str:
    return "?" if value is None else f"{value.normalize():f}"


def commands() -> list[ProblemRow]:
    """Messages about orders that the channel refused or that gave up, of the last week; a buyer who was quicker is nobody's problem."""
    states = [CommandState.REFUSED, CommandState.DEAD]
    since = clock.now() - COMMAND_DAYS
    refused = Command.objects.filter(state__in=states, ended_at__gte=since).exclude(kind="acknowledge", code="cancelled")
    rows = refused.select_related("connection").order_by("-ended_at")[:SHOWN]
    return [
        ProblemRow(
            f"{row.connection.name}: {COMMAND_NAMES.get(row.kind, row.kind)}",
            reverse("backoffice:order", args=[row.subject_id]) if row.subject_type == "order" else "",
            " ".join(part for part in (row.code, row.message) if part),
            row.ended_at or row.created_at,
            row.get_state_display(),
        )
        for row in rows
    ]


def notifications() -> list[ProblemRow]:
    """Conditions that last and have not been set aside."""
    rows = Notification.objects.filter(resolved_at=None, seen_at=None).order_by("-last_at")[:SHOWN]
    return [
        ProblemRow(
            told(of_row(row.title, row.title_words)),
            own_address(row.link),
            told(of_row(row.detail, row.detail_words)),
            row.last_at,
            row.get_severity_display(),
            row.pk,
        )
        for row in rows
    ]


READERS: dict[str, Callable[[], list[ProblemRow]]] = {
    "shortages": shortages,
    "parked": parked,
    "drift": drift,
    "commands": commands,
    "notifications": notifications,
}
