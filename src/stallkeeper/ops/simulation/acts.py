"""The acts that a day is made of. ``@act`` enters one under its name; its docstring says what it is.

An act is a function of the world. It plays in a process (a walker), takes its chances from ``world.dice`` and writes what it did into the
trace. What the rules refuse is no failure; whatever else it raises is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stallkeeper.catalog.texts import CatalogueError
from stallkeeper.channels.breaker import NotThatPlan
from stallkeeper.channels.commands import CommandError
from stallkeeper.channels.connect import ConnectError
from stallkeeper.channels.fences import FenceError
from stallkeeper.channels.inheritance import ParentError
from stallkeeper.channels.links import LinkError
from stallkeeper.channels.plan_stale import PlanError, Stale
from stallkeeper.channels.plans import Held
from stallkeeper.channels.proposals import ProposalError
from stallkeeper.channels.rules import RuleError
from stallkeeper.channels.switches import SwitchError
from stallkeeper.fulfilment.not_left import NotLeftError
from stallkeeper.fulfilment.ship import ShipError
from stallkeeper.orders.cancel import CancelError
from stallkeeper.stock.counts import CountError
from stallkeeper.stock.holds import HoldError
from stallkeeper.stock.incoming import IncomingError
from stallkeeper.stock.ledger import NotEnough
from stallkeeper.stock.places import PlaceError
from stallkeeper.stock.sources import SourceError

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

REFUSALS = (
    CancelError, CatalogueError, CommandError, ConnectError, CountError, FenceError, Held, HoldError, IncomingError, LinkError,
    NotEnough, NotLeftError, NotThatPlan, ParentError, PlaceError, PlanError, ProposalError, RuleError, ShipError, SourceError,
    Stale, SwitchError,
)  # fmt: skip
"""How the rules say no to a person."""

Play = Callable[["World"], object]


@dataclass(frozen=True, slots=True)
class Act:
    """``weight``: how often it is drawn beside the others. ``ours``: it is played by a process of ours, not by the world outside."""

    name: str
    play: Play
    weight: float
    ours: bool


ACTS: dict[str, Act] = {}


def act(name: str, weight: float = 1.0, *, ours: bool = True) -> Callable[[Play], Play]:
    """Enter the function as an act."""

    def enter(play: Play) -> Play:
        ACTS[name] = Act(name, play, weight, ours)
        return play

    return enter


def attempt(world: World, play: Play) -> None:
    """Play it; a refusal by the rules is noted."""
    try:
        play(world)
    except REFUSALS as refusal:
        world.note(f"refused: {type(refusal).__name__}")
        world.reach(f"refused: {type(refusal).__name__}")


WORKERS = {
    "worker works",
    "trade now",
    "read back now",
    "tidy",
    "lapses",
    "night",
    "ask the source now",
    "sales are seen",
    "a stall abroad trades",
}
"""Acts that a worker plays; all others of ours are the web process's."""
