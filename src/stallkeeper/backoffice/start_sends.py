"""The last step of the first run: whether the plan of the first send is made, sent, accepted, read back."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from stallkeeper.backoffice.send_tasks import TaskRow, row
from stallkeeper.backoffice.templatetags.stallkeeper import counted
from stallkeeper.channels import plans, proposals, send_tasks
from stallkeeper.channels.models import Channel, Connection, SendPlan, SendTask
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.sync import wake


@dataclass(frozen=True)
class Sending:
    """The open plan that lets the channel's stock out; the first send of it; whether every switch lets it out by now."""

    plan: SendPlan | None = None
    task: TaskRow | None = None
    goes_out: bool = False

    @property
    def done(self) -> bool:
        """Everything was answered, and what was accepted has been seen on the channel; or nothing differed at all."""
        if self.task is None:
            return self.goes_out
        return not self.task.waiting and (self.task.shown == self.task.accepted or self.task.task.ended_at is not None)

    @property
    def note(self) -> str:
        if self.task is None:
            return _("nothing differed") if self.goes_out else ""
        said = {"shown": counted(self.task.shown), "wanted": counted(self.task.wanted)}
        return _("{shown} of {wanted} read back").format(**said)


def read_soon(channel: Channel) -> None:
    """Have read what the stall shows, for as long as nothing was sent there: the plan of the first send compares ours with it."""
    if channel.first_send_at is None and channel.connection.state == Connection.State.READY:
        wake.look_now(channel.connection_id, "verify")


def sending_of(channel: Channel | None) -> Sending:
    """How far the channel is with it."""
    if channel is None:
        return Sending()
    task = SendTask.objects.select_related("plan").filter(parts__channel=channel, plan__isnull=False).order_by("pk").first()
    goes_out = send_tasks.goes_out(channel)
    return Sending(None if goes_out else _plan_for(channel), row(task) if task else None, goes_out)


def _plan_for(channel: Channel) -> SendPlan | None:
    """The open plan, if the channel's stock goes out once it is applied."""
    plan = plans.open_plan()
    return plan if plan and missing(channel) == _left(proposals.decode(plan.proposal), channel) else None


def _left(plan: Proposal, channel: Channel) -> Proposal:
    """What of the channel's switches a plan turns."""
    change = plan.channels.get(channel.pk, ChannelChange())
    on = {"stock": True} if change.switches.get("stock") else {}
    writes = {channel.connection_id: True} if plan.writes.get(channel.connection_id) else {}
    return Proposal(
        sending=plan.sending if not channel.organisation.sending_enabled else None,
        channels={channel.pk: ChannelChange(switches=on)} if on else {},
        writes=writes if not channel.connection.writes_allowed else {},
    )


def unread(plan: SendPlan | None) -> int:
    """Of how many of its figures nobody knew what the stall shows."""
    return sum(counts.unknown for counts in plans.counts_of(plan)) if plan else 0


def missing(channel: Channel) -> Proposal:
    """The switches that still keep the channel's stock from being sent, as a proposal that turns them."""
    return Proposal(
        sending=None if channel.organisation.sending_enabled else True,
        channels={} if channel.stock_enabled else {channel.pk: ChannelChange(switches={"stock": True})},
        writes={} if channel.connection.writes_allowed else {channel.connection_id: True},
    )
