"""How long things may be, and what they may be called."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

from lint.engine import Found, Source, python, rule

LONGEST_FUNCTION = 60
LONGEST_FILE = 600
LONGEST_VIEW = 25
VAGUE = {"util", "utils", "helper", "helpers", "common", "misc"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@rule(
    "long-function",
    f"A function ends at {LONGEST_FUNCTION} lines: name its parts",
    lambda path: python(path) and "/migrations/" not in path,
)
def long_function(source: Source) -> Found:
    for node in source.nodes(*FUNCTIONS):
        if (length := _length(node)) > LONGEST_FUNCTION:
            yield node.lineno, f"{node.name} has {length} lines"


@rule("long-file", f"A file ends at {LONGEST_FILE} lines: split it by subject", python)
def long_file(source: Source) -> Found:
    if len(source.lines) > LONGEST_FILE:
        yield 1, f"{len(source.lines)} lines"


def _screens(path: str) -> bool:
    return python(path) and path.startswith(("src/stallkeeper/backoffice/", "src/stallkeeper/api/"))


@rule("long-view", f"A view ends at {LONGEST_VIEW} lines: it asks a use case or a query and shows the answer", _screens)
def long_view(source: Source) -> Found:
    for node in source.nodes(*FUNCTIONS):
        takes_request = any(argument.arg == "request" for argument in node.args.args[:2])
        if takes_request and (length := _length(node)) > LONGEST_VIEW:
            yield node.lineno, f"{node.name} has {length} lines"


@rule("vague-name", "A module is named after what it holds", python)
def vague_name(source: Source) -> Found:
    path = PurePosixPath(source.path)
    name = path.parent.name if path.stem == "__init__" else path.stem
    if name in VAGUE:
        yield 1, f"a module called {name}"
