"""Sends to follow: each with its state, and behind the eye what every channel did with it (S3.38-S3.40)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show, wants_fragment
from stallkeeper.channels import send_tasks as tasks
from stallkeeper.channels import switches
from stallkeeper.channels.models import Channel, SendTask
from stallkeeper.channels.send_tasks import Progress
from stallkeeper.core import clock, crash
from stallkeeper.core.models import Notification
from stallkeeper.core.people import Permission

StrOrPromise = str | Promise

SHOWN = 30
STATES: dict[str, tuple[StrOrPromise, str]] = {
    "under_way": (gettext_lazy("under way"), "info"),
    "done": (gettext_lazy("Done"), "ok"),
    "refused": (gettext_lazy("Done, some refused"), "bad"),
    "given_up": (gettext_lazy("no longer followed"), ""),
}


@dataclass(frozen=True)
class TaskRow:
    """A send with what has become of it."""

    task: SendTask
    by: str
    progress: Sequence[Progress]

    @property
    def wanted(self) -> int:
        return sum(each.wanted for each in self.progress)

    @property
    def accepted(self) -> int:
        return sum(each.accepted for each in self.progress)

    @property
    def shown(self) -> int:
        return sum(each.shown for each in self.progress)

    @property
    def refused(self) -> int:
        return sum(each.refused for each in self.progress)

    @property
    def waiting(self) -> int:
        return sum(each.waiting for each in self.progress)

    @property
    def state(self) -> str:
        """Done only when the channels have answered for everything."""
        if self.waiting:
            return "given_up" if self.task.ended_at else "under_way"
        return "refused" if self.refused else "done"

    @property
    def state_name(self) -> StrOrPromise:
        return STATES[self.state][0]

    @property
    def tone(self) -> str:
        return STATES[self.state][1]


def row(task: SendTask) -> TaskRow:
    """The row of one send, with its figures of this moment."""
    return TaskRow(task, _asked(task, names_of([task.asked_by])), tasks.progress(task))


def _asked(task: SendTask, names: Mapping[str, str]) -> str:
    return names[task.asked_by] or _("Stallkeeper")


@screen(Permission.VIEW_STOCK)
def send_tasks(request: MemberRequest) -> HttpResponse:
    """The latest sends."""
    latest = SendTask.objects.select_related("plan").order_by("-pk")[:SHOWN]
    names = names_of({task.asked_by for task in latest})
    rows = [TaskRow(task, _asked(task, names), tasks.summary(task)) for task in latest]
    return show(request, "backoffice/send_tasks.html", {"title": _("Sends"), "rows": rows})


@screen(Permission.VIEW_STOCK)
def send_task(request: MemberRequest, pk: int) -> HttpResponse:
    """One send by channel: sent, accepted, read back, refused with the channel's words, waiting and why. Renews itself while under way."""
    found = row(get_object_or_404(SendTask.objects.select_related("plan"), pk=pk))
    _seen(request, found.task)
    context = {"title": _("Send {number}").format(number=pk), **shown_task(found)}
    if wants_fragment(request):
        return fragment(request, "backoffice/parts/send_progress.html", context)
    return show(request, "backoffice/send_task.html", context)


def shown_task(found: TaskRow) -> dict[str, object]:
    """What ``parts/send_progress.html`` shows of a send."""
    channels = {channel.pk: channel for channel in switches.states()}
    return {
        "row": found,
        "lines": [(channels[each.channel_id], each, _silent(channels[each.channel_id], each)) for each in found.progress],
        "reasons": [(channels[channel], words, count, sku) for channel, words, count, sku in tasks.reasons(found.task)],
    }


def _seen(request: MemberRequest, task: SendTask) -> None:
    """Who asked for a send and looks at how it ended need not be told any more."""
    if task.ended_at is None or task.asked_by != request.user.actor:
        return
    told = Notification.objects.filter(key=tasks.notice_key(task), resolved_at=None, seen_at=None)
    if told.exists():
        with crash.around("commit:problem.seen"):
            told.update(seen_at=clock.now())


def _silent(channel: Channel, progress: Progress) -> Sequence[str]:
    """Why what waits is not sent, where something keeps it."""
    return switches.why_silent(channel) if progress.waiting else ()
