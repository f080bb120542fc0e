"""Read before send: offers that wait to be sent and of which nobody knows what the channel shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from stallkeeper.channels import belief_queries, lanes_queries, reading
from stallkeeper.channels.belief_queries import Known
from stallkeeper.channels.delivery import AMBIGUOUS
from stallkeeper.channels.models import Channel
from stallkeeper.core.sql import hot_cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders.queries import units_at_channel
from stallkeeper.sync.run import Current, Done, now
from stallkit.manifest import Capability, Observer
from stallkit.pacing import Priority
from stallkit.types import OfferRef, OfferState

STEP = "observe"
LOOK_THROUGH_EVERY = timedelta(seconds=30)
"""Every run looks at the head of the line; where very many wait, everything behind it is looked through once in so long."""


def observe(current: Current) -> Done:
    """Read the unknown offers of all channels that send, most urgent first, until none is left or the time is up."""
    if not current.sending or not current.session.can(Capability.READ_STATES):
        return Done()
    items, looked_through = 0, False
    for channel in current.channels:
        if not (channel.stock_enabled or channel.prices_enabled):
            continue
        thorough = _is_time(current) and _is_long(channel)
        since = read_since(current, channel)
        while unknown := _unknown(current, channel, thorough=thorough, since=since):
            items += read(current, unknown, Priority.ORDER).items
            if current.out_of_time:
                return Done(items, again_at=now())
        looked_through |= thorough
    if looked_through:
        _remember(current)
    return Done(items)


def read_since(current: Current, channel: Channel) -> datetime | None:
    """Where sales are seen by a fall of the figure, a push destroys the evidence: whatever this run sends, it has read before."""
    return current.started_at if channel.pk in current.watched and current.session.manifest.quirks.observer is Observer.FALL else None


def _unknown(current: Current, channel: Channel, *, thorough: bool, since: datetime | None) -> list[Known]:
    size = current.session.manifest.read_batch
    with hot_cursor() as cursor:
        return belief_queries.unknown(cursor, channel.pk, size, head_only=not thorough, read_since=since)


def _is_time(current: Current) -> bool:
    last = current.place(STEP).cursor
    return not last or current.started_at - datetime.fromisoformat(last) >= LOOK_THROUGH_EVERY


def _is_long(channel: Channel) -> bool:
    with hot_cursor() as cursor:
        return belief_queries.is_long(cursor, channel.pk)


def _remember(current: Current) -> None:
    """Everything that waits has been looked through: the step's cursor says when."""
    at = current.started_at.isoformat()
    with current.writing("looked_through") as uc, connection.cursor() as cursor:
        lanes_queries.write_cursor(cursor, uc.organisation_id, current.held.lane_id, STEP, at, None, None)


class Read(NamedTuple):
    """How many offers were read, and how many figures differed from what we believed."""

    items: int
    differing: int


def read(current: Current, known: Sequence[Known], priority: Priority) -> Read:
    """Read these offers (at most ``read_batch``) and write down what the channel shows."""
    warehouses = {channel.pk: channel.warehouse for channel in current.channels}
    parts: dict[str, list[Known]] = {}
    for row in known:
        parts.setdefault(warehouses.get(row.channel_id, ""), []).append(row)
    return Read(len(known), sum(_read(current, part, warehouse, priority) for warehouse, part in sorted(parts.items())))


def _look(
    current: Current, refs: Sequence[OfferRef], warehouse: str, priority: Priority
) -> tuple[datetime, Mapping[OfferRef, OfferState | None]]:
    """(when the read began, what it showed). One that took so long that nobody can say which sales it contains is made once more."""
    asked = now()
    states: Mapping[OfferRef, OfferState | None] = current.call(priority, current.session.adapter.read_states, refs, warehouse)
    if now() - asked <= AMBIGUOUS:
        return asked, states
    asked = now()
    return asked, current.call(priority, current.session.adapter.read_states, refs, warehouse)


def _settled(known: Known, state: OfferState | None, asked: datetime, late: timedelta) -> OfferState | None:
    """What was read, without a figure that may be of before our last write: it says nothing of what will be shown."""
    doubtful = known.sent_at is not None and asked - known.sent_at < late
    return replace(state, quantity=None) if doubtful and state is not None and state.quantity != known.believed else state


def _read(current: Current, known: Sequence[Known], warehouse: str, priority: Priority) -> int:
    """Those whose figures are kept for one warehouse of theirs; how many figures differed."""
    refs: dict[OfferRef, list[Known]] = {}
    for row in known:
        refs.setdefault(OfferRef(row.sku, row.external_id), []).append(row)
    asked, states = _look(current, list(refs), warehouse, priority)
    late = current.session.manifest.quirks.shown_after
    found = [(row, _settled(row, states[ref], asked, late) if late else states[ref]) for ref, rows in refs.items() for row in rows]
    shows = current.session.manifest.quirks.observer is Observer.RESERVE  # whichever lane looks
    reserves = [row.offer_id for row, state in found if state is not None and state.reserved] if shows else []

    def write(uc: UseCase) -> int:
        with hot_cursor() as cursor:
            own = units_at_channel(cursor, sorted(reserves)) if reserves else {}
        return reading.write(uc, found, asked, own)

    return current.commit("read_offers", write)
