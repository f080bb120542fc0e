"""What channels list."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.core.tenancy import TenantModel


class RemoteListing(TenantModel):
    """An offer as the channel listed it when we last read: the evidence for linking, and the list that people browse (S4.13, S4.14)."""

    class State(models.TextChoices):
        NEW = "new", _("not linked")
        LINKED = "linked", _("linked")
        AMBIGUOUS = "ambiguous", _("several products fit")
        EXCLUDED = "excluded", _("left out")

    channel = models.ForeignKey("channels.Channel", on_delete=models.CASCADE, related_name="listings", db_index=False)
    sku = models.CharField(max_length=100)
    external_id = models.CharField(max_length=100, blank=True, default="")
    title = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10)
    gtins = ArrayField(models.CharField(max_length=14), default=list)
    codes = ArrayField(models.CharField(max_length=100), default=list)
    channel_ids = models.JSONField(default=dict)
    quantity = models.IntegerField(null=True)
    price = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    fulfilled_by = models.CharField(max_length=12, default="seller")
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    candidates = models.JSONField(default=list)
    """[{"unit": id, "sku": …, "by": "gtin", "value": …}] in the fixed order of the search."""
    offer = models.OneToOneField("channels.Offer", on_delete=models.SET_NULL, null=True, blank=True, related_name="listing")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "sku", "external_id"], name="remote_listing_once")]
        indexes = [
            models.Index(fields=["channel", "state", "sku", "external_id"], name="remote_listing_state"),
            models.Index(fields=["channel", "external_id"], name="remote_listing_number", condition=~models.Q(external_id="")),
            models.Index(
                fields=["channel", "sku", "external_id"],
                name="remote_listing_certain",
                condition=models.Q(state="new") & ~models.Q(candidates=[]),
            ),
            models.Index(
                fields=["channel", "sku", "external_id"],
                name="remote_listing_bare",
                condition=models.Q(state="new", candidates=[]),
            ),
            models.Index(fields=["channel", "sku", "external_id"], name="remote_listing_off", condition=~models.Q(status="live")),
        ]
        verbose_name = _("remote listing")
        verbose_name_plural = _("remote listings")
