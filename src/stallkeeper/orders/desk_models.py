"""What people add to orders at their desks: notes, views of the list, and how each of them likes it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.core.tenancy import ChildModel, TenantModel


class OrderNote(ChildModel):
    """What somebody wrote about an order, for colleagues. ``key`` makes a form that is sent twice one note."""

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="notes", db_index=False)
    at = models.DateTimeField()
    actor = models.CharField(max_length=60)
    key = models.CharField(max_length=40)
    text = models.TextField(_("note"), max_length=2000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "key"], name="order_note_once")]


class OrderView(TenantModel):
    """Filters of the list under a name. Without a ``user`` it is for everybody of the organisation."""

    user = models.ForeignKey("core.User", on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(max_length=500)
    """As in an address: ``state=new&channel=3``."""
    actor = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "user", "name"], nulls_distinct=False, name="order_view_once")]


class OrderDesk(TenantModel):
    """How one person likes the list: the view that it opens with (empty: all orders), and the carrier of his last sheet."""

    user = models.ForeignKey("core.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    opens_with = models.CharField(max_length=40, blank=True, default="")
    carrier = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "user"], name="order_desk_once")]
