"""Warehouses, cards and stock on the wire (02), and our words for them. Pure.

A card holds sizes; what is bought and counted is a size, known by its number ``chrtId`` (``chrtID`` in cards, ``sizeID`` in prices).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from stallkit.types import (
    NotNow,
    OfferRef,
    OfferStatus,
    Outcome,
    Parked,
    Rejected,
    RemoteOffer,
    RemoteWarehouse,
    StockIntent,
)

MOST = 100_000
SCHEMES = {1: "fbs", 2: "dbs", 3: "dbw", 5: "pickup", 6: "edbs"}
"""Values of ``deliveryType``: Wildberries delivers (FBS), the seller, Wildberries' courier, the buyer fetches, the seller at once."""


BY_SELLER = {"dbs", "edbs"}


class UnknownWord(ValueError):
    """A value that no document lists, where guessing would cost stock."""


def is_number(text: str) -> bool:
    """Whether a text can be one of Wildberries' numbers."""
    return text.isascii() and text.isdigit() and len(text) <= 18


# --- warehouses ---------------------------------------------------------------------------------------------------------------------------


class Warehouse(msgspec.Struct):
    id: int
    name: str
    deliveryType: int = 0  # noqa: N815 - as on the wire
    isProcessing: bool = False  # noqa: N815
    isDeleting: bool = False  # noqa: N815


def parse_warehouse(told: Warehouse, *, with_dbs: bool = False) -> RemoteWarehouse:
    """Only the scheme whose orders are read here can be used: figures for another one would be sold without our hearing of it."""
    scheme = SCHEMES.get(told.deliveryType, str(told.deliveryType))
    note = ""
    if told.isDeleting:
        note = "Wildberries is deleting this warehouse."
    elif told.isProcessing:
        note = "Wildberries is working on this warehouse and takes no figures for it. That may last some minutes."
    elif scheme in BY_SELLER and not with_dbs:
        note = "Orders that you deliver yourself are not read: change that in the connection's settings, or no figures are sent to it."
    elif scheme not in {"fbs", *BY_SELLER}:
        note = f"Orders of the scheme {scheme} are not read here, so no figures are sent to it."
    return RemoteWarehouse(str(told.id), told.name or str(told.id), scheme, usable=not note, note=note)


# --- cards --------------------------------------------------------------------------------------------------------------------------------


class Size(msgspec.Struct):
    chrtID: int  # noqa: N815 - as on the wire
    techSize: str = ""  # noqa: N815
    skus: tuple[str, ...] = ()


class Card(msgspec.Struct):
    nmID: int  # noqa: N815 - as on the wire
    vendorCode: str  # noqa: N815
    sizes: tuple[Size, ...]
    title: str = ""


class CardPlace(msgspec.Struct):
    """``updatedAt`` and ``nmID`` go back as they came; ``total`` is the number of cards of this page."""

    total: int
    updatedAt: str = ""  # noqa: N815 - as on the wire
    nmID: int = 0  # noqa: N815


class CardPage(msgspec.Struct):
    cards: tuple[msgspec.Raw, ...]
    cursor: CardPlace


class _Named(msgspec.Struct):
    nmID: object = ""  # noqa: N815 - as on the wire
    vendorCode: object = ""  # noqa: N815


def sku_of(vendor_code: str, size: str, sizes: int) -> str:
    """The seller's article; with its size where a card has several, for each of them is sold and counted by itself."""
    return f"{vendor_code}/{size}" if sizes > 1 else vendor_code


def parse_card(raw: bytes) -> tuple[RemoteOffer, ...]:
    """An offer per size. Cards in this list are on sale as soon as they have stock; those in the bin are in another one."""
    card = msgspec.json.decode(raw, type=Card)
    return tuple(_offer(card, size) for size in card.sizes)


def _offer(card: Card, size: Size) -> RemoteOffer:
    if size.chrtID <= 0 or not card.vendorCode:
        raise ValueError(f"card {card.nmID} has a size without a number or no article")
    ref = OfferRef(sku_of(card.vendorCode, size.techSize, len(card.sizes)), str(size.chrtID))
    named = card.title or card.vendorCode
    return RemoteOffer(
        ref,
        f"{named}, {size.techSize}" if len(card.sizes) > 1 else named,
        OfferStatus.LIVE,
        gtins=size.skus,
        codes=(card.vendorCode,),
        channel_ids={"nmID": str(card.nmID), "chrtID": str(size.chrtID)},
    )


def parse_cards(raws: Iterable[msgspec.Raw]) -> tuple[tuple[RemoteOffer, ...], tuple[Parked, ...]]:
    """Cards one by one: one that cannot be understood is parked, the others go on."""
    offers: list[RemoteOffer] = []
    parked: list[Parked] = []
    for raw in raws:
        body = bytes(raw)
        try:
            offers += parse_card(body)
        except ValueError as error:
            parked.append(Parked(_name_of(body), f"card not understood: {error}", body))
    return tuple(offers), tuple(parked)


def _name_of(body: bytes) -> str:
    try:
        named = msgspec.json.decode(body, type=_Named)
    except ValueError:
        return ""
    return str(named.nmID or named.vendorCode or "")


def build_cards_request(limit: int, place: CardPlace | None) -> dict[str, object]:
    """Oldest change first, all cards with or without photos (02, POST /content/v2/get/cards/list)."""
    cursor: dict[str, object] = {"limit": limit}
    if place is not None:
        cursor |= {"updatedAt": place.updatedAt, "nmID": place.nmID}
    return {"settings": {"sort": {"ascending": True}, "cursor": cursor, "filter": {"withPhoto": -1}}}


# --- stock --------------------------------------------------------------------------------------------------------------------------------


class Figure(msgspec.Struct):
    chrtId: int  # noqa: N815 - as on the wire
    amount: int


class Figures(msgspec.Struct):
    stocks: tuple[Figure, ...]


class _Item(msgspec.Struct):
    chrtId: int = 0  # noqa: N815 - as on the wire


class StockRefusal(msgspec.Struct):
    """One element of the array that a 409 of PUT /api/v3/stocks/{warehouseId} is; without ``data`` it is about the whole call."""

    code: str = ""
    message: str = ""
    data: tuple[_Item, ...] | None = None


BUSY = {"StoreIsProcessing", "WarehouseStocksUpdateBlock"}
"""Codes that say: nothing happened, the same call may go out in a while."""
BUSY_SECONDS = 30.0


def unfit(intent: StockIntent) -> Rejected | None:
    """Why a figure cannot be sent at all; one such item would have the whole call refused."""
    if not is_number(intent.ref.external_id):
        return Rejected("no_size", f"{intent.ref.sku} has no Wildberries size number (chrtId): link it anew")
    if not is_number(intent.warehouse):
        return Rejected(
            "no_warehouse", f"warehouse {intent.warehouse!r} is no number of a Wildberries warehouse: choose one for the channel"
        )
    if not 0 <= intent.quantity <= MOST:
        return Rejected("amount", f"Wildberries shows at most {MOST} units, not {intent.quantity}")
    return None


def build_stock(intents: Sequence[StockIntent]) -> dict[str, object]:
    """Field names are not checked there: a wrong one is answered with 204 and changes nothing (02)."""
    return {"stocks": [{"chrtId": int(intent.ref.external_id), "amount": intent.quantity} for intent in intents]}


def parse_refusals(refusals: Sequence[StockRefusal], refs: Sequence[OfferRef]) -> Mapping[OfferRef, Outcome]:
    """What became of the refused items. A refusal that names none of ours is about all of them."""
    found: dict[OfferRef, Outcome] = {}
    by_size = {ref.external_id: ref for ref in refs}
    for refusal in refusals:
        named = [by_size[str(item.chrtId)] for item in refusal.data or () if str(item.chrtId) in by_size]
        for ref in named or refs:
            found[ref] = outcome_of(refusal.code, refusal.message)
    return found or dict.fromkeys(refs, outcome_of("refused", "Wildberries refused the figures and did not say which"))


def outcome_of(code: str, message: str) -> Outcome:
    """A refusal in our words: "busy" is no refusal of the value."""
    return NotNow(BUSY_SECONDS, f"{message} ({code})") if code in BUSY else Rejected(code, message)
