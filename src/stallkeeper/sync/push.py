"""Send what differs: quantities first, then prices. Cuts before everything else; nothing absolute on old orders.

One call at a time: choose and write down (``delivery.pick``), call, write the answer. A step that a budget stops leaves the rest listed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from stallkeeper.channels import breaker, delivery, delivery_queries, lanes_queries, tickets
from stallkeeper.channels.delivery import FIGURES, Batch, Item
from stallkeeper.channels.delivery_queries import count_waiting
from stallkeeper.channels.models import Channel, TodoKind
from stallkeeper.channels.sendable import View
from stallkeeper.core import figures
from stallkeeper.core.sql import hot_cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import shortages
from stallkeeper.sync import orders
from stallkeeper.sync.observe import read_since
from stallkeeper.sync.run import Current, Done, now
from stallkit.errors import AdapterError, NeedsReconnect, OutcomeUnknown, Refused, SlowDown, TryLater, Unintelligible
from stallkit.manifest import Capability
from stallkit.pacing import Priority
from stallkit.types import Accepted, Money, NotNow, OfferRef, Outcome, Pending, PriceIntent, StockIntent

log = logging.getLogger(__name__)

STEP, PRICES, RAISES = "quantities", "prices", "raises"
HEAD = 1_000
"""So many offers at the head of the line are looked at to tell when the next one may be written again."""
BLIND_LIMIT = timedelta(minutes=10)
"""Without fresh orders for so long, scarce units are taken off the channel."""


Call = Callable[[Sequence[Any]], Mapping[OfferRef, Outcome]]


@dataclass(frozen=True, slots=True)
class Ways:
    """How a kind goes out. ``quick`` and ``bulk`` are the adapter's methods, None where it has none."""

    kind: str
    quick: Call | None
    bulk: Call | None
    intent: Callable[[Item, str, datetime], StockIntent | PriceIntent]
    """An item for the platform's warehouse, true as of a moment: all orders until then are in it."""
    urgent: Priority
    usual: Priority


def stock_intent(item: Item, warehouse: str, as_of: datetime) -> StockIntent:
    return StockIntent(item.ref, int(item.value), warehouse, as_of)


def compared_intent(item: Item, warehouse: str, as_of: datetime) -> StockIntent:
    """In guarded mode, where the platform compares: only while it shows what we believe. A sale in between is never written over."""
    intent = stock_intent(item, warehouse, as_of)
    return replace(intent, expected=int(item.was.believed)) if item.guarded and item.was.believed is not None else intent


def price_intent(item: Item, _warehouse: str, _as_of: datetime) -> PriceIntent:
    return PriceIntent(item.ref, Money(delivery.as_decimal(item.value), item.was.currency))


def ways(current: Current, kind: str) -> Ways:
    """What this adapter offers for a kind."""
    adapter, can = current.session.adapter, current.session.can
    if kind == TodoKind.QUANTITY:
        quick = adapter.write_stock if can(Capability.WRITE_STOCK) else None
        bulk = adapter.submit_stock if can(Capability.BULK_STOCK) else None
        intent = compared_intent if can(Capability.COMPARE_AND_SET) else stock_intent
        return Ways(kind, quick, bulk, intent, Priority.CUT, Priority.RAISE)
    quick = adapter.write_prices if can(Capability.WRITE_PRICES) else None
    bulk = adapter.submit_prices if can(Capability.BULK_PRICES) else None
    return Ways(kind, quick, bulk, price_intent, Priority.PRICE, Priority.PRICE)


def push_quantities(current: Current) -> Done:
    """Send the quantities of every channel that may send. Raises for which the budget has nothing left wait until it has; cuts do not."""
    kept = current.place(STEP).cursor
    current.raises_at = datetime.fromisoformat(kept) if kept else None
    return _push(current, TodoKind.QUANTITY, [channel for channel in current.channels if channel.stock_enabled and current.serves("stock")])


def push_prices(current: Current) -> Done:
    """Send prices; old orders do not matter to them."""
    return _push(current, TodoKind.PRICE, [channel for channel in current.channels if channel.prices_enabled and current.serves("prices")])


def _push(current: Current, kind: str, channels: Sequence[Channel]) -> Done:
    way = ways(current, kind)
    if not current.sending or (way.quick is None and way.bulk is None):
        return Done()
    sent = refused = 0
    due = [tickets.next_look(current.connection.pk)] if way.bulk is not None else []
    rests: list[datetime | None] = []
    for channel in channels:
        part = _push_channel(current, way, channel)
        sent, refused, due, rests = sent + part.items, refused + part.errors, [*due, part.again_at], [*rests, part.not_before]
        if current.out_of_time:
            return Done(sent, refused, again_at=now())
    if kind == TodoKind.QUANTITY and _raises_wait(current):
        due.append(current.raises_at)
    again, rest = min(filter(None, due), default=None), max(filter(None, rests), default=None)
    return Done(sent, refused, again_at=again, not_before=rest)


def _push_channel(current: Current, way: Ways, channel: Channel) -> Done:
    sent = refused = 0
    planned, again = False, None
    while not current.out_of_time and (planned or _something_waits(current, way, channel)):
        following = _next(current, way, channel, look(current, way.kind, channel), planned=planned)
        if following is None:
            break
        batch, call = following
        said = send(current, way, batch, call)
        refused, sent, planned = refused + said.refused, sent + (0 if said.kept_back else len(batch.items)), True
        if said.wait and (way.kind == TodoKind.PRICE or _pause(current) is None):
            again = now() + timedelta(seconds=said.wait)
            current.waited(STEP if way.kind == TodoKind.QUANTITY else PRICES, said.wait)
            break
    if way.kind == TodoKind.QUANTITY and shortages.has_open_windows(channel.pk):
        current.commit("close_windows", lambda uc: shortages.close_windows(uc, channel.pk))
    rest = again if way.kind == TodoKind.PRICE else None  # nobody is sold anything because prices come a little later
    return Done(sent, refused, again_at=again or _may_be_written_again(current, way, channel), not_before=rest)


def _raises_wait(current: Current) -> bool:
    return current.raises_at is not None and now() < current.raises_at


def _something_waits(current: Current, way: Ways, channel: Channel) -> bool:
    """The cheap look of an idle run. Being blind for too long is a reason to send although nothing waits."""
    with hot_cursor() as cursor:
        if count_waiting(cursor, FIGURES[way.kind], channel.pk, 1):
            return True
    return way.kind == TodoKind.QUANTITY and orders.pulls(current) and _too_old(current.watermark, channel)


def look(current: Current, kind: str, channel: Channel) -> View:
    """What may be sent at this moment: the age of the orders is taken anew before each call."""
    can_read = current.session.can(Capability.READ_STATES)
    if kind == TodoKind.PRICE:
        return View(None, can_read=can_read)
    pause = _pause(current)
    view = View(
        None,
        can_read=can_read,
        quiet_before=now() - pause if pause else None,
        read_since=read_since(current, channel),
        cuts_only=_raises_wait(current),
        compares=current.session.can(Capability.COMPARE_AND_SET),
    )
    if not orders.pulls(current):
        return view
    watermark = current.watermark
    blind = watermark is None or now() - watermark > current.session.manifest.order_freshness
    return replace(view, watermark=watermark, blind=blind)


def _pause(current: Current) -> timedelta | None:
    """How long the platform wants one figure to stand before it is written again, at the pace of a test system."""
    pause = current.session.manifest.quirks.rewrite_after
    return pause and pause * current.session.limits_scale


def _may_be_written_again(current: Current, way: Ways, channel: Channel) -> datetime | None:
    """When the first of those that wait because they were written a moment ago may be; None where nothing waits for that."""
    pause = _pause(current) if way.kind == TodoKind.QUANTITY else None
    if pause is None:
        return None
    with hot_cursor() as cursor:
        sent = delivery_queries.oldest_send(cursor, FIGURES[way.kind], channel.pk, HEAD)
    return sent + pause if sent is not None and sent + pause > now() else None


def _next(current: Current, way: Ways, channel: Channel, view: View, *, planned: bool) -> tuple[Batch, Call] | None:
    """The next call: cuts by the quick path, then everything else, in bulk where enough of it waits.

    ``planned``: the breaker has judged all that waits, in this step already.
    """
    return current.commit("pick", lambda uc: _choose(uc, current, way, channel, view, planned=planned))


def _choose(uc: UseCase, current: Current, way: Ways, channel: Channel, view: View, *, planned: bool) -> tuple[Batch, Call] | None:
    manifest, standing = current.session.manifest, delivery.standing(way.kind, channel.pk)
    stopped = standing.stopped or (not planned and breaker.check(uc, channel, way.kind, standing))
    view = replace(view, stopped=stopped)
    stops = None if stopped or not planned else partial(breaker.check, uc, channel, way.kind, standing)
    pick = partial(delivery.pick, uc, way.kind, channel.pk, now=standing, stops=stops)
    quick, bulk = way.quick, way.bulk
    if bulk is not None and quick is not None and (batch := pick(manifest.stock_batch, view, dangerous_only=True)):
        return batch, quick
    if bulk is not None and (quick is None or (not view.blind and not view.cuts_only and _many(way, channel, manifest.bulk_from))):
        batch = pick(manifest.bulk_batch, view, bulk=True)
        return (tickets.open_(uc, current.connection.pk, batch), bulk) if batch else None
    if quick is None:
        return None
    batch = pick(manifest.stock_batch, view)
    if batch is None and standing.live and way.kind == TodoKind.QUANTITY and view.blind and _too_old(view.watermark, channel):
        batch = delivery.pick_scarce(uc, channel.pk, manifest.stock_batch, view)
    return (batch, quick) if batch else None


def _many(way: Ways, channel: Channel, enough: int) -> bool:
    with hot_cursor() as cursor:
        return count_waiting(cursor, FIGURES[way.kind], channel.pk, enough) >= enough


def _too_old(watermark: datetime | None, channel: Channel) -> bool:
    """Blind for too long; where orders could never be read, since our figures stand on the channel."""
    since = watermark or channel.first_send_at
    return since is not None and now() - since > BLIND_LIMIT


# --- one call -----------------------------------------------------------------------------------------------------------------------------


class Said(NamedTuple):
    """What came of calls: how many items were refused, and for how many seconds the channel wants to hear of none. ``kept_back``: the call
    was not made, because what is left of the account's budget is for cuts."""

    refused: int = 0
    wait: float = 0.0
    kept_back: bool = False


def send(current: Current, way: Ways, batch: Batch, call: Call) -> Said:
    """Make the call and write what came of it. Raises what stops the step."""
    urgent = any(item.was.danger for item in batch.items)
    _tell_sent(batch)
    try:
        outcomes = current.call(way.urgent if urgent else way.usual, call, _intents(current, way, batch))
    except (TryLater, SlowDown, NeedsReconnect) as error:
        if isinstance(error, SlowDown) and error.status is None and way.kind == TodoKind.QUANTITY and not urgent:
            return _keep_back(current, batch, error.retry_after)
        _give_back(current, batch)
        raise
    except (OutcomeUnknown, Unintelligible) as error:
        _unknown(current, batch, error)
        raise
    except Refused as refusal:
        return _refused(current, way, batch, call, refusal)
    except Exception:
        _unknown(current, batch, OutcomeUnknown("the adapter failed"))
        raise
    refused = current.commit("record_sent", lambda uc: _record(uc, current, batch, outcomes))
    _tell_answer(batch, outcomes)
    _count(current.connection.platform, batch, outcomes, now())
    return Said(refused, max((outcome.retry_after for outcome in outcomes.values() if isinstance(outcome, NotNow)), default=0.0))


def _intents(current: Current, way: Ways, batch: Batch) -> list[StockIntent | PriceIntent]:
    warehouse = next((channel.warehouse for channel in current.channels if channel.pk == batch.channel_id), "")
    as_of = min(current.watermark or batch.sent_at, batch.sent_at)
    intent = stock_intent if way.intent is compared_intent and batch.ticket_id is not None else way.intent
    return [intent(item, warehouse, as_of) for item in batch.items]


def _tell_sent(batch: Batch) -> None:
    cuts = sum(is_cut(item) for item in batch.items)
    items = [f"{item.ref.sku}={item.value}" for item in batch.items]
    log.info("sent", extra={"what": batch.kind, "channel": batch.channel_id, "cuts": cuts, "others": len(items) - cuts, "items": items})


def _tell_answer(batch: Batch, outcomes: Mapping[OfferRef, Outcome]) -> None:
    accepted = sum(isinstance(outcome, Accepted) for outcome in outcomes.values())
    pending = sum(isinstance(outcome, Pending) for outcome in outcomes.values())
    refused = [item.ref.sku for item in batch.items if not isinstance(outcomes.get(item.ref), Accepted | Pending)]
    fields = {"what": batch.kind, "channel": batch.channel_id, "accepted": accepted, "pending": pending, "refused": len(refused)}
    log.info("answered", extra=fields | ({"refused_items": refused} if refused else {}))


def _count(platform: str, batch: Batch, outcomes: Mapping[OfferRef, Outcome], at: datetime) -> None:
    if not figures.on():
        return
    for item in batch.items:
        outcome = outcomes.get(item.ref)
        said = "accepted" if isinstance(outcome, Accepted) else "pending" if isinstance(outcome, Pending) else "refused"
        figures.SENT.add(platform, batch.kind, said)
        if said == "accepted" and item.was.since is not None:
            direction = "cut" if is_cut(item) else "raise"
            figures.PUSH_SECONDS.observe((at - item.was.since).total_seconds(), platform, batch.kind, direction)


def is_cut(item: Item) -> bool:
    """Whether the channel shows, or may show, more than what goes out now."""
    shown = item.was.believed if item.was.believed is not None else item.was.observed
    return shown is None or shown > item.value


def _record(uc: UseCase, current: Current, batch: Batch, outcomes: Mapping[OfferRef, Outcome]) -> int:
    run = current.number()
    if batch.ticket_id is not None or any(isinstance(outcome, Pending) for outcome in outcomes.values()):
        return tickets.answer(uc, current.connection.pk, batch, outcomes, run, current.session.limits_scale)
    return delivery.record(uc, batch, outcomes, run)


def _give_back(current: Current, batch: Batch, raises_at: datetime | None = None) -> None:
    def change(uc: UseCase) -> None:
        delivery.give_back(uc, batch)
        tickets.cancel(batch)
        if raises_at is not None:
            with hot_cursor() as cursor:
                lanes_queries.write_cursor(cursor, uc.organisation_id, current.held.lane_id, STEP, raises_at.isoformat(), None, None)

    current.commit("give_back", change)


def _keep_back(current: Current, batch: Batch, seconds: float) -> Said:
    """What is left of the budget is for cuts: raises wait, in the runs to come as well, and no cut waits with them."""
    current.raises_at = now() + timedelta(seconds=seconds)
    current.waited(RAISES, seconds)
    _give_back(current, batch, current.raises_at)
    return Said(kept_back=True)


def _unknown(current: Current, batch: Batch, error: AdapterError) -> None:
    """A direct call: the offers are read before anything else is sent. A submission: its ticket is looked for."""
    if batch.ticket_id is None:
        current.commit("unknown_outcome", lambda uc: delivery.leave_unknown(uc, batch, error.detail, current.number()))


def _refused(current: Current, way: Ways, batch: Batch, call: Call, refusal: Refused) -> Said:
    """The call as a whole was refused: find the items at fault by halving it, so that one bad item holds up nobody (C12)."""
    if len(batch.items) == 1:
        return Said(current.commit("record_sent", lambda uc: _refused_alone(uc, current, batch, refusal)))
    _give_back(current, batch)
    half = len(batch.items) // 2
    parts = [_again(current, way, batch, part, call) for part in (batch.items[:half], batch.items[half:])]
    return Said(sum(said.refused for said in parts), max(said.wait for said in parts))


def _refused_alone(uc: UseCase, current: Current, batch: Batch, refusal: Refused) -> int:
    tickets.cancel(batch)
    return delivery.refuse_all(uc, batch, refusal.code, refusal.detail, current.number())


def _again(current: Current, way: Ways, batch: Batch, items: tuple[Item, ...], call: Call) -> Said:
    if current.out_of_time:
        return Said()

    def change(uc: UseCase) -> Batch:
        compares = current.session.can(Capability.COMPARE_AND_SET)
        part = delivery.send_again(uc, replace(batch, items=items, ticket_id=None), bulk=batch.ticket_id is not None, compares=compares)
        return part if batch.ticket_id is None or not part.items else tickets.open_(uc, current.connection.pk, part)

    part = current.commit("pick", change)
    return send(current, way, part, call) if part.items else Said()
