"""Django's PostgreSQL backend, whose connections always know in whose scope they work.

Before a statement the connection compares the context's scope (``core.scope``) with what it told the server last, and tells it anew only
if that differs: a worker or a request that stays with one organisation pays nothing. The server forgets what it was told inside of a
transaction that is rolled back, so a rollback makes the connection forget too; a new connection (or one from a pool) knows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from psycopg.pq import TransactionStatus

from stallkeeper.core import scope
from stallkeeper.core.scope import Passage, Scope

TELL = "SELECT set_config('stallkeeper.organisation', %s, false), set_config('stallkeeper.passage', %s, false)"


class ScopedCursor(CursorWrapper):
    """Django asks the connection's wrappers about ``execute`` and ``executemany`` only; the driver's other ways are as much a statement."""

    db: DatabaseWrapper

    def copy(self, statement: object, params: object = None) -> AbstractContextManager[psycopg.Copy]:
        """As the driver's, in scope. Enter it at once: it is the entering that runs the statement."""
        self.db.tell_scope()
        copying: AbstractContextManager[psycopg.Copy] = self.cursor.copy(statement, params)
        return copying

    def stream(self, statement: object, params: object = None) -> Iterator[object]:
        """As the driver's, in the scope in which the first row is fetched."""
        self.db.tell_scope()
        yield from self.cursor.stream(statement, params)

    def callproc(self, procname: str, params: Any = None, kparams: Any = None) -> Any:  # noqa: ANN401 - Django's signature
        """As Django's, in scope."""
        self.db.tell_scope()
        return super().callproc(procname, params, kparams)


class ScopedDebugCursor(ScopedCursor, base.CursorDebugWrapper):
    """The same while statements are logged."""


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection of one thread."""

    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        super().__init__(settings_dict, alias)
        self._told: tuple[str, str] | None = None
        self.execute_wrappers.append(self._in_scope)

    def forget_scope(self) -> None:
        """What the server was told may no longer hold: tell it again before the next statement."""
        self._told = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        self.forget_scope()
        connection: psycopg.Connection[Any] = super().get_new_connection(conn_params)
        return connection

    def make_cursor(self, cursor: CursorWrapper) -> CursorWrapper:
        return ScopedCursor(cursor, self)

    def make_debug_cursor(self, cursor: CursorWrapper) -> CursorDebugWrapper:
        return ScopedDebugCursor(cursor, self)

    def tell_scope(self) -> None:
        """The server knows whose turn it is; nothing is said if it does already."""
        wanted = _words(scope.current())
        if wanted != self._told:
            self._tell(wanted)

    def _in_scope(self, execute: Callable[..., object], sql: object, params: object, many: bool, context: dict[str, object]) -> object:
        self.tell_scope()
        return execute(sql, params, many, context)

    def _tell(self, wanted: tuple[str, str]) -> None:
        raw = self.connection
        if raw is None or raw.info.transaction_status == TransactionStatus.INERROR:
            return  # nothing but a rollback can follow
        self.forget_scope()
        with self.wrap_database_errors, psycopg.Cursor(raw) as cursor:  # not Django's own kind: that one cannot travel in a pipeline
            cursor.execute(TELL, wanted)
        self._told = wanted

    def _commit(self) -> None:
        if self.connection is not None and self.connection.info.transaction_status == TransactionStatus.INERROR:
            self.forget_scope()  # the server rolls back
        super()._commit()  # type: ignore[misc]  # Django has it, its stubs do not

    def _rollback(self) -> None:
        self.forget_scope()
        super()._rollback()  # type: ignore[misc]

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]
        self.forget_scope()


def _words(current: Scope) -> tuple[str, str]:
    """(organisation, passage) as the policies read them; both empty: nobody's rows."""
    if isinstance(current, Passage):
        return "", current.value
    return "" if current is None else str(current), ""
