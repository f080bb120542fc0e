"""Locks of guarded mode."""

from __future__ import annotations

from django.db import connection

from stallkeeper.channels import delivery, delivery_queries, guarding, sendable
from stallkeeper.channels.models import GuardedUnit, Offer
from stallkeeper.core.models import AuditEntry
from stallkeeper.core.use_case import UseCase
from tests.races.explorer import Race
from tests.races.locks import Belt, Pair, Proof
from tests.races.locks.acting import within
from tests.shop import Shop


def two_raise_the_last_unit() -> Race:
    """Two stalls show none of the one unit that there is, and both mean to."""
    shop = Shop.open()
    unit = shop.unit("MUG", 1)
    offers = [shop.offer(shop.channel(), unit, believed_qty=0) for _ in range(2)]
    with shop.use_case() as uc:
        guarding.set_unit(uc, unit, True)
    with shop.use_case() as uc, connection.cursor() as cursor:
        Offer.objects.update(intended_qty=1)
        delivery_queries.settle(cursor, delivery_queries.QUANTITY, [offer.pk for offer in offers], uc.at)

    def send(channel: int):
        return within(shop, lambda uc: delivery.pick(uc, "quantity", channel, 10, sendable.View(None)))

    def broken() -> str:
        with shop.scope():
            raised = Offer.objects.filter(sent_qty=1).count()
        return "" if raised == 1 else f"{raised} stalls are told to show the one unit"

    return Race(send(offers[0].channel_id), send(offers[1].channel_id), broken)


def audited_once(act) -> Race:
    shop = Shop.open()
    unit = shop.unit("MUG", 1)
    with shop.scope():
        GuardedUnit.objects.create(organisation=shop.organisation, stock_unit=unit, by_hand=True, since=shop.at)

    def again(uc: UseCase) -> object:
        return act(uc, unit)

    def broken() -> str:
        with shop.scope():
            told = AuditEntry.objects.filter(action__in=["set.guard", "company.guard"]).count()
        return "" if told == 1 else f"{told} changes were told"

    one = within(shop, again)
    return Race(one, one, broken)


LOCKS: dict[str, Proof] = {
    "channels/guard_queries.py:lock_guards_of": Pair(
        "a free unit is shown once", two_raise_the_last_unit, r"FROM channels_guardedunit AS guarded\s+WHERE guarded"
    ),
    "channels/guard_queries.py:write_scarce": Belt("a unit is scarce once", "all offers of the unit are locked already"),
    "channels/guarding.py:set_unit": Pair(
        "a guard is lifted once", lambda: audited_once(lambda uc, unit: guarding.set_unit(uc, unit, False)), "channels_guardedunit"
    ),
    "channels/guarding.py:set_below": Pair(
        "a threshold is set once", lambda: audited_once(lambda uc, _unit: guarding.set_below(uc, 3)), "core_organisation"
    ),
}
