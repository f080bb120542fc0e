"""What we send, what the channel said, and what we believe it shows.

The life of one send: ``pick`` chooses offers and writes down, in a transaction of its own, what is about to go out; the caller makes the
call; ``record`` (or ``give_back``, or ``leave_unknown``) writes what came of it. While a direct call is under way belief is NULL, so
a worker that dies leaves an offer that is read before anything is sent again. In a ticket the old belief stands until the ticket resolves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from stallkeeper.channels import belief_queries, guard, guard_queries, sendable
from stallkeeper.channels import delivery_queries as queries
from stallkeeper.channels.belief_queries import Belief
from stallkeeper.channels.delivery_queries import Figures, Standing, Value, Waiting
from stallkeeper.channels.models import Channel, TodoKind
from stallkeeper.channels.sendable import View, in_the_dark, needs_nothing, value_to_send, zero
from stallkeeper.core import audit, crash
from stallkeeper.core.sql import Cursor, hot_cursor, pipelined
from stallkeeper.core.use_case import UseCase
from stallkit.manifest import Basis, Quirks
from stallkit.manifest import OwnSale as Lowers
from stallkit.registry import manifest_of
from stallkit.types import Accepted, Differs, NotNow, OfferRef, Outcome, Pending, Rejected

FIGURES: dict[str, Figures] = {TodoKind.QUANTITY: queries.QUANTITY, TodoKind.PRICE: queries.PRICE}
AMBIGUOUS = timedelta(seconds=5)
"""Two clocks, and platforms that cut their times to the second: nearer than this nobody can say what came first."""
STUCK = timedelta(hours=1)
"""A ticket that is open for longer no longer keeps its offers from being sent another way."""
WINDOW = 500
"""Offers that are looked at for one call beyond those that it can carry, if all of those must wait."""


class Item(NamedTuple):
    """One value on its way. ``was``: what held when it was chosen, and holds again if the call does not happen."""

    offer_id: int
    ref: OfferRef
    value: Value
    was: Waiting
    guarded: bool = False
    """It is of a unit whose channels share (``guard``)."""

    @property
    def origin(self) -> queries.Origin:
        return self.was.since, self.was.believed


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call carries. ``ticket_id`` is set for the bulk path."""

    kind: str
    channel_id: int
    items: tuple[Item, ...]
    sent_at: datetime
    ticket_id: int | None = None

    @property
    def ids(self) -> list[int]:
        return [item.offer_id for item in self.items]


Decide = Callable[[Waiting, View], Value | None]
Chosen = tuple[Waiting, Value]
"""An offer, and what goes out for it."""


def standing(kind: str, channel_id: int) -> Standing:
    """How a kind stands on a channel at this moment."""
    with hot_cursor() as cursor:
        return queries.standing(cursor, FIGURES[kind], channel_id)


def pick(
    uc: UseCase,
    kind: str,
    channel_id: int,
    most: int,
    view: View,
    *,
    now: Standing | None = None,
    stops: Callable[[Sequence[Chosen]], bool] | None = None,
    dangerous_only: bool = False,
    bulk: bool = False,
) -> Batch | None:
    """Choose up to ``most`` offers and write down that they are being sent; None if nothing is to be sent now.

    Locks the offers and decides by what they say under the lock: what goes out is the newest intention. Offers that need nothing, or whose
    channel was switched off meanwhile, leave the todo list. ``now``: the channel's standing, if the caller has asked for it already.
    ``stops``: asked once for what was chosen; True makes the view a stopped one.
    """
    figures = FIGURES[kind]
    now = now or standing(kind, channel_id)
    chosen: list[Chosen] = []
    for window in (most, most + WINDOW):
        only = dangerous_only or view.blind or view.stopped or view.cuts_only
        waiting = _look(uc, figures, channel_id, window, view, now, dangerous_only=only)
        crash.point("within:delivery:picked")
        chosen, left = _decide(waiting, view, value_to_send) if now.live else ([], waiting)
        if chosen and stops is not None and stops(chosen):
            view, stops = replace(view, stopped=True), None
            chosen, left = _decide(waiting, view, value_to_send)
        _strike(uc, figures, [row.offer_id for row in left if not now.live or needs_nothing(row)])
        chosen, guarded = _pass_guard(uc, sorted(chosen, key=_urgency), now, view, window if len(waiting) == window else 0)
        if chosen or len(waiting) < window:
            break
    return _send(uc, figures, channel_id, chosen[:most], bulk=bulk, guarded=guarded, compares=view.compares and not bulk)


def _pass_guard(uc: UseCase, chosen: list[Chosen], now: Standing, view: View, full: int) -> tuple[list[Chosen], frozenset[int]]:
    """What may go out in guarded mode, and which of it is guarded. ``full``: so many were looked at, and there are more of them; then those
    that must wait go to the end of the line."""
    if not (now.guards and chosen):
        return chosen, frozenset()
    passed = guard.hold_back(uc, chosen)
    dark = {row.offer_id for row, value in passed.chosen if view.blind and row.offer_id in passed.guarded and in_the_dark(row, value)}
    held = [*passed.held, *sorted(dark)]
    if held and full:
        with hot_cursor() as cursor:
            queries.line_up_again(cursor, held)
    return [one for one in passed.chosen if one[0].offer_id not in dark], passed.guarded


def _look(uc: UseCase, figures: Figures, channel_id: int, window: int, view: View, now: Standing, *, dangerous_only: bool) -> list[Waiting]:
    with hot_cursor() as cursor:
        return queries.take(
            cursor,
            figures,
            channel_id,
            window,
            in_tickets=now.in_tickets,
            dangerous_only=dangerous_only,
            above_zero=view.stopped,
            can_read=view.can_read,
            stuck_before=uc.at - STUCK,
            quiet_before=view.quiet_before,
            read_since=view.read_since,
        )


def _decide(rows: Sequence[Waiting], view: View, decide: Decide) -> tuple[list[Chosen], list[Waiting]]:
    """What goes out, and the rest."""
    chosen: list[Chosen] = []
    left: list[Waiting] = []
    for row in rows:
        value = decide(row, view)
        if value is None:
            left.append(row)
        else:
            chosen.append((row, value))
    return chosen, left


def _strike(uc: UseCase, figures: Figures, offers: Sequence[int]) -> None:
    """Offers that are listed for nothing leave the todo list."""
    if offers:
        with hot_cursor() as cursor:
            queries.settle(cursor, figures, offers, uc.at)


def _urgency(chosen: Chosen) -> tuple[int, int]:
    return -chosen[0].danger, chosen[0].version


def pick_scarce(uc: UseCase, channel_id: int, most: int, view: View) -> Batch | None:
    """Blind for too long: choose offers of which ``SCARCE`` or fewer are left, to show none of them; None if there are none."""
    with connection.cursor() as cursor:
        ids = sorted(queries.scarce(cursor, channel_id, sendable.SCARCE, most))
        queries.lock(cursor, queries.QUANTITY, ids)
        rows = queries.gather_scarce(cursor, ids)
    batch = _send(uc, queries.QUANTITY, channel_id, _decide(rows, view, zero)[0], bulk=False)
    if batch is not None:
        with connection.cursor() as cursor:  # what was as it should be was not listed; if the answer never comes, it must be read
            queries.settle(cursor, queries.QUANTITY, sorted(batch.ids), uc.at)
    return batch


def _send(
    uc: UseCase,
    figures: Figures,
    channel_id: int,
    chosen: Sequence[Chosen],
    *,
    bulk: bool,
    guarded: frozenset[int] = frozenset(),
    compares: bool = False,
) -> Batch | None:
    if not chosen:
        return None
    if guarded and not compares:
        _open_windows(uc, [(row, value) for row, value in chosen if row.offer_id in guarded])
    with hot_cursor() as cursor, pipelined():
        queries.mark_sent(cursor, figures, [row.offer_id for row, _ in chosen], [value for _, value in chosen], uc.at, forget=not bulk)
        overtaking = [row.offer_id for row, _ in chosen if row.in_ticket is not None]
        if overtaking:
            queries.overtake(cursor, figures, overtaking)
        # The server works meanwhile.
        items = tuple(
            [Item(row.offer_id, OfferRef(row.sku, row.external_id), value, row, row.offer_id in guarded) for row, value in chosen]
        )
    return Batch(figures.kind, channel_id, items, uc.at)


def _open_windows(uc: UseCase, sent: Sequence[Chosen]) -> None:
    if sent:
        written = [(row.offer_id, int(value), None if row.believed is None else int(row.believed)) for row, value in sent]
        with connection.cursor() as cursor:
            guard_queries.open_windows(cursor, uc.organisation_id, uc.at, written)


def send_again(uc: UseCase, batch: Batch, *, bulk: bool, compares: bool = False) -> Batch:
    """Write down once more that these items, which were given back, are being sent: part of a call that was refused as a whole.

    Raises of guarded units for which others have taken the room meanwhile are left out: they are listed still.
    """
    figures = FIGURES[batch.kind]
    with connection.cursor() as cursor:
        queries.lock(cursor, figures, sorted(batch.ids))
        items = batch.items
        if any(item.guarded for item in items):
            passed = dict.fromkeys((row.offer_id, value) for row, value in guard.hold_back(uc, [(i.was, i.value) for i in items]).chosen)
            items = tuple(item for item in items if (item.offer_id, item.value) in passed)
            if not compares:
                _open_windows(uc, [(item.was, item.value) for item in items if item.guarded])
        if items:
            queries.mark_sent(cursor, figures, [i.offer_id for i in items], [i.value for i in items], uc.at, forget=not bulk)
    return replace(batch, items=items, sent_at=uc.at)


def as_decimal(value: Value) -> Decimal:
    """A price as it is; quantities are whole."""
    return value if isinstance(value, Decimal) else Decimal(value)


# --- what came of it ----------------------------------------------------------------------------------------------------------------------


def record(uc: UseCase, batch: Batch, outcomes: Mapping[OfferRef, Outcome], run_id: int = 0) -> int:
    """Write the channel's answer for every item of a direct call; returns how many were refused.

    An item without an answer is unknown (it is read before anything else is sent). Refusals stay visible on the offer.
    """
    figures = FIGURES[batch.kind]
    answers = [(item, outcomes.get(item.ref)) for item in batch.items]
    accepted = [item for item, answer in answers if isinstance(answer, Accepted)]
    others = [(item, answer) for item, answer in answers if not isinstance(answer, Accepted)]
    refused = [_refusal(item, answer) for item, answer in others if isinstance(answer, Rejected)]
    postponed = [item for item, answer in others if isinstance(answer, NotNow)]
    seen = [(item, answer.quantity) for item, answer in others if isinstance(answer, Differs)]
    with hot_cursor() as cursor, pipelined():
        open_ = [item.offer_id for item, _ in others]
        if others:
            queries.lock(cursor, figures, sorted(batch.ids))
        crash.point("within:delivery:recording")
        if accepted:
            accepted.sort()
            offers, values = [item.offer_id for item in accepted], [item.value for item in accepted]
            open_ += queries.conclude(
                cursor,
                figures,
                uc.organisation_id,
                offers,
                values,
                uc.at,
                run_id,
                sent_at=batch.sent_at,
                origins=[item.origin for item in accepted],
            )
        if refused:
            queries.refuse(cursor, figures, refused, uc.at)
        if postponed:
            _believe_again(cursor, figures, postponed, batch.sent_at)
        if seen:  # nothing has changed there: it is a read, of what we took to be another figure
            _believe_again(cursor, figures, [item for item, _ in seen], batch.sent_at)
            told = [(item.offer_id, shown, None, item.was.believed, batch.sent_at) for item, shown in seen]
            belief_queries.write_reads(cursor, figures, told, uc.at)
        if others:
            log = [log_row(item, answer) for item, answer in others]
            origins = [item.origin for item, _ in others]
            queries.log_sent(cursor, uc.organisation_id, batch.kind, uc.at, run_id, log, sent_at=batch.sent_at, origins=origins)
        if open_:
            queries.settle(cursor, figures, sorted(open_), uc.at)
    guard.share_anew(uc, [item.offer_id for item, answer in others if item.guarded and isinstance(answer, Rejected)])
    answered(uc, [item.offer_id for item in batch.items if item.guarded], batch.sent_at)
    return len(refused)


def answered(uc: UseCase, guarded: Sequence[int], sent_at: datetime) -> None:
    """Figures of guarded units that were sent then have been answered: their windows end, and who waits for the room is woken."""
    if guarded:
        with connection.cursor() as cursor:
            guard_queries.close_windows(cursor, guarded, sent_at, uc.at)
            uc.mark("wake_connection", guard_queries.waiting_connections(cursor, guarded))


def _believe_again(cursor: Cursor, figures: Figures, items: Sequence[Item], sent_at: datetime) -> None:
    """The channel did nothing with these items: what we believed before the call holds again, and that we sent them stays true."""
    believed, sent = [item.was.believed for item in items], [item.value for item in items]
    queries.restore(cursor, figures, [item.offer_id for item in items], believed, sent, [sent_at] * len(items))


def refuse_all(uc: UseCase, batch: Batch, code: str, message: str, run_id: int = 0) -> int:
    """The channel refused the call as a whole, one item that it carried alone included."""
    return record(uc, batch, {item.ref: Rejected(code, message) for item in batch.items}, run_id)


def give_back(uc: UseCase, batch: Batch) -> None:
    """The call did not happen, or had no effect: everything is as it was, and the offers are still to be sent."""
    figures = FIGURES[batch.kind]
    with connection.cursor() as cursor:
        queries.lock(cursor, figures, sorted(batch.ids))
        queries.restore(
            cursor,
            figures,
            batch.ids,
            [item.was.believed for item in batch.items],
            [item.was.sent for item in batch.items],
            [item.was.sent_at for item in batch.items],
        )
        queries.settle(cursor, figures, sorted(batch.ids), uc.at)
        if any(item.guarded for item in batch.items):
            guard_queries.drop_windows(cursor, batch.ids, batch.sent_at)


def leave_unknown(uc: UseCase, batch: Batch, why: str, run_id: int = 0) -> None:
    """Nobody knows whether the call took effect: belief stays NULL, so each offer is read before it is sent again."""
    figures = FIGURES[batch.kind]
    with connection.cursor() as cursor:
        queries.lock(cursor, figures, sorted(batch.ids))
        queries.forget(cursor, figures, batch.ids)
        queries.settle(cursor, figures, sorted(batch.ids), uc.at)
        log = [(item.offer_id, item.value, "unknown", why[:300]) for item in batch.items]
        origins = [item.origin for item in batch.items]
        queries.log_sent(cursor, uc.organisation_id, batch.kind, uc.at, run_id, log, sent_at=batch.sent_at, origins=origins)


def _refusal(item: Item, answer: Rejected) -> queries.RefusalRow:
    return item.offer_id, item.value, item.was.believed, answer.code[:100], answer.message[:500]


def log_row(item: Item, answer: Outcome | None) -> queries.LogRow:
    """A row of the sent log for an answer."""
    match answer:
        case Accepted():
            return item.offer_id, item.value, "accepted", ""
        case Pending(ticket):
            return item.offer_id, item.value, "pending", ticket[:300]
        case Rejected(code, message):
            return item.offer_id, item.value, "rejected", f"{code}: {message}"[:300]
        case NotNow(_, message):
            return item.offer_id, item.value, "postponed", message[:300]
        case Differs(quantity):
            return item.offer_id, item.value, "differs", f"the channel shows {quantity}"
        case None:
            return item.offer_id, item.value, "unknown", "no answer for this item"


# --- own sales ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnSale:
    """``quantity`` sold units of an offer whose order reached a point of its story: event "order", "acknowledge", "ship", "cancel",
    "taken_back" for units that have not left after all by the channel's word, or "cancel_unacknowledged" for units that were cancelled
    before the channel heard that we have the order.

    ``at`` is when that happened on the channel; some time between ``since`` and then, where nobody can tell. ``ours``: our own call did it,
    so ``at`` is our clock and comparing is exact.
    """

    offer_id: int
    quantity: int
    at: datetime
    event: str
    ours: bool = False
    since: datetime | None = None


Move = tuple[OwnSale, int]
"""What happened, and by how much the channel changed its figure."""
LOWERED_BY = {Lowers.AT_ORDER: "order", Lowers.AT_ACKNOWLEDGE: "acknowledge", Lowers.AT_SHIP: "ship", Lowers.NEVER: ""}


def own_sales(uc: UseCase, platform: str, sales: Sequence[OwnSale]) -> None:
    """The channel lowers (or raises) its own figure when it sells: let belief follow, by the manifest's word. Call it before ``refresh``.

    A sale from before our last write, or too near to it to tell, makes belief NULL: read, then send. Locks the offers by id.
    """
    quirks = manifest_of(platform).quirks
    doubt(uc, sorted({sale.offer_id for sale in sales if unforeseeable(sale, quirks)}))
    foretell([sale for sale in sales if unforeseeable(sale, quirks)])
    moves: dict[int, list[Move]] = {}
    for sale in sales:
        if delta := effect(sale, quirks):
            moves.setdefault(sale.offer_id, []).append((sale, delta))
    if not moves:
        return
    with connection.cursor() as cursor:
        beliefs = belief_queries.lock_beliefs(cursor, sorted(moves))
        after = [(belief, believe(belief, moves[belief.offer_id])) for belief in beliefs]
        explain(after, moves)
        changed = [(belief.offer_id, value) for belief, value in after if value != belief.believed]
        in_ticket = [belief.offer_id for belief, _ in after if belief.in_ticket]
        if changed or in_ticket:
            belief_queries.write_beliefs(cursor, changed, in_ticket)
            queries.settle(cursor, queries.QUANTITY, [offer for offer, _ in changed], uc.at)


def doubt(uc: UseCase, offer_ids: Sequence[int]) -> None:
    """The channel changed its figures by itself in a way that cannot be worked out: belief is NULL, so they are read before we send.

    A value that is on its way in a ticket may have landed before that: it is read as well, once the ticket has ended.
    """
    if not offer_ids:
        return
    with connection.cursor() as cursor:
        beliefs = belief_queries.lock_beliefs(cursor, sorted(offer_ids))
        in_ticket = [belief.offer_id for belief in beliefs if belief.in_ticket]
        belief_queries.write_beliefs(cursor, [(offer, None) for offer in sorted(offer_ids)], in_ticket)
        queries.settle(cursor, queries.QUANTITY, sorted(offer_ids), uc.at)


def unforeseeable(sale: OwnSale, quirks: Quirks) -> bool:
    """Whether nobody can tell what the event did to the channel's figure: a shipment that the channel takes back; or gross, and
    the platform does not say if shipping lowers it."""
    gross = quirks.own_sale_lowers is Lowers.NEVER and quirks.basis is Basis.GROSS_UNTIL_SHIPPED
    return sale.event == "taken_back" or (sale.event == "ship" and gross)


def effect(sale: OwnSale, quirks: Quirks) -> int:
    """By how much the channel changed its own figure for this event; 0 if it does nothing then."""
    if sale.event == "cancel":
        return sale.quantity if quirks.cancel_raises else 0
    if sale.event == "cancel_unacknowledged":
        return sale.quantity if quirks.cancel_raises and quirks.own_sale_lowers is Lowers.AT_ORDER else 0
    return -sale.quantity if LOWERED_BY[quirks.own_sale_lowers] == sale.event else 0


def explain(after: Sequence[tuple[Belief, int | None]], moves: Mapping[int, Sequence[Move]]) -> None:
    """Orders tell where units have gone that were missing, or will be at the next read. The offers are locked."""
    found = [(belief.offer_id, unplaced(belief, value, moves[belief.offer_id]), value is None) for belief, value in after]
    wanted = [row for row, (belief, _) in zip(found, after, strict=True) if row[1] and (row[2] or belief.missing > 0)]
    if wanted:
        with connection.cursor() as cursor:
            guard_queries.explain_by_orders(cursor, wanted)


def foretell(doubtful: Sequence[OwnSale]) -> None:
    """What has been shipped may be gone from the figure at the next read: that is no sale that nobody knows of. The offers are locked."""
    shipped: dict[int, int] = {}
    for sale in doubtful:
        if sale.event == "ship":
            shipped[sale.offer_id] = shipped.get(sale.offer_id, 0) + sale.quantity
    if shipped:
        with connection.cursor() as cursor:
            guard_queries.explain_by_orders(cursor, [(offer, units, True) for offer, units in sorted(shipped.items())])


def unplaced(belief: Belief, after: int | None, moves: Sequence[Move]) -> int:
    """Sold units (less those given back) by which belief was not lowered: a read has shown them gone already, or the next one will.

    What was sold before our last write was written over: no read shows that. Pure.
    """
    if after is None or belief.believed is None:
        return -sum(delta for sale, delta in moves if belief.written_at is None or sale.at > belief.written_at)
    gone = 0
    for sale, delta in moves:
        if delta < 0 and _order(belief, sale.since or sale.at, sale.at, timedelta(0) if sale.ours else AMBIGUOUS) == 0:
            gone -= delta
    return gone


def believe(belief: Belief, moves: Sequence[Move]) -> int | None:
    """Belief after the channel's own changes, each with its delta; None if it can no longer be told. Pure."""
    if belief.believed is None or belief.in_ticket:
        return None
    value = belief.believed
    for sale, delta in sorted(moves, key=lambda move: (move[0].at, move[0].offer_id, move[1])):
        margin = timedelta(0) if sale.ours else AMBIGUOUS
        place = _order(belief, sale.since or sale.at, sale.at, margin)
        if place is None:
            return None
        value += delta * place
    return value if value >= 0 else None


def _order(belief: Belief, since: datetime, at: datetime, margin: timedelta) -> int | None:
    """1: it came after all that belief rests on, so it counts. 0: the read that belief rests on includes it. None: who knows."""
    rests_on = [moment for moment in (belief.written_at, belief.read_at) if moment is not None]
    if all(since > moment + margin for moment in rests_on):
        return 1
    read_last = belief.read_told and belief.read_at is not None and (belief.written_at is None or belief.read_at > belief.written_at)
    if read_last and belief.read_at is not None and at < belief.read_at - margin:
        return 0
    return None


# --- asking again -------------------------------------------------------------------------------------------------------------------------


def resync(uc: UseCase, channel_id: int | None = None) -> int:
    """Trust nothing (S4.42): every belief of the channel's offers (or of all channels) is unknown, refusals are forgotten; offers are
    read, then sent where they differ. Answers of tickets that are still open no longer count. Returns how many offers that are."""
    channels = Channel.objects.filter(organisation_id=uc.organisation_id, active=True).order_by("pk")
    chosen = channels.filter(pk=channel_id) if channel_id is not None else channels
    count = sum(distrust(uc, channel) for channel in chosen)
    audit.record(uc, "offers.resync", "channel", channel_id or "", offers=count)
    return count


def distrust(uc: UseCase, channel: Channel) -> int:
    """Every belief of the channel's offers is unknown, what open tickets carry included. Returns how many offers that are."""
    count = 0
    with connection.cursor() as cursor:
        for figures in FIGURES.values():
            offers = queries.forget_channel(cursor, figures, channel.pk)
            queries.overtake(cursor, figures, offers)
            queries.settle(cursor, figures, offers, uc.at)
            count += len(offers) if figures is queries.QUANTITY else 0
            if figures is queries.QUANTITY:
                guard.share_anew(uc, offers)
    uc.mark("wake_connection", [channel.connection_id])
    return count


def try_again(uc: UseCase, kind: str, offer_ids: Sequence[int]) -> None:
    """A person asks for refused offers to be sent again."""
    figures = FIGURES[kind]
    with connection.cursor() as cursor:
        queries.lock(cursor, figures, sorted(offer_ids))
        again = queries.clear_refusals(cursor, figures, offer_ids)
        queries.settle(cursor, figures, sorted(offer_ids), uc.at)
    if figures is queries.QUANTITY:
        guard.share_anew(uc, again)
    audit.record(uc, "offers.send_again", "offer", offer_ids[0] if len(offer_ids) == 1 else "", offers=len(offer_ids), figures=kind)
    uc.mark("wake_connection", Channel.objects.filter(offers__in=offer_ids).values_list("connection_id", flat=True).distinct())
