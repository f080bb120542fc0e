"""A 1C base beside the shop: the northern warehouse is kept there. It takes the orders, books out what left, and sends its figures.

It calls the hub as any 1C does. What left from its warehouse it hears from the people there: here, from the ledger.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from random import Random

import httpx  # lint: allow http-door because here a 1C base calls the hub, on loopback
from django.db import DatabaseError, connections
from django.db.models import F, Sum

from stallkeeper.catalog.models import StockUnit
from stallkeeper.core import clock
from stallkeeper.core.models import Organisation
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.ops.demo.goods import PLACES, Article
from stallkeeper.orders.models import OrderLine
from stallkeeper.stock import source_setup
from stallkeeper.stock.models import Location, ReservationEvent
from stallkeeper.sync.exchange import accounts, standing
from stallkeeper.sync.exchange.accounts import Agreed
from stallkit.sources.commerceml.emulator import Base, Caller, ExchangeFailed
from stallkit.sources.commerceml.writing import BaseGood

log = logging.getLogger(__name__)

ACTOR = "console:demo"
SECONDS = 8.0
"""Between two exchanges; in life it would be minutes."""
WHOLE_SECOND = 1.1
"""1C writes times without fractions: what it booked in this second must not look newer than its file."""
CODE = "1c-"


class Bookkeeper:
    """A thread with a 1C base. ``done`` counts exchanges, orders taken and figures sent; ``failures`` are what 1C's user would read."""

    def __init__(self, organisation: Organisation, articles: Sequence[Article], base_url: str, seed: int) -> None:
        self.organisation_id = organisation.pk
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []
        self._chance = Random(f"books/{seed}")  # noqa: S311 - a toy
        self._place = Location.objects.get(code=PLACES[1])
        self.base = Base(clock.now, [_good(article) for article in articles if not article.parts], zone=organisation.time_zone, free=False)
        self._client = httpx.Client(timeout=60, trust_env=False)
        self.caller = self._connect(organisation, base_url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="bookkeeper")

    def _connect(self, organisation: Organisation, base_url: str) -> Caller:
        """A source of the northern warehouse, switched on, and what its page shows to be entered in 1C."""
        with use_case("set.exchange", organisation_id=organisation.pk, actor=ACTOR) as uc:
            made = accounts.connect(uc, self._place, {"name": "1C", "interval_minutes": 1}, Agreed(organisation.time_zone, True))
            source_setup.turn(uc, made.exchange.source_id, True)
        address = base_url + standing.address(made.exchange).removeprefix(base_url)
        return Caller(address, made.exchange.user_name, made.password, self._client)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the exchange that is under way."""
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _work(self) -> None:
        with organisation_scope(self.organisation_id):
            try:
                self._exchange(whole=True)
                while not self._stop.wait(SECONDS):
                    self._exchange()
            finally:
                connections.close_all()

    def _exchange(self, *, whole: bool = False) -> None:
        """Orders out, what became of them back, then goods: what 1C books and what it says of it stay in step."""
        try:
            self.done["orders"] += len(self.base.take_orders(self.caller))
            self._book_out()
            self.base.send_orders(self.caller)
            self._goods_come_in()
            self._stop.wait(WHOLE_SECOND)
            self.done["files"] += self.base.send_goods(self.caller, whole=whole)
            self.done["exchanges"] += 1
        except (ExchangeFailed, httpx.HTTPError, DatabaseError) as error:
            log.warning("1C: %s", error)
            self.failures.append(str(error)[:200])

    def _book_out(self) -> None:
        """Orders that have left altogether: the units that were taken from here leave the books."""
        waiting = [int(code) for code, order in self.base.orders.items() if not order.shipped]
        lines = OrderLine.objects.filter(order_id__in=waiting)
        open_ = set(lines.filter(ordered__gt=F("cancelled") + F("shipped")).values_list("order_id", flat=True))
        for order, line in sorted(lines.filter(shipped__gt=0).values_list("order_id", "pk")):
            if order not in open_:
                self._take_off(line)
                self.base.mark_shipped(str(order))
                self.done["booked_out"] += 1

    def _take_off(self, line: int) -> None:
        left = ReservationEvent.objects.filter(owner_type="line", owner_id=line, cause="shipped", location_id=self._place.pk)
        units = dict(left.values_list("stock_unit_id").annotate(units=Sum(F("before") - F("after"))))
        for unit, sku in StockUnit.objects.filter(pk__in=units).values_list("pk", "sku"):
            self.base.goods[CODE + sku].stock[""] -= units[unit]

    def _goods_come_in(self) -> None:
        """Now and then a few come for articles that are nearly gone."""
        gone = sorted(code for code, good in self.base.goods.items() if good.total <= 1)
        for code in self._chance.sample(gone, min(2, len(gone))):
            self.base.goods[code].stock[""] += self._chance.randint(1, 4)


def _good(article: Article) -> BaseGood:
    return BaseGood(CODE + article.sku, article.sku, article.gtin, article.title, {"": article.stock[PLACES[1]]})
