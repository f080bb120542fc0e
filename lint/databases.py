"""Where SQL lives and what it may say; what the hot path may not do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from lint.engine import Found, Source, product, python, rule

HOT = ("src/stallkeeper/orders/intake", "src/stallkeeper/stock/reserve", "src/stallkeeper/channels/refresh")
LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.comprehension, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
CLOCKS = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(\s*\)"
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b|'(now|today|tomorrow|yesterday)'",
    re.IGNORECASE,
)
AGGREGATE = re.compile(r"^\s*SELECT\s+((coalesce|array_send)\s*\(\s*)?(count|sum|max|min|avg|bool_(or|and)|array_agg)\s*\(", re.IGNORECASE)
INNERMOST = re.compile(r"\([^()]*\)")
WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\b(?!\s+(OF|SKIP|NOWAIT|\)|;|$))", re.IGNORECASE)
RUNS_SQL = {"execute", "executemany", "raw", "extra", "copy", "RawSQL"}


def _queries(path: str) -> bool:
    parts = PurePosixPath(path)
    named = parts.name == "copy.py" or parts.name.endswith("queries.py") or parts.parent.name == "queries"
    return python(path) and path.startswith("src/stallkeeper/") and named


def _parents(node: ast.AST) -> Iterator[ast.AST]:
    while node := getattr(node, "parent", None):
        yield node


def _constants(source: Source) -> dict[str, str]:
    """Module-level strings by name."""
    return {
        _name(node.targets[0]): node.value.value
        for node in source.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def _sql(source: Source, constants: dict[str, str]) -> Iterator[tuple[ast.AST, str]]:
    """Every string that is not a docstring; f-strings in one piece, their holes filled with the module's constants where they can be."""
    for node in source.nodes(ast.Constant, ast.JoinedStr):
        if isinstance(node, ast.JoinedStr):
            yield node, "".join(_filled(part, constants) for part in node.values)
        elif isinstance(node.value, str) and not isinstance(node.parent, (ast.Expr, ast.JoinedStr, ast.FormattedValue)):
            yield node, node.value


def _filled(part: ast.AST, constants: dict[str, str]) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else constants.get(_name(part.value), "x")


@rule("hot-write", "The hot path writes with set-based statements (41 and 116 orders/s against 2,900)", lambda path: path.startswith(HOT))
def hot_write(source: Source) -> Found:
    for call in source.nodes(ast.Call):
        if not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr == "bulk_update":
            yield call.lineno, "bulk_update"
        elif call.func.attr in {"save", "asave"} and any(isinstance(parent, LOOPS) for parent in _parents(call)):
            yield call.lineno, "save() in a loop"


@rule("sql-clock", "Domain SQL takes time as a parameter: a seed replays exactly", _queries)
def sql_clock(source: Source) -> Found:
    for node, text in _sql(source, {}):
        for match in CLOCKS.finditer(text):
            yield node.lineno + text.count("\n", 0, match.start()), f"{match[0]} in SQL"


@rule("gather-order", "A gather that returns several rows has ORDER BY: without it a replay may differ", _queries)
def gather_order(source: Source) -> Found:
    constants = _constants(source)
    fragments = {part.value.id for part in source.nodes(ast.FormattedValue) if isinstance(part.value, ast.Name)}
    for node, text in _sql(source, constants):
        fragment = isinstance(node.parent, ast.Assign) and any(_name(target) in fragments for target in node.parent.targets)
        if not fragment and _several_rows(text) and not _fetches_one(source, node):
            yield node.lineno, "SELECT without ORDER BY"


def _several_rows(text: str) -> bool:
    """Whether a statement reads, may return more than one row, and leaves their order open."""
    if not re.match(r"\s*(SELECT|WITH)\b", text) or WRITES.search(re.sub(r"\bFOR (NO KEY )?UPDATE\b", "", text)):
        return False
    outer = text
    while INNERMOST.search(outer):
        outer = INNERMOST.sub(" ", outer)
    if re.match(r"\s*SELECT 1\s+FROM\b", text):  # asks whether there is any
        return False
    one_row = not re.search(r"\bFROM\b", outer) or re.search(r"\bLIMIT\s+1\b", outer) or (AGGREGATE.match(text) and "GROUP BY" not in outer)
    return not one_row and not re.search(r"\bORDER BY\b", outer)


def _fetches_one(source: Source, node: ast.AST) -> bool:
    """Whether the functions that use this string take one row of it."""
    users = [parent for parent in _parents(node) if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef))][:1] or _users(source, node)
    calls = {_name(call.func) for user in users for call in ast.walk(user) if isinstance(call, ast.Call)}
    one = bool(calls & {"fetchone", "one", "_one"}) and not calls & {"fetchall", "rows"}
    return one or (bool(users) and all(_returns_the_first(user) for user in users))


def _returns_the_first(function: ast.AST) -> bool:
    """``return found[0][0] if found else None``: one row by its key."""
    returns = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
    parts = [list(ast.walk(value)) for value in returns]
    return bool(parts) and all(any(map(_is_first, nodes)) and not any(isinstance(node, LOOPS) for node in nodes) for nodes in parts)


def _is_first(node: ast.AST) -> bool:
    whole = isinstance(node, ast.Subscript) and isinstance(node.value, (ast.Name, ast.Call))
    return whole and isinstance(node.slice, ast.Constant) and node.slice.value == 0


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _users(source: Source, node: ast.AST) -> list[ast.AST]:
    names = {
        target.id
        for parent in _parents(node)
        if isinstance(parent, ast.Assign)
        for target in parent.targets
        if isinstance(target, ast.Name)
    }
    functions = source.nodes(ast.FunctionDef, ast.AsyncFunctionDef)
    return [each for each in functions if any(isinstance(name, ast.Name) and name.id in names for name in ast.walk(each))]


def _may_not_speak_sql(path: str) -> bool:
    return product(path) and path.startswith("src/stallkeeper/") and not _queries(path) and path != "src/stallkeeper/embedded.py"


@rule("raw-sql", "Raw SQL lives in queries.py, <subject>_queries.py or copy.py, one function per statement", _may_not_speak_sql)
def raw_sql(source: Source) -> Found:
    for call in source.nodes(ast.Call):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        literal = call.args and isinstance(call.args[0], (ast.Constant, ast.JoinedStr))
        if name in RUNS_SQL and literal and (isinstance(call.args[0], ast.JoinedStr) or isinstance(call.args[0].value, str)):
            yield call.lineno, f"{name}() with a statement"
