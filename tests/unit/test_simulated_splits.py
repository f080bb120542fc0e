"""The judge of orders that a platform cuts up, on rows made by hand: what was ordered once is kept once (S3.60)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from stallkeeper.ops.simulation.truth import split_rules
from stallkit.testing.shop import ShopLine, ShopOrder

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACCOUNT = 3
CUP = 11
PACK = 2
"""Cups in one sold unit."""


def order(number: str, units: int, parent: str = "") -> ShopOrder:
    line = ShopLine("1", "CUP", "Cup", units, Decimal(10))
    return ShopOrder(number, NOON, NOON, [line], "Ada Example", extra={"parent": parent} if parent else {})


def told(kept: dict[str, int], *orders: ShopOrder) -> list[str]:
    """What the judge says if so many cups are kept for each of our orders."""
    numbers = dict(enumerate(kept, 1))
    shop = SimpleNamespace(
        now=SimpleNamespace(
            reservations=[
                SimpleNamespace(owner_type="line", owner_id=number, stock_unit_id=CUP, quantity=kept[name])
                for number, name in numbers.items()
            ]
        ),
        orders={number: SimpleNamespace(id=number, connection_id=ACCOUNT, external_id=name) for number, name in numbers.items()},
        lines={number: SimpleNamespace(id=number, order_id=number, sku="CUP", stock_unit_id=CUP, pack_factor=PACK) for number in numbers},
        recipes={CUP: ((CUP, 1),)},
        sku=lambda _unit: "CUP",
    )
    stall = SimpleNamespace(emulator=SimpleNamespace(orders={one.order_id: one for one in orders}))
    return [breach.text for breach in split_rules.kept_once(shop, {ACCOUNT: stall})]  # type: ignore[arg-type, dict-item]


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        ({"7-1": 6}, 0),
        ({"7-1": 4, "7-2": 2}, 0),
        ({"7-1": 6, "7-2": 2}, 1),
        ({"7-1": 2, "7-2": 2, "7-3": 2}, 0),
        ({"7-1": 4, "7-2": 2, "7-3": 2}, 1),
        ({"7-1": 4, "7-2": 2, "8-1": 9}, 0),
    ],
    ids=["not here yet", "moved", "kept by both", "cut twice", "the second kept by both", "another order"],
)
def test_units_of_an_order_that_was_cut_up_are_kept_once(kept: dict[str, int], found: int) -> None:
    """Three packs of two: one went to a second posting, and of that nothing more, or of the first one another to a third."""
    there = (order("7-1", 1), order("7-2", 1, "7-1"), order("7-3", 1, "7-2"), order("8-1", 1))
    assert len(told(kept, *there)) == found


def test_it_names_the_order_and_what_was_ordered() -> None:
    (text,) = told({"7-1": 6, "7-2": 2}, order("7-1", 2), order("7-2", 1, "7-1"))
    assert text == "order 7-1: 8 of CUP are kept for it and what was cut off it, 6 were ordered"
