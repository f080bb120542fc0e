"""What saving rules would do, found out by doing it and taking it all back: the same lines that save also count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from stallkeeper.channels import queries, rules
from stallkeeper.channels.models import Offer, OfferPrice
from stallkeeper.core.copy import Ints
from stallkeeper.core.use_case import TakenBack, UseCase, use_case

ALL = 10_000_000
EXAMPLES = 10


@dataclass(frozen=True)
class Example:
    sku: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Plan:
    """Offers whose intended quantity or price would change: how many rise, fall, of which to zero; and some of them."""

    offers: int
    rises: int
    falls: int
    to_zero: int
    prices: int
    examples: tuple[Example, ...]

    @property
    def changes(self) -> int:
        return self.rises + self.falls


def plan_rules(organisation_id: int, channel_id: int, locations: Sequence[int], values: Mapping[str, object], actor: str) -> Plan:
    """Save the rules in a transaction that is rolled back, and count. RuleError as from saving; locks the channel's offers meanwhile."""
    return plan_change(organisation_id, channel_id, lambda uc: rules.save(uc, channel_id, locations=locations, **values), actor)


def plan_change(organisation_id: int, channel_id: int, change: Callable[[UseCase], object], actor: str) -> Plan:
    """The same for any change of a channel's rules: it is made, counted, and taken back."""
    with suppress(TakenBack), use_case("plan.rules", organisation_id=organisation_id, actor=actor) as uc:
        before, prices_before = queries.lock_offers_of_channel(channel_id, 0, ALL), _prices(channel_id)
        change(uc)
        after, prices_after = queries.lock_offers_of_channel(channel_id, 0, ALL), _prices(channel_id)
        priced = sum(prices_before.get(offer) != price for offer, price in prices_after.items())
        plan = _compare(before["id"], before["intended"], after["intended"], priced)
        raise TakenBack
    return plan


def _prices(channel_id: int) -> dict[int, Decimal | None]:
    return dict(OfferPrice.objects.filter(offer__channel_id=channel_id).values_list("offer_id", "intended"))


def _compare(ids: Ints, before: Ints, after: Ints, prices: int) -> Plan:
    rises, falls = after > before, after < before
    changed = np.flatnonzero(rises | falls)[:EXAMPLES]
    skus = dict(Offer.objects.filter(pk__in=ids[changed].tolist()).values_list("pk", "sku"))
    examples = tuple(Example(skus[int(ids[at])], _figure(before[at]), _figure(after[at])) for at in changed)
    return Plan(len(ids), int(rises.sum()), int(falls.sum()), int((falls & (after == 0)).sum()), prices, examples)


def _figure(value: np.int64) -> int | None:
    return None if value < 0 else int(value)
