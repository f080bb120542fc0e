"""A past figure as people read it in a terminal, and as a program reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from stallkeeper.channels.explain_words import STEPS
from stallkeeper.channels.past import View
from stallkeeper.channels.time_travel import Figure, PastExplanation
from stallkeeper.core.models import Organisation
from stallkeeper.ops import terminal
from stallkeeper.ops.commands.stocktaking import moment_of
from stallkeeper.ops.explained import MOVEMENTS, in_words
from stallkeeper.ops.terminal import cell, table
from stallkeeper.orders import past

HEADINGS = {View.THEN: "as believed then", View.TODAY: "as known today"}
LATE_MOVEMENTS = MOVEMENTS | {"recorded_at": "Entered (UTC)"}
LATE_ORDERS = {
    "number": "Order", "channel_code": "Channel", "units": "Units", "ordered_at": "Placed (UTC)", "imported_at": "Came in (UTC)"
}  # fmt: skip
SENT = {"at": "At (UTC)", "value": "Value", "outcome": "Answer", "detail": ""}


def show(organisation: Organisation, sku: str, channel: str | None, moment: str, known: str | None, *, as_json: bool) -> None:
    """Print the offers of a SKU at a moment, in one view or both."""
    at = moment_of(moment, "--at", organisation)
    found = past.explain_at(organisation.pk, sku, at, channel)
    views = [View(known)] if known else list(View)
    if as_json:
        terminal.print_json([as_data(one, views) for one in found])
        return
    for one in found:
        terminal.console().print(render(one, views))


def as_data(one: PastExplanation, views: Sequence[View]) -> dict[str, object]:
    """Everything of the views asked for, by the names of the dataclasses."""
    return {name: value for name, value in asdict(one).items() if name not in set(View) - set(views)}


def render(one: PastExplanation, views: Sequence[View]) -> Group:
    """Both workings side by side, then what came late."""
    figures = [_of(one, view) for view in views]
    title = Text.assemble((one.sku, "bold"), f" on {one.channel} ({one.channel_code}), unit {one.unit}, at {cell(one.at)} UTC")
    parts: list[RenderableType] = [title]
    parts += [_in(Text(f"{HEADINGS[figure.view]}: {_number(one, figure)}")) for figure in figures]
    if one.unrecorded_before:
        words = f"Links, rules, kits, ring-fences, incoming goods and switches were not recorded before {cell(one.unrecorded_before)} UTC;"
        parts.append(_in(Text(f"{words} they are taken as they were then. Movements, reservations and sends are those of the moment.")))
    parts.append(_in(_steps(figures)))
    for heading, rows, columns in (
        ("Entered later, or dated ahead:", [asdict(move) for move in one.late_movements], LATE_MOVEMENTS),
        ("Placed before, came in later:", [asdict(order) for order in one.late_orders], LATE_ORDERS),
        ("Sent by then:", [asdict(sent) for sent in one.sends_log[:5]], SENT),
    ):
        if rows:
            parts += [_in(Text(heading)), _in(table(rows, columns))]
    return Group(*parts, "")


def _of(one: PastExplanation, view: View) -> Figure:
    return one.then if view is View.THEN else one.today


def _number(one: PastExplanation, figure: Figure) -> str:
    if not one.linked:
        return "the offer was not linked yet"
    return "left out of stock sending" if one.excluded else cell(figure.number)


def _steps(figures: Sequence[Figure]) -> RenderableType:
    """A row a step. Both views go through the same steps."""
    rows = [
        {"step": in_words(STEPS, steps[0].name), "note": steps[-1].note}
        | {figure.view.value: step.after for figure, step in zip(figures, steps, strict=True)}
        for steps in zip(*(figure.steps for figure in figures), strict=True)
    ]
    return table(rows, {"step": "Step"} | {figure.view.value: HEADINGS[figure.view].capitalize() for figure in figures} | {"note": ""})


def _in(what: RenderableType) -> Padding:
    return Padding(what, (0, 0, 1, 2))
