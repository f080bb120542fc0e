"""Rules of a channel for categories and products, and what the last hour sold (ADR 0051)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.catalog.models import StockUnit
from stallkeeper.core.tenancy import ChildModel, TenantModel


class Rounding(models.TextChoices):
    DOWN = "down", _("down")
    UP = "up", _("up")
    NEAREST = "nearest", _("to the nearest")


class RuleOverride(TenantModel):
    """Other stock rules of a channel for the products of a category, or for one stock unit (ADR 0051).

    A rule that is NULL falls through: product, category, channel. Rows keep what they say: a change ends one (``valid_until``) and begins
    the next, so the rules of a past moment are the rows that were in force then.
    """

    channel = models.ForeignKey("channels.Channel", on_delete=models.CASCADE, related_name="overrides", db_index=False)
    category = models.CharField(_("category"), max_length=300, blank=True, default="")
    stock_unit = models.ForeignKey(StockUnit, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    share = models.DecimalField(_("share in per cent"), max_digits=5, decimal_places=2, null=True, blank=True)
    share_rounding = models.CharField(_("rounding"), max_length=10, choices=Rounding, blank=True, default="")
    buffer = models.PositiveIntegerField(_("buffer"), null=True, blank=True)
    max_publish = models.PositiveIntegerField(_("cap"), null=True, blank=True)
    zero_at = models.PositiveIntegerField(_("zero at or below"), null=True, blank=True)
    fixed = models.PositiveIntegerField(_("fixed number"), null=True, blank=True)
    velocity_share = models.DecimalField(
        _("last hour's sales kept back, in per cent"), max_digits=6, decimal_places=2, null=True, blank=True
    )
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    actor = models.CharField(max_length=60)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(category="", stock_unit__isnull=False) | (~models.Q(category="") & models.Q(stock_unit=None)),
                name="rule_override_of_one",
            ),
            models.CheckConstraint(
                condition=(models.Q(share=None) | models.Q(share__gte=0, share__lte=100))
                & (models.Q(velocity_share=None) | models.Q(velocity_share__gte=0)),
                name="rule_override_in_range",
            ),
            models.UniqueConstraint(
                fields=["channel", "category"], condition=models.Q(valid_until=None, stock_unit=None), name="rule_override_category_once"
            ),
            models.UniqueConstraint(
                fields=["channel", "stock_unit"], condition=models.Q(valid_until=None, category=""), name="rule_override_unit_once"
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "id"], name="rule_override_current", condition=models.Q(valid_until=None)),
            models.Index(fields=["channel"], name="rule_override_velocity", condition=models.Q(valid_until=None, velocity_share__gt=0)),
        ]
        verbose_name = _("rule of its own")
        verbose_name_plural = _("rules of their own")


class UnitSale(ChildModel):
    """Units that an order line took of a counted unit, cancelled or not; kept for the velocity guard while any rule uses it.

    It counts while ``passed_at`` is NULL: a job says when the hour after ``sold_at`` is over, and has the offers worked out anew. So a
    figure never depends on when it is worked out.
    """

    stock_unit = models.ForeignKey(StockUnit, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    quantity = models.PositiveIntegerField()
    sold_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    passed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["stock_unit"], name="unit_sale_counts", condition=models.Q(passed_at=None)),
            models.Index(fields=["sold_at"], name="unit_sale_due", condition=models.Q(passed_at=None)),
            models.Index(fields=["stock_unit", "recorded_at"], name="unit_sale_history"),
        ]
