"""JSON as records: an array of objects at the top or under a path, or an object whose keys are the codes.

Rows are cut out first and decoded one by one, so that no more than the file itself and one row are held.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import msgspec

from stallkit.sources import guessing
from stallkit.sources.grids import Grid
from stallkit.sources.records import LOOK, Records, check_count
from stallkit.sources.types import Shape
from stallkit.tables import texts
from stallkit.tables.cells import Cell, FileRefused, shown
from stallkit.words import said as _

MOST_BYTES = 64_000_000
MOST_VALUES = 5_000_000
DEEP = 4
KEY, VALUE = "(key)", "(value)"
"""What the two sides are called where the file is one object of codes and numbers: {"MUG-1": 5}."""

Raw = msgspec.Raw


class Objects:
    """See ``records.Records``. The row number is the object's running number. ``is_table``: the rows are arrays, not objects."""

    def __init__(self, path: Path, shape: Shape) -> None:
        body = _body(path, shape.encoding)
        try:
            item = shape.item or _best(body)
            self._rows = _rows(_at(body, item), item)
            self.is_table = bool(self._rows) and _starts(self._rows[0][1], b"[")
            self.total = len(self._rows)
            check_count(self.total)
            self.columns = tuple(dict.fromkeys(name for row in self._first() for name in names_in(row)))
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise FileRefused(_broken(error)) from None
        self.shape = replace(shape, format="json", item=item)

    def take(self, names: Sequence[str]) -> Iterator[tuple[int, list[Cell]]]:
        paths = [tuple(name.split(".")) for name in names]
        for number, row in enumerate(self._decoded(), start=1):
            yield number, [cell_at(row, path) for path in paths]

    def absent(self, names: Sequence[str]) -> list[str]:
        """A row that is no JSON is found here already, although none was used yet."""
        missing = set(names)
        for _number, cells in self.take(names):
            if missing:
                missing -= {name for name, cell in zip(names, cells, strict=True) if cell is not None}
        return [name for name in names if name in missing]

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """The rows of an array of arrays, as a table gives them. FileRefused for a row that is none."""
        for number, (_key, raw) in enumerate(self._rows, start=1):
            try:
                yield number, [_plain(cell) for cell in msgspec.json.decode(raw, type=list[object])]
            except (msgspec.DecodeError, RecursionError) as error:
                raise FileRefused(_broken(error)) from None

    def _first(self) -> list[object]:
        return list(islice(self._decoded(), LOOK))

    def _decoded(self) -> Iterator[object]:
        for key, raw in self._rows:
            try:
                row: object = msgspec.json.decode(raw)
            except (msgspec.DecodeError, RecursionError) as error:
                raise FileRefused(_broken(error)) from None
            yield row if key is None else {KEY: key, **row} if isinstance(row, dict) else {KEY: key, VALUE: row}


def open_json(path: Path, shape: Shape) -> Records:
    """The file's records; an array of arrays is a table with a header row. FileRefused if it is no JSON of rows."""
    objects = Objects(path, shape)
    if not objects.is_table:
        return objects
    for _row in objects.rows():  # a row that is no array is found before any is used
        pass
    return Grid(objects, objects.shape)


def _body(path: Path, encoding: str) -> bytes:
    if path.stat().st_size > MOST_BYTES:
        raise FileRefused(
            _(
                "The file has {size} MB; of JSON at most {most} MB are read.",
                size=path.stat().st_size // 1_000_000,
                most=MOST_BYTES // 1_000_000,
            )
        )
    name = texts.known_encoding(encoding or texts.marked_encoding(path))
    try:
        body = path.read_bytes() if name == "utf-8-sig" else path.read_bytes().decode(name).encode()
    except UnicodeError:
        raise FileRefused(
            _("The text is not {name}. Save the file as UTF-8, as JSON has to be, or choose its encoding.", name=name)
        ) from None
    if body.count(b",") > MOST_VALUES:
        raise FileRefused(_("The file holds more than {most:,} values. Split it, or leave out what is not stock.", most=MOST_VALUES))
    return body.removeprefix(b"\xef\xbb\xbf")


def _at(body: bytes | Raw, path: str) -> Raw:
    """What stands at the path; FileRefused names the step that is not there."""
    here = Raw(bytes(body))
    for step in path.split(".") if path else ():
        inside = msgspec.json.decode(here, type=dict[str, Raw]) if _starts(here, b"{") else {}
        if step not in inside:
            raise FileRefused(
                _(
                    "The file has no {step!r} where the rows should be ({path}). It has: {keys}.",
                    step=step,
                    path=path,
                    keys=", ".join(sorted(inside)[:20]) or _("no keys"),
                )
            )
        here = inside[step]
    return here


def _rows(here: Raw, path: str) -> list[tuple[str | None, Raw]]:
    if _starts(here, b"["):
        return [(None, raw) for raw in msgspec.json.decode(here, type=list[Raw])]
    if _starts(here, b"{"):
        return list(msgspec.json.decode(here, type=dict[str, Raw]).items())
    if path:
        raise FileRefused(_("There are no rows at {path}: neither an array nor an object.", path=path))
    raise FileRefused(_("There are no rows in the file: neither an array nor an object."))


def _best(body: bytes) -> str:
    """The path whose rows look most like stock: its fields can be told, and there are many of them."""
    found = [(guessing.score(*_sample(rows)), len(rows), path) for path, rows in _arrays(Raw(body), "", 0) if rows]
    if found:
        return max(found, key=lambda each: each[:2])[2]
    if _starts(Raw(body), b"{") or _starts(Raw(body), b"["):
        return ""
    raise FileRefused(_("The file is no JSON of rows: it begins neither with [ nor with {."))


def _arrays(here: Raw, path: str, depth: int) -> Iterator[tuple[str, list[Raw]]]:
    if _starts(here, b"["):
        yield path, msgspec.json.decode(here, type=list[Raw])
    elif depth < DEEP and _starts(here, b"{"):
        for key, inside in islice(msgspec.json.decode(here, type=dict[str, Raw]).items(), LOOK):
            if "." not in key:
                yield from _arrays(inside, f"{path}.{key}" if path else key, depth + 1)


def _sample(rows: Sequence[Raw]) -> tuple[list[str], list[list[str]]]:
    decoded: list[object] = [msgspec.json.decode(raw) for raw in rows[:LOOK]]
    names = list(dict.fromkeys(name for row in decoded for name in names_in(row)))
    return names, [[shown(cell_at(row, tuple(name.split(".")))) for name in names] for row in decoded]


def names_in(row: object, before: str = "", depth: int = 0) -> Iterator[str]:
    """The paths to all plain values in a row; of a list, the first few places."""
    inside = list(enumerate(row[:3])) if isinstance(row, list) else list(row.items()) if isinstance(row, dict) else []
    for key, value in inside:
        name = f"{before}{key}"
        if isinstance(value, dict | list):
            if depth < DEEP:
                yield from names_in(value, f"{name}.", depth + 1)
        else:
            yield name


def cell_at(row: object, path: Sequence[str]) -> Cell:
    """The value at a path of keys and places; None if there is none. A key that holds dots itself is found too."""
    for at, step in enumerate(path):
        if isinstance(row, Mapping):
            rest = ".".join(path[at:])
            if rest in row and step not in row:
                row = row[rest]
                break
            row = row.get(step)
        elif isinstance(row, list) and step.isdigit() and int(step) < len(row):
            row = row[int(step)]
        else:
            return None
    return _plain(row)


def _plain(value: object) -> Cell:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _starts(raw: Raw, mark: bytes) -> bool:
    return bytes(memoryview(raw)[:100]).lstrip()[:1] == mark


def _broken(error: Exception) -> str:
    return _(
        "The file is no whole JSON; it was cut off on its way, or is not built right ({error}). Fetch or save it again.", error=str(error)
    )
