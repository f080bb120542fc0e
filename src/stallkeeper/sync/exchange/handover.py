"""Orders for 1C: it gets those that it has not confirmed, and only its ``success`` counts as having them.

A ``success`` that is lost costs nothing: the same orders come again under the same ``Ид``, and 1C takes them as what it has already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection

from stallkeeper.catalog.models import Identifier, IdentifierKind
from stallkeeper.core import clock
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.orders.models import Amount, Order, OrderLine
from stallkeeper.sync.exchange import goods, queries
from stallkeeper.sync.exchange.accounts import local
from stallkeeper.sync.exchange.sessions import actor_of
from stallkeeper.sync.models import Exchange, ExchangeSession
from stallkit.sources.commerceml import names, orders
from stallkit.sources.commerceml.orders import SoldLine, SoldOrder

MOST = 1_000
"""Orders in one answer; the rest comes with the next session."""
STATUSES = {
    Order.State.NEW: "Новый",
    Order.State.ACKNOWLEDGED: "Принят",
    Order.State.PART_SHIPPED: "Частично отгружен",
    Order.State.SHIPPED: "Отгружен",
    Order.State.CANCELLED: "Отменен",
}
COUNTED = {"product", "discount"}


def due(exchange: Exchange, at: datetime) -> list[queries.Due]:
    """Orders that the next session would hand over, at most ``MOST``."""
    with connection.cursor() as cursor:
        return queries.orders_due(cursor, exchange.organisation_id, exchange.pk, exchange.orders_since, at, MOST)


def give(session: ExchangeSession) -> bytes:
    """The document of all orders that 1C does not have yet, or has otherwise than they are."""
    exchange = session.exchange
    given = _offer(session) if exchange.give_orders else []
    return orders.build(_documents(exchange, [one.order for one in given]), local(exchange, clock.now()), exchange.encoding)


@again_on_conflict
def _offer(session: ExchangeSession) -> Sequence[queries.Due]:
    exchange = session.exchange
    with (
        use_case("exchange.orders", organisation_id=exchange.organisation_id, actor=actor_of(exchange)) as uc,
        connection.cursor() as cursor,
    ):
        given = due(exchange, uc.at)
        queries.offer_orders(cursor, exchange.organisation_id, exchange.pk, session.pk, given)
        ExchangeSession.objects.filter(pk=session.pk).update(orders_given=len(given), last_at=uc.at)
    return given


@again_on_conflict
def confirm(session: ExchangeSession) -> int:
    """``mode=success``: 1C has written down what this session gave it; how many orders that were."""
    exchange = session.exchange
    with (
        use_case("exchange.orders", organisation_id=exchange.organisation_id, actor=actor_of(exchange)) as uc,
        connection.cursor() as cursor,
    ):
        confirmed = queries.confirm_orders(cursor, exchange.pk, session.pk, uc.at)
        if confirmed:
            ExchangeSession.objects.filter(pk=session.pk).update(orders_confirmed=confirmed, last_at=uc.at)
    return confirmed


def _documents(exchange: Exchange, ids: Sequence[int]) -> Iterable[SoldOrder]:
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order_id__in=ids).select_related("stock_unit").order_by("pk"):
        lines[line.order_id].append(line)
    writer = _Writer(exchange, [line for some in lines.values() for line in some], ids)
    for order in Order.objects.filter(pk__in=ids).select_related("channel").order_by("pk"):
        yield writer.document(order, lines[order.pk])


class _Writer:
    """Turns orders into documents; looks everything up once."""

    def __init__(self, exchange: Exchange, lines: Sequence[OrderLine], ids: Sequence[int]) -> None:
        self.exchange = exchange
        units = sorted({line.stock_unit_id for line in lines if line.stock_unit_id})
        with connection.cursor() as cursor:
            self.numbers = queries.numbers_of(cursor, exchange.organisation_id, goods.scope_of(exchange), units)
        gtins = Identifier.objects.filter(stock_unit_id__in=units, kind=IdentifierKind.GTIN, pack_factor=1).order_by("-pk")
        self.gtins: Mapping[int, str] = dict(gtins.values_list("stock_unit_id", "value"))
        self.money: dict[tuple[int, int | None], Decimal] = defaultdict(Decimal)
        self.delivery: dict[int, Decimal] = defaultdict(Decimal)
        for amount in Amount.objects.filter(order_id__in=ids).order_by("pk"):
            self._count(amount)

    def _count(self, amount: Amount) -> None:
        """The price of goods with its discounts and the tax on it; delivery that is the seller's is a line of its own."""
        tax = amount.kind == "tax" and not amount.tax_included and amount.owed_by == "seller"
        if amount.kind in COUNTED or tax:
            self.money[amount.order_id, amount.line_id] += amount.amount
        elif amount.kind == "shipping":
            self.delivery[amount.order_id] += amount.amount

    def document(self, order: Order, lines: Sequence[OrderLine]) -> SoldOrder:
        """The order as 1C gets it. The buyer is the stall: personal data stay in the vault."""
        sold = [self._line(line) for line in lines]
        on_the_whole = self.money.get((order.pk, None), Decimal())
        delivery = self.delivery.get(order.pk, Decimal()) + on_the_whole
        if delivery:
            sold.append(
                SoldLine(names.DELIVERY, "", "", "Доставка и скидки заказа" if on_the_whole else "Доставка заказа", 1, delivery, True)
            )
        return SoldOrder(
            code=str(order.pk),
            number=order.number,
            at=local(self.exchange, order.ordered_at),
            currency=order.currency,
            buyer_code=f"stallkeeper-channel-{order.channel_id}",
            buyer=order.channel.name,
            lines=sold,
            status=STATUSES.get(Order.State(order.state), ""),
            cancelled=all(line.ordered == line.cancelled for line in lines),
            comment=f"{order.channel.name}, {order.external_id}",
        )

    def _line(self, line: OrderLine) -> SoldLine:
        """Quantities in pieces as 1C counts them: a pack of six is six. What was cancelled is gone, and its share of the money."""
        left = line.ordered - line.cancelled
        money = self.money.get((line.order_id, line.pk), Decimal())
        unit = line.stock_unit_id or 0
        return SoldLine(
            code=self.numbers.get(unit, ""),
            article=line.stock_unit.sku if line.stock_unit else line.sku,
            gtin=self.gtins.get(unit, ""),
            title=line.title or line.sku,
            quantity=left * line.pack_factor,
            total=money * left / line.ordered if line.ordered else Decimal(),
        )
