"""The dummy market's adapter. Read it beside docs/adapters.md: every capability once, each in the plainest way that keeps its promise."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import msgspec

from stallkit.adapters.dummy import wire
from stallkit.adapters.dummy.manifest import API, MANIFEST, OVERLAP_SECONDS, TASKS, TOKENS
from stallkit.errors import AdapterError, NeedsReconnect, Refused, Unintelligible
from stallkit.http import Door, Reply, Request, unreadable
from stallkit.manifest import Manifest
from stallkit.rows import parse_each
from stallkit.types import (
    Accepted,
    AccountInfo,
    CancelNotice,
    Hint,
    LabelAnswer,
    OfferRef,
    OfferState,
    Outcome,
    Outcomes,
    Page,
    Pending,
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

PAGE = "100"
RENEW_BEFORE = timedelta(seconds=60)
SAID_NO = frozenset({404, 409, 422})
"""Statuses that refuse one order or task; the rest is the door's business."""


class Adapter:
    """All capabilities. Nothing is kept between calls but the access token."""

    MANIFEST: Manifest = MANIFEST

    def __init__(self, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> None:
        self._config, self._clock = config, clock
        self._secrets = (config["client_secret"], config.get("callback_secret", ""))
        self._http = http.with_(secrets=self._secrets, read_error=read_error)
        self._token = ""
        self._token_until = datetime.min.replace(tzinfo=UTC)
        self._overlap = timedelta(seconds=int(config.get("overlap_seconds") or OVERLAP_SECONDS))

    # --- calling ------------------------------------------------------------------------------------------------------------------------

    def _call(self, request: Request) -> Reply:
        """Call with a valid token. A token that died early is renewed once; that call was refused unread, so asking again is safe."""
        if self._clock() >= self._token_until:
            self._renew_token()
        try:
            return self._http.call(self._signed(request))
        except TokenDied:
            self._renew_token()
            return self._http.call(self._signed(request))

    def _signed(self, request: Request) -> Request:
        return replace(request, headers={**request.headers, "Authorization": f"Bearer {self._token}"})

    def _renew_token(self) -> None:
        form = {"grant_type": "client_credentials", "client_id": self._config["client_id"], "client_secret": self._config["client_secret"]}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = self._http.call(Request("POST", "/oauth/token", TOKENS, headers=headers, body=urlencode(form).encode()))
        token = reply.decode(wire.Token)
        self._token = token.access_token
        self._token_until = self._clock() + timedelta(seconds=token.expires_in) - RENEW_BEFORE
        self._http = self._http.with_(secrets=(*self._secrets, token.access_token))

    # --- reading ------------------------------------------------------------------------------------------------------------------------

    def probe(self) -> AccountInfo:
        account = self._call(Request("GET", "/v1/account", API)).decode(wire.Account)
        return AccountInfo(account.id, account.name, rights=account.rights, currency=account.currency)

    def read_offers(self, cursor: str) -> Page[RemoteOffer]:
        page = self._call(Request("GET", "/v1/offers", API, params={"after": cursor, "limit": PAGE})).decode(wire.OfferPage)
        offers, parked = parse_each(page.offers, wire.parse_offer, wire.id_of)
        return Page(offers, page.next or "", page.next is None, parked)

    def read_warehouses(self) -> Sequence[RemoteWarehouse]:
        told = self._call(Request("GET", "/v1/warehouses", API)).decode(wire.WarehouseList).warehouses
        return [wire.parse_warehouse(one) for one in told]

    def read_states(self, refs: Sequence[OfferRef], warehouse: str = "") -> Mapping[OfferRef, OfferState | None]:  # noqa: ARG002 - has one
        check_batch(refs, MANIFEST.read_batch)
        if not refs:
            return {}
        answer = self._call(Request("POST", "/v1/offers/query", API, json={"skus": [ref.sku for ref in refs]})).decode(wire.OfferAnswer)
        offers = {offer.sku: offer for offer in answer.offers}
        forgotten = [ref.sku for ref in refs if ref.sku not in offers and ref.sku not in answer.unknown]
        if forgotten:
            raise Unintelligible(f"the market did not answer for {', '.join(forgotten)}")
        return {ref: wire.parse_state(ref, offers[ref.sku]) if ref.sku in offers else None for ref in refs}

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        place = read_cursor(cursor)
        params = {"limit": PAGE, "after": place.after}
        if place.since is not None:
            params["changed_since"] = place.since.isoformat()
        page = self._call(Request("GET", "/v1/orders", API, params=params)).decode(wire.OrderPage)
        orders, parked = parse_each(page.orders, wire.parse_order, wire.id_of)
        following = wire.Cursor(place.since, page.next) if page.next is not None else wire.Cursor(page.as_of - self._overlap)
        return Page(orders, msgspec.json.encode(following).decode(), page.next is None, parked)

    def read_order(self, order_id: str) -> RemoteOrder | None:
        reply = self._call(Request("GET", f"/v1/orders/{quote(order_id, safe='')}", API, accept=frozenset({404})))
        if reply.status == 404:
            return None
        try:
            return wire.parse_order(reply.body)
        except ValueError as error:
            raise Unintelligible(f"order {order_id}: {error}", status=reply.status) from error

    def read_labels(self, order_ids: Sequence[str]) -> Mapping[str, LabelAnswer]:
        if not order_ids:
            return {}
        told = self._call(Request("POST", "/v1/labels", API, json={"orders": list(order_ids)})).decode(wire.PapersAnswer).orders
        answers = {papers.order_id: papers.answer() for papers in told}
        if forgotten := [order_id for order_id in order_ids if order_id not in answers]:
            raise Unintelligible(f"the market did not answer for {', '.join(forgotten)}")
        return {order_id: answers[order_id] for order_id in order_ids}

    def read_returns(self, cursor: str) -> Page[RemoteReturn]:
        place = read_cursor(cursor)
        params = {"limit": PAGE, "after": place.after}
        if place.since is not None:
            params["changed_since"] = place.since.isoformat()
        page = self._call(Request("GET", "/v1/returns", API, params=params)).decode(wire.ReturnPage)
        returns, parked = parse_each(page.returns, wire.parse_return, wire.id_of)
        following = wire.Cursor(place.since, page.next) if page.next is not None else wire.Cursor(page.as_of - self._overlap)
        return Page(returns, msgspec.json.encode(following).decode(), page.next is None, parked)

    # --- writing ------------------------------------------------------------------------------------------------------------------------

    def acknowledge(self, order_id: str) -> Outcome:
        return self._order_action(order_id, "acceptance", {})

    def confirm_shipment(self, notice: ShipmentNotice) -> Outcome:
        return self._order_action(notice.order_id, "shipments", wire.build_shipment(notice))

    def cancel_lines(self, notice: CancelNotice) -> Outcome:
        return self._order_action(notice.order_id, "cancellations", wire.build_cancellation(notice))

    def _order_action(self, order_id: str, action: str, body: Mapping[str, object]) -> Outcome:
        path = f"/v1/orders/{quote(order_id, safe='')}/{action}"
        reply = self._call(Request("POST", path, API, json=body, writes=True, accept=SAID_NO))
        if reply.status in SAID_NO:
            problem = reply.decode(wire.Failure).error
            return Rejected(problem.code, problem.message)
        reply.decode(wire.Order)
        return Accepted()

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        return self._write("/v1/stock", wire.build_stock(intents), [intent.ref for intent in intents])

    def write_prices(self, intents: Sequence[PriceIntent]) -> Outcomes:
        return self._write("/v1/prices", wire.build_prices(intents), [intent.ref for intent in intents])

    def _write(self, path: str, items: Sequence[Mapping[str, object]], refs: Sequence[OfferRef]) -> Outcomes:
        check_batch(refs, MANIFEST.stock_batch)
        if not refs:
            return {}
        reply = self._call(Request("PUT", path, API, json={"items": items}, writes=True))
        outcomes, forgotten = wire.parse_results(reply.decode(wire.BatchAnswer).results, refs)
        if forgotten:
            raise unreadable(f"the market did not answer for {', '.join(forgotten)}", writes=True, status=reply.status)
        return outcomes

    def submit_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        return self._submit("stock", wire.build_stock(intents), [intent.ref for intent in intents])

    def submit_prices(self, intents: Sequence[PriceIntent]) -> Outcomes:
        return self._submit("price", wire.build_prices(intents), [intent.ref for intent in intents])

    def _submit(self, kind: str, items: Sequence[Mapping[str, object]], refs: Sequence[OfferRef]) -> Outcomes:
        check_batch(refs, MANIFEST.bulk_batch)
        if not refs:
            return {}
        reply = self._call(Request("POST", "/v1/tasks", TASKS, json={"kind": kind, "items": items}, writes=True))
        ticket = reply.decode(wire.TaskCreated).task
        return dict.fromkeys(refs, Pending(ticket))

    def resolve_ticket(self, ticket: str) -> TicketResult:
        task = self._call(Request("GET", f"/v1/tasks/{quote(ticket, safe='')}", TASKS)).decode(wire.Task)
        if task.state not in {"open", "done"}:
            raise Unintelligible(f"task {ticket}: state {task.state!r} is not known")
        outcomes = {OfferRef(result.sku, result.offer_id): result.outcome() for result in task.results}
        return TicketResult(task.state == "done", outcomes)

    def find_ticket(self, kind: str, since: datetime) -> str | None:
        params = {"kind": kind, "since": since.astimezone(UTC).isoformat()}
        tasks = self._call(Request("GET", "/v1/tasks", TASKS, params=params)).decode(wire.TaskList).tasks
        return tasks[-1].task if tasks else None

    # --- callbacks ----------------------------------------------------------------------------------------------------------------------

    def read_hint(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Hint | None:  # noqa: ARG002
        secret = self._config.get("callback_secret", "")
        given = next((value for name, value in headers.items() if name.lower() == "x-dummy-signature"), "")
        if method != "POST" or not secret or not hmac.compare_digest(sign(secret, body).encode(), given.encode()):
            return None
        try:
            callback = msgspec.json.decode(body, type=wire.Callback)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return Hint(callback.order_id, callback.topic)


class TokenDied(NeedsReconnect):
    """The access token is no longer valid; a new one may be."""


def read_error(reply: Reply) -> AdapterError | None:
    """The market's own words for refusals; anything else is left to the door."""
    try:
        problem = msgspec.json.decode(reply.body, type=wire.Failure).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if problem.code == "token_expired":
        return TokenDied("the access token has expired", status=reply.status)
    if reply.status in {401, 403}:
        return NeedsReconnect(f"the market refuses us: {problem.message} ({problem.code})", status=reply.status)
    if reply.status in {400, 404, 409, 413, 422}:
        return Refused(f"the market refused the call: {problem.message}", code=problem.code, status=reply.status)
    return None


def check_batch(refs: Sequence[OfferRef], most: int) -> None:
    """ValueError before any call: a batch that is too large is the caller's mistake."""
    if len(refs) > most:
        raise ValueError(f"{len(refs)} items in one call; the manifest allows {most}")


def read_cursor(text: str) -> wire.Cursor:
    """A cursor that this adapter gave out earlier; Refused if it is not one."""
    try:
        return msgspec.json.decode(text, type=wire.Cursor) if text else wire.Cursor()
    except msgspec.DecodeError as error:
        raise Refused(f"cursor {text[:40]!r} is not ours: {error}", code="cursor") from error


def sign(secret: str, body: bytes) -> str:
    """The market's signature of a callback: hex HMAC-SHA256 over the body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
