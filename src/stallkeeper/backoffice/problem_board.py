"""Problems: everything that waits, put together by kind and cause, what to do about it, and what was put off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import problem_queries
from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.problem_groups import Board, Group, board, groups_of
from stallkeeper.backoffice.problem_rows import READERS, SHOWN, rows_of
from stallkeeper.backoffice.problems import BY_KEY, KINDS, ProblemKind, forget
from stallkeeper.backoffice.screens import MemberRequest, back, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.channels.models import Channel
from stallkeeper.core import clock, crash, snoozes
from stallkeeper.core.models import Notification, Role
from stallkeeper.core.notice_models import Snooze
from stallkeeper.core.people import PERMISSIONS, Permission, can
from stallkeeper.core.use_case import use_case

MORNING = time(8)
PUT_OFF: dict[str, tuple[str | Promise, timedelta]] = {
    "4h": (gettext_lazy("for four hours"), timedelta(hours=4)),
    "1d": (gettext_lazy("until tomorrow morning"), timedelta(days=1)),
    "3d": (gettext_lazy("for three days"), timedelta(days=3)),
    "7d": (gettext_lazy("for a week"), timedelta(days=7)),
    "30d": (gettext_lazy("for a month"), timedelta(days=30)),
}


@screen(Permission.VIEW_ORDERS)
def problem_board(request: MemberRequest) -> HttpResponse:
    """All groups, the gravest first; ``kind`` and ``channel`` choose some of them."""
    found = board(request.organisation.pk)
    kind, channel = BY_KEY.get(request.GET.get("kind", "")), request.GET.get("channel", "")
    of_channel = [group for group in found.groups if not channel.isdecimal() or int(channel) in group.channels]
    chosen = Board([group for group in of_channel if kind is None or group.kind is kind], found.snoozed)
    names = names_of({group.snooze.made_by for group in found.snoozed if group.snooze})
    context = {
        "title": _("Problems"),
        "kinds": [(kind, groups, found.is_cut(kind)) for kind, groups in chosen.by_kind()],
        "top": problem_queries.TOP,
        "counts": _counts(of_channel),
        "groups": len(of_channel),
        "chosen": kind,
        "channel": channel,
        "channels": Channel.objects.order_by("name", "pk"),
        "snoozed": [(group, names.get(group.snooze.made_by, "")) for group in found.snoozed if group.snooze],
        "put_off": [(key, name) for key, (name, _span) in PUT_OFF.items()],
        "may": PERMISSIONS[Role(request.membership.role)],
        "back": request.get_full_path(),
    }
    return show(request, "backoffice/problem_board.html", context)


def _counts(groups: Sequence[Group]) -> list[tuple[ProblemKind, int]]:
    """How many single things wait of each kind that has any."""
    found = ((kind, sum(group.count for group in groups if group.kind is kind)) for kind in KINDS)
    return [(kind, count) for kind, count in found if count]


@screen(Permission.VIEW_ORDERS)
def problem_list(request: MemberRequest, kind: str) -> HttpResponse:
    """The newest 200 of one kind, or of the group of it that ``part`` names; kinds whose groups are single things are on the board."""
    if kind not in BY_KEY:
        raise Http404(kind)
    if kind not in READERS:
        return redirect(BY_KEY[kind].link)
    part = request.GET.get("part", "")
    group = next((group for group in groups_of(request.organisation.pk, BY_KEY[kind]) if group.part == part), None)
    context = {
        "title": BY_KEY[kind].title,
        "kind": BY_KEY[kind],
        "group": group,
        "rows": rows_of(request.organisation.pk, kind, part),
        "most": SHOWN,
        "may_see_body": can(request.membership, Permission.SEE_PERSONAL_DATA),
    }
    return show(request, "backoffice/problem_list.html", context)


@require_POST
@screen(Permission.ACT_ORDERS)
def seen(request: MemberRequest, pk: int) -> HttpResponse:
    """Set a notification aside, for everybody; it comes back only if its condition ends and begins again."""
    row = get_object_or_404(Notification, pk=pk)
    row.seen_at = row.seen_at or clock.now()
    with crash.around("commit:problem.seen"):
        row.save(update_fields=["seen_at"])
    return back(request, "backoffice:problem_board")


@require_POST
@screen(Permission.ACT_ORDERS)
def snooze(request: MemberRequest) -> HttpResponse:
    """Put a group off until a moment, with a reason; it comes back by itself, or as soon as it gets worse."""
    group = chosen_group(request)
    if group is None:
        messages.info(request, _("That is over already."))
        return back(request, "backoffice:problem_board")
    until = ends(request.POST.get("until", ""), clock.now())
    try:
        with use_case("snooze.problem", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            snoozes.begin(uc, group.key, request.POST.get("reason", ""), until, group.gravity, group.count)
    except snoozes.SnoozeError as error:
        messages.error(request, told(error))
    else:
        forget(request.organisation.pk)
        messages.success(request, _("Put off. It comes back then, or as soon as it gets worse."))
    return back(request, "backoffice:problem_board")


def ends(key: str, now: datetime) -> datetime:
    """When a group that is put off so comes back: whole days end in the morning of the organisation's zone."""
    span = PUT_OFF.get(key, PUT_OFF["1d"])[1]
    if span < timedelta(days=1):
        return now + span
    day = timezone.localtime(now).date() + span
    return timezone.make_aware(datetime.combine(day, MORNING))


@require_POST
@screen(Permission.ACT_ORDERS)
def wake(request: MemberRequest, pk: int) -> HttpResponse:
    """Show again what was put off."""
    found = get_object_or_404(Snooze, pk=pk)
    with use_case("wake.problem", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        snoozes.end(uc, found)
    forget(request.organisation.pk)
    messages.success(request, _("It is shown again."))
    return back(request, "backoffice:problem_board")


def chosen_group(request: MemberRequest) -> Group | None:
    """The group that a form names, as it stands now."""
    kind, _colon, part = request.POST.get("group", "").partition(":")
    if kind not in BY_KEY:
        return None
    return next((group for group in groups_of(request.organisation.pk, BY_KEY[kind]) if group.part == part), None)
