"""What the last hour's orders took, for the velocity guard: of lines that find their unit late, and of the hour before it was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from stallkeeper.channels import facts, velocity
from stallkeeper.channels.overriding_queries import SoldRow
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import lines, queries
from stallkeeper.orders.models import Order, OrderLine


def about_to_link(uc: UseCase) -> None:
    """Lines are to find their unit. Locks: see ``velocity.hold_rules``; before lines, which who takes in orders may wait for."""
    with connection.cursor() as cursor:
        velocity.hold_rules(cursor, uc.organisation_id)


def linked(uc: UseCase, order: Order, rows: Sequence[OrderLine]) -> None:
    """These lines of an order know their unit from now on. Announced by ``about_to_link``."""
    if order.fulfilled_by != "seller" or order.ordered_at <= uc.at - velocity.WINDOW:
        return
    with connection.cursor() as cursor:
        parts = lines.load_parts(cursor, [row.stock_unit_id for row in rows if row.stock_unit_id is not None])
    sales = [
        (component, number * row.pack_factor * row.ordered, order.ordered_at)
        for row in rows
        if row.stock_unit_id is not None and row.ordered
        for component, number in parts.get(row.stock_unit_id, ())
    ]
    velocity.record(uc, facts.gather_channels(uc.organisation_id), sales)


@velocity.history
def sold(organisation: int, since: datetime, at: datetime) -> list[SoldRow]:
    """What was ordered since, of counted units."""
    with connection.cursor() as cursor:
        return queries.sold_since(cursor, organisation, since, at)
