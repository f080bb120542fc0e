"""The door for programs that send stock figures: one source, one key, packets of figures that may be repeated safely."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest
from ninja import Field, Header, Router, Schema, Status
from ninja.security import HttpBearer
from pydantic import AwareDatetime

from stallkeeper.api.problems import Problem, ProblemError
from stallkeeper.core import clock
from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
from stallkeeper.stock import source_setup, sources
from stallkeeper.stock.models import SourceMode, SourceRun, StockSource
from stallkeeper.sync import source_kinds
from stallkit.sources.types import Figure

router = Router(tags=["stock"])

SHOWN = 100
LARGEST = 100_000_000
MOST_ROWS = 100_000
State = SourceRun.State


class FigureIn(Schema):
    """One figure: how many base units of an article lie at a place. ``location`` is our code of the place; empty is the source's own."""

    sku: Annotated[str, Field(max_length=100)] = ""
    gtin: Annotated[str, Field(max_length=14)] = ""
    location: Annotated[str, Field(max_length=30)] = ""
    quantity: Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
    as_of: AwareDatetime | None = None


class Packet(Schema):
    """Figures of one moment. ``whole``: it lists everything that the source has; if not, what is missing stays as it is."""

    as_of: AwareDatetime | None = None
    whole: bool = True
    figures: Annotated[list[FigureIn], Field(max_length=MOST_ROWS)]


class RowOut(Schema):
    """What is wrong with one figure, by its number in the packet, from 1."""

    row: int
    field: str
    detail: str


class Taken(Schema):
    """What became of a packet. ``state`` is done, or stopped: then a person has to let it through, and nothing was changed yet."""

    run: int
    state: str
    rows: int
    changed: int
    zeroed: int
    refused: int
    detail: str
    problems: list[RowOut]


class Key(HttpBearer):
    """The key of a source. The length is looked at first: nothing of a packet that is too large is read."""

    def authenticate(self, request: HttpRequest, token: str) -> StockSource:
        """The source that the key belongs to; problem 401 or 413."""
        most, length = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, request.META.get("CONTENT_LENGTH") or "0"
        if length.isascii() and length.isdigit() and int(length) > most:
            raise ProblemError(413, "too-large", f"At most {most // 1024} KB are read at once; send the figures in several packets.")
        with across_organisations(Passage.CALLBACK):
            kept = StockSource.objects.filter(token_hash=source_setup.hash_of(token), kind=source_kinds.API, enabled=True)
            source = kept.select_related(None).first()
        if source is None:
            raise ProblemError(401, "forbidden", "There is no source with this key, or it is switched off.")
        return source


class Asked(HttpRequest):
    """A request whose key was found."""

    auth: StockSource


ANSWERS = {200: Taken, 202: Taken, 400: Problem, 401: Problem, 409: Problem, 413: Problem, 422: Problem}


@router.post("/", response=ANSWERS, auth=Key(), url_name="stock_figures")
def take_figures(request: HttpRequest, packet: Packet, idempotency_key: Annotated[str, Header(max_length=200)] = "") -> Status[Taken]:
    """Take figures into the ledger. The same Idempotency-Key gets the same answer; packets of differences need one."""
    source: StockSource = request.auth  # type: ignore[attr-defined]
    digest = hashlib.sha256(packet.model_dump_json().encode()).hexdigest()[:40]
    with organisation_scope(source.organisation_id):
        run = _known(source, idempotency_key, digest) or _take(source, packet, idempotency_key, digest)
        return _answer(run)


def _known(source: StockSource, key: str, digest: str) -> SourceRun | None:
    """The run that this key has made before; problem 409 if it came with another packet, 422 if it is needed."""
    if not key:
        if source.mode == SourceMode.DELTAS:
            raise ProblemError(422, "key-needed", "Differences need a header Idempotency-Key: sent twice, they would count twice.")
        return None
    found = source.runs.filter(reference=_reference(key), state__in=sources.ENDED).first()
    if found is not None and found.name != digest:
        raise ProblemError(409, "key-used", "This Idempotency-Key came with another packet before; take a new one.")
    return found


def _reference(key: str) -> str:
    return f"key:{hashlib.sha256(key.encode()).hexdigest()[:60]}"


def _take(source: StockSource, packet: Packet, key: str, digest: str) -> SourceRun:
    figures = [
        Figure(row, each.sku.strip(), each.gtin.strip(), each.location.strip(), each.quantity, each.as_of)
        for row, each in enumerate(packet.figures, 1)
    ]
    if source.mode != SourceMode.DELTAS and (below := next((each.row for each in figures if each.quantity < 0), None)):
        raise ProblemError(422, "invalid", f"figures.{below - 1}.quantity: this source sends levels, and a level is 0 or more.")
    moment: datetime = packet.as_of or clock.now()
    reference = _reference(key) if key else sources.reference_of(source, digest)
    return sources.take_in(
        source.pk, figures, as_of=moment, reference=reference, whole=packet.whole, actor=f"source:{source.pk}", name=digest
    )


def _answer(run: SourceRun) -> Status[Taken]:
    if run.state == State.FAILED:
        raise ProblemError(422, "refused", run.problem)
    rows = [RowOut(row=each.row, field=each.column, detail=each.message) for each in run.problems.order_by("row", "pk")[:SHOWN]]
    taken = Taken(
        run=run.pk, state=str(run.state), rows=run.rows_total, changed=run.rows_changed, zeroed=run.rows_zeroed, refused=run.rows_refused,
        detail=run.problem, problems=rows,
    )  # fmt: skip
    return Status(202 if run.state in {State.STOPPED, State.ALLOWED} else 200, taken)
