"""Import of stock: what is on hand of which article at which place. Places and articles that a file does not name stay as they are.

All rows are checked first and compared with what is there. If too much would fall to zero or by more than half, nothing is written and the
run waits for a person (C21): a broken export must not empty the shop.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from django.db import connection

from stallkeeper.catalog.identifiers import spellings
from stallkeeper.catalog.imports import cells
from stallkeeper.catalog.imports.columns import Column, Layout
from stallkeeper.catalog.imports.files import Table
from stallkeeper.catalog.imports.products import EXAMPLE, import_products
from stallkeeper.catalog.imports.products import LAYOUT as PRODUCTS
from stallkeeper.catalog.imports.rows import RowPlan
from stallkeeper.catalog.imports.runs import CHUNK, Chunk, Job, Outcome, Progress, Stopped, ahead, chunks, perform, queue_run, take_in
from stallkeeper.catalog.models import ImportRun, UnitKind
from stallkeeper.catalog.texts import CatalogueError
from stallkeeper.core import clock
from stallkeeper.core.models import Organisation
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import SYSTEM, UseCase
from stallkeeper.stock import imports_queries, ledger, table_files
from stallkeeper.stock.ledger import Move, Target
from stallkeeper.stock.models import Cause, Location, LocationOwner, VirtualRole
from stallkeeper.stock.places import virtual
from stallkeeper.stock.table_files import TableItem, TableLayout
from stallkit.tables.cells import LARGEST_COUNT, Cell, Problem
from stallkit.words import said as _

BREAKER_ROWS = 20
BREAKER_SHARE = 30
"""A run stops when more than this many levels, and more than this per cent of a place's filled levels, would fall to zero or below half."""
TABLES = ("stock_level", "stock_movement")
LAYOUT = Layout(
    kind="stock",
    title="Stock",
    columns=(
        Column("sku", "Your code of the article. A GTIN is understood, too.", EXAMPLE, required=True, also=("code", "article")),
        Column("gtin", "Number under the barcode, in place of the SKU.", "", also=("ean", "upc", "barcode")),
        Column("location", "Code of the place.", "MAIN", required=True, also=("place", "warehouse", "location_code")),
        Column("on_hand", "What is there, in whole units.", "12", required=True, also=("quantity", "qty", "stock"), as_text=False),
        Column("as_of", "When it was counted, if goods moved since: 2026-05-01 18:30, in your own time.", "", also=("counted_at",)),
    ),
    needed=(("sku", "gtin"), ("location",), ("on_hand",)),
    notes=(
        "Articles and places that are not in the file stay as they are: nothing is set to zero because it is missing.",
        "If much would fall to zero or by more than half, the import stops and asks before it changes anything.",
        "Kits are counted through their components: give those.",
        "The row of the example is left out by itself.",
    ),
)
LAYOUTS = {layout.kind: layout for layout in (PRODUCTS, LAYOUT)}


def run_import(
    kind: str,
    file: Path,
    organisation_id: int,
    actor: str = SYSTEM,
    dry_run: bool = False,
    progress: Progress | None = None,
    *,
    encoding: str | None = None,
    allow_many_zeroings: bool = False,
    file_name: str = "",
    run: ImportRun | None = None,
) -> ImportRun:
    """Import ``products`` or ``stock`` from an XLSX or CSV file; returns the run with its counts, its state and its problems.

    A dry run checks everything and changes nothing. ``run`` is one made before by ``queue_run``; ``file_name`` is shown in place of the
    file's own. Raises ValueError for another kind; files that cannot be read do not raise, they end as failed with the reason.
    """
    if kind not in (*LAYOUTS, table_files.KIND):
        raise ValueError(f"kind must be one of {', '.join(LAYOUTS)}, not {kind!r}")
    job = Job(run or queue_run(kind, file_name or file.name, organisation_id, actor, dry_run), progress)
    if kind == PRODUCTS.kind:
        return import_products(job, file, encoding)
    if kind == table_files.KIND:
        chosen = table_files.layout(table_files.places_by_code(organisation_id))
        return perform(job, chosen, file, encoding, lambda job, table: _table(job, table, chosen, allow_many_zeroings))
    return perform(job, LAYOUT, file, encoding, lambda job, table: _work(job, table, allow_many_zeroings))


class StockItem(NamedTuple):
    """A right row as the file gives it: ``code`` is a SKU or a GTIN, whichever is found first."""

    number: int
    code: str
    gtin: str
    location_id: int
    on_hand: int
    as_of: datetime | None


class Counted(NamedTuple):
    """A row whose article is known. ``on_hand`` is in base units."""

    number: int
    unit_id: int
    location_id: int
    on_hand: int
    as_of: datetime | None


class Unit(NamedTuple):
    """What must be known of a unit to count it."""

    id: int
    kind: str
    stocked: bool


GtinUnit = tuple[Unit, int]
"""A unit that a GTIN belongs to, and how many base units one piece holds."""


class StockReader:
    """Checks rows without the database."""

    def __init__(self, table: Table, places: dict[str, int], zone: ZoneInfo, now: datetime) -> None:
        self.problems: list[Problem] = []
        self._places = places
        self._plan = RowPlan(
            table,
            {
                "sku": lambda cell: cells.text("sku", cell),
                "gtin": cells.gtin,
                "location": self._place,
                "on_hand": lambda cell: cells.count("on_hand", cell),
                "as_of": lambda cell: cells.moment("as_of", cell, zone, now),
            },
        )

    def read(self, number: int, row: list[Cell]) -> StockItem | None:
        """One row; None if it is refused."""
        before = len(self.problems)
        values = self._plan.parse(number, row, self.problems)
        if len(self.problems) > before:
            return None
        sku, gtin, place, on_hand, as_of = values
        code = cast(str, sku)
        if code == EXAMPLE:
            self.problems.append(Problem(number, "sku", code, _("This is the example of the template; it was left out. Delete the row.")))
            return None
        missing = [("sku", code or gtin), ("location", place is not None), ("on_hand", on_hand is not None)]
        if not all(given for _name, given in missing):
            self.problems += [
                Problem(number, name, "", _("{name} is empty; it must be given.", name=name)) for name, given in missing if not given
            ]
            return None
        return StockItem(number, code, cast(str, gtin), cast(int, place), cast(int, on_hand), cast("datetime | None", as_of))

    def _place(self, cell: Cell) -> int | None:
        typed = cells.as_text("location", cell).strip()
        if not typed:
            return None
        place = self._places.get(typed) or self._places.get(typed.casefold())
        if place is None:
            shown = typed if len(typed) <= 40 else typed[:39] + "…"
            known = ", ".join(sorted(code for code in self._places if code != code.casefold())[:10]) or ", ".join(sorted(self._places)[:10])
            raise CatalogueError(
                "location", _("{shown!r} is not a place; known are {known}. Correct it, or make the place first.", shown=shown, known=known)
            )
        return place


def _work(job: Job, table: Table, allow_many_zeroings: bool) -> None:
    with organisation_scope(job.run.organisation_id):
        zone = ZoneInfo(Organisation.objects.get(pk=job.run.organisation_id).time_zone)
        places = _places()
    reader = StockReader(table, places, zone, clock.now())
    resolver = Resolver(job.run.organisation_id)
    counted: list[Counted] = []
    for chunk in ahead(chunks(table, reader)):
        problems = chunk.problems + resolver.resolve(chunk.items, counted)
        job.note(problems)
        job.advance(len({problem.row for problem in problems}), 0)
    if not allow_many_zeroings:
        stop_at_disaster(job.run.organisation_id, counted, {place: code for code, place in places.items()})
    # By article: two chunks that are applied at the same time have at most one in common, so they hardly wait for each other.
    counted.sort(key=lambda row: (row.unit_id, row.location_id))
    parts = (Chunk(counted[start : start + CHUNK], [], len(counted[start : start + CHUNK])) for start in range(0, len(counted), CHUNK))
    take_in(job, parts, lambda uc, items: _set(uc, items, job.run.pk), TABLES, (ledger.NotEnough,))


def _table(job: Job, table: Table, chosen: TableLayout, allow_many_zeroings: bool) -> None:
    """A report of the stock table that a person has changed figures in."""
    names = {place: code for code, place in (chosen.places or {}).items()}

    def judge(items: Sequence[TableItem]) -> None:
        counted = [Counted(item.number, item.unit_id, place, after, None) for item in items for place, _before, after in item.changes]
        if not allow_many_zeroings:
            stop_at_disaster(job.run.organisation_id, counted, names)

    table_files.work(job, table, chosen, judge)


def _places() -> dict[str, int]:
    """{code: place}; also by the code in lower case where that is not a code itself."""
    exact = dict(Location.objects.exclude(owner=LocationOwner.VIRTUAL).filter(active=True).order_by("-code").values_list("code", "id"))
    return {code.casefold(): place for code, place in exact.items()} | exact


class Resolver:
    """Finds the units that rows mean, and rows that mean the same unit and place twice.

    ``strict`` refuses a row whose SKU is unknown although its GTIN is known: a person wrote the file for us. What outside systems send has
    codes of their own beside the GTIN; there the GTIN may decide.
    """

    def __init__(self, organisation_id: int, *, strict: bool = True) -> None:
        self.organisation_id = organisation_id
        self._strict = strict
        self._first: dict[tuple[int, int], int] = {}

    def resolve(self, items: list[StockItem], counted: list[Counted]) -> list[Problem]:
        """Append what is clear to ``counted``; returns what is not."""
        with connection.cursor() as cursor:
            skus = {item.code for item in items if item.code}
            by_sku = {
                sku: Unit(unit, kind, stocked)
                for sku, unit, kind, stocked in imports_queries.units_by_sku(cursor, self.organisation_id, sorted(skus))
            }
            gtins = {spelling for item in items for spelling in spellings(item.gtin or (item.code if item.code not in by_sku else ""))}
            by_gtin: dict[str, list[GtinUnit]] = defaultdict(list)
            for gtin, unit, kind, stocked, factor in imports_queries.units_by_gtin(cursor, self.organisation_id, sorted(gtins)):
                by_gtin[gtin.lstrip("0")].append((Unit(unit, kind, stocked), factor))
            by_code: dict[str, list[GtinUnit]] = defaultdict(list)
            for code, unit, kind, stocked, factor in imports_queries.units_by_code(
                cursor, self.organisation_id, sorted(skus - set(by_sku))
            ):
                by_code[code].append((Unit(unit, kind, stocked), factor))
        problems = []
        for item in items:
            try:
                counted.append(self._one(item, by_sku, by_gtin, by_code))
            except CatalogueError as error:
                problems.append(
                    Problem(
                        item.number, error.field, item.code or item.gtin, _("{field} {message}", field=error.field, message=error.message)
                    )
                )
        return problems

    def _one(
        self, item: StockItem, by_sku: Mapping[str, Unit], by_gtin: Mapping[str, list[GtinUnit]], by_code: Mapping[str, list[GtinUnit]]
    ) -> Counted:
        unit, factor = self._unit(item, by_sku.get(item.code), by_gtin, by_code.get(item.code, []))
        if unit.kind == UnitKind.KIT:
            raise CatalogueError(
                "sku", _("{code} is a kit; its stock follows from its components. Give those.", code=item.code or item.gtin)
            )
        if not unit.stocked:
            raise CatalogueError(
                "sku", _("{code} is an article that is not counted; leave it out, or have it counted.", code=item.code or item.gtin)
            )
        on_hand = item.on_hand * factor
        if abs(on_hand) > LARGEST_COUNT:
            raise CatalogueError(
                "on_hand", _("{on_hand:,} base units are too many; at most {most:,} are kept.", on_hand=on_hand, most=LARGEST_COUNT)
            )
        first = self._first.setdefault((unit.id, item.location_id), item.number)
        if first != item.number:
            raise CatalogueError(
                "sku", _("and place stand in row {first} already; that row counts. Add them up, or delete one of them.", first=first)
            )
        return Counted(item.number, unit.id, item.location_id, on_hand, item.as_of)

    def _unit(self, item: StockItem, known: Unit | None, by_gtin: Mapping[str, list[GtinUnit]], coded: list[GtinUnit]) -> tuple[Unit, int]:
        """The unit and its base units per piece. The SKU decides; a GTIN beside it must not contradict. Other codes come after both."""
        typed = item.gtin or item.code
        found = by_gtin.get(typed.replace(" ", "").replace("-", "").lstrip("0"), []) if spellings(typed) else []
        if known is not None:
            if item.gtin and found and known.id not in {unit.id for unit, _factor in found}:
                raise CatalogueError(
                    "gtin", _("{gtin} belongs to another article than sku {code}; correct one of them.", gtin=item.gtin, code=item.code)
                )
            return known, 1
        if coded:
            found = coded
        elif item.code and item.gtin and (self._strict or not found):
            raise CatalogueError("sku", _("{code} is not known; correct it, or import the product first.", code=item.code))
        if len(found) > 1:
            raise CatalogueError("gtin", _("{typed} belongs to {found} articles; give the SKU instead.", typed=typed, found=len(found)))
        if not found:
            raise CatalogueError(
                "sku" if item.code else "gtin", _("{typed} is not known; correct it, or import the product first.", typed=typed)
            )
        return found[0]


def stop_at_disaster(organisation_id: int, counted: list[Counted], names: Mapping[int, str]) -> None:
    """Raise Stopped if too many filled levels would fall to zero or below half, at one place or over all places of the file."""
    cut: Counter[int] = Counter()
    emptied: Counter[int] = Counter()
    with connection.cursor() as cursor:
        for start in range(0, len(counted), CHUNK):
            some = counted[start : start + CHUNK]
            now = imports_queries.on_hand_of(cursor, [row.unit_id for row in some], [row.location_id for row in some])
            cut.update(row.location_id for row, before in zip(some, now, strict=True) if row.on_hand * 2 < before)
            emptied.update(row.location_id for row, before in zip(some, now, strict=True) if row.on_hand == 0 < before)
        filled = imports_queries.filled_levels(cursor, organisation_id, sorted(names))
    touched = {row.location_id for row in counted}
    _judge(_("the places of the file"), cut.total(), emptied.total(), sum(filled.get(place, 0) for place in touched))
    for place in sorted(touched):
        _judge(names[place], cut[place], emptied[place], filled.get(place, 0))


def _judge(where: str, cut: int, emptied: int, filled: int) -> None:
    if cut > BREAKER_ROWS and cut * 100 > BREAKER_SHARE * filled:
        raise Stopped(
            _(
                "At {where}, {cut:,} of {filled:,} articles in stock would fall to zero ({emptied:,}) or by more than half "
                "({halved:,}). Nothing was changed. Check the file; if it is right, run the import again and allow many "
                "zeroings.",
                where=where,
                cut=cut,
                filled=filled,
                emptied=emptied,
                halved=cut - emptied,
            )
        )


def _set(uc: UseCase, items: list[Counted], run_id: int) -> Outcome:
    earlier = [item for item in items if item.as_of]
    if earlier:
        # Levels stay locked from here on, so that what was on hand at the time of counting is compared with an unmoving present.
        with connection.cursor() as cursor:
            ledger.hold(uc, cursor, ((item.unit_id, item.location_id) for item in items))
    targets = [Target(item.unit_id, item.location_id, item.on_hand, f"import:{run_id}:{item.number}") for item in items if not item.as_of]
    changed = ledger.set_on_hand(uc, targets, Cause.SOURCE, f"import {run_id}")
    return Outcome(changed + len(ledger.post(uc, _count_moves(uc, earlier, run_id))))


def _count_moves(uc: UseCase, items: list[Counted], run_id: int) -> list[Move]:
    """Movements for counts of an earlier moment, by the difference against that moment."""
    if not items:
        return []
    adjustment = virtual(uc, VirtualRole.ADJUSTMENT).pk
    times = [item.as_of or uc.at for item in items]
    with connection.cursor() as cursor:
        then = imports_queries.on_hand_at(cursor, [item.unit_id for item in items], [item.location_id for item in items], times)
    moves = []
    for item, at, before in zip(items, times, then, strict=True):
        delta = item.on_hand - before
        origin, target = (adjustment, item.location_id) if delta > 0 else (item.location_id, adjustment)
        if delta:
            moves.append(
                Move(item.unit_id, abs(delta), origin, target, Cause.COUNT, f"import:{run_id}:{item.number}", at, f"import {run_id}")
            )
    return moves
