"""The balancer: stock is reserved from what channels show, before the order comes (S3.46-S3.52). Its switches and its record;
``preflight`` is what to look at first.

Two switches must be on: the company's and the channel's. A channel also has a moment from which it counts, one and the same for all that
are started together, so that the redistribution begins at one instant; by default in ten minutes, when each channel shows what it should.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils.translation import gettext as _

from stallkeeper.channels.models import Channel, ObservedHold
from stallkeeper.core import audit
from stallkeeper.core.models import Organisation
from stallkeeper.core.use_case import UseCase
from stallkit.manifest import Observer
from stallkit.registry import manifest_of

HEAD_START = timedelta(minutes=10)


class BalancerError(ValueError):
    """The balancer cannot be set as asked; the text says why."""


def set_company(uc: UseCase, enabled: bool) -> bool:
    """The company's switch (S3.48). Off: nothing more is held, and what is held ends in its own way. True if it was turned."""
    turned = Organisation.objects.filter(pk=uc.organisation_id).exclude(balancer_enabled=enabled).update(balancer_enabled=enabled) > 0
    if turned:
        audit.record(uc, "company.balancer", "organisation", uc.organisation_id, enabled=enabled)
    return turned


def observer_of(channel: Channel) -> Observer:
    """How sales show in the channel's figures before their order comes."""
    return manifest_of(channel.connection.platform).quirks.observer


def start(uc: UseCase, channels: Sequence[Channel], at: datetime | None = None) -> datetime:
    """Take what these channels show for sales, all from the same moment on (default: in ten minutes); returns it.

    While the company's switch is off nothing is held: these channels wait for it, and begin together when it is turned (``waits``).
    BalancerError for a moment that has passed, for none, or for a channel whose platform shows nothing that could be taken so.
    """
    moment = at or uc.at + HEAD_START
    if not channels:
        raise BalancerError(_("Choose at least one channel."))
    if moment < uc.at:
        raise BalancerError(_("The moment must lie ahead: all channels begin at the same instant."))
    blind = [channel.name for channel in channels if observer_of(channel) is Observer.NONE]
    if blind:
        raise BalancerError(_("{channels}: this platform does not show a sale before its order comes.").format(channels=", ".join(blind)))
    Channel.objects.filter(pk__in=[channel.pk for channel in channels]).update(holds_enabled=True, holds_from=moment)
    for channel in channels:
        audit.record(uc, "channel.balancer", "channel", channel.pk, enabled=True, start=moment.isoformat())
    return moment


def waits(organisation: Organisation) -> str:
    """That what is started waits for the company's switch; "" if it does not."""
    on = Organisation.objects.filter(pk=organisation.pk, balancer_enabled=True).exists()
    return "" if on else _("Nothing is reserved yet: it waits until the balancer is switched on for the company.")


def stop(uc: UseCase, channels: Sequence[Channel]) -> int:
    """Nothing more is held from what these channels show; what is held ends in its own way. Returns how many were on."""
    on = [channel for channel in channels if channel.holds_enabled]
    Channel.objects.filter(pk__in=[channel.pk for channel in on]).update(holds_enabled=False)
    for channel in on:
        audit.record(uc, "channel.balancer", "channel", channel.pk, enabled=False)
    return len(on)


def set_terms(uc: UseCase, channel: Channel, minutes: int, most: int) -> None:
    """After how many minutes a reservation without an order ends, and by how many units a figure may fall at once to count as sold."""
    if not 1 <= minutes <= 24 * 60:
        raise BalancerError(_("The time must be between one minute and a day."))
    if most < 1:
        raise BalancerError(_("A fall by one unit must count."))
    before = [channel.hold_minutes, channel.hold_most]
    if before != [minutes, most]:
        Channel.objects.filter(pk=channel.pk).update(hold_minutes=minutes, hold_most=most)
        audit.record(uc, "channel.balancer", "channel", channel.pk, minutes=[before[0], minutes], most=[before[1], most])


@dataclass(frozen=True, slots=True)
class Record:
    """What became of the units that a channel's figures showed as sold, in sold units."""

    open: int
    taken_over: int
    withdrawn: int
    lapsed: int
    released: int

    @property
    def hit_rate(self) -> float | None:
        """The part of the ended ones for which an order came; None while none has ended."""
        ended = self.taken_over + self.withdrawn + self.lapsed + self.released
        return self.taken_over / ended if ended else None


NOTHING = Record(0, 0, 0, 0, 0)


def records(since: datetime) -> dict[int, Record]:
    """The records since then of all channels that have one, by channel."""
    names = {"open": "quantity", "taken_over": "taken_over", "withdrawn": "withdrawn", "lapsed": "lapsed", "released": "released"}
    sums = {f"sum_{name}": Sum(column, default=0) for name, column in names.items()}
    rows = ObservedHold.objects.filter(seen_at__gte=since).values_list("channel").order_by("channel").annotate(**sums)
    return {channel: Record(*units) for channel, *units in rows}
