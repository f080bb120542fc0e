"""Following a send: which values a person meant, and what has become of each of them since (S3.37-S3.40).

A task does nothing. Offers are sent because they differ, by runs that go on after any crash; a task only counts what the offers say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from stallkeeper.channels import delivery, send_task_queries
from stallkeeper.channels.models import Channel, Connection, Offer, SendPlan, SendTask, SendTaskPart, TodoKind
from stallkeeper.channels.plan_items import Part
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase

REASONS = 20
GIVEN_UP = timedelta(days=7)
"""A send that is not done by then is no longer counted among those under way. What differs is sent all the same, whenever it can be."""


@dataclass(frozen=True, slots=True)
class Progress:
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


def _send(uc: UseCase, kind: str, chosen: Sequence[tuple[int, int]]) -> SendTask:
    ids: dict[int, tuple[list[int], list[int]]] = {}
    for channel, offer in chosen:
        ids.setdefault(channel, ([], []))[0].append(offer)
    delivery.try_again(uc, TodoKind.QUANTITY, [offer for _, offer in chosen])
    task = _begin(uc, kind, ids, None)
    audit.record(uc, "offers.send", "send_task", task.pk, offers=len(chosen), channels=len(ids))
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
    return task


def progress(task: SendTask) -> list[Progress]:
    """What has become of it, channel by channel; one statement."""
    with connection.cursor() as cursor:
        return [Progress(*row) for row in send_task_queries.progress(cursor, task.pk)]


def reasons(task: SendTask) -> list[tuple[int, str, int, str]]:
    """Why channels refused: (channel, their words, how many, an SKU), the most frequent first."""
    with connection.cursor() as cursor:
        return send_task_queries.reasons(cursor, task.pk, REASONS)


def close_done(uc: UseCase, account: Connection) -> int:
    """End the open tasks of an account for which every channel has answered, and those that nobody follows any more; how many."""
    ended = 0
    for task in SendTask.objects.filter(ended_at=None, parts__channel__connection=account).distinct().order_by("pk"):
        if uc.at - task.asked_at > GIVEN_UP or all(each.done for each in progress(task)):
            ended += SendTask.objects.filter(pk=task.pk, ended_at=None).update(ended_at=uc.at)
    return ended
