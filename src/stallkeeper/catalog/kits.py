"""Kits and multipacks: sold as one, counted through their components. No kit of kits."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from stallkeeper.catalog import products, queries
from stallkeeper.catalog.models import Product, StockUnit, UnitKind, Variant
from stallkeeper.catalog.texts import CatalogueError, required
from stallkeeper.core import audit, history
from stallkeeper.core.history import Changed, Fact
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _

LARGEST_QUANTITY = 100_000


def make_kit(uc: UseCase, sku: str, title: str, components: Mapping[int, int]) -> StockUnit:
    """A kit of {unit: quantity}, with a product of its own. CatalogueError names what is wrong with a component."""
    title = required("title", title)
    _check(uc, components)
    unit = products.create_unit(uc, sku, title, kind=UnitKind.KIT)
    product = Product.objects.create(organisation_id=uc.organisation_id, title=title, created_at=uc.at, updated_at=uc.at)
    Variant.objects.create(organisation_id=uc.organisation_id, product=product, stock_unit=unit)
    _write(uc, unit, components)
    audit.record(uc, "make.kit", "stock_unit", unit.pk, sku=unit.sku, components=_named(components))
    return unit


def make_multipack(uc: UseCase, sku: str, title: str, unit_id: int, quantity: int) -> StockUnit:
    """A kit of one component: ``quantity`` times the same unit. CatalogueError for less than two."""
    if quantity < 2:
        raise CatalogueError("quantity", _("a multipack holds at least 2, not {quantity}.", quantity=quantity))
    return make_kit(uc, sku, title, {unit_id: quantity})


def set_components(uc: UseCase, kit_id: int, components: Mapping[int, int]) -> bool:
    """Change what a kit is made of; whether anything changed. Its offers are worked out again."""
    kit = products.own_unit(uc, kit_id)
    if kit.kind != UnitKind.KIT:
        raise CatalogueError("components", _("{sku} is counted itself and cannot become a kit; make a new SKU for the kit.", sku=kit.sku))
    _check(uc, components)
    if not _write(uc, kit, components):
        return False
    audit.record(uc, "change.kit", "stock_unit", kit.pk, components=_named(components))
    return True


def _check(uc: UseCase, components: Mapping[int, int]) -> None:
    if not components:
        raise CatalogueError("components", _("a kit needs at least one component."))
    with connection.cursor() as cursor:
        known = queries.lock_units(cursor, uc.organisation_id, sorted(components))
    for unit, quantity in sorted(components.items()):
        if unit not in known:
            raise CatalogueError("components", _("there is no stock unit with number {unit}.", unit=unit))
        sku, kind = known[unit]
        if kind == UnitKind.KIT:
            raise CatalogueError("components", _("{sku} is a kit itself; name its components instead (a kit cannot hold kits).", sku=sku))
        if not 1 <= quantity <= LARGEST_QUANTITY:
            raise CatalogueError(
                "components",
                _("{sku}: the quantity must be from 1 to {most:,}, not {quantity}.", sku=sku, most=LARGEST_QUANTITY, quantity=quantity),
            )


def _write(uc: UseCase, kit: StockUnit, components: Mapping[int, int]) -> bool:
    units = sorted(components)
    with connection.cursor() as cursor:
        before = queries.components_of(cursor, kit.pk)
        changed = queries.set_components(cursor, uc.organisation_id, kit.pk, units, [components[unit] for unit in units])
    if changed:
        parts = sorted(before.keys() | components.keys())
        history.note(uc, Fact.KIT, [Changed(kit.pk, str(part), before.get(part), components.get(part)) for part in parts])
        uc.mark(products.STALE, [kit.pk])
    return changed


def _named(components: Mapping[int, int]) -> dict[str, int]:
    return {str(unit): quantity for unit, quantity in sorted(components.items())}
