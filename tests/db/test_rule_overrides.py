"""Rules of a category or a product in place of the channel's (S3.31, S3.32), and the velocity guard; ADR 0051."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stallkeeper.catalog import products
from stallkeeper.catalog.models import Product, StockUnit
from stallkeeper.catalog.products import ProductFacts
from stallkeeper.channels import explain, refresh, rules
from stallkeeper.channels.models import Offer
from stallkeeper.channels.overriding import Origin
from stallkeeper.channels.rule_models import RuleOverride, UnitSale
from stallkeeper.channels.rules import RuleError
from stallkeeper.core import clock
from stallkeeper.core.models import AuditEntry
from stallkeeper.orders import intake
from stallkeeper.sync import lapses
from tests import own_rules
from tests.shop import Shop, remote_order


@pytest.fixture
def shop() -> Shop:
    return Shop.open()


def product(shop: Shop, sku: str, category: str, on_hand: int) -> StockUnit:
    with shop.use_case() as uc:
        unit = products.create_product(uc, sku, ProductFacts(sku, category=category))
    shop.stock(unit, on_hand)
    return unit


def intended(shop: Shop) -> dict[str, int | None]:
    with shop.scope():
        return dict(Offer.objects.order_by("sku").values_list("sku", "intended_qty"))


def assert_at_rest(shop: Shop) -> None:
    """What is stored is what the rules say, for one and for all."""
    with shop.use_case("test.sweep") as uc:
        assert len(refresh.sweep(uc)) == 0


def said(shop: Shop, sku: str) -> dict[str, tuple[int, Origin]]:
    found = next(each for each in explain.explain(shop.organisation.pk, sku) if each.sku == sku)
    assert found.stored == found.intended
    return {step.name: (step.after, step.origin) for step in found.steps}


def test_a_product_goes_before_its_category_and_that_before_the_channel(shop: Shop) -> None:
    """S3.31, S3.32: a rule that is not said falls through, each for itself; explain says whose rule made each step."""
    near, far = shop.channel(buffer=1, share=50), shop.channel()
    for sku, category in (("CUP", "Mugs"), ("BOWL", "Mugs"), ("VASE", "Vases")):
        unit = product(shop, sku, category, 20)
        shop.offer(near, unit)
        shop.offer(far, unit, f"FAR-{sku}")
    with shop.use_case() as uc:
        own_rules.of_category(uc, near.pk, "Mugs", {"share": Decimal(80), "max_publish": 15})
        cup = StockUnit.objects.get(sku="CUP")
        own_rules.of_units(uc, near.pk, [cup.pk], {"buffer": 3, "max_publish": None})
    assert intended(shop) == {"BOWL": 15, "CUP": 13, "VASE": 9, "FAR-BOWL": 20, "FAR-CUP": 20, "FAR-VASE": 20}
    assert_at_rest(shop)
    cup_said, bowl_said = said(shop, "CUP"), said(shop, "BOWL")
    assert [cup_said[name] for name in ("share", "buffer", "cap")] == [
        (16, Origin.CATEGORY),
        (13, Origin.PRODUCT),
        (13, Origin.CATEGORY),
    ]
    assert [bowl_said[name] for name in ("share", "buffer", "cap")] == [
        (16, Origin.CATEGORY),
        (15, Origin.CHANNEL),
        (15, Origin.CATEGORY),
    ]


def test_a_product_that_moves_takes_the_rules_of_its_new_category(shop: Shop) -> None:
    near = shop.channel()
    unit = product(shop, "CUP", "Mugs", 20)
    shop.offer(near, unit)
    with shop.use_case() as uc:
        own_rules.of_category(uc, near.pk, "Mugs", {"fixed": 4})
    assert intended(shop) == {"CUP": 4}
    with shop.use_case() as uc:
        products.update_product(uc, Product.objects.get().pk, ProductFacts("CUP", category="Rarities"))
    assert intended(shop) == {"CUP": 20}
    with shop.use_case() as uc, pytest.raises(RuleError, match="no product is in a category 'Plates'"):
        own_rules.of_category(uc, near.pk, "Plates", {"fixed": 4})
    with shop.scope():
        pk = RuleOverride.objects.get().pk
    with shop.use_case() as uc:
        assert own_rules.remove(uc, near.pk, [pk]) == 1
        assert own_rules.remove(uc, near.pk, [pk]) == 0


def test_what_was_in_force_at_a_time_is_kept(shop: Shop) -> None:
    near = shop.channel()
    unit, other = product(shop, "CUP", "Mugs", 20), product(shop, "BOWL", "Mugs", 20)
    shop.offer(near, unit)
    shop.offer(near, other)
    with shop.use_case() as uc:
        own_rules.of_units(uc, near.pk, [unit.pk, other.pk], {"buffer": 1})
    first = shop.at
    shop.later(minutes=5)
    with shop.use_case() as uc:
        own_rules.of_units(uc, near.pk, [unit.pk], {"buffer": 2})
    shop.later(minutes=5)
    with shop.use_case() as uc:
        assert own_rules.remove(uc, near.pk, in_category="Mugs") == 2
    assert intended(shop) == {"CUP": 20, "BOWL": 20}
    with shop.scope():
        rows = RuleOverride.objects.filter(stock_unit=unit).order_by("valid_from")
        assert [(row.buffer, row.valid_from, row.valid_until) for row in rows] == [
            (1, first, first + (shop.at - first) / 2),
            (2, first + (shop.at - first) / 2, shop.at),
        ]
        assert AuditEntry.objects.filter(action__in=["save.override", "remove.override"]).count() == 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "say at least one"),
        ({"buffer": None}, "say at least one"),
        ({"share": Decimal(101)}, "share: a per cent"),
        ({"velocity_share": Decimal(-1)}, "velocity_share: a per cent"),
        ({"buffer": -1}, "buffer: "),
        ({"max_publish": 10**8}, "max_publish: "),
        ({"currency": "USD"}, "There is no such rule of a category or product: 'currency'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(shop: Shop, values: dict[str, object], words: str) -> None:
    near = shop.channel()
    unit = product(shop, "CUP", "Mugs", 20)
    with shop.use_case() as uc, pytest.raises(RuleError, match=words):
        own_rules.of_units(uc, near.pk, [unit.pk], values)
    theirs = Shop.open().unit("THEIRS", 1)
    with shop.use_case() as uc, pytest.raises(RuleError, match="no stock unit"):
        own_rules.of_units(uc, near.pk, [theirs.pk], {"buffer": 1})


def test_the_last_hours_sales_are_kept_back_and_come_back_by_themselves(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The issue's velocity guard: a part of what all channels sold in an hour; packs and kits by their units, halves upwards."""
    near, far = shop.channel(), shop.channel()
    cup = product(shop, "CUP", "Mugs", 40)
    tray = shop.kit("TRAY", {cup: 4})
    for channel, unit, sku, factor in ((near, cup, "CUP", 1), (near, tray, "TRAY", 1), (far, cup, "SIX", 6)):
        shop.offer(channel, unit, sku, pack_factor=factor)
    with shop.use_case() as uc:
        intake.accept(uc, near.connection_id, [remote_order("1", [("CUP", 3)], at=shop.at)], shop.at)
    with shop.scope():
        assert not UnitSale.objects.exists()  # nobody asked
    with shop.use_case() as uc:
        rules.save(uc, near.pk, velocity_share=Decimal(50))
    assert intended(shop) == {"CUP": 37 - 2, "SIX": 6, "TRAY": 9 - 1}
    shop.later(minutes=30)
    with shop.use_case() as uc:
        intake.accept(uc, far.connection_id, [remote_order("2", [("SIX", 1)], at=shop.at)], shop.at)
    assert intended(shop) == {"CUP": 31 - 5, "SIX": 5, "TRAY": 7 - 2}
    assert_at_rest(shop)
    assert said(shop, "CUP")["velocity"][0] == 26
    for minutes, figures in ((30, {"CUP": 31 - 3, "SIX": 5, "TRAY": 7 - 1}), (30, {"CUP": 31, "SIX": 5, "TRAY": 7})):
        shop.later(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda: shop.at)
        assert lapses.run() == 1
        assert lapses.run() == 0
        assert intended(shop) == figures
    assert_at_rest(shop)


def test_only_the_product_that_asks_keeps_sales_back(shop: Shop) -> None:
    near = shop.channel()
    for sku in ("CUP", "BOWL"):
        shop.offer(near, product(shop, sku, "Mugs", 10))
    with shop.use_case() as uc:
        own_rules.of_units(uc, near.pk, [StockUnit.objects.get(sku="CUP").pk], {"velocity_share": Decimal(100)})
    orders = [remote_order("1", [("CUP", 2), ("BOWL", 2)], at=shop.at)]
    orders.append(remote_order("2", [("CUP", 1)], at=shop.at.replace(hour=1)))
    with shop.use_case() as uc:
        intake.accept(uc, near.connection_id, orders, shop.at)
    assert intended(shop) == {"CUP": 7 - 2, "BOWL": 8}
