"""Time, money, errors, and doors to the outside."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from lint.engine import Found, Source, product, python, rule

MONEY = {"money", "amounts", "prices", "pricing", "taxes", "settlements", "invoices", "receipts", "refunds"}
DANGEROUS_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill"}
HTTP = {"httpx", "requests", "urllib.request", "urllib3", "http.client", "aiohttp", "niquests"}


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _imported(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes(ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif node.module and not node.level:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@rule(
    "wall-clock",
    "Times are aware and come from core.clock, so that a day can be replayed",
    lambda path: product(path) or path.startswith("tests/"),
)
def wall_clock(source: Source) -> Found:
    if not python(source.path) or source.path == "src/stallkeeper/core/clock.py":
        return
    for call in source.nodes(ast.Call):
        name, bare = _dotted(call.func), not call.args and not call.keywords
        naive = name.endswith(("datetime.utcnow", "date.today", "datetime.today")) or (name.endswith("datetime.now") and bare)
        direct = name == "timezone.now" and source.path.startswith("src/stallkeeper/")
        if naive or direct:
            yield call.lineno, f"{name}()"


def _money(path: str) -> bool:
    return product(path) and (path.startswith("src/stallkeeper/money/") or PurePosixPath(path).stem in MONEY)


@rule("float-money", "Money is Decimal with a currency", _money)
def float_money(source: Source) -> Found:
    for node in source.nodes(ast.Name, ast.Attribute, ast.Constant):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"the float {node.value}"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno, "float"
        elif isinstance(node, ast.Attribute) and node.attr == "FloatField":
            yield node.lineno, "FloatField"


@rule("swallow", "Nothing is dropped silently: handle it, or say which error and why it does not matter", python)
def swallow(source: Source) -> Found:
    for handler in source.nodes(ast.ExceptHandler):
        broad = handler.type is None or _dotted(handler.type) in {"Exception", "BaseException"}
        if broad and all(_does_nothing(statement) for statement in handler.body):
            yield handler.lineno, "every error is swallowed"
    for call in source.nodes(ast.Call):
        if _dotted(call.func).endswith("suppress") and any(_dotted(each) in {"Exception", "BaseException"} for each in call.args):
            yield call.lineno, "every error is suppressed"


def _does_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Pass, ast.Continue)) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


@rule("unsafe-load", "Data from outside must not become code", python)
def unsafe_load(source: Source) -> Found:
    for line, module in _imported(source):
        if module in DANGEROUS_MODULES:
            yield line, f"import of {module}"
    for call in source.nodes(ast.Call):
        if (name := _dotted(call.func)) in {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}:
            yield call.lineno, f"{name}()"


def _outside_the_door(path: str) -> bool:
    for_tests = "/testing/" in path or PurePosixPath(path).stem.startswith(("emulator", "published"))
    return product(path) and path not in {"src/stallkit/http.py", "src/stallkit/guard.py"} and not for_tests


@rule("http-door", "HTTP goes out through stallkit.http: pacing, time limits and address checks are there", _outside_the_door)
def http_door(source: Source) -> Found:
    yield from {(line, f"import of {module}"): None for line, module in _imported(source) if module in HTTP}


@rule(
    "adapter-door",
    "Only sync builds adapters and sources",
    lambda path: product(path) and not path.startswith(("src/stallkit/", "src/stallkeeper/sync/", "src/stallkeeper/ops/")),
)
def adapter_door(source: Source) -> Found:
    for line, name in _imported(source):
        if name in {"stallkit.registry.build", "stallkit.sources.registry.build"}:
            yield line, "import of registry.build"
    for call in source.nodes(ast.Call):
        if _dotted(call.func) == "registry.build":
            yield call.lineno, "registry.build()"


PLACE = re.compile(r"(?<![\w./:}~-])/(home|Users|root|work|tmp|private|workspace)/[\w.-]+")
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def _ours(path: str) -> bool:
    return not path.startswith("lint/") and not path.endswith(".lock")


@rule("machine-path", "A path of one machine means nothing on another", _ours)
def machine_path(source: Source) -> Found:
    for number, line in enumerate(source.lines, 1):
        if match := PLACE.search(line):
            yield number, f"the path {match[0]}"


@rule("mark", "Do it now, or write it where it is planned", _ours)
def mark(source: Source) -> Found:
    for number, line in enumerate(source.lines, 1):
        if match := MARKS.search(line):
            yield number, f"the word {match[0]}"
