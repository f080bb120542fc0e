"""Acts of the seller's people: stock, shipments, cancellations, rules, switches, prices, connections."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stallkeeper.catalog import prices
from stallkeeper.catalog.models import PriceList
from stallkeeper.channels import connect, delivery, fences, links, rules, switches
from stallkeeper.channels.models import Command, Connection, Offer, OfferPrice, RemoteListing
from stallkeeper.fulfilment import not_left, ship
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.ops.simulation import habits
from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.stalls import ACTOR
from stallkeeper.ops.simulation.truth import events
from stallkeeper.ops.simulation.world import KIT, SKUS, STRANGER
from stallkeeper.orders import cancel
from stallkeeper.orders.models import Order
from stallkeeper.stock import counts, holds, incoming, ledger, places
from stallkeeper.stock.ledger import Move, Target
from stallkeeper.stock.models import Cause, VirtualRole
from stallkeeper.sync import adapters, wake
from stallkit.errors import AdapterError
from stallkit.registry import manifest_of
from stallkit.testing.shop import Fault
from stallkit.types import CancelReason

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.stalls import Stall
    from stallkeeper.ops.simulation.world import World


RATES = {"USD": "1.08", "RON": "4.97", "RUB": "98.50"}
"""What a euro costs."""
UNREADABLE = {"unknown_enum": Fault.UNKNOWN_ENUM, "timeout_before": Fault.DROP_BEFORE, "server_error": Fault.SERVER_ERROR}
"""What keeps us from reading an order, by the weather that brings it."""


# --- stock ------------------------------------------------------------------------------------------------------------------------------


@act("restock", 3)
def restock(world: World) -> None:
    """Somebody says what is there."""
    sku, place, on_hand = world.dice.choice(SKUS), world.dice.choice(world.places), world.dice.randint(0, 12)
    unit = world.units[sku]
    with world.use_case("sim.restock") as uc:
        ledger.set_on_hand(uc, [Target(unit.pk, place.pk, on_hand, f"restock:{world.number()}")])
    world.reach("stock was set")
    world.note(f"{sku} at {place.code} is set to {on_hand}")
    world.told(events.Counted(unit.pk, place.pk, on_hand), quiet=True)


@act("adjust", 1)
def adjust(world: World) -> None:
    """A person puts a figure right, with a reason."""
    sku, place, on_hand = world.dice.choice(SKUS), world.dice.choice(world.places), world.dice.randint(0, 8)
    with world.use_case("adjust.stock") as uc:
        ledger.adjust(uc, world.units[sku], place, on_hand, "found")
    world.note(f"{sku} at {place.code} is adjusted to {on_hand}")
    world.told(events.Counted(world.units[sku].pk, place.pk, on_hand), quiet=True)


@act("goods come in", 2)
def receive(world: World) -> None:
    """A delivery of several units; the same delivery note may be entered twice."""
    dice = world.dice
    reference = f"delivery:{world.number()}"
    place = dice.choice(world.places)
    wanted = [(sku, dice.randint(1, 6)) for sku in dice.sample(SKUS, dice.randint(1, 3))]
    for _ in range(dice.choice((1, 1, 2))):
        with world.use_case("sim.receive") as uc:
            supplier = places.virtual(uc, VirtualRole.SUPPLIER).pk
            moves = [
                Move(world.units[sku].pk, quantity, supplier, place.pk, Cause.RECEIPT, f"{reference}:{sku}", uc.at)
                for sku, quantity in wanted
            ]
            ledger.post(uc, moves)
        for sku, quantity in wanted:
            world.told(events.Moved(f"{reference}:{sku}", world.units[sku].pk, quantity))
    world.reach("goods came in")
    world.note(f"goods come in at {place.code}: {wanted}")


@act("move between places", 1)
def move(world: World) -> None:
    """A transfer; refused if there is not enough."""
    if len(world.places) < 2:
        return
    sku, quantity = world.dice.choice(SKUS), world.dice.randint(1, 5)
    source, target = world.dice.sample(world.places, 2)
    reference = f"transfer:{world.number()}"
    with world.use_case("sim.transfer") as uc:
        ledger.post(uc, [Move(world.units[sku].pk, quantity, source.pk, target.pk, Cause.TRANSFER, reference, uc.at)])
    world.told(events.Moved(reference, world.units[sku].pk, quantity))
    world.reach("a transfer")
    world.note(f"{quantity} of {sku} go from {source.code} to {target.code}")


@act("count", 1.5)
def count(world: World) -> None:
    """A stock-taking, at times as of a while ago while trade went on."""
    dice = world.dice
    place = dice.choice(world.places)
    counted = {world.units[sku].pk: dice.randint(0, 10) for sku in dice.sample(SKUS, dice.randint(1, 3))}
    with world.use_case("count.stock") as uc:
        ago = dice.choice((0, 0, 30, 600))
        counts.record_count(uc, place.pk, counted, as_of=uc.at - timedelta(seconds=ago), reference=f"count:{world.number()}")
    world.reach("a count as of earlier" if ago else "a count")
    world.note(f"a count at {place.code} as of {ago} s ago: {list(counted.values())}")
    for unit, number in counted.items():
        world.told(events.Counted(unit, place.pk, number, uc.at - timedelta(seconds=ago)), quiet=True)


@act("hold", 1.5)
def hold(world: World) -> None:
    """Keep units back by hand, for a while or for good, or let them go."""
    dice = world.dice
    sku, place, quantity = dice.choice(SKUS), dice.choice(world.places), dice.choice((0, 1, 2, 3))
    ends = dice.choice((None, timedelta(seconds=30), timedelta(minutes=10)))
    with world.use_case("hold.stock") as uc:
        holds.keep_back(uc, world.units[sku], place, quantity, reason="for a friend", expires_at=uc.at + ends if ends else None)
    world.reach("a hold was placed" if quantity else "a hold was lifted")
    world.note(f"{quantity} of {sku} at {place.code} are kept back")


@act("fence", 1)
def fence(world: World) -> None:
    """Keep units for one channel."""
    stall, sku, quantity = world.dice.choice(world.stalls), world.dice.choice(SKUS), world.dice.choice((0, 1, 3))
    with world.use_case("fence.set") as uc:
        fences.set_fence(uc, stall.channel, world.units[sku], quantity)
    world.reach("a fence was set")
    world.note(f"{quantity} of {sku} are fenced for {stall.name}")


@act("goods are announced", 1.5)
def announce(world: World) -> None:
    """Goods that come in some day."""
    sku, place, quantity = world.dice.choice(SKUS), world.dice.choice(world.places), world.dice.choice((0, 4, 4))
    with world.use_case("incoming.set") as uc:
        incoming.set_incoming(uc, world.units[sku], place, uc.at.date() + timedelta(days=world.dice.choice((0, 1, 3, 5))), quantity)
    world.reach("goods were announced")
    world.note(f"{quantity} of {sku} are announced for {place.code}")


# --- orders -----------------------------------------------------------------------------------------------------------------------------


def _ours(world: World, *states: str) -> tuple[Stall, Order] | None:
    """An order in one of these states, on a stall that has any; at times rather one that was begun."""
    dice = world.dice
    found = [(stall, orders) for stall in world.stalls if (orders := stall.orders(*states))]
    if not found:
        return None
    stall, orders = dice.choice(found)
    begun = [order for order in orders if order.state == Order.State.PART_SHIPPED]
    return stall, dice.choice(begun if begun and dice.random() < 0.5 else orders)


@act("ship", 8)
def ship_order(world: World) -> None:
    """Goods of an order leave: all of it, or a part. The same click may come twice."""
    found = _ours(world, "acknowledged", "part_shipped", "new")
    if found is None:
        return
    stall, order = found
    dice, lines = world.dice, stall.lines(order)
    part = dice.random() < 0.3
    wanted = {line.pk: dice.randint(1, line.open) for line in lines if line.open and dice.random() < 0.6} if part else None
    if wanted is None and any(line.short for line in lines) and dice.random() < 0.9:
        return
    reference = f"click:{world.number()}"
    world.told(events.ShipTried(stall.connection_id, order.external_id, reference))
    for _ in range(dice.choice((1, 1, 1, 2))):
        ship.ship(
            world.organisation.pk,
            order.pk,
            wanted,
            carrier="UPS",
            tracking_number=f"1Z{order.external_id}",
            actor=ACTOR,
            reference=reference,
            although_asked=dice.random() < 0.5,
        )
    gone = {line.line_id: (wanted or {}).get(line.pk, 0) if part else line.open for line in lines}
    world.reach("part of an order left" if part else "an order left")
    world.note(f"{stall.name}: of order {order.external_id} leave {gone}")
    world.told(
        events.ShipWished(
            stall.connection_id, order.external_id, {line: quantity for line, quantity in gone.items() if quantity}, reference
        )
    )


@act("cancel", 3)
def cancel_order(world: World) -> None:
    """We cancel an order or a line; at times one that the market has promised to its buyer, and then it may not even be readable."""
    found = _promised(world) or _ours(world, "new", "acknowledged", "part_shipped")
    if found is None:
        return
    stall, order = found
    lines = stall.lines(order)
    part = len(lines) > 1 and world.dice.random() < 0.4
    wanted = {lines[0].pk: 1} if part else None
    done = cancel.cancel_lines(world.organisation.pk, order.pk, wanted, reason=world.dice.choice(list(CancelReason)), actor=ACTOR)
    names = {line.line_id: done[line.pk] for line in lines if line.pk in done}
    world.reach("we cancelled a line" if part else "we cancelled an order")
    world.note(f"{stall.name}: we cancel {names} of order {order.external_id}")
    world.told(events.CancelWished(stall.connection_id, order.external_id, names))


def _promised(world: World) -> tuple[Stall, Order] | None:
    """Mostly, where there is one: an order that its market insists on. In bad weather it cannot show it right after it has said no."""
    dice = world.dice
    open_ = [(stall, order) for stall in world.stalls if _insists(stall) for order in stall.orders("acknowledged", "part_shipped")]
    found = [(stall, order) for stall, order in open_ if order.external_id in _insists(stall)]
    if not found or dice.random() < 0.2:
        return None
    stall, order = dice.choice(found)
    if faults := [fault for name, fault in UNREADABLE.items() if world.chaos.weather.rate(name)]:
        stall.emulator.fail_next(dice.choice(faults), path=f"/{order.external_id}", after=1)
    return stall, order


def _insists(stall: Stall) -> set[str]:
    return {number for number, order in stall.emulator.orders.items() if "promised" in order.extra}


@act("not left", 0.7)
def look_at_returns(world: World) -> None:
    """The channel took shipments back: the goods are still here."""
    for stall in world.stalls:
        for order in Order.objects.filter(connection_id=stall.connection_id, lines__taken_back__gt=0).order_by("pk").distinct():
            not_left.not_left(world.organisation.pk, order.pk, None, actor=ACTOR)
            world.reach("goods had not left")
            world.note(f"{stall.name}: the goods of order {order.external_id} have not left")


@act("tell again", 1)
def look_at_refusals(world: World) -> None:
    """A person looks at what a channel refused, and has it told again."""
    for stall in world.stalls:
        with world.use_case("offers.try_again") as uc:
            refused = list(
                Offer.objects.filter(channel=stall.channel, refused_at__isnull=False).order_by("pk").values_list("pk", flat=True)
            )
            delivery.try_again(uc, "quantity", refused)
            dear = OfferPrice.objects.filter(offer__channel=stall.channel, refused_at__isnull=False)
            delivery.try_again(uc, "price", list(dear.order_by("pk").values_list("pk", flat=True)))
        say_that_it_has_left(world, stall)
        if refused:
            world.reach("a refused offer was tried again")


def say_that_it_has_left(world: World, stall: Stall) -> None:
    """The buyer asked to cancel when the goods had left; the channel wants to hear that from a person."""
    refused = Command.objects.filter(connection_id=stall.connection_id, kind="ship", state="refused").values_list("key", flat=True)
    for shipment in Shipment.objects.filter(pk__in=[int(key.removeprefix("ship:")) for key in refused]).order_by("pk"):
        world.reach("a refused shipment was told again")
        ship.tell_again(world.organisation.pk, shipment.pk, actor=ACTOR, although_asked=True)


# --- rules, switches, accounts ----------------------------------------------------------------------------------------------------------


@act("rules change", 1.5)
def change_rules(world: World) -> None:
    """Share, buffer, cap, zero-at, splits, places."""
    dice, stall = world.dice, world.dice.choice(world.stalls)
    name, value = habits.rule(dice)
    chosen = [place.pk for place in dice.sample(world.places, dice.randint(1, len(world.places)))] if dice.random() < 0.3 else None
    with world.use_case("channel.rules") as uc:
        rules.save(uc, stall.channel.pk, locations=chosen, follow=(), **{name: value})
    world.reach("a rule changed")
    world.note(f"{stall.name}: {name} is {value}, {len(chosen) if chosen else 'the same'} places")


@act("switch", 1)
def switch(world: World) -> None:
    """Sending is switched off or on: a channel's stock, an account's writes, the company."""
    dice, stall = world.dice, world.some_stall()
    kind, on = dice.choice(("stock", "writes", "company")), dice.random() < 0.6
    with world.use_case("channel.switch") as uc:
        if kind == "company":
            switches.set_company(uc, on)
        elif kind == "writes":
            switches.set_writes(uc, stall.connection_id, on)
        else:
            switches.set_channel(uc, stall.channel.pk, stock=on)
    world.reach(f"{kind} was switched {'on' if on else 'off'}")
    world.note(f"{stall.name}: {kind} is {'on' if on else 'off'}")


@act("resync", 0.4)
def resync(world: World) -> None:
    """A person has everything read back and sent anew."""
    stall = world.some_stall()
    with world.use_case("offers.resync") as uc:
        delivery.resync(uc, stall.channel.pk)
    world.reach("a resync")


@act("look now", 0.5)
def look_now(world: World) -> None:
    """A person asks for one step of one account, now."""
    stall = world.dice.choice(world.stalls)
    wake.look_now(stall.connection_id, world.dice.choice(("catalogue", "verify")))


@act("stranger is linked", 0.6)
def link_stranger(world: World) -> None:
    """A person says what an unknown listing is, and how many units one of it takes: orders that wait for it are served."""
    dice, stall = world.dice, world.dice.choice(world.stalls)
    sku, factor = dice.choice(SKUS), dice.choice((1, 2, 3))
    listing = RemoteListing.objects.filter(channel=stall.channel, sku=STRANGER, offer=None).first()
    if listing is None:
        return
    with world.use_case("choose.link") as uc:
        links.choose(uc, listing.pk, world.units[sku].pk, factor)
    world.reach("a stranger was linked")
    world.note(f"{stall.name}: {STRANGER} is {factor} of {sku}")


@act("prices", 1.5)
def price(world: World) -> None:
    """A base price or several change; at times a stall is made to send prices, by other rules."""
    dice = world.dice
    wanted = {sku: Decimal(dice.randint(1200, 1800)) / 100 for sku in dice.sample((*SKUS, KIT), dice.choice((1, 1, 3, 5)))}
    with world.use_case("price.set") as uc:
        listed = prices.price_list(uc, "base", "EUR")
        prices.set_prices(uc, listed.pk, {world.units[sku].pk: amount for sku, amount in wanted.items()})
    world.reach("a base price changed")
    world.note(f"prices are {', '.join(f'{sku} {amount}' for sku, amount in wanted.items())}")
    if dice.random() < 0.9:
        in_bulk = [stall for stall in world.stalls if manifest_of(stall.platform).bulk_from]
        send_prices(world, dice.choice(in_bulk if in_bulk and dice.random() < 0.5 else world.stalls), listed)


def send_prices(world: World, stall: Stall, listed: PriceList) -> None:
    """The stall's prices are worked out from the list from now on, and sent."""
    mark_up, rounding = Decimal(world.dice.choice((-5, 0, 0, 10))), world.dice.choice(("none", "none", "ending_99", "whole"))
    rate = None if stall.channel.currency == listed.currency else Decimal(RATES[stall.channel.currency])
    given: dict[str, Any] = {
        "price_list_id": listed.pk,
        "mark_up": mark_up,
        "price_rounding": rounding,
        "exchange_rate": rate,
        "tax_rate": Decimal(19),
    }
    with world.use_case("channel.rules") as uc:
        rules.save(uc, stall.channel.pk, **given)
        switches.set_channel(uc, stall.channel.pk, prices=True)
    world.reach("a stall sends prices")
    world.note(f"{stall.name}: prices are sent, {mark_up} % on top, rounded {rounding}")


@act("reconnect", 2)
def reconnect(world: World) -> None:
    """A person enters the credentials again, sooner or later."""
    for stall in world.stalls:
        if stall.account().state == Connection.State.NEEDS_RECONNECT and world.dice.random() < 0.7:
            enter_credentials(world, stall)


def enter_credentials(world: World, stall: Stall) -> bool:
    """The account is probed and, if the platform knows it, ready again."""
    try:
        info = adapters.probe(stall.platform, stall.config, stall.address, adapters.budget_of(stall.account()))
    except AdapterError as error:
        world.note(f"{stall.name}: connecting again failed: {type(error).__name__}")
        return False
    with world.use_case("connection.reconnect") as uc:
        connect.reconnect(uc, stall.connection_id, connect.check_settings(connect.manifest(stall.platform), stall.config), info)
    world.reach("an account was connected again")
    world.note(f"{stall.name}: connected again")
    return True
