"""Locks of lanes, of imports that run, and of the installation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.db import IntegrityError, connection

from stallkeeper.catalog.imports import runs
from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels import lanes_queries
from stallkeeper.channels.models import Lane, LaneKind
from stallkeeper.core import clock, targets
from stallkeeper.core.models import NoticeMessage, NoticeTarget
from stallkeeper.stock import source_setup
from stallkeeper.stock.models import SourceRun
from stallkeeper.sync import source_samples, telling
from stallkeeper.sync.exchange import accounts, sessions, uploads
from stallkeeper.sync.exchange.accounts import Agreed
from stallkeeper.sync.models import ExchangePart, ExchangeSession
from stallkit.errors import Refused
from stallkit.sources.commerceml.session import Kind
from tests.races.explorer import Race
from tests.races.locks import Belt, Pair, Proof, Proved
from tests.races.locks.acting import Results, counted_once, gate
from tests.shop import Shop


def two_want_a_run() -> Race:
    shop = Shop.open()
    account = shop.channel().connection_id
    with shop.scope():
        lane = Lane.objects.get(subject_id=account, kind=LaneKind.TRADE)

    def want() -> object:
        with shop.scope(), connection.cursor() as cursor:
            return lanes_queries.want(cursor, [account], LaneKind.TRADE, shop.at)

    return replace(counted_once(want), gate=gate(shop, "channels_lane", lane.pk))


def an_import_runs_while_somebody_looks() -> Race:
    shop = Shop.open()
    with shop.scope():
        run = ImportRun.objects.create(
            organisation=shop.organisation, kind="product", file_name="f.csv", actor="user:1", started_at=clock.now()
        )

    def work() -> None:
        with shop.scope(), runs.held(run.pk):
            for state in (ImportRun.State.READING, ImportRun.State.DONE):
                ImportRun.objects.filter(pk=run.pk).update(state=state)

    def broken() -> str:
        with shop.scope():
            run.refresh_from_db()
        return "" if not run.problem else f"a living run was told to have failed: {run.problem}"

    return Race(work, lambda: runs.close_interrupted(shop.organisation.pk), broken)


def a_file_is_taken_in_while_somebody_looks() -> Race:
    shop = Shop.open()
    with shop.use_case() as uc:
        source = source_setup.add(uc, shop.place, "upload", {}, {}, {"name": "file"})
        run = SourceRun.objects.create(
            organisation=shop.organisation, source=source, reference="f", state="dropped", as_of=uc.at, actor="user:1", started_at=uc.at
        )

    def work() -> None:
        with shop.scope(), source_samples.held(source):
            for state in (SourceRun.State.READING, SourceRun.State.DONE):
                SourceRun.objects.filter(pk=run.pk).update(state=state)

    def broken() -> str:
        with shop.scope():
            run.refresh_from_db()
        return "" if not run.problem else f"a living run was told to have failed: {run.problem}"

    return Race(work, lambda: source_samples.close_interrupted(source), broken)


def two_pieces_of_a_file() -> Race:
    shop = Shop.open()
    with shop.use_case("test.connect") as uc:
        exchange = accounts.connect(uc, shop.place, {"name": "1C"}, Agreed("UTC", False)).exchange
    with shop.scope():
        session = sessions.find(exchange, sessions.begin(exchange, Kind.CATALOG))
        assert session is not None
        uploads.append(session, "offers.xml", b"the first")

    def send(body: bytes) -> Callable[[], None]:
        def run() -> None:
            with shop.scope():
                uploads.append(session, "offers.xml", body)

        return Results().of(run, IntegrityError)

    def broken() -> str:
        with shop.scope():
            parts, seen = ExchangePart.objects.count(), ExchangeSession.objects.get().bytes_in
        return "" if (parts, seen) == (3, 27) else f"of three pieces of nine bytes {parts} are kept, {seen} bytes counted"

    return Race(send(b"a second."), send(b"the third"), broken)


def in_line(shop: Shop) -> tuple[NoticeTarget, NoticeMessage]:
    """A target of e-mails, and a test that it is to be told of."""
    with shop.use_case("test.target") as uc:
        target = targets.add(uc, "email", {"to": "ops@example.com"}, "o…@example.com", {"name": "Ops"})
        targets.test(uc, target)
    with shop.scope():
        return target, NoticeMessage.objects.get()


def two_workers_want_to_tell() -> Race:
    shop = Shop.open()
    target, _message = in_line(shop)
    claimed: list[object] = []

    def claim() -> None:
        with shop.scope():
            claimed.append(telling.claim(shop.organisation.pk, target.pk))

    return Race(claim, claim, lambda: "" if claimed.count(None) == 1 else "both tell the same message", unhindered=True)


def a_late_answer_while_it_is_tried_again() -> Race:
    shop = Shop.open()
    target, message = in_line(shop)
    with shop.scope():
        late = telling.claim(shop.organisation.pk, target.pk)
        assert late is not None
        NoticeMessage.objects.filter(pk=message.pk).update(not_before=message.made_at)
    again: list[object] = []

    def answered() -> None:
        with shop.scope():
            telling.ended(shop.organisation.pk, late, Refused("late"))

    def claim() -> None:
        with shop.scope():
            again.append(telling.claim(shop.organisation.pk, target.pk))

    def broken() -> str:
        with shop.scope():
            message.refresh_from_db()
        return "a message is told and counts as refused" if again != [None] and message.state != "waiting" else ""

    return Race(answered, claim, broken)


RUNS = "a run is told to have failed only if its process is gone"
LOCKS: dict[str, Proof] = {
    "sync/telling.py:claim": Pair("a message is told by one worker", two_workers_want_to_tell, "FROM .core_noticetarget"),
    "sync/telling.py:ended": Pair(
        "what a late answer says does not overtake another try", a_late_answer_while_it_is_tried_again, "FROM .core_noticetarget", whose=0
    ),
    "sync/exchange/sessions.py:hold": Pair(
        "pieces of a file have places of their own", two_pieces_of_a_file, r"FROM .sync_exchangesession"
    ),
    "channels/lanes_queries.py:claim": Proved("a lane has one worker", "test_lane_claims.py::test_without_the_row_lock_several_would"),
    "channels/lanes_queries.py:guard": Proved(
        "a worker that lost its lane writes nothing", "test_lane_claims.py::test_without_the_guard_it_would_write_over_the_new_worker"
    ),
    "channels/lanes_queries.py:live": Proved(
        "a killed worker's lanes are free at once", "test_lane_claims.py::test_a_lane_of_a_killed_worker_is_free_at_once"
    ),
    "channels/lanes_queries.py:want": Pair("a run is deferred once", two_want_a_run, "WITH asked", gated=True),
    "catalog/imports/runs_queries.py:hold_run": Pair(RUNS, an_import_runs_while_somebody_looks, r"SELECT pg_advisory_lock"),
    "catalog/imports/runs_queries.py:close_interrupted": Pair(RUNS, an_import_runs_while_somebody_looks, "pg_try_advisory_xact_lock"),
    "stock/source_queries.py:hold_uploads": Pair(RUNS, a_file_is_taken_in_while_somebody_looks, r"SELECT pg_advisory_lock"),
    "stock/source_queries.py:close_interrupted": Pair(RUNS, a_file_is_taken_in_while_somebody_looks, "pg_try_advisory_xact_lock"),
    "ops/queries.py:lock_identity": Proved("a copy is noticed once", "test_copies.py::test_without_the_lock_both_notice_the_copy"),
    "ops/queries.py:lock_migrations": Belt("one process changes the schema", "each migration is a transaction that fails when repeated"),
}
