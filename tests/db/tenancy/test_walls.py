"""The wall in the database: raw SQL that no manager filters meets it too, on every table of an organisation (invariant 14, ADR 0035)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import queries
from stallkeeper.core import partitions, walls
from stallkeeper.core.sql import hot_cursor, pipelined
from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
from tests.shop import NOON, Shop, remote_order


def ask(statement: str, *parameters: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]


@dataclass
class Pair:
    ours: Shop
    theirs: Shop


@contextmanager
def without_walls(*names: str) -> Iterator[None]:
    """As it would be without: the policies are gone, for the length of the block."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for name in names:
                cursor.execute(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
        yield
        transaction.set_rollback(True)


@pytest.fixture
def pair() -> Pair:
    """Two shops with the same SKUs, offers and orders."""
    found = Pair(Shop.open(), Shop.open())
    for shop in (found.ours, found.theirs):
        channel = shop.channel()
        shop.offer(channel, shop.unit("MUG", 5))
        from stallkeeper.orders import intake

        with shop.use_case("accept.orders") as uc:
            intake.accept(uc, channel.connection_id, [remote_order("1", [("MUG", 1)])], shop.at)
    return found


HISTORY = {"core_auditentry", "stock_movement", "core_factchange", "channels_openevent"}
"""Refuse whatever is changed, whoever asks."""


def of(shop: Shop) -> int:
    return shop.organisation.pk


# --- what stands --------------------------------------------------------------------------------------------------------------------------


def test_every_table_of_an_organisation_has_its_wall() -> None:
    """A new table gets it from the next migrate; a role that no policy holds would make all of this pointless."""
    assert walls.faults() == []
    found = walls.tables()
    assert {"orders_order", "channels_sent_log", "channels_sent_log_default", "channels_ratebudget", "core_membership"} <= set(found)
    assert len(found) >= 40


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("ALTER TABLE orders_order NO FORCE ROW LEVEL SECURITY", "orders_order: row-level security is not enabled and forced"),
        ("ALTER TABLE orders_order DISABLE ROW LEVEL SECURITY", "orders_order: row-level security is not enabled and forced"),
        ("DROP POLICY wall ON orders_order", "orders_order: its policies are"),
        ("CREATE POLICY hole ON orders_order USING (true)", "orders_order: its policies are"),
        ("CREATE TABLE forgotten (organisation_id bigint)", "forgotten: row-level security is not enabled and forced"),
    ],
)
def test_a_gap_is_told_and_closed_again(statement: str, fault: str) -> None:
    ask(statement)
    (told,) = walls.faults()
    assert told.startswith(fault)
    assert walls.build() == [fault.partition(":")[0]]
    assert walls.faults() == []


def test_a_new_partition_stands_behind_the_wall_from_the_start() -> None:
    made = partitions.make_ahead(NOON.replace(year=2031))
    assert made
    assert walls.faults() == []


# --- reading ------------------------------------------------------------------------------------------------------------------------------


def test_raw_sql_without_a_condition_sees_its_own_organisation(pair: Pair) -> None:
    """Every table that holds rows of both."""
    for table in sorted(set(walls.tables()) - set(walls.THROUGH)):
        with without_walls(table):
            everybody = {row[0] for row in ask(f"SELECT DISTINCT organisation_id FROM {table}")}
        with organisation_scope(of(pair.ours)):
            seen = {row[0] for row in ask(f"SELECT DISTINCT organisation_id FROM {table}")}
        assert seen == everybody & {of(pair.ours)}, table


def test_with_the_policy_gone_the_same_statement_leaks(pair: Pair) -> None:
    """The pair of the test above: it is the wall that holds, not the statement."""
    both = {(of(pair.ours),), (of(pair.theirs),)}
    with organisation_scope(of(pair.ours)), without_walls("orders_order"):
        assert set(ask("SELECT DISTINCT organisation_id FROM orders_order")) == both


def test_without_a_scope_nothing_is_seen(pair: Pair) -> None:
    assert {table: ask(f"SELECT count(*) FROM {table}") for table in walls.tables()} == {table: [(0,)] for table in walls.tables()}


def test_a_table_that_hangs_on_a_connection_follows_it(pair: Pair) -> None:
    with organisation_scope(of(pair.ours)):
        (account,) = ask("SELECT id FROM channels_connection")[0]
        ask("INSERT INTO channels_ratebudget (connection_id, bucket, tokens, at, spent, refused) VALUES (%s, 'b', 1, now(), 0, 0)", account)
        assert ask("SELECT count(*) FROM channels_ratebudget") == [(1,)]
    with organisation_scope(of(pair.theirs)):
        assert ask("SELECT count(*) FROM channels_ratebudget") == [(0,)]
        assert ask("DELETE FROM channels_ratebudget") == [(0,)]


def test_what_hangs_on_a_row_is_not_found_from_the_other_side(pair: Pair) -> None:
    """Django follows a foreign key without a manager's filter."""
    with organisation_scope(of(pair.ours)):
        number = StockUnit.objects.get(sku="MUG").pk
    with organisation_scope(of(pair.theirs)):
        assert not StockUnit._base_manager.filter(pk=number).exists()


# --- writing ------------------------------------------------------------------------------------------------------------------------------


def test_rows_of_others_are_neither_changed_nor_deleted_nor_made(pair: Pair) -> None:
    for table in sorted(set(walls.tables()) - set(walls.THROUGH)):
        with organisation_scope(of(pair.ours)):
            for statement in (f"UPDATE {table} SET organisation_id = organisation_id", f"DELETE FROM {table}"):
                if table not in HISTORY:
                    assert ask(f"{statement} WHERE organisation_id = %s", of(pair.theirs)) == [(0,)], statement


def test_a_row_cannot_be_put_into_another_organisation(pair: Pair) -> None:
    with organisation_scope(of(pair.ours)):
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            ask("UPDATE catalog_stockunit SET organisation_id = %s", of(pair.theirs))
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            StockUnit.objects.create(organisation=pair.theirs.organisation, sku="SMUGGLED", created_at=NOON)
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        StockUnit._base_manager.create(organisation=pair.ours.organisation, sku="NOBODY'S", created_at=NOON)


def test_an_upsert_does_not_reach_over_the_wall(pair: Pair) -> None:
    """The conflict is with a row that cannot be seen: it is refused, not changed."""
    with organisation_scope(of(pair.theirs)):
        (token,) = ask("SELECT hint_token FROM channels_connection")[0]
    with organisation_scope(of(pair.ours)), pytest.raises((ProgrammingError, IntegrityError)), transaction.atomic():
        ask(
            "INSERT INTO channels_connection SELECT (jsonb_populate_record(c, jsonb_build_object('id', 0, 'hint_token', %s::text))).*"
            " FROM channels_connection c ON CONFLICT (hint_token) DO UPDATE SET name = 'taken'",
            token,
        )


# --- passages -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("passage", list(Passage))
def test_a_passage_opens_its_own_gates_and_no_other(pair: Pair, passage: Passage) -> None:
    with across_organisations(passage):
        seen = {table for table in walls.tables() if ask(f"SELECT count(*) FROM {table}") != [(0,)]}
    allowed = {table for table, commands in walls.GATES[passage].items() if "SELECT" in commands}
    assert seen <= allowed | set(walls.THROUGH)


@pytest.mark.parametrize("passage", list(Passage))
def test_a_passage_that_only_looks_changes_nothing(pair: Pair, passage: Passage) -> None:
    with across_organisations(passage):
        for table, commands in walls.GATES[passage].items():
            if "UPDATE" not in commands:
                column = "connection_id" if table in walls.THROUGH else "organisation_id"
                assert ask(f"UPDATE {table} SET {column} = {column}") == [(0,)], table
            if "DELETE" not in commands:
                assert ask(f"DELETE FROM {table}") == [(0,)], table


# --- the connection -----------------------------------------------------------------------------------------------------------------------


def told() -> str:
    return ask("SELECT current_setting('stallkeeper.organisation', true) || '/' || current_setting('stallkeeper.passage', true)")[0][0]


def test_scopes_nest_and_end() -> None:
    assert told() == "/"
    with organisation_scope(1):
        with organisation_scope(2):
            assert told() == "2/"
            with across_organisations(Passage.TICK):
                assert told() == "/tick"
        assert told() == "1/"
    assert told() == "/"


def test_what_a_rollback_undoes_is_said_again() -> None:
    """The server takes back what it was told inside of the transaction."""
    with organisation_scope(1):
        assert told() == "1/"
        with pytest.raises(DatabaseError), transaction.atomic(), organisation_scope(2):
            ask("SELECT 1 / 0")
        assert told() == "1/"
        with organisation_scope(2):
            with transaction.atomic():
                assert told() == "2/"
                transaction.set_rollback(True)
            assert told() == "2/"


def test_an_error_in_a_transaction_leaves_no_other_scope_behind() -> None:
    with organisation_scope(2), transaction.atomic():
        with pytest.raises(ProgrammingError), transaction.atomic(), organisation_scope(1):
            ask("SELECT nothing")
        assert told() == "2/"


def test_real_transactions_threads_and_new_connections(race_db) -> None:
    """The same without a test's own transaction around it; a thread begins in nobody's scope."""
    first, second = Shop.open(), Shop.open()
    for shop in (first, second):
        shop.unit("MUG", 1)
    with first.scope():
        with pytest.raises(DatabaseError), second.use_case():
            ask("SELECT 1 / (organisation_id - organisation_id) FROM catalog_stockunit")
        assert ask("SELECT organisation_id FROM catalog_stockunit") == [(of(first),)]
        connection.close()
        assert ask("SELECT organisation_id FROM catalog_stockunit") == [(of(first),)]
    assert ask("SELECT count(*) FROM catalog_stockunit") == [(0,)]
    seen: list[object] = []

    def look() -> None:
        seen.append(ask("SELECT count(*) FROM catalog_stockunit"))
        connection.close()

    with first.scope():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen == [[(0,)]]


def test_a_commit_that_fails_takes_back_what_was_told(race_db) -> None:
    """A deferred constraint is checked by COMMIT: the transaction is undone although nobody rolled it back."""
    shop, other = Shop.open(), Shop.open()
    unit = shop.unit("MUG", 1)
    with other.scope():
        assert ask("SELECT count(*) FROM stock_level") == [(0,)]
        with pytest.raises(IntegrityError), transaction.atomic(), shop.scope():
            ask("UPDATE stock_level SET location_id = 0 WHERE stock_unit_id = %s", unit.pk)
        assert ask("SELECT count(*) FROM stock_level") == [(0,)]
    with shop.scope():
        assert ask("SELECT count(*) FROM stock_level") == [(1,)]


@pytest.fixture
def two(race_db) -> Pair:
    """Two shops with two units each, in real transactions; the connection was last told of theirs."""
    found = Pair(Shop.open(), Shop.open())
    for shop, letter in ((found.ours, "A"), (found.theirs, "B")):
        for number in range(2):
            shop.unit(f"{letter}{number}", 1)
    with found.theirs.scope():
        assert told() == f"{of(found.theirs)}/"
    return found


@pytest.mark.parametrize("logged", [False, True])
def test_the_drivers_own_ways_are_in_scope_too(two: Pair, settings, logged: bool) -> None:
    """COPY, a stream of rows and a call of a function do not pass where Django looks at statements."""
    settings.DEBUG = logged
    ways = {
        "copy": lambda cursor: _copied(cursor, "COPY (SELECT sku FROM catalog_stockunit ORDER BY 1) TO STDOUT"),
        "stream": lambda cursor: [sku for (sku,) in cursor.stream("SELECT sku FROM catalog_stockunit ORDER BY 1")],
    }
    for name, way in ways.items():
        for shop, letter in ((two.ours, "A"), (two.theirs, "B"), (two.ours, "A")):
            with shop.scope(), connection.cursor() as cursor:
                assert way(cursor) == [f"{letter}0", f"{letter}1"], name
    with two.theirs.scope(), connection.cursor() as cursor:
        cursor.callproc("current_setting", ["stallkeeper.organisation"])
        assert cursor.fetchall() == [(str(of(two.theirs)),)]


def _copied(cursor, statement: str) -> list[str]:
    with cursor.copy(statement) as rows:
        return b"".join(bytes(row) for row in rows).decode().split()


def test_a_cursor_of_the_server_stays_with_whom_it_began(two: Pair) -> None:
    """Rows that are fetched in pieces: what was begun in one scope does not go on in another's rows."""
    with transaction.atomic(), two.ours.scope(), connection.chunked_cursor() as cursor:
        cursor.execute("SELECT sku FROM catalog_stockunit ORDER BY 1")
        first = cursor.fetchmany(1)
        with two.theirs.scope():
            assert told() == f"{of(two.theirs)}/"
            assert [*first, *cursor.fetchall()] == [("A0",), ("A1",)]


def test_a_pipeline_that_fails_leaves_no_scope_behind(two: Pair) -> None:
    """The server takes back with the transaction what it was told in the pipeline; outside of a transaction there is no pipeline."""
    with two.ours.scope():
        with pytest.raises(RuntimeError, match="needs a transaction"), pipelined():
            pass
        with pytest.raises(DatabaseError), transaction.atomic(), pipelined(), two.theirs.scope(), hot_cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        with two.theirs.scope():
            assert told() == f"{of(two.theirs)}/"
        with transaction.atomic():
            with pytest.raises(DatabaseError), transaction.atomic():
                _fail_before_the_scope_is_told(two.theirs)
            with two.theirs.scope():
                assert told() == f"{of(two.theirs)}/"
        assert told() == f"{of(two.ours)}/"


def _fail_before_the_scope_is_told(shop: Shop) -> None:
    with pipelined(), hot_cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
        with shop.scope():
            cursor.execute("SELECT 1")


# --- migrations ---------------------------------------------------------------------------------------------------------------------------


def test_a_migration_reaches_everybodys_rows_and_the_walls_stand_again_after_it(pair: Pair) -> None:
    """What ``migrate`` does around the migrations, with a change of data between."""
    ask("SET CONSTRAINTS ALL IMMEDIATE")
    walls.open_for_owner()
    assert ask("UPDATE stock_stale SET organisation_id = organisation_id") >= [(0,)]
    assert ask("UPDATE catalog_stockunit SET title = 'changed'") == [(2,)]
    walls.build()
    assert walls.faults() == []
    assert ask("UPDATE catalog_stockunit SET title = 'changed'") == [(0,)]


def test_the_places_of_a_unit_are_looked_up_behind_the_wall_and_not_among_all():
    """Through what may leak, coalesce for one, PostgreSQL looks only after it has read everything that the wall lets through."""
    shop = Shop.open()
    for number in range(100):  # of a handful it may as well read all
        shop.unit(f"U{number}", 5)
    statement = f"EXPLAIN {queries.PLACES} WHERE unit.id = ANY(ARRAY[1, 2]::bigint[])"
    with shop.scope(), connection.cursor() as cursor:
        for other_way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{other_way} = off")
        cursor.execute("ANALYZE stock_level, catalog_stockunit, catalog_kitcomponent")
        cursor.execute(statement)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index Cond: (stock_unit_id = " in plan, plan
