"""Databases to play in: a throw-away server (or the one of DATABASE_URL), one migrated template, a quick clone of it for every seed."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import errors, sql

PREFIX = "stallkeeper_sim_"
QUICK = "-c plan_cache_mode=force_generic_plan -c synchronous_commit=off"
"""Settings of the connections that play: a statement that is kept is planned once, not anew for each of its first values (all tables are
small), and nothing outlives the day anyway."""
PATIENCE = 200
"""Tries to drop a database, a twentieth of a second apart."""


@dataclass
class Server:
    """A server whose role may create databases. ``url`` names any database of it; ``template`` one that has the schema."""

    url: str
    template: str
    name: str = field(default_factory=lambda: f"{PREFIX}{os.getpid()}_{secrets.token_hex(3)}")
    _made: int = 0

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    @contextmanager
    def clone(self) -> Iterator[str]:
        """The name of a new copy of the template; dropped afterwards, whoever is connected."""
        self._made += 1
        name = f"{self.name}_{self._made}"
        self.copy(self.template, name)
        try:
            yield name
        finally:
            self.drop(name)

    def copy(self, template: str, name: str) -> None:
        # FILE_COPY writes no log page by page: a third of the time of the usual strategy.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._administer(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def drop(self, name: str) -> None:
        """Drop it, whoever is connected; the server's own workers (autovacuum), which only a superuser may end, are waited for."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        for left in reversed(range(PATIENCE)):
            try:
                self._administer(statement)
                break
            except (errors.InsufficientPrivilege, errors.ObjectInUse):
                if not left:
                    raise
                time.sleep(0.05)

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def default_connection_on(database: str) -> Iterator[None]:
    """Django's default connection, of every thread that opens one inside the block, goes to this database of the same server."""
    from django.db import connections

    settings = connections.settings["default"]
    name, options = settings["NAME"], settings["OPTIONS"]
    connections.close_all()
    settings["NAME"] = database
    settings["OPTIONS"] = options | {"options": f"{options.get('options', '')} {QUICK}".strip()}
    try:
        yield
    finally:
        connections.close_all()
        settings["NAME"], settings["OPTIONS"] = name, options
