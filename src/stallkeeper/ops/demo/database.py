"""The database that a demo plays in: an embedded one, or, where the platform has none, one of its own on the server of DATABASE_URL."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from stallkeeper import embedded, embedded_host, env
from stallkeeper.embedded_host import EmbeddedDatabaseError
from stallkeeper.ops import boot

PREFIX = "stallkeeper_demo_"


@contextmanager
def opened(keep: Path | None) -> Iterator[tuple[str, Path]]:
    """(URL, folder for the rest). Both are thrown away afterwards, unless they are kept: then they lie in that folder.

    EmbeddedDatabaseError where there is no embedded database and DATABASE_URL names no server either; BootError if that server will not do.
    """
    server = os.environ.get("DATABASE_URL", "")
    if not server or _has_programs():
        with _embedded(keep) as place:
            yield place
    elif keep is not None:
        raise boot.BootError("--keep needs the embedded database, which there is none of for this platform. Leave --keep out.")
    else:
        with _on_server(server) as url, tempfile.TemporaryDirectory(prefix="stallkeeper-demo-") as folder:
            yield url, Path(folder)


def _has_programs() -> bool:
    try:
        embedded_host.find_programs(embedded_host.server_account())
    except EmbeddedDatabaseError:
        return False
    return True


@contextmanager
def _embedded(keep: Path | None) -> Iterator[tuple[str, Path]]:
    if keep is not None:
        with embedded.running(embedded.cluster_folder(keep)) as cluster:
            yield cluster.url, keep.absolute()
        return
    with embedded.temporary("demo", env.home()) as cluster:
        folder = cluster.folder / "home"
        folder.mkdir(mode=0o700)
        yield cluster.url, folder


@contextmanager
def _on_server(server: str) -> Iterator[str]:
    """The URL of a new database on the server; dropped afterwards, whoever is connected. The database of DATABASE_URL is not touched."""
    env.database_settings(server)
    name = f"{PREFIX}{secrets.token_hex(4)}"
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    if conninfo_to_dict(url).get("dbname") != name:
        raise boot.BootError("DATABASE_URL: put the database's name into the path (postgresql://user:password@host/name) to play the demo.")
    _administer(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield url
    finally:
        _administer(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(server: str, statement: sql.Composed) -> None:
    try:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        raise boot.BootError(
            "The demo plays in a database of its own, and the role of DATABASE_URL may not make one: ALTER ROLE … CREATEDB."
        ) from None
    except psycopg.OperationalError as error:
        raise boot.BootError(f"The server of DATABASE_URL does not let the demo in: {error}") from None
