"""Clients that take orders in: through the product, and through the two references."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any, Protocol

from bench import shop
from bench.reference.lean import Lean
from bench.reference.whole import Whole
from bench.shop import NOON
from stallkit.types import RemoteOrder


class Taker(Protocol):
    def accept(self, channel: int, orders: Sequence[RemoteOrder]) -> int: ...


class Product:
    """The product as a trade run calls it: one use case a page, its hooks and wake-ups included."""

    def __init__(self, _url: str, found: shop.Shop) -> None:
        self.shop = found

    def accept(self, channel: int, orders: Sequence[RemoteOrder]) -> int:
        """A page in one transaction. Returns how many orders were new."""
        return _accept(self.shop.organisation, self.shop.connections[self.shop.channels.index(channel)], orders)


def _accept(organisation: int, account: int, orders: Sequence[RemoteOrder]) -> int:
    from stallkeeper.core.retry import again_on_conflict
    from stallkeeper.core.use_case import use_case
    from stallkeeper.orders.intake import accept

    @again_on_conflict
    def take() -> int:
        with use_case("accept_orders", organisation_id=organisation, at=NOON + timedelta(hours=2)) as uc:
            return accept(uc, account, orders, NOON + timedelta(hours=2)).new

    return take()


TAKERS: dict[str, Callable[[str, shop.Shop], Taker]] = {"product": Product, "lean": Lean, "whole": Whole}


@cache
def _taker(name: str) -> tuple[shop.Shop, Taker]:
    found = shop.found()
    return found, TAKERS[name](os.environ["DATABASE_URL"], found)


def take_pages(client: int, who: str, turn: int, count: int, size: int, hot: int = 0) -> Callable[[], Any]:
    """Prepare ``count`` pages of ``size`` orders for one client; the job returns how many orders were new."""
    found, taker = _taker(who)
    dice = Random(f"{turn}:{client}")
    channel = found.channels[(turn * 7 + client) % len(found.channels)]
    waiting = list(shop.pages(f"{who}-{turn}-{client}", count, size, found.units, dice, hot))

    def job() -> int:
        return sum(taker.accept(channel, page) for page in waiting)

    return job
