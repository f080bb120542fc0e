"""How every import runs: rows in chunks, one transaction each; a bad row is refused and named, and never stops the good ones.

Reading and checking rows (pure Python) happens in a thread of its own, up to two chunks ahead of the database.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import psycopg.errors
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connection

from stallkeeper.catalog.imports import runs_queries
from stallkeeper.catalog.imports.columns import Layout
from stallkeeper.catalog.imports.files import Table, open_table
from stallkeeper.catalog.models import ImportRun
from stallkeeper.core import audit, clock, crash, words
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import SYSTEM, UseCase, use_case
from stallkit.tables.cells import Cell, FileRefused, Problem
from stallkit.words import said as _

CHUNK = 5_000
WORTH_ANALYZING = 1_000
WORKERS = 3
"""Chunks that are applied at the same time."""
SWITCH_SECONDS = 0.0005
"""How long the reading thread may keep the interpreter while the other one has an answer of the database: ten times less than usual."""
TRIES = 5
Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all) as the import goes on."""


class Item(Protocol):
    """A row that was read and found right."""

    @property
    def number(self) -> int:
        """The row's number in the file."""
        ...


I = TypeVar("I", bound=Item)  # noqa: E741 - the usual name of an item's type
I_co = TypeVar("I_co", bound=Item, covariant=True)
Out = TypeVar("Out")


class Reader(Protocol[I_co]):
    """Turns rows into items. ``read`` gives None for a refused row and leaves the reasons in ``problems``."""

    problems: list[Problem]

    def read(self, number: int, cells: list[Cell]) -> I_co | None:
        """One row, checked without the database."""
        ...


@dataclass(slots=True)
class Chunk(Generic[I]):
    """Rows of the file: those that are right, what was wrong with the others, and how many there were."""

    items: list[I]
    problems: list[Problem]
    rows: int


@dataclass(slots=True)
class Outcome:
    """What applying items brought: how many rows changed something, and rows that the database knows to be wrong."""

    changed: int = 0
    problems: list[Problem] = field(default_factory=list)


class Stopped(RuntimeError):
    """A run would do more than it may without a person's word. The text says what and how to allow it."""


Apply = Callable[[UseCase, list[I]], Outcome]
"""Brings items into the database, in the transaction of the use case."""


class _DryRun(Exception):
    """Takes a chunk's changes back."""


@dataclass(slots=True)
class Job:
    """One run of an import: its row, which everybody can watch, and who wants to hear of its progress."""

    run: ImportRun
    progress: Progress | None = None
    refused: set[int] = field(default_factory=set)
    """Numbers of refused rows."""

    def note(self, problems: Sequence[Problem]) -> None:
        """Keep problems for the report."""
        if not problems:
            return
        self.refused.update(problem.row for problem in problems)
        rows = [_kept(problem) for problem in problems]
        with crash.committing("import_run.problems"), connection.cursor() as cursor:
            runs_queries.add_problems(cursor, self.run.organisation_id, self.run.pk, rows)

    def advance(self, rows: int, changed: int) -> None:
        """Count rows as done, for everybody to see."""
        self.run.rows_done += rows
        self.run.rows_changed += changed
        self.run.rows_refused = len(self.refused)
        self.run.rows_total = max(self.run.rows_total, self.run.rows_done)
        self.save("rows_done", "rows_changed", "rows_refused", "rows_total")
        if self.progress is not None:
            self.progress(self.run.rows_done, self.run.rows_total)

    def apply(self, items: list[I], apply: Apply[I], refusals: tuple[type[Exception], ...] = ()) -> Outcome:
        """Apply items in one transaction. If the database (or an error of ``refusals``) refuses them, apply halves: one row is refused."""
        if not items:
            return Outcome()
        caught: tuple[type[Exception], ...] = (DataError, IntegrityError, *refusals)
        try:
            return self._in_one_transaction(items, apply)
        except caught as error:
            if len(items) == 1:
                said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                return Outcome(0, [Problem(items[0].number, "", "", _("The row was refused: {said}", said=said))])
        middle = len(items) // 2
        first, second = self.apply(items[:middle], apply, refusals), self.apply(items[middle:], apply, refusals)
        return Outcome(first.changed + second.changed, first.problems + second.problems)

    def _in_one_transaction(self, items: list[I], apply: Apply[I]) -> Outcome:
        for attempt in range(1, TRIES + 1):
            try:
                return self._once(items, apply)
            except OperationalError as error:
                passing = isinstance(error.__cause__, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)
                if not passing or attempt == TRIES:
                    raise
        raise AssertionError("unreachable")

    def _once(self, items: list[I], apply: Apply[I]) -> Outcome:
        run, outcome = self.run, Outcome()
        with suppress(_DryRun), use_case(f"import.{run.kind}", organisation_id=run.organisation_id, actor=run.actor, at=clock.now()) as uc:
            outcome = apply(uc, items)
            if run.dry_run:
                with connection.cursor() as cursor:
                    runs_queries.check_constraints_now(cursor)
                raise _DryRun
            audit.record(uc, uc.name, "import_run", run.pk, rows=f"{items[0].number}-{items[-1].number}", changed=outcome.changed)
        return outcome

    def analyze(self, tables: Sequence[str]) -> None:
        """Refresh the planner's figures of the tables that the import fills; not in a dry run, which fills nothing."""
        if not self.run.dry_run:
            with connection.cursor() as cursor:
                runs_queries.analyze(cursor, tables)

    def finish(self, state: ImportRun.State, problem: str = "") -> None:
        """Write how the run ended."""
        self.run.state, self.run.finished_at = state, clock.now()
        self.run.problem, self.run.problem_words = words.storable(problem), words.kept(problem)
        self.run.rows_refused = len(self.refused - {0})
        self.save("state", "problem", "problem_words", "finished_at", "rows_refused", "rows_done", "rows_total")

    def save(self, *fields: str) -> None:
        """Store fields of the run's row, visible to all at once."""
        with organisation_scope(self.run.organisation_id), crash.around("commit:import_run.progress"):
            self.run.save(update_fields=list(fields))


def queue_run(kind: str, file_name: str, organisation_id: int, actor: str = SYSTEM, dry_run: bool = False) -> ImportRun:
    """The row of an import that will run later; hand it to the import as ``run``."""
    with organisation_scope(organisation_id), crash.around("commit:import_run.queue"):
        return ImportRun.objects.create(
            organisation_id=organisation_id,
            kind=kind,
            file_name=Path(file_name).name[-255:],
            dry_run=dry_run,
            state=ImportRun.State.QUEUED,
            actor=actor,
            started_at=clock.now(),
        )


def perform(job: Job, layout: Layout, file: Path, encoding: str | None, work: Callable[[Job, Table], None]) -> ImportRun:
    """Open the file and do the work. A file that cannot be read ends the run as failed, with the reason and what to do; nothing is raised.

    What nobody foresaw is raised, after the run was marked as failed; chunks that were applied before stay.
    """
    close_interrupted(job.run.organisation_id)
    with organisation_scope(job.run.organisation_id), held(job.run.pk):
        return _perform(job, layout, file, encoding, work)


def close_interrupted(organisation_id: int) -> int:
    """Mark runs as failed whose process was killed; screens may call it before they show runs. How many there were."""
    problem = _("The import was interrupted. Run it again: rows that are in already change nothing.")
    with organisation_scope(organisation_id), crash.committing("import_run.interrupted"), connection.cursor() as cursor:
        return runs_queries.close_interrupted(cursor, organisation_id, clock.now(), problem, words.kept_json(problem))


@contextmanager
def held(run_id: int) -> Iterator[None]:
    """Others can see that the run is alive; ends with the process, however that ends."""
    with connection.cursor() as cursor:
        runs_queries.hold_run(cursor, run_id)
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:  # a connection that broke has let go by itself
            runs_queries.let_go(cursor, run_id)


def _perform(job: Job, layout: Layout, file: Path, encoding: str | None, work: Callable[[Job, Table], None]) -> ImportRun:
    job.run.state, job.run.started_at = ImportRun.State.READING, clock.now()
    job.save("state", "started_at")
    try:
        table = open_table(file, layout, encoding)
        job.run.rows_total = table.total
        job.save("rows_total")
        work(job, table)
    except FileRefused as refused:
        job.note(refused.problems or [Problem(0, "", "", str(refused))])
        job.finish(ImportRun.State.FAILED, str(refused))
    except Stopped as stopped:
        job.finish(ImportRun.State.STOPPED, str(stopped))
    except BaseException as error:
        _fail(job, error)
        raise
    else:
        job.run.rows_total = job.run.rows_done
        job.finish(ImportRun.State.DONE)
    return job.run


def _fail(job: Job, error: BaseException) -> None:
    done = _("nothing was changed")
    if not job.run.dry_run:
        done = _("{done:,} of {total:,} rows had been taken in before", done=job.run.rows_done, total=job.run.rows_total)
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    with suppress(DatabaseError):  # the database itself may be what failed; the error is raised either way
        again = _("The import broke off ({said}); {done}. Run it again: rows that are in already change nothing.", said=said, done=done)
        job.finish(ImportRun.State.FAILED, again)


def chunks(table: Table, reader: Reader[I], size: int = CHUNK) -> Iterator[Chunk[I]]:
    """The table in chunks of rows; FileRefused if it has none."""
    items: list[I] = []
    rows = number = 0
    for number, cells in table.rows():
        rows += 1
        item = reader.read(number, cells)
        if item is not None:
            items.append(item)
        if rows == size:
            yield Chunk(items, _taken(reader), rows)
            items, rows = [], 0
    if rows:
        yield Chunk(items, _taken(reader), rows)
    if not number:
        raise FileRefused(_("The file has a header, but no rows below it. Nothing was changed."))


def _taken(reader: Reader[I]) -> list[Problem]:
    problems, reader.problems = reader.problems, []
    return problems


def take_in(
    job: Job, source: Iterable[Chunk[I]], apply: Apply[I], tables: Sequence[str], refusals: tuple[type[Exception], ...] = ()
) -> None:
    """Apply all chunks, keeping the run's row, its problems, and the planner's figures of ``tables`` up to date."""
    source = iter(source)
    first = next(source, None)
    if first is None:
        return
    if _noted(job, first, job.apply(first.items, apply, refusals)) >= WORTH_ANALYZING:
        job.analyze(tables)
    since = sum(_noted(job, *done) for done in applied(job, source, apply, refusals))
    if since >= WORTH_ANALYZING:
        job.analyze(tables)


def _noted(job: Job, chunk: Chunk[I], outcome: Outcome) -> int:
    job.note([*chunk.problems, *outcome.problems])
    job.advance(chunk.rows, outcome.changed)
    return chunk.rows


def applied(
    job: Job, source: Iterator[Chunk[I]], apply: Apply[I], refusals: tuple[type[Exception], ...] = ()
) -> Iterator[tuple[Chunk[I], Outcome]]:
    """Apply chunks, several at a time on connections of their own, and give each with its outcome, in order.

    Most of the work is PostgreSQL's checking of foreign keys, one row after the other: several connections keep several cores busy. Inside
    a transaction (tests) others would not see its rows, so there everything runs on the connection at hand.
    """
    if connection.in_atomic_block:
        yield from ((chunk, job.apply(chunk.items, apply, refusals)) for chunk in source)
        return

    def work(chunk: Chunk[I]) -> tuple[Chunk[I], Outcome]:
        try:
            return chunk, job.apply(chunk.items, apply, refusals)
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="import") as pool:
        running: deque[Future[tuple[Chunk[I], Outcome]]] = deque()
        for chunk in source:
            running.append(pool.submit(work, chunk))
            if len(running) > WORKERS:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


class _End:
    """What a thread leaves when it has nothing more: the error that ended it, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(source: Iterator[Out], depth: int = 2) -> Iterator[Out]:
    """The same things in the same order, worked out in a thread up to ``depth`` ahead. Errors of the source are raised here."""
    waiting: queue.Queue[Out | _End] = queue.Queue(maxsize=depth)
    stop = threading.Event()

    def put(thing: Out | _End) -> bool:
        while not stop.is_set():
            with suppress(queue.Full):
                waiting.put(thing, timeout=0.1)
                return True
        return False

    def work() -> None:
        try:
            for thing in source:
                if not put(thing):
                    return
            put(_End())
        except BaseException as error:  # noqa: BLE001 - handed over and raised by the reader of the queue
            put(_End(error))

    thread = threading.Thread(target=work, name="import-reader", daemon=True)
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    thread.start()
    try:
        while not isinstance(thing := waiting.get(), _End):
            yield thing
        if thing.error is not None:
            raise thing.error
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)


def _kept(problem: Problem) -> runs_queries.ProblemRow:
    value, message = words.storable(problem.value), words.storable(problem.message)
    return problem.row, problem.column[:60], value[:200], message[:300], words.kept_json(problem.message)
