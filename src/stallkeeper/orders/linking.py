"""An unmapped line finds its stock unit: by hand, for this line or for ever, or because its listing was linked (C10)."""

from __future__ import annotations

from django.db import connection

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import delivery
from stallkeeper.channels.links import LINKED
from stallkeeper.channels.models import Offer
from stallkeeper.core import audit
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase, before_commit, use_case
from stallkeeper.orders import events, lately, lines, queries
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock.reserve import STALE
from stallkit.words import said as _


class LinkError(ValueError):
    """The line cannot be linked; the text says why."""


@again_on_conflict
def link_line(organisation_id: int, line_id: int, stock_unit_id: int, *, for_ever: bool, actor: str) -> OrderLine:
    """Say which stock unit a line means; stock is reserved at once. ``for_ever`` also makes an offer, so the next order finds it."""
    with use_case("link.line", organisation_id=organisation_id, actor=actor) as uc:
        lately.about_to_link(uc)
        line = OrderLine.objects.select_related("order").select_for_update(of=("self",)).get(pk=line_id)
        if line.stock_unit_id is not None:
            raise LinkError(_("line {line_id} is linked already", line_id=line.line_id))
        unit = StockUnit.objects.get(pk=stock_unit_id)
        line.stock_unit = unit
        if for_ever:
            line.offer = _offer(uc, line, unit)
            uc.mark(STALE, [unit.pk])
            uc.mark(LINKED, [line.offer.pk])
        line.save(update_fields=["stock_unit", "offer"])
        lines.reset_lines(uc, [line.pk], cause="linked")
        lines.change_open(uc, line.order, [(line, line.open)])
        lately.linked(uc, line.order, [line])
        events.record(uc, line.order_id, "linked", {"line": line.line_id, "sku": unit.sku, "for_ever": for_ever})
        audit.record(uc, "link.line", "order_line", line.pk, sku=unit.sku, for_ever=for_ever)
        line.refresh_from_db()
    return line


@before_commit(9)
def serve_waiting(uc: UseCase) -> None:
    """Offers are new: open lines that waited for them find their unit, and stock is reserved for them.

    Their figures are of the time when the channel was listed: sales since then may have lowered them, so they are read before we send.
    """
    offers = uc.take(LINKED)
    if not offers:
        return
    with connection.cursor() as cursor:
        sold = queries.waiting_lines(cursor, uc.organisation_id, offers)
    found = {line: rest for line, is_open, *rest in sold if is_open}
    if found:
        lately.about_to_link(uc)
    orders: dict[Order, list[OrderLine]] = {}
    # Asked again with the lock: somebody may have linked the line by hand meanwhile, and his word counts.
    unlinked = OrderLine.objects.filter(pk__in=found, stock_unit=None)
    for line in unlinked.select_related("order").select_for_update(of=("self",)).order_by("pk"):
        line.offer_id, line.stock_unit_id, line.pack_factor = found[line.pk]
        orders.setdefault(line.order, []).append(line)
    OrderLine.objects.bulk_update([line for waiting in orders.values() for line in waiting], ["offer", "stock_unit", "pack_factor"])
    lines.reset_lines(uc, [line.pk for waiting in orders.values() for line in waiting], cause="linked")
    for order, waiting in orders.items():
        lines.change_open(uc, order, [(line, line.open) for line in waiting])
        lately.linked(uc, order, waiting)
        for line in waiting:
            events.record(uc, order.pk, "linked", {"line": line.line_id, "sku": line.sku})
    delivery.doubt(uc, sorted({offer for _, _, offer, _, _ in sold}))


def _offer(uc: UseCase, line: OrderLine, unit: StockUnit) -> Offer:
    """The offer under this SKU on the order's channel: the next order finds it. LinkError if it belongs to another unit."""
    offer, _made = Offer.objects.get_or_create(
        channel_id=line.order.channel_id,
        sku=line.sku,
        defaults={
            "organisation_id": uc.organisation_id,
            "stock_unit": unit,
            "external_id": line.external_offer_id,
            "linked_by": "line",
            "linked_at": uc.at,
        },
    )
    if offer.stock_unit_id != unit.pk:
        raise LinkError(_("the offer {sku!r} of this channel belongs to another unit already; unlink it first", sku=line.sku))
    return offer
