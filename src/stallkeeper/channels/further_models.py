"""Further fields of channels that an administrator defines (S5.116)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.core.tenancy import TenantModel


class FurtherKind(models.TextChoices):
    TEXT = "text", _("text")
    EMAIL = "email", _("e-mail address")
    URL = "url", _("web address")
    DATE = "date", _("date")
    MOMENT = "moment", _("date and time")
    CHOICE = "choice", _("classification (one of a list)")
    AMOUNT = "amount", _("amount")
    PRICE = "price", _("price")
    OWN_AMOUNT = "own_amount", _("amount in your own currency")
    OWN_PRICE = "own_price", _("price in your own currency")
    QUANTITY = "quantity", _("quantity")
    TICK = "tick", _("tick box")
    PRODUCT = "product", _("a product of yours (its SKU)")
    LONG = "long", _("long text")


class FurtherField(TenantModel):
    """One field that every channel has beside Stallkeeper's own. Values stand in ``Channel.further``; they stay when it is put away."""

    label = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind"), max_length=12, choices=FurtherKind)
    choices = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    """Of prices and amounts; "" is the channel's."""
    help = models.CharField(_("explanation"), max_length=200, blank=True, default="")
    position = models.PositiveIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "label"], name="further_field_once")]
