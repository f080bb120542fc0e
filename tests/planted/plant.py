"""How a bug is planted: a piece of the text of one function (or of one statement of SQL) is replaced while the process runs.

The function keeps its identity and gets other code, so whoever imported it has the bug as well. A text that is not there any more, or
there twice, is an error: whoever rewrites the function decides anew how it could go wrong.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any


class NotPlanted(LookupError):
    """The text that a bug wants to replace is not there. The error names the bug, the place and the text."""


@dataclass(frozen=True, slots=True)
class Bug:
    """One fault. ``where``: ``package.module:function``, ``:Class.method`` or ``:CONSTANT`` (a text). ``edits``: what is replaced by what.

    ``breaks`` says in a sentence what goes wrong; ``expected``: numbers of the invariants of which one should be seen broken.
    """

    name: str
    breaks: str
    expected: tuple[str, ...]
    where: str
    edits: tuple[tuple[str, str], ...]

    @property
    def app(self) -> str:
        """Which part of the house it is in: ``stock``, ``sync``, ``stallkit``."""
        parts = self.where.split(":", maxsplit=1)[0].split(".")
        return parts[1] if parts[0] == "stallkeeper" else parts[0]


BUGS: dict[str, Bug] = {}


def bug(name: str, breaks: str, expected: str, where: str, *edits: tuple[str, str]) -> None:
    """Enter a bug. ``expected``: numbers with spaces between."""
    if name in BUGS:
        raise ValueError(f"there are two bugs named {name}")
    BUGS[name] = Bug(name, breaks, tuple(expected.split()), where, edits)


@contextmanager
def planted(one: Bug) -> Iterator[None]:
    """The product has this bug inside the block."""
    owner, attribute, thing = find(one)
    if isinstance(thing, str):
        setattr(owner, attribute, _edited(one, thing))
        try:
            yield
        finally:
            setattr(owner, attribute, thing)
        return
    with replaced_code(function_of(one, thing), faulty(one)):
        yield


@contextmanager
def replaced_code(function: FunctionType, code: CodeType) -> Iterator[None]:
    """The function has this code inside the block."""
    before = function.__code__
    function.__code__ = code
    try:
        yield
    finally:
        function.__code__ = before


def faulty(one: Bug) -> CodeType:
    """The code of the function with the bug in it."""
    function = function_of(one, find(one)[2])
    return compiled(one, function, parsed(one, _edited(one, textwrap.dedent(inspect.getsource(function)))))


def parsed(one: Bug, text: str) -> ast.Module:
    """A function's text, which must be one."""
    tree = ast.parse(text)
    if not isinstance(tree.body[0], ast.FunctionDef):
        raise NotPlanted(f"{one.name}: {one.where} is no function")
    return tree


def compiled(one: Bug, function: FunctionType, tree: ast.Module) -> CodeType:
    """The code of a changed text of the function, without what is worked out once, when it is defined."""
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list, definition.returns = [], None
    for argument in ast.walk(definition.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    definition.args.defaults = [ast.Constant(None)] * len(definition.args.defaults)
    definition.args.kw_defaults = [default and ast.Constant(None) for default in definition.args.kw_defaults]
    names: dict[str, Any] = {}
    made = compile(ast.fix_missing_locations(tree), function.__code__.co_filename, "exec", __future__.annotations.compiler_flag)
    exec(made, {}, names)  # lint: allow unsafe-load because the text is our own source
    code: CodeType = names[definition.name].__code__
    if code.co_freevars != function.__code__.co_freevars:
        raise NotPlanted(f"{one.name}: {one.where} closes over other names than before")
    return code.replace(co_firstlineno=function.__code__.co_firstlineno)


def find(one: Bug) -> tuple[Any, str, Any]:
    module, _, path = one.where.partition(":")
    owner: Any = import_module(module)
    *outer, last = path.split(".")
    try:
        for name in outer:
            owner = getattr(owner, name)
        return owner, last, getattr(owner, last)
    except AttributeError as error:
        raise NotPlanted(f"{one.name}: there is no {one.where} any more") from error


def function_of(one: Bug, thing: Any) -> FunctionType:
    inner = inspect.unwrap(thing.fget if isinstance(thing, property) else thing)
    if not isinstance(inner, FunctionType):
        raise NotPlanted(f"{one.name}: {one.where} is {type(inner).__name__}, not a function or a text")
    return inner


def _edited(one: Bug, text: str) -> str:
    for old, new in one.edits:
        if text.count(old) != 1:
            raise NotPlanted(f"{one.name}: {one.where} has {text.count(old)} times the text {old!r}, which the bug replaces")
        text = text.replace(old, new)
    return text
