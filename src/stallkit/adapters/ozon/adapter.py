"""The Ozon adapter: one method per capability, a call or a few each. What the bytes mean is in ``wire…``, what may be done in ``steps``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

import msgspec

from stallkit.adapters.ozon import steps, walk, wire, wire_orders, wire_returns
from stallkit.adapters.ozon.hints import read_notification
from stallkit.adapters.ozon.manifest import LABELS, MANIFEST, ORDERS, OTHER, STOCK
from stallkit.errors import Refused, Unintelligible
from stallkit.http import Door, Reply, Request, describe_body, unreadable
from stallkit.manifest import Limit, Manifest
from stallkit.rows import parse_each
from stallkit.types import (
    Accepted,
    AccountInfo,
    CancelNotice,
    CancelReason,
    Hint,
    Label,
    LabelAnswer,
    NotNow,
    OfferRef,
    OfferState,
    OrderState,
    Outcome,
    Outcomes,
    Page,
    Parked,
    PriceIntent,
    Rejected,
    RemoteOffer,
    RemoteOrder,
    RemoteReturn,
    RemoteWarehouse,
    ShipmentNotice,
    StockIntent,
)

PRODUCTS_PAGE = 200
"""Products a page: their cards are long, and come by a second call with as many numbers."""
LABELS_AT_ONCE = LABELS.capacity
LABEL_PAUSE = 15.0
"""Seconds until a label that is not ready is asked for again; Ozon recommends to wait 45 to 60 s after packing."""
MOST_PAGES = 100
ALREADY_PACKED, ALREADY_CANCELLED = "POSTING_ALREADY_SHIPPED", "POSTING_ALREADY_CANCELLED"


class Adapter:
    """``config`` holds the manifest's settings. Nothing is kept between calls."""

    MANIFEST: ClassVar[Manifest] = MANIFEST

    def __init__(self, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> None:
        self._clock, self._client_id = clock, config["client_id"]
        self._headers = {"Client-Id": config["client_id"], "Api-Key": config["api_key"]}
        self._http = http.with_(secrets=(config["api_key"],), read_error=lambda reply: wire.read_error(reply, clock()))

    # --- account ------------------------------------------------------------------------------------------------------------------------

    def probe(self) -> AccountInfo:
        """The key's roles and end; the company's name where a role allows to read it."""
        roles = self._call("/v1/roles", {}, OTHER).decode(wire.Roles)
        allowed = roles.allows("/v1/seller/info")
        company = self._call("/v1/seller/info", {}, OTHER).decode(wire.Seller).company if allowed else None
        return wire.parse_account(self._client_id, roles, company, self._clock())

    def read_warehouses(self) -> Sequence[RemoteWarehouse]:
        found: list[RemoteWarehouse] = []
        body: dict[str, object] = {"limit": 200}
        for _ in range(MOST_PAGES):
            page = self._call("/v2/warehouse/list", body, OTHER).decode(wire.WarehousePage)
            found += [wire.parse_warehouse(one) for one in page.warehouses]
            if not page.has_next:
                return found
            body["cursor"] = page.cursor
        raise Unintelligible(f"Ozon's list of warehouses does not end after {MOST_PAGES} pages")

    # --- offers -------------------------------------------------------------------------------------------------------------------------

    def read_offers(self, cursor: str) -> Page[RemoteOffer]:
        """A page of products, then their cards. Ozon names a next place on the last page too: only an empty page is the end."""
        body = {"filter": {"visibility": "ALL"}, "last_id": cursor, "limit": PRODUCTS_PAGE}
        listed = self._call("/v3/product/list", body, OTHER).decode(wire.ProductPage).result
        if not listed.items:
            return Page((), cursor, True)
        numbers = [str(one.product_id) for one in listed.items]
        cards = self._call("/v3/product/info/list", {"product_id": numbers}, OTHER).decode(wire.Cards).items
        offers, parked = parse_each(cards, wire.parse_card, wire.id_of)
        return Page(offers, listed.last_id or cursor, not listed.last_id, (*parked, *_without_card(listed.items, offers, parked)))

    def read_states(self, refs: Sequence[OfferRef], warehouse: str = "") -> Mapping[OfferRef, OfferState | None]:
        """One call per thousand rows; a product without a row in the warehouse is looked for among the products, since it may be gone."""
        check_batch(refs, MANIFEST.read_batch)
        if not refs:
            return {}
        rows = {row.offer_id: row for row in self._stock_rows(refs) if str(row.warehouse_id) == warehouse}
        unseen = [ref.sku for ref in refs if ref.sku not in rows]
        known = rows.keys() | (self._known(unseen) if unseen else set())
        return {ref: wire.parse_state(ref, rows.get(ref.sku)) if ref.sku in known else None for ref in refs}

    def _stock_rows(self, refs: Sequence[OfferRef]) -> list[wire.StockRow]:
        """The figures of these products in all warehouses."""
        body: dict[str, object] = {"offer_id": list(dict.fromkeys(ref.sku for ref in refs)), "limit": 1_000}
        rows: list[wire.StockRow] = []
        for _ in range(MOST_PAGES):
            page = self._call("/v2/product/info/stocks-by-warehouse/fbs", body, OTHER).decode(wire.StockPage)
            rows += page.products
            if not page.has_next:
                return rows
            body["cursor"] = page.cursor
        raise Unintelligible(f"Ozon's list of figures does not end after {MOST_PAGES} pages")

    def _known(self, offer_ids: Sequence[str]) -> set[str]:
        """Those of them that are products of the account."""
        cards = self._call("/v3/product/info/list", {"offer_id": list(dict.fromkeys(offer_ids))}, OTHER).decode(wire.Cards).items
        return {msgspec.json.decode(bytes(card), type=wire.Identity).offer_id for card in cards}

    # --- figures and prices -------------------------------------------------------------------------------------------------------------

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        """Free for sale, without what Ozon has reserved. A pair that was written less than 30 s ago is NotNow."""
        check_batch(intents, MANIFEST.stock_batch)
        built = {intent: wire.build_stock(intent) for intent in intents}
        rows = [row for row in built.values() if not isinstance(row, Rejected)]
        told = self._write_stock(rows) if rows else {}
        outcomes: dict[OfferRef, Outcome] = {}
        for intent, row in built.items():
            outcomes[intent.ref] = row if isinstance(row, Rejected) else told[intent.ref.sku, intent.warehouse]
        return outcomes

    def _write_stock(self, rows: Sequence[Mapping[str, object]]) -> Mapping[tuple[str, str], Outcome]:
        reply = self._call("/v2/products/stocks", {"stocks": rows}, STOCK, writes=True)
        results = reply.decode(wire.StockAnswer).result
        told = {(one.offer_id, str(one.warehouse_id)): wire.outcome_of(one, wire.STOCK_PAUSES) for one in results}
        self._all_answered([(str(row["offer_id"]), str(row["warehouse_id"])) for row in rows], told, reply)
        return told

    def write_prices(self, intents: Sequence[PriceIntent]) -> Outcomes:
        """A product whose price was changed ten times within an hour is NotNow."""
        check_batch(intents, MANIFEST.stock_batch)
        if not intents:
            return {}
        reply = self._call("/v1/product/import/prices", {"prices": [wire.build_price(intent) for intent in intents]}, OTHER, writes=True)
        told = {one.offer_id: wire.outcome_of(one, wire.PRICE_PAUSES) for one in reply.decode(wire.PriceAnswer).result}
        self._all_answered([intent.ref.sku for intent in intents], told, reply)
        return {intent.ref: told[intent.ref.sku] for intent in intents}

    def _all_answered(self, asked: Sequence[object], told: Collection[object], reply: Reply) -> None:
        if forgotten := [str(one) for one in asked if one not in told]:
            raise unreadable(f"Ozon did not answer for {', '.join(forgotten)}", writes=True, status=reply.status)

    # --- orders -------------------------------------------------------------------------------------------------------------------------

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        """See ``walk``: postings that wait, then those that changed."""
        place = walk.cursor_of(cursor, self._clock())
        path, body = walk.build_call(place)
        page = self._call(path, body, ORDERS).decode(wire_orders.PostingPage)
        following, done = walk.next_cursor(place, page.cursor, has_next=page.has_next)
        orders, parked = parse_each(page.postings, partial(wire_orders.parse_posting, asked=self._asked_among(page.postings)), wire.id_of)
        return Page(orders, following, done, parked)

    def read_order(self, order_id: str) -> RemoteOrder | None:
        raw = self._read(order_id)
        if raw is None:
            return None
        try:
            return wire_orders.parse_posting(raw, self._asked_among([msgspec.Raw(raw)]))
        except ValueError as error:
            raise Unintelligible(f"posting {order_id} was not understood: {error}") from error

    def _asked_among(self, raws: Sequence[msgspec.Raw]) -> Mapping[str, int]:
        """Buyers' wishes to cancel, which no posting tells of; only rFBS postings that have not left can have one."""
        postings, _ = parse_each(raws, wire_orders.read_posting, wire.id_of)
        others = [one for one in postings if one.tpl_integration_type != wire_orders.OZON]
        return self._asked([one.posting_number for one in others if one.state in wire_orders.UNDECIDED])

    def _asked(self, numbers: Sequence[str]) -> Mapping[str, int]:
        """Number of the request by posting, of those that wait for the seller's decision."""
        if not numbers:
            return {}
        body = {"filters": {"posting_number": list(numbers), "state": "ON_APPROVAL"}, "limit": 500}
        told = self._call("/v2/conditional-cancellation/list", body, ORDERS).decode(wire_orders.Requests).result
        return {one.posting_number: one.cancellation_id for one in told}

    def acknowledge(self, order_id: str) -> Outcome:
        """Packs everything in one package. Ozon does that in its own time: a 200 is no proof, so the posting is looked at again."""
        posting = self._look(order_id)
        return self._pack(posting) if posting else _no_such_posting(order_id)

    def _pack(self, posting: wire_orders.Posting) -> Outcome:
        plan = steps.plan_packing(posting)
        if not isinstance(plan, dict):
            return plan
        try:
            self._call("/v4/posting/fbs/ship", plan, ORDERS, writes=True).decode(wire_orders.ShipAnswer)
        except Refused as error:
            if error.code == ALREADY_PACKED:
                return Accepted()
            return Rejected("cancelled" if error.code == ALREADY_CANCELLED else error.code, error.detail)
        return NotNow(steps.PACKING_PAUSE, "Ozon is packing it")

    def confirm_shipment(self, notice: ShipmentNotice) -> Outcome:
        """Sees to it that the posting is packed; Ozon scans what leaves. Where the seller tells (rFBS, non_integrated), tells it."""
        posting = self._look(notice.order_id)
        if posting is None:
            return _no_such_posting(notice.order_id)
        refused = steps.plan_shipment(posting, notice)
        if refused is not None:
            return refused
        packed = self._pack(posting)
        if packed != Accepted() or not posting.by_seller:
            return packed
        return self._decline(posting, notice) or self._tell_number(posting, notice) or self._tell_left(posting)

    def _decline(self, posting: wire_orders.Posting, notice: ShipmentNotice) -> Outcome | None:
        """The buyer's wish to cancel is declined where a person has decided so; None if there is none any more."""
        request = self._asked([posting.posting_number]).get(posting.posting_number) if posting.state in wire_orders.UNDECIDED else None
        if request is None:
            return None
        if not notice.although_asked:
            return Rejected("cancel_requested", f"the buyer of posting {posting.posting_number} asks to cancel: decide that first")
        return self._decide("reject", request, "The goods have left already")

    def _tell_number(self, posting: wire_orders.Posting, notice: ShipmentNotice) -> Outcome | None:
        """The tracking number, if it is not there already; None if nothing stands in the way of going on."""
        number = notice.tracking_number
        if not number or number == posting.tracking_number or not posting.may("set_track_number"):
            return None
        pair = {"posting_number": posting.posting_number, "tracking_number": number}
        return self._judge("/v2/fbs/posting/tracking-number/set", {"tracking_numbers": [pair]}, "tracking_number")

    def _tell_left(self, posting: wire_orders.Posting) -> Outcome:
        """Ozon changes the status in its own time, so the posting is looked at again."""
        if not posting.may("non_int_delivering"):
            if posting.state in wire_orders.UNDECIDED:
                return Rejected("not_allowed", f"Ozon does not let posting {posting.posting_number} leave now (it is {posting.status})")
            return Accepted()
        refused = self._judge("/v2/fbs/posting/delivering", {"posting_number": [posting.posting_number]}, "delivering")
        return refused or NotNow(steps.PACKING_PAUSE, "Ozon is taking it in")

    def _judge(self, path: str, body: Mapping[str, object], code: str) -> Rejected | None:
        """A call about one posting that answers by posting; None for a yes."""
        try:
            reply = self._call(path, body, ORDERS, writes=True)
        except Refused as error:
            return Rejected(error.code, error.detail)
        results = reply.decode(wire_orders.PostingResults).result
        if not results:
            raise unreadable("Ozon did not answer for the posting", writes=True, status=reply.status)
        return next((Rejected(code, one.words()) for one in results if not one.result), None)

    def cancel_lines(self, notice: CancelNotice) -> Outcome:
        """A posting, or units of it. A buyer's wish is granted as a whole (rFBS)."""
        posting = self._look(notice.order_id)
        if posting is None:
            return _no_such_posting(notice.order_id)
        plan = steps.plan_cancel(posting, notice)
        if isinstance(plan, Accepted):
            return plan
        if notice.reason is CancelReason.BUYER_ASKED and posting.tpl_integration_type != wire_orders.OZON:
            request = self._asked([posting.posting_number]).get(posting.posting_number)
            if request is not None and steps.covers_all(posting, notice.lines):
                return self._decide("approve", request, "") or Accepted()
        return self._cancel(*plan) if isinstance(plan, tuple) else plan

    def _cancel(self, path: str, body: Mapping[str, object]) -> Outcome:
        try:
            told = self._call(path, body, ORDERS, writes=True).decode(wire_orders.CancelAnswer).result
        except Refused as error:
            return Accepted() if error.code == ALREADY_CANCELLED else Rejected(error.code, error.detail)
        return Rejected("refused", "Ozon did not cancel it and gave no reason") if told is False else Accepted()

    def _decide(self, decision: str, request: int, comment: str) -> Rejected | None:
        """A buyer's wish to cancel: ``approve`` or ``reject``. A good answer has no body."""
        body = {"cancellation_id": request} | ({"comment": comment} if comment else {})
        try:
            self._call(f"/v2/conditional-cancellation/{decision}", body, ORDERS, writes=True)
        except Refused as error:
            return Rejected(error.code, error.detail)
        return None

    def _look(self, order_id: str) -> wire_orders.Posting | None:
        """The posting, whose status is known; None if Ozon has none of this number."""
        raw = self._read(order_id)
        try:
            return wire_orders.read_posting(raw) if raw is not None else None
        except ValueError as error:
            raise Unintelligible(f"posting {order_id} was not understood: {error}") from error

    def _read(self, order_id: str) -> bytes | None:
        """The posting's own bytes; None if Ozon has no such posting. A 404 that is not Ozon's own says nothing about postings."""
        body = {"posting_number": order_id, "with": {"legal_info": True}}
        reply = self._call("/v3/posting/fbs/get", body, ORDERS, accept=frozenset({404}))
        if reply.status != 404:
            return bytes(reply.decode(wire_orders.PostingAnswer).result)
        told = reply.decode(wire.Failure)
        if told.code != 5 and "NOT_FOUND" not in told.message:
            raise Unintelligible(f"Ozon answered 404 about posting {order_id}: {told.message}", status=404)
        return None

    # --- labels and returns -------------------------------------------------------------------------------------------------------------

    def read_labels(self, order_ids: Sequence[str]) -> Mapping[str, LabelAnswer]:
        """A call for each posting: in one call for many, one that is not ready would spoil the labels of all, and they come as one file."""
        asked = list(dict.fromkeys(order_ids))
        answers: dict[str, LabelAnswer] = {one: NotNow(LABELS.per.total_seconds(), "its turn comes") for one in asked[LABELS_AT_ONCE:]}
        return answers | {order_id: self._label(order_id) for order_id in asked[:LABELS_AT_ONCE]}

    def _label(self, order_id: str) -> LabelAnswer:
        try:
            reply = self._call("/v2/posting/fbs/package-label", {"posting_number": [order_id]}, LABELS)
        except Refused as error:
            return self._no_label(order_id, error)
        if not reply.body.startswith(b"%PDF-") or b"%%EOF" not in reply.body[-1024:]:
            raise Unintelligible(f"the label of {order_id}: {describe_body(reply)}", status=reply.status)
        return (Label("application/pdf", reply.body),)

    def _no_label(self, order_id: str, error: Refused) -> LabelAnswer:
        """Not ready yet, not packed yet, or never."""
        if "next postings aren" in error.detail:
            return NotNow(LABEL_PAUSE, error.detail)
        posting = self._look(order_id)
        if posting is None:
            return _no_such_posting(order_id)
        if posting.state is OrderState.NEW and posting.may("ship_async_in_process"):
            return NotNow(LABEL_PAUSE, "Ozon is packing it")
        return Rejected("cancelled" if posting.state is OrderState.CANCELLED else error.code, error.detail)

    def read_returns(self, cursor: str) -> Page[RemoteReturn]:
        """Returns of FBS postings whose status changed since the last walk, ten minutes of them again."""
        place = walk.return_cursor_of(cursor, self._clock())
        page = self._call("/v1/returns/list", walk.build_returns_call(place), OTHER).decode(wire_returns.ReturnPage)
        found, parked = parse_each(page.returns, wire_returns.parse_return, wire.id_of)
        following, done = walk.next_return_cursor(place, wire_returns.last_id(page.returns), has_next=page.has_next)
        return Page(found, following, done, parked)

    # --- hints and calls ----------------------------------------------------------------------------------------------------------------

    def read_hint(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Hint | None:  # noqa: ARG002
        return read_notification(method, body, self._clock())

    def _call(
        self,
        path: str,
        body: Mapping[str, object],
        limit: Limit,
        *,
        writes: bool = False,
        accept: frozenset[int] = frozenset(),
    ) -> Reply:
        return self._http.call(Request("POST", path, limit, headers=self._headers, json=body, writes=writes, accept=accept))


def check_batch(items: Sequence[object], most: int) -> None:
    """ValueError before any call: a batch that is too large is the caller's mistake."""
    if len(items) > most:
        raise ValueError(f"{len(items)} items in one call; the manifest allows {most}")


def _no_such_posting(order_id: str) -> Rejected:
    return Rejected("unknown_order", f"Ozon has no posting {order_id!r}")


def _without_card(listed: Sequence[wire.Listed], offers: Sequence[RemoteOffer], parked: Sequence[Parked]) -> list[Parked]:
    """Products of a page of which no card came."""
    seen = {offer.channel_ids["product_id"] for offer in offers} | {offer.ref.sku for offer in offers} | {one.external_id for one in parked}
    lost = [one for one in listed if str(one.product_id) not in seen and one.offer_id not in seen]
    return [Parked(one.offer_id or str(one.product_id), "Ozon lists this product and has no card of it") for one in lost]
