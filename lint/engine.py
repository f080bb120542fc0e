"""What a rule is, how files are read, and how exceptions are granted."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import cast

ALLOW = re.compile(r"lint: allow (?P<rule>[\w-]+)(?: because (?P<reason>\S.+))?")
TEXT = {".py", ".md", ".toml", ".html", ".js", ".css", ".sql", ".yml", ".yaml", ".txt", ".sh", ".cfg", ".ini", ""}
Found = Iterable[tuple[int, str]]


@dataclass(frozen=True)
class Source:
    """One file: its path from the root of the repository, and its text."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def walked(self) -> list[ast.AST]:
        """Every node of the parsed file, outer ones first, each knowing its ``parent``."""
        found: list[ast.AST] = [ast.parse(self.text, self.path)]
        for node in found:
            for child in ast.iter_child_nodes(node):
                child.parent = node  # type: ignore[attr-defined]
                found.append(child)
        return found

    @property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return cast(ast.Module, self.walked[0])

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @cached_property
    def _by_kind(self) -> dict[type[ast.AST], list[tuple[int, ast.AST]]]:
        """Every node with its place in the walk, by its class: rules ask a dozen times."""
        found: dict[type[ast.AST], list[tuple[int, ast.AST]]] = {}
        for place, node in enumerate(self.walked):
            found.setdefault(type(node), []).append((place, node))
        return found

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Nodes of these classes, outer ones first."""
        of_kinds = [nodes for kind, nodes in self._by_kind.items() if issubclass(kind, kinds)]
        return (node for _, node in merge(*of_kinds, key=itemgetter(0)))


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


@dataclass(frozen=True)
class Rule:
    """``check`` yields (line, what is there). ``applies`` decides by path."""

    id: str
    reason: str
    applies: Callable[[str], bool]
    check: Callable[[Source], Found] = field(repr=False)


RULES: dict[str, Rule] = {}


def rule(id: str, reason: str, applies: Callable[[str], bool]) -> Callable[[Callable[[Source], Found]], Callable[[Source], Found]]:  # noqa: A002
    """Register the decorated function as a rule."""

    def register(check: Callable[[Source], Found]) -> Callable[[Source], Found]:
        RULES[id] = Rule(id, reason, applies, check)
        return check

    return register


def examine(source: Source) -> list[Finding]:
    """All findings of one file, less the allowed ones, plus exceptions that are not needed or give no reason."""
    found = [
        Finding(source.path, line, rule.id, f"{text}. {rule.reason}")
        for rule in RULES.values()
        if rule.applies(source.path)
        for line, text in rule.check(source)
    ]
    allowed = list(_allowances(source))
    used = {(line, name) for finding in found for line, name, _ in allowed if _covers(source, line, name, finding)}
    kept = [finding for finding in found if not any(_covers(source, line, name, finding) for line, name, _ in allowed)]
    return sorted(kept + [Finding(source.path, line, "allow", text) for line, text in _wrong_allowances(allowed, used)])


def _allowances(source: Source) -> Iterator[tuple[int, str, str | None]]:
    if source.path.startswith("lint/"):  # speaks about them
        return
    for number, line in enumerate(source.lines, 1):
        if match := ALLOW.search(line):
            yield number, match["rule"], match["reason"]


def _covers(source: Source, line: int, name: str, finding: Finding) -> bool:
    alone = source.lines[line - 1].strip().startswith(("#", "{#", "<!--", "--", "//"))
    return name == finding.rule and finding.line == line + alone


def _wrong_allowances(allowed: list[tuple[int, str, str | None]], used: set[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for line, name, reason in allowed:
        if name not in RULES:
            yield line, f"there is no rule {name!r}"
        elif not reason:
            yield line, f"write the reason: lint: allow {name} because …"
        elif (line, name) not in used:
            yield line, f"nothing here breaks {name}: remove the exception"


def files(root: Path) -> Iterator[Source]:
    """Every text file that git would commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode().split("\0")
    for path in sorted(set(filter(None, listed))):
        file = root / path
        if file.suffix in TEXT and file.is_file():
            try:
                yield Source(path, file.read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                continue


def python(path: str) -> bool:
    return path.endswith(".py")


def product(path: str) -> bool:
    """Python that is shipped, without migrations."""
    return path.startswith("src/") and python(path) and "/migrations/" not in path
