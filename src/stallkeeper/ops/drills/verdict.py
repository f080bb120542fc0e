"""After a drill, when all is calm: the stalls' own logs against the ledger. Stall by stall, so that 100,000 orders fit.

Reads with the demo's judge: nothing here asks the engine what it thinks of itself, but for the invariants that ``check`` verifies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db.models import Count

from stallkeeper.channels.models import Command, Connection, Offer
from stallkeeper.ops.check import check
from stallkeeper.ops.demo import books, judge
from stallkeeper.ops.demo.goods import PLACES, Article
from stallkeeper.ops.drills.clerk import Done
from stallkeeper.ops.drills.outside import Outside, There
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock.models import Movement

Json = dict[str, Any]
SHOWN = 10
Lines = dict[str, tuple[int, int, int]]


@dataclass(slots=True)
class Findings:
    """What is wrong, by kind; and how much was looked at."""

    problems: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, problem: str) -> None:
        self.problems.setdefault(kind, []).append(problem)

    def number(self, kind: str) -> int:
        return len(self.problems.get(kind, []))

    def told(self) -> list[str]:
        """The first problems of each kind in words."""
        return [line for kind, found in self.problems.items() for line in _told(kind, found)]


def _told(kind: str, found: Sequence[str]) -> list[str]:
    shown = [f"{kind}: {problem}" for problem in found[:SHOWN]]
    return shown if len(found) <= SHOWN else [*shown, f"{kind}: and {len(found) - SHOWN} more"]


def judge_all(organisation_id: int, outside: Outside, articles: Sequence[Article], done: Done, folder: Path) -> Findings:
    """Everything that must hold once faults have stopped and all is calm."""
    found = Findings()
    for connection in Connection.objects.order_by("pk"):
        _orders(found, connection, outside.orders_of(connection.name, folder / "orders.json"), done)
    _receipts(found, done)
    _offers(found, outside.shown(), articles)
    for result in check(organisation_id, calm=True):
        for problem in result.problems:
            found.add("broken", f"{result.title}: {problem}")
    return found


def states() -> dict[str, dict[str, int]]:
    """By stall: how many orders the hub has in each state. Stalls without orders are there, too."""
    counted: dict[str, dict[str, int]] = {name: {} for name in Connection.objects.values_list("name", flat=True)}
    for name, state, number in Order.objects.values_list("connection__name", "state").annotate(number=Count("pk")):
        counted[name][state] = number
    return counted


# --- orders -------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mine:
    """An order as the hub keeps it, with the commands that it wrote for it by kind."""

    state: str
    lines: Lines
    commands: Counter[str]


def _ours(connection: Connection) -> dict[str, Mine]:
    lines: dict[int, Lines] = {}
    rows = OrderLine.objects.filter(order__connection=connection)
    for order, line, ordered, cancelled, shipped in rows.values_list("order_id", "line_id", "ordered", "cancelled", "shipped").iterator():
        lines.setdefault(order, {})[line] = (ordered, cancelled, shipped)
    written: dict[int, Counter[str]] = {}
    commands = Command.objects.filter(connection=connection, subject_type="order").values_list("subject_id", "kind")
    for subject, kind in commands.iterator():
        written.setdefault(subject, Counter())[kind] += 1
    orders = Order.objects.filter(connection=connection).order_by("pk").values_list("pk", "external_id", "state")
    return {number: Mine(state, lines.get(pk, {}), written.get(pk, Counter())) for pk, number, state in orders.iterator()}


def _orders(found: Findings, connection: Connection, theirs: Sequence[There], done: Done) -> None:
    """Each order once, equal line by line; none that the stall saw acknowledged is missing; no command was heard twice."""
    ours = _ours(connection)
    for there in theirs:
        name = f"{connection.name} {there.order_id}"
        mine = ours.pop(there.order_id, None)
        found.counts.update(orders=1, acknowledged=there.acknowledged, shipped=there.state == "shipped")
        if mine is None:
            found.add("acknowledged and lost" if there.acknowledged else "order missing", f"{name} is not in the hub")
            continue
        _compare(found, name, there, mine)
        _kept(found, name, there, connection.name, done)
    for number in sorted(ours):
        found.add("order differs", f"{connection.name} {number}: the stall knows no such order")


def _compare(found: Findings, name: str, there: There, mine: Mine) -> None:
    lines = {line: (ordered, cancelled, shipped) for line, ordered, cancelled, shipped in there.lines}
    if lines != mine.lines or there.state != mine.state:
        found.add("order differs", f"{name}: the stall says {there.state} {lines}, the hub {mine.state} {mine.lines}")
    if there.state == "new":
        found.add("order differs", f"{name}: never acknowledged")
    heard = {"acknowledge": there.acknowledge_calls, "ship": there.ship_calls, "cancel": there.cancel_calls}
    for kind, calls in heard.items():
        if calls > mine.commands[kind]:
            found.add("heard twice", f"{name}: {kind} was heard {calls} times, and meant {mine.commands[kind]} times")


def _kept(found: Findings, name: str, there: There, stall: str, done: Done) -> None:
    """What the hub said yes to."""
    if (stall, there.order_id) in done.shipped and there.state != "shipped":
        found.add("action lost", f"{name} was shipped, and the stall says {there.state}")
    if (stall, there.order_id) in done.cancelled and there.state != "cancelled":
        found.add("action lost", f"{name} was cancelled, and the stall says {there.state}")


def _receipts(found: Findings, done: Done) -> None:
    there = Counter(Movement.objects.filter(reference__startswith="drill:").values_list("reference", flat=True))
    for reference in sorted(done.received):
        if there[reference] != 1:
            found.add("action lost", f"goods received as {reference} are in the ledger {there[reference]} times")


# --- offers -------------------------------------------------------------------------------------------------------------------------------


def recipes_of(articles: Sequence[Article]) -> dict[judge.Offer, dict[str, int]]:
    return {(stall, sku): article.recipe for article in articles for stall, sku in article.stalls.items()}


def stale_offers(articles: Sequence[Article], shown: Mapping[str, Mapping[str, Sequence[int]]]) -> list[str]:
    """Offers whose buyers see another number than the ledger has for sale."""
    seen = {(stall, sku): pair[0] for stall, skus in shown.items() for sku, pair in skus.items()}
    return judge.not_converged(recipes_of(articles), books.free(), PLACES, seen)


def _offers(found: Findings, shown: Mapping[str, Mapping[str, Sequence[int]]], articles: Sequence[Article]) -> None:
    for problem in stale_offers(articles, shown):
        found.add("offer not converged", problem)
    believed = {(stall, sku): value for stall, sku, value in _beliefs()}
    for stall, skus in shown.items():
        for sku, (_, figure) in skus.items():
            found.counts.update(offers=1)
            if believed.get((stall, sku)) != figure:
                found.add("believed wrongly", f"{stall} {sku}: the stall has {figure}, we believe {believed.get((stall, sku))}")


def _beliefs() -> Iterator[tuple[str, str, int | None]]:
    return Offer.objects.values_list("channel__connection__name", "sku", "believed_qty").iterator()
