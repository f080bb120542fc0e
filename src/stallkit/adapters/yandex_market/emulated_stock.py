"""The emulated Market's warehouses, figures, catalogue and prices."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

import msgspec

from stallkit.adapters.yandex_market.replies import Json, SaidNo, cut_page, objects, ok, read_json, texts, whole
from stallkit.testing.emulator import Emulator, Fault, QuantityChange, ShopOffer, ShopOrder, WireReply, WireRequest

BUSINESS = 900_001
FBS, DBS = 21_000_001, 21_000_002
LONG_AGO = datetime.min.replace(tzinfo=UTC)
VISIBLE_AFTER = timedelta(seconds=2)


@dataclass(slots=True)
class Coming:
    """A figure that the Market has taken in and does not show yet. Orders placed meanwhile lower it."""

    due: datetime
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Warehouse:
    id: int
    name: str
    campaign: int
    model: str
    availability: str = "AVAILABLE"
    group: str = ""


WAREHOUSES = (
    Warehouse(30_001, "Khimki", FBS, "FBS"),
    Warehouse(30_002, "Tver", DBS, "DBS"),
    Warehouse(30_003, "Kaluga", FBS, "FBS", "DISABLED_BY_INACTIVITY"),
)
GROUPED = (
    Warehouse(30_001, "Khimki", FBS, "FBS", group="Moscow"),
    Warehouse(30_002, "Tver", DBS, "DBS", group="Moscow"),
    Warehouse(30_004, "Kazan", 21_000_004, "FBS"),
)


@dataclass
class Figures:
    """What the Market knows about figures beyond those that buyers see (``Emulator.offers``), which are the first warehouse's."""

    reserved: dict[str, int] = field(default_factory=dict)
    told_at: dict[str, datetime] = field(default_factory=dict)
    elsewhere: dict[tuple[int, str], int] = field(default_factory=dict)
    coming: deque[Coming] = field(default_factory=deque)
    """Oldest first."""
    busy: dict[str, tuple[datetime, str]] = field(default_factory=dict)


class Stocks(Emulator):
    """Routes and hooks for the Market's emulator. ``visible_after`` is how long a figure takes to the window (really up to 15 minutes).

    ``drops_late_figures``: a figure that was true before the last one is dropped in silence (nobody has tried that on a live account).
    ``names_bad_skus``: the refusal of a batch says which SKU is to blame.
    ``prices_per_shop``: the cabinet lets shops have prices of their own.
    """

    warehouses: tuple[Warehouse, ...] = WAREHOUSES
    drops_late_figures = True
    names_bad_skus = True
    prices_per_shop = True

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.visible_after = VISIBLE_AFTER * limits_scale
        self.figures = Figures()

    @property
    def home(self) -> Warehouse:
        """The warehouse whose figures buyers see and orders are served from."""
        return self.warehouses[0]

    # --- how figures behave -------------------------------------------------------------------------------------------------------------

    def order_placed(self, order: ShopOrder) -> None:
        """A new order moves its units from AVAILABLE to FREEZE."""
        self.show_what_is_due()
        for line in order.lines:
            self.move_reserve(line.sku, line.ordered)
            self._lower_coming(line.sku, line.ordered)
            self.change_quantity(line.sku, -line.ordered, "sale", order.order_id)

    def move_reserve(self, sku: str, units: int) -> None:
        self.figures.reserved[sku] = max(self.figures.reserved.get(sku, 0) + units, 0)

    def put_back(self, sku: str, units: int, order_id: str) -> None:
        """Units of an order that was cancelled before it was packed are for sale again."""
        self.show_what_is_due()
        self._lower_coming(sku, -units)
        if sku in self.offers:
            self.change_quantity(sku, units, "cancel", order_id)

    def _lower_coming(self, sku: str, units: int) -> None:
        for coming in self.figures.coming:
            if coming.sku == sku:
                coming.quantity = max(coming.quantity - units, 0)

    def take_figure(self, sku: str, quantity: int, told_at: datetime) -> None:
        """A pushed figure: kept if it is not older than what is known, and shown some time later."""
        if self.drops_late_figures and told_at < self.figures.told_at.get(sku, LONG_AGO):
            self.mislaid[sku] = self.clock()
            return
        self.figures.told_at[sku] = told_at
        if self.mislays(sku, quantity):
            return
        self.figures.coming.append(Coming(self.clock() + self.visible_after, sku, quantity))
        self.show_what_is_due()

    def show_what_is_due(self) -> None:
        """Whoever looks finds every figure that is due, and the diary says since when buyers could have seen it."""
        with self.lock:
            now, waiting = self.clock(), self.figures.coming
            while waiting and waiting[0].due <= now:
                due = waiting.popleft()
                if (offer := self.offers.get(due.sku)) is not None:
                    before, offer.quantity = offer.quantity, due.quantity
                    self.diary.append(QuantityChange(due.due, due.sku, before, due.quantity, "push"))

    @property
    def has_late_pushes(self) -> bool:
        return super().has_late_pushes or bool(self.figures.coming)

    def land_late(self) -> None:
        self.show_what_is_due()
        super().land_late()

    def settle(self) -> None:
        self.show_what_is_due()

    def quantity_of(self, sku: str) -> int:
        self.show_what_is_due()
        return super().quantity_of(sku)

    def kept_of(self, sku: str) -> int:
        with self.lock:
            coming = [one.quantity for one in self.figures.coming if one.sku == sku]
            return coming[-1] if coming else super().kept_of(sku)

    def edit_quantity(self, sku: str, quantity: int) -> None:
        """Somebody types a figure into the cabinet: it holds at once, and whatever was under way is older."""
        with self.lock:
            self.show_what_is_due()
            self.figures.coming = deque(coming for coming in self.figures.coming if coming.sku != sku)
            self.figures.told_at[sku] = self.clock()
        super().edit_quantity(sku, quantity)

    def put_elsewhere(self, sku: str, quantity: int) -> None:
        self.figures.elsewhere[self.warehouses[1].id, sku] = quantity

    def state(self) -> object:
        return repr((super().state(), self.figures.reserved, self.figures.told_at, self.figures.elsewhere, self.figures.coming))

    # --- warehouses ---------------------------------------------------------------------------------------------------------------------

    def show_warehouses(self, request: WireRequest, _: str) -> WireReply:
        """v3: single warehouses only, those of a group are not shown."""
        rows = [(one.id, one) for one in self.warehouses if not one.group]
        page, paging = cut_page(rows, request, min(self.offers_per_page, 30))
        return ok({"warehouses": [_show_single(one) for one in page], "paging": paging})

    def show_shop_warehouses(self, request: WireRequest, _: str) -> WireReply:
        page, paging = cut_page([(one.id, one) for one in self.warehouses], request, min(self.offers_per_page, 30))
        return ok({"warehouses": [_show_member(one, self.warehouses) for one in page], "paging": paging})

    @property
    def has_groups(self) -> bool:
        return any(one.group for one in self.warehouses)

    # --- figures on the wire ------------------------------------------------------------------------------------------------------------

    def take_stock(self, request: WireRequest, _: str) -> WireReply:
        """v3: all items or none."""
        if self.has_groups:
            raise SaidNo(400, "BAD_REQUEST", "The method is not for cabinets with warehouse groups")
        items = objects(read_json(request).get("skuItems"))
        pairs = [(str(item.get("sku", "")).strip(), whole(item.get("partnerWarehouseId"), "partnerWarehouseId", 1)) for item in items]
        _check_pairs(pairs)
        if strange := {number for _, number in pairs} - {one.id for one in self.warehouses}:
            raise SaidNo(400, "BAD_REQUEST", f"Unknown warehouse {min(strange)}")
        self._take(list(zip(pairs, items, strict=True)))
        return ok()

    def take_shop_stock(self, request: WireRequest, campaign: str) -> WireReply:
        """v2: by shop; the figure of one warehouse of a group is that of all."""
        place = self._of_shop(campaign)
        skus = objects(read_json(request).get("skus"))
        pairs = [(str(item.get("sku", "")).strip(), self._leader(place)) for item in skus]
        _check_pairs(pairs)
        figures = [(objects(item.get("items")) or [{}])[0] for item in skus]
        self._take(list(zip(pairs, figures, strict=True)))
        return ok()

    def _of_shop(self, campaign: str) -> Warehouse:
        found = next((one for one in self.warehouses if str(one.campaign) == campaign), None)
        if found is None:
            raise SaidNo(404, "NOT_FOUND", f"Shop {campaign} not found")
        if not self.has_groups:
            raise SaidNo(423, "LOCKED", "The method is only for cabinets with warehouse groups")
        return found

    def _leader(self, place: Warehouse) -> int:
        return min(one.id for one in self.warehouses if one is place or (place.group and one.group == place.group))

    def _take(self, items: list[tuple[tuple[str, int], dict[str, object]]]) -> None:
        bad = {sku: why for (sku, _), _ in items if (why := self._why_not(sku))}
        if bad:
            raise SaidNo(400, "BAD_REQUEST", "; ".join(f"{sku} : {why}" if self.names_bad_skus else why for sku, why in bad.items()))
        read = [(sku, number, whole(item.get("count"), "count"), self._told_at(item)) for (sku, number), item in items]
        for sku, number, count, told_at in read:
            if number == self.home.id:
                self.take_figure(sku, count, told_at)
            else:
                self.figures.elsewhere[number, sku] = count

    def _told_at(self, item: dict[str, object]) -> datetime:
        text = item.get("updatedAt")
        try:
            return datetime.fromisoformat(str(text)).astimezone(UTC) if text is not None else self.clock()
        except ValueError as error:
            raise SaidNo(400, "BAD_REQUEST", f"updatedAt {text!r} is not a date with time and offset") from error

    def _why_not(self, sku: str) -> str:
        """Why this SKU refuses its batch. One that is busy by chance stays so for a moment, whoever asks."""
        if sku not in self.offers:
            return "Offer not found"
        kept = self.figures.busy.get(sku)
        if kept is None or kept[0] < self.clock() - timedelta(seconds=1):
            kept = self.figures.busy[sku] = (self.clock(), self.refusal(sku))
        return self.offers[sku].refuse_stock or kept[1]

    def show_stock(self, request: WireRequest, _: str) -> WireReply:
        if self.has_groups:
            raise SaidNo(400, "BAD_REQUEST", "The method is not for cabinets with warehouse groups")
        body = read_json(request)
        number = whole(body.get("partnerWarehouseId"), "partnerWarehouseId", 1)
        if number not in {one.id for one in self.warehouses}:
            raise SaidNo(404, "NOT_FOUND", f"Warehouse {number} not found")
        return ok({"partnerWarehouseId": number, "offers": self._show_figures(body, number), "paging": {}})

    def show_shop_stock(self, request: WireRequest, campaign: str) -> WireReply:
        place = self._of_shop(campaign)
        offers = self._show_figures(read_json(request), self._leader(place))
        return ok({"warehouses": [{"warehouseId": place.id, "offers": offers}], "paging": {}})

    def _show_figures(self, body: dict[str, object], number: int) -> list[Json]:
        wanted = [sku.strip() for sku in texts(body.get("offerIds"))]
        if len(wanted) > 500 or len(set(wanted)) < len(wanted):
            raise SaidNo(400, "BAD_REQUEST", "offerIds must hold at most 500 different SKUs")
        return [self._show_figure(self.offers[sku], number) for sku in wanted if sku in self.offers]

    def _show_figure(self, offer: ShopOffer, number: int) -> Json:
        free = offer.quantity if number == self.home.id else self.figures.elsewhere.get((number, offer.sku), 0)
        frozen = self.figures.reserved.get(offer.sku, 0) if number == self.home.id else 0
        stocks = [{"type": "FIT", "count": free + frozen}, {"type": "AVAILABLE", "count": free}, {"type": "FREEZE", "count": frozen}]
        told = self.figures.told_at.get(offer.sku, self.clock())
        return {"offerId": offer.sku, "stocks": [] if self.fault is Fault.UNTOLD else stocks, "updatedAt": told.isoformat()}

    # --- catalogue and prices -----------------------------------------------------------------------------------------------------------

    def show_offers(self, request: WireRequest, _: str) -> WireReply:
        rows = [(number, offer) for number, offer in enumerate(self.offers.values(), start=1)]
        wanted = texts(read_json(request).get("offerIds"))
        page, paging = cut_page(rows, request, min(self.offers_per_page, 100))
        if wanted:
            page, paging = [self.offers[sku] for sku in wanted if sku in self.offers], {}
        spoil = self.fault is Fault.UNKNOWN_ENUM
        shown = [self._show_offer(offer, spoil=spoil and number == 0) for number, offer in enumerate(page)]
        return ok({"offerMappings": shown, "paging": paging})

    def _show_offer(self, offer: ShopOffer, *, spoil: bool) -> Json:
        status = "TELEPORTED" if spoil else "PUBLISHED" if offer.live else "DISABLED_BY_PARTNER"
        told: dict[str, object] = {
            "offerId": offer.sku,
            "name": offer.title,
            "basicPrice": {"value": number_of(offer.price), "currencyId": "RUR", "updatedAt": self.clock().isoformat()},
            "cardStatus": "HAS_CARD_CAN_NOT_UPDATE",
            "campaigns": [{"campaignId": self.home.campaign, "status": status}],
            "archived": False,
        }
        return {"offer": {**told, "barcodes": [offer.gtin]} if offer.gtin else told, "mapping": {"marketSku": 100_000_000 + len(offer.sku)}}

    def take_shop_prices(self, request: WireRequest, campaign: str) -> WireReply:
        if not self.prices_per_shop:
            raise SaidNo(423, "LOCKED", f"Shop {campaign} has no prices of its own, use the prices of the cabinet")
        return self.take_prices(request, campaign)

    def take_prices(self, request: WireRequest, _: str) -> WireReply:
        """All items or none."""
        items = objects(read_json(request).get("offers"))
        if not items or len(items) > 500:
            raise SaidNo(400, "BAD_REQUEST", f"{len(items)} offers; from 1 to 500 are allowed")
        bad = {sku: why for item in items if (why := self._price_refused(sku := str(item.get("offerId")).strip(), item))}
        if bad:
            raise SaidNo(400, "BAD_REQUEST", "; ".join(f"{sku} : {why}" for sku, why in bad.items()))
        for item in items:
            self.offers[str(item.get("offerId")).strip()].price = price_of(item)
        return ok()

    def _price_refused(self, sku: str, item: dict[str, object]) -> str:
        if sku not in self.offers:
            return "Offer not found"
        return self.offers[sku].refuse_price or ("" if price_of(item) > 0 else "The price must be a positive number of roubles")


def _check_pairs(pairs: list[tuple[str, int]]) -> None:
    if not pairs or len(pairs) > 2_000:
        raise SaidNo(400, "BAD_REQUEST", f"{len(pairs)} items; from 1 to 2000 are allowed")
    if len(set(pairs)) < len(pairs):
        raise SaidNo(400, "BAD_REQUEST", "Pairs of sku and warehouse must be different")


def _show_single(one: Warehouse) -> Json:
    return {"id": one.id, "name": one.name, "models": [{"placementType": one.model, "apiAvailability": one.availability}]}


def _show_member(one: Warehouse, all_of_them: tuple[Warehouse, ...]) -> Json:
    told: dict[str, object] = {"id": one.id, "name": one.name, "campaignId": one.campaign, "express": one.model == "EXPRESS"}
    groups = sorted({other.group for other in all_of_them if other.group})
    group = {"groupInfo": {"id": groups.index(one.group) + 1, "name": one.group}} if one.group else {}
    return {**told, **group, "status": {"status": "OTHER"}}


def number_of(amount: Decimal) -> msgspec.Raw:
    """The amount as a JSON number, digit by digit."""
    return msgspec.Raw(format(amount, "f").encode())


def price_of(item: dict[str, object]) -> Decimal:
    """The price in an item of a price call; -1 where it is not one in roubles."""
    price = item.get("price")
    if not isinstance(price, dict) or price.get("currencyId") != "RUR":
        return Decimal(-1)
    try:
        return Decimal(str(price.get("value")))
    except InvalidOperation:
        return Decimal(-1)
