"""Background: read back what the channel shows, in rotation, and say why it differs where it does. A yes is not proof; reading is (C6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from stallkeeper.channels import belief_queries, drift, lanes_queries
from stallkeeper.channels.belief_queries import Known
from stallkeeper.channels.models import LaneKind, LaneStep
from stallkeeper.sync import observe, queries, wake
from stallkeeper.sync.run import Current, Done, now
from stallkit.errors import SlowDown
from stallkit.manifest import Capability
from stallkit.pacing import Priority

STEP = "verify"
CONFIRM_AFTER = timedelta(seconds=20)
"""An accepted value is read back first so long after; platforms take a moment to show it."""
CONFIRM_EVERY = timedelta(seconds=15)
PAUSE = timedelta(seconds=2)
"""Between two runs of one rotation: the account's calls belong to the trade run."""


def confirm(current: Current) -> Done:
    """Read back values that were accepted a moment ago and that nobody has seen on the channel since."""
    if not current.channels or not current.session.can(Capability.READ_STATES):
        return Done()
    channels, size, items, differing = [channel.pk for channel in current.channels], current.session.manifest.read_batch, 0, 0
    try:
        while not current.out_of_time:
            with connection.cursor() as cursor:
                fresh = belief_queries.unconfirmed(cursor, channels, now() - CONFIRM_AFTER, size)
            if not fresh:
                return _told(items, differing, now() + CONFIRM_EVERY)
            read = _read(current, fresh)
            items, differing = items + read.items, differing + read.differing
    except SlowDown as slow:
        return _slowed(slow, items, differing)
    return _told(items, differing, now() + PAUSE)


def verify(current: Current) -> Done:
    """Read back the next offers of the rotation; a rotation starts every ``manifest.verify_interval``."""
    if not current.channels or not current.session.can(Capability.READ_STATES):
        return Done()
    _judge(current)
    channels, size, items, differing = [channel.pk for channel in current.channels], current.session.manifest.read_batch, 0, 0
    place = current.place(STEP)
    after, begun = int(place.cursor or 0), place.begun_at or now()
    try:
        while not current.out_of_time:
            with connection.cursor() as cursor:
                following = belief_queries.next_offers(cursor, channels, after, size)
            if not following:
                _write_place(current, 0, None, begun)
                return _told(items, differing, begun + current.session.manifest.verify_interval)
            read = _read(current, following)
            items, differing, after = items + read.items, differing + read.differing, following[-1].offer_id
            _write_place(current, after, begun, None)
    except SlowDown as slow:
        return _slowed(slow, items, differing)
    return _told(items, differing, now() + PAUSE)


def _read(current: Current, offers: Sequence[Known]) -> observe.Read:
    """Read them; where something differs the trade run is asked to pull orders, which may explain it, and to put right what is wrong. At
    once: the next call may fail."""
    read = observe.read(current, offers, Priority.BACKGROUND)
    if read.differing:
        wake.hint([current.connection.pk])
    return read


def _told(items: int, differing: int, following: datetime) -> Done:
    """What was found."""
    return Done(items, not_before=following, note=f"{differing} differed" if differing else "")


def _slowed(slow: SlowDown, items: int, differing: int) -> Done:
    """The budget is spent: the next calls belong to the trade run."""
    return _told(items, differing, now() + max(timedelta(seconds=slow.retry_after), PAUSE))


def _write_place(current: Current, after: int, begun: datetime | None, done: datetime | None) -> None:
    with current.writing("verify_place") as uc, connection.cursor() as cursor:
        lanes_queries.write_cursor(cursor, uc.organisation_id, current.held.lane_id, STEP, str(after or ""), begun, done)


def _judge(current: Current) -> None:
    """Falls that were read before the last complete pull of orders can be told from edits now."""
    watermark = orders_watermark(current)
    if watermark is None:
        return
    with connection.cursor() as cursor:
        falls = queries.open_falls(cursor, current.connection.pk, watermark)
    if falls:
        with current.writing("judge_drift") as uc:
            drift.judge(uc, falls)


def orders_watermark(current: Current) -> datetime | None:
    """Up to where the trade lane has read the orders."""
    rows = LaneStep.objects.filter(lane__subject_id=current.connection.pk, lane__kind=LaneKind.TRADE, step="orders")
    return rows.values_list("watermark", flat=True).first()
