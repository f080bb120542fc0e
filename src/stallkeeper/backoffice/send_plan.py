"""What would go out if sending were allowed: counted before a switch is turned on."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, F, Q

from stallkeeper.channels.models import Channel, Offer, OfferPrice


@dataclass(frozen=True)
class SendPlan:
    """Offers of a channel whose number there differs from what we intend, and what of it is grave."""

    channel: Channel
    offers: int
    differ: int
    to_zero: int
    unknown: int
    prices: int


def send_plan(channel: Channel) -> SendPlan:
    """Two statements over the channel's offers."""
    sent = Q(stock_excluded=False, intended_qty__isnull=False)
    counts = Offer.objects.filter(channel=channel).aggregate(
        offers=Count("pk"),
        differ=Count("pk", filter=sent & Q(believed_qty__isnull=False) & ~Q(intended_qty=F("believed_qty"))),
        to_zero=Count("pk", filter=sent & Q(intended_qty=0, believed_qty__gt=0)),
        unknown=Count("pk", filter=sent & Q(believed_qty=None)),
    )
    prices = OfferPrice.objects.filter(offer__channel=channel, offer__prices_excluded=False, intended__isnull=False)
    return SendPlan(channel, prices=prices.exclude(intended=F("believed")).count(), **counts)
