"""The ground that everything is measured on: a durable PostgreSQL of its own, and databases cloned from prepared ones.

The settings are those of the embedded database as users get it, ``synchronous_commit`` and ``fsync`` included.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import psycopg.errors

from stallkeeper import embedded, embedded_host, env
from stallkeeper.embedded import Cluster

ADMIN = "STALLKEEPER_BENCH_ADMIN_URL"
"""Where the bench's own processes find the superuser's address."""
EMPTY = "bench_empty"
"""The template with all migrations and no rows."""


@contextmanager
def durable_cluster() -> Iterator[Cluster]:
    """A cluster as users get it, that is gone after the block. Leftovers of killed runs are removed first."""
    place = env.home() / "tmp"
    embedded_host.own_folder(place, embedded_host.server_account())
    with embedded_host.locked(place / "reaper.lock"):
        embedded.reap(place)
    folder = place / f"bench-{secrets.token_hex(4)}"
    try:
        with embedded.running(folder, durable=True) as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


ORGANISATION = 1
"""The only one that a database of the benchmarks has: cases look at its rows, beside the product and behind its back."""
_eyes = ExitStack()


@dataclass
class House:
    """Databases of one run. Django (and every child process) is on the database of the innermost ``open`` block."""

    cluster: Cluster
    quick: bool
    seconds: float | None = None
    """How long cases that last go on; None: each as long as it thinks right."""
    templates: set[str] = field(default_factory=set)

    @contextmanager
    def open(self, name: str, fill: Callable[[], None]) -> Iterator[str]:
        """A fresh copy of the prepared database ``name``; ``fill`` prepares it at first use. Yields the copy's URL."""
        self._prepare(EMPTY, None, _migrate)
        self._prepare(f"bench_{name}", EMPTY, fill)
        with self._database(f"run_{secrets.token_hex(4)}", f"bench_{name}") as url:
            self.checkpoint()
            yield url

    @contextmanager
    def fresh(self, fill: Callable[[], object] | None = None, *, analyze: bool = True) -> Iterator[str]:
        """A migrated database, filled for this one block. Yields its URL."""
        self._prepare(EMPTY, None, _migrate)
        with self._database(f"run_{secrets.token_hex(4)}", EMPTY) as url:
            if fill is not None:
                fill()
            if analyze:
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute("VACUUM ANALYZE")
            self.checkpoint()
            yield url

    def _prepare(self, template: str, origin: str | None, fill: Callable[[], None]) -> None:
        if template in self.templates:
            return
        with self._database(template, origin, keep=True) as url:
            fill()
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
        self.templates.add(template)

    @contextmanager
    def _database(self, name: str, template: str | None, keep: bool = False) -> Iterator[str]:
        url = self.cluster.create_database(name, template)
        try:
            with _django_on(url):
                yield url
        finally:
            if not keep:
                self.cluster.drop_database(name)

    def checkpoint(self) -> None:
        """Begin measuring with no old pages to write."""
        with suppress(psycopg.errors.InsufficientPrivilege), psycopg.connect(self.cluster.admin_url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def _django_on(url: str) -> Iterator[None]:
    """Django's connection, and the environment of children, name this database inside the block."""
    from django.db import connections

    before = os.environ.get("DATABASE_URL", "")
    connections.close_all()
    os.environ["DATABASE_URL"] = url
    connections.settings["default"]["NAME"] = unquote(urlsplit(url).path.removeprefix("/"))
    try:
        yield
    finally:
        connections.close_all()
        os.environ["DATABASE_URL"] = before


@contextmanager
def house(quick: bool, seconds: float | None = None) -> Iterator[House]:
    """Start the cluster, load Django on it, and leave nothing behind."""
    with durable_cluster() as cluster, tempfile.TemporaryDirectory(prefix="stallkeeper-bench-") as home:
        Path(home).chmod(0o711)
        os.environ |= {
            "DATABASE_URL": cluster.url,
            ADMIN: cluster.admin_url,
            "STALLKEEPER_HOME": home,
            "STALLKEEPER_LOG_LEVEL": "ERROR",
            "STALLKEEPER_ALLOW_PRIVATE_URLS": "127.0.0.1",
        }
        load_django()
        yield House(cluster, quick, seconds)


def across(statement: str, parameters: object = None) -> list[tuple[Any, ...]]:
    """Run a statement on the database of the environment as its superuser, for whom organisations are no walls; its rows."""
    name = unquote(urlsplit(os.environ["DATABASE_URL"]).path.removeprefix("/"))
    with psycopg.connect(os.environ[ADMIN], dbname=name, autocommit=True) as connection:
        cursor = connection.execute(statement, parameters)  # type: ignore[call-overload]
        return list(cursor.fetchall()) if cursor.description else []


def load_django() -> None:
    """Load the application on the database of the environment (also called by child processes)."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "stallkeeper.settings"
    os.environ["PGOPTIONS"] = f"-c stallkeeper.organisation={ORGANISATION}"  # for connections beside Django's
    import django

    django.setup()
    from stallkeeper.core.tenancy import organisation_scope

    _eyes.enter_context(organisation_scope(ORGANISATION))
