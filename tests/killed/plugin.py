"""A plugin of pytest: runs tests that come past a crash point once more, and kills them there.

Killed before a commit, nothing of it may be in the database; killed after it, all of it is. ``Recorder`` notes which test comes past which
point; ``Killer`` does the killing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from unittest import mock

import pytest
from _pytest.runner import runtestprotocol
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.transaction import Atomic
from psycopg import sql

from stallkeeper.core import crash
from stallkeeper.core.scope import organisation_scope

CHANGES_NOTHING = {"plan.channel", "offers.sweep", "offers.new_day", "wake.connection", "keys.wrapping", "keys.drop", "day.partitions"}
"""The first three look, and should find nothing; one wakes after its commit, two change the file of keys, one makes tables."""
LAST_WORDS = {f"import.{kind}": {"catalog_importrun"} for kind in ("products", "stock", "stock_table")}
"""Written when an exception ends a run. What really kills says nothing; that the run is closed later has tests of its own."""


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing may catch it."""


def books() -> dict[str, str]:
    """A digest of every table of ours, as each organisation sees it."""
    from stallkeeper.core.models import Organisation  # Django is not set up when this module is loaded

    organisations = sorted(Organisation.objects.values_list("pk", flat=True))
    found: dict[str, str] = {}
    for number in organisations or [0]:
        with organisation_scope(number), connection.cursor() as cursor:
            for table, digest in _digests(cursor):
                found[table] = found.get(table, "") + digest
    return found


def _digests(cursor: CursorWrapper) -> list[tuple[str, str]]:
    tables = sorted(name for name in connection.introspection.table_names(cursor) if not name.startswith(("django_", "procrastinate_")))
    parts = [
        sql.SQL("SELECT {}, coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} AS t").format(
            sql.Literal(name), sql.Identifier(name)
        )
        for name in tables
    ]
    cursor.execute(sql.SQL(" UNION ALL ").join(parts).as_string(cursor.connection))
    return list(cursor.fetchall())


class Recorder:
    """Which tests come past which points: ``seen`` maps a moment to the node ids, in the order in which they ran."""

    def __init__(self) -> None:
        self.seen: dict[str, list[str]] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Iterator[None]:
        def note(name: str) -> None:
            found = self.seen.setdefault(name, [])
            if pyfuncitem.nodeid not in found:
                found.append(pyfuncitem.nodeid)

        with crash.using(note):
            yield


class Death:
    """One kill: at the first time that ``moment`` comes."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self.name, _, self.side = moment.rpartition(":")
        self.reached = self.inside = False
        self.before: dict[str, str] = {}
        self._depth = 0
        self._looking = False

    @contextmanager
    def lurking(self) -> Iterator[None]:
        """Inside the block it waits."""
        self._depth = len(connection.savepoint_ids)
        enter = Atomic.__enter__

        def entering(atomic: Atomic) -> None:
            self._outside()
            enter(atomic)

        with mock.patch.object(Atomic, "__enter__", entering), crash.using(self):
            yield

    def _outside(self) -> None:
        """Before a transaction of the product begins: what is in the books is what must be there if it never ends."""
        ours = threading.current_thread() is threading.main_thread() and not self.reached and not self._looking
        if ours and len(connection.savepoint_ids) == self._depth and not connection.needs_rollback:
            self._look()

    def _look(self) -> None:
        self._looking = True
        try:
            self.before = books()
        finally:
            self._looking = False

    def __call__(self, name: str) -> None:
        if self.reached or threading.current_thread() is not threading.main_thread():
            return
        if name == f"{self.name}:before" and len(connection.savepoint_ids) == self._depth:
            self._look()
        if name == self.moment:
            self.reached = True
            self.inside = len(connection.savepoint_ids) > self._depth
            raise Killed(name)

    def verdict(self) -> str:
        """What is wrong with the books after the kill; "" if they are as they must be."""
        if not self.reached:
            return f"{self.moment} was not reached: record anew with python -m tests.killed --record"
        after, name = books(), self.name.partition(":")[2]
        differing = {table for table in after if after[table] != self.before.get(table)} - LAST_WORDS.get(name, set())
        nothing = self.side == "before" or self.inside  # part of a transaction around it, which has not ended
        if nothing and differing:
            return f"killed at {self.moment}, and {', '.join(sorted(differing))} changed all the same"
        expected = not nothing and not self.name.startswith("send:") and name not in CHANGES_NOTHING
        return f"killed at {self.moment}, and nothing is in the database" if expected and not differing else ""


class Killer:
    """Runs each of ``wanted`` (node id: moments) once for each moment, and kills it there."""

    def __init__(self, wanted: Mapping[str, list[str]]) -> None:
        self.wanted = wanted
        self.deaths: list[tuple[str, str]] = []
        self.problems: dict[tuple[str, str], str] = {}
        """By node id and moment."""
        self._death: Death | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Function, nextitem: pytest.Item | None) -> bool:
        moments = self.wanted.get(item.nodeid, [])
        # Whatever the item has for itself is set up anew for each round; what all share (the database, the module's shop) stays.
        others = sorted((one for one in item.session.items if one is not item), key=lambda one: one.path != item.path)
        other = others[0] if others else None
        for moment in moments:
            self._death = Death(moment)
            item._initrequest()
            for report in runtestprotocol(item, nextitem=nextitem if moment == moments[-1] else other, log=False):
                if report.failed:
                    self.problems[item.nodeid, moment] = f"{item.nodeid}: {moment}: {report.longreprtext[-800:]}"
            self.deaths.append((item.nodeid, moment))
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        death = self._death
        assert death is not None
        arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
        with suppress(Killed), death.lurking():
            pyfuncitem.obj(**arguments)
        if problem := death.verdict():
            self.problems[pyfuncitem.nodeid, death.moment] = problem
        return True
