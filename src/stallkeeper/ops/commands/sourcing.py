"""Commands for where numbers come from: sources list, add, set, map, run, runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.core.models import Organisation
    from stallkeeper.stock.models import SourceRun, StockSource

COLUMNS = {
    "id": "No.", "location": "Place", "name": "Source", "kind": "Kind", "on": "On", "mode": "Mode", "basis": "Basis",
    "last_success_at": "Last figures (UTC)", "next_at": "Next look (UTC)", "error": "What is wrong",
}  # fmt: skip
RUN_COLUMNS = {
    "id": "No.", "started_at": "Began (UTC)", "state": "State", "rows": "Rows", "changed": "Changed", "zeroed": "To zero",
    "refused": "Refused", "file": "File", "problem": "What is wrong",
}  # fmt: skip
PROBLEM_COLUMNS = {"row": "Row", "column": "Column", "value": "What stood there", "message": "What to do"}


@click.group()
def sources() -> None:
    """Where places get their numbers from: files, sheets, 1C, channels, programs."""


@sources.command("list")
@json_option
@boot.for_organisation
def list_(organisation: Organisation, as_json: bool) -> None:  # noqa: ARG001 - it is in scope
    """List the sources with their state. A place without one is typed by hand."""
    from stallkeeper.stock.models import StockSource

    found = StockSource.objects.select_related("location").order_by("location__priority", "name")
    terminal.show([_row(source) for source in found], COLUMNS, as_json=as_json, empty="Every place is typed by hand.")


@sources.command()
@click.argument("kind")
@click.option("--location", required=True, metavar="CODE", help="The place whose numbers it brings.")
@click.option("--name", required=True, help="How you call it.")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A setting of its kind; may be repeated.")
@click.option("--secret", "secret_files", multiple=True, metavar="NAME=FILE", help="A secret setting, read from a file.")
@click.option("--mode", type=click.Choice(["listed", "all", "deltas"]), default="listed", show_default=True, help="What a file means.")
@click.option(
    "--basis", type=click.Choice(["gross", "net"]), default="gross", show_default=True, help="Whether our orders are off already."
)
@click.option("--every", type=click.IntRange(1), default=30, show_default=True, help="Minutes between two looks.")
@click.option("--once", is_flag=True, help="Only once, then the place is typed again.")
@click.option("--on", is_flag=True, help="Switch it on at once.")
@json_option
@boot.for_organisation
def add(
    organisation: Organisation, kind: str, location: str, name: str, given: tuple[str, ...], secret_files: tuple[str, ...],
    mode: str, basis: str, every: int, once: bool, on: bool, as_json: bool,
) -> None:  # fmt: skip
    """Add a source of this KIND; it stays switched off without --on.

    \b
    Examples:
      stallkeeper sources add url --location MAIN --name Feed --set address=https://example.com/stock.csv
      stallkeeper sources add channel --location MAIN --name "Wildberries, once" --set channel=WB --once --on
      stallkeeper sources add api --location MAIN --name ERP --mode deltas
    """
    from stallkeeper.core.use_case import use_case
    from stallkeeper.stock import source_setup
    from stallkeeper.stock.models import Location
    from stallkeeper.stock.sources import SourceError
    from stallkeeper.sync import source_kinds

    place = Location.objects.filter(code=location).first()
    if place is None:
        raise Refusal(f"There is no place {location!r}; stallkeeper location lists them.")
    values = _pairs(given, "--set") | {key: Path(file).read_text().strip() for key, file in _pairs(secret_files, "--secret").items()}
    terms: source_setup.Terms = {"name": name, "mode": mode, "basis": basis, "interval_minutes": every, "once": once}
    try:
        settings = source_kinds.check(kind, values)
        with use_case("set.source", organisation_id=organisation.pk, actor=boot.actor()) as uc:
            made = source_setup.add(uc, place, kind, settings.shown, settings.hidden, terms)
            made = source_setup.turn(uc, made.pk, True) if on else made
    except SourceError as error:
        raise Refusal(str(error)) from error
    terminal.show([_row(made)], COLUMNS, as_json=as_json)


@sources.command("map")
@click.argument("number", type=int)
@click.option("--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="code, quantity, gtin, location, as_of; may be repeated.")
@click.option("--place", "places", multiple=True, metavar="WORD=CODE", help="What the file calls a place of yours; no CODE leaves it out.")
@click.option("--shape", multiple=True, metavar="NAME=VALUE", help="format, encoding, delimiter, sheet, header_row, item, decimal.")
@json_option
@boot.for_organisation
def map_(
    organisation: Organisation, number: int, columns: tuple[str, ...], places: tuple[str, ...], shape: tuple[str, ...], as_json: bool
) -> None:
    """Say which column of the file of source NUMBER is what; without options, fetch the file and show its first rows and our guess."""
    from stallkeeper.core.use_case import use_case
    from stallkeeper.stock import source_setup
    from stallkeeper.stock.sources import SourceError
    from stallkeeper.sync import source_samples

    source = _source(number)
    try:
        if not columns:
            found = source_samples.look(source, boot.actor())
            rows = [dict(zip(found.columns, cells, strict=False)) for cells in found.rows]
            terminal.show(rows, {name: name for name in found.columns}, as_json=as_json)
            return
        built: dict[str, object] = {key: int(value) if key == "header_row" else value for key, value in _pairs(shape, "--shape").items()}
        words = {word: code or None for word, code in _pairs(places, "--place").items()}
        with use_case("set.source", organisation_id=organisation.pk, actor=boot.actor()) as uc:
            source = source_setup.map_columns(uc, number, built, _pairs(columns, "--column"), words)
    except (SourceError, ValueError) as error:
        raise Refusal(str(error)) from error
    terminal.show([_row(source)], COLUMNS, as_json=as_json)


@sources.command("set")
@click.argument("number", type=int)
@click.option("--on/--off", "enabled", default=None, help="Switch it on or off.")
@click.option("--key", is_flag=True, help="Make a new key for the program that sends figures; the one before ends.")
@json_option
@boot.for_organisation
def set_(organisation: Organisation, number: int, enabled: bool | None, key: bool, as_json: bool) -> None:
    """Switch source NUMBER on or off, or make its key, which is shown this once."""
    from stallkeeper.core.use_case import use_case
    from stallkeeper.stock import source_setup
    from stallkeeper.stock.sources import SourceError

    source = _source(number)
    try:
        with use_case("set.source", organisation_id=organisation.pk, actor=boot.actor()) as uc:
            if enabled is not None:
                source = source_setup.turn(uc, number, enabled)
            token = source_setup.issue_token(uc, number) if key else ""
    except SourceError as error:
        raise Refusal(str(error)) from error
    terminal.show([_row(source) | ({"key": token} if token else {})], COLUMNS, as_json=as_json)
    if token and not as_json:
        terminal.echo(f"The key, shown this once: {token}")


@sources.command()
@click.argument("number", type=int)
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file to take in, for a source of uploads.")
@json_option
@boot.for_organisation
def run(organisation: Organisation, number: int, file: Path | None, as_json: bool) -> None:
    """Have source NUMBER asked now by the worker, whatever its schedule says; or take in a file here."""
    from stallkeeper.core.use_case import use_case
    from stallkeeper.stock import source_setup
    from stallkeeper.stock.sources import SourceError
    from stallkeeper.sync import source_samples

    source = _source(number)
    try:
        if file is not None:
            if not source_samples.ready(source, file, boot.actor()):
                raise Refusal(f"Say which column is what first: stallkeeper sources map {number} --column code=… --column quantity=…")
            taken = source_samples.take_file(source, file, file.name, boot.actor())
            terminal.show([_run(taken)], RUN_COLUMNS, as_json=as_json)
            return
        with use_case("set.source", organisation_id=organisation.pk, actor=boot.actor()) as uc:
            source_setup.ask_now(uc, number)
    except SourceError as error:
        raise Refusal(str(error)) from error
    source.refresh_from_db()
    terminal.show([_row(source)], COLUMNS, as_json=as_json)


@sources.command()
@click.argument("number", type=int)
@click.option("--problems", type=int, metavar="RUN", help="The rows of this run that were refused.")
@click.option("--allow", type=int, metavar="RUN", help="Let this run through, which waits for a person.")
@click.option("--drop", type=int, metavar="RUN", help="Drop the figures of this run, which waits for a person.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most, newest first.")
@json_option
@boot.for_organisation
def runs(
    organisation: Organisation, number: int, problems: int | None, allow: int | None, drop: int | None, limit: int, as_json: bool
) -> None:
    """List the runs of source NUMBER; decide about one that waits."""
    source = _source(number)
    if allow is not None or drop is not None:
        _settle(organisation, source, allow, drop)
    if problems is not None:
        rows = _own_run(source, problems).problems.order_by("row", "pk").values("row", "column", "value", "message")[:1_000]
        terminal.show(list(rows), PROBLEM_COLUMNS, as_json=as_json, empty="No row was refused.")
        return
    found = source.runs.defer("body").order_by("-pk")[:limit]
    terminal.show([_run(each) for each in found], RUN_COLUMNS, as_json=as_json, empty="No figures have come yet.")


def _settle(organisation: Organisation, source: StockSource, allow: int | None, drop: int | None) -> None:
    from stallkeeper.core.use_case import use_case
    from stallkeeper.stock import sources as stock

    try:
        with use_case("settle.source_run", organisation_id=organisation.pk, actor=boot.actor()) as uc:
            if allow is not None:
                stock.let_through(uc, _own_run(source, allow).pk)
            if drop is not None:
                stock.drop(uc, _own_run(source, drop).pk)
    except stock.SourceError as error:
        raise Refusal(str(error)) from error


def _own_run(source: StockSource, number: int) -> SourceRun:
    found = source.runs.defer("body").filter(pk=number).first()
    if found is None:
        raise Refusal(f"Source {source.pk} has no run {number}; stallkeeper sources runs {source.pk} lists them.")
    return found


def _source(number: int) -> StockSource:
    from stallkeeper.stock.models import StockSource

    found = StockSource.objects.select_related("location", "credentials").filter(pk=number).first()
    if found is None:
        raise Refusal(f"There is no source {number}; stallkeeper sources list shows them.")
    return found


def _row(source: StockSource) -> dict[str, object]:
    return {
        "id": source.pk, "location": source.location.code, "name": source.name, "kind": source.kind, "on": source.enabled,
        "mode": source.mode, "basis": source.basis, "last_success_at": source.last_success_at,
        "next_at": source.next_at if source.enabled else None, "error": source.last_error,
    }  # fmt: skip


def _run(run: SourceRun) -> dict[str, object]:
    return {
        "id": run.pk, "started_at": run.started_at, "state": str(run.state), "rows": run.rows_total, "changed": run.rows_changed,
        "zeroed": run.rows_zeroed, "refused": run.rows_refused, "file": run.name, "problem": run.problem,
    }  # fmt: skip


def _pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    pairs = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            raise Refusal(f"{option} takes NAME=VALUE, not {each!r}.")
        pairs[name.strip()] = value.strip()
    return pairs
