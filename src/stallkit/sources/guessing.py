"""What the columns of a file are, by their names in the languages of our users and by what stands below them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields

from stallkit.sources.types import Columns
from stallkit.tables.cells import Cell, CellRefused, normal, whole

NAMES: dict[str, tuple[str, ...]] = {
    "code": (
        "(key)",
        "sku", "артикул", "vendorcode", "vendor_code", "offer_id", "supplier_sku", "seller_sku", "kod_produktu", "cod_produs",
        "artikelnummer", "artikel_nr", "art_nr", "nr_art", "article", "artikul", "symbol", "indeks", "nr_kat", "код_товара", "product_code",
        "item_code", "item_number", "part_number", "mpn", "reference", "kod", "cod", "код", "code", "item", "art", "id",
    ),
    "quantity": (
        "quantity", "qty", "stock", "остаток", "остатки", "свободный_остаток", "количество", "кол_во", "колво", "доступно", "в_наличии",
        "наличие", "stock_quantity", "stock_qty", "on_hand", "available_quantity", "available_stock", "in_stock", "instock", "ilość",
        "ilosc", "stan", "stany", "stan_magazynowy", "dostępne", "dostepne", "dostępność", "sztuk", "szt", "stoc", "cantitate",
        "disponibil", "bucati", "bestand", "lagerbestand", "menge", "anzahl", "verfügbar", "verfugbar", "available", "free", "balance",
        "inventory", "count", "amount", "(value)",
    ),
    "gtin": (
        "gtin", "ean", "ean13", "ean_13", "barcode", "bar_code", "штрихкод", "штрих_код", "kod_kreskowy", "kod_ean", "cod_de_bare",
        "cod_bare", "cod_ean", "strichcode", "upc",
    ),
    "location": (
        "location", "warehouse", "склад", "магазин", "magazyn", "depozit", "gestiune", "gestiunea", "lager", "lagerort", "filiale", "store",
    ),
    "as_of": (
        "as_of", "updated_at", "updated", "last_update", "modified", "modified_at", "обновлено", "дата_обновления", "data_aktualizacji",
        "data_actualizarii", "aktualisiert",
    ),
}  # fmt: skip
"""What each of our fields is called elsewhere, in the normal form of names; the better name first."""
KNOWN = frozenset(name for names in NAMES.values() for name in names)
ROWS = 50
"""Rows that are looked at for a guess."""
ORDER = ("quantity", "code", "gtin", "location", "as_of")


def guess(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Columns:
    """Which column is what; "" where no name tells. A column below which hardly a whole number stands is no quantity."""
    countable = {name for at, name in enumerate(columns) if _counts([row[at] for row in rows])}
    found: dict[str, str] = {}
    for field in ORDER:
        free = [name for name in columns if name not in found.values() and (field != "quantity" or name in countable)]
        best = min(((rank, at, name) for at, name in enumerate(free) if (rank := rank_of(field, name)) is not None), default=None)
        if best is not None:
            found[field] = best[2]
    return Columns(**found)


def rank_of(field: str, column: str) -> int | None:
    """How well a column's name fits the field (0 = best); None if it does not. A name with more words, or a path, fits less."""
    words, deeper = plain(column), 100 * len(re.findall(r"[/.\[]", column))
    for rank, name in enumerate(NAMES[field]):
        if words == name:
            return rank + deeper
    for rank, name in enumerate(NAMES[field]):
        if len(name) > 2 and re.search(rf"(?:^|_){re.escape(name)}(?:_|$)", words):
            return 1_000 + rank + deeper
    return None


def plain(column: str) -> str:
    """The last part of a path, in the normal form of names and without signs."""
    last = re.split(r"[/.](?=[^/.]*[^\W\d])", column)[-1] if not column.startswith("(") else column
    inner = re.fullmatch(r".*\[(.+)\]", last)
    text = inner.group(1) if inner else last.lstrip("@")
    return text if text.startswith("(") else normal(re.sub(r"[^\w\s-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)))


def score(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many of our fields can be told, those that are needed counting most."""
    told = guess(columns, rows)
    return sum(bool(getattr(told, field.name)) for field in fields(told)) + 10 * bool(told.quantity) + 10 * bool(told.code or told.gtin)


def header_row(rows: Sequence[tuple[int, Sequence[Cell]]]) -> int:
    """The number of the row that names the columns, among the first rows of a table: the one with most known names; else the first with
    texts in two cells; 0 if that one holds numbers, so that there is no header."""
    filled = [(number, [cell for cell in cells if cell is not None and str(cell).strip()]) for number, cells in rows]
    known = [(sum(is_known(cell) for cell in cells), -number) for number, cells in filled]
    most, number = max(known, default=(0, 0))
    if most:
        return -number
    for number, cells in filled:
        if len(cells) > 1:
            return 0 if any(_is_count(cell) for cell in cells) else number
    return next((number for number, cells in filled if cells), 0)


def is_known(cell: Cell) -> bool:
    """Whether a cell reads like the name of one of our fields."""
    return isinstance(cell, str) and any(rank_of(field, cell) is not None for field in NAMES)


def telling_names(lines: Sequence[str]) -> int:
    """How many names of our fields with letters beyond ASCII stand in the first lines of a text."""
    cells = {cell.strip(' "\r\n') for line in lines for cell in re.split(r"[,;\t|]", line)}
    return sum(not cell.isascii() and is_known(cell) for cell in cells)


def _counts(values: Sequence[str]) -> bool:
    filled = [value for value in values if value.strip()]
    return sum(_is_count(value) for value in filled) * 2 >= len(filled)


def _is_count(cell: Cell) -> bool:
    try:
        return whole(cell, signed=True) is not None
    except CellRefused:
        return False
