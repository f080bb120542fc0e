"""A working day for pictures: channels answered what they were told, and two stalls sold the same last units."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from django.db.models import F, OuterRef, Subquery

from stallkeeper.catalog.models import KitComponent, StockUnit
from stallkeeper.channels.models import Channel, Command, CommandState, ObservedHold, Offer, RemoteListing
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import intake, outcomes
from stallkeeper.orders.models import OrderLine
from stallkeeper.stock import ledger
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Location
from tests.busy_shop import PEOPLE, BusyShop, Trade, an_order, push

A_DAY = Trade(
    orders=190,
    seconds=32 * 3600,
    figures=(14, 18, 25, 40, 60, 120),
    shipped_after=timedelta(hours=5),
    by_day=True,
    quiet=(("ozon", "Ozon", "OZ", "RUB"),),
)
"""Since yesterday morning. Enough of everything: what is short comes from ``sell_twice``."""
UNHEARD = timedelta(minutes=1)
TWICE = (("700471", "700472", 190), ("700481", "700482", 47))
"""(the order that took the last units, the one that came too late, minutes ago)."""


def answer(busy: BusyShop) -> None:
    """What was told longer than a minute ago has been accepted, two seconds later."""
    with busy.shop.scope():
        waiting = list(Command.objects.filter(state=CommandState.QUEUED, created_at__lt=busy.now - UNHEARD).order_by("pk"))
    for command in waiting:
        at = command.created_at + timedelta(seconds=2)
        with use_case("end_command", organisation_id=busy.organisation.pk, at=at) as uc:
            command.state, command.attempts, command.sent_at, command.ended_at = CommandState.DONE, 1, at - timedelta(seconds=1), at
            command.save()
            outcomes.done(uc, command)


def settle(busy: BusyShop) -> None:
    """What differed a moment ago has been sent."""
    busy.shop.at = busy.now - timedelta(seconds=30)
    with busy.shop.scope():
        channels = list(Channel.objects.order_by("pk"))
    for channel in channels:
        push(busy, channel, random.Random(2))
    busy.shop.at = busy.now
    with busy.shop.scope():
        Offer.objects.update(observed_qty=F("believed_qty"), observed_at=busy.now - timedelta(minutes=4))
        ours = Offer.objects.filter(pk=OuterRef("offer")).values("believed_qty")
        RemoteListing.objects.filter(state="linked").update(quantity=Subquery(ours), seen_at=busy.now - timedelta(minutes=4))


def reserve(busy: BusyShop) -> None:
    """Sales that a channel shows before their orders: only one that does so."""
    with busy.shop.scope():
        Channel.objects.filter(connection__platform="ozon").update(holds_enabled=True, holds_from=busy.now - timedelta(days=2))
        offers = Offer.objects.filter(channel__connection__platform="ozon", believed_qty__gt=3).order_by("pk")
        for number, (hold, offer) in enumerate(zip(ObservedHold.objects.order_by("pk"), offers, strict=False)):
            hold.offer, hold.channel_id, hold.reason = offer, offer.channel_id, ""
            hold.seen_at = busy.now - timedelta(minutes=2 + 3 * number)
            hold.cause = f"{offer.believed_qty + 1} -> {offer.believed_qty}"
            hold.save()
        busy.organisation.balancer_enabled = True
        busy.organisation.save(update_fields=["balancer_enabled"])


def sell_twice(busy: BusyShop) -> None:
    """Both stalls showed the last two units that are for sale, and both sold them within seconds: the case file says latency."""
    with busy.shop.scope():
        sold = OrderLine.objects.exclude(stock_unit=None).values("stock_unit")
        single = StockUnit.objects.filter(kind="single").exclude(pk__in=KitComponent.objects.values("component"))
        units = list(single.exclude(pk__in=sold).order_by("-pk")[: len(TWICE)])
    dice = random.Random(1)
    for unit, (first, second, minutes) in zip(units, TWICE, strict=False):
        _sell_twice(busy, unit, first, second, minutes, dice)
    busy.shop.at = busy.now


def _sell_twice(busy: BusyShop, unit: StockUnit, first: str, second: str, minutes: int, dice: random.Random) -> None:
    began = busy.now - timedelta(minutes=minutes)
    busy.shop.at = began - timedelta(minutes=30)
    with busy.shop.use_case("test.counted") as uc:
        places = Location.objects.exclude(owner="virtual")
        ledger.set_on_hand(uc, [Target(unit.pk, place.pk, 3 if place == busy.shop.place else 0, f"{first}:{place.pk}") for place in places])
    both = (busy.near, busy.far)
    for channel in both:
        push(busy, channel, dice)
    for channel, number, seconds in ((busy.near, first, 0), (busy.far, second, 3)):
        _sold(busy, channel, unit, number, seconds, began, dice)
    for channel in both:
        push(busy, channel, dice)


def _sold(busy: BusyShop, channel: Channel, unit: StockUnit, number: str, seconds: int, began: object, dice: random.Random) -> None:
    at = began + timedelta(seconds=seconds)
    order = an_order(channel, number, [unit], at, dice, PEOPLE, unmapped=False)
    order = replace(order, lines=tuple(replace(line, ordered=2) for line in order.lines))
    busy.shop.at = at + timedelta(seconds=4)
    with busy.shop.use_case("accept.orders") as uc:
        intake.accept(uc, channel.connection_id, [order], busy.shop.at)
