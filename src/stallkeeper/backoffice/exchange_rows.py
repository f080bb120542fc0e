"""What the page of an exchange with 1C shows."""

from __future__ import annotations

from dataclasses import dataclass

from stallkeeper.sync.exchange import standing
from stallkeeper.sync.models import Exchange, ExchangeGood, ExchangeParked, ExchangeSession

SESSIONS, GOODS, PARKED = 20, 50, 20


@dataclass(frozen=True)
class PlaceRow:
    """A place of 1C: its number there, its name, and the code of ours that is chosen ("" = none yet, None = left out)."""

    number: str
    name: str
    chosen: str | None


class Standing:
    """An exchange as it stands, for the template."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.address = standing.address(exchange)
        self.orders_there = standing.orders_there(exchange)
        self.orders_waiting = standing.orders_waiting(exchange)
        self.goods_linked = standing.goods_linked(exchange)
        self.goods_unknown = standing.strangers(exchange).count()

    def sessions(self) -> list[ExchangeSession]:
        return list(self.exchange.sessions.order_by("-begun_at", "-pk")[:SESSIONS])

    def places(self) -> list[PlaceRow]:
        mapped = self.exchange.source.places
        names = sorted(self.exchange.place_names.items(), key=lambda item: (item[1], item[0]))
        return [PlaceRow(number, name, mapped.get(number, "")) for number, name in names]

    def some_unknown(self) -> list[ExchangeGood]:
        return list(standing.strangers(self.exchange).order_by("title", "code")[:GOODS])

    def parked(self) -> list[ExchangeParked]:
        return list(self.exchange.parked.order_by("-at")[:PARKED])
