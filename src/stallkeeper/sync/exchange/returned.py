"""Orders that 1C sends back: what became of them there is kept and shown. Nothing is cancelled or shipped because 1C says so (ADR 0059)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stallkeeper.core import notify
from stallkeeper.core.models import Severity
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.orders import events
from stallkeeper.orders.models import Order
from stallkeeper.sync.exchange.sessions import actor_of
from stallkeeper.sync.models import Exchange, ExchangeOrder, ExchangeParked, ExchangeSession
from stallkit.sources.commerceml.packets import Returned
from stallkit.words import said as _

KEEP_PARKED = 200
SAID = ("number", "status", "cancelled", "posted", "paid", "shipment")
CHUNK = 500


def take(session: ExchangeSession, documents: Sequence[Returned]) -> int:
    """Keep what 1C says; how many documents were about orders of ours. The others are parked. The same again changes nothing."""
    return sum(_take(session, documents[start : start + CHUNK]) for start in range(0, len(documents), CHUNK))


def _take(session: ExchangeSession, documents: Sequence[Returned]) -> int:
    exchange = session.exchange
    with use_case("exchange.orders", organisation_id=exchange.organisation_id, actor=actor_of(exchange)) as uc:
        known = _known(exchange, documents)
        for document in documents:
            of = known.get(document.code) or known.get(f"number:{document.number}")
            if of is None:
                _park(uc, exchange, document)
            else:
                _keep(uc, of, document)
        ExchangeSession.objects.filter(pk=session.pk).update(orders_back=session.orders_back + len(documents), last_at=uc.at)
        Exchange.objects.filter(pk=exchange.pk, reports_back=False).update(reports_back=bool(known))
    session.orders_back += len(documents)
    return len(known)


def _known(exchange: Exchange, documents: Sequence[Returned]) -> Mapping[str, ExchangeOrder]:
    """Orders that the documents are about: by the ``Ид`` that we gave, else by their number if only one has it."""
    ids = {int(document.code) for document in documents if document.code.isascii() and document.code.isdigit() and len(document.code) < 19}
    numbers = {document.number for document in documents if document.number and not document.code}
    given = ExchangeOrder.objects.filter(exchange=exchange).select_related("order")
    rows = list(given.filter(order_id__in=ids).order_by("order_id"))
    found = {str(row.order_id): row for row in rows}
    for number in sorted(numbers):
        same = list(given.filter(order__number=number)[:2])
        if len(same) == 1:
            found[f"number:{number}"] = same[0]
    return found


def _keep(uc: UseCase, of: ExchangeOrder, document: Returned) -> None:
    before = {name: getattr(of, name) for name in SAID}
    said = {
        "number": document.number_in_1c[:60],
        "status": document.status[:200],
        "cancelled": document.cancelled or document.deleted,
        "posted": document.posted,
        "paid": document.paid,
        "shipment": document.shipment[:60],
    }
    changed = {name: value for name, value in said.items() if value != before[name]}
    if not changed and of.heard_at is not None:
        return
    for name, value in said.items():
        setattr(of, name, value)
    of.heard_at = uc.at
    of.save(update_fields=[*SAID, "heard_at"])
    events.record(uc, of.order_id, "heard_of_1c", dict(changed))
    _tell(uc, of)


def _tell(uc: UseCase, of: ExchangeOrder) -> None:
    """A cancellation in 1C is a task for a person as long as the order is open here."""
    order, key = of.order, f"order:{of.order_id}:cancelled_in_1c"
    if of.cancelled and order.state not in {Order.State.CANCELLED, Order.State.SHIPPED}:
        title = _("Order {number}: cancelled in 1C, still open here", number=order.number)
        text = _(
            "Its goods stay promised. If it is really off, cancel it on its page, and the channel is told; if not, put it right in 1C."
        )
        notify.raise_(uc, key, Severity.WARNING, title, text, f"/orders/{order.pk}/")
    else:
        notify.resolve(uc, key)


def _park(uc: UseCase, exchange: Exchange, document: Returned) -> None:
    text = "It is none of the orders that 1C got from here. Orders that are made in 1C itself are not taken over."
    ExchangeParked.objects.update_or_create(
        organisation_id=uc.organisation_id,
        exchange=exchange,
        code=document.code[:100],
        number=document.number[:100],
        defaults={"at": uc.at, "message": text},
    )
    old = ExchangeParked.objects.filter(exchange=exchange).order_by("-at").values_list("pk", flat=True)[KEEP_PARKED:]
    ExchangeParked.objects.filter(pk__in=list(old)).delete()
