"""What is sold: products, their variants, the stock units that are counted, kits, identifiers, prices."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.core import words
from stallkeeper.core.tenancy import ChildModel, TenantModel


class Product(TenantModel):
    """What the catalogue describes. May have variants; is never counted itself."""

    title = models.CharField(_("title"), max_length=500)
    brand = models.CharField(_("brand"), max_length=200, blank=True)
    category = models.CharField(_("category"), max_length=300, blank=True)
    description = models.TextField(_("description"), blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["organisation", "title"], name="product_title")]
        verbose_name = _("product")
        verbose_name_plural = _("products")

    def __str__(self) -> str:
        return self.title


class UnitKind(models.TextChoices):
    SINGLE = "single", _("single")
    KIT = "kit", _("kit")


class StockUnit(TenantModel):
    """The thing that is counted. A kit is sold as one and counted through its components; a multipack is a kit of one component."""

    sku = models.CharField(_("SKU"), max_length=100)
    title = models.CharField(_("title"), max_length=500, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=UnitKind, default=UnitKind.SINGLE)
    stocked = models.BooleanField(_("counted"), default=True, help_text=_("Units that are not counted always count as available (S5.90)."))
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "sku"], name="stock_unit_sku_once"),
            models.UniqueConstraint(fields=["id", "kind"], name="stock_unit_kind"),
            models.CheckConstraint(condition=~models.Q(sku=""), name="stock_unit_sku_given"),
        ]
        indexes = [models.Index(fields=["organisation", "title"], name="stock_unit_title")]
        verbose_name = _("stock unit")
        verbose_name_plural = _("stock units")

    def __str__(self) -> str:
        return self.sku


class Variant(ChildModel):
    """One choice of a product (size, colour) and the stock unit behind it; several variants may share one."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants", db_index=False)
    stock_unit = models.ForeignKey(StockUnit, on_delete=models.PROTECT, related_name="variants")
    label = models.CharField(_("variant"), max_length=200, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "stock_unit", "label"], name="variant_once")]


class KitComponent(ChildModel):
    """``quantity`` of a component in one kit. The two ``kind`` columns let the database refuse kits of kits (see the migration)."""

    kit = models.ForeignKey(StockUnit, on_delete=models.CASCADE, related_name="components")
    component = models.ForeignKey(StockUnit, on_delete=models.PROTECT, related_name="part_of")
    quantity = models.PositiveIntegerField(_("quantity"))
    kit_kind = models.CharField(max_length=10, default=UnitKind.KIT, editable=False)
    component_kind = models.CharField(max_length=10, default=UnitKind.SINGLE, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kit", "component"], name="kit_component_once"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="kit_component_positive"),
            models.CheckConstraint(condition=models.Q(kit_kind=UnitKind.KIT, component_kind=UnitKind.SINGLE), name="kit_component_kinds"),
        ]


class IdentifierKind(models.TextChoices):
    GTIN = "gtin", _("GTIN")
    CODE = "code", _("additional code")
    MPN = "mpn", _("maker's part number")
    CHANNEL = "channel", _("channel id")


class Identifier(ChildModel):
    """An outside number of a stock unit, as a row (E.2). ``scope`` is the platform for channel ids, empty otherwise.

    A barcode belongs to (unit, factor): ``pack_factor`` says how many base units one scan means. The same value may belong to several
    units; such a value is ambiguous and never links anything by itself.
    """

    stock_unit = models.ForeignKey(StockUnit, on_delete=models.CASCADE, related_name="identifiers")
    kind = models.CharField(_("kind"), max_length=10, choices=IdentifierKind)
    scope = models.CharField(_("platform"), max_length=30, blank=True, default="")
    value = models.CharField(_("value"), max_length=100)
    pack_factor = models.PositiveIntegerField(_("pack factor"), default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "kind", "scope", "value", "stock_unit"], name="identifier_once"),
            models.CheckConstraint(condition=models.Q(pack_factor__gt=0), name="identifier_pack_factor"),
        ]


class PriceList(TenantModel):
    """Base prices in one currency and one tax mode."""

    code = models.CharField(_("code"), max_length=30)
    currency = models.CharField(_("currency"), max_length=3)
    tax_included = models.BooleanField(_("prices include tax"), default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "code"], name="price_list_once")]

    def __str__(self) -> str:
        return f"{self.code} ({self.currency})"


class Price(ChildModel):
    """Base price of one unit in a price list."""

    price_list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="prices", db_index=False)
    stock_unit = models.ForeignKey(StockUnit, on_delete=models.CASCADE, related_name="prices")
    amount = models.DecimalField(_("price"), max_digits=18, decimal_places=4)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["price_list", "stock_unit"], name="price_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="price_not_negative"),
        ]


class ImportRun(TenantModel):
    """One file that was read in: what came, what went through, what was refused and why (by row and column)."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        READING = "reading", _("reading")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped, waiting for a person")
        FAILED = "failed", _("failed")

    kind = models.CharField(max_length=20)
    file_name = models.CharField(max_length=255)
    dry_run = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    rows_changed = models.PositiveIntegerField(default=0)
    rows_refused = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)
    problem_words = models.JSONField(null=True, blank=True)
    actor = models.CharField(max_length=60)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    @property
    def told(self) -> str:
        """``problem``, to be translated."""
        return words.of_row(self.problem, self.problem_words)


class ImportProblem(TenantModel):
    """A refused cell: where it is, what stood there, and what to do."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="problems")
    row = models.PositiveIntegerField()
    column = models.CharField(max_length=60, blank=True)
    value = models.CharField(max_length=200, blank=True)
    message = models.CharField(max_length=300)
    message_words = models.JSONField(null=True, blank=True)

    @property
    def told(self) -> str:
        """``message``, to be translated."""
        return words.of_row(self.message, self.message_words)
