"""Import of products: SKU, texts, numbers, base price, kits. What a cell leaves empty stays as it is; nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, cast

from django.db import IntegrityError, connection

from stallkeeper.catalog import prices
from stallkeeper.catalog.amounts import known_currencies
from stallkeeper.catalog.imports import cells, products_queries, runs_queries
from stallkeeper.catalog.imports.columns import Column, Layout
from stallkeeper.catalog.imports.files import Table
from stallkeeper.catalog.imports.rows import RowPlan
from stallkeeper.catalog.imports.runs import CHUNK, Chunk, Job, Outcome, ahead, chunks, perform, take_in
from stallkeeper.catalog.kits import LARGEST_QUANTITY
from stallkeeper.catalog.models import ImportRun, PriceList, UnitKind
from stallkeeper.catalog.products import STALE
from stallkeeper.catalog.texts import CatalogueError, tidy
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import UseCase
from stallkit.tables.cells import Cell, Problem
from stallkit.words import Said
from stallkit.words import said as _

EXAMPLE = "EXAMPLE-1"
LAYOUT = Layout(
    kind="products",
    title="Products",
    columns=(
        Column(
            "sku", "Your own code of the article; finds it again in every later import.", EXAMPLE, required=True, also=("code", "article")
        ),
        Column("title", "Name of the product. Needed for new products.", "Blue mug, 300 ml", also=("name", "product")),
        Column("brand", "Brand.", "Acme", also=("manufacturer",)),
        Column("category", "Your own category, levels separated by /.", "Kitchen/Mugs"),
        Column("description", "Long text.", "Stoneware, dishwasher safe."),
        Column(
            "gtin",
            "Number under the barcode: 8, 12, 13 or 14 digits. Adds to those known.",
            "4006381333931",
            also=("ean", "upc", "barcode"),
        ),
        Column("additional_codes", "Further codes, separated by ; . Adds to those known.", "MUG-OLD;4711", also=("codes",)),
        Column("price", "Base price.", "12.50", as_text=False),
        Column("currency", "Code of the price list, or the currency if it has only one list.", "EUR", also=("price_list",)),
        Column("kit_components", "For kits: SKU*quantity, separated by ; . Makes the article a kit.", "", also=("components",)),
        Column("active", "yes or no. Articles that are not active are offered nowhere.", "yes"),
    ),
    needed=(("sku",),),
    notes=(
        "Columns may be left out and may stand in any order; names beginning with # are ignored.",
        "An empty cell leaves what is there. Nothing is deleted by an import.",
        "A kit consists of articles that are counted, for instance MUG-1*6;SAUCER-1*6. A kit cannot hold kits.",
        "The row of the example is left out by itself.",
    ),
)


class ProductItem(NamedTuple):
    """A right row: its staging line, and what is needed before it can be staged."""

    number: int
    sku: str
    line: str
    list_code: str
    parts: tuple[tuple[str, int], ...] | None
    """(component SKU, quantity) of a kit; None for everything else."""


@dataclass(slots=True)
class PriceLists:
    """Which price list a row means. Lists for currencies that have none yet are made when the first price needs them."""

    lists: dict[str, str]
    """{code: currency}"""
    _answers: dict[tuple[str, str | None], str] = field(default_factory=dict)

    def choose(self, typed: str, beside: str | None) -> str:
        """Code of the list for what is typed in the currency column and what stands beside the price. CatalogueError if unclear."""
        answer = self._answers.get((typed, beside))
        if answer is None:
            answer = self._answers[typed, beside] = self._choose(typed, beside)
        return answer

    def _choose(self, typed: str, beside: str | None) -> str:
        code = self._by_code(typed) or self._by_currency(typed or beside or "")
        currency = self.lists.get(code, code)
        if beside and currency != beside:
            raise CatalogueError(
                "currency",
                _(
                    "price list {code} is in {currency}, but the price says {beside}; correct one of them.",
                    code=code,
                    currency=currency,
                    beside=beside,
                ),
            )
        return code

    def _by_code(self, typed: str) -> str:
        return next((code for code in self.lists if code.casefold() == typed.casefold()), "")

    def _by_currency(self, typed: str) -> str:
        if not typed:
            if len(self.lists) == 1:
                return next(iter(self.lists))
            known = ", ".join(sorted(self.lists)) or _("for instance EUR")
            raise CatalogueError(
                "currency", _("is empty, but there is a price; write the code of a price list or currency: {known}.", known=known)
            )
        currency = typed.upper()
        if currency not in known_currencies():
            raise CatalogueError("currency", _("{typed!r} is neither a price list nor a currency; write a code like EUR.", typed=typed))
        fitting = [code for code, of in self.lists.items() if of == currency]
        if len(fitting) > 1:
            raise CatalogueError(
                "currency",
                _(
                    "{currency} has several price lists ({lists}); write the code of one.",
                    currency=currency,
                    lists=", ".join(sorted(fitting)),
                ),
            )
        return fitting[0] if fitting else currency


class ProductReader:
    """Checks rows without the database; keeps in mind which SKUs the file has, to find repetitions and components."""

    def __init__(self, table: Table, lists: PriceLists) -> None:
        self.problems: list[Problem] = []
        self.seen: dict[str, int] = {}
        self.kits: set[str] = set()
        self._lists = lists
        self._plan = RowPlan(
            table,
            {
                "sku": lambda cell: cells.text("sku", cell),
                "title": lambda cell: cells.text("title", cell),
                "brand": lambda cell: cells.text("brand", cell),
                "category": lambda cell: cells.text("category", cell),
                "description": lambda cell: cells.lines("description", cell),
                "active": lambda cell: cells.yes_or_no("active", cell),
                "gtin": cells.gtin,
                "additional_codes": cells.codes,
                "price": cells.price,
                "currency": lambda cell: cells.as_text("currency", cell).strip(),
                "kit_components": components,
            },
        )

    def read(self, number: int, row: list[Cell]) -> ProductItem | None:
        """One row; None if it is refused."""
        before = len(self.problems)
        values = self._plan.parse(number, row, self.problems)
        sku, title, brand, category, description, active, gtin, codes, price, currency, parts = values
        item_sku, kit = cast(str, sku), cast("tuple[tuple[str, int], ...] | None", parts)
        # A row that is refused for another cell takes its SKU all the same: a second row must not slip in for it.
        if not (item_sku or len(self.problems) == before) or not self._new_sku(number, item_sku):
            return None
        if kit is not None:
            self.kits.add(item_sku)
        list_code, amount = self._price(number, cast("tuple[Decimal, str | None] | None", price), cast(str, currency))
        if len(self.problems) > before:
            return None
        kind = UnitKind.SINGLE.value if kit is None else UnitKind.KIT.value
        joined = "\x1f".join(cast("list[str]", codes))
        line = _line(number, kind, item_sku, [title, brand, category, description], active, [gtin, joined, list_code], amount)
        return ProductItem(number, item_sku, line, list_code, kit)

    def _new_sku(self, number: int, sku: str) -> bool:
        if not sku:
            self.problems.append(Problem(number, "sku", "", _("sku is empty; every row needs the code of its article.")))
        elif sku == EXAMPLE:
            self.problems.append(Problem(number, "sku", sku, _("This is the example of the template; it was left out. Delete the row.")))
        elif (first := self.seen.setdefault(sku, number)) != number:
            self.problems.append(
                Problem(
                    number,
                    "sku",
                    sku,
                    _("sku {sku} stands in row {first} already; that row counts. Delete one of them.", sku=sku, first=first),
                )
            )
        else:
            return True
        return False

    def _price(self, number: int, price: tuple[Decimal, str | None] | None, currency: str) -> tuple[str, Decimal | None]:
        if price is None:
            return "", None
        amount, beside = price
        try:
            return self._lists.choose(currency, beside), amount
        except CatalogueError as error:
            self.problems.append(
                Problem(number, error.field, currency[:200], _("{field} {message}", field=error.field, message=error.message))
            )
            return "", None


def components(cell: Cell) -> tuple[tuple[str, int], ...] | None:
    """``SKU1*2;SKU2`` as ((SKU1, 2), (SKU2, 1)); None for an empty cell."""
    typed = cells.as_text("kit_components", cell).strip()
    if not typed:
        return None
    parts: dict[str, int] = {}
    for piece in filter(None, (piece.strip() for piece in typed.split(";"))):
        sku, quantity = _component(piece)
        if sku in parts:
            raise CatalogueError("kit_components", _("names {sku} twice; add the quantities up.", sku=sku))
        parts[sku] = quantity
    if not parts:
        raise CatalogueError("kit_components", _("names no article; write it like MUG-1*6;SAUCER-1*6."))
    return tuple(parts.items())


def _component(piece: str) -> tuple[str, int]:
    sku, star, number = piece.rpartition("*")
    sku, number = (sku.strip(), number.strip()) if star else (piece, "1")
    if not (number.isascii() and number.isdecimal() and sku and 1 <= int(number) <= LARGEST_QUANTITY):
        shown = piece if len(piece) <= 40 else piece[:39] + "…"
        raise CatalogueError(
            "kit_components", _("{shown!r} is not SKU*quantity with a whole quantity from 1; write it like MUG-1*6.", shown=shown)
        )
    try:
        return tidy("sku", sku), int(number)
    except CatalogueError as error:
        raise CatalogueError("kit_components", error.message) from None


def _line(
    number: int, kind: str, sku: str, texts: Sequence[object], active: object, codes: Sequence[object], amount: Decimal | None
) -> str:
    """A line for COPY in text format: tabs between, \\N for NULL. Texts hold no tabs (the readers see to it)."""
    switched = "\\N" if active is None else "t" if active else "f"
    worth = "\\N" if amount is None else str(amount)
    described = [_copied(text) for text in texts]
    return "\t".join((str(number), kind, _copied(sku), *described, switched, *map(_copied, codes), worth)) + "\n"


def _copied(value: object) -> str:
    if not value:
        return "\\N"
    text = cast(str, value)
    return text.replace("\\", "\\\\").replace("\n", "\\n") if "\\" in text or "\n" in text else text


class ProductImport:
    """Applies items to the catalogue of one organisation."""

    def __init__(self, reader: ProductReader, dry_run: bool) -> None:
        self.reader = reader
        self.dry_run = dry_run

    def apply(self, uc: UseCase, items: list[ProductItem]) -> Outcome:
        """Stage the items and bring the catalogue to them."""
        self._make_lists(uc, {item.list_code for item in items} - {""})
        with connection.cursor() as cursor:
            products_queries.make_stage(cursor)
            runs_queries.copy_lines(products_queries.STAGE, (item.line for item in items), products_queries.COPIED)
            existing = products_queries.resolve_units(cursor, uc.organisation_id)
            products_queries.resolve_products(cursor, uc.organisation_id)
            problems = [_known_wrong(*row) for row in products_queries.take_out_wrong(cursor)]
            changed = set(products_queries.insert_units(cursor, uc.organisation_id, uc.at))
            if len(changed) + len(problems) + existing < len(items):  # another transaction made some of them meanwhile
                existing += products_queries.resolve_units(cursor, uc.organisation_id)
                products_queries.resolve_products(cursor, uc.organisation_id)
            uc.mark(STALE, products_queries.insert_products(cursor, uc.organisation_id, uc.at))
            if changed:
                products_queries.insert_identifiers(cursor, uc.organisation_id)
                products_queries.insert_prices(cursor, uc.organisation_id)
        if existing:
            changed |= self._change_existing(uc)
        if kits := [item for item in items if item.parts is not None]:
            changed.update(self._set_components(uc, kits))
        with connection.cursor() as cursor:
            products_queries.drop_stage(cursor)
        return Outcome(len(changed), problems)

    def _change_existing(self, uc: UseCase) -> set[int]:
        """Bring the staged units that existed before to what their rows say; those that changed."""
        with connection.cursor() as cursor:
            products_queries.keep_switches(cursor, uc.organisation_id, uc.at, uc.actor)
            units = products_queries.update_units(cursor)
            priced = products_queries.upsert_prices(cursor, uc.organisation_id)
            products_queries.keep_categories(cursor, uc.organisation_id, uc.at, uc.actor)
            facts = products_queries.update_products(cursor, uc.at)
            coded = products_queries.add_identifiers(cursor, uc.organisation_id)
        uc.mark(STALE, (unit for unit, matters in (*units, *facts) if matters))
        uc.mark(prices.PRICED, priced)
        return {unit for unit, _matters in (*units, *facts)}.union(priced, coded)

    def _make_lists(self, uc: UseCase, codes: set[str]) -> None:
        for code in sorted(codes):
            if not PriceList.objects.filter(organisation_id=uc.organisation_id, code=code).exists():
                prices.price_list(uc, code, code)

    def _set_components(self, uc: UseCase, kits: list[ProductItem]) -> list[int]:
        with connection.cursor() as cursor:
            wanted = sorted({sku for kit in kits for sku, _quantity in kit.parts or ()})
            units = products_queries.units_by_sku(cursor, uc.organisation_id, wanted)
            if not self.dry_run and (gone := [sku for sku in wanted if sku not in units]):
                raise IntegrityError(f"the component {gone[0]} was removed while the import ran")
            # In a dry run, components that stand in the file only do not exist; the check before has found them there.
            parts = [(kit.sku, units[sku][0], quantity) for kit in kits for sku, quantity in kit.parts or () if sku in units]
            if parts:
                products_queries.keep_components(cursor, uc.organisation_id, uc.at, uc.actor, parts)
            changed = products_queries.set_components(cursor, uc.organisation_id, parts) if parts else []
        uc.mark(STALE, changed)
        return changed

    def check_kits(self, organisation_id: int, kits: list[ProductItem], refused: set[int]) -> list[Problem]:
        """What is wrong with components: missing, refused in this file, or kits themselves."""
        wanted = sorted({sku for kit in kits for sku, _quantity in kit.parts or ()})
        with connection.cursor() as cursor:
            known = products_queries.units_by_sku(cursor, organisation_id, wanted)
        problems = []
        for kit in kits:
            for sku, _quantity in kit.parts or ():
                if why := self._wrong_component(kit.sku, sku, known, refused):
                    problems.append(Problem(kit.number, "kit_components", sku, _("kit_components {why}", why=why)))
        return problems

    def _wrong_component(self, kit: str, sku: str, known: dict[str, tuple[int, str]], refused: set[int]) -> str:
        row = self.reader.seen.get(sku, 0)
        if sku == kit:
            return _("names {sku}, which is the kit itself.", sku=sku)
        if known[sku][1] == UnitKind.KIT if sku in known else sku in self.reader.kits:
            return _("names {sku}, which is a kit; name its components instead (a kit cannot hold kits).", sku=sku)
        if sku in known or (self.dry_run and row and row not in refused):
            return ""
        if row:
            return _("names {sku}, whose row {row} was refused; correct that row first.", sku=sku, row=row)
        return _("names {sku}, which is not known; add a row for it, or correct the SKU.", sku=sku)


WRONG = {
    "no_title": ("title", _("title is empty, and {sku} is new; a new product needs a title.")),
    "counted": ("kit_components", _("{sku} is counted itself and cannot become a kit; give the kit a SKU of its own.")),
    "shared": (
        "brand",
        _("{sku} is one of several variants; change brand, category and description on the product, or leave them empty here."),
    ),
}


def _known_wrong(row: int, reason: str, sku: str) -> Problem:
    column, message = WRONG[reason]
    return Problem(row, column, sku, Said(message, {"sku": sku}))


def import_products(job: Job, file: Path, encoding: str | None = None) -> ImportRun:
    """Run the import of products for a job. Kits come last, when their components are in."""
    return perform(job, LAYOUT, file, encoding, _work)


def _work(job: Job, table: Table) -> None:
    organisation_id = job.run.organisation_id
    with organisation_scope(organisation_id):
        lists = PriceLists(dict(PriceList.objects.order_by("code").values_list("code", "currency")))
    reader = ProductReader(table, lists)
    importer = ProductImport(reader, job.run.dry_run)
    kits: list[ProductItem] = []
    take_in(job, _set_kits_aside(ahead(chunks(table, reader)), kits), importer.apply, products_queries.TABLES)
    take_in(job, _checked_kits(job, importer, kits), importer.apply, products_queries.TABLES)


def _set_kits_aside(source: Iterator[Chunk[ProductItem]], kits: list[ProductItem]) -> Iterator[Chunk[ProductItem]]:
    """The chunks without their kits, which wait for their components."""
    for chunk in source:
        waiting = [item for item in chunk.items if item.parts is not None]
        kits += waiting
        yield Chunk([item for item in chunk.items if item.parts is None], chunk.problems, chunk.rows - len(waiting))


def _checked_kits(job: Job, importer: ProductImport, kits: list[ProductItem]) -> Iterator[Chunk[ProductItem]]:
    for start in range(0, len(kits), CHUNK):
        some = kits[start : start + CHUNK]
        problems = importer.check_kits(job.run.organisation_id, some, job.refused)
        wrong = {problem.row for problem in problems}
        yield Chunk([kit for kit in some if kit.number not in wrong], problems, len(some))
