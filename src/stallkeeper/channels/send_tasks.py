"""Following a send: which values a person meant, and what has become of each of them since (S3.37-S3.40).

A task does nothing. Offers are sent because they differ, by runs that go on after any crash; a task only counts what the offers say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
from django.core.cache import cache
from django.db import connection
from django.db.models import Q

from stallkeeper.channels import delivery, proposals, send_task_queries, switches
from stallkeeper.channels.models import Channel, Connection, Offer, SendPlan, SendTask, SendTaskPart, TodoKind
from stallkeeper.channels.plan_items import Part
from stallkeeper.core import audit, notify
from stallkeeper.core.models import Notification, Severity
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _

REASONS = 20
KEEP = 50
"""So many of the latest sends keep the list of their offers."""
GIVEN_UP = timedelta(days=7)
"""A send that is not done by then is no longer counted among those under way. What differs is sent all the same, whenever it can be."""

TOLD = timedelta(days=1)
"""So long a person is told that his send has ended, unless he has seen it."""
READ_BACK = timedelta(minutes=10)
"""So long a send that is done is followed on, until everything that was accepted has been seen on the channel."""


class Progress(msgspec.Struct, frozen=True):
    """What became of the values of one channel. ``wanted`` = accepted + refused + waiting; ``shown`` of the accepted were read back."""

    channel_id: int
    wanted: int
    sent: int
    accepted: int
    shown: int
    refused: int

    @property
    def waiting(self) -> int:
        return self.wanted - self.accepted - self.refused

    @property
    def done(self) -> bool:
        """The channel has answered for every value: accepted is done, sent is not (S3.40)."""
        return self.waiting == 0

    @property
    def seen(self) -> bool:
        """Everything that was accepted has been read back."""
        return self.done and self.shown == self.accepted


def begin_plan(uc: UseCase, plan: SendPlan, parts: Mapping[int, Part]) -> SendTask:
    """The send of a plan that was just applied."""
    ids = {channel: (part.quantities.offer.tolist(), part.prices.offer.tolist()) for channel, part in parts.items()}
    return _begin(uc, SendTask.Kind.PLAN, ids, plan)


def send_chosen(uc: UseCase, offers: Sequence[int]) -> SendTask:
    """Send these offers now (S3.37): refusals are forgotten, and what differs goes out with the next run."""
    chosen = list(Offer.objects.filter(pk__in=offers, stock_excluded=False).order_by("pk").values_list("channel_id", "pk"))
    return _send(uc, SendTask.Kind.CHOSEN, chosen)


def send_channels(uc: UseCase, channels: Sequence[int]) -> SendTask:
    """The same for all offers of channels."""
    chosen = Offer.objects.filter(channel_id__in=channels, stock_excluded=False).order_by("pk").values_list("channel_id", "pk")
    return _send(uc, SendTask.Kind.CHANNELS, list(chosen))


def goes_out(channel: Channel) -> bool:
    """Whether the switches let the channel's stock out. An account that rests, or a channel that is stopped, is waited for."""
    return proposals.sends(channel, channel.organisation.sending_enabled, "stock")


def _send(uc: UseCase, kind: str, chosen: Sequence[tuple[int, int]]) -> SendTask:
    """``chosen``: (channel, offer). The task is about those of channels that send: the others would be waited for in vain."""
    sending = {channel.pk for channel in switches.states() if goes_out(channel)}
    ids: dict[int, tuple[list[int], list[int]]] = {}
    for channel, offer in chosen:
        if channel not in sending:
            continue
        ids.setdefault(channel, ([], []))[0].append(offer)
    delivery.try_again(uc, TodoKind.QUANTITY, [offer for _channel, offer in chosen])
    task = _begin(uc, kind, ids, None)
    audit.record(uc, "offers.send", "send_task", task.pk, offers=sum(len(each[0]) for each in ids.values()), channels=len(ids))
    uc.mark("wake_connection", Channel.objects.filter(pk__in=ids).values_list("connection_id", flat=True))
    return task


def _begin(uc: UseCase, kind: str, ids: Mapping[int, tuple[list[int], list[int]]], plan: SendPlan | None) -> SendTask:
    wanted = {channel: offers for channel, offers in ids.items() if any(offers)}
    task = SendTask.objects.create(
        organisation_id=uc.organisation_id, kind=kind, plan=plan, asked_at=uc.at, asked_by=uc.actor, ended_at=None if wanted else uc.at
    )
    SendTaskPart.objects.bulk_create(
        SendTaskPart(organisation_id=uc.organisation_id, task=task, channel_id=channel, quantities=quantities, prices=prices)
        for channel, (quantities, prices) in sorted(wanted.items())
    )
    _forget_old()
    return task


def _forget_old() -> None:
    """Sends that ended long ago keep what they came to; which offers they were about goes."""
    latest = list(SendTask.objects.order_by("-pk").values_list("pk", flat=True)[:KEEP])
    SendTaskPart.objects.filter(task__ended_at__isnull=False).exclude(task_id__in=latest).delete()


def progress(task: SendTask) -> list[Progress]:
    """What has become of it by now, channel by channel; one statement over its offers. Of an old one, what it had come to when it ended."""
    if task.outcome is not None and not task.parts.exists():
        return msgspec.convert(task.outcome, list[Progress])
    with connection.cursor() as cursor:
        return [Progress(*row) for row in send_task_queries.progress(cursor, task.pk)]


def summary(task: SendTask) -> list[Progress]:
    """The same for lists: of a task that has ended, what it had come to by then; of one under way, no older than a look at it costs."""
    if task.outcome is not None:
        return msgspec.convert(task.outcome, list[Progress])
    key = f"send-task:{task.organisation_id}:{task.pk}"
    known: list[Progress] | None = cache.get(key)
    if known is None:
        known = progress(task)
        cache.set(key, known, timeout=1 + sum(each.wanted for each in known) / 20_000)
    return known


def reasons(task: SendTask) -> list[tuple[int, str, int, str]]:
    """Why channels refused: (channel, their words, how many, an SKU), the most frequent first."""
    with connection.cursor() as cursor:
        return send_task_queries.reasons(cursor, task.pk, REASONS)


def _anything_goes_out(channel: Channel) -> bool:
    return goes_out(channel) or proposals.sends(channel, channel.organisation.sending_enabled, "prices")


def close_done(uc: UseCase, account: Connection) -> int:
    """End the open tasks of an account that are answered and read back, and those that nobody follows any more; how many. What was switched
    off since is not waited for. Who asked is told in the notifications (S3.38)."""
    _stop_telling(uc)
    ended, sending = 0, {channel.pk for channel in switches.states() if _anything_goes_out(channel)}
    for task in SendTask.objects.filter(ended_at=None, parts__channel__connection=account).distinct().order_by("pk"):
        found = progress(task)
        age = uc.at - task.asked_at
        waited_for = [each for each in found if not each.waiting or each.channel_id in sending]
        if age > GIVEN_UP or all(each.seen or (each.done and age > READ_BACK) for each in waited_for):
            task.ended_at, task.outcome = uc.at, msgspec.to_builtins(found)
            task.save(update_fields=["ended_at", "outcome"])
            _tell(uc, task, found)
            ended += 1
    return ended


def notice_key(task: SendTask) -> str:
    """The key of the notification that tells that a send has ended."""
    return f"send:{task.pk}"


def _tell(uc: UseCase, task: SendTask, found: Sequence[Progress]) -> None:
    refused, waiting = sum(each.refused for each in found), sum(each.waiting for each in found)
    accepted = sum(each.accepted for each in found)
    title = _("Send {number} is done: {accepted} accepted", number=task.pk, accepted=accepted)
    if refused or waiting:
        title = _(
            "Send {number} has ended: {accepted} accepted, {refused} refused, {waiting} not answered",
            number=task.pk,
            accepted=accepted,
            refused=refused,
            waiting=waiting,
        )
    severity = Severity.WARNING if refused or waiting else Severity.INFO
    notify.raise_(uc, notice_key(task), severity, title, link=f"/sending/tasks/{task.pk}/")


def _stop_telling(uc: UseCase) -> None:
    """A send that has ended is no condition that lasts: its notification is closed once it was seen, or after a day."""
    told = Notification.objects.filter(key__startswith="send:", resolved_at=None)
    over = told.filter(Q(seen_at__isnull=False) | Q(first_at__lt=uc.at - TOLD)).order_by("key").values_list("key", flat=True)
    if keys := list(over):
        notify.resolve(uc, *keys)
