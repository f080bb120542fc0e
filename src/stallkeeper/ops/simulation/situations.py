"""Situations that the seeds must get into: one that is never reached proves nothing about the code that deals with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stallkeeper.channels.models import Command, Drift, GuardedUnit, ObservedHold, Parked, SentLog, Ticket, WriteWindow
from stallkeeper.orders.models import OrderLine, Shortage
from stallkeeper.stock.models import Movement

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

ON_THE_WAY = (
    "1C booked goods out",
    "1C got an order again",
    "1C sent a packet twice",
    "1C sent changes",
    "1C sent its whole list",
    "1C took orders",
    "1C's figures that waited were let through",
    "a base price changed",
    "a buyer asked to cancel",
    "a buyer came too late",
    "a buyer cancelled",
    "a buyer cancelled a line",
    "a callback",
    "a category got rules",
    "a channel got a main one",
    "a clock jumped back",
    "a clock jumped forwards",
    "a count",
    "a count as of earlier",
    "a fence was set",
    "a frozen worker woke up",
    "a hand edit on the platform",
    "a hold lapsed",
    "a hold was lifted",
    "a hold was placed",
    "a line left in two parcels",
    "a listing came back",
    "a listing was taken away",
    "a market insisted on delivery",
    "a night",
    "a posting was cut up",
    "a process waited for a lock",
    "a product got rules",
    "a product moved to another category",
    "a plan was made",
    "a program sent a list of changes",
    "a program sent its figures",
    "a plan was sent",
    "a plan was sent that another one had replaced",
    "a refused offer was tried again",
    "a refused shipment was told again",
    "a resync",
    "a rule changed",
    "a run ended with an error",
    "a run found the lane taken",
    "a run lost its lane to another worker",
    "a rush",
    "a shipment was taken back",
    "a slow reply",
    "a source did not answer well",
    "a source was asked now",
    "a stall sends prices",
    "a stranger's callback",
    "a sub-channel followed again",
    "a sub-channel was left by itself",
    "a transfer",
    "a wake-up was lost",
    "a worker froze",
    "all channels of guarded units kept something back",
    "an account was connected again",
    "an exchange with 1C broke off",
    "an order",
    "an order abroad",
    "an order for a kit",
    "an order for a kit and its component",
    "an order for a pack",
    "an order left",
    "an order left by hand",
    "an order that we cannot take in",
    "an order of several lines",
    "an order was cancelled by hand",
    "an order was cancelled in 1C",
    "an order with the same article twice",
    "an unpaid order",
    "an unpaid order was paid",
    "figures that waited were dropped",
    "figures that waited were let through",
    "goods came in",
    "goods were announced",
    "goods had not left",
    "killed between a reply and its record",
    "killed inside a transaction",
    "killed outside of a transaction",
    "part of an order left",
    "promised goods were missing",
    "sales were seen one after the other",
    "stock was set",
    "stock was switched off",
    "the last send was to be undone",
    "we cancelled a line",
    "we cancelled an order",
)
"""Told by ``World.reach`` when they happen."""


def at_end(world: World) -> None:
    """What a day has left in the books."""
    found = {
        "a command was done": Command.objects.filter(state="done").exists(),
        "a command was refused": Command.objects.filter(state="refused").exists(),
        "a command needed several attempts": Command.objects.filter(attempts__gt=1).exists(),
        "a figure was accepted": SentLog.objects.filter(outcome="accepted").exists(),
        "a figure was refused": SentLog.objects.filter(outcome="rejected").exists(),
        "nobody knew whether a figure had arrived": SentLog.objects.filter(outcome="unknown").exists(),
        "figures went out in bulk": Ticket.objects.exists(),
        "a read showed a drift": Drift.objects.exists(),
        "an order could not be understood": Parked.objects.exists(),
        "more was sold than there was": Shortage.objects.exists(),
        "a shortage was refilled": Shortage.objects.filter(resolved_at__isnull=False).exists(),
        "a line was shipped in parts": OrderLine.objects.filter(shipped__gt=0, cancelled__gt=0).exists(),
        "a sale was held before its order": ObservedHold.objects.exists(),
        "an order took a hold over": ObservedHold.objects.filter(taken_over__gt=0).exists(),
        "no order came for a hold": ObservedHold.objects.filter(lapsed__gt=0).exists(),
        "a figure came back that was held": ObservedHold.objects.filter(withdrawn__gt=0).exists(),
        "a unit was guarded": GuardedUnit.objects.exists(),
        "a unit was guarded because it was scarce": GuardedUnit.objects.filter(scarce=True).exists(),
        "a figure of a guarded unit may have gone over a sale": WriteWindow.objects.exists(),
        "goods were found while shipping": Movement.objects.filter(cause="found").exists(),
    }
    for situation, reached in found.items():
        if reached:
            world.reach(situation)


AT_END = (
    "a unit was guarded",
    "a unit was guarded because it was scarce",
    "a figure of a guarded unit may have gone over a sale",
    "a sale was held before its order",
    "an order took a hold over",
    "no order came for a hold",
    "a figure came back that was held",
    "a command was done",
    "a command was refused",
    "a command needed several attempts",
    "a figure was accepted",
    "a figure was refused",
    "nobody knew whether a figure had arrived",
    "figures went out in bulk",
    "a read showed a drift",
    "more was sold than there was",
    "a shortage was refilled",
)
MUST = (*ON_THE_WAY, *AT_END)
"""Each must be reached by 1,000 seeds, most by 200."""
