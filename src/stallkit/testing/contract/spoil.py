"""Spoiled replies: one field of one object deleted or replaced, and what an adapter makes of it.

The suite takes a good JSON reply, finds the object that holds a marker (an order's id, an offer's SKU), and spoils its fields one by one.
So every field of every platform is tried without the suite knowing any of them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from stallkit.errors import AdapterError
from stallkit.testing.contract.bench import Bench
from stallkit.testing.contract.cases import CannotShow

Path = tuple[str | int, ...]
Reader = Callable[[Bench], "Kept"]


@dataclass(frozen=True, slots=True)
class Kept:
    """The reader gave an answer: its facts by name, and how many objects were parked."""

    facts: Mapping[str, tuple[object, ...]]
    parked: int


@dataclass(frozen=True, slots=True)
class Spoiled:
    """One change to one reply. ``same_type`` says that a text was replaced by a text: nothing but an unknown word."""

    path: Path
    was: object
    now: object
    deleted: bool

    def __str__(self) -> str:
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return f"{where} {'deleted' if self.deleted else f'{self.was!r} replaced by {self.now!r}'}"

    @property
    def same_type(self) -> bool:
        return not self.deleted and isinstance(self.was, str) and isinstance(self.now, str)

    @property
    def field(self) -> str:
        return next(part for part in reversed(self.path) if isinstance(part, str))

    def apply(self, body: bytes) -> bytes:
        """The spoiled reply; the body itself when it is another one."""
        try:
            document = json.loads(body, parse_float=Decimal)
            holder = walk(document, self.path[:-1])
            if holder[self.path[-1]] != self.was:  # type: ignore[index]
                return body
        except (ValueError, KeyError, IndexError, TypeError):
            return body
        if self.deleted:
            del holder[self.path[-1]]  # type: ignore[attr-defined]
        else:
            holder[self.path[-1]] = self.now  # type: ignore[index]
        return dump(document)


def deletions(read: Reader, bench: Bench, marker: str) -> Iterator[Spoiled]:
    """Each key of the marked object, deleted; fields that the subject declares optional are left alone."""
    for path, value in marked_fields(read, bench, marker):
        if path[-1] not in bench.subject.optional_fields:
            yield Spoiled(path, value, None, deleted=True)


def poisons(read: Reader, bench: Bench, marker: str) -> Iterator[Spoiled]:
    """Each leaf of the marked object, replaced by a strange text or number."""
    for path, value in marked_fields(read, bench, marker):
        if isinstance(value, str):
            yield Spoiled(path, value, "zz-strange", deleted=False)
        elif isinstance(value, int | Decimal) and not isinstance(value, bool):
            yield Spoiled(path, value, -7, deleted=False)


def try_spoiled(read: Reader, bench: Bench, spoiled: Spoiled | None) -> Kept | AdapterError:
    """What the reader makes of the spoiled reply: facts or one of the six errors. Anything else is a crash and fails the case."""
    bench.clock.advance(10)
    bench.wire.rewrite = spoiled.apply if spoiled else None
    try:
        return bench.patiently(lambda: read(bench))
    except AdapterError as error:
        return error
    except Exception as error:
        raise AssertionError(f"{spoiled}: crashed with {type(error).__name__}: {error}") from error
    finally:
        bench.wire.rewrite = None


def marked_fields(read: Reader, bench: Bench, marker: str) -> list[tuple[Path, object]]:
    """(path, value) of everything inside the object that holds the marker, in the last reply that has one."""
    start = len(bench.wire.steps)
    bench.patiently(lambda: read(bench))
    for step in reversed(bench.wire.steps[start:]):
        if marker.encode() not in step.reply:
            continue
        try:
            document = json.loads(step.reply, parse_float=Decimal)
        except ValueError:
            continue
        inside = object_of(document, marker, ())
        if inside is not None:
            return [(inside + path, value) for path, value in fields(walk(document, inside), ())]
    raise CannotShow(f"no JSON reply holds {marker}")


def object_of(value: object, marker: str, path: Path) -> Path | None:
    """Where the outermost element of a list that holds the marker lies; the whole document if no list does."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            if marker in json.dumps(item, default=str):
                return (*path, number)
        return None
    if isinstance(value, dict):
        for key, item in value.items():
            found = object_of(item, marker, (*path, key))
            if found is not None:
                return found
        if not path and marker in json.dumps(value, default=str):
            return ()
    return None


def fields(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    """All keys below ``value`` with their values, depth first."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, item in items:
        if isinstance(key, str):
            yield (*path, key), copy.deepcopy(item)
        yield from fields(item, (*path, key))


def walk(document: object, path: Path) -> object:
    for part in path:
        document = document[part]  # type: ignore[index]
    return document


def dump(document: object) -> bytes:
    """JSON again, with decimals as the numbers that they were."""
    if isinstance(document, Decimal):
        return str(document).encode()
    if isinstance(document, dict):
        return b"{" + b",".join(json.dumps(key).encode() + b":" + dump(item) for key, item in document.items()) + b"}"
    if isinstance(document, list):
        return b"[" + b",".join(dump(item) for item in document) + b"]"
    return json.dumps(document).encode()


def items(act: Reader, bench: Bench, marker: str) -> Iterator[Spoiled]:
    """Each list element or keyed object that holds the marker, taken out of the reply."""
    start = len(bench.wire.steps)
    bench.patiently(lambda: act(bench))
    for step in bench.wire.steps[start:]:
        try:
            document = json.loads(step.reply, parse_float=Decimal)
        except ValueError:
            continue
        for path, value in holders(document, marker, ()):
            yield Spoiled(path, value, None, deleted=True)


def holders(value: object, marker: str, path: Path) -> Iterator[tuple[Path, object]]:
    """The innermost objects that are elements of a list or of a mapping and hold the marker."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        if isinstance(item, dict) and any(leaf == marker for leaf in item.values()):
            yield (*path, key), copy.deepcopy(item)
        else:
            yield from holders(item, marker, (*path, key))
