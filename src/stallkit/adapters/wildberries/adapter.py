"""The Wildberries adapter: one method per capability. Orders are read in ``assembly`` and acted upon in ``actions``; prices
and returns have files of their own; what the bytes mean is in the ``wire`` modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec

from stallkit.adapters.wildberries import wire
from stallkit.adapters.wildberries.actions import Actions
from stallkit.adapters.wildberries.assembly import Assembly
from stallkit.adapters.wildberries.calls import Calls, failure_of
from stallkit.adapters.wildberries.dbs import PREFIX, Dbs
from stallkit.adapters.wildberries.manifest import CARDS, COMMON, CONTENT, MANIFEST, SANDBOX, SANDBOX_LIMITS, SELLER, STOCKS, WAREHOUSES
from stallkit.adapters.wildberries.memory import Memory
from stallkit.adapters.wildberries.prices import Prices
from stallkit.adapters.wildberries.returns import Returns
from stallkit.adapters.wildberries.token import BASE, TEST, read_token, require_marketplace, warnings_of
from stallkit.errors import Refused, Unintelligible
from stallkit.http import Door, Reply, unreadable
from stallkit.manifest import Manifest
from stallkit.types import (
    Accepted,
    AccountInfo,
    CancelNotice,
    LabelAnswer,
    OfferRef,
    OfferState,
    Outcome,
    Outcomes,
    Page,
    PriceIntent,
    Rejected,
    RemoteOffer,
    RemoteOrder,
    RemoteReturn,
    RemoteWarehouse,
    ShipmentNotice,
    StockIntent,
    TicketResult,
)

YES = {"1", "true", "on", "yes"}
CARD_PAGE = 100
SAID_NO = frozenset({404, 406, 409})
"""Replies to a stock write that tell about items or the warehouse (02, PUT /api/v3/stocks/{warehouseId})."""
MOST_TRIES = 5
"""Calls for one stock batch: each refusal takes the items out that it names, and the rest goes out again."""


class _Seller(msgspec.Struct):
    name: str
    sid: str
    tradeMark: str = ""  # noqa: N815 - as on the wire


class Adapter:
    """``http.base_url`` is the Marketplace address; the others are named in the manifest. ``memory`` saves calls and no more."""

    MANIFEST: ClassVar[Manifest] = MANIFEST

    def __init__(self, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> None:
        self._config, self._clock = config, clock
        self._calls = Calls(http, config["token"], SANDBOX_LIMITS if self._sandbox else None)
        self._memory = Memory()
        self._with_dbs = config.get("with_dbs", "").lower() in YES
        self._dbs = Dbs(self._calls, clock)
        self._assembly = Assembly(self._calls, clock, self._memory, self._dbs if self._with_dbs else None)
        self._actions = Actions(self._calls, self._assembly, config.get("label_format") or "png")
        self._prices = Prices(self._calls, self._memory)
        self._returns = Returns(self._calls, self._assembly, clock)

    @property
    def _sandbox(self) -> bool:
        return self._config.get("site") == SANDBOX

    # --- account ------------------------------------------------------------------------------------------------------------------------

    def probe(self) -> AccountInfo:
        """The token tells who and what; the list of warehouses proves that it is accepted where figures and orders are."""
        token = read_token(self._config["token"])
        require_marketplace(token)
        self.read_warehouses()
        name = "Wildberries"
        if token.acc not in {BASE, TEST}:  # a base token may ask for the name once a day, the sandbox does not know it
            seller = self._calls.read("GET", "/api/v1/seller-info", SELLER, host=COMMON).decode(_Seller)
            name = seller.tradeMark or seller.name or name
        warnings = warnings_of(token, sandbox=self._sandbox)
        return AccountInfo(token.sid, name, token.rights, warnings, "RUB", token.expires_at)

    def read_warehouses(self) -> Sequence[RemoteWarehouse]:
        told = self._calls.read("GET", "/api/v3/warehouses", WAREHOUSES).decode(tuple[wire.Warehouse, ...])
        return [wire.parse_warehouse(one, with_dbs=self._with_dbs) for one in told]

    # --- offers -------------------------------------------------------------------------------------------------------------------------

    def read_offers(self, cursor: str) -> Page[RemoteOffer]:
        """A page of cards, an offer per size. The last page is the one with fewer cards than were asked for (02)."""
        body = wire.build_cards_request(CARD_PAGE, read_card_place(cursor))
        page = self._calls.read("POST", "/content/v2/get/cards/list", CARDS, host=CONTENT, json=body).decode(wire.CardPage)
        offers, parked = wire.parse_cards(page.cards)
        done = page.cursor.total < CARD_PAGE
        return Page(offers, "" if done else msgspec.json.encode(page.cursor).decode(), done, parked)

    def read_states(self, refs: Sequence[OfferRef], warehouse: str = "") -> Mapping[OfferRef, OfferState | None]:
        """One figure per size. The reply leaves out sizes that were never on sale in this warehouse: they show 0 there."""
        check_batch(refs, MANIFEST.read_batch)
        numbers = {ref: int(ref.external_id) for ref in refs if wire.is_number(ref.external_id)}
        figures: dict[int, int] = {}
        if numbers:
            if not wire.is_number(warehouse):
                raise Refused(
                    f"warehouse {warehouse!r} is no number of a Wildberries warehouse: choose one for the channel", code="no_warehouse"
                )
            body = {"chrtIds": sorted(set(numbers.values()))}
            told = self._calls.read("POST", f"/api/v3/stocks/{warehouse}", STOCKS, json=body).decode(wire.Figures)
            figures = {figure.chrtId: figure.amount for figure in told.stocks}
        if any(amount < 0 for amount in figures.values()):
            raise Unintelligible("Wildberries told a figure below zero")
        return {ref: OfferState(ref, figures.get(numbers[ref], 0)) if ref in numbers else None for ref in refs}

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        """A call per warehouse. Where items are refused, nothing of the batch is taken for granted: the rest goes out again."""
        check_batch(intents, MANIFEST.stock_batch)
        outcomes: dict[OfferRef, Outcome] = {}
        by_warehouse: dict[str, list[StockIntent]] = {}
        for intent in intents:
            if (refused := wire.unfit(intent)) is not None:
                outcomes[intent.ref] = refused
            else:
                by_warehouse.setdefault(intent.warehouse, []).append(intent)
        for warehouse, items in by_warehouse.items():
            outcomes |= self._put_stock(warehouse, items)
        return outcomes

    def _put_stock(self, warehouse: str, intents: Sequence[StockIntent]) -> Outcomes:
        outcomes: dict[OfferRef, Outcome] = {}
        waiting = list(intents)
        for _ in range(MOST_TRIES):
            if not waiting:
                return outcomes
            reply = self._calls.write("PUT", f"/api/v3/stocks/{warehouse}", STOCKS, json=wire.build_stock(waiting), accept=SAID_NO)
            refs = [intent.ref for intent in waiting]
            if reply.status == 204:
                return outcomes | dict.fromkeys(refs, Accepted())
            outcomes |= refused_stock(reply, refs)
            waiting = [intent for intent in waiting if intent.ref not in outcomes]
        return outcomes | {intent.ref: wire.outcome_of("StoreIsProcessing", "still refused for other items") for intent in waiting}

    # --- orders -------------------------------------------------------------------------------------------------------------------------

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        return self._assembly.pull(cursor)

    def read_order(self, order_id: str) -> RemoteOrder | None:
        """Found again by the time of its units; None for one that is not among those of three months."""
        return self._dbs.read(order_id) if order_id.startswith(PREFIX) else self._assembly.read(order_id)

    def acknowledge(self, order_id: str) -> Outcome:
        """Every unit that is new goes into an open supply of its kind: from then on the buyer cannot cancel by himself."""
        return (self._dbs if order_id.startswith(PREFIX) else self._actions).acknowledge(order_id)

    def confirm_shipment(self, notice: ShipmentNotice) -> Outcome:
        return (self._dbs if notice.order_id.startswith(PREFIX) else self._actions).confirm_shipment(notice)

    def cancel_lines(self, notice: CancelNotice) -> Outcome:
        return (self._dbs if notice.order_id.startswith(PREFIX) else self._actions).cancel_lines(notice)

    def read_labels(self, order_ids: Sequence[str]) -> Mapping[str, LabelAnswer]:
        """Of orders that the seller delivers there are none."""
        own = {name: Rejected("no_label", f"order {name} is delivered by the seller") for name in order_ids if name.startswith(PREFIX)}
        return {**own, **self._actions.read_labels([name for name in order_ids if name not in own])}

    def read_returns(self, cursor: str) -> Page[RemoteReturn]:
        """Claims of the last fortnight, all of them with each pull. The sandbox has none."""
        return Page((), cursor, done=True) if self._sandbox else self._returns.read(cursor)

    # --- prices -------------------------------------------------------------------------------------------------------------------------

    def submit_prices(self, intents: Sequence[PriceIntent]) -> Outcomes:
        """What buyers shall pay, in whole roubles; a card has one price for all its sizes."""
        check_batch(intents, MANIFEST.bulk_batch)
        return self._prices.submit(intents)

    def resolve_ticket(self, ticket: str) -> TicketResult:
        return self._prices.resolve(ticket)

    def find_ticket(self, kind: str, since: datetime) -> str | None:  # noqa: ARG002 - uploads are not listed
        """Never: Wildberries does not list uploads. The same upload again is answered with the number of the one that is there (208)."""
        return None


def refused_stock(reply: Reply, refs: Sequence[OfferRef]) -> Mapping[OfferRef, Outcome]:
    """A 409 is a list of refusals, each with its items; a 404 or 406 is about the whole warehouse."""
    if reply.status not in SAID_NO:
        raise unreadable(f"HTTP {reply.status} where 204 is a yes", writes=True, status=reply.status)
    if reply.status == 409:
        return wire.parse_refusals(reply.decode(tuple[wire.StockRefusal, ...]), refs)
    told = failure_of(reply)
    if told is None:
        raise Unintelligible(f"HTTP {reply.status} without a word", status=reply.status)
    return dict.fromkeys(refs, wire.outcome_of(told.word, told.text))


def check_batch(items: Sequence[object], most: int) -> None:
    """ValueError before any call: a batch that is too large is the caller's mistake."""
    if len(items) > most:
        raise ValueError(f"{len(items)} items in one call; the manifest allows {most}")


def read_card_place(cursor: str) -> wire.CardPlace | None:
    """A cursor that this adapter gave out earlier; Refused if it is not one."""
    try:
        return msgspec.json.decode(cursor, type=wire.CardPlace) if cursor else None
    except msgspec.DecodeError as error:
        raise Refused(f"the cursor of cards {cursor[:80]!r} is not one of ours: start again with an empty one", code="cursor") from error
