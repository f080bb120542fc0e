"""The Yandex Market adapter: one method per capability over the session and the wire formats. README.md tells what the calls mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import ClassVar, TypeVar

from stallkit.adapters.yandex_market import cursors, hints, places, wire, wire_actions, wire_orders, wire_returns
from stallkit.adapters.yandex_market.manifest import (
    ACCOUNT,
    ACTIONS,
    CATALOGUE,
    DECISIONS,
    GROUP_READ,
    GROUP_WRITE,
    MANIFEST,
    ORDERS,
    PRICES,
    RETURNS,
    STOCK_READ,
    STOCK_WRITE,
)
from stallkit.adapters.yandex_market.session import Session, failure_of
from stallkit.errors import Refused, Unintelligible
from stallkit.http import Door, Reply, describe_body, unreadable
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
)

YES = {"1", "true", "on", "yes"}
PAGE, OFFER_PAGE = 50, 100
PDF = "application/pdf"
Intent = TypeVar("Intent", StockIntent, PriceIntent)


class Adapter:
    """One cabinet. Figures are net and kept per warehouse; an order is named by its number alone, its shop is looked up."""

    MANIFEST: ClassVar[Manifest] = MANIFEST

    def __init__(self, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> None:
        self.clock, self.session = clock, Session(config, http, clock)
        self.shops = tuple(int(part) for part in config.get("campaign_ids", "").replace(",", " ").split())
        self.price_shop = int(config.get("price_campaign_id") or 0)
        self.tests = config.get("test_orders", "").lower() in YES

    # --- account ------------------------------------------------------------------------------------------------------------------------

    def probe(self) -> AccountInfo:
        """The key's name and rights, and the cabinet that it belongs to."""
        key = self.session.ask("/v2/auth/token", ACCOUNT, {}).decode(wire.KeyAnswer).result.api_key
        campaigns = self.session.campaigns(anew=True)
        business = self.session.business
        mine = [one for one in campaigns if one.business.id == business]
        name = next((one.business.name for one in mine), "") or f"cabinet {business}"
        strangers = () if mine or not campaigns else (f"The key shows no shop of cabinet {business}: is its number right?",)
        return AccountInfo(str(business), name, key.auth_scopes, (*strangers, *wire.warnings_of(key, mine)), currency="RUB")

    def read_warehouses(self) -> Sequence[RemoteWarehouse]:
        return [place.told for place in self.session.places(anew=True).values()]

    # --- offers, figures, prices --------------------------------------------------------------------------------------------------------

    def read_offers(self, cursor: str) -> Page[RemoteOffer]:
        params = {"limit": str(OFFER_PAGE)} | ({"pageToken": cursor} if cursor else {})
        reply = self.session.ask(f"/v2/businesses/{self.session.business}/offer-mappings", CATALOGUE, {}, params)
        page = reply.decode(wire.OfferAnswer).result
        offers, parked = parse_each(page.offer_mappings, wire.parse_offer, wire.offer_id_of)
        return Page(offers, page.paging.next_page_token, not page.paging.next_page_token, parked)

    def read_states(self, refs: Sequence[OfferRef], warehouse: str = "") -> Mapping[OfferRef, OfferState | None]:
        """All SKUs that are asked for are answered, archived ones too (contract): one that is not is not there."""
        check_batch(refs, MANIFEST.read_batch)
        if not refs:
            return {}
        told = {offer.offer_id.strip(): offer for offer in self._read_stock(refs, warehouse)}
        return {ref: wire.parse_state(ref, told[ref.sku.strip()]) if ref.sku.strip() in told else None for ref in refs}

    def _read_stock(self, refs: Sequence[OfferRef], warehouse: str) -> Sequence[wire.OfferStock]:
        place, number = self._place(warehouse), int(warehouse)
        skus = list(dict.fromkeys(ref.sku.strip() for ref in refs))
        if place.campaign is None:
            body = {"partnerWarehouseId": number, "offerIds": skus}
            answer = self.session.ask(f"/v3/businesses/{self.session.business}/offers/stocks", STOCK_READ, body).decode(wire.StockAnswer)
            if answer.result.partner_warehouse_id != number:
                raise Unintelligible(f"asked for warehouse {number}, got {answer.result.partner_warehouse_id}")
            return answer.result.offers
        reply = self.session.ask(f"/v2/campaigns/{place.campaign}/offers/stocks", GROUP_READ, {"offerIds": skus})
        told = reply.decode(wire.GroupStockAnswer).result.warehouses
        return next((one.offers for one in told if one.warehouse_id == number), ())

    def _place(self, warehouse: str) -> places.Place:
        place = self.session.places().get(warehouse)
        if place is None:
            raise Refused(f"the cabinet has no warehouse {warehouse!r}: choose another one for the channel", code="no_warehouse")
        return place

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        """A yes is for the whole call. Sold out is sent as 0, for a figure that is left out means "as before"."""
        check_batch(intents, MANIFEST.stock_batch)
        outcomes: dict[OfferRef, Outcome] = {}
        for warehouse in dict.fromkeys(intent.warehouse for intent in intents):
            mine = [intent for intent in intents if intent.warehouse == warehouse]
            outcomes |= self._write_all(mine, partial(self._send_stock, self._place(warehouse)))
        return outcomes

    def _send_stock(self, place: places.Place, intents: Sequence[StockIntent]) -> None:
        if place.campaign is None:
            body = wire.build_stock(intents, int(place.told.id), self.clock())
            reply = self.session.change("POST", f"/v3/businesses/{self.session.business}/offers/stocks/update", STOCK_WRITE, body)
        else:
            body = wire.build_group_stock(intents, self.clock())
            reply = self.session.change("PUT", f"/v2/campaigns/{place.campaign}/offers/stocks", GROUP_WRITE, body)
        reply.decode(wire.Done)

    def write_prices(self, intents: Sequence[PriceIntent]) -> Outcomes:
        """For the whole cabinet, or for the one shop that the connection names."""
        check_batch(intents, MANIFEST.stock_batch)
        return self._write_all(intents, self._send_prices)

    def _send_prices(self, intents: Sequence[PriceIntent]) -> None:
        of = f"campaigns/{self.price_shop}" if self.price_shop else f"businesses/{self.session.business}"
        self.session.change("POST", f"/v2/{of}/offer-prices/updates", PRICES, wire.build_prices(intents)).decode(wire.Done)

    def _write_all(self, intents: Sequence[Intent], send: Callable[[Sequence[Intent]], None]) -> dict[OfferRef, Outcome]:
        """One bad SKU refuses the whole call. Where the refusal names SKUs they are Rejected and the others sent without them; where it
        names none, the call is Refused and the caller halves it."""
        if not intents:
            return {}
        outcomes: dict[OfferRef, Outcome] = {intent.ref: no for intent in intents if (no := unsendable(intent)) is not None}
        rest = [intent for intent in intents if intent.ref not in outcomes]
        try:
            if rest:
                send(rest)
        except Refused as error:
            refs = [intent.ref for intent in rest]
            named = refs if len(refs) == 1 else wire.named_in(error.detail, refs)
            if not named:
                raise
            outcomes |= dict.fromkeys(named, Rejected(error.code, error.detail))
            spared = [intent for intent in rest if intent.ref not in outcomes]
            if spared:
                send(spared)
        return {intent.ref: outcomes.get(intent.ref, Accepted()) for intent in intents}

    # --- orders -------------------------------------------------------------------------------------------------------------------------

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        now = self.clock()
        place = cursors.read_orders(cursor, now)
        page = self._ask_orders({"dates": cursors.order_dates(place, now)}, place.token)
        orders, parked = parse_each(page.orders, self._parse, wire_orders.order_id_of)
        following, done = cursors.after_orders(place, page.paging.next_page_token, now)
        return Page(tuple(self._located(order) for order in orders), cursors.write(following), done, parked)

    def read_order(self, order_id: str) -> RemoteOrder | None:
        raw = self._read_raw(order_id)
        if raw is None:
            return None
        try:
            return self._located(self._parse(raw))
        except (ValueError, ArithmeticError) as error:
            raise Unintelligible(f"order {order_id} was not understood: {error}") from error

    def _ask_orders(self, filters: Mapping[str, object], token: str = "") -> wire_orders.OrderPage:
        """Orders of the Market's own that the seller serves. Those of other platforms, which it may carry, come to us from there."""
        body: dict[str, object] = {
            "programTypes": list(wire_orders.SELLER_MODELS),
            "sourcePlatforms": [wire_orders.MARKET],
            "fake": self.tests,
            **({"campaignIds": list(self.shops)} if self.shops else {}),
            **filters,
        }
        params = {"limit": str(PAGE)} | ({"pageToken": token} if token else {})
        return self.session.ask(f"/v1/businesses/{self.session.business}/orders", ORDERS, body, params).decode(wire_orders.OrderPage)

    def _parse(self, raw: bytes) -> RemoteOrder:
        return wire_orders.parse_order(raw, tests=self.tests)

    def _located(self, order: RemoteOrder) -> RemoteOrder:
        """The order with the warehouse under the number that channels name it by, "" where the cabinet has none of that number."""
        if not order.warehouse:
            return order
        return replace(order, warehouse=places.place_of_order(self.session.places(), order.warehouse))

    def _read_raw(self, order_id: str) -> bytes | None:
        if not order_id.isdigit():
            return None
        found = self._ask_orders({"orderIds": [int(order_id)]}).orders
        if any(wire_orders.order_id_of(bytes(raw)) != order_id for raw in found):
            raise Unintelligible(f"asked for order {order_id}, got {len(found)} orders")
        return bytes(found[0]) if found else None

    def _read(self, order_id: str) -> wire_orders.Order | None:
        raw = self._read_raw(order_id)
        return self._understood(raw) if raw is not None else None

    def _understood(self, raw: bytes) -> wire_orders.Order:
        try:
            order = wire_orders.read(raw)
            wire_actions.open_units(order)
        except ValueError as error:
            raise Unintelligible(f"order {wire_orders.order_id_of(raw)} was not understood: {error}") from error
        return order

    # --- order actions ------------------------------------------------------------------------------------------------------------------

    def acknowledge(self, order_id: str) -> Outcome:
        """The Market hears how it is packed: one box with everything. READY_TO_SHIP calls the courier, so it waits for the shipment."""
        order = self._read(order_id)
        if order is None:
            return no_such_order(order_id)
        if refusal := wire_actions.refuse_to_pack(order):
            return refusal
        if order.boxed or order.gone or order.substatus in wire_orders.READY:
            return Accepted()
        return self._set_boxes(order, wire_actions.open_units(order))

    def confirm_shipment(self, notice: ShipmentNotice) -> Outcome:
        """FBS, Express: ready to ship, then the Market's own people scan it. DBS: handed over, with the number to track it by."""
        order = self._read(notice.order_id)
        if order is None:
            return no_such_order(notice.order_id)
        if order.gone and order.cancel_requested and notice.although_asked:
            return self._act(order, "cancellation/accept", DECISIONS, wire_actions.decline_cancellation(order), wire.Done)
        if order.gone:
            return Accepted()
        if refusal := wire_actions.refuse_to_ship(order, notice):
            return refusal
        return self._hand_over(order, notice) if order.by_seller else self._make_ready(order)

    def _make_ready(self, order: wire_orders.Order) -> Outcome:
        if order.substatus in wire_orders.READY:
            return Accepted()
        if not order.boxed and isinstance(outcome := self._set_boxes(order, wire_actions.open_units(order)), Rejected):
            return outcome
        return self._set_status(order, wire_actions.READY_TO_SHIP)

    def _hand_over(self, order: wire_orders.Order, notice: ShipmentNotice) -> Outcome:
        if notice.tracking_number:
            service = wire_actions.service_of(self._services(), notice.carrier, order.delivery.delivery_service_id)
            track = {"trackCode": notice.tracking_number, "deliveryServiceId": service}
            outcome = self._act(order, "delivery/track", ACTIONS, track, wire.Done, "POST")
            if isinstance(outcome, Rejected):
                return outcome
        return self._set_status(order, wire_actions.HANDED_OVER)

    def cancel_lines(self, notice: CancelNotice) -> Outcome:
        """All that is left: the order is cancelled. A part: boxes without it. A buyer's wish on the way (DBS): it is granted."""
        order = self._read(notice.order_id)
        if order is None:
            return no_such_order(notice.order_id)
        if order.cancel_requested and order.gone and notice.reason is CancelReason.BUYER_ASKED:
            return self._act(order, "cancellation/accept", DECISIONS, wire_actions.ACCEPT_CANCELLATION, wire.Done)
        staying = wire_actions.keeps(order, notice)
        if isinstance(staying, Rejected):
            return staying
        return self._set_boxes(order, staying, remove=True) if any(staying.values()) else self._set_status(order, wire_actions.CANCEL)

    def _set_boxes(self, order: wire_orders.Order, units: Mapping[str, int], *, remove: bool = False) -> Outcome:
        return self._act(order, "boxes", ACTIONS, wire_actions.build_boxes(units, remove=remove), wire_actions.Laid)

    def _set_status(self, order: wire_orders.Order, body: Mapping[str, object]) -> Outcome:
        return self._act(order, "status", ACTIONS, body, wire_actions.Changed)

    def _act(
        self, order: wire_orders.Order, what: str, limit: Limit, body: Mapping[str, object], answer: type, method: str = "PUT"
    ) -> Outcome:
        """A change of one order: a refusal of the call is the refusal of the change."""
        path = f"/v2/campaigns/{order.campaign_id}/orders/{order.order_id}/{what}"
        try:
            self.session.change(method, path, limit, body).decode(answer)
        except Refused as refusal:
            return Rejected(refusal.code, refusal.detail)
        return Accepted()

    def _services(self) -> Mapping[str, int]:
        """The Market's delivery services by name."""
        return self.session.remember_services(
            lambda: self.session.get("/v2/delivery/services", ACCOUNT).decode(wire_actions.ServiceAnswer).result.delivery_service
        )

    # --- labels, returns, notifications -------------------------------------------------------------------------------------------------

    def read_labels(self, order_ids: Sequence[str]) -> Mapping[str, LabelAnswer]:
        known: dict[str, wire_orders.Order] = {}
        numbers = list(dict.fromkeys(int(order_id) for order_id in order_ids if order_id.isdigit()))
        for start in range(0, len(numbers), PAGE):
            for raw in self._ask_orders({"orderIds": numbers[start : start + PAGE]}).orders:
                known[wire_orders.order_id_of(bytes(raw))] = self._understood(bytes(raw))
        return {order_id: self._label(known[order_id]) if order_id in known else no_such_order(order_id) for order_id in order_ids}

    def _label(self, order: wire_orders.Order) -> LabelAnswer:
        """The stickers of all boxes as one PDF, four to a page of A4 being the printer's business."""
        if refusal := wire_actions.refuse_to_pack(order):
            return refusal
        path = f"/v2/campaigns/{order.campaign_id}/orders/{order.order_id}/delivery/labels"
        reply = self.session.get(path, ACTIONS, {"format": "A7"}, frozenset({400, 404}))
        if reply.status in {400, 404}:
            failure = failure_of(reply)
            return failure.rejected() if failure else Rejected(str(reply.status), "the Market has no label, and says no more")
        return (Label(PDF, whole_pdf(reply)),)

    def read_returns(self, cursor: str) -> Page[RemoteReturn]:
        now = self.clock()
        place = cursors.read_returns(cursor, now)
        shops = sorted(self.shops or (one.id for one in self.session.campaigns() if one.placement_type in {"FBS", "DBS"}))
        if place.shop >= len(shops):
            following, _ = cursors.after_returns(place, "", len(shops), now)
            return Page((), cursors.write(following), done=True)
        reply = self.session.get(f"/v2/campaigns/{shops[place.shop]}/returns", RETURNS, cursors.return_query(place))
        page = reply.decode(wire_returns.ReturnAnswer).result
        returns, parked = parse_each(page.returns, wire_returns.parse_return, wire_returns.return_id_of)
        following, done = cursors.after_returns(place, page.paging.next_page_token, len(shops), now)
        return Page(returns, cursors.write(following), done, parked)

    def read_hint(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Hint | None:  # noqa: ARG002
        return hints.read_hint(method, body, self.shops, self.clock())


def check_batch(items: Sequence[object], most: int) -> None:
    """ValueError before any call: a batch that is too large is the caller's mistake."""
    if len(items) > most:
        raise ValueError(f"{len(items)} items in one call; the manifest allows {most}")


def unsendable(intent: StockIntent | PriceIntent) -> Rejected | None:
    """Why the Market's contract has no place for this item; None if it has. In a batch it would refuse the others too."""
    if isinstance(intent, StockIntent) and not 0 <= intent.quantity <= MANIFEST.quirks.max_quantity:
        return Rejected("quantity", f"{intent.quantity} is not a figure from 0 to {MANIFEST.quirks.max_quantity}")
    if isinstance(intent, PriceIntent) and intent.price.currency not in wire.THEIR_CURRENCY:
        return Rejected("currency", f"the Market does not count in {intent.price.currency}")
    return None


def no_such_order(order_id: str) -> Rejected:
    return Rejected("unknown_order", f"the Market knows no order {order_id} that the seller serves")


def whole_pdf(reply: Reply) -> bytes:
    """The body if it is a PDF with beginning and end."""
    if not reply.body.startswith(b"%PDF") or b"%%EOF" not in reply.body[-1024:]:
        raise unreadable(describe_body(reply), writes=False, status=reply.status)
    return reply.body
