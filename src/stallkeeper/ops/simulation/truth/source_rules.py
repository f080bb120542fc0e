"""Invariant 20: a place that has a source shows what its last file said, and what has moved since then; a stopped file moved nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from stallkeeper.ops.simulation.truth.asking import ask
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.files import FeedView, Said
from stallkeeper.ops.simulation.truth.rows import Movement
from stallkeeper.ops.simulation.truth.shop import Shop, Spot

RUNS = "SELECT id, state, reference, as_of, finished_at FROM stock_sourcerun WHERE source_id = %(source)s ORDER BY id"
MARGIN = timedelta(seconds=5)
WAITS = {"reading", "stopped", "allowed"}


class Run(NamedTuple):
    """A run of the source. Its ``reference`` begins with the mark of its file."""

    id: int
    state: str
    reference: str
    as_of: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Before:
    """The place when a run began: on hand by spot, and how many movements had been seen."""

    on_hand: Mapping[Spot, int]
    movements: int


@dataclass
class Feed:
    """One source, followed from commit to commit."""

    view: FeedView
    runs: dict[int, Run] = field(default_factory=dict)
    began: dict[int, Before] = field(default_factory=dict)
    clipped: set[tuple[int, Spot]] = field(default_factory=set)
    """(run, spot) where more had left since the file than it had: nothing is left."""
    last: Run | None = None
    rows: int = 0
    """Of the last file that was taken in."""

    def check(self, shop: Shop, *, in_step: bool = True) -> Iterator[Breach]:
        """What the source's runs have done since the last look. ``in_step``: no process has worked by a wrong clock. Locks: none."""
        runs = {row[0]: Run(*row) for row in ask(RUNS, source=self.view.source_id)}
        for move in shop.now.movements:
            if move.cause == "source":
                yield from self._moved(shop, runs, move)
        for run in runs.values():
            was = self.runs.get(run.id)
            if was is None or was.state != run.state:
                yield from self._turned(shop, was, run, in_step=in_step)
        self.runs = runs

    def silent(self, shop: Shop, now: datetime) -> Iterator[Breach]:
        """Its lane has just looked whether it is silent: then everybody must know. Figures may be taken in long after they came, by a
        process that stood still."""
        taken = self.last.finished_at if self.last is not None else None
        since = max(self.view.books.answered_at or self.view.enabled_at, taken or self.view.enabled_at)
        key = f"source:{self.view.source_id}:silent"
        if now - since > self.view.silence + MARGIN and key not in shop.now.notices:
            yield Breach("20", f"source {self.view.source_id} has answered nothing since {since}, and there is no alarm")

    def when_quiet(self, shop: Shop) -> Iterator[Breach]:
        """The file that lies there now was taken in, nothing waits, and no alarm is left."""
        waiting = [f"{run.id} is {run.state}" for run in self.runs.values() if run.state in WAITS]
        if waiting:
            yield Breach("20", f"runs of source {self.view.source_id} have not ended: {', '.join(waiting)}")
        said = self._said(self.last) if self.last is not None else None
        if self.last is None or said is None or said.body != self.view.books.now.body:
            yield Breach("20", f"the file that source {self.view.source_id} has now was not taken in")
        else:
            yield from self._exact(shop, self.last, said)
        for key in ("silent", "failed", "stopped"):
            if f"source:{self.view.source_id}:{key}" in shop.now.notices:
                yield Breach("20", f"source {self.view.source_id} is well, and its alarm ({key}) is left")

    def _said(self, run: Run) -> Said | None:
        said = self.view.books.said
        return said.get(run.reference) or said.get(run.reference.partition(":")[0])

    # --- what a movement must be ----------------------------------------------------------------------------------------------------------

    def _moved(self, shop: Shop, runs: Mapping[int, Run], move: Movement) -> Iterator[Breach]:
        _word, source, number, *_ = [*move.reference.split(":"), "", "", ""]
        run = runs.get(int(number)) if number.isdigit() else None
        if run is None or source != str(self.view.source_id):
            yield Breach("20", f"movement {move.reference} belongs to no run of a source")
            return
        spot, change = self._leg(move)
        if run.state in {"stopped", "dropped"}:
            yield Breach("20", f"run {run.id} waits for a person, or was dropped, and has moved {change} of {shop.spot(spot)}")
        said = self._said(run)
        wanted = self._wanted(said, shop.sku(spot[0])) if said is not None and said.usable else None
        if wanted is None or spot[1] != self.view.place_id:
            yield Breach("20", f"{shop.spot(spot)} moved by {change}, and the file of run {run.id} does not say anything about it")
            return
        upto, since = balance(shop, spot, run.as_of, move.id)
        if self.view.mode == "deltas":
            if change != wanted and (upto + since or change < wanted):
                yield Breach("20", f"{shop.spot(spot)} moved by {change}, the difference in the file of run {run.id} is {wanted}")
        elif move.occurred_at != run.as_of or not self._fits(shop, run, spot, wanted, upto, since):
            yield Breach("20", self._told(shop, run, spot, wanted, upto, since))

    def _leg(self, move: Movement) -> tuple[Spot, int]:
        if move.to_location_id == self.view.place_id:
            return (move.stock_unit_id, move.to_location_id), move.quantity
        return (move.stock_unit_id, move.from_location_id), -move.quantity

    def _wanted(self, said: Said, sku: str) -> int | None:
        """What the file says there was; None if it says nothing."""
        if sku in said.unread:
            return None
        return said.figures.get(sku, 0 if self.view.mode == "all" and said.whole else None)

    def _fits(self, shop: Shop, run: Run, spot: Spot, wanted: int, upto: int, since: int) -> bool:
        """Whether the ledger, up to the file's moment, has what the file says; or nothing is left, as more has gone since than it had."""
        promised = self._promised(shop, spot, run.as_of)
        if wanted + promised[0] <= upto <= wanted + promised[1]:
            return True
        clipped = upto + since == 0 and wanted + promised[0] + since <= 0
        if clipped:
            self.clipped.add((run.id, spot))
        return clipped

    def _promised(self, shop: Shop, spot: Spot, at: datetime) -> tuple[int, int]:
        """What was promised to orders then, which a net figure has taken off: as known before this commit, and with it (least and most)."""
        if self.view.basis != "net":
            return 0, 0
        sums, known = [0, 0], len(shop.kept) - len(shop.now.kept)
        for position, event in enumerate(shop.kept):
            if event.owner_type == "line" and (event.stock_unit_id, event.location_id) == spot and event.at <= at:
                sums[0] += (event.after - event.before) if position < known else 0
                sums[1] += event.after - event.before
        return min(sums), max(sums)

    def _told(self, shop: Shop, run: Run, spot: Spot, wanted: int, upto: int, since: int) -> str:
        promised = self._promised(shop, spot, run.as_of)
        return (
            f"{shop.spot(spot)}: the file of run {run.id} says {wanted} as of {run.as_of} ({self.view.basis}, promised then {promised}), "
            f"the ledger has {upto} up to then and {since} since"
        )

    # --- what a run came to ---------------------------------------------------------------------------------------------------------------

    def _turned(self, shop: Shop, was: Run | None, run: Run, *, in_step: bool) -> Iterator[Breach]:
        said = self._said(run)
        if run.state in {"reading", "allowed"}:
            here = {spot: level.on_hand for spot, level in shop.levels.items() if spot[1] == self.view.place_id}
            self.began[run.id] = Before(here, len(shop.movements))
        elif run.state == "stopped" and said is not None and was is not None:
            if self._too_much(shop, run, said) is False and (said.whole or not self._waits_before(run)):
                yield Breach("20", f"run {run.id} waits for a person, and its file changes nothing that is too much")
        elif run.state == "done":
            yield from self._done(shop, was, run, said, in_step=in_step)

    def _waits_before(self, run: Run) -> bool:
        """Whether earlier figures wait for a person: a list of changes must wait behind them."""
        return any(one.id < run.id and one.state in WAITS for one in self.runs.values())

    def _done(self, shop: Shop, was: Run | None, run: Run, said: Said | None, *, in_step: bool) -> Iterator[Breach]:
        if said is None or not said.usable:
            yield Breach("20", f"run {run.id} is done, and there was nothing in its file that could be used")
            return
        late = not in_step and run.as_of < said.changed  # of tomorrow, by the clock of whoever fetched it: it counts as of that moment
        if self.view.by_file and run.as_of != said.changed and not late:
            yield Breach("20", f"run {run.id} is as of {run.as_of}, its file is of {said.changed}")
        if was is not None and was.state == "reading" and self._too_much(shop, run, said):
            yield Breach("20", f"run {run.id} changes more than was agreed, and nobody was asked")
        self.last, self.rows = run, said.rows if said.whole else self.rows
        yield from self._exact(shop, run, said)

    def _exact(self, shop: Shop, run: Run, said: Said) -> Iterator[Breach]:
        """Every figure of the file is in the ledger, whether or not it changed anything."""
        if self.view.mode == "deltas":
            return
        for unit in shop.units.values():
            spot, wanted = (unit.id, self.view.place_id), self._wanted(said, unit.sku)
            level = shop.levels.get(spot)
            on_hand = level.on_hand if level else 0
            unasked = unit.sku not in said.figures and not on_hand
            if wanted is None or unasked or (run.id, spot) in self.clipped or self._later(shop, run, spot):
                continue
            upto, since = balance(shop, spot, run.as_of)
            if not self._fits(shop, run, spot, wanted, upto, since):
                yield Breach("20", self._told(shop, run, spot, wanted, upto, since))

    def _later(self, shop: Shop, run: Run, spot: Spot) -> bool:
        """Whether somebody has entered something since the run began that happened before its file, or nobody knows when it began."""
        before = self.began.get(run.id)
        entered = shop.movements[before.movements :] if before is not None else ()
        return before is None or any(_foreign(move) and spot in _spots(move) and move.occurred_at <= run.as_of for move in entered)

    def _too_much(self, shop: Shop, run: Run, said: Said) -> bool | None:
        """Whether the file would change more than was agreed; None if others have changed the place while it was looked at."""
        before, view = self.began.get(run.id), self.view
        if before is None:
            return None
        entered = shop.movements[before.movements :]
        if any(_foreign(move) and view.place_id in (move.from_location_id, move.to_location_id) for move in entered):
            return None
        filled = {spot: units for spot, units in before.on_hand.items() if units > 0}
        changed = zeroed = 0
        for spot, on_hand in filled.items():
            after = self._after(shop, run, said, spot, on_hand, before.movements)
            if after is None:
                return None
            changed += after != on_hand
            zeroed += after == 0
        many = [(zeroed, view.zero_limit), (changed, view.change_limit)]
        over = any(some >= max(view.limits_from, 1) and some * 100 > limit * len(filled) for some, limit in many)
        return over or (said.whole and self.rows >= view.limits_from and said.rows * 100 < view.least_rows * self.rows)

    def _after(self, shop: Shop, run: Run, said: Said, spot: Spot, on_hand: int, seen: int) -> int | None:
        """What would be on hand; None if nobody can tell."""
        wanted = self._wanted(said, shop.sku(spot[0]))
        if wanted is None or (self.view.mode == "deltas" and shop.sku(spot[0]) not in said.figures):
            return on_hand
        if self.view.mode == "deltas":
            return max(on_hand + wanted, 0)
        least, most = self._promised(shop, spot, run.as_of)
        since = sum(_into(move, spot) for move in shop.movements[:seen] if move.occurred_at > run.as_of)
        return max(wanted + since + least, 0) if least == most else None


def balance(shop: Shop, spot: Spot, at: datetime, last: int | None = None) -> tuple[int, int]:
    """By the ledger up to movement ``last``: on hand at that moment, and what moved after it."""
    upto = since = 0
    for move in shop.movements:
        if last is None or move.id <= last:
            change = _into(move, spot)
            if move.occurred_at <= at:
                upto += change
            else:
                since += change
    return upto, since


def _into(move: Movement, spot: Spot) -> int:
    if move.stock_unit_id != spot[0]:
        return 0
    return move.quantity * ((move.to_location_id == spot[1]) - (move.from_location_id == spot[1]))


def _spots(move: Movement) -> tuple[Spot, Spot]:
    return (move.stock_unit_id, move.from_location_id), (move.stock_unit_id, move.to_location_id)


def _foreign(move: Movement) -> bool:
    return move.cause != "source"
