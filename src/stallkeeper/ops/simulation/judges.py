"""Who says whether all is well: the reference model, told what the world does, asked after every commit and at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from stallkeeper.ops.check import check
from stallkeeper.ops.simulation.bystander import settle
from stallkeeper.ops.simulation.truth import Breach, Truth, TruthEvent
from stallkeeper.ops.simulation.truth.events import Canary, Crashed
from stallkeeper.ops.simulation.violation import Violation
from stallkit.manifest import SettingKind
from stallkit.registry import manifest_of

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

BUYER = "Ada Example"
"""How every buyer of the emulators is named."""


class Judge:
    """The model, and at the end ``stallkeeper check`` as well: it must find nothing either. Raises Violation."""

    def __init__(self, world: World) -> None:
        self.world = world
        bystander = settle(world.stalls[0].platform, tuple(world.units), world.clock.at)
        exchanges = [world.one_c.view] if world.one_c is not None else []
        self.truth = Truth(world.organisation.pk, [stall.view for stall in world.stalls], [bystander], world.feeds, exchanges)
        for canary in _canaries(world):
            self.truth.told(canary)
        self.tokens: set[str] = set()

    def told(self, event: TruthEvent) -> None:
        self.truth.told(event)

    def out_of_step(self) -> None:
        """From now on a clock goes wrong, or has gone wrong today."""
        self.truth.calls.in_step = self.truth.beliefs.in_step = self.truth.price_beliefs.in_step = self.truth.past.fit = False

    def shaken(self) -> None:
        """What one of our processes has heard may be forgotten before it was written down; and it may have died after a COMMIT."""
        self.truth.calls.shaken.append(self.world.clock.at)
        self.put_off()

    def closed(self) -> None:
        """It has been written down that a platform asks for quiet."""
        self.truth.calls.stored.append(self.world.clock.at)

    def crashed(self, worker: str) -> None:
        self.truth.told(Crashed(worker))

    def put_off(self) -> None:
        """A commit is not looked at by itself: the next look is at several."""
        self.truth.promises.put_off = True

    def after_commit(self, where: str) -> None:
        for token in self._new_tokens():
            self.truth.told(Canary(token, secret=True))
        _raise(self.truth.after_commit(where))

    def _new_tokens(self) -> list[str]:
        """What the platforms have given out as keys for a while since the last look: some repeat it in their errors."""
        new = [token for stall in self.world.stalls for token in stall.emulator.secrets() if token not in self.tokens]
        self.tokens.update(new)
        return new

    def undisturbed(self, last: datetime) -> None:
        """An act is over, and nothing went wrong with our processes or their database: who has something to send since ``last``, when
        something did, was woken."""
        _raise(self.truth.undisturbed(last))

    def quiet(self) -> None:
        """Nobody is in the middle of anything."""
        self.truth.quiet(self.world.clock.at)

    def is_settled(self) -> bool:
        """Whether all is as it must be at the end, and nothing is on its way."""
        return self.truth.is_settled()

    def at_end(self) -> None:
        _raise(self.truth.at_end())
        for result in check(self.world.organisation.pk, calm=True):
            if result.problems:
                raise Violation(result.number, f"{result.title}: {'; '.join(result.problems)}")


def _canaries(world: World) -> Iterator[Canary]:
    """What must stand nowhere in clear: the accounts' secrets, and the name of every buyer."""
    yield Canary(BUYER, secret=False)
    for stall in world.stalls:
        for setting in manifest_of(stall.platform).settings:
            if setting.kind is SettingKind.SECRET and stall.config.get(setting.name):
                yield Canary(stall.config[setting.name], secret=True)


def _raise(breaches: Sequence[Breach]) -> None:
    if breaches:
        raise Violation(breaches[0].invariant, "; ".join(breach.text for breach in breaches[:5]))
