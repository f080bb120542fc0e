"""Every lock of the product and what proves it. One module per app; ``REGISTRY`` has them all, by ``file:function`` (``:2`` for a second).

``sites`` finds the locks in the source: statements with ``FOR … UPDATE`` or ``FOR … SHARE``, ``LOCK TABLE``, advisory locks, and Django's
``select_for_update``.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import stallkeeper
from tests.races.explorer import How, Race

SOURCE = Path(stallkeeper.__file__).parent
LOCK = re.compile(r"\bFOR (NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)\b|\bLOCK TABLE\b|\bpg_(try_)?advisory_(xact_)?lock(_shared)?\(")


@dataclass(frozen=True)
class Pair:
    """With the lock no schedule breaks the race; with it spoilt (see ``explorer.How``) at least one does.

    ``marker``: a regular expression that finds the statement. ``whose``: only one of the two goes without. ``gated``: the race has a gate.
    """

    protects: str
    race: Callable[[], Race]
    marker: str
    how: How = How.UNLOCK
    whose: int | None = None
    preemptions: int = 1
    gated: bool = False


@dataclass(frozen=True)
class Proved:
    """Another test shows what happens with the lock and without: ``file.py::test`` below tests/races."""

    protects: str
    test: str


@dataclass(frozen=True)
class Belt:
    """No schedule is known that breaks without this lock: ``because`` names what protects besides it."""

    protects: str
    because: str


Proof = Pair | Proved | Belt


def sites() -> list[str]:
    """``file:function`` of every lock in the source, in its order; the simulation (which only plays the product) is left out."""
    found: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(("ops/simulation/", "ops/demo/", "ops/drills/")):
            found += [f"{name}:{holder}" for holder in _holders(ast.parse(path.read_text()))]
    count: Counter[str] = Counter()
    numbered = []
    for site in found:
        count[site] += 1
        numbered.append(site if count[site] == 1 else f"{site}:{count[site]}")
    return numbered


def _holders(module: ast.Module) -> Iterator[str]:
    """The function (or constant) around each lock of a module."""
    for statement in module.body:
        if isinstance(statement, ast.ClassDef):
            yield from _holders(ast.Module(statement.body, []))
        elif isinstance(statement, ast.FunctionDef):
            body = statement.body[1:] if ast.get_docstring(statement) is not None else statement.body
            yield from (statement.name for part in body for node in ast.walk(part) if _locks(node))
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            yield from (ast.unparse(target) for node in ast.walk(statement) if _locks(node))


def _locks(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return bool(LOCK.search(node.value))
    return isinstance(node, ast.Attribute) and node.attr == "select_for_update"
