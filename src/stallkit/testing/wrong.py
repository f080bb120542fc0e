"""Deliberately wrong adapters. Each breaks one promise of the contract; ``caught_by`` is the case that must notice, so that the suite
itself is proven. ``also`` are further cases that cannot but fail with it.

They are subclasses of the dummy adapter with one method spoiled the way real connectors are spoiled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from stallkit.adapters.dummy import wire
from stallkit.adapters.dummy.adapter import Adapter, read_cursor
from stallkit.adapters.dummy.manifest import API, MANIFEST
from stallkit.errors import NeedsReconnect, OutcomeUnknown, SlowDown
from stallkit.http import Door, Request
from stallkit.manifest import Manifest
from stallkit.rows import parse_each
from stallkit.types import (
    Accepted,
    AccountInfo,
    Charge,
    Hint,
    LabelAnswer,
    Money,
    OfferRef,
    OfferStatus,
    OrderState,
    Outcome,
    Outcomes,
    Page,
    Rejected,
    RemoteOffer,
    RemoteOrder,
    RemoteReturn,
    StockIntent,
)

if TYPE_CHECKING:
    import httpx


class CursorTooEarly(Adapter):
    """Calls a list done when its first page has come: the rest of the window is never asked for."""

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        page = super().pull_orders(cursor)
        if page.done:
            return page
        ahead = wire.Cursor(self._clock())
        return replace(page, done=True, cursor=msgspec.json.encode(ahead).decode())


class CursorInMemory(Adapter):
    """Keeps its place in the process: the text of the cursor means nothing to another one."""

    def __init__(self, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> None:
        super().__init__(config, http, clock)
        self._places: list[str] = []

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        known = cursor.isdigit() and int(cursor) < len(self._places)
        page = super().pull_orders(self._places[int(cursor)] if known else "")
        self._places.append(page.cursor)
        return replace(page, cursor=str(len(self._places) - 1))


class NoOverlap(Adapter):
    """Starts the next pull exactly where the last one ended, although the market may show orders late."""

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        page = super().pull_orders(cursor)
        return replace(page, cursor=msgspec.json.encode(wire.Cursor(self._clock())).decode()) if page.done else page


class ForgetsARef(Adapter):
    """Answers for all items of a batch but the last."""

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        outcomes = dict(super().write_stock(intents))
        if len(outcomes) > 1:
            outcomes.popitem()
        return outcomes


class MissingIsZero(Adapter):
    """Reads the offers with a default: no quantity is a quantity of nought."""

    class LaxOffer(msgspec.Struct):
        sku: str
        id: str
        title: str
        status: str
        price: wire.Amount
        gtins: tuple[str, ...]
        quantity: int = 0

    def read_offers(self, cursor: str) -> Page[RemoteOffer]:
        def parse(raw: bytes) -> RemoteOffer:
            offer = msgspec.json.decode(raw, type=self.LaxOffer)
            status = wire.OFFER_STATUS.get(offer.status, OfferStatus.UNKNOWN)
            ref = OfferRef(offer.sku, offer.id)
            return RemoteOffer(ref, offer.title, status, gtins=offer.gtins, quantity=offer.quantity, price=offer.price.money())

        request = Request("GET", "/v1/offers", API, params={"after": cursor, "limit": "100"})
        page = self._call(request).decode(wire.OfferPage)
        offers, parked = parse_each(page.offers, parse, wire.id_of)
        return Page(offers, page.next or "", page.next is None, parked)


class SwallowsTheLimit(Adapter):
    """Takes a 429 for a small matter: says yes and goes on."""

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        try:
            return super().write_stock(intents)
        except SlowDown:
            return {intent.ref: Accepted() for intent in intents}


class RepeatsTheWrite(Adapter):
    """Sends a write again when its reply was lost."""

    def acknowledge(self, order_id: str) -> Outcome:
        try:
            return super().acknowledge(order_id)
        except OutcomeUnknown:
            return super().acknowledge(order_id)


class NaiveTimes(Adapter):
    """Takes the market's times for local ones: the zone is lost."""

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        page = super().pull_orders(cursor)
        return replace(page, items=tuple(replace(order, ordered_at=order.ordered_at.replace(tzinfo=None)) for order in page.items))

    def read_order(self, order_id: str) -> RemoteOrder | None:
        order = super().read_order(order_id)
        return order and replace(order, ordered_at=order.ordered_at.replace(tzinfo=None))


class FloatMoney(Adapter):
    """Lets amounts go through a float."""

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        page = super().pull_orders(cursor)
        return replace(page, items=tuple(self._blur(order) for order in page.items))

    def read_order(self, order_id: str) -> RemoteOrder | None:
        order = super().read_order(order_id)
        return order and self._blur(order)

    def _blur(self, order: RemoteOrder) -> RemoteOrder:
        lines = tuple(replace(line, charges=tuple(self._float(charge) for charge in line.charges)) for line in order.lines)
        return replace(order, lines=lines)

    def _float(self, charge: Charge) -> Charge:
        return replace(charge, money=Money(Decimal(float(charge.money.amount)), charge.money.currency))


class DropsParked(Adapter):
    """Skips what it does not understand without a word."""

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        return replace(super().pull_orders(cursor), parked=())


class OnePoisonsThePage(Adapter):
    """Parses a page as a whole: one strange order hides all the others."""

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        page = super().pull_orders(cursor)
        if page.parked:
            raise ValueError(page.parked[0].reason)
        return page


class AcknowledgesOnRead(Adapter):
    """Acknowledges each order as soon as it has read it, before any stock is reserved."""

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        page = super().pull_orders(cursor)
        for order in page.items:
            if order.state is OrderState.NEW:
                self.acknowledge(order.order_id)
        return page


class LeaksTheSecret(Adapter):
    """Tells the user which secret was wrong, by showing it."""

    def probe(self) -> AccountInfo:
        try:
            return super().probe()
        except NeedsReconnect as error:
            raise NeedsReconnect(f"{error.detail} (client_secret={self._config['client_secret']})") from error


class IgnoresCancellation(Adapter):
    """Pulls the orders that there is something to do about; a cancelled one is no order."""

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        page = super().pull_orders(cursor)
        return replace(page, items=tuple(order for order in page.items if order.state is not OrderState.CANCELLED))


class SendsTheDifference(Adapter):
    """Sends what has changed since its own last write, not what shall be shown."""

    def __init__(self, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> None:
        super().__init__(config, http, clock)
        self._sent: dict[OfferRef, int] = {}

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        changes = [replace(intent, quantity=abs(intent.quantity - self._sent.get(intent.ref, 0))) for intent in intents]
        outcomes = super().write_stock(changes)
        self._sent.update({intent.ref: intent.quantity for intent in intents})
        return outcomes


class CutsLargeBatches(Adapter):
    """Sends what fits into a batch and calls the rest done."""

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        outcomes = dict(super().write_stock(intents[: MANIFEST.stock_batch]))
        return {**{intent.ref: Accepted() for intent in intents}, **outcomes}


class SleepsAndRetries(Adapter):
    """Waits on its own when the market asks to slow down."""

    def read_offers(self, cursor: str) -> Page[RemoteOffer]:
        try:
            return super().read_offers(cursor)
        except SlowDown as error:
            time.sleep(min(error.retry_after, 0.01))
            raise


class CallsPastTheDoor(Adapter):
    """Asks the market directly, outside the budget."""

    def probe(self) -> AccountInfo:
        answer: httpx.Response = self._http.client.get(self._http.base_url + "/v1/account")
        assert answer.status_code
        return super().probe()


class TakesAnyReplyForYes(Adapter):
    """Does not look at what came back as long as the status is good."""

    def acknowledge(self, order_id: str) -> Outcome:
        self._call(Request("POST", f"/v1/orders/{order_id}/acceptance", API, json={}, writes=True, accept=frozenset({404, 409})))
        return Accepted()


class ForgetsPending(Adapter):
    """Takes an unpaid order for a firm one."""

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        page = super().pull_orders(cursor)
        firm = tuple(replace(order, state=OrderState.NEW) if order.state is OrderState.PENDING else order for order in page.items)
        return replace(page, items=firm)


class TrustsCallbacks(Adapter):
    """Believes whoever calls."""

    def read_hint(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Hint | None:  # noqa: ARG002
        try:
            callback = msgspec.json.decode(body, type=wire.Callback)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return Hint(callback.order_id, callback.topic)


class StartsFromNothing(Adapter):
    """Reads a damaged cursor, and its own old ones, as the beginning of time: every pull is the first."""

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        page = super().pull_orders(cursor if read_cursor(cursor).after else "")
        return page if not page.done else replace(page, cursor="")


class WritesBlindly(Adapter):
    """Leaves out what the figure must be for the write to count."""

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        return super().write_stock([replace(intent, expected=None) for intent in intents])


class SeesNewReturnsOnly(Adapter):
    """Takes a return that was told once for settled."""

    def read_returns(self, cursor: str) -> Page[RemoteReturn]:
        page = super().read_returns(cursor)
        since = read_cursor(cursor).since
        return replace(page, items=tuple(one for one in page.items if since is None or one.opened_at >= since))


class OneLabelForAll(Adapter):
    """Asks for the labels of several orders and gives up on all of them when one has none."""

    def read_labels(self, order_ids: Sequence[str]) -> Mapping[str, LabelAnswer]:
        answers = super().read_labels(order_ids)
        refused = next((answer for answer in answers.values() if isinstance(answer, Rejected)), None)
        return dict.fromkeys(answers, refused) if refused else answers


class DeclaresAStaleSkip(Adapter):
    """Excuses itself from a case that it passes."""

    MANIFEST: Manifest = replace(MANIFEST, skips=(("stock.zero", "we never sell out"),))


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong adapter and the cases of the suite that notice it."""

    adapter: type[Adapter]
    caught_by: str
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.adapter.__name__


WRONG = (
    Wrong(CursorTooEarly, "orders.all_pages_complete", ("orders.cursor_survives_restart", "orders.*_during_paging")),
    Wrong(CursorInMemory, "orders.cursor_survives_restart"),
    Wrong(NoOverlap, "orders.late_ones_are_overlapped"),
    Wrong(StartsFromNothing, "orders.cursor_survives_restart"),
    Wrong(
        ForgetsARef,
        "stock.full_batch",
        ("stock.one_refusal_spares_the_others", "stock.unknown_offer_is_rejected", "stock.forgotten_item_is_an_error"),
    ),
    Wrong(MissingIsZero, "offers.missing_is_not_zero"),
    Wrong(SwallowsTheLimit, "stock.rate_limit", ("stock.rate_limit_silent", "compare.rate_limit*", "conduct.spent_budget_stops_calls")),
    Wrong(RepeatsTheWrite, "acknowledge.dropped_after", ("acknowledge.*",)),
    Wrong(NaiveTimes, "orders.times_are_utc"),
    Wrong(FloatMoney, "orders.money_is_exact"),
    Wrong(DropsParked, "orders.unknown_enum_is_parked", ("orders.strange_value_spares_the_others", "orders.missing_is_not_zero")),
    Wrong(OnePoisonsThePage, "orders.unknown_enum_is_parked", ("orders.strange_value_spares_the_others", "orders.missing_is_not_zero")),
    Wrong(AcknowledgesOnRead, "orders.reading_changes_nothing", ("orders.*", "order.*", "shipment.*", "cancel.*")),
    Wrong(LeaksTheSecret, "conduct.no_secret_leaves"),
    Wrong(IgnoresCancellation, "orders.buyer_cancellation_seen", ("orders.change_comes_again", "orders.changed_during_paging")),
    Wrong(SendsTheDifference, "stock.is_absolute", ("stock.above_the_maximum",)),
    Wrong(CutsLargeBatches, "stock.too_many_is_value_error"),
    Wrong(SleepsAndRetries, "conduct.never_sleeps"),
    Wrong(CallsPastTheDoor, "conduct.every_call_spends", ("conduct.*", "probe.*")),
    Wrong(TakesAnyReplyForYes, "acknowledge.html", ("acknowledge.unknown_order_is_refused",)),
    Wrong(ForgetsPending, "orders.pending_is_flagged", ("orders.pending_is_shown",)),
    Wrong(TrustsCallbacks, "hints.changed_body_is_none"),
    Wrong(WritesBlindly, "compare.tells_what_differs"),
    Wrong(SeesNewReturnsOnly, "returns.arrival_is_seen"),
    Wrong(OneLabelForAll, "labels.every_order_is_answered"),
    Wrong(DeclaresAStaleSkip, "stock.zero"),
)
