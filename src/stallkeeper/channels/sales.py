"""What orders say about the offers they were sold through: open units, and how the channel's own figure moved.

A page of orders leaves it on its use case; ``refresh`` takes it in while it holds the offers anyway, and writes it together with what they
should show: one lock, one update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection

from stallkeeper.channels import belief_queries, delivery, queries
from stallkeeper.channels.belief_queries import Belief
from stallkeeper.channels.delivery import OwnSale
from stallkeeper.core.copy import Ints
from stallkeeper.core.sql import Answer, hot_cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock.availability import NOT_SET, Flags
from stallkit.manifest import Basis
from stallkit.manifest import OwnSale as Lowers
from stallkit.registry import ADAPTERS, manifest_of

SOLD = "sold"


@dataclass(frozen=True, slots=True)
class Sold:
    """What a line says of its offer. ``open``, ``unacknowledged``: sold units that became so (negative: no longer are)."""

    offer_id: int
    unit_id: int
    platform: str
    open: int
    unacknowledged: int
    sales: tuple[OwnSale, ...]


def leave(uc: UseCase, sold: Sequence[Sold]) -> None:
    """To be written when the use case's offers are refreshed."""
    uc.leave(SOLD, sold)


def take(uc: UseCase) -> list[Sold]:
    """What was left; it is gone afterwards."""
    return [line for line in uc.take_left(SOLD) if isinstance(line, Sold)]


def ask_beliefs(platform: str, offers: Sequence[int]) -> Answer[Belief] | None:
    """What ``take_in`` needs to know of locked offers that were sold, sent now; None on platforms whose figures no sale moves."""
    moved = manifest_of(platform).quirks.own_sale_lowers is not Lowers.NEVER
    return belief_queries.ask_beliefs(offers) if moved and offers else None


def take_in(uc: UseCase, offers: Mapping[str, Ints], sold: Sequence[Sold], beliefs: Answer[Belief] | None = None) -> Flags:
    """Bring the columns ``open``, ``unacknowledged`` and ``believed`` of locked offers (sorted by id) up to date; which rows changed.

    ``beliefs``: if the caller has asked for those of all sold offers already. An offer that belongs to another unit by now is not among the
    locked ones: it is written at once.
    """
    row_of = dict(zip(offers["id"].tolist(), range(len(offers["id"])), strict=True))
    here = [line for line in sold if line.offer_id in row_of]
    _write_others(uc, [line for line in sold if line.offer_id not in row_of])
    touched = np.zeros(len(row_of), dtype=bool)
    rows = np.array([row_of[line.offer_id] for line in here], dtype=np.int64)
    touched[rows] = True
    _keep_open(uc, here)
    np.add.at(offers["open"], rows, [line.open for line in here])
    np.add.at(offers["unacknowledged"], rows, [line.unacknowledged for line in here])
    for offer, value in _beliefs(here, beliefs).items():
        offers["believed"][row_of[offer]] = NOT_SET if value is None else value
    return touched


def gross_platforms() -> list[str]:
    """Platforms whose figures contain units that are sold and still open: what is open there is part of what an offer should show."""
    return [platform for platform in sorted(ADAPTERS) if is_gross(platform)]


def is_gross(platform: str) -> bool:
    return manifest_of(platform).quirks.basis is not Basis.NET


def _keep_open(uc: UseCase, lines: Sequence[Sold]) -> None:
    gross = {platform for platform in {line.platform for line in lines} if is_gross(platform)}
    sold = [(line.offer_id, line.open, line.unacknowledged) for line in lines if line.platform in gross]
    events = [event for event in sold if event[1] or event[2]]
    if events:
        with hot_cursor() as cursor:
            queries.insert_open_events(cursor, uc.organisation_id, uc.at, events)


def _beliefs(lines: Sequence[Sold], asked: Answer[Belief] | None) -> dict[int, int | None]:
    """What is believed of offers whose channel changed its own figure; their open tickets are overtaken (see ``delivery.own_sales``)."""
    moves: dict[int, list[tuple[OwnSale, int]]] = {}
    doubtful: dict[int, list[OwnSale]] = {}
    quirks = {platform: manifest_of(platform).quirks for platform in {line.platform for line in lines}}
    for line in lines:
        for sale in line.sales:
            if delivery.unforeseeable(sale, quirks[line.platform]):
                doubtful.setdefault(line.offer_id, []).append(sale)
            elif delta := delivery.effect(sale, quirks[line.platform]):
                moves.setdefault(line.offer_id, []).append((sale, delta))
    delivery.foretell([sale for sales in doubtful.values() for sale in sales])
    if not moves:
        return dict.fromkeys(doubtful)
    beliefs = [belief for belief in (asked or belief_queries.ask_beliefs(sorted(moves)))() if belief.offer_id in moves]
    in_ticket = [belief.offer_id for belief in beliefs if belief.in_ticket]
    if in_ticket:
        with connection.cursor() as cursor:
            belief_queries.write_beliefs(cursor, [], in_ticket)
    after = [(belief, delivery.believe(belief, moves[belief.offer_id])) for belief in beliefs]
    delivery.explain(after, moves)
    return {belief.offer_id: value for belief, value in after} | dict.fromkeys(doubtful)


def _write_others(uc: UseCase, lines: Sequence[Sold]) -> None:
    for line in lines:
        with connection.cursor() as cursor:
            queries.change_open(cursor, {line.offer_id: (line.open, line.unacknowledged)}, uc.at, gross_platforms())
        delivery.own_sales(uc, line.platform, line.sales)
