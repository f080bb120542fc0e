"""Background: read what the account lists, page by page, for linking and browsing (S4.10, S4.14). Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from stallkeeper.channels import lanes_queries, links, reading
from stallkeeper.channels.models import Channel
from stallkeeper.core.use_case import UseCase
from stallkeeper.sync import parking
from stallkeeper.sync.run import Current, Done, now
from stallkit.manifest import Capability
from stallkit.pacing import Priority
from stallkit.types import Page, RemoteOffer

STEP = "catalogue"
EVERY = timedelta(hours=1)


def read_catalogue(current: Current) -> Done:
    """Read until the list is done or the time is up; the place is kept from run to run."""
    if not current.channels or not current.session.can(Capability.READ_OFFERS):
        return Done()
    place = current.place(STEP)
    cursor, begun, items, left_out = place.cursor, place.begun_at, 0, 0
    while True:
        asked = now()
        begun = begun or asked
        page: Page[RemoteOffer] = current.call(Priority.BACKGROUND, current.session.adapter.read_offers, cursor)
        left_out += take(current, page, begun, asked)
        items, cursor = items + len(page.items), page.cursor
        if page.done:
            return Done(items, left_out, not_before=begun + EVERY)
        if current.out_of_time:
            return Done(items, left_out, again_at=now())


def take(current: Current, page: Page[RemoteOffer], begun: datetime, asked: datetime) -> int:
    """Keep a page and the place after it in one transaction; returns how many listings could not be kept."""
    with current.writing("take_listings") as uc:
        left_out = 0
        for channel in current.channels:
            mine = [offer for offer in page.items if channel in channels_of(current.channels, offer)]
            if mine:
                left_out += len(links.take_page(uc, channel.pk, mine).left_out)
                reading.write_listed(uc, channel.pk, mine, asked)
            if page.parked:
                links.still_there(uc, channel.pk, [thing.external_id for thing in page.parked])
        parking.park(uc, current.connection, "offer", page.parked)
        parking.unpark(uc, current.connection, "offer", [offer.ref.external_id or offer.ref.sku for offer in page.items])
        _write_place(uc, current, page, begun)
        if page.done:
            for channel in current.channels:
                links.forget_unseen(channel.pk, begun)
                links.propose(uc, channel.pk)
    return left_out + len(page.parked)


def channels_of(channels: Sequence[Channel], offer: RemoteOffer) -> Sequence[Channel]:
    """Where an account has several channels: those that keep a warehouse's figures have every offer; of others the one with the offer's
    currency, else the first."""
    if any(channel.warehouse for channel in channels):
        return channels
    currency = offer.price.currency if offer.price is not None else ""
    return [next((channel for channel in channels if channel.currency == currency), channels[0])]


def _write_place(uc: UseCase, current: Current, page: Page[RemoteOffer], begun: datetime) -> None:
    place, open_, mark = ("", None, begun) if page.done else (page.cursor, begun, None)
    with connection.cursor() as cursor:
        lanes_queries.write_cursor(cursor, uc.organisation_id, current.held.lane_id, STEP, place, open_, mark)
