"""Import of 100,000 rows from a spreadsheet, against reading it with the same library, COPY and one upsert."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import xlsxwriter
from python_calamine import CalamineWorkbook
from stdnum import ean

from bench import shop, tasks
from bench.crew import crew
from bench.house import House
from bench.measure import Goal, Result, alternate

HEADER = ("sku", "title", "brand", "category", "description", "gtin", "additional_codes", "price", "currency", "active")


def run(house: House) -> Iterator[Result]:
    """New products, then their stock; each import in a process of its own, so that its peak memory is its own."""
    rows = 5_000 if house.quick else 100_000
    with TemporaryDirectory() as folder:
        products, stock = Path(folder) / "products.xlsx", Path(folder) / "stock.xlsx"
        write(products, HEADER, (product(number) for number in range(1, rows + 1)))
        write(stock, ("sku", "location", "on_hand"), ((shop.sku(number), "MAIN", 5 + number % 50) for number in range(1, rows + 1)))
        memory: dict[str, list[int]] = {"products": [], "stock": []}
        times: dict[str, list[float]] = {"products": [], "stock": []}

        def product_turn(_turn: int) -> float:
            with house.fresh(lambda: shop.build(0, channels=0)):
                for kind, file in (("products", products), ("stock", stock)):
                    with crew(1) as one:
                        seconds, ((state, refused, megabytes),) = one.run(bring_in, {"kind": kind, "file": str(file)})
                    assert (state, refused) == ("done", 0), (kind, state, refused)
                    times[kind].append(seconds)
                    memory[kind].append(megabytes)
            return times["products"][-1]

        def baseline(_turn: int) -> float:
            with house.fresh(lambda: shop.build(0, channels=0)), crew(1) as one:
                return one.run(by_hand, {"file": str(products)})[0]

        middle = alternate(1 if house.quick else 3, {"product": product_turn, "baseline": baseline})
    yield Result(
        "imports",
        f"{rows:,} products from XLSX",
        middle["product"] / middle["baseline"],
        "× read + COPY + upsert",
        f"{middle['product']:.1f} s",
        f"{middle['baseline']:.1f} s",
        Goal(6, 3, least=False),
    )
    yield Result("imports", "peak memory of that import", max(memory["products"]), "MB", goal=Goal(300, 200, least=False))
    took = sorted(times["stock"])[len(times["stock"]) // 2]
    yield Result("imports", f"{rows:,} rows of stock from XLSX", took, "s", note=f"peak memory {max(memory['stock'])} MB")


def write(file: Path, header: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, header)
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, row)


def product(number: int) -> tuple[object, ...]:
    """Ten columns, a valid GTIN among them."""
    body = f"59400{number:07d}"
    return (
        shop.sku(number),
        f"Product number {number} in a colour",
        f"Brand {number % 50}",
        f"Category/{number % 200}",
        f"A description of product {number} which says little",
        body + ean.calc_check_digit(body),
        f"ALT{number}",
        9.99 + number % 100,
        "EUR",
        "yes",
    )


def bring_in(_client: int, kind: str, file: str) -> Callable[[], tuple[str, int, int]]:
    """Import a file: (state, refused rows, peak memory in MB)."""
    from stallkeeper.stock import imports

    organisation = shop.found().organisation

    def job() -> tuple[str, int, int]:
        run = imports.run_import(kind, Path(file), organisation)
        return run.state, run.rows_refused, tasks.peak()

    return job


def by_hand(_client: int, file: str) -> Callable[[], int]:
    """The least that any import must do: read, COPY into a staging table, upsert, commit."""
    columns = ", ".join(f"{name} text" for name in HEADER)

    def job() -> int:
        rows = iter(CalamineWorkbook.from_path(file).get_sheet_by_index(0).iter_rows())
        next(rows)
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            connection.execute(f"CREATE TABLE by_hand ({columns}, PRIMARY KEY (sku))")
            connection.execute(f"CREATE TEMP TABLE stage ({columns}) ON COMMIT DROP")
            with connection.cursor() as cursor, cursor.copy("COPY stage FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            sets = ", ".join(f"{name} = excluded.{name}" for name in HEADER[1:])
            return connection.execute(f"INSERT INTO by_hand SELECT * FROM stage ON CONFLICT (sku) DO UPDATE SET {sets}").rowcount

    return job
