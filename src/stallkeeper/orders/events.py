"""The time line of an order: append-only entries with the channel's own words."""

from __future__ import annotations

from stallkeeper.core.use_case import UseCase
from stallkeeper.orders.models import OrderEvent


def record(uc: UseCase, order_id: int, kind: str, detail: dict[str, object] | None = None) -> None:
    """Write one entry in the transaction of the change. ``detail`` must not hold personal data or secrets."""
    OrderEvent.objects.create(
        organisation_id=uc.organisation_id, order_id=order_id, at=uc.at, kind=kind, actor=uc.actor, detail=detail or {}
    )
