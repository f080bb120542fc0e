"""XML as records: YML feeds of Yandex and whatever else repeats an element. Read in pieces; entities, DTDs and the network stay out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from stallkit.sources import guessing
from stallkit.sources.records import LOOK, check_count
from stallkit.sources.types import Shape
from stallkit.tables import texts
from stallkit.tables.cells import Cell, FileRefused
from stallkit.words import said as _

MOST_BETWEEN = 500_000
"""Elements between the ends of two rows: they are held together."""
SAMPLE = 50_000
"""Elements that are looked at to find out which of them is a row."""
DEEP = 4
_STEP = re.compile(r"(?:\[[^\]]*\]|[^/\[])+")
Reader = Callable[[etree._Element], str | None]


class Elements:
    """See ``records.Records``. The row number is the element's running number."""

    def __init__(self, path: Path, shape: Shape) -> None:
        self.path = path
        encoding = texts.known_encoding(shape.encoding).removesuffix("-sig") if shape.encoding else ""
        self.shape = replace(shape, format="xml", encoding=encoding, item=shape.item or _best(path, encoding))
        with path.open("rb") as file:
            first = islice(_items(file, encoding, self.shape.item), LOOK)
            self.columns = tuple(dict.fromkeys(name for element in first for name in names_in(element)))

    def take(self, names: Sequence[str]) -> Iterator[tuple[int, list[Cell]]]:
        readers = [reader_of(name) for name in names]
        with self.path.open("rb") as file:
            around = max(map(reach_of, names), default=0)
            for number, element in enumerate(_items(file, self.shape.encoding, self.shape.item, around), start=1):
                yield number, [read(element) for read in readers]

    def absent(self, names: Sequence[str]) -> list[str]:
        missing = set(names)
        for number, cells in self.take(names):
            check_count(number)
            if missing:
                missing -= {name for name, cell in zip(names, cells, strict=True) if cell is not None}
        return [name for name in names if name in missing]


def _items(file: BinaryIO, encoding: str, item: str, around: int = 0) -> Iterator[etree._Element]:
    """The rows' elements, each whole, each gone when the next is asked for; what stands before it stays for so many levels ``around``.
    FileRefused if the file is not whole XML."""
    since, with_namespace = 0, f"}}{item}"
    for element in _ends(file, encoding):
        since += 1
        tag = element.tag
        if tag == item or (isinstance(tag, str) and tag.endswith(with_namespace)):
            yield element
            _forget(element, around)
            since = 0
        elif since > MOST_BETWEEN:
            raise FileRefused(
                _(
                    "Between two <{item}> there are more than {most:,} elements: choose the element that is a row.",
                    item=item,
                    most=MOST_BETWEEN,
                )
            )


def _ends(file: BinaryIO, encoding: str) -> Iterator[etree._Element]:
    begun = False
    try:
        events = etree.iterparse(
            file,
            events=("end",),
            encoding=encoding or None,
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        for _event, element in events:
            if not begun:
                _check_entities(element)
                begun = True
            yield element
    except etree.XMLSyntaxError as error:
        raise FileRefused(_broken(error)) from None
    except LookupError:
        raise FileRefused(_("XML in the encoding {encoding} is not read; save it as UTF-8.", encoding=encoding)) from None


def _check_entities(first: etree._Element) -> None:
    """A feed may name a DTD; one that brings its own words for texts is a trick, or needs what we do not read."""
    dtd = first.getroottree().docinfo.internalDTD
    if dtd is not None and next(iter(dtd.iterentities()), None) is not None:  # type: ignore[attr-defined]
        raise FileRefused(_("The file declares entities (<!ENTITY …>), which are not read: they can fill the memory. Remove them."))


def _broken(error: etree.XMLSyntaxError) -> str:
    words = str(error)
    if "ncoding" in words or "UTF-8" in words:
        return _(
            "The text is not in the encoding that the file names ({words}). Save it again, or choose its encoding: {encodings}.",
            words=words,
            encodings=texts.ENCODINGS,
        )
    return _("The file is no whole XML; it was cut off on its way, or is not built right ({words}). Fetch or save it again.", words=words)


def _forget(element: etree._Element, around: int) -> None:
    """Empty the row, and drop what was before it: of the levels that are still looked at, only the row before."""
    element.clear()
    here: etree._Element | None = element
    level = 0
    while here is not None and (parent := here.getparent()) is not None:
        while (before := here.getprevious()) is not None and (level >= around or (level == 0 and before.tag == element.tag)):
            parent.remove(before)
        here, level = parent, level + 1


def local(element: etree._Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def reader_of(path: str) -> Reader:
    """What reads the text at a path from a row's element: ``a/b``, ``@c``, ``a/@c``, ``param[Text]``; ``../`` is the element around it.
    It gives None if it is not there."""
    steps = _STEP.findall(path)
    attribute = steps.pop()[1:] if steps and steps[-1].startswith("@") else ""
    up = sum(step == ".." for step in steps)
    down = [step for step in steps if step != ".."]

    def read(element: etree._Element) -> str | None:
        here: etree._Element | None = element
        below: etree._Element | None = None
        for _step in range(up):
            here, below = (here.getparent(), here) if here is not None else (None, None)
        for step in down:
            here, below = _child(here, step, below) if here is not None else None, None
        if here is None:
            return None
        return _attribute(here, attribute) if attribute else (here.text or "").strip()

    return read


def _child(element: etree._Element, step: str, before: etree._Element | None) -> etree._Element | None:
    """The first child that the step means. What stands behind ``before`` may have been read in part only, and is not looked at."""
    name, _, text = step.partition("[")
    wanted = text.removesuffix("]")
    for child in element:
        if child is before:
            return None
        if local(child) == name and (not wanted or wanted in child.attrib.values()):
            return child
    return None


def reach_of(path: str) -> int:
    """How many levels around the row's element the path looks for other elements."""
    steps = _STEP.findall(path)
    return steps.count("..") if any(step != ".." and not step.startswith("@") for step in steps) else 0


def _attribute(element: etree._Element, name: str) -> str | None:
    found = element.get(name)
    return found if found is not None else next((value for key, value in _attributes(element) if key == name), None)


def _attributes(element: etree._Element) -> list[tuple[str, str]]:
    """Names without namespaces, and values."""
    return [(str(key).rpartition("}")[2], str(value)) for key, value in element.attrib.items()]


def names_in(element: etree._Element, before: str = "", depth: int = 0) -> Iterator[str]:
    """The paths to all attributes and texts in an element. Children that share a name are told apart by their first attribute."""
    yield from (f"{before}@{key}" for key, _value in _attributes(element))
    counts = Counter(local(child) for child in element)
    for child in element:
        name = local(child)
        if counts[name] > 1 and child.attrib:
            name = f"{name}[{_attributes(child)[0][1]}]"
        if len(child) and depth < DEEP:
            yield from names_in(child, f"{before}{name}/", depth + 1)
        else:
            yield f"{before}{name}"
            yield from (f"{before}{name}/@{key}" for key, _value in _attributes(child))


def _best(path: Path, encoding: str) -> str:
    """The element that looks most like a row of stock: its fields can be told, and it comes often."""
    with path.open("rb") as file:
        seen = list(islice(_ends(file, encoding), SAMPLE))
        groups: dict[str, list[etree._Element]] = {}
        for element in seen:
            if len(element) or len(element.attrib) > 1:
                groups.setdefault(local(element), []).append(element)
        scores = {name: (guessing.score(*_sample(found)), len(found)) for name, found in groups.items()}
    if not scores:
        raise FileRefused(_("The file has no element that could be a row: none has parts or attributes."))
    return max(scores, key=lambda name: scores[name])


def _sample(elements: Sequence[etree._Element]) -> tuple[list[str], list[list[str]]]:
    first = elements[:LOOK]
    names = list(dict.fromkeys(name for element in first for name in names_in(element)))
    readers = [reader_of(name) for name in names]
    return names, [[read(element) or "" for read in readers] for element in first]
