"""A drill from curtain to verdict: load, faults at moments that depend on how far the work is, calm, judge.

The next fault comes when so many orders are answered and the last one is got over: never by the clock alone, so that a slow machine plays
the same drill, only longer.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from stallkeeper.ops.drills.faults import Fault
from stallkeeper.ops.drills.plan import Options
from stallkeeper.ops.drills.stage import Set, Stage, opened

Json = dict[str, Any]
Say = Callable[[str], None]
OVER_SECONDS = 300.0
"""A hub that has done nothing useful for so long after a fault has not got over it."""
CALM_SECONDS = 900.0
STEADY_SECONDS = 2.0
AFTER = 0.05
"""Work that arrives within so many seconds was on its way when the fault came."""
REST = (0.3, 2.0)
"""Seconds from getting over one fault to the next, if the work is far enough."""


@dataclass(frozen=True, slots=True)
class Drill:
    """``faults`` take turns. ``title`` says what is done, for the list of drills."""

    title: str
    stage: Set
    faults: Sequence[Fault]


@dataclass(slots=True)
class Recovery:
    """Seconds from each fault until the stalls saw useful work again: the first of them, and the last of those where orders waited."""

    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    by_kind: dict[str, list[float]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> Json:
        from stallkeeper.ops.demo.judge import spread

        kinds = {kind: spread(values) for kind, values in sorted(self.by_kind.items())}
        return {"faults": dict(self.done), "recovery_s": spread(self.first), "recovery_of_all_s": spread(self.last), "by_fault_s": kinds}


def play(drill: Drill, options: Options, say: Say) -> tuple[Json, list[str]]:
    """Play it; returns (figures, problems)."""
    begun = time.monotonic()
    with opened(options, drill.stage, say) as stage:
        problems, recovery = list[str](), Recovery()
        since = time.monotonic()
        stage.outside.trade()
        if not _wait_for_work(stage, since, recovery, ""):
            return {}, [f"no order was answered within {OVER_SECONDS:.0f} s, before any fault"]
        stage.clerk.start()
        problems += _trade(drill, stage, recovery)
        stage.clerk.stop()
        stage.outside.calm()
        traded = time.monotonic() - since
        say("The last buyer has left; waiting until all is calm")
        calm, settled = settle(stage)
        figures, wrong = _judged(stage, recovery)
        if calm:
            problems.append(f"not calm {settled:.0f} s after the last buyer: {calm}")
    placed = figures["orders_placed"]
    times = {"trade_s": round(traded, 1), "calm_s": round(settled, 1), "orders_a_second": round(placed / traded, 1)}
    return asdict(options) | figures | times | {"duration_s": round(time.monotonic() - begun, 1)}, [*problems, *wrong]


def _trade(drill: Drill, stage: Stage, recovery: Recovery) -> list[str]:
    """All faults, and all orders; the problems."""
    chance, options = Random(f"faults/{stage.options.seed}"), stage.options  # noqa: S311 - any moment will do
    for number in range(options.times):
        _until_answered(stage, number * options.orders // (options.times + 1))
        time.sleep(chance.uniform(*REST))
        fault = drill.faults[number % len(drill.faults)]
        kind = fault.__name__.replace("_", " ")
        stage.say(f"Fault {number + 1} of {options.times}: {kind}")
        since = fault(stage, chance)
        recovery.done[kind] += 1
        if not _wait_for_work(stage, since + AFTER, recovery, kind):
            return [f"no useful work within {OVER_SECONDS:.0f} s after fault {number + 1} ({kind})"]
    _until_answered(stage, options.orders)
    return []


def _keep_up(stage: Stage) -> None:
    """What the machine's own supervisor does: a hub that has ended by itself is started again."""
    if stage.hub.process is not None and stage.hub.process.poll() is not None:
        stage.hub.launch()


def _until_answered(stage: Stage, orders: int) -> None:
    """Until so many orders are answered, or nothing has moved for too long: then the judge will say what is missing."""
    moved, before = time.monotonic(), -1
    while time.monotonic() - moved < OVER_SECONDS:
        counts = stage.outside.counts()
        answered = counts["placed"] - sum(counts["waiting"].values())
        if answered >= orders or (counts["left"] == 0 and not any(counts["waiting"].values())):
            return
        if answered > before:
            moved, before = time.monotonic(), answered
        _keep_up(stage)
        time.sleep(0.1)


def _wait_for_work(stage: Stage, since: float, recovery: Recovery, kind: str) -> bool:
    """Until every stall where orders wait has seen useful work since then; False if none has for too long."""
    busy = {name for name, waiting in stage.outside.counts()["waiting"].items() if waiting}
    while time.monotonic() - since < OVER_SECONDS:
        useful = stage.outside.useful(since)
        moments = [at for at in useful.values() if at is not None]
        late = [useful[name] for name in busy]
        if moments and all(late):
            if kind:
                recovery.first.append(min(moments) - since + AFTER)
                recovery.last.append(max([at for at in late if at is not None], default=min(moments)) - since + AFTER)
                recovery.by_kind.setdefault(kind, []).append(recovery.last[-1])
            return True
        _keep_up(stage)
        busy &= {name for name, waiting in stage.outside.counts()["waiting"].items() if waiting}
        time.sleep(0.05)
    return False


# --- afterwards ---------------------------------------------------------------------------------------------------------------------------


def settle(stage: Stage) -> tuple[str, float]:
    """Wait until all is calm: ("", seconds), or what was not calm for too long."""
    begun = steady = time.monotonic()
    unrest = "?"
    while time.monotonic() - begun < CALM_SECONDS:
        unrest = _unrest(stage)
        if unrest:
            steady = time.monotonic()
        elif time.monotonic() - steady >= STEADY_SECONDS:
            return "", steady - begun
        time.sleep(0.25)
    return unrest, time.monotonic() - begun


def _unrest(stage: Stage) -> str:
    """The first thing that is not at rest; "" if everything is. Cheap enough to be asked again and again."""
    from django.db import DatabaseError, InterfaceError, connections

    from stallkeeper.ops.demo import books
    from stallkeeper.ops.drills import verdict

    if waiting := sum(stage.outside.counts()["waiting"].values()):
        return f"{waiting} orders wait for an answer"
    try:
        if not books.nothing_waits():
            return "offers or commands wait to be sent"
        theirs, ours = stage.outside.states(), verdict.states()
        if theirs != ours:
            return f"the stalls count {theirs}, the hub {ours}"
        stale = verdict.stale_offers(stage.articles, stage.outside.shown())
    except (DatabaseError, InterfaceError) as error:
        connections.close_all()
        return f"the database: {error}"
    return f"{len(stale)} offers: {stale[0]}" if stale else ""


def _judged(stage: Stage, recovery: Recovery) -> tuple[Json, list[str]]:
    from stallkeeper.ops.drills import verdict

    found = verdict.judge_all(stage.organisation_id, stage.outside, stage.articles, stage.clerk.done, stage.home)
    counts = stage.outside.counts()
    figures = {
        "orders_placed": counts["placed"],
        "orders_acknowledged": found.counts["acknowledged"],
        "orders_shipped": found.counts["shipped"],
        "acknowledged_lost": found.number("acknowledged and lost"),
        "actions_lost": found.number("action lost"),
        "commands_heard_twice": found.number("heard twice"),
        "orders_missing": found.number("order missing"),
        "orders_differing": found.number("order differs"),
        "offers": found.counts["offers"],
        "offers_not_converged": found.number("offer not converged") + found.number("believed wrongly"),
        "invariants_broken": found.number("broken"),
        "clerk": stage.clerk.done.as_json(),
        "hub_starts": stage.hub.starts,
        "calls": counts["calls"],
    }
    return figures | recovery.as_json(), found.told()
