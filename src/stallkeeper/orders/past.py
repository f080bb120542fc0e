"""What orders add to a past moment: those that had been placed by then and came in later (D2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from stallkeeper.channels import time_travel
from stallkeeper.channels.models import Offer
from stallkeeper.channels.past import Late, LatePromise
from stallkeeper.channels.time_travel import LateOrder, PastExplanation
from stallkeeper.orders import past_queries as queries


def explain_at(organisation_id: int, sku: str, at: datetime, channel_code: str | None = None) -> list[PastExplanation]:
    """``time_travel.explain_at`` with what orders add."""
    return time_travel.explain_at(organisation_id, sku, at, channel_code, gather_late)


def explain_offer(organisation_id: int, offer: Offer, at: datetime) -> PastExplanation:
    """``time_travel.explain_offer`` with what orders add."""
    return time_travel.explain_offer(organisation_id, offer, at, gather_late)


def gather_late(organisation_id: int, offers: Sequence[Offer], at: datetime) -> tuple[Late, Sequence[LateOrder]]:
    """Lines that came in after ``at`` of orders placed by then: what they took or wanted, and the sold units of these offers."""
    units = sorted({offer.stock_unit_id for offer in offers})
    with connection.cursor() as cursor:
        promises = [LatePromise(*row) for row in queries.late_promises(cursor, organisation_id, units, at)]
        opened = dict(queries.late_open(cursor, [offer.pk for offer in offers], at))
        lines = sorted({promise.line_id for promise in promises})
        orders = [LateOrder(*row) for row in queries.late_orders(cursor, lines)]
    return Late(promises, opened), orders
