"""What the command ``retry`` does: choose the messages, put a shipment right, tell the channel again."""

from __future__ import annotations

from dataclasses import dataclass

from stallkeeper.fulfilment import again, ship
from stallkeeper.fulfilment.again import Unsaid
from stallkeeper.ops.terminal import Refusal, Row
from stallkeeper.orders.models import Order


@dataclass(frozen=True, slots=True)
class Corrections:
    """What is to be put right about a shipment; None leaves it as it is."""

    carrier: str | None
    tracking: str | None
    url: str | None
    although_asked: bool | None = None

    def __bool__(self) -> bool:
        return (self.carrier, self.tracking, self.url, self.although_asked) != (None, None, None, None)


def tell_again(organisation_id: int, order: Order, corrections: Corrections, reference: str | None, actor: str) -> list[Row]:
    """Tell the channel again what it did not take of this order; a row for each message. Refusal if there is nothing, or too much."""
    chosen = _chosen(order, corrections, reference)
    for one in chosen:
        if one.shipment is None:
            again.tell_again(organisation_id, order.pk, one.command.pk, actor=actor)
        else:
            ship.tell_again(
                organisation_id, one.shipment.pk, actor=actor,
                carrier=corrections.carrier, tracking_number=corrections.tracking, tracking_url=corrections.url,
                although_asked=corrections.although_asked,
            )  # fmt: skip
    return [_row(order, one) for one in chosen]


def _chosen(order: Order, corrections: Corrections, reference: str | None) -> list[Unsaid]:
    unsaid = again.unsaid(order)
    shipments = [one for one in unsaid if one.shipment is not None]
    if reference is not None:
        unsaid = shipments = [one for one in shipments if one.shipment is not None and one.shipment.reference == reference]
    if corrections and len(shipments) != 1:
        known = ", ".join(one.shipment.reference for one in again.unsaid(order) if one.shipment is not None)
        raise Refusal(f"Say which shipment is to be put right: --shipment with one of {known}." if known else _nothing(order))
    if not unsaid:
        raise Refusal(_nothing(order))
    return unsaid


def _nothing(order: Order) -> str:
    return f"Order {order.number}: there is nothing that the channel refused and that could be told again."


def _row(order: Order, one: Unsaid) -> Row:
    said = " ".join(part for part in (one.command.code, one.command.message) if part)
    return {"order": order.number, "message": one.command.kind, "shipment": one.shipment.reference if one.shipment else "", "said": said}
