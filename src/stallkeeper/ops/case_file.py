"""The case file of an oversell as people read it in a terminal, and as a program reads it."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from stallkeeper.ops.explained import in_words
from stallkeeper.ops.terminal import cell, table
from stallkeeper.orders.case_words import ENTRIES, PARTS, WHOSE, WINDOW, WINDOW_TITLE, clocks_of, words_of
from stallkeeper.orders.cases import CaseFile

TIME_LINE = {"at": "When (UTC)", "channel_code": "Channel", "what": "What", "detail": ""}
STRETCHES = {"name": "Part of the window", "whose": "Whose", "milliseconds": "Milliseconds"}
OFFERS = {
    "channel_code": "Channel",
    "sku": "SKU",
    "then": "As believed then",
    "today": "As known today",
    "value": "Stood there",
    "at": "Since (UTC)",
}


def as_data(case: CaseFile) -> dict[str, object]:
    """Everything, by the names of the dataclasses, with the sums of the verdict."""
    return asdict(case) | {"ours_ms": case.verdict.ours, "theirs_ms": case.verdict.theirs}


def render(case: CaseFile) -> Group:
    """The verdict first, then its parts, the time line, and the offers' figures."""
    title = Text.assemble(
        (f"{case.number}", "bold"), f" on {case.channel_code}, {case.sku}: {case.short} short. ", (words_of(case), "bold")
    )
    parts = [
        {"name": in_words(PARTS, part.name), "whose": in_words(WHOSE, part.whose), "milliseconds": part.milliseconds}
        for part in case.verdict.parts
    ]
    entries = [{**asdict(entry), "what": in_words(ENTRIES, entry.what)} for entry in case.entries]
    offers = [{**asdict(offer), "value": offer.stood and offer.stood.value, "at": offer.stood and offer.stood.at} for offer in case.offers]
    shown: list[RenderableType] = [title]
    shown += [_in(Text(clocks_of(case)))] if case.clocks else []
    shown += [_in(Text(f"Window: {cell(case.verdict.since)} to {cell(case.verdict.until)} UTC"))] if case.verdict.since else []
    if case.window:
        columns = {name: str(label) for name, label in WINDOW.items()}
        shown += [_in(Text(f"In guarded mode, {WINDOW_TITLE}:")), _in(table([asdict(case.window)], columns))]
    shown += [_in(table(rows, columns)) for rows, columns in ((parts, STRETCHES), (entries, TIME_LINE), (offers, OFFERS)) if rows]
    return Group(*shown, "")


def _in(what: RenderableType) -> Padding:
    return Padding(what, (0, 0, 1, 2))
