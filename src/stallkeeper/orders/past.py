"""What orders add to a past moment: those that had been placed by then and came in later (D2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from stallkeeper.channels import time_travel
from stallkeeper.channels.models import Offer
from stallkeeper.channels.past import Late, LatePromise
from stallkeeper.channels.time_travel import LateOrder, PastExplanation
from stallkeeper.orders import past_queries as queries

INSTANT = timedelta(microseconds=1)


def explain_at(organisation_id: int, sku: str, at: datetime, channel_code: str | None = None) -> list[PastExplanation]:
    """``time_travel.explain_at`` with what orders add."""
    return time_travel.explain_at(organisation_id, sku, at, channel_code, gather_late)


def explain_offer(organisation_id: int, offer: Offer, at: datetime) -> PastExplanation:
    """``time_travel.explain_offer`` with what orders add."""
    return time_travel.explain_offer(organisation_id, offer, at, gather_late)


def figures_of(organisation_id: int, offers: Sequence[Offer], at: datetime) -> dict[int, tuple[int | None, int | None]]:
    """``time_travel.figures_of`` with what orders add."""
    return time_travel.figures_of(organisation_id, offers, at, gather_late)


def explain_before(organisation_id: int, offer: Offer, sold_at: datetime, line_id: int, until: datetime) -> PastExplanation:
    """An offer just before a line was sold, as if all else that was sold in that very moment and came in by ``until`` had been sold before.

    The lines of one order are sold in one moment, a kit beside its own component, too; none of them alone went beyond what there was.
    """

    def beside(organisation: int, offers: Sequence[Offer], at: datetime) -> tuple[Late, Sequence[LateOrder]]:
        late, orders = gather_late(organisation, offers, at)
        with_it, all_orders = gather_late(organisation, offers, sold_at)
        known = {line_id, *(order.line_id for order in orders)}
        beside = [order for order in all_orders if order.line_id not in known and order.imported_at <= until]
        lines = {order.line_id for order in beside}
        return Late([*late.promises, *(promise for promise in with_it.promises if promise.line_id in lines)], late.open), [*orders, *beside]

    return time_travel.explain_offer(organisation_id, offer, sold_at - INSTANT, beside)


def gather_late(organisation_id: int, offers: Sequence[Offer], at: datetime) -> tuple[Late, Sequence[LateOrder]]:
    """Lines that came in after ``at`` of orders placed by then: what they took or wanted, and the sold units of these offers."""
    units = sorted({offer.stock_unit_id for offer in offers})
    with connection.cursor() as cursor:
        promises = [LatePromise(*row) for row in queries.late_promises(cursor, organisation_id, units, at)]
        opened = dict(queries.late_open(cursor, [offer.pk for offer in offers], at))
        lines = sorted({promise.line_id for promise in promises})
        orders = [LateOrder(*row) for row in queries.late_orders(cursor, lines)]
    return Late(promises, opened), orders
