"""What the documentation says is true where a machine can tell: links, commands, excerpts, the worked example."""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest

from stallkeeper.__main__ import SHOWN, cli
from stallkeeper.channels.rules import RULES
from stallkeeper.stock.availability import NOT_SET, Places, Rules, for_sale, to_show
from stallkit.testing.contract import CASES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"(?:<!-- excerpt: (\S+) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^(?: {4}.*\n?)+", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", page.read_text("utf-8"))


def ids(page: Path) -> set[str]:
    """Anchors of the page's headings, as code hosting sites make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


# --- links --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page):
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{name_of(page)}: {target} leads nowhere"
        assert file.is_relative_to(ROOT), f"{name_of(page)}: {target} leads out of the repository"
        if anchor:
            assert anchor in ids(file), f"{name_of(page)}: there is no heading for {target}; there are {sorted(ids(file))}"


def test_the_index_names_every_page_of_the_guide():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    for page in sorted((ROOT / "docs" / "guide").rglob("*.md")):
        assert f"]({page.relative_to(ROOT / 'docs').as_posix()})" in index, f"docs/index.md does not name {name_of(page)}"


def test_the_list_of_decisions_is_complete():
    folder = ROOT / "docs" / "adr"
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    pages = sorted(page for page in folder.glob("[0-9]*.md"))
    assert [page.name for page in pages] == [file for _, file, _ in listed]
    for page, (number, _, title) in zip(pages, listed, strict=True):
        text = page.read_text("utf-8")
        assert text.startswith(f"# {number} {title}\n")
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences")), f"{page.name} lacks a part"


# --- commands -----------------------------------------------------------------------------------------------------------------------------


def code_of(page: Path) -> Iterator[str]:
    """Lines of code: indented, in fences without a language of their own or with ``text`` after a $, and between backticks."""
    text = page.read_text("utf-8")
    for _, language, body in FENCE.findall(text):
        yield from (line.removeprefix("$ ") for line in body.splitlines() if language == "text" and line.startswith("$ "))
    plain = FENCE.sub("", text)
    for block in INDENTED.findall(plain):
        yield from (line.strip() for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", plain)


def command_of(line: str) -> str | None:
    """The ``stallkeeper …`` part of a line of code, without variables before and pipes or comments behind; None if there is none."""
    found = re.match(r"(?:[A-Z_]+=\S+ )*stallkeeper (?!…)(\S.*)$", line)
    return re.split(r" (?:\||#|>) ", found[1])[0] if found and not found[1].startswith("=") else None


def commands() -> list[tuple[str, str]]:
    found = {(name_of(page), command): None for page in PAGES for line in code_of(page) if (command := command_of(line))}
    return list(found)


def parse(words: list[str]) -> list[click.Context]:
    """Let the real command line read the words, without running anything: the contexts from the group down."""
    contexts = [cli.make_context("stallkeeper", words)]
    while isinstance(contexts[-1].command, click.Group):
        group, rest = contexts[-1].command, [*contexts[-1].protected_args, *contexts[-1].args]
        name, command, rest = group.resolve_command(contexts[-1], rest)
        assert command is not None
        contexts.append(command.make_context(name, rest, parent=contexts[-1]))
    return contexts


@pytest.mark.filterwarnings("ignore:'protected_args' is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("page", "command"), commands(), ids=lambda value: value if isinstance(value, str) else None)
def test_the_command_line_understands_what_the_page_shows(page, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)
    for word in words:
        if re.fullmatch(r"[\w-]+(\.[\w-]+)*\.(dump|csv|xlsx)", word):
            (tmp_path / word).touch()
    try:
        contexts = parse(words)
    except click.exceptions.Exit:  # --help and --version end at once
        return
    except click.ClickException as error:
        raise AssertionError(f"{page}: stallkeeper {command}: {error.format_message()}") from error
    for rule in contexts[-1].params.get("rules", ()):
        assert rule.partition("=")[0] in RULES, f"{page}: there is no rule {rule}"


def test_the_tests_found_commands():
    assert len(commands()) > 40


def test_the_page_about_the_command_line_names_every_command():
    page = ROOT / "docs" / "guide" / "command-line.md"
    shown = {command.split()[0] for file, command in commands() if file == name_of(page)}
    assert set(SHOWN) <= shown


def test_every_make_target_exists():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        for line in code_of(page):
            if found := re.match(r"make (\w+)", line):
                assert found[1] in targets, f"{name_of(page)}: make {found[1]}"


def test_every_variable_is_one_that_the_code_reads():
    code = "\n".join(path.read_text("utf-8") for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py"))
    for page in PAGES:
        for variable in re.findall(r"STALLKEEPER_[A-Z_]+", page.read_text("utf-8")):
            name = "STALLKEEPER_SET_" if variable.startswith("STALLKEEPER_SET_") else variable
            assert f"{name}" in code, f"{name_of(page)}: nothing reads {variable}"


# --- excerpts -----------------------------------------------------------------------------------------------------------------------------


def excerpts() -> list[tuple[str, str, str]]:
    """(page, file, code) of every block that says where it is from."""
    return [
        (name_of(page), file, body)
        for page in PAGES
        for file, language, body in FENCE.findall(page.read_text("utf-8"))
        if file and language == "python"
    ]


@pytest.mark.parametrize(("page", "file", "code"), excerpts(), ids=lambda value: value[:60].strip())
def test_an_excerpt_is_what_the_file_says(page, file, code):
    assert textwrap.dedent(code) in slices(ROOT / file, len(code.splitlines())), f"{page}: this is not (any more) in {file}:\n{code}"


def slices(path: Path, length: int) -> Iterator[str]:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    return (textwrap.dedent("".join(lines[start : start + length])) for start in range(len(lines) - length + 1))


def test_the_page_about_adapters_has_excerpts():
    assert len([page for page, _, _ in excerpts() if page == "docs/adapters.md"]) > 10


def test_other_python_on_the_pages_compiles():
    for page in PAGES:
        for file, language, body in FENCE.findall(page.read_text("utf-8")):
            if language == "python" and not file:
                assert compiles(body), f"{name_of(page)}: this is no Python:\n{body}"


def compiles(code: str) -> bool:
    try:
        compile(code, "page", "exec")
    except SyntaxError:
        return False
    return True


def test_the_page_about_adapters_counts_the_cases():
    told = re.findall(r"(\d+) (?:cases|passed)", (ROOT / "docs" / "adapters.md").read_text("utf-8"))
    assert told
    assert {int(number) for number in told} == {len(CASES)}


# --- figures ------------------------------------------------------------------------------------------------------------------------------


def worked_example() -> list[tuple[int, ...]]:
    """The table of docs/guide/numbers.md: on hand, allocated, free, eMAG intended, seen, Walmart intended, seen; sums at their result."""
    text = (ROOT / "docs" / "guide" / "numbers.md").read_text("utf-8").partition("## A worked example")[2]
    rows = re.findall(r"^\| (?:At|Two|eMAG|The) .+$", text, re.MULTILINE)
    return [tuple(int(cell.rpartition("=")[2]) for cell in row.strip("| ").split("|")[1:]) for row in rows]


def shown(on_hand: int, allocated: int, buffer: int, open_gross: int) -> int:
    """What the real availability says an offer should show."""

    def one(value: int) -> np.ndarray:
        return np.array([value], dtype=np.int64)

    places = Places(1, one(0), one(1), one(0), one(1), one(on_hand), one(allocated), one(0), one(0), one(0), np.array([True]))
    rules = Rules(one(0), one(10_000), one(0), one(buffer), one(NOT_SET), one(NOT_SET), one(0), one(1), one(99_999), one(open_gross))
    return int(to_show(for_sale(places), rules)[0])


def test_the_worked_example_is_what_availability_says():
    """Open units by row: eMAG's that are not acknowledged, Walmart's that are not shipped."""
    rows = worked_example()
    gross = [(0, 0), (2, 0), (0, 0), (0, 0), (0, 2), (0, 0)]
    assert len(rows) == len(gross)
    for (on_hand, allocated, free, emag, emag_seen, walmart, walmart_seen), (waiting, unshipped) in zip(rows, gross, strict=True):
        assert free == on_hand - allocated
        assert emag == shown(on_hand, allocated, 1, waiting)
        assert emag_seen == emag - waiting
        assert walmart == shown(on_hand, allocated, 0, unshipped)
        assert walmart_seen == walmart - unshipped


def test_no_page_tells_of_the_machine_it_was_written_on():
    for page in PAGES:
        text = page.read_text("utf-8")
        assert os.fspath(ROOT) not in text, name_of(page)
        assert not re.search(r"/(?:home|tmp|work)/\w+", text), name_of(page)
