"""Warehouses, products, figures and prices of the emulated account."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

import msgspec

from stallkit.adapters.ozon.emulated_wire import Row, SaidNo, answer, moment, read, read_place, show_place
from stallkit.testing.emulator import Emulator, Fault, ShopLine, ShopOffer, ShopOrder, WireReply, WireRequest

FBS, RFBS, CLOSED = "1020000000001000", "1020000000002000", "1020000000003000"
"""The account's warehouses: Ozon fetches, the seller delivers, paused."""
WAREHOUSE_OF = {"fbs": FBS, "rfbs": RFBS}
PAIR_PAUSE = timedelta(seconds=30)
PRICES_AN_HOUR = 10
FIRST_SKU, FIRST_PRODUCT = 1_904_686_181, 397_917_680
Handler = Callable[[WireRequest], WireReply]


class Limited(msgspec.Struct):
    limit: int = 0
    cursor: str = ""
    last_id: str = ""


class Ids(msgspec.Struct):
    offer_id: tuple[str, ...] = ()
    product_id: tuple[str, ...] = ()
    sku: tuple[str, ...] = ()
    limit: int = 1_000
    cursor: str = ""


class StockItem(msgspec.Struct):
    stock: int
    warehouse_id: int
    offer_id: str = ""
    product_id: int = 0


class StockWrite(msgspec.Struct):
    stocks: tuple[StockItem, ...]


class PriceItem(msgspec.Struct):
    price: str
    offer_id: str = ""
    currency_code: str = "RUB"


class PriceWrite(msgspec.Struct):
    prices: tuple[PriceItem, ...]


class Goods(Emulator):
    """``offers[…].quantity`` is what is free in the warehouse of ``scheme``; other warehouses are in ``elsewhere``."""

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.scheme = "fbs"
        self.reserved: dict[str, int] = {}
        """Units that Ozon keeps for orders, by offer."""
        self.elsewhere: dict[tuple[str, str], int] = {}
        """What is free in the other warehouses, by offer and warehouse."""
        self.numbers: dict[str, int] = {}
        """Ozon's SKU of each offer there ever was."""
        self.product_ids: dict[str, int] = {}
        self.written: dict[tuple[str, str], datetime] = {}
        self._repriced: dict[str, deque[datetime]] = {}

    def goods_routes(self) -> dict[str, Handler]:
        return {
            "/v2/warehouse/list": self.show_warehouses,
            "/v3/product/list": self.list_products,
            "/v3/product/info/list": self.show_products,
            "/v2/product/info/stocks-by-warehouse/fbs": self.show_stock,
            "/v2/products/stocks": self.write_stock,
            "/v1/product/import/prices": self.write_prices,
        }

    @property
    def warehouse(self) -> str:
        """The warehouse that orders are served from."""
        return WAREHOUSE_OF[self.scheme]

    # --- stock --------------------------------------------------------------------------------------------------------------------------

    def add_offer(
        self, sku: str, *, quantity: int = 0, price: str = "10.00", title: str = "", gtin: str = "", external_id: str = ""
    ) -> ShopOffer:
        with self.lock:
            self.numbers.setdefault(sku, FIRST_SKU + len(self.numbers))
            self.product_ids.setdefault(sku, FIRST_PRODUCT + len(self.product_ids))
            self.reserved.setdefault(sku, 0)
            return super().add_offer(sku, quantity=quantity, price=price, title=title, gtin=gtin, external_id=external_id)

    def put_elsewhere(self, sku: str, quantity: int) -> None:
        self.elsewhere[sku, RFBS if self.scheme == "fbs" else FBS] = quantity

    def new_external_id(self, sku: str) -> str:
        return str(self.numbers[sku])

    def present(self, sku: str) -> int:
        """All units that Ozon takes to lie in the warehouse: free and reserved."""
        return self.offers[sku].quantity + self.reserved[sku]

    def order_placed(self, order: ShopOrder) -> None:
        """At the order units move from free to reserved (Seller API, Reserve products)."""
        for line in order.lines:
            self.reserved[line.sku] += line.ordered
        super().order_placed(order)

    def cancel_units(self, order: ShopOrder, line: ShopLine, quantity: int) -> None:
        """Cancelled units go back from reserved to free (assumed: no document says it)."""
        if not quantity:
            return
        super().cancel_units(order, line, quantity)
        self.reserved[line.sku] -= quantity
        if line.sku in self.offers:
            self.change_quantity(line.sku, quantity, "cancel", order.order_id)

    def hand_over(self, order: ShopOrder) -> None:
        """All that is open leaves: out of the reserve, and out of ``present`` with it."""
        for line in order.lines:
            self.reserved[line.sku] -= line.open
            line.shipped += line.open
        order.modified_at = self.clock()
        order.extra["left_at"] = moment(order.modified_at)

    def reserve_for_company(self, sku: str, quantity: int) -> None:
        """A company orders and has not paid: units are reserved, and there is no posting to read (Seller API, Reserve products)."""
        with self.lock:
            self.reserved[sku] += quantity
            self.change_quantity(sku, -quantity, "sale")

    def release_for_company(self, sku: str, quantity: int) -> None:
        """The company never paid."""
        with self.lock:
            self.reserved[sku] -= quantity
            self.change_quantity(sku, quantity, "cancel")

    # --- reading ------------------------------------------------------------------------------------------------------------------------

    def show_warehouses(self, request: WireRequest) -> WireReply:
        """Two a page, so that there are two pages; the one that orders are served from comes first."""
        asked = read(request, Limited)
        if not 1 <= asked.limit <= 200:
            raise SaidNo(400, "Request validation error: limit must be between 1 and 200")
        rows = [
            {"warehouse_id": int(FBS), "name": "Moscow, Ozon fetches", "status": "created", "is_rfbs": False, "is_express": False},
            {"warehouse_id": int(RFBS), "name": "Moscow, own courier", "status": "created", "is_rfbs": True, "is_express": False},
            {"warehouse_id": int(CLOSED), "name": "Kazan", "status": "disabled_due_to_limit", "is_rfbs": False, "is_express": False},
        ]
        rows.sort(key=lambda row: row["warehouse_id"] != int(self.warehouse))
        start = int(read_place(asked.cursor)[0]) if asked.cursor else 0
        more = start + 2 < len(rows)
        return answer({"warehouses": rows[start : start + 2], "has_next": more, "cursor": show_place([str(start + 2)]) if more else ""})

    def list_products(self, request: WireRequest) -> WireReply:
        asked = read(request, Limited)
        if not 1 <= asked.limit <= 1_000:
            raise SaidNo(400, "Request validation error: limit must be between 1 and 1000")
        known = sorted((self.product_ids[sku], sku) for sku in self.offers)
        behind = int(read_place(asked.last_id)[0]) if asked.last_id else 0
        page = [row for row in known if row[0] > behind][: min(asked.limit, self.offers_per_page)]
        items = [{"product_id": number, "offer_id": sku, "archived": not self.offers[sku].live} for number, sku in page]
        last = show_place([str(page[-1][0])]) if page else ""
        return answer({"result": {"items": items, "total": len(known), "last_id": last}})

    def show_products(self, request: WireRequest) -> WireReply:
        asked = read(request, Ids)
        if not 1 <= len(asked.offer_id) + len(asked.product_id) + len(asked.sku) <= 1_000:
            raise SaidNo(400, "Request validation error: from 1 to 1000 identifiers")
        offers = self._asked(asked)
        spoil = self.fault is Fault.UNKNOWN_ENUM
        return answer({"items": [self._card(offer, spoil=spoil and number == 0) for number, offer in enumerate(offers)]})

    def _asked(self, asked: Ids) -> list[ShopOffer]:
        ids, skus = set(asked.product_id), set(asked.sku)
        names = set(asked.offer_id) | {name for name, number in self.product_ids.items() if str(number) in ids}
        names |= {name for name, number in self.numbers.items() if str(number) in skus}
        return [offer for name, offer in self.offers.items() if name in names]

    def _card(self, offer: ShopOffer, *, spoil: bool) -> Row:
        stocks = {"sku": self.numbers[offer.sku], "source": "fbs", "present": self.present(offer.sku), "reserved": self.reserved[offer.sku]}
        status = {"status": "hibernating" if spoil else "price_sent", "status_failed": "", "is_created": True, "status_name": "Продается"}
        return {
            "id": self.product_ids[offer.sku],
            "offer_id": offer.sku,
            "sku": self.numbers[offer.sku],
            "name": offer.title,
            "barcodes": [*([offer.gtin] if offer.gtin else []), f"OZN{self.numbers[offer.sku]}"],
            "price": str(offer.price),
            "currency_code": "RUB",
            "is_archived": not offer.live,
            "is_autoarchived": False,
            "statuses": status,
            "stocks": {"has_stock": bool(offer.quantity), "stocks": [stocks]},
        }

    def show_stock(self, request: WireRequest) -> WireReply:
        asked = read(request, Ids)
        if bool(asked.offer_id) == bool(asked.sku) or len(asked.offer_id) > 1_000 or not 1 <= asked.limit <= 1_000:
            raise SaidNo(400, "Request validation error: either offer_id or sku, at most 1000 of them")
        rows = [row for offer in self._asked(asked) for row in self._figures(offer)]
        start = int(read_place(asked.cursor)[0]) if asked.cursor else 0
        end = start + asked.limit
        more = end < len(rows)
        return answer({"products": rows[start:end], "has_next": more, "cursor": show_place([str(end)]) if more else ""})

    def _figures(self, offer: ShopOffer) -> list[Row]:
        reserved = self.reserved[offer.sku]
        rows = [(self.warehouse, offer.quantity, reserved)]
        rows += [(warehouse, free, 0) for (sku, warehouse), free in self.elsewhere.items() if sku == offer.sku]
        return [
            {
                "offer_id": offer.sku,
                "product_id": self.product_ids[offer.sku],
                "sku": self.numbers[offer.sku],
                "warehouse_id": int(warehouse),
                "warehouse_name": "Moscow",
                "free_stock": free,
                "reserved": kept,
                "present": free + kept,
            }
            for warehouse, free, kept in rows
        ]

    # --- writing ------------------------------------------------------------------------------------------------------------------------

    def write_stock(self, request: WireRequest) -> WireReply:
        items = read(request, StockWrite).stocks
        if not 1 <= len(items) <= 100:
            raise SaidNo(400, "Request validation error: invalid ProductsStocksRequest.Stocks: from 1 to 100 items")
        return answer({"result": [self._stock_result(item) for item in items]})

    def _stock_result(self, item: StockItem) -> Row:
        error = self._set_stock(item)
        return {
            "offer_id": item.offer_id,
            "product_id": self.product_ids.get(item.offer_id, 0),
            "warehouse_id": item.warehouse_id,
            "updated": error is None,
            "errors": [{"code": error[0], "message": error[1]}] if error else [],
        }

    def _set_stock(self, item: StockItem) -> tuple[str, str] | None:
        """Why not; None if it was taken."""
        warehouse, now, pair = str(item.warehouse_id), self.clock(), (item.offer_id, str(item.warehouse_id))
        if item.offer_id not in self.offers:
            return "offer_id_not_found", f"there is no product {item.offer_id} in this account"
        if warehouse not in {FBS, RFBS}:
            return "WAREHOUSE_NOT_FOUND", f"warehouse {warehouse} is not active"
        if not 0 <= item.stock < 1_000_000:
            return "STOCK_TOO_BIG", "set a quantity less than a million"
        if refused := self.refusal(item.offer_id):
            return "PRODUCT_HAS_NOT_BEEN_TAGGED_YET", refused
        if pair in self.written and now < self.written[pair] + PAIR_PAUSE * self.limits_scale:
            return "TOO_MANY_REQUESTS", "Stock is updated too frequently"
        self.written[pair] = now
        if warehouse == self.warehouse:
            self.push_quantity(item.offer_id, item.stock)
        else:
            self.elsewhere[pair] = item.stock
        return None

    def write_prices(self, request: WireRequest) -> WireReply:
        items = read(request, PriceWrite).prices
        if len(items) > 1_000:
            raise SaidNo(400, "Request validation error: at most 1000 prices")
        return answer({"result": [self._price_result(item) for item in items]})

    def _price_result(self, item: PriceItem) -> Row:
        error = self._set_price(item)
        return {
            "offer_id": item.offer_id,
            "product_id": self.product_ids.get(item.offer_id, 0),
            "updated": error is None,
            "errors": [{"code": error[0], "message": error[1]}] if error else [],
        }

    def _set_price(self, item: PriceItem) -> tuple[str, str] | None:
        offer, now = self.offers.get(item.offer_id), self.clock()
        if offer is None:
            return "NOT_FOUND_ERROR", f"there is no product {item.offer_id} in this account"
        value = positive(item.price)
        if value is None or offer.refuse_price:
            return "invalid_category_price", offer.refuse_price or "the price must be a positive number"
        changes = self._repriced.setdefault(item.offer_id, deque())
        while changes and changes[0] <= now - timedelta(hours=1) * self.limits_scale:
            changes.popleft()
        if len(changes) >= PRICES_AN_HOUR:
            return "", "error limiting: acquire limit per item: items limit: limit exceeded"
        changes.append(now)
        offer.price = value
        return None


def positive(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and value > 0 else None
