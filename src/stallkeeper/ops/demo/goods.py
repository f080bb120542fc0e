"""What the demo's shop sells: the same goods for the same seed. All names are invented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from stallkeeper.catalog.imports.safe_cells import csv_text, workbook, write_row
from stallkeeper.ops.demo.platforms import DEFAULT

PLACES = ("MAIN", "NORTH")
ADJECTIVES = ("Blue", "Red", "Green", "Amber", "Slate", "Ivory", "Coral", "Olive", "Copper", "Linen", "Cedar", "Woven", "Matte", "Round")
THINGS = (
    "Mug",
    "Bowl",
    "Plate",
    "Lamp",
    "Basket",
    "Cushion",
    "Vase",
    "Tray",
    "Jar",
    "Towel",
    "Candle",
    "Clock",
    "Stool",
    "Kettle",
    "Board",
)
ON_OTHER_STALLS = 170
"""So many offers are on each other stall too: as many as Walmart's rate limits let us read in the first seconds."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article. ``parts`` of a kit or multipack: (SKU, quantity); ``stock`` by place; ``stalls``: its SKU on each that sells it."""

    sku: str
    title: str
    gtin: str
    code: str
    price: str
    parts: tuple[tuple[str, int], ...]
    stock: dict[str, int]
    stalls: dict[str, str]

    @property
    def recipe(self) -> dict[str, int]:
        """Base units in one sold unit."""
        return dict(self.parts) if self.parts else {self.sku: 1}


def make(seed: int, number: int = 500, stalls: Sequence[str] = DEFAULT) -> list[Article]:
    """``number`` articles: nine in ten are single ones, the rest multipacks and kits of them. Many are scarce. The first stall has all."""
    chance = Random(f"goods/{seed}")  # noqa: S311 - a toy shop
    singles = number - number // 10
    articles = [_single(chance, index) for index in range(singles)]
    articles += [_kit(chance, index, articles[:singles]) for index in range(singles, number)]
    others = {stall: set(chance.sample(range(number), min(ON_OTHER_STALLS, number * 2 // 3))) for stall in stalls[1:]}
    on = [[stall for stall in stalls if index in others.get(stall, (index,))] for index in range(number)]
    return [_listed(chance, article, on[index]) for index, article in enumerate(articles)]


def _single(chance: Random, index: int) -> Article:
    title = f"{chance.choice(ADJECTIVES)} {chance.choice(THINGS)} {index + 1}"
    total = chance.choices([chance.randint(1, 3), chance.randint(4, 15), chance.randint(20, 60)], [35, 45, 20])[0]
    here = chance.randint(0, total)
    return Article(f"A-{index + 1:04}", title, gtin(index), "", _price(chance), (), {PLACES[0]: here, PLACES[1]: total - here}, {})


def _kit(chance: Random, index: int, singles: Sequence[Article]) -> Article:
    if index % 2:
        parts: tuple[tuple[str, int], ...] = ((chance.choice(singles).sku, chance.choice([2, 3, 6])),)
    else:
        parts = tuple((article.sku, chance.choice([1, 1, 2])) for article in chance.sample(singles, chance.choice([2, 3])))
    word = "Pack" if len(parts) == 1 else "Set"
    return Article(f"K-{index + 1:04}", f"{word} {index + 1}", gtin(index), "", _price(chance), parts, {}, {})


def _price(chance: Random) -> str:
    return f"{chance.randint(3, 90)}.{chance.choice(['00', '50', '90', '99'])}"


def _listed(chance: Random, article: Article, on: Sequence[str]) -> Article:
    """Most listings carry our SKU; some are found by their barcode only, some by an additional code."""
    stalls = dict.fromkeys(on, article.sku)
    kind, code = chance.random(), ""
    if kind < 0.1:
        stalls = {stall: f"{stall[0].upper()}{article.sku[2:]}-X" for stall in stalls}
    elif kind < 0.15:
        code = f"OLD-{article.sku}"
        stalls = dict.fromkeys(stalls, code)
    return Article(article.sku, article.title, article.gtin, code, article.price, article.parts, article.stock, stalls)


def gtin(index: int) -> str:
    """A GTIN-13 of the range that shops may use inside, with its check digit."""
    body = f"20{index + 1:010}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


def on_show(article: Article, articles: dict[str, Article]) -> int:
    """How many can be sold at first: complete ones at each place."""
    return sum(min(articles[sku].stock[place] // quantity for sku, quantity in article.recipe.items()) for place in PLACES)


def write_products(articles: Sequence[Article], target: Path) -> None:
    """The catalogue as a spreadsheet, for the importer that everybody uses."""
    with workbook(target) as book:
        sheet = book.add_worksheet("Products")
        for row, values in enumerate(_product_rows(articles)):
            write_row(sheet, row, values)


def _product_rows(articles: Sequence[Article]) -> Iterator[tuple[str, ...]]:
    yield "sku", "title", "gtin", "additional_codes", "price", "currency", "kit_components"
    for article in articles:
        parts = ";".join(f"{sku}*{quantity}" for sku, quantity in article.parts)
        yield article.sku, article.title, article.gtin, article.code, article.price, "EUR", parts


def write_stock(articles: Sequence[Article], target: Path) -> None:
    """What lies in the two warehouses, as CSV."""
    rows = [(article.sku, place, units) for article in articles for place, units in article.stock.items()]
    target.write_text(csv_text([("sku", "location", "on_hand"), *rows]), "utf-8", newline="")
