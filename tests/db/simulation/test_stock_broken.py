"""Invariants 1 to 3 broken by hand, one at a time: the model says exactly that."""

from __future__ import annotations

import pytest
from django.db import connection

from stallkeeper.ops.simulation.truth import Truth
from tests.shop import Shop


@pytest.fixture
def watched() -> tuple[Shop, Truth]:
    shop = Shop.open()
    shop.unit("LAMP", 10)
    truth = Truth(shop.organisation.pk, [])
    assert truth.after_commit("the start") == []
    return shop, truth


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def broken(truth: Truth, *numbers: str) -> str:
    """The breaches are of these invariants and of no other; their texts."""
    found = truth.after_commit("the break")
    assert sorted({breach.invariant for breach in found}) == sorted(numbers), found
    return " | ".join(breach.text for breach in found)


def test_a_level_that_no_movement_explains(watched: tuple[Shop, Truth]) -> None:
    sql("UPDATE stock_level SET on_hand = 12")
    assert "the level says 12, the movements add up to 10" in broken(watched[1], "1")


def test_a_level_that_says_allocated_without_a_reservation(watched: tuple[Shop, Truth]) -> None:
    sql("UPDATE stock_level SET allocated = 2")
    assert "2 allocated and 0 held, the reservations 0 and 0" in broken(watched[1], "2")
