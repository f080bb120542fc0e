"""Bulk submissions: a ticket now, results per item later. A yes counts only when the ticket resolves.

The ticket row is written before the call, without a name: if the call's outcome is unknown, the channel is asked for its newest
submission; if there is none, the items are unknown, are read, and are sent again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection

from stallkeeper.channels import delivery, delivery_queries, guard, guard_queries, tickets_queries
from stallkeeper.channels.delivery import FIGURES, Batch, Item
from stallkeeper.channels.delivery_queries import Figures, LogRow, RefusalRow, Value
from stallkeeper.channels.models import Ticket, TodoKind
from stallkeeper.channels.tickets_queries import OpenItem
from stallkeeper.core.sql import Cursor, hot_cursor, pipelined
from stallkeeper.core.use_case import UseCase
from stallkit.types import Accepted, OfferRef, Outcome, Pending, Rejected, TicketResult

FIRST_LOOK = timedelta(seconds=10)
GROWTH = 1.5
LONGEST_WAIT = timedelta(minutes=2)
LOST_AFTER = 4
"""Looks in vain in a row for a submission, before we take it that the channel never got it, or will never tell."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a look at a ticket brought: items decided, of which refused; whether the ticket is closed."""

    decided: int
    refused: int
    closed: bool


def wait(looks: int, limits_scale: float = 1.0) -> timedelta:
    """Time until the next look: 10 s, growing by half each time, at most two minutes; ``limits_scale`` shortens it for test systems."""
    return min(FIRST_LOOK * GROWTH ** min(looks, 20), LONGEST_WAIT) * limits_scale


def open_(uc: UseCase, connection_id: int, batch: Batch) -> Batch:
    """Write down a submission that is about to be made; the batch with its ticket."""
    ticket = _insert(uc, connection_id, batch.kind, "", batch.sent_at)
    _fill(uc, ticket, batch.items)
    return replace(batch, ticket_id=ticket.pk)


def answer(
    uc: UseCase, connection_id: int, batch: Batch, outcomes: Mapping[OfferRef, Outcome], run_id: int = 0, limits_scale: float = 1.0
) -> int:
    """The channel's reply to a submission, item by item; returns how many were refused at once.

    Pending items wait in the ticket of that name; an item without an answer is unknown.
    """
    pending: dict[str, list[Item]] = {}
    rest: list[Item] = []
    for item in batch.items:
        outcome = outcomes.get(item.ref)
        (pending.setdefault(outcome.ticket, []) if isinstance(outcome, Pending) else rest).append(item)
    figures = FIGURES[batch.kind]
    first = _ticket_of(uc, connection_id, batch)
    for position, (name, items) in enumerate(sorted(pending.items())):
        ticket = _name(first, name) if position == 0 else _split(uc, connection_id, first, name, items)
        with hot_cursor() as cursor:
            waiting = [(item.offer_id, item.value, "pending", name[:300]) for item in items]
            origins = [item.origin for item in items]
            delivery_queries.log_sent(
                cursor, uc.organisation_id, batch.kind, uc.at, run_id, waiting, sent_at=batch.sent_at, origins=origins
            )
        _count_look(ticket, uc.at, looked=False, limits_scale=limits_scale)
    decided = [(_as_open(item), outcomes.get(item.ref)) for item in rest]
    refused = _decide(uc, figures, first, decided, run_id)
    delivery.answered(uc, [item.offer_id for item in rest if item.guarded], batch.sent_at)
    if not pending:
        _close(first, uc.at, "done")
    return refused


def cancel(batch: Batch) -> None:
    """The submission was not made: as if it had never been thought of. The caller gives the batch back as well."""
    if batch.ticket_id is not None:
        Ticket.objects.filter(pk=batch.ticket_id).delete()


def named(uc: UseCase, ticket: Ticket, name: str) -> None:
    """The channel has the submission after all, under this name."""
    _name(ticket, name)
    _count_look(ticket, uc.at, looked=False)


def known_name(connection_id: int, name: str) -> bool:
    """Whether a ticket of this name is one of ours already."""
    return Ticket.objects.filter(connection_id=connection_id, ticket=name).exists()


def not_found(uc: UseCase, ticket: Ticket, limits_scale: float = 1.0) -> bool:
    """The channel knows of no such submission (yet), or does not tell. After LOST_AFTER looks in a row its items are unknown; True if that
    is so now."""
    if ticket.in_vain + 1 < LOST_AFTER:
        _count_look(ticket, uc.at, limits_scale=limits_scale, in_vain=True)
        return False
    with connection.cursor() as cursor:
        items = _lock_items(cursor, ticket)
    _decide(uc, FIGURES[ticket.kind], ticket, [(item, None) for item in items], 0)
    _close(ticket, uc.at, "lost")
    return True


def resolve(uc: UseCase, ticket: Ticket, result: TicketResult, run_id: int = 0, limits_scale: float = 1.0) -> Resolved:
    """What became of a ticket. Items that a single call overtook are unknown now, whatever the answer; so are those without one, and those
    of which a read has shown something else since: nobody can tell which came last."""
    by_sku = {ref.sku: outcome for ref, outcome in result.outcomes.items()}
    with hot_cursor() as cursor:
        items = _lock_items(cursor, ticket)
    answers = [(item, result.outcomes.get(OfferRef(item.sku, item.external_id), by_sku.get(item.sku))) for item in items]
    decided = [(item, outcome) for item, outcome in answers if result.done or isinstance(outcome, Accepted | Rejected)]
    refused = _decide(uc, FIGURES[ticket.kind], ticket, decided, run_id)
    _answered(uc, ticket, [item for item, _ in decided])
    closed = result.done or len(decided) == len(items)
    if closed:
        _close(ticket, uc.at, "done")
    else:
        _count_look(ticket, uc.at, limits_scale=limits_scale)
    return Resolved(len(decided), refused, closed)


def _answered(uc: UseCase, ticket: Ticket, decided: Sequence[OpenItem]) -> None:
    """Those of guarded units make room for others."""
    if ticket.kind == TodoKind.QUANTITY and decided:
        with connection.cursor() as cursor:
            guarded = guard_queries.guarded_offers(cursor, [item.offer_id for item in decided])
        delivery.answered(uc, guarded, ticket.opened_at)


def _lock_items(cursor: Cursor, ticket: Ticket) -> list[OpenItem]:
    """The undecided items, as they stand once their offers are locked: no read comes in between."""
    figures = FIGURES[ticket.kind]
    offers = [item.offer_id for item in tickets_queries.open_items(cursor, figures, ticket.pk)]
    delivery_queries.lock(cursor, figures, offers)
    return tickets_queries.open_items(cursor, figures, ticket.pk)


def due(connection_id: int, at: datetime) -> list[Ticket]:
    """Open tickets to look at now."""
    with connection.cursor() as cursor:
        ids = tickets_queries.due(cursor, connection_id, at)
    found = Ticket.objects.in_bulk(ids)
    return [found[ticket] for ticket in ids]


def next_look(connection_id: int) -> datetime | None:
    """When the next ticket is due; None if none is open."""
    with connection.cursor() as cursor:
        return tickets_queries.next_look(cursor, connection_id)


def _decide(uc: UseCase, figures: Figures, ticket: Ticket, decided: Sequence[tuple[OpenItem, Outcome | None]], run_id: int) -> int:
    """Write the answers of some items. Returns how many were refused."""
    if not decided:
        return 0
    accepted = [item for item, outcome in decided if isinstance(outcome, Accepted) and not (item.overtaken or item.read_since)]
    others = [(item, outcome) for item, outcome in decided if item.overtaken or item.read_since or not isinstance(outcome, Accepted)]
    refusals = [_refusal(item, outcome) for item, outcome in others if isinstance(outcome, Rejected) and not item.overtaken]
    offers = sorted(item.offer_id for item, _ in decided)
    with hot_cursor() as cursor, pipelined():
        if others:
            delivery_queries.lock(cursor, figures, offers)
        open_ = [item.offer_id for item, _ in others]
        if accepted:
            open_ += _conclude(cursor, uc, figures, ticket, sorted(accepted), run_id)
        if others:
            log = [_log(item, outcome) for item, outcome in others]
            _doubt(cursor, uc, figures, others)
            delivery_queries.log_sent(cursor, uc.organisation_id, figures.kind, uc.at, run_id, log, sent_at=ticket.opened_at)
        if refusals:
            delivery_queries.refuse(cursor, figures, refusals, uc.at)
        tickets_queries.resolve_items(cursor, ticket.pk, offers)
        if open_:
            delivery_queries.settle(cursor, figures, sorted(open_), uc.at)
    if figures is delivery_queries.QUANTITY:
        guard.share_anew(uc, [offer for offer, *_ in refusals])
    return len(refusals)


def _conclude(cursor: Cursor, uc: UseCase, figures: Figures, ticket: Ticket, items: Sequence[OpenItem], run_id: int) -> list[int]:
    offers, values = [item.offer_id for item in items], [_value(figures, item) for item in items]
    return delivery_queries.conclude(cursor, figures, uc.organisation_id, offers, values, uc.at, run_id, sent_at=ticket.opened_at)


def _doubt(cursor: Cursor, uc: UseCase, figures: Figures, others: Sequence[tuple[OpenItem, Outcome | None]]) -> None:
    """What was overtaken, or has no answer, must be read; a yes that came too late was a yes all the same."""
    late = [item for item, outcome in others if isinstance(outcome, Accepted)]
    if late:
        delivery_queries.accept(cursor, figures, [item.offer_id for item in late], [_value(figures, item) for item in late], uc.at)
    unknown = [item.offer_id for item, outcome in others if item.overtaken or not isinstance(outcome, Rejected)]
    if unknown:
        delivery_queries.forget(cursor, figures, unknown)


def _refusal(item: OpenItem, answer: Rejected) -> RefusalRow:
    return item.offer_id, item.value, None, answer.code[:100], answer.message[:500]


def _log(item: OpenItem, outcome: Outcome | None) -> LogRow:
    match outcome:
        case Accepted():
            return item.offer_id, item.value, "accepted", "overtaken" if item.overtaken else "read since" if item.read_since else ""
        case Rejected(code, message):
            return item.offer_id, item.value, "rejected", f"{code}: {message}"[:300]
        case _:
            return item.offer_id, item.value, "unknown", "the ticket closed without an answer for this item"


def _value(figures: Figures, item: OpenItem) -> Value:
    return int(item.value) if figures.kind == TodoKind.QUANTITY else item.value


def _as_open(item: Item) -> OpenItem:
    return OpenItem(item.offer_id, item.ref.sku, item.ref.external_id, item.value, False)  # type: ignore[arg-type]


def _ticket_of(uc: UseCase, connection_id: int, batch: Batch) -> Ticket:
    """The batch's ticket; a new one where a direct call was answered with a ticket after all."""
    if batch.ticket_id is not None:
        return Ticket.objects.get(pk=batch.ticket_id)
    ticket = _insert(uc, connection_id, batch.kind, "", batch.sent_at)
    _fill(uc, ticket, batch.items)
    return ticket


def _insert(uc: UseCase, connection_id: int, kind: str, name: str, at: datetime) -> Ticket:
    return Ticket.objects.create(
        organisation_id=uc.organisation_id, connection_id=connection_id, kind=kind, ticket=name, opened_at=at, next_look_at=at + FIRST_LOOK
    )


def _fill(uc: UseCase, ticket: Ticket, items: Sequence[Item]) -> None:
    with hot_cursor() as cursor:
        tickets_queries.insert_items(
            cursor,
            uc.organisation_id,
            ticket.pk,
            [item.offer_id for item in items],
            [item.value for item in items],
            [item.was.version for item in items],
        )


def _name(ticket: Ticket, name: str) -> Ticket:
    ticket.ticket, ticket.looks, ticket.in_vain = name, 0, 0
    ticket.save(update_fields=["ticket", "looks", "in_vain"])
    return ticket


def _split(uc: UseCase, connection_id: int, first: Ticket, name: str, items: Sequence[Item]) -> Ticket:
    ticket = _insert(uc, connection_id, first.kind, name, first.opened_at)
    with connection.cursor() as cursor:
        tickets_queries.move_items(cursor, first.pk, ticket.pk, [item.offer_id for item in items])
    return ticket


def _count_look(ticket: Ticket, at: datetime, *, looked: bool = True, limits_scale: float = 1.0, in_vain: bool = False) -> None:
    ticket.looks += int(looked)
    ticket.in_vain = ticket.in_vain + 1 if in_vain else 0
    ticket.next_look_at = at + wait(ticket.looks, limits_scale)
    ticket.save(update_fields=["looks", "in_vain", "next_look_at"])


def _close(ticket: Ticket, at: datetime, outcome: str) -> None:
    ticket.closed_at, ticket.outcome = at, outcome
    ticket.save(update_fields=["closed_at", "outcome"])
