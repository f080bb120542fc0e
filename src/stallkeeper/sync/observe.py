"""Read before send: offers that wait to be sent and of which nobody knows what the channel shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from stallkeeper.channels import belief_queries, reading
from stallkeeper.channels.belief_queries import Known
from stallkeeper.sync.run import Current, Done, now
from stallkit.manifest import Capability
from stallkit.pacing import Priority
from stallkit.types import OfferRef, OfferState


def observe(current: Current) -> Done:
    """Read the unknown offers of all channels that send, most urgent first, until none is left or the time is up."""
    if not current.sending or not current.session.can(Capability.READ_STATES):
        return Done()
    items = 0
    for channel in current.channels:
        while channel.stock_enabled or channel.prices_enabled:
            with connection.cursor() as cursor:
                unknown = belief_queries.unknown(cursor, channel.pk, current.session.manifest.read_batch)
            if not unknown:
                break
            items += read(current, unknown, Priority.ORDER).items
            if current.out_of_time:
                return Done(items, again_at=now())
    return Done(items)


class Read(NamedTuple):
    """How many offers were read, and how many figures differed from what we believed."""

    items: int
    differing: int


def read(current: Current, known: Sequence[Known], priority: Priority) -> Read:
    """Read these offers (at most ``read_batch``) and write down what the channel shows."""
    asked: datetime = now()
    refs = {OfferRef(row.sku, row.external_id): row for row in known}
    states: Mapping[OfferRef, OfferState | None] = current.call(priority, current.session.adapter.read_states, list(refs))
    found = [(row, states[ref]) for ref, row in refs.items()]
    differing = current.commit("read_offers", lambda uc: reading.write(uc, found, asked))
    return Read(len(refs), differing)
