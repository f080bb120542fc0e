"""The person behind the counter: ships what is ready, answers wishes to cancel, cancels what is short, takes goods in."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from random import Random

from django.db import DatabaseError, connections
from django.db.models import Count

from stallkeeper.catalog.models import UnitKind
from stallkeeper.channels.commands import CommandError, CommandKind
from stallkeeper.channels.connect import manifest
from stallkeeper.channels.models import Command, CommandState, Offer
from stallkeeper.core import clock
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.fulfilment.ship import ShipError, ship, tell_again
from stallkeeper.ops.demo.platforms import PLATFORMS
from stallkeeper.orders.cancel import CancelError, cancel_lines
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock import ledger, places
from stallkeeper.stock.ledger import Move
from stallkeeper.stock.models import Cause, Level, Location, VirtualRole
from stallkit.types import CancelReason

log = logging.getLogger(__name__)

ACTOR = "console:demo"
LORRY_TURN, LORRY_UNITS = 8, 100
SECONDS = 1.0
"""One look around."""


class Person:
    """A thread. ``done`` counts what was done; what the rules or another's change refused counts as ``refused``.

    ``hand_over`` is called as (stall, order) with what leaves.

    ``lorry``: once, goods for a hundred articles come in, more than a stall takes one by one: they go out in bulk.
    """

    def __init__(
        self, organisation_id: int, seed: int, *, lorry: bool = False, hand_over: Callable[[str, str], object] = lambda _stall, _order: None
    ) -> None:
        self.organisation_id, self.lorry, self._hand_over = organisation_id, lorry, hand_over
        self.done: Counter[str] = Counter()
        self._chance = Random(f"person/{seed}")  # noqa: S311 - a toy
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="person")
        self._turn = 0
        self._said: set[int] = set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        with organisation_scope(self.organisation_id):
            try:
                while not self._stop.wait(SECONDS):
                    self._look_around()
            finally:
                connections.close_all()

    def _look_around(self) -> None:
        self._turn += 1
        self.say_what_left()
        self._try("shipped", self._ship)
        self._try("cancelled_on_wish", self._grant)
        if self._turn % 3 == 0:
            self._try("cancelled_short", self._cancel_short)
        if self._turn % 7 == 0:
            self._try("received", self._receive)
        if self._turn == LORRY_TURN and self.lorry:
            self._try("lorries", self._unload)
        if self._turn % 20 == 0:
            self._try("cancelled", self._cancel_any)

    def say_what_left(self) -> None:
        """The buyer asked to cancel when the goods had left: the stall refuses the shipment until a person says so. Said once each."""
        refused = Command.objects.filter(kind=CommandKind.SHIP, state=CommandState.REFUSED).values_list("key", flat=True)
        for shipment in {int(key.removeprefix("ship:")) for key in refused} - self._said:
            self._said.add(shipment)
            self._try("said_it_left", partial(self._say_it_left, shipment))

    def _say_it_left(self, shipment: int) -> bool:
        tell_again(self.organisation_id, shipment, actor=ACTOR, although_asked=True)
        return True

    def _try(self, name: str, act: Callable[[], bool]) -> None:
        try:
            self.done[name] += act()
        except (ShipError, CancelError, CommandError):
            self.done["refused"] += 1
        except DatabaseError as error:
            log.warning("the person could not do it: %s", error)
            self.done["refused"] += 1
            connections.close_all()

    def _ready(self) -> list[Order]:
        before = clock.now() - timedelta(seconds=3)
        lines = OrderLine.objects.filter(short=0, cancel_requested=0, stock_unit__isnull=False)
        orders = Order.objects.filter(state__in=[Order.State.ACKNOWLEDGED, Order.State.PART_SHIPPED], acknowledged_at__lt=before)
        troubled = OrderLine.objects.exclude(pk__in=lines.values("pk")).filter(order__in=orders).values("order_id")
        return list(orders.exclude(pk__in=troubled).select_related("connection").order_by("ordered_at", "pk")[:5])

    def _ship(self) -> bool:
        """The oldest order that is ready; now and then only a part of it, where the platform knows parts."""
        ready = self._ready()
        if not ready or self._chance.random() < 0.4:
            return False
        order = ready[0]
        lines = list(order.lines.order_by("pk"))
        platform = order.connection.platform
        in_parts = len(lines) > 1 and manifest(platform).quirks.partial_shipments and self._chance.random() < 0.3
        part = {lines[0].pk: lines[0].open} if in_parts and lines[0].open else None
        carrier = PLATFORMS[platform].carrier
        ship(self.organisation_id, order.pk, part, carrier=carrier, tracking_number=f"1Z{order.pk:08}", actor=ACTOR)
        self._hand_over(platform, order.external_id)
        return True

    def _grant(self) -> bool:
        """A buyer asks to cancel, and nothing has left yet."""
        line = OrderLine.objects.filter(cancel_requested__gt=0).select_related("order").order_by("pk").first()
        if line is None or not line.open or line.order.state not in {Order.State.ACKNOWLEDGED, Order.State.PART_SHIPPED}:
            return False
        cancel_lines(self.organisation_id, line.order_id, None, reason=CancelReason.BUYER_ASKED, actor=ACTOR)
        return True

    def _cancel_short(self) -> bool:
        """What was sold too often is cancelled after a while, if no goods came."""
        before = clock.now() - timedelta(seconds=10)
        short = OrderLine.objects.filter(short__gt=0, order__state=Order.State.ACKNOWLEDGED, order__imported_at__lt=before)
        line = short.order_by("pk").first()
        if line is None:
            return False
        cancel_lines(self.organisation_id, line.order_id, None, reason=CancelReason.OUT_OF_STOCK, actor=ACTOR)
        return True

    def _cancel_any(self) -> bool:
        orders = list(Order.objects.filter(state=Order.State.ACKNOWLEDGED).order_by("-ordered_at", "-pk")[:10])
        if not orders:
            return False
        cancel_lines(self.organisation_id, self._chance.choice(orders).pk, None, reason=CancelReason.ADDRESS, actor=ACTOR)
        return True

    def _receive(self) -> bool:
        """Goods come for a few articles that are nearly gone."""
        empty = Level.objects.filter(on_hand__lte=1, stock_unit__kind=UnitKind.SINGLE, location__owner="mine")
        units = list(empty.order_by("stock_unit_id").values_list("stock_unit_id", flat=True).distinct())
        if not units:
            return False
        self._enter(self._chance.sample(units, min(2, len(units))))
        return True

    def _unload(self) -> bool:
        """A lorry full of goods for articles that are sold on more than one stall."""
        stalls = Offer.objects.values("stock_unit_id").annotate(number=Count("pk")).filter(number__gt=1, stock_unit__kind=UnitKind.SINGLE)
        self._enter(list(stalls.order_by("stock_unit_id").values_list("stock_unit_id", flat=True)[:LORRY_UNITS]))
        return True

    def _enter(self, units: list[int]) -> None:
        here = Location.objects.filter(owner="mine").order_by("priority", "pk").first()
        assert here is not None
        with use_case("receive.goods", organisation_id=self.organisation_id, actor=ACTOR) as uc:
            supplier = places.virtual(uc, VirtualRole.SUPPLIER)
            moves = [
                Move(unit, self._chance.randint(2, 6), supplier.pk, here.pk, Cause.RECEIPT, f"demo:{uc.at.isoformat()}:{unit}", uc.at)
                for unit in sorted(units)
            ]
            ledger.post(uc, moves)
