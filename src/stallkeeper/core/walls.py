"""The second wall around an organisation: forced row-level security on every table that names one (ADR 0035).

The policies are not written into migrations: after each ``migrate`` every table with a column ``organisation_id`` gets them, partitions and
tables without a model included, so a new table cannot be forgotten. A table that belongs to an organisation through its parent stands in
``THROUGH``. Who may look over the walls, at what, stands in ``GATES``.

While migrations run, the owner of the tables is let through: a change of data that a migration makes reaches everybody's rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from stallkeeper.core import walls_queries as queries
from stallkeeper.core.scope import Passage
from stallkeeper.core.sql import Cursor

# Asked once per statement, not per row; equality, so that an index which begins with the organisation serves.
OURS = "organisation_id = (SELECT NULLIF(current_setting('stallkeeper.organisation', true), '')::bigint)"
THROUGH = {"channels_ratebudget": "connection_id IN (SELECT id FROM channels_connection)"}
"""Tables that belong to an organisation by a row which they refer to: whoever sees that row sees this one."""

READ, ADD, CHANGE, REMOVE = "SELECT", "INSERT", "UPDATE", "DELETE"
GATES: dict[Passage, dict[str, tuple[str, ...]]] = {
    Passage.TICK: {
        "channels_lane": (READ, ADD, CHANGE),
        "channels_connection": (READ,),
        "stock_stale": (READ,),
        "stock_reservation": (READ,),
        "stock_stocksource": (READ,),
        "channels_observedhold": (READ,),
        "orders_order": (READ,),
        "channels_unitsale": (READ,),
        "core_fileexport": (READ,),
    },
    Passage.HOUSEKEEPING: {
        "core_personaldata": (READ, CHANGE, REMOVE),  # CHANGE because rows are locked before they go
        "core_personalword": (READ, REMOVE),
        "orders_raw_payload": (READ, REMOVE),
        "orders_raw_payload_default": (READ,),
        "stock_reservation_event_default": (READ,),
        "channels_sent_log_default": (READ,),
        "channels_run": (READ, REMOVE),
        "channels_writewindow": (READ, REMOVE),
        "channels_wait": (READ, REMOVE),
        "orders_shortage": (READ,),
        **dict.fromkeys(("channels_sendplan", "channels_sendplanpart", "channels_sendtask", "channels_sendtaskpart"), (READ, REMOVE)),
        "core_noticemessage": (READ, REMOVE),
        "sync_exchangesession": (READ,),
        "core_invitation": (READ, REMOVE),
        **dict.fromkeys(("sync_exchangefile", "sync_exchangepart"), (READ, REMOVE)),
        **dict.fromkeys(("core_fileexport", "core_fileexportpart"), (READ, REMOVE)),
    },
    Passage.FIGURES: dict.fromkeys(
        (
            *("channels_channel", "channels_command", "channels_connection", "channels_drift", "channels_lane", "channels_lanestep"),
            *("channels_offer", "channels_offertodo", "channels_parked", "channels_ratebudget", "channels_sent_log"),
            *("core_notification", "orders_order", "orders_orderline", "orders_shortage", "stock_stale"),
        ),
        (READ,),
    ),
    Passage.CALLBACK: dict.fromkeys(("channels_connection", "core_apikey", "stock_stocksource", "sync_exchange"), (READ,)),
    Passage.PEOPLE: dict.fromkeys(("core_membership", "core_invitation"), (READ,)),
    Passage.KEYS: {"core_datakey": (READ,)},
}
"""What each passage may do, to which tables. Why, stands at the passage."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy of one table. ``using`` says which rows are seen and which may be written."""

    name: str
    command: str
    using: str


def build() -> list[str]:
    """Put up what is missing and replace what differs; the tables that were touched. Locks: those tables, exclusively, for a moment."""
    with connection.cursor() as cursor:
        faulty = [table for table, _fault in _faults(cursor)]
        for table in faulty:
            enclose(cursor, table)
    return faulty


def enclose(cursor: Cursor, table: str) -> None:
    """Put the walls around one table, whatever stood there."""
    queries.enclose(cursor, table, [(policy.name, policy.command, policy.using) for policy in policies(table)])


def open_for_owner() -> None:
    """Let the tables' owner through until ``build``: for migrations, which change everybody's rows."""
    with connection.cursor() as cursor:
        for table, _enabled, forced, _found in queries.standing(cursor, list(THROUGH)):
            if forced:
                queries.let_owner_through(cursor, table)


def faults() -> list[str]:
    """What is wrong with the walls as they stand, in words: a table without one, other policies than wanted, a role that none holds."""
    return [*gaps(), *([BYPASSED] if bypassed() else [])]


def gaps() -> list[str]:
    """The same but for the role: what ``build`` would put right."""
    with connection.cursor() as cursor:
        return [f"{table}: {fault}" for table, fault in _faults(cursor)]


def tables() -> list[str]:
    """Every table that belongs to an organisation, as the database itself knows them; partitions included."""
    with connection.cursor() as cursor:
        return [row[0] for row in queries.standing(cursor, list(THROUGH))]


def bypassed() -> bool:
    """Whether the role that we are connected as is one that no policy holds back: a superuser, or one with BYPASSRLS."""
    with connection.cursor() as cursor:
        return queries.bypassed(cursor)


BYPASSED = (
    "The role in DATABASE_URL is a superuser or has BYPASSRLS, so the database does not keep organisations apart. Give Stallkeeper a role "
    "of its own that owns its database: CREATE ROLE stallkeeper LOGIN PASSWORD '…'; ALTER DATABASE … OWNER TO stallkeeper; "
    "REASSIGN OWNED BY … TO stallkeeper"
)


def policies(table: str) -> list[Policy]:
    """The policies that a table must have: its wall, and a gate for each passage that leads here."""
    wall = Policy("wall", "ALL", THROUGH.get(table, OURS))
    return [wall, *(Policy(f"gate_{passage}_{command.lower()}", command, _passing(passage)) for passage, command in _gates(table))]


def _passing(passage: Passage) -> str:
    return f"(SELECT current_setting('stallkeeper.passage', true)) = '{passage}'"


def _gates(table: str) -> Iterator[tuple[Passage, str]]:
    for passage, tables in GATES.items():
        for command in tables.get(table, ()):
            yield passage, command


def _faults(cursor: Cursor) -> Iterator[tuple[str, str]]:
    for table, enabled, forced, found in queries.standing(cursor, list(THROUGH)):
        wanted = {policy.name: f"{policy.command} {policy.using}" for policy in policies(table)}
        if not (enabled and forced):
            yield table, "row-level security is not enabled and forced"
        elif found != wanted:
            yield table, f"its policies are {sorted(found)}, or other words, instead of {sorted(wanted)}"
