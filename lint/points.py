"""Every commit, send, record and claim has a crash point, and every point is listed in ops/simulation/points.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lint.engine import Found, Source, files, product, rule

ROOT = Path(__file__).parent.parent
LIST = "src/stallkeeper/ops/simulation/points.py"
OPENERS = {"src/stallkeeper/core/crash.py", "src/stallkeeper/core/use_case.py"}
WRAPPERS = {"src/stallkeeper/channels/lanes.py", "src/stallkeeper/sync/run.py", *OPENERS}
"""Where the name of a point is an argument of whoever calls."""
STAGES = ("src/stallkeeper/ops/demo/", "src/stallkeeper/ops/drills/", "src/stallkeeper/ops/simulation/")
LOCAL = {"read_hint"}
"""Methods of adapters that call nobody."""
PAIRED = ("commit:", "send:", "claim:")


def _product(path: str) -> bool:
    return product(path) and path.startswith("src/stallkeeper/") and not path.startswith(STAGES)


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.AST | None) -> str | None:
    """A name as a pattern: holes of an f-string match anything. None if it is not written down here."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in node.values)
    return None


def _opened(call: ast.Call) -> tuple[str, ast.AST | None] | None:
    """What a call opens: the beginning of its points' names, and the rest as it is written."""
    name, arguments = _dotted(call.func), call.args
    first = arguments[0] if arguments else None
    last = name.rsplit(".", 1)[-1]
    if last == "use_case":
        return "commit:", first
    if name in {"guarded", "lanes.guarded"}:
        return "commit:", arguments[1] if len(arguments) > 1 else None
    if last == "writing" or (last == "commit" and arguments):
        return "commit:sync.", first
    if name == "crash.committing":
        return "commit:", first
    return ("", first) if name in {"crash.around", "crash.point"} else None


def names(source: Source) -> Iterator[tuple[int, str | None]]:
    """(line, pattern of a point's name) of everything in a file that opens one; None where the name cannot be read."""
    for call in source.nodes(ast.Call):
        if (opened := _opened(call)) is not None:
            beginning, rest = opened
            text = _text(rest)
            yield call.lineno, None if text is None else re.escape(beginning) + text
    for node in source.nodes(ast.Attribute):
        if _dotted(node.value).rsplit(".", 1)[-1] == "adapter" and node.attr not in LOCAL:
            yield node.lineno, f"send:{node.attr}"


@rule("crash-point", "Each commit, send, record and claim is a moment at which a process may die: name it and list it", _product)
def crash_point(source: Source) -> Found:
    known = listed()
    if source.path not in WRAPPERS:
        for line, pattern in names(source):
            if pattern is None:
                yield line, "the name of this point cannot be read: write it as a string"
            elif not any(re.fullmatch(pattern, name) for name in known):
                yield line, f"the point {pattern.replace(chr(92), '')} is not listed in {LIST}"
    for call in source.nodes(ast.Call):
        name = _dotted(call.func)
        if name.endswith("transaction.atomic") and source.path not in OPENERS:
            yield call.lineno, "transaction.atomic() without a point: use core.use_case or crash.committing"
        if isinstance(call.func, ast.Attribute) and _is_adapter(call.func) and not _within_a_point(call):
            yield call.lineno, f"{name}() without a point: call it through Current.call or inside crash.around"


def _is_adapter(function: ast.Attribute) -> bool:
    return _dotted(function.value).rsplit(".", 1)[-1] == "adapter" and function.attr not in LOCAL


def _within_a_point(node: ast.AST) -> bool:
    while (node := getattr(node, "parent", None)) is not None:
        if isinstance(node, ast.With) and any(
            isinstance(item.context_expr, ast.Call) and _dotted(item.context_expr.func) == "crash.around" for item in node.items
        ):
            return True
    return False


@rule("crash-list", "The list of points is what the simulation and its tests go by", lambda path: path == LIST)
def crash_list(source: Source) -> Found:
    wanted = _all_patterns()
    seen: set[str] = set()
    for line, name in _listed(source):
        if name in seen:
            yield line, f"{name} is listed twice"
        seen.add(name)
        if not name.startswith((*PAIRED, "within:")):
            yield line, f"{name} is of no kind: commit, send, claim or within"
        if not any(re.fullmatch(pattern, name) for pattern in wanted):
            yield line, f"there is no point {name} in the code any more"


@cache
def _all_patterns() -> tuple[str, ...]:
    sources = [source for source in files(ROOT) if _product(source.path)]
    found = ((source.path, pattern) for source in sources for _line, pattern in names(source) if pattern)
    return tuple(pattern for path, pattern in found if path not in WRAPPERS or ".+" not in pattern)


@cache
def listed() -> frozenset[str]:
    """All names in the list of this repository."""
    return frozenset(name for _line, name in _listed(Source(LIST, (ROOT / LIST).read_text(encoding="utf-8"))))


def _listed(source: Source) -> Iterator[tuple[int, str]]:
    """(line, name) of every point in the tables."""
    for node in source.tree.body:
        if isinstance(node, ast.AnnAssign) and _dotted(node.target) in {"ENGINE", "PERSON"} and isinstance(node.value, ast.Dict):
            for value in node.value.values:
                yield from ((part.lineno, str(part.value)) for part in ast.walk(value) if isinstance(part, ast.Constant))
