"""Prices: sent for whole cards, worked on there, asked about later (02).

A price is what buyers pay, so each upload sets it with a discount of 0: a price with a discount of the seller's own would have to be
divided and rounded. Cards are known by ``nmID``, offers by their size: which card a size belongs to is read from the list of goods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from stallkit.adapters.wildberries.calls import Calls
from stallkit.adapters.wildberries.manifest import PRICES, PRICES_HOST
from stallkit.adapters.wildberries.memory import Memory
from stallkit.adapters.wildberries.wire import is_number, sku_of
from stallkit.errors import Unintelligible
from stallkit.types import Accepted, OfferRef, Outcome, Outcomes, Pending, PriceIntent, Rejected, TicketResult

PAGE = 1_000
"""02: goods in one page, and in one question by card number."""
CANCELLED, WORKED = 4, {3, 4, 5, 6}
"""``status`` of an upload: without errors, cancelled, with some, with nothing but errors."""
GOOD_TAKEN = 2


class Size(msgspec.Struct):
    sizeID: int  # noqa: N815 - as on the wire
    discountedPrice: Decimal  # noqa: N815
    techSizeName: str  # noqa: N815


class Good(msgspec.Struct):
    nmID: int  # noqa: N815 - as on the wire
    vendorCode: str  # noqa: N815
    sizes: tuple[Size, ...]
    currencyIsoCode4217: str  # noqa: N815
    discount: int = 0

    def refs(self) -> tuple[OfferRef, ...]:
        """Its offers, called as the list of cards calls them."""
        return tuple(OfferRef(sku_of(self.vendorCode, size.techSizeName, len(self.sizes)), str(size.sizeID)) for size in self.sizes)

    def costs(self, price: Decimal) -> bool:
        """Whether buyers pay this already, for every size."""
        return all(size.discountedPrice == price for size in self.sizes)


class Goods(msgspec.Struct):
    listGoods: tuple[Good, ...]  # noqa: N815 - as on the wire


class GoodsPage(msgspec.Struct):
    data: Goods


class Uploaded(msgspec.Struct):
    id: int


class UploadReply(msgspec.Struct):
    data: Uploaded


class State(msgspec.Struct):
    status: int


class StateReply(msgspec.Struct):
    """``data`` is null as long as the upload is not worked off."""

    data: State | None


class Done(msgspec.Struct):
    nmID: int  # noqa: N815 - as on the wire
    status: int
    vendorCode: str = ""  # noqa: N815
    errorText: str | None = None  # noqa: N815


class History(msgspec.Struct):
    historyGoods: tuple[Done, ...] | None = None  # noqa: N815 - as on the wire


class HistoryReply(msgspec.Struct):
    data: History | None


class Prices:
    def __init__(self, calls: Calls, memory: Memory) -> None:
        self._calls, self._memory = calls, memory

    # --- sending ------------------------------------------------------------------------------------------------------------------------

    def submit(self, intents: Sequence[PriceIntent]) -> Outcomes:
        """One upload for all that has to change. What buyers pay already is Accepted at once: an upload of nothing new is refused."""
        outcomes: dict[OfferRef, Outcome] = {}
        for intent in intents:
            if (refused := unfit(intent)) is not None:
                outcomes[intent.ref] = refused
        left = [intent for intent in intents if intent.ref not in outcomes]
        self._learn(int(intent.ref.external_id) for intent in left)
        goods = self._goods({self._memory.sizes[size] for intent in left if (size := intent.ref.external_id) in self._memory.sizes})
        cards: dict[int, list[PriceIntent]] = {}
        for intent in left:
            good = goods.get(self._memory.sizes.get(intent.ref.external_id, 0))
            if good is None:
                outcomes[intent.ref] = Rejected("unknown_card", f"Wildberries has no card on sale with size {intent.ref.external_id}")
            elif good.currencyIsoCode4217 != intent.price.currency:
                told = f"Wildberries has the prices of card {good.nmID} in {good.currencyIsoCode4217}, not in {intent.price.currency}"
                outcomes[intent.ref] = Rejected("currency", told)
            else:
                cards.setdefault(good.nmID, []).append(intent)
        return outcomes | self._send(goods, cards)

    def _send(self, goods: Mapping[int, Good], cards: Mapping[int, Sequence[PriceIntent]]) -> dict[OfferRef, Outcome]:
        outcomes: dict[OfferRef, Outcome] = {}
        items: list[dict[str, object]] = []
        sent: list[OfferRef] = []
        for nm, members in cards.items():
            prices = {intent.price.amount for intent in members}
            refs = [intent.ref for intent in members]
            price = min(prices)
            if len(prices) > 1:
                outcomes |= dict.fromkeys(refs, Rejected("one_price_per_card", f"all sizes of card {nm} cost the same at Wildberries"))
            elif goods[nm].costs(price):
                outcomes |= dict.fromkeys(refs, Accepted())
            else:
                items.append({"nmID": nm, "price": int(price), "discount": 0})
                sent += refs
        return outcomes | dict.fromkeys(sent, self._upload(items)) if items else outcomes

    def _upload(self, items: Sequence[Mapping[str, object]]) -> Outcome:
        """One like the last is answered with 208 and its number: repeating after a lost reply is harmless."""
        reply = self._calls.write("POST", "/api/v2/upload/task", PRICES, host=PRICES_HOST, json={"data": list(items)})
        return Pending(str(reply.decode(UploadReply).data.id))

    # --- which card a size is on --------------------------------------------------------------------------------------------------------

    def _learn(self, sizes: Iterable[int]) -> None:
        """Read the list of goods on, from where it was left, until the cards of all these sizes are known, or to its end."""
        wanted = {str(size) for size in sizes}
        begun = self._memory.goods_read
        while not wanted <= self._memory.sizes.keys():
            if self._read_on():
                continue
            if not begun:
                return
            begun = 0  # the list has moved since its beginning was read

    def _read_on(self) -> bool:
        """A page of the list. False at its end, from where it begins anew."""
        params = {"limit": str(PAGE), "offset": str(self._memory.goods_read)}
        page = self._calls.read("GET", "/api/v2/list/goods/filter", PRICES, host=PRICES_HOST, params=params).decode(GoodsPage)
        goods = page.data.listGoods
        self._memory.sizes |= {str(size.sizeID): good.nmID for good in goods for size in good.sizes}
        self._memory.goods_read = self._memory.goods_read + PAGE if len(goods) == PAGE else 0
        return len(goods) == PAGE

    def _goods(self, cards: Iterable[int]) -> dict[int, Good]:
        numbers = sorted(cards)
        if not numbers:
            return {}
        reply = self._calls.read("POST", "/api/v2/list/goods/filter", PRICES, host=PRICES_HOST, json={"nmList": numbers})
        return {good.nmID: good for good in reply.decode(GoodsPage).data.listGoods}

    # --- asking what became of it -------------------------------------------------------------------------------------------------------

    def resolve(self, ticket: str) -> TicketResult:
        params = {"uploadID": ticket}
        state = self._calls.read("GET", "/api/v2/history/tasks", PRICES, host=PRICES_HOST, params=params).decode(StateReply).data
        if state is None:
            return TicketResult(done=False)
        if state.status not in WORKED:
            raise Unintelligible(f"upload {ticket}: status {state.status} is not known")
        history = self._history(ticket)
        goods = self._goods({one.nmID for one in history})
        outcomes: dict[OfferRef, Outcome] = {}
        for one in history:
            good = goods.get(one.nmID)
            refs = good.refs() if good is not None else (OfferRef(one.vendorCode),)
            outcomes |= dict.fromkeys(refs, outcome_of(one, cancelled=state.status == CANCELLED))
        return TicketResult(True, outcomes)

    def _history(self, ticket: str) -> list[Done]:
        found: list[Done] = []
        while True:
            params = {"limit": str(PAGE), "offset": str(len(found)), "uploadID": ticket}
            reply = self._calls.read("GET", "/api/v2/history/goods/task", PRICES, host=PRICES_HOST, params=params).decode(HistoryReply)
            page = (reply.data.historyGoods if reply.data is not None else None) or ()
            found += page
            if len(page) < PAGE:
                return found


def unfit(intent: PriceIntent) -> Rejected | None:
    """Why a price cannot be sent at all; one such item would have the whole upload refused."""
    if not is_number(intent.ref.external_id):
        return Rejected("no_size", f"{intent.ref.sku} has no Wildberries size number (chrtId): link it anew")
    if intent.price.amount != intent.price.amount.to_integral_value() or intent.price.amount <= 0:
        return Rejected("whole_number", f"Wildberries takes prices in whole {intent.price.currency} above zero, not {intent.price.amount}")
    return None


def outcome_of(one: Done, *, cancelled: bool) -> Outcome:
    """A price that is several times lower than the old one waits in quarantine: refused, until a person lets it out there."""
    if cancelled:
        return Rejected("cancelled", "Wildberries has cancelled the upload")
    return Accepted() if one.status == GOOD_TAKEN else Rejected("price", one.errorText or f"refused with status {one.status}")
