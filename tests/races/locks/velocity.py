"""Locks of the velocity guard: its first hour has every sale, once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from stallkeeper.channels import plans, rules
from stallkeeper.channels.models import Channel, Offer
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.core import clock
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import linking
from stallkeeper.orders.models import OrderLine
from tests.races.explorer import Race
from tests.races.locks import Pair, Proof
from tests.races.locks.acting import ordered, within
from tests.shop import Shop

HALF = {"velocity_share": Decimal(50)}


def four_of_ten(sku: str = "MUG", stalls: int = 1) -> tuple[Shop, list[Channel], list[Offer], Callable[[], None]]:
    """A shop with ten mugs at each of its stalls, and an order at the first for four of this SKU; now, since some go by the real clock."""
    shop = Shop.open()
    shop.at = clock.now()
    unit, channels = shop.unit("MUG", 10), [shop.channel() for _ in range(stalls)]
    offers = [shop.offer(channel, unit) for channel in channels]
    return shop, channels, offers, lambda: ordered(shop, channels[0].connection_id, "o1", [(sku, 4)], at=shop.at)


def half_is_kept_back(shop: Shop, offers: list[Offer]) -> Callable[[], str]:
    """Whether these offers show what is left of ten after four were sold, less half of the four."""

    def broken() -> str:
        shown = [shop.intended(offer) for offer in offers]
        return "" if set(shown) == {4} else f"intended {shown}, not 6 less half of the 4 that were sold"

    return broken


def keep_back(channel: Channel) -> Callable[[UseCase], object]:
    return lambda uc: rules.save(uc, channel.pk, **HALF)


def an_order_comes_while_the_first_rule_is_saved() -> Race:
    shop, (channel,), offers, comes = four_of_ten()
    return Race(comes, within(shop, keep_back(channel)), half_is_kept_back(shop, offers))


def an_order_comes_while_a_plan_with_the_first_rule_is_applied() -> Race:
    shop, (channel,), offers, comes = four_of_ten()
    proposal = Proposal(channels={channel.pk: ChannelChange(rules={"velocity_share": "50"})})

    def apply() -> None:
        with shop.scope():
            plans.at_once(shop.organisation.pk, proposal, "user:1")

    return Race(comes, apply, half_is_kept_back(shop, offers))


def a_line_is_linked_while_the_first_rule_is_saved() -> Race:
    shop, (channel,), offers, comes = four_of_ten("CUP")
    comes()
    with shop.scope():
        line = OrderLine.objects.get().pk

    def link() -> object:
        return linking.link_line(shop.organisation.pk, line, offers[0].stock_unit_id, for_ever=False, actor="user:1")

    return Race(link, within(shop, keep_back(channel)), half_is_kept_back(shop, offers))


def two_first_rules_are_saved() -> Race:
    shop, channels, offers, comes = four_of_ten(stalls=2)
    comes()
    one, other = (within(shop, keep_back(channel)) for channel in channels)
    return Race(one, other, half_is_kept_back(shop, offers))


LOCKS: dict[str, Proof] = {
    "channels/overriding_queries.py:hold_rules": Pair(
        "no sale is missing from the velocity guard's first hour", an_order_comes_while_the_first_rule_is_saved, "lock_shared"
    ),
    "channels/overriding_queries.py:hold_sales": Pair(
        "the velocity guard's first hour has each sale once", two_first_rules_are_saved, r"advisory_xact_lock\(%s::int"
    ),
}
