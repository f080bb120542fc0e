"""What would go out to a channel if sending were allowed: worked out anew and counted before a switch is turned on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import F

from stallkeeper.channels import refresh
from stallkeeper.channels.models import Channel, Offer, OfferPrice
from stallkeeper.channels.refresh import Change
from stallkeeper.core.use_case import use_case


@dataclass(frozen=True, slots=True)
class SendPreview:
    """Offers of a channel: how many there are, differ from what it shows, are not read yet; how many of both would go to zero."""

    channel: Channel
    offers: int
    differ: int
    unknown: int
    to_zero: int
    prices: int


def send_preview(channel: Channel) -> SendPreview:
    """Count it, by the rules and the stock of this moment. Changes nothing; each batch of offers is locked while it is worked out."""
    intended = dict(Offer.objects.filter(channel=channel, stock_excluded=False).values_list("pk", "intended_qty"))
    intended |= {change.offer_id: change.after for change in _changes(channel) if change.offer_id in intended}
    shown = {pk: figures for pk, *figures in Offer.objects.filter(channel=channel).values_list("pk", "believed_qty", "observed_qty")}
    differ = unknown = to_zero = 0
    for offer, quantity in intended.items():
        believed, observed = shown.get(offer, (None, None))
        if quantity is None or quantity == believed:
            continue
        differ, unknown = differ + int(believed is not None), unknown + int(believed is None)
        to_zero += int(quantity == 0 and (believed is not None or observed != 0))
    return SendPreview(channel, len(shown), differ, unknown, to_zero, _prices(channel))


def _changes(channel: Channel) -> Iterator[Change]:
    """What a refresh would change, batch by batch, each in a transaction of its own."""
    after, more = 0, True
    while more:
        with use_case("plan.channel", organisation_id=channel.organisation_id) as uc:
            difference, after = refresh.refresh_channel(uc, channel.pk, dry_run=True, after=after)
        yield from difference.changes()
        more = after != 0


def _prices(channel: Channel) -> int:
    sent = OfferPrice.objects.filter(offer__channel=channel, offer__prices_excluded=False, intended__isnull=False)
    return sent.exclude(intended=F("believed")).count()
