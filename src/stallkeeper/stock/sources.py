"""Figures of a source go into the ledger, or wait for a person: nothing is changed before all of it is known (C21).

A run reads all rows, works out what they would do, and stops if that is too much at once: too many levels to zero, too many changed, or a
file much shorter than the last one. What may go on is applied in transactions of some thousand rows. A run that was interrupted is done
again under its own number: what it has written already is not written twice.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from stallkeeper.core import audit, clock, notify, words
from stallkeeper.core.models import Severity
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.stock import imports_queries, ledger, places
from stallkeeper.stock import source_figures as reading
from stallkeeper.stock import source_queries as queries
from stallkeeper.stock.ledger import Move
from stallkeeper.stock.models import TYPED, Cause, SourceMode, SourceProblem, SourceRun, StockSource, VirtualRole
from stallkeeper.stock.source_figures import MISSING, Read, Wanted
from stallkeeper.stock.source_queries import Standing
from stallkit.sources.types import Figure, RowProblem
from stallkit.tables.cells import FileRefused, Problem
from stallkit.words import joined
from stallkit.words import said as _

KEEP = timedelta(days=30)
KEEP_PROBLEMS = 10
"""Runs of a source whose problems by row are kept; the counts of all stay for KEEP."""
WORTH_ANALYZING = 1_000
State = SourceRun.State
ENDED = (State.DONE, State.STOPPED, State.ALLOWED, State.DROPPED, State.REPLACED)
"""States in which the same figures again are nothing new."""


class SourceError(ValueError):
    """The source or its run cannot be changed so; the text says which field and why."""


Guard = Callable[[], None]
"""Called first in each transaction: raises if whoever began the run may not write any more."""


def _free() -> None:
    """Nobody else could have taken over."""


def take_in(
    source_id: int,
    figures: Iterable[Figure | RowProblem],
    *,
    as_of: datetime,
    reference: str,
    whole: bool,
    actor: str,
    allow: bool = False,
    name: str = "",
    fingerprint: str = "",
    guard: Guard = _free,
) -> SourceRun:
    """Take figures of a source into the ledger; returns the run with its state, counts and problems by row. Call it in the organisation's
    scope, outside of a transaction.

    ``whole``: the file lists everything; if not, what is missing is unchanged, whatever the source's mode. ``reference`` names the figures
    within the source: the same again is a no-op. ``allow`` passes the limits. ``name`` is the file's, for people;
    ``fingerprint`` is kept with the source once the figures are in, or wait. FileRefused is not raised: the run ends as failed, with the
    reason, and the stock is as before.
    """
    source = StockSource.objects.select_related("location").get(pk=source_id)
    run = _begin(source, reference, whole, min(as_of, clock.now()), actor, name, guard)
    if run.state != State.READING:
        return run
    return _Work(source, run, guard, allow, fingerprint).all(figures)


def reference_of(source: StockSource, fingerprint: str) -> str:
    """A reference for a file: its fingerprint, and the run before. So a file that comes again is known, and one that comes back is new."""
    last = source.runs.exclude(state__in=(State.READING, State.FAILED)).order_by("-pk").values_list("pk", flat=True).first()
    return f"{hashlib.sha256(fingerprint.encode()).hexdigest()[:40]}:{last or 0}"


def differs(source: StockSource, figures: Iterable[Figure | RowProblem], as_of: datetime) -> bool:
    """Whether whole figures that were taken in before would change a level now, or their last run was interrupted. False if that run waits
    for a person, or a person has dropped it: what was decided is not asked again."""
    last = source.runs.exclude(state=State.FAILED).order_by("-pk").values_list("state", flat=True).first()
    if last != State.DONE:
        return last == State.READING
    found = reading.read(source, figures, as_of, clock.now())
    absent = reading.missing(found, source, as_of) if source.mode == SourceMode.ALL and not found.blind else []
    pairs = reading.gather(source, [*found.wanted, *absent])
    return any(max(reading.goal(source.mode, source.basis, row.quantity, there), 0) != there.on_hand for row, there in pairs)


def read_before(source: StockSource) -> datetime | None:
    """The moment of the figures that came last, whatever became of them."""
    return source.runs.exclude(state__in=(State.READING, State.FAILED)).order_by("-pk").values_list("as_of", flat=True).first()


def let_through(uc: UseCase, run_id: int) -> SourceRun:
    """A person has looked at a stopped run: it goes on as soon as the source's turn comes. SourceError if it is not waiting any more."""
    run = SourceRun.objects.select_related("source").get(pk=run_id)
    older = run.source.runs.filter(state=State.STOPPED, pk__lt=run.pk).order_by("pk").first()
    if older is not None and run.source.mode != SourceMode.DELTAS:
        raise SourceError(_("run {pk} came before and waits, too: let it through or drop it first", pk=older.pk))
    _settle(run, state=State.ALLOWED, allowed_by=uc.actor[:60])
    audit.record(uc, "allow.source_run", "stock_source", run.source_id, run=run.pk, zeroed=run.rows_zeroed, changed=run.rows_changed)
    uc.mark(WAKE, [run.source_id])
    return run


def drop(uc: UseCase, run_id: int) -> SourceRun:
    """A person has looked at a stopped run: its figures are not wanted. SourceError if it is not waiting any more."""
    run = SourceRun.objects.select_related("source").get(pk=run_id)
    _settle(run, state=State.DROPPED, finished_at=uc.at, body=None)
    if not run.source.runs.filter(state=State.STOPPED).exists():
        notify.resolve(uc, _stopped_key(run.source_id))
        StockSource.objects.filter(pk=run.source_id).update(**words.columns("last_error", ""))
    audit.record(uc, "drop.source_run", "stock_source", run.source_id, run=run.pk)
    return run


OVERTAKEN = _("It was interrupted, and newer figures came before it was repeated.")
WAKE = "wake_source"
"""Mark: sources whose lane has something to do now."""


def _settle(run: SourceRun, **fields: object) -> None:
    """Change a run that waits; two people who do so at once are told who was first."""
    if not SourceRun.objects.filter(pk=run.pk, state=State.STOPPED).update(**fields):
        raise SourceError(_("run {pk} does not wait for anybody any more", pk=run.pk))
    run.refresh_from_db()


def waiting_to_go_on(source: StockSource) -> list[int]:
    """Runs that a person has let through and that have not ended."""
    return list(source.runs.filter(state=State.ALLOWED).order_by("pk").values_list("pk", flat=True))


def go_on(run_id: int, *, guard: Guard = _free) -> SourceRun:
    """Do what a person has let through, with the rows that were kept; what another worker has begun of it is not done twice."""
    run = SourceRun.objects.select_related("source__location").get(pk=run_id)
    if run.state != State.ALLOWED or run.body is None:
        return run
    return _Work(run.source, run, guard, allow=True, again=True).all(reading.unpack(bytes(run.body)))


@again_on_conflict
def _begin(source: StockSource, reference: str, whole: bool, as_of: datetime, actor: str, name: str, guard: Guard) -> SourceRun:
    """The run of this reference: new, or begun before and not ended, or one that ended."""
    with use_case("source.begin", organisation_id=source.organisation_id, actor=actor) as uc:
        guard()
        run, _new = SourceRun.objects.get_or_create(
            organisation_id=source.organisation_id,
            source=source,
            reference=reference[:120],
            defaults={"whole": whole, "as_of": as_of, "actor": actor[:60], "name": name[:255], "started_at": uc.at},
        )
        if run.state not in ENDED:
            run.problems.all().delete()
            if run.state == State.FAILED:  # refused for its moment, perhaps: what is fetched again is of another one
                run.as_of = as_of
            run.state, run.problem, run.problem_words, run.rows_changed = State.READING, "", None, 0
            run.save(update_fields=["state", "problem", "problem_words", "rows_changed", "as_of"])
            left = source.runs.filter(state=State.READING, pk__lt=run.pk)
            left.update(state=State.FAILED, finished_at=uc.at, **words.columns("problem", OVERTAKEN))
        StockSource.objects.filter(pk=source.pk).update(last_run_at=uc.at)
    return run


def _stopped_key(source_id: int) -> str:
    return f"source:{source_id}:stopped"


@dataclass(slots=True)
class _Judged:
    """What a run would do: rows that change something, levels that would be emptied, and why that is too much ("" = it is not)."""

    changing: list[Wanted] = field(default_factory=list)
    zeroed: int = 0
    reasons: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Work:
    """One run on its way. ``again``: it was stopped and let through."""

    source: StockSource
    run: SourceRun
    guard: Guard
    allow: bool
    fingerprint: str = ""
    again: bool = False

    def all(self, figures: Iterable[Figure | RowProblem]) -> SourceRun:
        """From the rows to the end of the run. Raises what nobody foresaw, after the run was told to have failed."""
        try:
            found = self._read(figures)
            missing = self._missing(found)
            judged = self._judge([*found.wanted, *missing], found)
        except FileRefused as refused:
            return self._end(State.FAILED, str(refused), list(refused.problems))
        self.run.rows_missing, self.run.rows_zeroed = len(missing), judged.zeroed
        if judged.reasons and not self.allow:
            self.run.rows_changed = len(judged.changing)
            return self._stop(found, joined(judged.reasons))
        problems = self._apply(judged.changing)
        return self._end(State.DONE, self._note(found), [*found.problems, *problems])

    def _read(self, figures: Iterable[Figure | RowProblem]) -> Read:
        found = reading.read(self.source, figures, self.run.as_of, clock.now())
        self.run.rows_total, self.run.rows_used, self.run.rows_left_out = found.rows, len(found.wanted), found.left_out
        if not found.rows and self.run.whole:
            raise FileRefused(_("There is no row of figures in it. Nothing was changed: an empty file does not mean an empty shelf."))
        if found.problems and not found.wanted and not found.left_out:
            raise FileRefused(_("None of the {rows:,} rows could be used; nothing was changed.", rows=found.rows), found.problems)
        stale = self.source.last_as_of is not None and self.run.as_of < self.source.last_as_of
        if stale and not self.again and self.source.mode != SourceMode.DELTAS:
            now, last = f"{self.run.as_of:%Y-%m-%d %H:%M:%S}", f"{self.source.last_as_of:%Y-%m-%d %H:%M:%S}"
            raise FileRefused(
                _("These figures are of {now} UTC, older than those of {last} that were taken in; nothing was changed.", now=now, last=last)
            )
        return found

    def _missing(self, found: Read) -> list[Wanted]:
        if self.source.mode != SourceMode.ALL or not self.run.whole or found.blind:
            return []
        return reading.missing(found, self.source, self.run.as_of)

    def _note(self, found: Read) -> str:
        if self.source.mode == SourceMode.ALL and self.run.whole and found.blind:
            return _("Rows could not be read, and nobody knows which articles they are about: so nothing that is missing was set to zero.")
        return ""

    def _judge(self, wanted: Sequence[Wanted], found: Read) -> _Judged:
        """Compare with what is there, by place and in all."""
        judged, changed, zeroed = _Judged(), Counter[int](), Counter[int]()
        for row, standing in reading.gather(self.source, wanted):
            after = max(reading.goal(self.source.mode, self.source.basis, row.quantity, standing), 0)
            if after != standing.on_hand:
                judged.changing.append(row)
                changed[row.location_id] += int(standing.on_hand > 0)
                zeroed[row.location_id] += int(after == 0)
        judged.zeroed = zeroed.total()
        judged.reasons = self._reasons(found, changed, zeroed)
        return judged

    def _reasons(self, found: Read, changed: Counter[int], zeroed: Counter[int]) -> list[str]:
        source, reasons = self.source, []
        with connection.cursor() as cursor:
            filled = Counter(imports_queries.filled_levels(cursor, source.organisation_id, reading.Places(source).ids))
        groups = [(changed[place], zeroed[place], filled[place]) for place in filled]
        for some, none, there in [*groups, (changed.total(), zeroed.total(), filled.total())]:
            if _too_many(none, there, source.zero_limit, source.limits_from):
                reasons.append(_("{none:,} of {there:,} articles in stock would go to zero.", none=none, there=there))
            if _too_many(some, there, source.change_limit, source.limits_from):
                reasons.append(_("{some:,} of {there:,} articles in stock would get another number.", some=some, there=there))
        if self.run.whole and source.last_rows >= source.limits_from and found.rows * 100 < source.least_rows * source.last_rows:
            reasons.append(_("It has {rows:,} rows; the one before had {last:,}.", rows=found.rows, last=source.last_rows))
        waits = source.runs.filter(state__in=(State.STOPPED, State.ALLOWED), pk__lt=self.run.pk).exists()
        if waits and not self.run.whole and source.mode != SourceMode.DELTAS:
            reasons.append(_("It lists changes only, and figures that came before it wait for a person."))
        return list(dict.fromkeys(reasons))

    def _stop(self, found: Read, why: str) -> SourceRun:
        body = reading.pack(found.came)
        text = joined([why, _("Nothing was changed. Look at the figures; then let them through, or drop them.")])
        with self._ending() as uc:
            self.guard()
            self._replace_older(uc)
            self.run.state, self.run.body, self.run.finished_at = State.STOPPED, body, uc.at
            self._say(text)
            self._keep(found.problems)
            self._forget_old(uc)
            self._change_source(**words.columns("last_error", text, 500))
            title = _("{source}: new figures wait for you", source=self.source.name)
            notify.raise_(uc, _stopped_key(self.source.pk), Severity.ERROR, title, text, f"/sources/{self.source.pk}/runs/{self.run.pk}/")
            audit.record(uc, "stop.source_run", "stock_source", self.source.pk, run=self.run.pk, reason=why)
        return self.run

    def _end(self, state: SourceRun.State, problem: str, problems: Sequence[Problem]) -> SourceRun:
        with self._ending() as uc:
            self.guard()
            if state == State.DONE:
                self._replace_older(uc)
                self._done(uc)
            else:
                StockSource.objects.filter(pk=self.source.pk).update(**words.columns("last_error", problem, 500))
                title = _("{source}: the figures could not be used", source=self.source.name)
                notify.raise_(uc, f"source:{self.source.pk}:failed", Severity.WARNING, title, problem, f"/sources/{self.source.pk}/")
            self.run.state, self.run.finished_at, self.run.body = state, uc.at, None
            self._say(problem)
            self._keep(problems)
            self._forget_old(uc)
            counts = {"rows": self.run.rows_total, "changed": self.run.rows_changed, "refused": self.run.rows_refused}
            audit.record(uc, "end.source_run", "stock_source", self.source.pk, run=self.run.pk, state=str(state), **counts)
        return self.run

    def _done(self, uc: UseCase) -> None:
        source = self.source
        fields: dict[str, object] = {"last_success_at": uc.at, **words.columns("last_error", "")}
        fields["last_as_of"] = max(self.run.as_of, source.last_as_of or self.run.as_of)
        if self.run.whole:
            fields["last_rows"] = self.run.rows_total
        if source.once:
            fields |= {"kind": TYPED, "once": False, "enabled": False, "next_at": None}
        self._change_source(**fields)
        notify.resolve(uc, *(f"source:{source.pk}:{key}" for key in ("failed", "silent")))
        if not source.runs.filter(state=State.STOPPED).exclude(pk=self.run.pk).exists():
            notify.resolve(uc, _stopped_key(source.pk))

    def _forget_old(self, uc: UseCase) -> None:
        """However a run ends: the runs of a source that fails for months grow, too."""
        with connection.cursor() as cursor:
            queries.forget_problems(cursor, self.source.pk, KEEP_PROBLEMS)
            queries.forget_runs(cursor, self.source.pk, uc.at - KEEP)

    def _change_source(self, **fields: object) -> None:
        """In the transaction that ends the run: or the same file would come once more, as a new one."""
        if self.fingerprint:
            fields["fingerprint"] = self.fingerprint
        StockSource.objects.filter(pk=self.source.pk).update(**fields)

    def _replace_older(self, uc: UseCase) -> None:
        """Whole figures say all that earlier ones said: those need not wait any more. Differences are each wanted."""
        if self.run.whole and self.source.mode != SourceMode.DELTAS:
            older = self.source.runs.filter(state__in=(State.STOPPED, State.ALLOWED), pk__lt=self.run.pk)
            older.update(state=State.REPLACED, finished_at=uc.at, body=None)

    def _say(self, text: str) -> None:
        self.run.problem, self.run.problem_words = words.storable(text), words.kept(text)

    def _keep(self, problems: Sequence[Problem]) -> None:
        self.run.problems.all().delete()
        rows = [_kept(problem) for problem in problems]
        with connection.cursor() as cursor:
            if rows:
                queries.add_problems(cursor, self.run.organisation_id, self.run.pk, rows)
        self.run.rows_refused = SourceProblem.objects.filter(run=self.run, row__gt=0).values("row").distinct().count()
        self.run.save()

    def _ending(self) -> AbstractContextManager[UseCase]:
        return use_case("source.end", organisation_id=self.source.organisation_id, actor=self.run.actor)

    def _apply(self, wanted: Sequence[Wanted]) -> list[Problem]:
        problems: list[Problem] = []
        ordered = sorted(wanted, key=lambda row: (row.unit_id, row.location_id))
        for start in range(0, len(ordered), reading.BATCH):
            changed, some = self._apply_part(ordered[start : start + reading.BATCH])
            self.run.rows_changed += changed
            problems += some
            if start == 0 and len(ordered) >= WORTH_ANALYZING:  # a plan made for an empty table would scan all for each row
                with connection.cursor() as cursor:
                    queries.analyze(cursor)
        return problems

    @again_on_conflict
    def _apply_part(self, part: Sequence[Wanted]) -> tuple[int, list[Problem]]:
        with use_case("source.take_in", organisation_id=self.source.organisation_id, actor=self.run.actor) as uc:
            self.guard()
            with connection.cursor() as cursor:
                held = ledger.hold(uc, cursor, ((row.unit_id, row.location_id) for row in part))
            pairs = list(reading.gather(self.source, part))
            adjustment = places.virtual(uc, VirtualRole.ADJUSTMENT).pk
            moves = [move for row, standing in pairs if (move := self._move(row, standing, adjustment)) is not None]
            new = ledger.post(uc, moves, held)
        return len(new), [_gone(row) for row, standing in pairs if self._goal(row, standing) < 0]

    def _goal(self, row: Wanted, standing: Standing) -> int:
        return reading.goal(self.source.mode, self.source.basis, row.quantity, standing)

    def _move(self, row: Wanted, standing: Standing, adjustment: int) -> Move | None:
        delta = max(self._goal(row, standing), 0) - standing.on_hand
        if not delta:
            return None
        origin, target = (adjustment, row.location_id) if delta > 0 else (row.location_id, adjustment)
        named = f"{row.unit_id}:{row.location_id}" if row.number == MISSING else str(row.number)
        reference = f"source:{self.source.pk}:{self.run.pk}:{named}"
        return Move(row.unit_id, abs(delta), origin, target, Cause.SOURCE, reference, row.at, self.source.name)


def _too_many(some: int, there: int, limit: int, least: int) -> bool:
    return some >= max(least, 1) and some * 100 > limit * there


def _gone(row: Wanted) -> Problem:
    text = _("More has left since then, by the ledger, than the source had: the place is at zero now. Count it.")
    return Problem(max(row.number, 0), "quantity", str(row.quantity), text)


def _kept(problem: Problem) -> queries.ProblemRow:
    column, value, message = (words.storable(text) for text in (problem.column, problem.value, problem.message))
    return max(problem.row, 0), column[:60], value[:200], message[:300], words.kept_json(problem.message)
