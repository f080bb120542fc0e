"""The bell: tasks with their state, and the newest notifications, in a drop-down that renews itself (S3.38, S3.39)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import send_tasks
from stallkeeper.backoffice.export_lists import LISTS
from stallkeeper.backoffice.local import Figure
from stallkeeper.backoffice.problem_notices import TONES, link_of
from stallkeeper.backoffice.problems import BY_KEY, badge, counted
from stallkeeper.backoffice.screens import MemberRequest, back, fragment, screen, wants_fragment
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels import send_tasks as sends
from stallkeeper.channels.models import SendTask
from stallkeeper.core import clock, crash
from stallkeeper.core.models import FileExport, Notification
from stallkeeper.core.notice_kinds import place_of
from stallkeeper.core.people import Permission, can
from stallkeeper.core.words import of_row

TASKS, NOTICES = 6, 8
RECENT = timedelta(days=1)
"""So long a task that has ended is shown; one under way as long as it is."""

StrOrPromise = str | Promise


@dataclass(frozen=True)
class Task:
    """Something that a person started and that goes on without him; ``link``: its details, behind the eye."""

    title: str
    state: StrOrPromise
    tone: str
    at: datetime
    link: str
    note: str = ""

    @property
    def under_way(self) -> bool:
        return self.tone == "info"


@dataclass(frozen=True)
class Notice:
    """A condition that lasts and that nobody has set aside."""

    pk: int
    title: str
    tone: str
    at: datetime
    link: str


@screen(Permission.VIEW_ORDERS)
def bell(request: MemberRequest) -> HttpResponse:
    """What is within the drop-down, and anew the number beside the bell."""
    now = clock.now()
    tasks = sorted(_tasks(request, now), key=lambda task: (not task.under_way, -task.at.timestamp()))[:TASKS]
    notices = _notices()
    context = {
        "tasks": tasks,
        "under_way": any(task.under_way for task in tasks),
        "notices": notices,
        "newest": notices[0].pk if notices else 0,
        "said": _("New: {title}").format(title=notices[0].title) if notices else "",
        "sk_waiting": badge(counted(request.organisation.pk)),
        "may_choose_targets": can(request.membership, Permission.CONNECT),
        "renewed": True,
    }
    return fragment(request, "backoffice/parts/bell.html", context)


def _notices() -> list[Notice]:
    """The newest. Index notification_open_once, of which the open ones are few."""
    unseen = Notification.objects.filter(resolved_at=None, seen_at=None).order_by("-last_at", "-pk")
    return [
        Notice(
            notice.pk,
            told(of_row(notice.title, notice.title_words)),
            TONES[notice.severity],
            notice.last_at,
            link_of(notice) or BY_KEY[place_of(notice.key)[0]].link,
        )
        for notice in unseen[:NOTICES]
    ]


def _tasks(request: MemberRequest, now: datetime) -> Iterator[Task]:
    yield from _sends(now)
    yield from _exports(request, now)
    if can(request.membership, Permission.EDIT_CATALOGUE):
        yield from _imports(now)


def _sends(now: datetime) -> Iterator[Task]:
    for task in SendTask.objects.filter(asked_at__gte=now - RECENT).order_by("-pk")[:TASKS]:
        row = send_tasks.TaskRow(task, "", sends.summary(task))
        note = _("{accepted:,} of {wanted:,} accepted").format(accepted=Figure(row.accepted), wanted=Figure(row.wanted))
        title = _("Send {number}").format(number=task.pk)
        yield Task(title, row.state_name, row.tone, task.asked_at, reverse("backoffice:send_task", args=[task.pk]), note)


EXPORT_TONES = {"waiting": "info", "making": "info", "done": "ok", "failed": "bad"}


def _exports(request: MemberRequest, now: datetime) -> Iterator[Task]:
    """Files of lists: each person sees his own."""
    mine = FileExport.objects.filter(user=request.user, asked_at__gte=now - RECENT).order_by("-asked_at", "-pk")
    for made in mine[:TASKS]:
        name = str(LISTS[made.kind].title) if made.kind in LISTS else made.kind
        title = _("File of the list “{name}”").format(name=name)
        note = _rows(made.rows_done) if made.rows_done else ""
        yield Task(title, made.get_state_display(), EXPORT_TONES[made.state], made.asked_at, reverse("backoffice:exports"), note)


IMPORT_TONES = {"queued": "info", "reading": "info", "done": "ok", "stopped": "warn", "failed": "bad"}


def _imports(now: datetime) -> Iterator[Task]:
    latest = ImportRun.objects.filter(dry_run=False).order_by("-pk")[:TASKS]
    for run in (run for run in latest if run.started_at >= now - RECENT):
        title = _("Import of {file}").format(file=run.file_name)
        link = reverse("backoffice:import", args=[run.pk])
        yield Task(title, run.get_state_display(), IMPORT_TONES[run.state], run.started_at, link, _rows(run.rows_done))


def _rows(count: int) -> str:
    return ngettext("{count:,} row", "{count:,} rows", count).format(count=Figure(count))


@require_POST
@screen(Permission.VIEW_ORDERS)
def seen(request: MemberRequest) -> HttpResponse:
    """Set aside the notifications that the form names, one or all that it showed; each comes back only if its condition begins again."""
    named = [int(pk) for pk in request.POST.getlist("notice") if pk.isdecimal()][:NOTICES]
    with crash.around("commit:problem.seen"):
        Notification.objects.filter(pk__in=named, seen_at=None).update(seen_at=clock.now())
    return bell(request) if wants_fragment(request) else back(request, "backoffice:problem_board")
