"""A new database gets the schema of this release in one go, in place of the migrations that led to it (ADR 0063).

``schema.sql`` is what the migrations make, written by ``make schema``; a test compares the two. Databases that hold anything, and servers
of another major version than the file was written on, take the migrations.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from django.db import transaction

from stallkeeper.core.sql import Cursor
from stallkeeper.ops import queries

FILE = Path(__file__).with_name("schema.sql")
HEAD = """-- The schema of this release, as the migrations make it. Written by `make schema`: do not edit.
-- PostgreSQL {major}
SET LOCAL check_function_bodies = false;
SELECT set_config('search_path', '', true);
"""
APPLIED_AT = re.compile(r"(INSERT INTO public\.django_migrations VALUES \(.*, )'[^']*'\);")


def lay(cursor: Cursor) -> bool:
    """Lay the schema into an empty database, all of it or nothing. False if it is not empty, or of another version: nothing was done."""
    if not queries.is_empty(cursor):
        return False
    text = FILE.read_text(encoding="utf-8")
    if f"-- PostgreSQL {queries.major_version(cursor)}\n" not in text:
        return False
    with transaction.atomic():  # lint: allow crash-point because nobody works on an empty database, and the whole file is one transaction
        queries.lay_schema(cursor, text)
    return True


def written(pg_dump: Path, url: str, major: int) -> str:
    """The file's content for a database with all migrations; CalledProcessError with what pg_dump says if it cannot be read."""
    what = ["--schema-only", "--no-owner", "--no-privileges"]
    applied = ["--data-only", "--inserts", "--table=public.django_migrations"]
    parts = [_dump([str(pg_dump), *options, f"--dbname={url}"]) for options in (what, applied)]
    return HEAD.format(major=major) + "".join(_bare(part) for part in parts)


def _dump(command: list[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603


def _bare(dump: str) -> str:
    """Without comments, empty lines, psql's own commands, settings of the session, and the moment at which a migration was applied."""
    skipped = ("--", "\\", "SET ", "SELECT pg_catalog.set_config(")
    lines = [line for line in dump.splitlines() if line.strip() and not line.startswith(skipped)]
    return APPLIED_AT.sub(r"\1now());", "\n".join(lines)) + "\n"
