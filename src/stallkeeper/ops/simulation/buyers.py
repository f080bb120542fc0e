"""Acts of the world outside: buyers, and hands in the platforms' own screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.world import KIT, PACK, SKUS, STRANGER
from stallkit.testing.emulator import SoldOut
from stallkit.testing.shop import Fault, ShopOrder
from stallkit.types import OrderState

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.stalls import Stall
    from stallkeeper.ops.simulation.world import World

MOST_STUMBLES = 2
"""Orders at a time: more at once count as a fault of all of them (``sync.orders.POISON``)."""
LOOK = 0.8
"""Part of the buyers who go where something is shown, and who look how many there are before they order."""
PENDING = {"emag", "dummy"}
"""Platforms that show orders before they are paid."""


@act("buyer orders", 14, ours=False)
def order(world: World) -> None:
    """One to three lines, kits among them, at times unpaid, at times the same article twice."""
    dice = world.dice
    open_ = [stall for stall in world.stalls if any(offer.quantity for sku, offer in stall.emulator.offers.items() if sku != STRANGER)]
    stall = dice.choice(open_ if open_ and dice.random() < LOOK else world.stalls)
    listed = [sku for sku in (*SKUS, KIT, PACK) if sku in stall.emulator.offers]
    shown = [sku for sku in listed if stall.emulator.quantity_of(sku)]
    seen = shown if shown and dice.random() < 0.85 else listed
    wanted = [(sku, dice.choice((1, 1, 2, 2, 3))) for sku in dice.sample(seen, min(dice.choice((1, 1, 2, 3)), len(seen)))]
    if seen is shown and dice.random() < LOOK:
        wanted = [(sku, min(quantity, stall.emulator.quantity_of(sku))) for sku, quantity in wanted]
    if dice.random() < 0.1:
        wanted.append((wanted[0][0], 1))
    if dice.random() < 0.08:
        wanted.append((STRANGER, 1))
        world.reach("an order with an article that nobody linked")
    pending = stall.platform in PENDING and dice.random() < 0.2
    try:
        number = stall.emulator.place_order(wanted, pending=pending)
    except SoldOut:
        world.reach("a buyer came too late")
        return
    if stall.platform == "dummy" and world.chaos.weather.rate("unknown_enum") and dice.random() < 0.2:
        stall.emulator.fail_next(Fault.UNKNOWN_ENUM, path="/v1/orders")
    _reach_order(world, wanted, pending=pending)
    world.note(f"{stall.name}: order {number} of {' '.join(f'{quantity}x{sku}' for sku, quantity in wanted)}{' unpaid' * pending}")


def _reach_order(world: World, wanted: list[tuple[str, int]], *, pending: bool) -> None:
    world.reach("an order")
    if pending:
        world.reach("an unpaid order")
    if any(sku == KIT for sku, _ in wanted):
        world.reach("an order for a kit")
    if KIT in dict(wanted) and {"C", "D"} & dict(wanted).keys():
        world.reach("an order for a kit and its component")
    if any(sku == PACK for sku, _ in wanted):
        world.reach("an order for a pack")
    if len(wanted) > len(dict(wanted)):
        world.reach("an order with the same article twice")
    if len(wanted) > 1:
        world.reach("an order of several lines")


@act("rush", 1.5, ours=False)
def rush(world: World) -> None:
    """Everybody wants the same article: what each stall shows of it is bought, in several orders."""
    dice, sku = world.dice, world.dice.choice(SKUS)
    for stall in world.stalls:
        for _ in range(dice.randint(1, 3)):
            left = stall.emulator.quantity_of(sku) if sku in stall.emulator.offers else 0
            if left:
                number = stall.emulator.place_order([(sku, dice.randint(1, left))])
                world.reach("a rush")
                world.note(f"{stall.name}: order {number} of {sku} in a rush")


@act("stumble", 1, ours=False)
def stumble(world: World) -> None:
    """An order comes that our code cannot take in; some time later that is mended."""
    dice = world.dice
    if world.indigestible and dice.random() < 0.6:
        world.indigestible.clear()
        world.note("orders that could not be taken in can be now")
        return
    stall, sku = dice.choice(world.stalls), dice.choice(SKUS)
    if len(world.indigestible) < MOST_STUMBLES and sku in stall.emulator.offers and stall.emulator.quantity_of(sku):
        number = stall.emulator.place_order([(sku, 1)])
        world.indigestible.add((stall.connection_id, number))
        world.reach("an order that we cannot take in")
        world.note(f"{stall.name}: our code stumbles over order {number}")


@act("buyer pays", 2, ours=False)
def pay(world: World) -> None:
    """An unpaid order becomes a real one."""
    stall = world.dice.choice(world.stalls)
    waiting = [order for order in stall.emulator.orders.values() if order.pending]
    if waiting:
        number = world.dice.choice(waiting).order_id
        stall.emulator.confirm_payment(number)
        world.reach("an unpaid order was paid")
        world.note(f"{stall.name}: order {number} is paid")


def _open(world: World, stall: Stall) -> ShopOrder | None:
    orders = [order for order in stall.emulator.orders.values() if order.state in {OrderState.NEW, OrderState.ACKNOWLEDGED}]
    return world.dice.choice(orders) if orders else None


@act("buyer cancels", 2, ours=False)
def cancel(world: World) -> None:
    """At once, where the platform allows it; at times one line of several."""
    stall = world.dice.choice(world.stalls)
    if found := _open(world, stall):
        part = len(found.lines) > 1 and world.dice.random() < 0.3
        lines = [(found.lines[0].line_id, 1)] if part else None
        done = stall.emulator.buyer_cancels(found.order_id, lines)
        if done:
            world.reach("a buyer cancelled a line" if part else "a buyer cancelled")
        world.note(f"{stall.name}: order {found.order_id} cancelled by the buyer: {done}")


@act("buyer asks to cancel", 1, ours=False)
def ask_to_cancel(world: World) -> None:
    """The seller decides."""
    stall = world.dice.choice(world.stalls)
    if found := _open(world, stall):
        stall.emulator.request_cancel(found.order_id)
        world.reach("a buyer asked to cancel")
        world.note(f"{stall.name}: the buyer asks to cancel order {found.order_id}")


@act("hand in the cabinet", 1, ours=False)
def edit(world: World) -> None:
    """Somebody types a number into the platform's own screen."""
    stall, sku, quantity = world.dice.choice(world.stalls), world.dice.choice(SKUS), world.dice.randint(0, 12)
    if sku not in stall.emulator.offers:
        return
    stall.emulator.edit_quantity(sku, quantity)
    world.reach("a hand edit on the platform")
    world.note(f"{stall.name}: a hand sets {sku} to {quantity}")


@act("access revoked", 0.8, ours=False)
def revoke(world: World) -> None:
    """The platform refuses our credentials on the next call. The dummy market repeats them while it does so."""
    if world.chaos.weather.rates:
        talkative = [stall for stall in world.stalls if stall.platform == "dummy"]
        stall = world.dice.choice(talkative or world.stalls if world.dice.random() < 0.5 else world.stalls)
        stall.emulator.fail_next(Fault.REVOKED)
        world.note(f"{stall.name}: access revoked")
