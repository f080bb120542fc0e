"""The eMAG adapter: one method per capability, a call or two each. What the bytes mean is in ``wire``, ``orders``, ``changes``."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import parse_qs

import msgspec

from stallkit.adapters.emag import changes, orders, wire
from stallkit.adapters.emag.manifest import MANIFEST, ORDERS, OTHER, SITES
from stallkit.adapters.emag.walk import PAGE, SELLER, step_from, write_cursor
from stallkit.errors import AdapterError, Refused, SlowDown, Unintelligible
from stallkit.http import DEFAULT_RETRY_AFTER, Door, Reply, Request, retry_after
from stallkit.manifest import Limit, Manifest
from stallkit.types import (
    Accepted,
    AccountInfo,
    CancelNotice,
    Hint,
    OfferRef,
    OfferState,
    Outcome,
    Outcomes,
    Page,
    PriceIntent,
    Rejected,
    RemoteOffer,
    RemoteOrder,
    ShipmentNotice,
    StockIntent,
)

BULGARIA_JOINS_EURO = datetime(2025, 12, 31, 22, tzinfo=UTC)
"""Midnight of 1 January 2026 in Sofia."""
YES = {"1", "true", "on", "yes"}


class Adapter:
    """``config`` holds the manifest's settings; ``http.base_url`` ends before the resource (``…/api-3``)."""

    MANIFEST: ClassVar[Manifest] = MANIFEST

    def __init__(self, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.site, self.user = config.get("site") or "ro", config["user"]
        self.warehouse_id = int(config.get("warehouse_id") or 1)
        self.with_fbe = config.get("with_fbe", "").lower() in YES
        self.callback_token = config.get("callback_token", "")
        self.wrapped = config.get("save_body") == "data"
        password = config["password"]
        basic = base64.b64encode(f"{self.user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Accept": "application/json", "Content-Type": "application/json"}
        self.http = http.with_(secrets=(*http.secrets, basic, password, self.callback_token), read_error=self._read_error)

    @property
    def currency(self) -> str:
        """What the platform counts in. Bulgaria moved from BGN to EUR with the year 2026."""
        if self.site in {"bg", "fd-bg"}:
            return "EUR" if self.clock() >= BULGARIA_JOINS_EURO else "BGN"
        return "HUF" if self.site == "hu" else "RON"

    # --- account and offers -------------------------------------------------------------------------------------------------------------

    def probe(self) -> AccountInfo:
        """``vat/read`` is the cheapest call that needs name, password, API rights and an allowed address."""
        wire.parse_rows(self._read("/vat/read", OTHER, {}))
        title = dict(SITES).get(self.site, self.site)
        return AccountInfo(f"{self.site}:{self.user}", f"{title}, {self.user}", rights=("api",), currency=self.currency)

    def read_offers(self, cursor: str) -> Page[RemoteOffer]:
        """Page by number; a short or empty page is the last one."""
        number = int(cursor) if cursor.isdigit() else 1
        envelope = self._read("/product_offer/read", OTHER, {"currentPage": number, "itemsPerPage": PAGE})
        found, parked = wire.parse_offers(envelope, self.currency)
        done = len(found) + len(parked) < PAGE
        return Page(tuple(found), "" if done else str(number + 1), done, tuple(parked))

    def read_states(self, refs: Sequence[OfferRef], warehouse: str = "") -> Mapping[OfferRef, OfferState | None]:  # noqa: ARG002
        """One call per ref: the ``id`` filter takes a single value (2.8)."""
        _check_batch(refs, MANIFEST.read_batch)
        return {ref: self._read_state(ref) for ref in refs}

    def _read_state(self, ref: OfferRef) -> OfferState | None:
        number = wire.offer_id(ref)
        if number is None:
            return None
        envelope = self._read("/product_offer/read", OTHER, {"id": number, "currentPage": 1, "itemsPerPage": PAGE})
        rows = wire.parse_rows(envelope)
        if not rows:
            return None
        try:
            listed = wire.parse_offer(rows[0])
            if len(rows) > 1 or listed.id != number:
                raise Unintelligible(f"asked for offer {number}, got {len(rows)} offers, the first with id {listed.id}")
            return wire.state_of(listed, ref, self.currency)
        except (msgspec.DecodeError, ValueError) as error:
            raise Unintelligible(f"offer {number} was not understood: {error}") from error

    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        """``offer/save`` overwrites ``general_stock`` of the warehouse; eMAG goes on subtracting orders that are not acknowledged."""
        _check_batch(intents, MANIFEST.stock_batch)
        batch = wire.StockBatch(intents, self.warehouse_id)
        results = self._save_offers(list(batch.rows.values()))
        return {intent.ref: batch.refused.get(intent.ref) or _outcome(results, intent.ref) for intent in intents}

    def write_prices(self, intents: Sequence[PriceIntent]) -> Outcomes:
        """Prices without VAT. One outside the offer's minimum and maximum is refused by eMAG, offer by offer."""
        _check_batch(intents, MANIFEST.stock_batch)
        built = {intent.ref: wire.build_price(intent, self.currency) for intent in intents}
        results = self._save_offers([row for row in built.values() if isinstance(row, wire.OfferSave)])
        return {ref: row if isinstance(row, Rejected) else _outcome(results, ref) for ref, row in built.items()}

    def _save_offers(self, rows: list[wire.OfferSave]) -> dict[int, wire.ItemResult]:
        if not rows:
            return {}
        return wire.parse_saved(self._save("/offer/save", OTHER, rows), [row.id for row in rows])

    # --- orders -------------------------------------------------------------------------------------------------------------------------

    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        """See ``walk``: unacknowledged orders of any age, then changes, three hours of them again and again."""
        now = self.clock()
        step = step_from(cursor, now, with_marketplace=self.with_fbe)
        found, parked = orders.parse_orders(self._read("/order/read", ORDERS, step.filters()), now, self.currency)
        following, done = step.next(len(found) + len(parked))
        return Page(tuple(found), write_cursor(following), done, tuple(parked))

    def read_order(self, order_id: str) -> RemoteOrder | None:
        raw = self._read_raw(order_id)
        if raw is None:
            return None
        try:
            return orders.parse_order(raw, self.clock(), self.currency)
        except (msgspec.DecodeError, ValueError, ArithmeticError) as error:
            raise Unintelligible(f"order {order_id} was not understood: {error}") from error

    def acknowledge(self, order_id: str) -> Outcome:
        """The only way from 1 to 2 (5.2). On a refusal the order is read: somebody may have acknowledged it already."""
        if not order_id.isdigit():
            return _no_such_order(order_id)
        request = Request("POST", f"/order/acknowledge/{order_id}", ORDERS, headers=self._headers, body=b"{}", writes=True)
        try:
            wire.parse_envelope(self.http.call(request))
        except Refused as error:
            return self._judge_refused_acknowledge(order_id, error)
        return Accepted()

    def _judge_refused_acknowledge(self, order_id: str, error: Refused) -> Outcome:
        current = self._read_open(order_id)
        if current is None:
            return _no_such_order(order_id)
        status = current[1].status
        if current[1].by_marketplace:
            return Rejected("fulfilled_by_marketplace", f"order {order_id} is fulfilled by eMAG: there is nothing to acknowledge")
        if status == orders.CANCELLED:
            return Rejected("cancelled", f"order {order_id} was cancelled before it was acknowledged")
        return Rejected(error.code, error.detail) if status == orders.NEW else Accepted()

    def confirm_shipment(self, notice: ShipmentNotice) -> Outcome:
        """Finalises the order (status 4), with the AWB document where there is one. See README for what eMAG gets to know."""
        current = self._read_open(notice.order_id)
        if current is None:
            return _no_such_order(notice.order_id)
        plan = changes.plan_shipment(*current, notice)
        if not isinstance(plan, msgspec.Raw):
            return plan
        attachment = changes.build_awb_attachment(notice)
        if attachment is not None:
            refused = self._save_one("/order/attachments/save", attachment)
            if isinstance(refused, Rejected):
                return Rejected("attachment", f"the AWB document was refused, the order is not finalized: {refused.message}")
        return self._save_one("/order/save", plan)

    def cancel_lines(self, notice: CancelNotice) -> Outcome:
        """Reads the order, then saves it with less in it or with status 0 and a reason (5.5)."""
        current = self._read_open(notice.order_id)
        if current is None:
            return _no_such_order(notice.order_id)
        plan = changes.plan_cancel(*current, notice)
        return self._save_one("/order/save", plan) if isinstance(plan, msgspec.Raw) else plan

    def _read_raw(self, order_id: str) -> bytes | None:
        """The order's own bytes; None if eMAG has no such order. Orders of type 2 need their type in the filter."""
        if not order_id.isdigit():
            return None
        for kind in (SELLER, 2) if self.with_fbe else (SELLER,):
            rows = wire.parse_rows(self._read("/order/read", ORDERS, {"id": int(order_id), "type": kind}))
            if len(rows) > 1 or (rows and wire.id_of(rows[0]) != order_id):
                raise Unintelligible(f"asked for order {order_id}, got {len(rows)} orders")
            if rows:
                return rows[0]
        return None

    def _read_open(self, order_id: str) -> tuple[bytes, orders.Order] | None:
        raw = self._read_raw(order_id)
        if raw is None:
            return None
        try:
            order = orders.read(raw)
            orders.lines_of(order)
        except msgspec.DecodeError as error:
            raise Unintelligible(f"order {order_id} was not understood: {error}") from error
        if order.status not in orders.STATES:
            raise Unintelligible(f"order {order_id} has the unknown status {order.status}")
        return raw, order

    # --- hints --------------------------------------------------------------------------------------------------------------------------

    def read_hint(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Hint | None:  # noqa: ARG002
        """eMAG calls ``GET …?order_id=123`` without a signature (5.2): anybody can, so it is a reason to look and no more."""
        fields = parse_qs(query)
        if method.upper() != "GET" or not self._token_fits(path, fields):
            return None
        for name, topic in (("order_id", "order"), ("rma_id", "return")):
            value = fields.get(name, [""])[0]
            if value.isascii() and value.isdigit() and len(value) <= 20:
                return Hint(value if topic == "order" else "", topic)
        return None

    def _token_fits(self, path: str, fields: Mapping[str, list[str]]) -> bool:
        if not self.callback_token:
            return True
        offered = (path.rstrip("/").rsplit("/", 1)[-1], fields.get("token", [""])[0])
        return any(hmac.compare_digest(word.encode(), self.callback_token.encode()) for word in offered)

    # --- calls --------------------------------------------------------------------------------------------------------------------------

    def _read(self, path: str, limit: Limit, filters: Mapping[str, object]) -> wire.Envelope:
        request = Request("POST", path, limit, headers=self._headers, body=wire.build_read(filters))
        return wire.parse_envelope(self.http.call(request))

    def _save(self, path: str, limit: Limit, rows: Sequence[object]) -> wire.Envelope:
        body = wire.build_save(rows, self.wrapped)
        return wire.parse_envelope(self.http.call(Request("POST", path, limit, headers=self._headers, body=body, writes=True)))

    def _save_one(self, path: str, row: object) -> Outcome:
        """A save of one entity on an order route: a refusal of the call is the refusal of the entity."""
        try:
            self._save(path, ORDERS, [row])
        except Refused as error:
            return Rejected(error.code, error.detail)
        return Accepted()

    def _read_error(self, reply: Reply) -> AdapterError | None:
        """Replies outside 2xx. eMAG's 429 names no waiting time but the window that is used up (1.5)."""
        if reply.status == 429:
            return SlowDown("eMAG's rate limit is exceeded (429)", retry_after=self._wait(reply.headers), status=429)
        if reply.status not in {400, 403, 404, 422}:
            return None
        try:
            body = msgspec.json.decode(reply.body, type=_Failure)
        except msgspec.DecodeError:
            return None
        text = wire.say([body.messages, body.message, body.errors])
        error = wire.error_of(text, reply.status)
        return error if reply.status != 403 or not isinstance(error, Refused) else None

    def _wait(self, headers: Mapping[str, str]) -> float:
        if "retry-after" in headers:
            return retry_after(headers, self.clock())
        windows = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
        for name, value in headers.items():
            count, unit = _window(name)
            if unit in windows and value.strip() == "0":
                return count * windows[unit]
        return DEFAULT_RETRY_AFTER


class _Failure(msgspec.Struct):
    """The body of a reply outside 2xx, from the API or from the gateway before it."""

    message: str = ""
    messages: object = None
    errors: object = None


def _window(header: str) -> tuple[int, str]:
    """``x-ratelimit-remaining-3second`` as (3, "second"); (0, "") for other headers."""
    tail = header.removeprefix("x-ratelimit-remaining-")
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return (int(digits or 1), tail[len(digits) :]) if tail != header else (0, "")


def _check_batch(items: Sequence[object], most: int) -> None:
    """ValueError before any call: a batch that is too large is the caller's mistake."""
    if len(items) > most:
        raise ValueError(f"{len(items)} items in one call; the manifest allows {most}")


def _outcome(results: Mapping[int, wire.ItemResult], ref: OfferRef) -> Outcome:
    result = results[wire.offer_id(ref) or 0]
    return wire.refusal_of(result) if result.is_error else Accepted()


def _no_such_order(order_id: str) -> Rejected:
    return Rejected("unknown_order", f"eMAG has no order {order_id!r}")
