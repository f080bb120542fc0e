"""Part of the trade run, after the pull: look what channels show that are watched for sales whose order has not come (S3.54, S3.55).

The offers are read in rotation, a batch per run, as fast as half of the account's budget allows; whatever is about to be sent is read
anyway (``observe``). What a look means is worked out in ``channels.observed``.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from stallkeeper.channels import belief_queries, lanes_queries
from stallkeeper.channels.models import Channel
from stallkeeper.core.models import Organisation
from stallkeeper.sync import observe
from stallkeeper.sync.run import Current, Done, now
from stallkit.errors import SlowDown
from stallkit.manifest import Capability, Observer
from stallkit.pacing import Priority

STEP = "watch"


def watched(current: Current) -> list[Channel]:
    """The channels whose figures are taken for sales now: company switch, channel switch and activation moment (S3.48-S3.50)."""
    mode = current.session.manifest.quirks.observer
    if mode is Observer.NONE or not current.session.can(Capability.READ_STATES):
        return []
    at = now()
    chosen = [channel for channel in current.channels if channel.holds_enabled and channel.holds_from and channel.holds_from <= at]
    on = bool(chosen) and Organisation.objects.filter(pk=current.held.organisation_id, balancer_enabled=True).exists()
    return chosen if on else []


def watch(current: Current) -> Done:
    """Read the next offers of the rotation; one batch per run."""
    channels = watched(current)
    current.watched = frozenset(channel.pk for channel in channels)
    if not channels:
        return Done()
    after, asked = int(current.place(STEP).cursor or 0), now()
    following = _next(channels, after, current.session.manifest.read_batch)
    try:
        read = observe.read(current, following, Priority.BACKGROUND) if following else observe.Read(0, 0)
    except SlowDown as slow:  # the other steps may have what is left of the budget
        return Done(note=slow.detail, again_at=asked + current.session.manifest.order_interval)
    _remember(current, following[-1].offer_id if following else 0)
    return Done(read.items, again_at=asked + current.session.manifest.order_interval)


def _next(channels: list[Channel], after: int, size: int) -> list[belief_queries.Known]:
    """The next offers by id; from the beginning once there are none left."""
    ids = [channel.pk for channel in channels]
    with connection.cursor() as cursor:
        return belief_queries.next_offers(cursor, ids, after, size) or belief_queries.next_offers(cursor, ids, 0, size)


def _remember(current: Current, after: int) -> None:
    at: datetime | None = None
    with current.writing("watch_place") as uc, connection.cursor() as cursor:
        lanes_queries.write_cursor(cursor, uc.organisation_id, current.held.lane_id, STEP, str(after or ""), at, at)
