"""Which places of bugs a seed comes to. One that never comes to a place is the same day with the bug in it, and is not played again."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tests.planted.plant import Bug, compiled, find, function_of, parsed, replaced_code
from tests.planted.registry import BUGS

SEEN: set[str] = set()
"""Names of the bugs whose places were reached since ``probed`` began."""


@contextmanager
def probed() -> Iterator[set[str]]:
    """Inside the block the set gathers the bugs whose statement is executed. Those in texts (SQL), used all day, count as reached."""
    by_place: dict[str, list[Bug]] = defaultdict(list)
    SEEN.clear()
    for one in BUGS.values():
        if isinstance(find(one)[2], str):
            SEEN.add(one.name)
        else:
            by_place[one.where].append(one)
    with ExitStack() as stack:
        for bugs in by_place.values():
            stack.enter_context(_watched(bugs))
        yield SEEN


@contextmanager
def _watched(bugs: Sequence[Bug]) -> Iterator[None]:
    """One function tells when it comes to the statements that these bugs change."""
    function = function_of(bugs[0], find(bugs[0])[2])
    text = textwrap.dedent(inspect.getsource(function))
    tree = parsed(bugs[0], text)
    spots = [(text[: text.index(old) + len(old) - len(old.lstrip())].count("\n") + 1, one.name) for one in bugs for old, _ in one.edits]
    targets = [(_statement(tree, line), name) for line, name in spots]
    for statement, name in targets:
        _tell(tree, statement, name)
    with replaced_code(function, compiled(bugs[0], function, tree)):
        yield


def _statement(tree: ast.Module, line: int) -> ast.stmt:
    """The smallest statement that has something on this line."""
    around = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)]
    return min(around, key=lambda node: (node.end_lineno or node.lineno) - node.lineno)


def _tell(tree: ast.Module, statement: ast.stmt, name: str) -> None:
    """Put "the place of this bug was reached" in front of the statement; of a whole function, in front of its first."""
    probe = ast.parse(f"__import__('tests.planted.reach').planted.reach.SEEN.add({name!r})").body
    if isinstance(statement, ast.FunctionDef):
        statement.body[:0] = probe
        return
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            inside = getattr(node, field, None)
            if isinstance(inside, list) and statement in inside:
                inside[inside.index(statement) : inside.index(statement)] = probe
                return
    raise LookupError(f"{name}: its statement stands in no block")
