"""The weather of a seed: which faults happen and how often (the table in docs/simulation.md), and what they do to a process.

Each seed switches a random half of the classes on and draws a rate for each; some seeds have none of them, some all. What platforms do is
turned on the emulators' dials; what happens to our own processes and their database is done here, at named points and at statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from psycopg import errors

from stallkeeper.ops.simulation.crowd import Walker
from stallkit.testing.emulator import Dials
from stallkit.testing.shop import Fault

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

WIRE: Mapping[str, tuple[Fault, float]] = {
    "rate_limit": (Fault.RATE_LIMIT, 0.1),
    "rate_limit_silent": (Fault.RATE_LIMIT_SILENT, 0.05),
    "server_error": (Fault.SERVER_ERROR, 0.15),
    "server_error_after": (Fault.SERVER_ERROR_AFTER, 0.08),
    "timeout_before": (Fault.DROP_BEFORE, 0.1),
    "timeout_after": (Fault.DROP_AFTER, 0.1),
    "html": (Fault.HTML, 0.05),
    "cut_json": (Fault.CUT_JSON, 0.05),
    "unknown_enum": (Fault.UNKNOWN_ENUM, 0.05),
    "token_expired": (Fault.TOKEN_EXPIRED, 0.03),
    "figure_untold": (Fault.UNTOLD, 0.1),
}
DIALS: Mapping[str, float] = {
    "hint_lost": 0.3,
    "hint_doubled": 0.5,
    "hint_late": 0.5,
    "item_refused": 0.2,
    "not_applied": 0.02,
    "late_push": 0.05,
    "page_shift": 0.1,
    "read_lag": 600.0,
}
OURS: Mapping[str, float] = {
    "crash": 0.02,
    "freeze": 0.01,
    "wake_lost": 0.5,
    "clock_skew": 600.0,
    "db_drop": 0.002,
    "commit_lost": 0.005,
    "commit_unknown": 0.005,
    "deadlock": 0.002,
    "serialization": 0.002,
    "disk_full": 0.002,
    "race": 0.5,
    "slow": 3.0,
}
"""Most of each: a probability (per call, item, page, hint, point, statement, commit, step), or seconds."""
STATES = {"deadlock": ("40P01", errors.DeadlockDetected), "serialization": ("40001", errors.SerializationFailure)}
FULL = {"disk_full": ("53100", errors.DiskFull)}
AT_CALLS = 0.5
"""While several are at work: another one goes on while a call is under way. Calls take longer than all the rest together."""
AT_LOCKS = 0.2
"""The same for whoever has just locked what he is going to change, or should have."""
LOCKS = ("within:ledger:", "within:reserve:", "within:entering:", "within:intake:", "within:refresh:", "within:delivery:")
TURNS = (0, 0, 10, 40, 160)
"""So many turns of the others it may take until the reply to such a call is here, or until who holds locks goes on."""
SLOW = (40, 160, 400)
"""The same for every call of the one in a race whose network is slow."""
SHAKING = {"crash", "db_drop", "commit_lost", "commit_unknown", *STATES, *FULL}
NONE, ALL = 0.05, 0.1
"""Part of the seeds with no fault at all, and with every one."""


@dataclass(frozen=True)
class Weather:
    """Rates by class; a class that is off is not in it."""

    rates: Mapping[str, float] = field(default_factory=dict)

    def rate(self, name: str) -> float:
        return self.rates.get(name, 0.0)

    @property
    def dials(self) -> Dials:
        given: dict[str, Any] = {name: self.rates[name] for name in DIALS if name in self.rates and name != "read_lag"}
        faults = {fault: self.rates[name] for name, (fault, _) in WIRE.items() if name in self.rates}
        return Dials(faults=faults, read_lag=timedelta(seconds=self.rate("read_lag")), **given)


def draw(dice: Random) -> Weather:
    """The weather of a seed."""
    most = {name: limit for name, (_, limit) in WIRE.items()} | dict(DIALS) | dict(OURS)
    kind = dice.random()
    share = 0.0 if kind < NONE else 1.0 if kind < NONE + ALL else 0.5
    return Weather({name: dice.uniform(0.1, 1) * limit for name, limit in sorted(most.items()) if dice.random() < share})


class Chaos:
    """What befalls processes in this weather. All chance comes from the dice of the step that is being played."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.weather = Weather()
        self.hit: Counter[str] = Counter()
        self.switching = 0.0
        self.stalling = False
        """Per statement: another walker goes on first. Set while a race is played."""

    def _strikes(self, name: str) -> bool:
        rate = self.weather.rate(name)
        if not rate or self.world.dice.random() >= rate:
            return False
        self.hit[name] += 1
        self.world.note(f"! {name}")
        if name in SHAKING and self.world.judge is not None:
            self.world.judge.shaken()
        return True

    @property
    def disturbed(self) -> int:
        """How often something has befallen our processes or their database."""
        return sum(self.hit[name] for name in OURS)

    def freeze_in_a_call(self) -> None:
        """The next worker that has made a call does not come to write down what was answered, for a while."""
        self.stalling = True

    def _in_a_call(self, name: str) -> bool:
        if not (self.stalling and self.weather.rate("freeze") and name.startswith("send:") and name.endswith(":after")):
            return False
        self.stalling = False
        self.world.note("! freeze")
        return True

    # --- at named points ----------------------------------------------------------------------------------------------------------------

    def at_point(self, walker: Walker, name: str) -> None:
        if self._strikes("crash"):
            self.world.reach("killed inside a transaction" if walker.in_transaction else "killed outside of a transaction")
            if name.startswith(("send:", "wire:")) and name.endswith(":after"):
                self.world.reach("killed between a reply and its record")
            walker.die()
        if self._may_stand(walker, name) and (self._in_a_call(name) or self._strikes("freeze")):
            self.world.reach("a worker froze")
            walker.pause("frozen")
            self.world.thawed(walker)
        self._perhaps_switch(walker, name)

    def _perhaps_switch(self, walker: Walker, name: str) -> None:
        """While several are at work: another one goes on, at calls and locks for a while."""
        if not self.switching:
            return
        switching = AT_CALLS if name.startswith("wire:") else max(self.switching, AT_LOCKS) if name.startswith(LOCKS) else self.switching
        slow = walker is self.world.slow and name == "wire:after"
        if slow or self.world.dice.random() < switching:
            if name == "wire:after" or name.startswith(LOCKS):
                self.world.away[walker] = self.world.dice.choice(SLOW if slow else TURNS)
            walker.pause("point")

    def _may_stand(self, walker: Walker, name: str) -> bool:
        """A worker freezes anywhere outside of transactions but between its last look at the lane and the first byte of a call: nothing can
        be done about that moment, as no platform asks for our epoch. Who stands there stands where the call is on its way."""
        return not walker.in_transaction and walker.process in self.world.workers and name != "wire:before"

    # --- at statements ------------------------------------------------------------------------------------------------------------------

    def before(self, walker: Walker, *, commit: bool) -> None:
        if self.switching and self.world.dice.random() < self.switching:
            walker.pause("sql")
        if not self.weather.rates:
            return
        if commit:
            if self._strikes("commit_lost"):
                self._drop(walker)
            return
        if self._strikes("db_drop"):
            self._drop(walker)
        elif walker.in_transaction:
            for name, (state, error) in (STATES | FULL).items():
                if self._strikes(name):
                    self._fail(walker, state, error)

    def after(self, walker: Walker, *, commit: bool) -> None:
        if commit and self._strikes("commit_unknown"):
            self._drop(walker)
            raise errors.AdminShutdown("the connection was lost after COMMIT")

    def _drop(self, walker: Walker) -> None:
        """The line is cut: the server takes back what was not committed."""
        raw = walker.raw
        if raw is not None and not raw.closed:
            pid = raw.info.backend_pid
            raw.close()
            walker.crowd.wait_for_end(pid)

    def _fail(self, walker: Walker, state: str, error: type[errors.OperationalError]) -> None:
        """The server says no, and the transaction is spoilt, as it would be."""
        raw = walker.raw
        if raw is None or raw.closed or raw.pgconn.pipeline_status:
            return
        raw.pgconn.exec_(f"DO $$ BEGIN RAISE EXCEPTION 'simulated' USING ERRCODE = '{state}'; END $$".encode())
        raise error(f"simulated {state}")
