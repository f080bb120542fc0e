"""A person looks at a source's file before anything is taken in, says which column is what, or brings a file in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from django.db import DatabaseError, connection

from stallkeeper.core import clock, crash, words
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import source_queries, source_setup
from stallkeeper.stock import sources as stock
from stallkeeper.stock.models import SourceRun, StockSource
from stallkeeper.stock.sources import SourceError
from stallkeeper.sync import source_kinds, sources
from stallkeeper.sync.budgets import refuse_in_transaction
from stallkeeper.sync.sources import Brought
from stallkit.errors import AdapterError
from stallkit.sources.types import Columns, Fetched, FileRefused, Preview, Shape
from stallkit.words import said as _

TEMPLATE = Columns(code="sku", quantity="on_hand", gtin="gtin", location="location", as_of="as_of")
"""The columns of our own spreadsheet (S3.12): a file that has them needs no mapping."""


def look(source: StockSource, actor: str) -> Preview:
    """Fetch the source's file now, keep its first rows for the mapping screen, and take nothing in. SourceError says what is wrong."""
    refuse_in_transaction()
    with TemporaryDirectory(prefix="source-") as folder:
        try:
            fetched = sources.fetch(source, Path(folder), "")
        except (AdapterError, FileRefused) as error:
            raise SourceError(str(error)) from error
        if fetched is None:
            raise SourceError(_("There is no file there yet."))
        if fetched.learned:
            with use_case("set.source", organisation_id=source.organisation_id, actor=actor) as uc:
                source_setup.learn(uc, source.pk, fetched.learned)
        return look_into(source, fetched.path, actor)


def look_into(source: StockSource, path: Path, actor: str) -> Preview:
    """The first rows of this file, kept for the mapping screen."""
    try:
        found = sources.look(source, path)
    except FileRefused as error:
        raise SourceError(str(error)) from error
    with use_case("set.source", organisation_id=source.organisation_id, actor=actor) as uc:
        source_setup.keep_sample(uc, source.pk, msgspec.to_builtins(found))
    return found


def kept(source: StockSource) -> Preview | None:
    """The rows that were kept at the last look."""
    return msgspec.convert(source.sample, Preview) if source.sample else None


def ready(source: StockSource, path: Path, actor: str) -> bool:
    """Whether it is known which column is what; a file of our own template says it by itself. If not, its first rows are kept."""
    if source.columns:
        return True
    found = look_into(source, path, actor)
    if not {TEMPLATE.code, TEMPLATE.quantity} <= set(found.columns):
        return False
    columns = {field: name for field, name in msgspec.to_builtins(TEMPLATE).items() if name in found.columns}
    with use_case("set.source", organisation_id=source.organisation_id, actor=actor) as uc:
        source_setup.map_columns(uc, source.pk, msgspec.to_builtins(Shape()), columns, source.places)
    source.refresh_from_db()
    return True


def take_file(source: StockSource, path: Path, name: str, actor: str, as_of: datetime | None = None) -> SourceRun:
    """Take a file in that a person brought. The same file for the same moment twice is one run."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    mark = f"{digest}@{as_of.isoformat()}" if as_of else digest
    brought = sources.of_file(source, Fetched(path, name, mark, as_of or clock.now()))
    close_interrupted(source)
    with held(source):
        return _take(source, brought, mark, name, actor)


def _take(source: StockSource, brought: Brought, mark: str, name: str, actor: str) -> SourceRun:
    source.refresh_from_db(fields=["fingerprint"])
    again = source.runs.filter(state__in=stock.ENDED).order_by("-pk").first() if source.fingerprint == mark else None
    if again is not None:
        return again
    return stock.take_in(
        source.pk,
        brought.rows,
        as_of=brought.as_of,
        reference=stock.reference_of(source, mark),
        whole=True,
        actor=actor,
        name=name,
        fingerprint=mark,
    )


@contextmanager
def held(source: StockSource) -> Iterator[None]:
    """Others can see that a file of this source is being taken in, and wait with theirs; ends with the process, however that ends."""
    with connection.cursor() as cursor:
        source_queries.hold_uploads(cursor, source.pk)
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:  # a connection that broke has let go by itself
            source_queries.let_go(cursor, source.pk)


def close_interrupted(source: StockSource) -> int:
    """Mark runs of a source of uploads as failed whose process was killed; screens call it before they show runs. How many there were.
    What is fetched, sent by a program or by 1C is repeated by whoever brings it."""
    if source.kind != source_kinds.UPLOAD:
        return 0
    problem = _("It was interrupted. Bring the same file once more: what is in already does not count twice.")
    with organisation_scope(source.organisation_id), crash.committing("source_run.interrupted"), connection.cursor() as cursor:
        return source_queries.close_interrupted(cursor, source.pk, clock.now(), problem, words.kept_json(problem))
