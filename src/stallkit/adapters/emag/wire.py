"""eMAG's wire: the envelope, the two shapes of request bodies, offers. Pure: bytes and structs in, bytes and our words out.

Section numbers are those of the vendor's document 4.4.9. Numbers arrive as numbers or as text, lists as lists, as ``""``, as an object with
numbers for keys, or (vouchers) as the one object that should have been in the list: ``Num`` and ``Many`` take all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Generic, TypeVar

import msgspec

from stallkit.errors import AdapterError, NeedsReconnect, Refused, Unintelligible
from stallkit.http import Reply, unreadable
from stallkit.types import Money, OfferRef, OfferState, OfferStatus, Parked, PriceIntent, Rejected, RemoteOffer, StockIntent

T = TypeVar("T")
Num = int | float | str | None

MAX_OFFER_ID = 16_777_215
MAX_STOCK = 65_535
NO_RAW = msgspec.Raw(b"null")


# --- odd values ---------------------------------------------------------------------------------------------------------------------------


def amount(value: Num) -> Decimal | None:
    """An exact number; None for nothing and ``""``. ValueError for a text that is no number."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is not a number") from error
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return number


def whole(value: Num) -> int | None:
    """A whole number (``2``, ``"2"``, ``"2.0000"``); None for nothing and ``""``. ValueError for a fraction."""
    number = amount(value)
    if number is not None and number != number.to_integral_value():
        raise ValueError(f"{value!r} is not a whole number")
    return None if number is None else int(number)


class Many(Generic[T]):
    """Reads a field that should be a list of ``kind`` and is not always one."""

    def __init__(self, kind: type[T]) -> None:
        self._list = msgspec.json.Decoder(list[kind], strict=False)  # type: ignore[valid-type]
        self._keyed = msgspec.json.Decoder(dict[str, kind], strict=False)  # type: ignore[valid-type]
        self._one = msgspec.json.Decoder(kind, strict=False)

    def __call__(self, raw: msgspec.Raw) -> tuple[T, ...]:
        """All rows; none for ``null``, ``""``, ``[]``, ``{}``, ``false`` and a field that is not there. DecodeError for anything else."""
        body = bytes(raw).strip()
        if body.startswith(b"["):
            rows: Iterable[T] = self._list.decode(body)
        elif body.startswith(b"{"):
            rows = self._read_object(body)
        elif body in {b"", b"null", b'""', b"false"}:
            rows = ()
        else:
            raise msgspec.ValidationError(f"Expected a list, got {body[:40]!r}")
        return tuple(rows)

    def _read_object(self, body: bytes) -> Iterable[T]:
        try:
            return self._keyed.decode(body).values()
        except msgspec.ValidationError:
            return (self._one.decode(body),)


# --- envelope -----------------------------------------------------------------------------------------------------------------------------


class Envelope(msgspec.Struct):
    """Section 1.4. A reply without ``isError`` was "most likely not interpreted", so the field has no default."""

    is_error: bool = msgspec.field(name="isError")
    messages: object = None
    errors: object = None
    results: msgspec.Raw = NO_RAW


class Message(msgspec.Struct):
    """The body of replies that do not come from the API itself: the gateway's 429, ``offer_stock``."""

    message: str = ""
    errors: msgspec.Raw = NO_RAW


def say(messages: object) -> str:
    """eMAG's messages as one line, at most 500 characters. They come as texts, as objects, or as one text."""
    return "; ".join(_texts(messages))[:500]


def _texts(messages: object) -> list[str]:
    if isinstance(messages, Mapping):
        return [text for value in messages.values() for text in _texts(value)]
    if isinstance(messages, list | tuple):
        return [text for value in messages for text in _texts(value)]
    return [str(messages)] if messages not in (None, "") else []


RECONNECT = ("invalid vendor ip", "not allowed to use this api", "invalid credentials", "unauthorized", "authentication")


def error_of(text: str, status: int | None = None) -> AdapterError:
    """What ``isError: true`` with these messages means for the call as a whole."""
    if "invalid vendor ip" in text.lower():
        return NeedsReconnect(f"eMAG does not allow our address: add it to the allowed IPs of your eMAG account ({text})", status=status)
    if any(words in text.lower() for words in RECONNECT):
        return NeedsReconnect(f"eMAG refuses the user: check name, password and API rights ({text})", status=status)
    return Refused(f"eMAG refused the call: {text or 'no reason given'}", code="is_error", status=status)


def parse_envelope(reply: Reply) -> Envelope:
    """The envelope of a good reply. Raises what ``isError: true`` means, and what ``Reply.decode`` raises without ``isError``."""
    envelope = reply.decode(Envelope)
    if envelope.is_error:
        raise error_of(say([envelope.messages, envelope.errors]), reply.status)
    return envelope


_listed_rows = msgspec.json.Decoder(list[msgspec.Raw])
_keyed_rows = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parse_rows(envelope: Envelope) -> list[bytes]:
    """The objects of a read, each untouched. ``results`` may be a list, an object of objects, or the one object itself."""
    body = bytes(envelope.results).strip()
    if body.startswith(b"["):
        return [bytes(raw) for raw in _listed_rows.decode(body)]
    if body.startswith(b"{"):
        rows = [bytes(raw) for raw in _keyed_rows.decode(body).values()]
        return rows if all(row.lstrip().startswith(b"{") for row in rows) else [body]
    raise Unintelligible(f"'results' is not a list: {body[:40]!r}")


# --- request bodies -----------------------------------------------------------------------------------------------------------------------

_encoder = msgspec.json.Encoder(decimal_format="number")


def build_read(filters: Mapping[str, object]) -> bytes:
    """The body of a read or count: filters and paging at top level. Inside ``data`` they are ignored and everything comes back."""
    return _encoder.encode(filters)


def build_save(rows: Sequence[object], wrapped: bool = False) -> bytes:
    """The body of a save: always a list. The document says "a ``data`` key is mandatory" (1.2) and shows bare lists
    in its newer examples. This is the only place that knows.
    """
    return _encoder.encode({"data": rows} if wrapped else rows)


# --- offers -------------------------------------------------------------------------------------------------------------------------------


class WarehouseStock(msgspec.Struct):
    warehouse_id: int
    value: int


class OfferSave(msgspec.Struct, omit_defaults=True):
    """One entity of ``offer/save`` (2.6.2): only what is to change."""

    id: int
    stock: list[WarehouseStock] = []
    sale_price: Decimal | None = None
    min_sale_price: Decimal | None = None
    max_sale_price: Decimal | None = None
    currency_type: str = ""


class ItemResult(msgspec.Struct):
    """Result of one entity under an envelope whose own ``isError`` is false (example "offer update")."""

    is_error: bool = msgspec.field(name="isError")
    messages: object = None


class Check(msgspec.Struct):
    """A ``validation_status`` or ``offer_validation_status`` (2.8)."""

    value: Num = None


class ListedOffer(msgspec.Struct):
    """What we read of ``product_offer/read`` (2.8)."""

    id: int
    part_number: Num = None
    part_number_key: str | None = None
    name: str | None = None
    sale_price: Num = None
    currency: str | None = None
    ean: msgspec.Raw = NO_RAW
    general_stock: Num = None
    estimated_stock: Num = None
    status: Num = None
    validation_status: msgspec.Raw = NO_RAW
    offer_validation_status: msgspec.Raw = NO_RAW


_listed = msgspec.json.Decoder(ListedOffer, strict=False)
_checks = Many(Check)

SELLABLE, REJECTED, WAITING = {3, 9, 11, 12}, {5, 6, 8, 10}, {0, 1, 2, 4}
"""Values of ``validation_status`` (table in 2.8)."""


def offer_id(ref: OfferRef) -> int | None:
    """Our integer key of the offer; None if the ref holds none that eMAG could know (1..16777215)."""
    text = ref.external_id
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 8 else 0
    return number if 1 <= number <= MAX_OFFER_ID else None


def bad_offer_id(ref: OfferRef) -> Rejected:
    return Rejected("offer_id", f"offer {ref.sku!r}: eMAG's key is a number from 1 to {MAX_OFFER_ID}, not {ref.external_id!r}")


class StockBatch:
    """Rows of ``offer/save`` for stock, one per offer id, and the refusals that need no call."""

    def __init__(self, intents: Iterable[StockIntent], warehouse_id: int) -> None:
        self.rows: dict[int, OfferSave] = {}
        self.refused: dict[OfferRef, Rejected] = {}
        for intent in intents:
            self._add(intent, warehouse_id)

    def _add(self, intent: StockIntent, warehouse_id: int) -> None:
        number = offer_id(intent.ref)
        if number is None:
            self.refused[intent.ref] = bad_offer_id(intent.ref)
        elif not 0 <= intent.quantity <= MAX_STOCK:
            self.refused[intent.ref] = Rejected("stock_range", f"eMAG takes stock from 0 to {MAX_STOCK}, not {intent.quantity}")
        elif intent.warehouse and not intent.warehouse.isdigit():
            self.refused[intent.ref] = Rejected("warehouse", f"an eMAG warehouse is a number, not {intent.warehouse!r}")
        else:
            place = WarehouseStock(int(intent.warehouse or warehouse_id), intent.quantity)
            row = self.rows.setdefault(number, OfferSave(number))
            # The last word on a warehouse counts, as it would with two calls.
            row.stock = [*(other for other in row.stock if other.warehouse_id != place.warehouse_id), place]


def build_price(intent: PriceIntent, site_currency: str) -> OfferSave | Rejected:
    """The row of ``offer/save`` for a price without VAT, or why it cannot be sent."""
    number = offer_id(intent.ref)
    if number is None:
        return bad_offer_id(intent.ref)
    currency = intent.price.currency
    if currency not in {site_currency, "EUR", "PLN"}:
        return Rejected("currency", f"this eMAG platform takes prices in {site_currency}, EUR or PLN, not {currency}")
    limits = [money for money in (intent.minimum, intent.maximum) if money is not None]
    if any(money.currency != currency for money in limits):
        return Rejected("currency", "price, minimum and maximum must be in one currency")
    for money in (intent.price, *limits):
        if money.amount <= 0 or money.amount != round(money.amount, 4):
            return Rejected("price_form", f"eMAG takes prices above zero with up to four decimals, not {money.amount}")
    return OfferSave(
        number,
        sale_price=intent.price.amount,
        min_sale_price=intent.minimum.amount if intent.minimum else None,
        max_sale_price=intent.maximum.amount if intent.maximum else None,
        currency_type="" if currency == site_currency else currency,
    )


_results = msgspec.json.Decoder(dict[str, ItemResult])


def parse_saved(envelope: Envelope, wanted: Iterable[int]) -> dict[int, ItemResult]:
    """Result of every wanted id. If one is missing nobody knows what became of it: OutcomeUnknown."""
    found: dict[str, ItemResult] = {}
    if bytes(envelope.results).strip().startswith(b"{"):
        try:
            found = _results.decode(envelope.results)
        except msgspec.DecodeError as error:
            raise unreadable(f"offer/save: 'results' is not what the contract says: {error}", writes=True) from error
    missing = [number for number in wanted if str(number) not in found]
    if missing:
        raise unreadable(f"offer/save answered without the offers {missing[:10]}", writes=True)
    return {int(number): result for number, result in found.items() if number.isdigit()}


def refusal_of(result: ItemResult) -> Rejected:
    """eMAG's refusal of one offer, with a code for the cases that people must tell apart."""
    text = say(result.messages) or "no reason given"
    words = text.lower()
    code = next((code for code in ("campaign", "min_sale_price", "max_sale_price", "stock", "price") if code in words), "refused")
    return Rejected(code, text)


def parse_offer(raw: bytes) -> ListedOffer:
    return _listed.decode(raw)


def offer_ref(listed: ListedOffer) -> OfferRef:
    return OfferRef(str(listed.part_number or ""), str(listed.id))


def offer_status(listed: ListedOffer) -> OfferStatus:
    """Section 2.8: sellable are validation 3, 9, 11, 12 with an accepted price and status 1."""
    status, valid = whole(listed.status), [whole(check.value) for check in _checks(listed.validation_status)]
    price = [whole(check.value) for check in _checks(listed.offer_validation_status)]
    if status in {0, 2}:
        return OfferStatus.INACTIVE
    if 2 in price or any(value in REJECTED for value in valid):
        return OfferStatus.BLOCKED
    if any(value in WAITING for value in valid):
        return OfferStatus.PENDING
    if status == 1 and valid and all(value in SELLABLE for value in valid) and set(price) <= {1}:
        return OfferStatus.LIVE
    return OfferStatus.UNKNOWN


def offer_price(listed: ListedOffer, currency: str) -> Money | None:
    price = amount(listed.sale_price)
    return None if price is None else Money(price, listed.currency or currency)


def state_of(listed: ListedOffer, ref: OfferRef, currency: str) -> OfferState:
    """``quantity`` is ``general_stock``, the figure that a save overwrites; ``reserved`` is what waits in orders not yet acknowledged."""
    general, estimated = whole(listed.general_stock), whole(listed.estimated_stock)
    reserved = None if general is None or estimated is None else max(general - estimated, 0)
    return OfferState(ref, general, offer_price(listed, currency), reserved, offer_status(listed))


def remote_offer(listed: ListedOffer, currency: str) -> RemoteOffer:
    return RemoteOffer(
        ref=offer_ref(listed),
        title=listed.name or "",
        status=offer_status(listed),
        gtins=tuple(_texts(msgspec.json.decode(listed.ean))),
        channel_ids={"part_number_key": listed.part_number_key} if listed.part_number_key else {},
        quantity=whole(listed.general_stock),
        price=offer_price(listed, currency),
    )


def parse_offers(envelope: Envelope, currency: str) -> tuple[list[RemoteOffer], list[Parked]]:
    """Offers of one page; what cannot be understood is parked with its reason."""
    offers: list[RemoteOffer] = []
    parked: list[Parked] = []
    for body in parse_rows(envelope):
        try:
            offers.append(remote_offer(parse_offer(body), currency))
        except (msgspec.DecodeError, ValueError) as error:
            parked.append(Parked(id_of(body), f"offer not understood: {error}", body))
    return offers, parked


class _Keyed(msgspec.Struct):
    id: Num = None


def id_of(raw: bytes) -> str:
    """The id of an object that could not be read otherwise; "" if even that fails."""
    try:
        return str(msgspec.json.decode(raw, type=_Keyed).id or "")
    except msgspec.DecodeError:
        return ""
