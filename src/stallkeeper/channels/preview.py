"""What rules that are being typed would make of a few offers: the one availability function over the rules as if they were saved.

Nothing is written and nothing is locked. The plan says the same of all offers, and is what is applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import numpy as np

from stallkeeper.channels import facts, guard, inheritance, pricing, proposals, queries
from stallkeeper.channels.explain import chain
from stallkeeper.channels.facts import Facts
from stallkeeper.channels.models import Channel, Offer
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.core.copy import Ints
from stallkeeper.stock.availability import NOT_SET, Trace

SHOWN = 10
LOOKED_AT = 200
"""Of so many offers, by SKU, those are shown that have something to show."""

Steps = Sequence[tuple[str, int | None, int]]
"""(step, figure before it, figure after it)."""


@dataclass(frozen=True, slots=True)
class Previewed:
    """One offer by the rules in force and by those that are typed. None: left out of sending, or no price is sent."""

    offer: Offer
    before: int | None
    after: int | None
    steps_before: Steps
    steps_after: Steps
    price_before: Decimal | None = None
    price_after: Decimal | None = None

    @property
    def differs(self) -> bool:
        return self.before != self.after or self.price_before != self.price_after


def sample(channel: Channel, units: Sequence[int] | None = None) -> list[Offer]:
    """Up to SHOWN offers of the channel by SKU: of these units, or those that show something before those that do not."""
    offers = Offer.objects.filter(channel=channel, stock_excluded=False).select_related("stock_unit", "price").order_by("sku")
    if units is not None:
        return list(offers.filter(stock_unit__in=units)[:SHOWN])
    found = list(offers[:LOOKED_AT])
    chosen = sorted(found, key=lambda offer: not offer.intended_qty)[:SHOWN]
    return sorted(chosen, key=lambda offer: offer.sku)


def preview(channel: Channel, change: ChannelChange, offers: Sequence[Offer], at: datetime) -> list[Previewed]:
    """Each offer before and after. RuleError or PriceRuleError if the rules cannot be. The number of statements is constant."""
    change = inheritance.expanded(Proposal(channels={channel.pk: change})).channels.get(channel.pk, change)
    would = proposals.as_if(channel, change)
    now = facts.gather_channels(channel.organisation_id)
    then = dict(now)
    # Whether it is sent makes no difference here: what the rules say is asked.
    then[channel.pk] = proposals.facts_as_if(now[channel.pk], would, change, company=True)._replace(
        active=now[channel.pk].active, sends=now[channel.pk].sends
    )
    for pk, locations in proposals.locations_as_if(Proposal(channels={channel.pk: change})).items():
        then[pk] = then[pk]._replace(locations=locations)
    units = sorted({offer.stock_unit_id for offer in offers})
    rows = queries.read_offers_of_units(units)
    places = queries.gather_places(np.unique(rows["unit"]))
    before, after = (facts.gather(channel.organisation_id, each, rows, places, at.date()) for each in (now, then))
    shows, would_show = _figures(before, at), _figures(after, at)
    costs, would_cost = pricing.what_if(channel, units), pricing.what_if(would, units)
    return [
        Previewed(
            offer,
            before=shows.get(offer.pk),
            after=would_show.get(offer.pk),
            steps_before=_steps(before, offer.pk),
            steps_after=_steps(after, offer.pk),
            price_before=costs.get(offer.pk),
            price_after=would_cost.get(offer.pk),
        )
        for offer in offers
    ]


def _figures(found: Facts, at: datetime) -> dict[int, int | None]:
    """What each offer should show, guarded units shared as they are now."""
    figures = guard.divide(found, facts.decide(found), at).shown
    pairs = zip(found.offers["id"].tolist(), figures.tolist(), strict=True)
    return {offer: None if figure == NOT_SET else figure for offer, figure in pairs}


def _steps(found: Facts, offer_id: int) -> Steps:
    """The working of one offer."""
    row = np.flatnonzero(found.offers["id"] == offer_id)
    if not len(row):
        return ()
    one = _rows(found.offers, row)
    places = _rows(found.places, np.flatnonzero(found.places["unit"] == one["unit"][0]))
    trace = Trace(keep=True)
    facts.decide(replace(found, offers=one, places=places), trace)
    return chain(trace)


def _rows(table: Mapping[str, Ints], rows: Ints) -> dict[str, Ints]:
    return {name: column[rows] for name, column in table.items()}
