"""Products, kits, identifiers, prices: what may be made, and what the database itself refuses."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from stallkeeper.catalog import identifiers, kits, prices, products
from stallkeeper.catalog.models import Identifier, IdentifierKind, KitComponent, Price, Product, StockUnit, Variant
from stallkeeper.catalog.products import ProductFacts
from stallkeeper.catalog.texts import CatalogueError
from stallkeeper.core import people
from stallkeeper.core.models import AuditEntry
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


@pytest.fixture
def organisation(db):
    return people.create_organisation("Corner Shop", "corner", at=NOON)


@pytest.fixture
def scope(organisation):
    with organisation_scope(organisation.pk):
        yield


def case(organisation):
    return use_case("test.catalogue", organisation_id=organisation.pk, actor="user:1", at=NOON)


def make(organisation, *skus):
    with case(organisation) as uc:
        return [products.create_product(uc, sku, ProductFacts(f"Title of {sku}")) for sku in skus]


def test_a_product_has_a_variant_and_a_unit(organisation, scope):
    with case(organisation) as uc:
        unit = products.create_product(uc, " MUG-1 ", ProductFacts(" Blue mug ", "Acme", "Kitchen/Mugs", "a\r\nb"))
    product = Product.objects.get()
    assert (unit.sku, unit.title, product.title, product.description) == ("MUG-1", "Blue mug", "Blue mug", "a\nb")
    assert Variant.objects.get().stock_unit == unit
    assert AuditEntry.objects.filter(action="create.product", subject_id=str(product.pk)).count() == 1


def test_a_taken_sku_is_refused_and_nothing_is_left(organisation, scope):
    make(organisation, "MUG-1")
    with pytest.raises(CatalogueError, match="sku: MUG-1 is taken"):
        make(organisation, "MUG-1")
    assert Product.objects.count() == 1


def test_another_organisation_may_use_the_same_sku(organisation):
    other = people.create_organisation("Other", "other", at=NOON)
    (unit,) = make(organisation, "MUG-1")
    make(other, "MUG-1")
    with pytest.raises(CatalogueError, match="there is no stock unit"), case(other) as uc:
        products.update_unit(uc, unit.pk, active=False)


def test_variants_have_units_of_their_own_or_share_one(organisation, scope):
    make(organisation, "MUG-1")
    product = Product.objects.get()
    with case(organisation) as uc:
        green = products.add_variant(uc, product.pk, "MUG-2", "green")
        products.share_unit(uc, product.pk, green.pk, "green, gift wrapped")
    assert green.title == "Title of MUG-1, green"
    assert [v.label for v in Variant.objects.order_by("position")] == ["", "green", "green, gift wrapped"]
    with pytest.raises(CatalogueError, match="has this variant"), case(organisation) as uc:
        products.share_unit(uc, product.pk, green.pk, "green")


def test_a_change_is_audited_with_what_changed_and_no_change_is_silent(organisation, scope):
    (unit,) = make(organisation, "MUG-1")
    for _ in range(2):
        with case(organisation) as uc:
            products.update_product(uc, Product.objects.get().pk, ProductFacts("New title"))
    assert StockUnit.objects.get().title == "New title"
    assert AuditEntry.objects.get(action="change.product").detail == {"title": "New title"}
    with case(organisation) as uc:
        products.update_unit(uc, unit.pk, active=False)
        assert uc.take(products.STALE) == [unit.pk]


def test_a_kit_holds_single_units(organisation, scope):
    cup, saucer = make(organisation, "CUP", "SAUCER")
    with case(organisation) as uc:
        kit = kits.make_kit(uc, "SET", "Cup and saucer", {cup.pk: 6, saucer.pk: 6})
        assert uc.take(products.STALE) == [kit.pk]
    assert kit.kind == "kit"
    assert dict(KitComponent.objects.values_list("component__sku", "quantity")) == {"CUP": 6, "SAUCER": 6}
    with case(organisation) as uc:
        assert not kits.set_components(uc, kit.pk, {cup.pk: 6, saucer.pk: 6})
        assert kits.set_components(uc, kit.pk, {cup.pk: 4})
    assert dict(KitComponent.objects.values_list("component__sku", "quantity")) == {"CUP": 4}


def test_a_multipack_is_a_kit_of_one_component(organisation, scope):
    (cup,) = make(organisation, "CUP")
    with case(organisation) as uc:
        kits.make_multipack(uc, "CUP-6", "Six cups", cup.pk, 6)
    assert KitComponent.objects.get().quantity == 6
    with pytest.raises(CatalogueError, match="at least 2"), case(organisation) as uc:
        kits.make_multipack(uc, "CUP-1", "One cup", cup.pk, 1)


def test_wrong_kits_are_refused_by_name(organisation, scope):
    (cup,) = make(organisation, "CUP")
    with case(organisation) as uc:
        kit = kits.make_kit(uc, "SET", "Set", {cup.pk: 2})
    wrong = [({}, "at least one"), ({kit.pk: 1}, "SET is a kit itself"), ({cup.pk: 0}, "quantity must be"), ({10**9: 1}, "no stock unit")]
    for components, words in wrong:
        with pytest.raises(CatalogueError, match=words), case(organisation) as uc:
            kits.make_kit(uc, "OTHER", "Other", components)
    with pytest.raises(CatalogueError, match="cannot become a kit"), case(organisation) as uc:
        kits.set_components(uc, cup.pk, {cup.pk: 1})
    assert not StockUnit.objects.filter(sku="OTHER").exists()


def test_the_database_refuses_a_kit_of_kits(organisation, scope):
    (cup,) = make(organisation, "CUP")
    with case(organisation) as uc:
        kit = kits.make_kit(uc, "SET", "Set", {cup.pk: 2})
    for statement in (
        "INSERT INTO catalog_kitcomponent (organisation_id, kit_id, component_id, quantity, kit_kind, component_kind)"
        " VALUES (%(o)s, %(kit)s, %(kit)s, 1, 'kit', 'single')",
        "UPDATE catalog_stockunit SET kind = 'kit' WHERE id = %(cup)s",
        "UPDATE catalog_stockunit SET kind = 'single' WHERE id = %(kit)s",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; " + statement, {"o": organisation.pk, "kit": kit.pk, "cup": cup.pk})


def test_a_unit_is_found_by_sku_gtin_and_code_in_this_order(organisation, scope):
    """S4.16: product code, barcode, additional codes."""
    first, second = make(organisation, "036000291452", "MUG-2")
    with case(organisation) as uc:
        identifiers.add_identifier(uc, second.pk, IdentifierKind.GTIN, "0036000291452", pack_factor=6)
        identifiers.add_identifier(uc, second.pk, IdentifierKind.CODE, "036000291452")
    found = identifiers.find_units(organisation.pk, "036000291452")
    assert [(f.sku, f.by, f.pack_factor) for f in found] == [(first.sku, "sku", 1), ("MUG-2", "gtin", 6), ("MUG-2", "code", 1)]
    assert [f.by for f in identifiers.find_units(organisation.pk, "00036000291452")] == ["gtin"]
    assert identifiers.find_units(organisation.pk, "nothing") == []


def test_a_wrong_gtin_is_refused_and_a_number_can_be_taken_away(organisation, scope):
    (unit,) = make(organisation, "MUG-1")
    with pytest.raises(CatalogueError, match="wrong check digit"), case(organisation) as uc:
        identifiers.add_identifier(uc, unit.pk, IdentifierKind.GTIN, "5941234567890")
    with pytest.raises(CatalogueError, match="pack_factor"), case(organisation) as uc:
        identifiers.add_identifier(uc, unit.pk, IdentifierKind.CODE, "A1", pack_factor=0)
    with case(organisation) as uc:
        kept = identifiers.add_identifier(uc, unit.pk, IdentifierKind.CODE, "A1")
        identifiers.add_identifier(uc, unit.pk, IdentifierKind.CODE, "A1", pack_factor=2)
        assert Identifier.objects.get().pack_factor == 2
        identifiers.remove_identifier(uc, kept.pk)
        identifiers.remove_identifier(uc, kept.pk)
    assert Identifier.objects.count() == 0
    assert AuditEntry.objects.filter(action="remove.identifier").count() == 1


def test_prices_are_set_together_and_only_changes_count(organisation, scope):
    one, two = make(organisation, "A", "B")
    with case(organisation) as uc:
        eur = prices.price_list(uc, "retail", "eur")
        assert prices.set_prices(uc, eur.pk, {one.pk: Decimal("9.99"), two.pk: Decimal(5)}) == [one.pk, two.pk]
        assert uc.take(prices.PRICED) == [one.pk, two.pk]
    with case(organisation) as uc:
        assert prices.price_list(uc, "retail", "EUR") == eur
        assert prices.set_prices(uc, eur.pk, {one.pk: Decimal("9.99"), two.pk: Decimal(6)}) == [two.pk]
        assert prices.remove_price(uc, eur.pk, one.pk)
        assert not prices.remove_price(uc, eur.pk, one.pk)
    assert Price.objects.get().amount == 6
    assert AuditEntry.objects.filter(action="set.price").count() == 3


def test_wrong_prices_and_lists_are_refused(organisation, scope):
    (unit,) = make(organisation, "A")
    with case(organisation) as uc:
        eur = prices.price_list(uc, "retail", "EUR")
    wrong = [
        (lambda uc: prices.set_prices(uc, eur.pk, {unit.pk: Decimal(-1)}), "price: -1 is negative"),
        (lambda uc: prices.set_prices(uc, eur.pk, {10**9: Decimal(1)}), "no stock unit"),
        (lambda uc: prices.set_prices(uc, 10**9, {}), "no price list"),
        (lambda uc: prices.price_list(uc, "retail", "RON"), "retail is in EUR"),
        (lambda uc: prices.price_list(uc, "x", "XXQ"), "not a currency"),
        (lambda uc: prices.price_list(uc, " ", "EUR"), "1 to 30"),
    ]
    for call, words in wrong:
        with pytest.raises(CatalogueError, match=words), case(organisation) as uc:
            call(uc)
