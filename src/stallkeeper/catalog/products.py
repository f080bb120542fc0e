"""Products, their variants, and the stock unit behind each."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import IntegrityError, transaction

from stallkeeper.catalog.models import Product, StockUnit, UnitKind, Variant
from stallkeeper.catalog.texts import CatalogueError, required, tidy
from stallkeeper.core import audit, history
from stallkeeper.core.history import Changed, Fact
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _

STALE = "stale_unit"
"""Mark: units whose offers must be looked at again (drained by ``channels.refresh``)."""


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """What the catalogue says about a product; texts as typed."""

    title: str
    brand: str = ""
    category: str = ""
    description: str = ""

    def tidied(self) -> ProductFacts:
        """The same as it is kept; CatalogueError names the field that cannot be."""
        return ProductFacts(
            required("title", self.title),
            tidy("brand", self.brand),
            tidy("category", self.category),
            tidy("description", self.description, lines=True),
        )


def create_product(uc: UseCase, sku: str, facts: ProductFacts, *, label: str = "", stocked: bool = True) -> StockUnit:
    """A product with one variant; returns the stock unit behind it. CatalogueError if the SKU is taken or a field is wrong."""
    facts = facts.tidied()
    unit = create_unit(uc, sku, facts.title, stocked=stocked)
    product = Product.objects.create(organisation_id=uc.organisation_id, created_at=uc.at, updated_at=uc.at, **asdict(facts))
    _variant(uc, product, unit, label)
    audit.record(uc, "create.product", "product", product.pk, sku=unit.sku, title=facts.title)
    return unit


def add_variant(uc: UseCase, product_id: int, sku: str, label: str, *, stocked: bool = True) -> StockUnit:
    """One more choice of a product, with a stock unit of its own. CatalogueError if the SKU is taken or the product is not ours."""
    product = _own_product(uc, product_id)
    label = required("label", label)
    unit = create_unit(uc, sku, f"{product.title}, {label}"[:500], stocked=stocked)
    _variant(uc, product, unit, label)
    audit.record(uc, "add.variant", "product", product.pk, sku=unit.sku, label=label)
    return unit


def share_unit(uc: UseCase, product_id: int, unit_id: int, label: str = "") -> Variant:
    """One more variant that is served from the stock of a unit that exists already."""
    product, unit = _own_product(uc, product_id), own_unit(uc, unit_id)
    variant = _variant(uc, product, unit, tidy("label", label))
    uc.mark(STALE, [unit.pk])
    audit.record(uc, "share.unit", "product", product.pk, sku=unit.sku, label=variant.label)
    return variant


def update_product(uc: UseCase, product_id: int, facts: ProductFacts) -> Product:
    """Change what the catalogue says. The unit of a product without other variants takes the title over.

    Offers are looked at again where the category changes: it may have rules of its own.
    """
    product, facts = _own_product(uc, product_id), facts.tidied()
    changed = {field: value for field, value in asdict(facts).items() if getattr(product, field) != value}
    if not changed:
        return product
    if "category" in changed:
        history.note(uc, Fact.PRODUCT, [Changed(product.pk, "category", product.category, changed["category"])])
    for field, value in changed.items():
        setattr(product, field, value)
    product.updated_at = uc.at
    product.save(update_fields=[*changed, "updated_at"])
    units = list(StockUnit.objects.filter(organisation_id=uc.organisation_id, variants__product=product))
    if len(units) == 1 and "title" in changed:
        StockUnit.objects.filter(pk=units[0].pk).update(title=facts.title)
    if "category" in changed:
        uc.mark(STALE, [unit.pk for unit in units])
    audit.record(uc, "change.product", "product", product.pk, **changed)
    return product


def update_unit(
    uc: UseCase, unit_id: int, *, title: str | None = None, active: bool | None = None, stocked: bool | None = None
) -> StockUnit:
    """Change a stock unit; what is None stays. Its offers are looked at again where that may change a number."""
    unit = own_unit(uc, unit_id)
    given = {"title": None if title is None else tidy("title", title), "active": active, "stocked": stocked}
    changed = {field: value for field, value in given.items() if value is not None and getattr(unit, field) != value}
    if not changed:
        return unit
    switches = [Changed(unit.pk, field, getattr(unit, field), value) for field, value in changed.items() if field != "title"]
    history.note(uc, Fact.UNIT, switches)
    for field, value in changed.items():
        setattr(unit, field, value)
    unit.save(update_fields=list(changed))
    if switches:
        uc.mark(STALE, [unit.pk])
    audit.record(uc, "change.unit", "stock_unit", unit.pk, **changed)
    return unit


def create_unit(uc: UseCase, sku: str, title: str, *, kind: UnitKind = UnitKind.SINGLE, stocked: bool = True) -> StockUnit:
    """A stock unit alone. CatalogueError if the SKU is empty or taken."""
    sku = required("sku", sku)
    try:
        with transaction.atomic():  # lint: allow crash-point because a savepoint of the caller's use case
            return StockUnit.objects.create(
                organisation_id=uc.organisation_id, sku=sku, title=title, kind=kind.value, stocked=stocked, created_at=uc.at
            )
    except IntegrityError:
        raise CatalogueError("sku", _("{sku} is taken by another stock unit; choose another or change that one.", sku=sku)) from None


def own_unit(uc: UseCase, unit_id: int) -> StockUnit:
    """The organisation's unit, locked; CatalogueError if there is none with this number."""
    unit = StockUnit.objects.select_for_update(no_key=True).filter(organisation_id=uc.organisation_id, pk=unit_id).first()
    if unit is None:
        raise CatalogueError("sku", _("there is no stock unit with number {unit_id}.", unit_id=unit_id))
    return unit


def _own_product(uc: UseCase, product_id: int) -> Product:
    product = Product.objects.select_for_update(no_key=True).filter(organisation_id=uc.organisation_id, pk=product_id).first()
    if product is None:
        raise CatalogueError("product", _("there is no product with number {product_id}.", product_id=product_id))
    return product


def _variant(uc: UseCase, product: Product, unit: StockUnit, label: str) -> Variant:
    position = Variant.objects.filter(organisation_id=uc.organisation_id, product=product).count()
    try:
        with transaction.atomic():  # lint: allow crash-point because a savepoint of the caller's use case
            return Variant.objects.create(
                organisation_id=uc.organisation_id, product=product, stock_unit=unit, label=label, position=position
            )
    except IntegrityError:
        raise CatalogueError(
            "label", _("{title} has this variant of {sku} already; give it another label.", title=product.title, sku=unit.sku)
        ) from None
