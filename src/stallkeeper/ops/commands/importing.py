"""The command ``import``: products and stock from spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.catalog.models import ImportRun
    from stallkeeper.core.models import Organisation

SHOWN = 20


@click.command("import")
@click.argument("kind", type=click.Choice(["products", "stock"]))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--dry-run", is_flag=True, help="Check everything and change nothing.")
@click.option("--encoding", help="Encoding of a CSV file, if it is found out wrongly (utf-8, cp1250, …).")
@click.option("--template", type=click.Path(dir_okay=False, path_type=Path), help="Write an empty template (.xlsx or .csv) and stop.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write all refused cells to this .xlsx file.")
@click.option("--allow-many-zeroings", is_flag=True, help="Stock: let much fall to zero or by more than half.")
@json_option
@click.pass_context
@boot.for_organisation
def import_(
    organisation: Organisation,
    ctx: click.Context,
    kind: str,
    file: Path | None,
    dry_run: bool,
    encoding: str | None,
    template: Path | None,
    report: Path | None,
    allow_many_zeroings: bool,
    as_json: bool,
) -> None:
    """Read products or stock from FILE (.xlsx or .csv).

    Good rows go through, refused ones are listed by row and column. Importing the same file again changes nothing.
    Exit status 1 if a row was refused or the import stopped.

    \b
    Examples:
      stallkeeper import products --template products.xlsx
      stallkeeper import products products.xlsx --dry-run
      stallkeeper import stock stock.csv --encoding cp1250 --report refused.xlsx
    """
    from stallkeeper.stock import imports

    if template is not None:
        write_template(kind, template)
        return
    if file is None:
        raise Refusal(f"Name the file to import, or write a template with: stallkeeper import {kind} --template {kind}.xlsx")
    if not file.is_file():
        raise Refusal(f"There is no file {file}.")
    with terminal.progress(f"Reading {file.name}") as tick:
        run = imports.run_import(
            kind, file, organisation.pk, boot.actor(), dry_run, tick, encoding=encoding, allow_many_zeroings=allow_many_zeroings
        )
    if report is not None:
        from stallkeeper.catalog.imports.sheets import problems_xlsx

        report.write_bytes(problems_xlsx(run))
    (print_json if as_json else print_run)(run, report)
    ctx.exit(0 if run.state == "done" and not run.rows_refused else 1)


def write_template(kind: str, target: Path) -> None:
    """A file to fill in, as XLSX or CSV by its name."""
    from stallkeeper.catalog.imports import sheets
    from stallkeeper.stock.imports import LAYOUTS

    writers = {".xlsx": sheets.template_xlsx, ".csv": sheets.template_csv}
    writer = writers.get(target.suffix.lower())
    if writer is None:
        raise Refusal(f"--template {target}: the name must end with .xlsx or .csv.")
    target.write_bytes(writer(LAYOUTS[kind]))
    terminal.echo(f"{target} is ready to be filled in.")


def print_json(run: ImportRun, report: Path | None) -> None:
    keys = ("kind", "file_name", "dry_run", "state", "rows_total", "rows_done", "rows_changed", "rows_refused", "problem")
    problems = list(run.problems.order_by("row", "id").values("row", "column", "value", "message")[: None if report is None else SHOWN])
    terminal.print_json({key: getattr(run, key) for key in keys} | {"problems": problems})


def print_run(run: ImportRun, report: Path | None) -> None:
    would = "would be " if run.dry_run else ""
    if run.problem:
        terminal.echo(f"{run.file_name}: {run.problem}", err=True)
    terminal.echo(f"{run.rows_done:,} rows read, {run.rows_changed:,} {would}changed, {run.rows_refused:,} refused.")
    problems = list(run.problems.order_by("row", "id").values("row", "column", "value", "message")[:SHOWN])
    if problems:
        columns = {"row": "Row", "column": "Column", "value": "Found", "message": "What to do"}
        terminal.console().print(terminal.table(problems, columns))
        if run.rows_refused > len(problems):
            where = f"all of them: {report}" if report else "see all of them with --report refused.xlsx"
            terminal.echo(f"These are the first {len(problems)}; {where}")
