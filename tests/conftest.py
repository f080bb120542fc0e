"""The house of the tests: a throw-away PostgreSQL, databases cloned from one template, closed sockets, markers by folder.

* Without DATABASE_URL one throw-away cluster serves the whole run, all xdist workers included. With it, its role needs CREATEDB.
* The schema is laid once per run, into a template; each worker, and each test that asks for ``race_db``, gets a clone of it.
* Tests in tests/db get the mark ``django_db`` unless they bring their own or use ``race_db``.
* ``race_db``: real transactions on a database of its own, for threads and processes. ``race_db.together(f, g)`` runs them at once.
"""

from __future__ import annotations

import atexit
import contextvars
import fcntl
import gc
import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
from psycopg import sql

from stallkeeper import embedded, env
from tests.order import long_ones_first

TESTS = Path(__file__).parent
MARKS = {name: name for name in ("unit", "db", "contract", "races", "browser")} | {"scenarios": "scenario"}
TOGETHER_SECONDS = 120
DROP_SECONDS = 120
FRESH = 90
T = TypeVar("T")

# The same examples in every run, however slow the machine is; --hypothesis-profile=default draws new ones.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("same")

_house = ExitStack()


def _open_house() -> None:
    """Prepare the environment, then load Django: at import, because the conftest files below may import models.

    Workers of xdist inherit the environment and find everything prepared.
    """
    if "STALLKEEPER_TEST_RUN" not in os.environ:
        atexit.register(_house.close)
        _prepare(_house)
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        # Workers share the home folder but not the database, so each needs keys of its own.
        os.environ["STALLKEEPER_KEYRING"] = str(Path(os.environ["STALLKEEPER_HOME"]) / f"keyring-{worker}.json")
    os.environ["DJANGO_SETTINGS_MODULE"] = "stallkeeper.settings"
    import django

    django.setup()
    from django.conf import settings

    # A worker of xdist inherits DJANGO_SETTINGS_MODULE, so that the settings were read before this file was.
    settings.ENV = env.load()


def pytest_configure(config: pytest.Config) -> None:
    config.add_cleanup(_house.close)
    gc.disable()  # until all tests are known: what that makes stays


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def _prepare(stack: ExitStack) -> None:
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    if not os.environ.get("DATABASE_URL"):
        cluster = stack.enter_context(embedded.temporary("pytest", env.home()))
        patch.setenv("DATABASE_URL", cluster.url)
    # Nothing of the machine's own installation, and nothing left behind.
    home = stack.enter_context(tempfile.TemporaryDirectory(prefix="stallkeeper-pytest-"))
    patch.setenv("STALLKEEPER_HOME", home)
    patch.setenv("STALLKEEPER_TEST_PLATFORMS", "1")
    patch.setenv("STALLKEEPER_TEST_RUN", secrets.token_hex(4))
    stack.callback(_drop_database, _template())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    _mark(items)
    yield
    if hasattr(config, "workerinput"):  # in a worker of xdist
        items[:] = long_ones_first(items, _seconds, config.workerinput["workercount"])


def _mark(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        if folder in MARKS:
            item.add_marker(MARKS[folder])
        own = item.get_closest_marker("django_db") or {"race_db", "shared_race_db"} & set(getattr(item, "fixturenames", ()))
        if folder == "db" and not own:
            item.add_marker("django_db")


def _seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("long")
    return float(mark.args[0]) if mark else 0.0


# --- databases --------------------------------------------------------------------------------------------------------------------------


def _template() -> str:
    return f"stallkeeper_template_{os.environ['STALLKEEPER_TEST_RUN']}"


def _url(database: str) -> str:
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}"))


def _execute(statement: sql.Composed) -> None:
    with psycopg.connect(_url("postgres"), autocommit=True) as connection:
        connection.execute(statement)


def _clone(name: str, template: str) -> None:
    # FILE_COPY: 0.1 s against 0.25 s for the usual strategy, which logs every page.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    _execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def _drop_database(name: str) -> None:
    """Autovacuum may be at work there after a large test, under a role that ours may not end; it is done within moments."""
    deadline = time.monotonic() + DROP_SECONDS
    while True:
        try:
            return _execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@contextmanager
def _default_connection_on(database: str) -> Iterator[None]:
    """Django's default connection, of every thread, goes to ``database`` inside the block."""
    from django.db import connections

    settings = connections.settings["default"]
    before = settings["NAME"]
    _close_connections()
    settings["NAME"] = database
    try:
        yield
    finally:
        _close_connections()
        settings["NAME"] = before


def _close_connections() -> None:
    from django.db import connection, connections

    connections.close_all()
    connection.close_pool()


@pytest.fixture(scope="session")
def migrated_template(django_test_environment: None, django_db_blocker) -> str:
    """Name of a database with the schema, in one go (ADR 0063); made by the first worker that needs it. Nobody may connect to it."""
    from stallkeeper.ops import boot

    name = _template()
    with (Path(os.environ["STALLKEEPER_HOME"]) / "template.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with psycopg.connect(_url("postgres"), autocommit=True) as connection:
            made = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not made:
            unfinished = f"{name}_new"
            _drop_database(unfinished)
            _execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
            with django_db_blocker.unblock(), _default_connection_on(unfinished):
                boot.apply_migrations()
            _execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(name)))
    return name


@pytest.fixture(scope="session")
def django_db_setup(migrated_template: str, django_db_blocker) -> Iterator[None]:
    """pytest-django's fixture, with a clone per worker instead of migrations per worker."""
    name = f"test_{os.environ['STALLKEEPER_TEST_RUN']}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    _clone(name, migrated_template)
    with django_db_blocker.unblock(), _default_connection_on(name):
        django_db_blocker.block()
        yield
        django_db_blocker.restore()
    _drop_database(name)


@dataclass(frozen=True)
class RaceDatabase:
    """A database for one test: ``url`` for connections of one's own, ``environment`` for child processes."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"DATABASE_URL": self.url}

    def connect(self, autocommit: bool = False, organisation: int | None = None) -> psycopg.Connection:
        """A connection beside Django's, to hold a lock or to look in from outside: with the eyes of the organisation, if no other is named
        of the only one there is. Close it.
        """
        with psycopg.connect(self.url) as first:
            known = [row[0] for row in first.execute("SELECT id FROM core_organisation").fetchall()]
        seen = organisation or (known[0] if len(known) == 1 else "")
        return psycopg.connect(self.url, autocommit=autocommit, options=f"-c stallkeeper.organisation={seen}")

    def together(self, *calls: Callable[[], object]) -> list[object]:
        """Run the calls at once, each in a thread with its own Django connection, in the caller's scope; returns their results in order.

        Raises what the first failing call raised, or TimeoutError after TOGETHER_SECONDS.
        """
        barrier = threading.Barrier(len(calls))
        with ThreadPoolExecutor(len(calls)) as pool:
            futures = [pool.submit(contextvars.copy_context().run, _in_thread, call, barrier) for call in calls]
            try:
                return [future.result(timeout=TOGETHER_SECONDS) for future in futures]
            except TimeoutError:
                self.break_connections()  # so that the threads end and the pool can be left
                raise

    def break_connections(self) -> None:
        """End every connection to this database, as a restarted server would."""
        _execute(
            sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {} AND pid <> pg_backend_pid()").format(
                sql.Literal(urlsplit(self.url).path.removeprefix("/"))
            )
        )


def _in_thread(call: Callable[[], object], barrier: threading.Barrier) -> object:
    from django.db import connections

    try:
        barrier.wait(timeout=TOGETHER_SECONDS)
        return call()
    finally:
        connections.close_all()


@contextmanager
def _race_database(template: str, django_db_blocker) -> Iterator[RaceDatabase]:
    name = f"race_{os.environ['STALLKEEPER_TEST_RUN']}_{secrets.token_hex(4)}"
    _clone(name, template)
    try:
        with django_db_blocker.unblock(), _default_connection_on(name):
            yield RaceDatabase(_url(name))
    finally:
        _drop_database(name)


@pytest.fixture
def race_db(migrated_template: str, django_db_blocker) -> Iterator[RaceDatabase]:
    """Real transactions on a fresh, migrated database; Django's default connection goes there, in every thread."""
    with _race_database(migrated_template, django_db_blocker) as database:
        yield database


@pytest.fixture(scope="module")
def shared_race_db(migrated_template: str, django_db_blocker) -> Iterator[RaceDatabase]:
    """The same, one for a module whose tests each open a shop of their own."""
    with _race_database(migrated_template, django_db_blocker) as database:
        yield database


class Furnished:
    """A database that somebody has filled, of which each test gets a copy. Screens say how long ago things were: after FRESH seconds it is
    filled anew.
    """

    def __init__(self, empty: str, django_db_blocker) -> None:
        self.empty, self.blocker = empty, django_db_blocker
        self.name, self.until, self.thing = "", 0.0, None

    @contextmanager
    def copy(self, furnish: Callable[[], T]) -> Iterator[T]:
        """What ``furnish`` returned, on a database of its own: real transactions, in every thread."""
        if time.monotonic() > self.until:
            self.drop()
            self._fill(furnish)
        with _race_database(self.name, self.blocker):
            yield deepcopy(cast(T, self.thing))

    def _fill(self, furnish: Callable[[], object]) -> None:
        self.until = time.monotonic() + FRESH
        self.name = f"furnished_{os.environ['STALLKEEPER_TEST_RUN']}_{secrets.token_hex(4)}"
        _clone(self.name, self.empty)
        with self.blocker.unblock(), _default_connection_on(self.name):
            self.thing = furnish()

    def drop(self) -> None:
        if self.name:
            _drop_database(self.name)


@pytest.fixture(scope="session")
def furnished(migrated_template: str, django_db_blocker) -> Iterator[Furnished]:
    """For one kind of furniture in a worker."""
    kept = Furnished(migrated_template, django_db_blocker)
    yield kept
    kept.drop()


# --- the outside ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _sockets_closed_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test that connects anywhere but to a Unix socket fails."""
    if not request.node.get_closest_marker("unit"):
        return

    def guarded(method):
        def call(self: socket.socket, address: object) -> object:
            if self.family != socket.AF_UNIX:
                raise RuntimeError(f"A unit test must not connect to {address}; move the test to tests/contract or tests/scenarios.")
            return method(self, address)

        return call

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of Chromium: STALLKEEPER_CHROMIUM or what the system has; skips where there is none."""
    named = os.environ.get("STALLKEEPER_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found or not Path(found).exists():
        pytest.skip(f"no Chromium at {named or 'chromium on PATH'}: install it (apt-get install chromium) or set STALLKEEPER_CHROMIUM")
    return found


if not {"--help", "-h", "--version", "-V"} & set(sys.argv):
    _open_house()
