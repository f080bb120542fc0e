"""The Walmart adapter: one short method per capability over the session and the wire formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import msgspec

from stallkit.adapters.walmart import cursors, hints, wire, wire_actions, wire_feeds, wire_orders
from stallkit.adapters.walmart.manifest import MANIFEST
from stallkit.adapters.walmart.session import Session
from stallkit.errors import Refused, Unintelligible
from stallkit.http import Door, Reply, Request
from stallkit.types import (
    Accepted,
    AccountInfo,
    CancelNotice,
    Hint,
    OfferRef,
    OfferState,
    OrderState,
    Outcome,
    Outcomes,
    Page,
    Parked,
    Pending,
    PriceIntent,
    Rejected,
    RemoteOffer,
    RemoteOrder,
    ShipmentNotice,
    StockIntent,
    TicketResult,
)

JSON = {"Content-Type": "application/json"}
NEEDED_RIGHTS = ("orders", "inventory", "price", "item", "feeds")
DETAILS = 50
"""Items of a feed's result per page (contract)."""
ITEMS = 200
LAST_OFFSET = 10_000
"""The item list refuses to go further."""


class Adapter:
    """Walmart Marketplace US for one account. Quantities are gross, see README.md: what the seller holds, open Walmart orders included."""

    MANIFEST = MANIFEST

    def __init__(self, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.session = Session(config, http, clock)
        self.ship_node = config.get("ship_node", "")
        self.webhook_secret = config.get("webhook_secret", "")

    # --- account ------------------------------------------------------------------------------------------------------------------------

    def probe(self) -> AccountInfo:
        """The token's rights, and whose account it is."""
        scopes = self._get("/v3/token/detail", "probe").decode(wire.TokenDetail).scopes
        partner = self._get("/v3/settings/partnerprofile", "probe").decode(wire.PartnerProfile).partner
        missing = [area for area in NEEDED_RIGHTS if scopes.get(area) != "full_access"]
        return AccountInfo(
            account_id=partner.partner_id,
            name=partner.partner_display_name or partner.partner_name,
            rights=tuple(f"{area}: {level}" for area, level in sorted(scopes.items())),
            warnings=tuple(f"The keys lack full access to '{area}': give it in the Developer Portal." for area in missing),
            currency="USD",
        )

    # --- orders -------------------------------------------------------------------------------------------------------------------------

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        """One page of the window that ``cursor`` names; a page without orders may still not be the last (a window was halved)."""
        now = self.clock()
        place = cursors.read_order_place(cursor, now)
        try:
            reply = self._order_page(place, now)
        except Refused as error:
            return self._retreat(place, now, error)
        asked = place.asked or cursors.earlier_clock(now, reply.headers.get("date", ""))
        if _none_there(reply):
            return _order_page_of((), (), cursors.following(place, asked))
        page = reply.decode(wire_orders.OrderList).list
        if not place.next and (page.meta.total_count or 0) > cursors.MOST_ORDERS:
            return self._retreat(place, now, Refused(f"{page.meta.total_count} orders changed within an hour: more than Walmart can list"))
        orders, parked = wire.sort_out(wire.elements(page.elements.order), lambda raw: wire_orders.parse_order(raw).order)
        onward = page.meta.next_cursor or ""
        if onward and onward == place.next:
            raise Unintelligible("Walmart's order list does not move on: the next page's cursor is the one just used")
        if onward:
            return _order_page_of(orders, parked, (msgspec.structs.replace(place, next=onward, asked=asked), False))
        return _order_page_of(orders, parked, cursors.following(place, asked))

    def _order_page(self, place: cursors.OrderPlace, now: datetime) -> Reply:
        """Walmart's cursor is a whole query string: it is appended as it is. No orders are a 404 there."""
        if place.next:
            request = Request("GET", f"/v3/orders{place.next}", MANIFEST.limit("orders"), accept=frozenset({404}))
        else:
            query = cursors.order_query(place, now)
            request = Request("GET", "/v3/orders", MANIFEST.limit("orders"), params=query, accept=frozenset({404}))
        return self.session.call(request)

    @staticmethod
    def _retreat(place: cursors.OrderPlace, now: datetime, error: Refused) -> Page[RemoteOrder]:
        """After a refusal: begin the window anew, once, if its cursor has died; halve it if it may hold too many orders."""
        if error.status not in {None, 400}:
            raise error
        if place.next:
            smaller = None if place.again else cursors.OrderPlace(place.since, place.length, again=True)
        else:
            smaller = cursors.halved(place, now)
        if smaller is None:
            raise error
        return _order_page_of((), (), (smaller, False))

    def read_order(self, order_id: str) -> RemoteOrder | None:
        parsed = self._read_order(order_id)
        return parsed.order if parsed else None

    def _read_order(self, order_id: str) -> wire_orders.Parsed | None:
        reply = self._get(f"/v3/orders/{_segment(order_id)}", "order", missing=True)
        return None if _none_there(reply) else _read_record(reply)

    def acknowledge(self, order_id: str) -> Outcome:
        """The whole order, without a body. Walmart refuses it for orders that went further: those count as acknowledged."""
        outcome = self._act(order_id, "acknowledge", None)
        if isinstance(outcome, Accepted):
            return outcome
        found = self.read_order(order_id)
        if found is not None and found.state is OrderState.CANCELLED:
            return Rejected("cancelled", f"order {order_id} was cancelled before it was acknowledged")
        return Accepted() if found is not None and found.state is not OrderState.NEW else outcome

    def confirm_shipment(self, notice: ShipmentNotice) -> Outcome:
        """Reads the order first: for the shipping method, for lines that the buyer asked to cancel, and not to report a shipment twice."""
        found = self._read_order(notice.order_id)
        if found is None:
            return Rejected("NOT_FOUND", f"Walmart knows no order {notice.order_id}")
        if wire_actions.reported(notice, found.wire):
            return Accepted()
        if wire_actions.build_carrier(notice.carrier).carrier is None and not notice.tracking_url:
            return Rejected("TRACKING_URL", f"'{notice.carrier}' is not on Walmart's list of carriers: give the tracking URL too")
        return self._act(notice.order_id, "shipping", wire_actions.build_shipment(notice, found.wire))

    def cancel_lines(self, notice: CancelNotice) -> Outcome:
        return self._act(notice.order_id, "cancel", wire_actions.build_cancellation(notice))

    def _act(self, order_id: str, verb: str, body: bytes | None) -> Outcome:
        """An order action: all lines or none. The reply is the changed order; if it cannot be read, the outcome is unknown."""
        limit = MANIFEST.limit({"shipping": "ship"}.get(verb, verb))
        path = f"/v3/orders/{_segment(order_id)}/{verb}"
        try:
            reply = self.session.call(Request("POST", path, limit, headers=JSON if body else {}, body=body, writes=True))
        except Refused as error:
            return Rejected(error.code, error.detail)
        reply.decode(wire_orders.OrderRecord)
        return Accepted()

    # --- offers -------------------------------------------------------------------------------------------------------------------------

    def read_offers(self, cursor: str) -> Page[RemoteOffer]:
        place = cursors.read_item_place(cursor)
        if place.offset > LAST_OFFSET:
            raise Refused(f"Walmart lists no items beyond the first {LAST_OFFSET}: the rest must come from its ITEM report", code="OFFSET")
        try:
            reply = self._get("/v3/items", "items", place.offset, ITEMS, missing=True, nextCursor=place.anchor)
        except Refused as error:
            if error.status != 400 or place.anchor == "*":
                raise
            return Page((), cursors.write(cursors.ItemPlace("*", place.offset)), done=False)  # the cursor lives for two minutes
        if _none_there(reply):
            return Page((), "", done=True)
        page = reply.decode(wire.ItemList)
        raws = wire.elements(page.items)
        offers, parked = wire.sort_out(raws, wire.parse_offer)
        reached = place.offset + len(raws)
        done = not raws or (page.total_items is not None and reached >= page.total_items)
        onward = cursors.ItemPlace(page.next_cursor or place.anchor, reached)
        return Page(offers, "" if done else cursors.write(onward), done, parked)

    def read_states(self, refs: Sequence[OfferRef], warehouse: str = "") -> Mapping[OfferRef, OfferState | None]:  # noqa: ARG002
        """One call per offer: only the list by SKU shows Walmart's reserve beside the quantity, and it knows no filter."""
        _at_most(refs, MANIFEST.read_batch)
        return {ref: self._read_state(ref) for ref in refs}

    def _read_state(self, ref: OfferRef) -> OfferState | None:
        reply = self._get(f"/v3/inventories/{_segment(ref.sku)}", "states", missing=True)
        return None if _none_there(reply) else wire.parse_state(reply.decode(wire.Inventory), ref, self.ship_node)

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        _at_most(intents, MANIFEST.stock_batch)
        return {intent.ref: wire.stock_problem(intent) or self._write_stock(intent) for intent in intents}

    def _write_stock(self, intent: StockIntent) -> Outcome:
        node = intent.warehouse or self.ship_node
        params = {"sku": intent.ref.sku} | ({"shipNode": node} if node else {})
        request = Request(
            "PUT", "/v3/inventory", MANIFEST.limit("stock"), params=params, headers=JSON, body=wire.build_stock(intent), writes=True
        )
        try:
            self.session.call(request).decode(wire.Stock)
        except Refused as error:
            return Rejected(error.code, error.detail)
        return Accepted()

    def submit_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        """A feed. Its items are decided minutes later; until then the ticket is all there is."""
        _at_most(intents, MANIFEST.bulk_batch)
        outcomes: dict[OfferRef, Outcome] = {intent.ref: problem for intent in intents if (problem := wire.stock_problem(intent))}
        good = [intent for intent in intents if intent.ref not in outcomes]
        node, *others = sorted({intent.warehouse or self.ship_node for intent in good}) or [""]
        if others:
            raise Refused("one Walmart stock feed serves one ship node: submit each warehouse by itself", code="SHIP_NODE")
        params = {"feedType": "inventory"} | ({"shipNode": node} if node else {})
        file = ("inventory.json", wire.build_stock_feed(good), "application/json")
        request = Request("POST", "/v3/feeds", MANIFEST.limit("feed_stock"), params=params, files={"file": file}, writes=True)
        return outcomes | self._submit(request, good)

    def _submit(self, request: Request, intents: Sequence[StockIntent] | Sequence[PriceIntent]) -> dict[OfferRef, Outcome]:
        """Send a feed, if there is anything in it: the same ticket for all its items."""
        if not intents:
            return {}
        ticket = Pending(self.session.call(request).decode(wire_feeds.FeedAccepted).feed_id)
        return {intent.ref: ticket for intent in intents}

    def write_prices(self, intents: Sequence[PriceIntent]) -> Outcomes:
        _at_most(intents, MANIFEST.stock_batch)
        return {intent.ref: wire.price_problem(intent) or self._write_price(intent) for intent in intents}

    def _write_price(self, intent: PriceIntent) -> Outcome:
        request = Request("PUT", "/v3/price", MANIFEST.limit("price"), headers=JSON, body=wire.build_price(intent), writes=True)
        try:
            self.session.call(request).decode(wire.PriceReplyRecord)
        except Refused as error:
            return Rejected(error.code, error.detail)
        return Accepted()

    def submit_prices(self, intents: Sequence[PriceIntent]) -> Outcomes:
        """A feed of the type PRICE_AND_PROMOTION (the older type "price" ends in 2026)."""
        _at_most(intents, MANIFEST.bulk_batch)
        outcomes: dict[OfferRef, Outcome] = {intent.ref: problem for intent in intents if (problem := wire.price_problem(intent))}
        good = [intent for intent in intents if intent.ref not in outcomes]
        params, body = {"feedType": "PRICE_AND_PROMOTION"}, wire.build_price_feed(good)
        request = Request("POST", "/v3/feeds", MANIFEST.limit("feed_price"), params=params, headers=JSON, body=body, writes=True)
        return outcomes | self._submit(request, good)

    # --- tickets ------------------------------------------------------------------------------------------------------------------------

    def resolve_ticket(self, ticket: str) -> TicketResult:
        """PROCESSED says nothing about items: each has its own status. A feed that failed as a whole is Refused with Walmart's reason.

        Items on which Walmart itself failed are never decided: read what it shows.
        """
        page = self._feed_page(ticket, 0)
        if page.feed_status is wire_feeds.FeedState.ERROR:
            code, text = wire_feeds.tell_errors(page.ingestion_errors)
            raise Refused(f"Walmart could not use feed {ticket}: {text or 'no reason given'}", code=code or "ERROR")
        finished = page.feed_status is wire_feeds.FeedState.PROCESSED
        items = page.items
        while finished and len(items) < page.items_received and page.items:
            page = self._feed_page(ticket, len(items))
            items += page.items
        waiting = any(item.ingestion_status is wire_feeds.Ingestion.INPROGRESS for item in items)
        return TicketResult(finished and not waiting, wire_feeds.parse_outcomes(items))

    def _feed_page(self, feed_id: str, offset: int) -> wire_feeds.FeedDetail:
        reply = self._get(f"/v3/feeds/{_segment(feed_id)}", "feed_status", offset, DETAILS, includeDetails="true")
        return reply.decode(wire_feeds.FeedDetail)

    def find_ticket(self, kind: str, since: datetime) -> str | None:
        """Walmart's list of feeds starts with the newest; fifty cover what the limits let us submit in hours."""
        page = self._get("/v3/feeds", "feed_status", 0, DETAILS, missing=True)
        if _none_there(page):
            return None
        results = page.decode(wire_feeds.FeedList).results
        return wire_feeds.newest_feed(wire.many(results.feed if results else None), kind, since)

    # --- callbacks ----------------------------------------------------------------------------------------------------------------------

    def read_hint(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Hint | None:
        return hints.read_hint(self.webhook_secret, hints.Callback.of(method, path, query, headers, body))

    # --- small things -------------------------------------------------------------------------------------------------------------------

    def _get(
        self, path: str, bucket: str, offset: int | None = None, limit: int | None = None, *, missing: bool = False, **params: str
    ) -> Reply:
        """A read. With ``missing`` a 404 comes back as a reply: Walmart's way to say that there is none."""
        paging = {} if offset is None else {"offset": str(offset), "limit": str(limit)}
        accept = frozenset({404}) if missing else frozenset()
        return self.session.call(Request("GET", path, MANIFEST.limit(bucket), params=params | paging, accept=accept))


def _at_most(batch: Sequence[object], most: int) -> None:
    if len(batch) > most:
        raise ValueError(f"{len(batch)} items, at most {most} fit into one call: cut the batch")


def _segment(text: str) -> str:
    """One segment of a path: SKUs may hold slashes and feed ids hold an @."""
    return quote(text, safe="")


def _none_there(reply: Reply) -> bool:
    """Whether Walmart says that there is none (404 in its own format). Anybody else's 404 on the way says nothing about the shop."""
    if reply.status == 404 and not wire.parse_errors(reply):
        raise Unintelligible("HTTP 404, but not from Walmart: check the base URL and what lies between", status=404)
    return reply.status == 404


def _read_record(reply: Reply) -> wire_orders.Parsed:
    try:
        return wire_orders.parse_order(reply.decode(wire_orders.OrderRecord).order)
    except wire.UNREADABLE as error:
        raise Unintelligible(f"the order cannot be understood: {error}", status=reply.status) from error


def _order_page_of(
    orders: tuple[RemoteOrder, ...], parked: tuple[Parked, ...], onward: tuple[cursors.OrderPlace, bool]
) -> Page[RemoteOrder]:
    place, done = onward
    return Page(orders, cursors.write(place), done, parked)
