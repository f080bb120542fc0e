"""The person behind the counter during a drill: ships, takes goods in, cancels, through the use cases that screens use.

Whatever returned is written down: after the drill it must be there, once, whatever was killed meanwhile.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from django.db import DatabaseError, InterfaceError, connections

from stallkeeper.channels.commands import CommandError
from stallkeeper.core import clock
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.fulfilment.ship import ShipError, ship
from stallkeeper.orders.cancel import CancelError, cancel_lines
from stallkeeper.orders.models import Order
from stallkeeper.stock import ledger, places
from stallkeeper.stock.ledger import Move
from stallkeeper.stock.models import Cause, Level, Location, LocationOwner, VirtualRole
from stallkit.types import CancelReason

log = logging.getLogger(__name__)

ACTOR = "console:drill"
TURN_SECONDS = 0.25
RECENT = 40


@dataclass(slots=True)
class Done:
    """What the hub said yes to. Orders by (stall, number); receipts by the reference of their movement."""

    shipped: set[tuple[str, str]] = field(default_factory=set)
    cancelled: set[tuple[str, str]] = field(default_factory=set)
    received: set[str] = field(default_factory=set)
    refused: int = 0
    unanswered: int = 0

    def as_json(self) -> dict[str, int]:
        names = ("shipped", "cancelled", "received")
        return {name: len(getattr(self, name)) for name in names} | {"refused": self.refused, "unanswered": self.unanswered}


class Clerk:
    """A thread. ``unanswered`` counts what the database interrupted: nobody knows whether it happened."""

    def __init__(self, organisation_id: int, seed: int) -> None:
        self.organisation_id = organisation_id
        self.done = Done()
        self._chance = Random(f"clerk/{seed}")  # noqa: S311 - a toy
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="clerk")
        self._turn = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        with organisation_scope(self.organisation_id):
            try:
                while not self._stop.wait(TURN_SECONDS):
                    self._turn += 1
                    self._try()
            finally:
                connections.close_all()

    def _try(self) -> None:
        try:
            if self._turn % 5 == 0:
                self._receive()
            elif self._turn % 16 == 1:
                self._cancel()
            else:
                self._ship()
        except (ShipError, CancelError, CommandError):
            self.done.refused += 1
        except (DatabaseError, InterfaceError) as error:
            log.info("nobody knows whether it was done: %s", error)
            self.done.unanswered += 1
            connections.close_all()

    def _order(self) -> Order | None:
        """One of the latest orders that were acknowledged a moment ago."""
        before = clock.now() - timedelta(seconds=2)
        found = Order.objects.filter(state=Order.State.ACKNOWLEDGED, acknowledged_at__lt=before).select_related("connection")
        latest = list(found.order_by("-pk")[:RECENT])
        order = self._chance.choice(latest) if latest else None
        return order if order is not None and not order.lines.filter(short__gt=0).exists() else None

    def _ship(self) -> None:
        if order := self._order():
            ship(self.organisation_id, order.pk, None, carrier="UPS", tracking_number=f"1Z{order.pk:08}", actor=ACTOR)
            self.done.shipped.add((order.connection.name, order.external_id))

    def _cancel(self) -> None:
        if order := self._order():
            cancel_lines(self.organisation_id, order.pk, None, reason=CancelReason.ADDRESS, actor=ACTOR)
            self.done.cancelled.add((order.connection.name, order.external_id))

    def _receive(self) -> None:
        """Goods come for an article that is nearly gone, or for any."""
        levels = Level.objects.filter(location__owner=LocationOwner.MINE).order_by("on_hand", "pk")
        unit = self._chance.choice(list(levels.values_list("stock_unit_id", flat=True)[:20]))
        here = Location.objects.filter(owner=LocationOwner.MINE).order_by("priority", "pk").first()
        assert here is not None
        with use_case("receive.goods", organisation_id=self.organisation_id, actor=ACTOR) as uc:
            supplier, reference = places.virtual(uc, VirtualRole.SUPPLIER), f"drill:{self._turn}"
            ledger.post(uc, [Move(unit, self._chance.randint(1, 5), supplier.pk, here.pk, Cause.RECEIPT, reference, uc.at)])
        self.done.received.add(reference)
