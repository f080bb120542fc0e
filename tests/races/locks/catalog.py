"""Locks of products, units and imports."""

from __future__ import annotations

from decimal import Decimal

from django.db import connection

from stallkeeper.catalog import kits, prices, products
from stallkeeper.catalog.imports import products_queries
from stallkeeper.catalog.models import KitComponent, PriceList, Variant
from stallkeeper.catalog.products import ProductFacts
from stallkeeper.core.use_case import UseCase
from tests.races.explorer import How, Race
from tests.races.locks import Pair, Proof
from tests.races.locks.acting import gate, within
from tests.shop import Shop


def two_variants_are_added() -> Race:
    shop = Shop.open()
    unit = within(shop, lambda uc: products.create_product(uc, "CUP", ProductFacts("Cup")))()
    with shop.scope():
        product = Variant.objects.get(stock_unit=unit).product_id

    def add(label: str):
        return within(shop, lambda uc: products.add_variant(uc, product, f"CUP-{label}", label))

    def broken() -> str:
        with shop.scope():
            places = sorted(Variant.objects.filter(product=product).values_list("position", flat=True))
        return "" if places == [0, 1, 2] else f"the variants are at {places}"

    return Race(add("red"), add("blue"), broken)


def a_kit_is_changed_twice() -> Race:
    shop = Shop.open()
    units = [shop.unit(sku, 5) for sku in ("A", "B", "C")]
    kit = shop.kit("KIT", {units[0]: 1})

    def hold(unit):
        return within(shop, lambda uc: kits.set_components(uc, kit.pk, {unit.pk: 1}))

    def broken() -> str:
        with shop.scope():
            parts = KitComponent.objects.filter(kit=kit).count()
        return "" if parts == 1 else f"the kit has {parts} components, and nobody said so"

    return Race(hold(units[1]), hold(units[2]), broken)


def two_price_the_same() -> Race:
    shop = Shop.open()
    units = [shop.unit(sku, 5).pk for sku in ("A", "B")]
    with shop.scope():
        price_list = PriceList.objects.create(organisation=shop.organisation, code="EUR", currency="EUR", tax_included=True)
    one = within(shop, lambda uc: prices.set_prices(uc, price_list.pk, dict.fromkeys(units, Decimal(9))))
    return Race(one, one, lambda: "", gate=gate(shop, "catalog_stockunit", units[1]))


def two_import_the_same() -> Race:
    shop = Shop.open()
    units = [shop.unit(sku, 5) for sku in ("CUP", "MUG")]

    def stage(uc: UseCase) -> None:
        with connection.cursor() as cursor:
            products_queries.make_stage(cursor)
            for number, unit in enumerate(units):
                cursor.execute("INSERT INTO import_product (row, kind, sku) VALUES (%s, 'single', %s)", [number, unit.sku])
            products_queries.resolve_units(cursor, uc.organisation_id)
            products_queries.drop_stage(cursor)

    one = within(shop, stage)
    return Race(one, one, lambda: "", gate=gate(shop, "catalog_stockunit", units[1].pk))


LOCKS: dict[str, Proof] = {
    "catalog/products.py:_own_product": Pair("variants have places of their own", two_variants_are_added, '"catalog_product"'),
    "catalog/products.py:own_unit": Pair("a kit is what one person said", a_kit_is_changed_twice, '"catalog_stockunit"'),
    "catalog/queries.py:lock_units": Pair("the order of units", two_price_the_same, "FROM catalog_stockunit", How.DISORDER, gated=True),
    "catalog/imports/products_queries.py:resolve_units": Pair(
        "the order of units, between imports", two_import_the_same, "WITH found AS MATERIALIZED", How.DISORDER, gated=True
    ),
}
