"""How an exchange stands, for screens and commands. Reads only."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from stallkeeper.catalog.models import Identifier, IdentifierKind
from stallkeeper.core import clock
from stallkeeper.sync.exchange import handover
from stallkeeper.sync.exchange.goods import scope_of
from stallkeeper.sync.models import Exchange, ExchangeGood


def address(exchange: Exchange) -> str:
    """What is entered in 1C."""
    return str(settings.ENV.base_url).rstrip("/") + reverse("exchange-1c", args=[exchange.token])


def last_failure(exchange: Exchange) -> str:
    """What went wrong in the last session of each kind; "" if nothing did."""
    last = [exchange.sessions.filter(kind=kind).order_by("-pk").values_list("failure", flat=True).first() for kind in ("catalog", "sale")]
    return " ".join(text for text in last if text)


def orders_there(exchange: Exchange) -> int:
    """Orders that 1C has confirmed."""
    return exchange.orders.exclude(confirmed_at=None).count()


def orders_waiting(exchange: Exchange) -> int:
    """Orders that its next session brings it."""
    return len(handover.due(exchange, clock.now())) if exchange.give_orders else 0


def goods_linked(exchange: Exchange) -> int:
    """Numbers of 1C that are articles of ours."""
    return Identifier.objects.filter(kind=IdentifierKind.CHANNEL, scope=scope_of(exchange)).count()


def strangers(exchange: Exchange) -> QuerySet[ExchangeGood]:
    """Goods of 1C that are no article of ours."""
    known = Identifier.objects.filter(kind=IdentifierKind.CHANNEL, scope=scope_of(exchange), value=OuterRef("code"))
    return exchange.goods.filter(~Exists(known), deleted=False)
