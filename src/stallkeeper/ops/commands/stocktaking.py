"""Commands for what lies where: location, adjust, hold, count."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from stallkeeper.ops import boot, terminal
from stallkeeper.ops.terminal import Refusal, json_option

if TYPE_CHECKING:
    from stallkeeper.catalog.models import StockUnit
    from stallkeeper.core.models import Organisation
    from stallkeeper.stock.count_files import Preview
    from stallkeeper.stock.models import Location
    from stallkeeper.stock.places import Changes

SHOWN = 20
PLACE_COLUMNS = {
    "code": "Code", "name": "Name", "owner": "Whose stock", "priority": "Priority", "sellable": "For sale", "backorder": "Backorder",
    "active": "Active",
}  # fmt: skip


@click.command()
@click.argument("code", required=False)
@click.option("--name", help="Name of the place; needed for a new one.")
@click.option("--owner", type=click.Choice(["mine", "supplier", "marketplace"]), help="Whose stock it is.  [default: mine]")
@click.option("--priority", type=click.IntRange(0, 10_000), help="Orders are served from the lowest number first.  [default: 100]")
@click.option("--sellable/--not-sellable", default=None, help="Whether what lies there may be sold.")
@click.option("--backorder/--no-backorder", default=None, help="Whether more may be promised there than there is.")
@click.option("--active/--inactive", default=None, help="Whether the place is in use.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--sure", is_flag=True, help="With --yes: what goes beyond the channels' limits is meant.")
@click.option("--let-sales-go-on", "lower", is_flag=True, help="A figure that is lower by the time you answer is fine.")
@json_option
@boot.for_organisation
def location(organisation: Organisation, code: str | None, yes: bool, sure: bool, lower: bool, as_json: bool, **options: object) -> None:
    """List the places, or make or change the one with this CODE.

    If offers get another quantity, you see first how many; what you saw is what is sent. With --no-backorder, promises beyond
    what is there go short, the latest dispatch dates first.

    \b
    Examples:
      stallkeeper location
      stallkeeper location SHOP --name "Shop, High Street" --priority 50
      stallkeeper location SHOP --not-sellable
    """
    from stallkeeper.stock.models import Location, LocationOwner

    wanted = {name: value for name, value in options.items() if value is not None}
    if wanted and not code:
        raise Refusal("Name the place that you want to make or change, for instance: stallkeeper location SHOP --priority 50")
    if code and wanted:
        _make_or_change(organisation, code, wanted, yes=yes, sure=sure, lower=lower)
    found = [_place(code)] if code else Location.objects.exclude(owner=LocationOwner.VIRTUAL).order_by("priority", "id")
    rows = [
        {"code": place.code, "name": place.name, "owner": place.owner, "priority": place.priority, "sellable": place.sellable,
         "backorder": place.allows_backorder, "active": place.active}
        for place in found
    ]  # fmt: skip
    terminal.show(rows, PLACE_COLUMNS, as_json=as_json)


def _make_or_change(organisation: Organisation, code: str, wanted: dict[str, object], *, yes: bool, sure: bool, lower: bool) -> None:
    from stallkeeper.channels.proposals import Proposal
    from stallkeeper.ops import sending, shelf
    from stallkeeper.stock.models import Location, LocationOwner
    from stallkeeper.stock.places import moves_figures

    if "backorder" in wanted:
        wanted["allows_backorder"] = wanted.pop("backorder")
    if "owner" in wanted:
        wanted["owner"] = LocationOwner(str(wanted["owner"]))
    known, asked = Location.objects.filter(code__iexact=code).first(), cast("Changes", wanted)
    if known is None:
        shelf.make_place(organisation, boot.actor(), code, asked)
        return
    change = shelf.differing(known, asked)
    if moves_figures(change.fields()):
        sending.decide(organisation.pk, Proposal(places={known.pk: change}), boot.actor(), sending.Meant(yes, sure, lower))
    elif change.fields():
        shelf.name_place(organisation, boot.actor(), known, change.fields())


@click.command()
@click.argument("sku")
@click.option("--location", "place", required=True, metavar="CODE", help="The place.")
@click.option("--on-hand", type=click.IntRange(0, 100_000_000), required=True, help="What is really there.")
@click.option("--reason", required=True, help="Why it differs; stands on the movement.")
@json_option
@boot.for_organisation
def adjust(organisation: Organisation, sku: str, place: str, on_hand: int, reason: str, as_json: bool) -> None:
    """Put right what is on hand of SKU at a place; a movement with the reason makes up the difference.

    \b
    Example:
      stallkeeper adjust MUG-RED --location MAIN --on-hand 11 --reason "one broke"
    """
    from stallkeeper.ops import shelf
    from stallkeeper.stock.models import Level

    unit, where = unit_of(sku), _place(place)
    if unit.kind == "kit" or not unit.stocked:
        raise Refusal(f"{unit.sku} is a kit or not counted: nothing of it lies anywhere. Adjust the articles that it is made of.")
    changed = shelf.adjust(organisation, boot.actor(), unit, where, on_hand, reason)
    level = Level.objects.filter(stock_unit=unit, location=where).first()
    figures = {"on_hand": on_hand, "allocated": level.allocated if level else 0, "held": level.held if level else 0}
    if as_json:
        terminal.print_json({"sku": unit.sku, "location": where.code, "changed": changed, **figures})
    else:
        said = "{on_hand} on hand now, {allocated} of them allocated, {held} held." if changed else "it was {on_hand} already."
        terminal.echo(f"{unit.sku} at {where.code}: {said.format(**figures)}")


@click.command()
@click.argument("sku", required=False)
@click.option("--location", "place", metavar="CODE", help="The place.")
@click.option("--units", type=click.IntRange(0, 100_000_000), help="How many to keep back, in place of what was kept before; 0 lifts.")
@click.option("--reason", help="Why.")
@click.option("--until", metavar="DATE", help="When the hold ends by itself: 2026-12-31 (the whole day), or with a time of day.")
@json_option
@boot.for_organisation
def hold(
    organisation: Organisation,
    sku: str | None,
    place: str | None,
    units: int | None,
    reason: str | None,
    until: str | None,
    as_json: bool,
) -> None:
    """Keep units of SKU at a place back by hand, so that no channel offers them; without --units, list what is kept back.

    A hold takes what is free. An order that comes in anyway may take held units: it is a fact.

    \b
    Examples:
      stallkeeper hold
      stallkeeper hold MUG-RED --location MAIN --units 2 --reason "photo shoot" --until 2026-12-31
      stallkeeper hold MUG-RED --location MAIN --units 0 --reason "photos are done"
    """
    from stallkeeper.ops import shelf

    if units is not None:
        if not (sku and place and reason):
            raise Refusal("A hold needs a SKU, --location, --units and --reason; see 'stallkeeper hold --help'.")
        unit, where = unit_of(sku), _place(place)
        expires_at = _end_of(until, organisation) if until else None
        kept = shelf.keep_back(organisation, boot.actor(), unit, where, units, reason, expires_at)
        if kept < units and not as_json:
            terminal.echo(f"Only {kept} of {units} were free and are kept back.")
    elif place or reason or until:
        raise Refusal("Say how many units with --units; 0 lifts the hold.")
    columns = {"sku": "SKU", "location": "Place", "units": "Asked for", "kept": "Kept", "until": "Until (UTC)", "reason": "Reason",
               "by": "By", "since": "Since (UTC)"}  # fmt: skip
    terminal.show(_holds(sku), columns, as_json=as_json, empty="Nothing is kept back by hand.")


def _holds(sku: str | None) -> list[dict[str, object]]:
    from stallkeeper.stock.holds import kept_back

    return [
        {"sku": one.stock_unit.sku, "location": one.location.code, "units": one.quantity, "kept": kept, "until": one.expires_at,
         "reason": one.reason, "by": one.actor, "since": one.created_at}
        for one, kept in kept_back(unit_of(sku) if sku else None)
    ]  # fmt: skip


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--location", "place", required=True, metavar="CODE", help="The place that was counted.")
@click.option("--as-of", required=True, metavar="WHEN", help="When it was counted, in your organisation's time: '2026-11-21 18:30'.")
@click.option("--dry-run", is_flag=True, help="Show what would differ and change nothing.")
@json_option
@click.pass_context
@boot.for_organisation
def count(organisation: Organisation, ctx: click.Context, file: Path, place: str, as_of: str, dry_run: bool, as_json: bool) -> None:
    """Enter a stock-taking of one place from a spreadsheet with the columns sku and counted.

    Trade may go on while you count: differences are taken against what lay there at --as-of. Articles that are not in the file
    stay as they are. If a row is wrong, nothing is entered. The same file for the same place and moment changes nothing again.

    \b
    Examples:
      stallkeeper count count.csv --location MAIN --as-of "2026-11-21 18:30" --dry-run
      stallkeeper count count.csv --location MAIN --as-of "2026-11-21 18:30"
    """
    from stallkeeper.core import clock
    from stallkeeper.ops import shelf
    from stallkeeper.stock import count_files

    found = count_files.preview(organisation.pk, file, _place(place), moment_of(as_of, "--as-of", organisation), clock.now())
    if not (dry_run or found.problems or found.known):
        shelf.record_count(organisation, boot.actor(), found)
    (_count_json if as_json else _print_count)(found, dry_run)
    ctx.exit(1 if found.problems else 0)


def _count_json(found: Preview, dry_run: bool) -> None:
    problems = [{"row": one.row, "column": one.column, "value": one.value, "message": one.message} for one in found.problems]
    terminal.print_json(
        {
            "location": found.location.code, "as_of": found.as_of, "dry_run": dry_run, "lines": len(found.lines),
            "differing": [{"sku": line.sku, "then": line.then, "counted": line.counted, "difference": line.difference}
                          for line in found.differing],
            "entered_before": found.known.recorded_at if found.known else None, "problems": problems,
        }
    )  # fmt: skip


def _print_count(found: Preview, dry_run: bool) -> None:
    if found.known:
        terminal.echo(f"This count was entered already, on {terminal.cell(found.known.recorded_at)} UTC; nothing was changed.")
        return
    if found.problems:
        rows = [{"row": one.row, "column": one.column, "value": one.value, "message": one.message} for one in found.problems]
        terminal.console().print(
            terminal.table(rows[:SHOWN], {"row": "Row", "column": "Column", "value": "Found", "message": "What to do"})
        )
        terminal.echo(f"{len(rows):,} problems; nothing was entered. Correct the file and enter it again.", err=True)
        return
    columns = {"sku": "SKU", "then": "In the ledger", "counted": "Counted", "difference": "Difference"}
    rows = [{name: getattr(line, name) for name in columns} for line in found.differing]
    if rows:
        terminal.console().print(terminal.table(rows[:SHOWN], columns))
    more = f" (the first {SHOWN} are shown)" if len(rows) > SHOWN else ""
    would = "would differ" if dry_run else "differed"
    terminal.echo(
        f"{len(found.lines):,} articles counted, {len(rows):,} {would}{more}: {found.found:,} units more, {found.missing:,} fewer."
    )
    if dry_run:
        terminal.echo("Nothing was changed.")


def unit_of(sku: str) -> StockUnit:
    """The stock unit with this SKU; Refusal if there is none."""
    from stallkeeper.catalog.models import StockUnit

    found = StockUnit.objects.filter(sku=sku).first() or StockUnit.objects.filter(sku__iexact=sku).first()
    if found is None:
        raise Refusal(f"There is no stock unit {sku!r}. Import it first, or look in the back office under Products and stock.")
    return found


def _place(code: str) -> Location:
    """The real place with this code in any case; Refusal lists those there are."""
    from stallkeeper.stock.models import Location, LocationOwner

    real = Location.objects.exclude(owner=LocationOwner.VIRTUAL)
    found = real.filter(code=code).first() or real.filter(code__iexact=code).first()
    if found is None:
        known = ", ".join(real.order_by("code").values_list("code", flat=True)) or "none yet"
        raise Refusal(f"There is no place {code!r}. There are: {known}.")
    return found


def moment_of(text: str, option: str, organisation: Organisation) -> datetime:
    """A point in time as typed; without a zone it is meant in the organisation's."""
    from zoneinfo import ZoneInfo

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(f"{option} {text}: this is not a date and time; write it like '2026-11-21 18:30'.") from None
    if len(text.strip()) <= 10:
        raise Refusal(f"{option} {text}: the time of day is missing; write both, like '{text} 18:30'.")
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(organisation.time_zone))


def _end_of(text: str, organisation: Organisation) -> datetime:
    """The moment as typed, or the end of the day if only a day was."""
    if len(text.strip()) > 10:
        return moment_of(text, "--until", organisation)
    day = moment_of(f"{text.strip()} 00:00", "--until", organisation)
    return datetime.combine(day.date() + timedelta(days=1), time(), tzinfo=day.tzinfo)
