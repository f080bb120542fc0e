"""Imports from the screen: the file is kept until its import has ended; the work goes on in a thread while the page shows how far it is."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice import uploads
from stallkeeper.catalog.imports.runs import queue_run
from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels import links
from stallkeeper.channels.models import RemoteListing
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import table_files
from stallkeeper.stock.imports import run_import

log = logging.getLogger(__name__)

KINDS: dict[str, str | Promise] = {
    "products": gettext_lazy("products, prices and kits"),
    "stock": gettext_lazy("stock figures by place"),
}
NAMES = KINDS | {table_files.KIND: gettext_lazy("the stock table")}
"""Of all runs: those that have a screen of their own as well."""


@dataclass(frozen=True)
class Wish:
    """What a person asked for: the kind, whether it is only tried, whether many falls to zero are right, the encoding if it was said."""

    kind: str
    dry_run: bool
    allow_many_zeroings: bool
    encoding: str | None = None


def start(organisation_id: int, file: UploadedFile[bytes], wish: Wish, actor: str) -> ImportRun:
    """Keep the file, make the row of the run, and begin; the row tells how it goes."""
    run = queue_run(wish.kind, file.name or wish.kind, organisation_id, actor, wish.dry_run)
    return _begin(run, uploads.keep(file), wish)


def start_file(organisation_id: int, path: Path, name: str, wish: Wish, actor: str) -> ImportRun:
    """The same of a file that we have written ourselves (``uploads.new_file``)."""
    return _begin(queue_run(wish.kind, name, organisation_id, actor, wish.dry_run), path, wish)


def _begin(run: ImportRun, path: Path, wish: Wish) -> ImportRun:
    threading.Thread(target=_work, args=(run, path, wish), name=f"import {run.pk}", daemon=True).start()
    return run


def _work(run: ImportRun, path: Path, wish: Wish) -> None:
    try:
        run_import(
            wish.kind, path, run.organisation_id, run.actor, wish.dry_run,
            encoding=wish.encoding, allow_many_zeroings=wish.allow_many_zeroings, run=run,
        )  # fmt: skip
        if wish.kind == "products" and not wish.dry_run:
            _search_again(run)
    except Exception:
        # The run's own row says that it failed and why; nobody waits for this thread.
        log.exception("import %s of %s", run.pk, run.file_name)
    finally:
        path.unlink(missing_ok=True)
        connection.close()


def _search_again(run: ImportRun) -> None:
    """What came in may be what a listing was read without: nobody should be told that none fits, and make it once more."""
    with organisation_scope(run.organisation_id):
        waiting = RemoteListing.objects.filter(state__in=("new", "ambiguous"))
        channels = list(waiting.order_by("channel").values_list("channel", flat=True).distinct())
    for channel in channels:
        _search_for(run, channel)


@again_on_conflict
def _search_for(run: ImportRun, channel: int) -> None:
    with use_case("propose.links", organisation_id=run.organisation_id, actor=run.actor) as uc:
        links.propose(uc, channel)
