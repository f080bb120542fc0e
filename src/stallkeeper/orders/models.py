"""Orders as the channel gave them, and what we promised for them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import Channel, Connection, Offer, WriteWindow
from stallkeeper.core.tenancy import ChildModel, TenantModel
from stallkeeper.orders.desk_models import OrderDesk, OrderNote, OrderView

LEAVING = ("new", "acknowledged", "part_shipped")
"""States of orders of which somebody still has to do something."""


class Order(ChildModel):
    """Our working copy of a channel order. Snapshots are ordered by (remote modified, fetch start); states may go back (invariant 6)."""

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        NEW = "new", pgettext_lazy("state of an order", "new")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        PART_SHIPPED = "part_shipped", _("part shipped")
        SHIPPED = "shipped", _("shipped")
        CANCELLED = "cancelled", _("cancelled")

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="orders", db_index=False, db_constraint=False)
    """That of its channel, whose reference the database keeps (ADR 0020)."""
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="orders", db_index=False)
    external_id = models.CharField(_("order number on the channel"), max_length=100)
    number = models.CharField(_("number"), max_length=100)
    state = models.CharField(_("state"), max_length=12, choices=State)
    remote_state = models.CharField(max_length=60)
    fulfilled_by = models.CharField(max_length=12, default="seller")
    ordered_at = models.DateTimeField(_("ordered"))
    remote_modified_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField()
    """When the fetch that brought the current snapshot started."""
    imported_at = models.DateTimeField()
    acknowledge_by = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    dispatch_by = models.DateTimeField(null=True)
    currency = models.CharField(max_length=3)
    digest = models.BinaryField()
    at_cutover = models.BooleanField(default=False)
    """Already open when the channel was cut over."""
    not_listed_at = models.DateTimeField(null=True)
    """The channel's orders were read completely from then on, and this one, which is older, was not among them: it was shown late."""
    unfound_until = models.DateTimeField(null=True)
    """So long the ``unfound`` units of its lines are kept for an order that has not come yet."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "external_id"], name="order_once")]
        indexes = [
            models.Index(fields=["unfound_until"], name="order_unfound", condition=models.Q(unfound_until__isnull=False)),
            models.Index(fields=["organisation", "-ordered_at"], name="order_recent"),
            models.Index(fields=["channel", "-ordered_at"], name="order_channel"),
            models.Index(fields=["organisation", "number"], name="order_number"),
            models.Index(
                fields=["organisation", "acknowledge_by"],
                name="order_acknowledge",
                condition=models.Q(acknowledge_by__isnull=False, acknowledged_at=None, fulfilled_by="seller", state="new"),
            ),
            models.Index(
                fields=["organisation", "dispatch_by"],
                name="order_dispatch",
                condition=models.Q(dispatch_by__isnull=False, fulfilled_by="seller", state__in=["new", "acknowledged", "part_shipped"]),
            ),
            models.Index(fields=["organisation", "state", "-ordered_at"], name="order_state"),
        ]
        verbose_name = _("order")
        verbose_name_plural = _("orders")

    def __str__(self) -> str:
        return self.number


class OrderLine(ChildModel):
    """A line with its five quantities, in sold units. Per open line: allocated + shipped + short = ordered - cancelled (invariant 7).

    An unknown SKU leaves ``stock_unit`` empty: the line is kept and shown, and only it waits (C10).
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line_id = models.CharField(max_length=60)
    sku = models.CharField(max_length=100)
    external_offer_id = models.CharField(max_length=100, blank=True, default="")
    title = models.CharField(max_length=500, blank=True)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, null=True, related_name="+")
    stock_unit = models.ForeignKey(StockUnit, on_delete=models.PROTECT, null=True, related_name="+")
    pack_factor = models.PositiveIntegerField(default=1)
    ordered = models.IntegerField()
    cancelled = models.IntegerField(default=0)
    shipped = models.IntegerField(default=0)
    returned = models.IntegerField(default=0)
    refunded = models.IntegerField(default=0)
    cancel_requested = models.IntegerField(default=0)
    short = models.IntegerField(default=0)
    taken_back = models.IntegerField(default=0, db_default=0)
    """Of ``shipped``: units of which the channel, which had said so, says now that they have not left."""
    told_shipped = models.IntegerField(default=0, db_default=0)
    """Units that have left by the channel's word. Until then they are in its own reserve, where it shows one."""
    unfound = models.IntegerField(default=0, db_default=0)
    """Of the open units: those that the channel shows no longer, and that may be in another order (``OrderSplit``)."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "line_id"], name="order_line_once"),
            models.CheckConstraint(
                condition=models.Q(ordered__gte=0, cancelled__gte=0, shipped__gte=0, short__gte=0), name="order_line_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(ordered__gte=models.F("cancelled") + models.F("shipped") + models.F("short")), name="order_line_adds_up"
            ),
            models.CheckConstraint(
                condition=models.Q(taken_back__gte=0, taken_back__lte=models.F("shipped")), name="order_line_taken_back"
            ),
            models.CheckConstraint(condition=models.Q(unfound__gte=0), name="order_line_unfound"),
            models.CheckConstraint(
                condition=models.Q(returned__lte=models.F("shipped"), returned__gte=0, refunded__gte=0), name="order_line_returned"
            ),
        ]
        indexes = [
            models.Index(fields=["stock_unit"], name="order_line_short", condition=models.Q(short__gt=0)),
            models.Index(fields=["organisation", "sku"], name="order_line_unmapped", condition=models.Q(stock_unit=None)),
            models.Index(fields=["order"], name="order_line_wish", condition=models.Q(cancel_requested__gt=0)),
        ]

    @property
    def open(self) -> int:
        """Sold units that still have to leave."""
        return self.ordered - self.cancelled - self.shipped

    @property
    def allocated(self) -> int:
        """Sold units that stock is promised for."""
        return self.open - self.short if self.stock_unit_id else 0


class OrderSplit(ChildModel):
    """Units of a line that the channel has moved to another order: they were sold once, and their reservation moved along."""

    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="split_off")
    into = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="split_from")
    units = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "into"], name="order_split_once"),
            models.CheckConstraint(condition=models.Q(units__gt=0), name="order_split_units"),
        ]


class Amount(ChildModel):
    """Money of an order or line, as the channel stated it; never recomputed (C14)."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="amounts", db_constraint=False)
    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, null=True, related_name="amounts", db_index=False, db_constraint=False)
    kind = models.CharField(max_length=10)
    """product | shipping | discount | fee | tax (``stallkit.types.ChargeKind``)"""
    amount = models.DecimalField(max_digits=18, decimal_places=4)
    currency = models.CharField(max_length=3)
    tax_included = models.BooleanField(default=False)
    rate = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    owed_by = models.CharField(max_length=12, default="seller")
    label = models.CharField(max_length=100, blank=True, default="")


class OrderEvent(ChildModel):
    """The order's time line: what happened, when, by whom, with the channel's own words."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events", db_constraint=False)
    at = models.DateTimeField()
    kind = models.CharField(max_length=30)
    actor = models.CharField(max_length=60)
    detail = models.JSONField(default=dict)


class RawPayload(models.Model):
    """The untouched body of a snapshot: encrypted, partitioned by month, dropped after its end date."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(
        "core.Organisation", on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()
    order_id = models.BigIntegerField()
    key_version = models.IntegerField()
    ciphertext = models.BinaryField()

    class Meta:
        managed = False
        db_table = "orders_raw_payload"


class Shortage(TenantModel):
    """Units sold that no stock could be promised for: an incident with its exposure window (sold at, our cut accepted)."""

    class Verdict(models.TextChoices):
        LATENCY = "latency", _("sold before the cut could reach the channel")
        STOCK_CUT = "stock_cut", _("stock was lowered below what was promised")
        OPEN = "open", _("not yet explained")

    line = models.OneToOneField(OrderLine, on_delete=models.CASCADE, related_name="shortage")
    stock_unit = models.ForeignKey(StockUnit, on_delete=models.PROTECT, related_name="+")
    quantity = models.IntegerField()
    worst = models.IntegerField()
    """The largest quantity that was ever short."""
    sold_at = models.DateTimeField()
    detected_at = models.DateTimeField()
    cut_wanted_at = models.DateTimeField(null=True)
    """Since when a cut had been waiting to be sent as the sale came in; NULL if none was."""
    cut_sent_at = models.DateTimeField(null=True)
    cut_accepted_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.OPEN)
    resolved_at = models.DateTimeField(null=True)
    window = models.ForeignKey(WriteWindow, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    """In guarded mode: the write that went over a sale of the same unit, so that it was offered once more."""

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(quantity__gte=0, worst__gt=0), name="shortage_quantity")]
        indexes = [
            models.Index(fields=["organisation", "-detected_at"], name="shortage_recent"),
            models.Index(fields=["organisation"], name="shortage_window", condition=models.Q(cut_accepted_at=None)),
            models.Index(fields=["window"], name="shortage_of_window", condition=models.Q(window__isnull=False)),
            models.Index(fields=["organisation"], name="shortage_open", condition=models.Q(resolved_at=None)),
        ]


class Exposure(TenantModel):
    """What a channel showed beyond what was there, of the cuts that it accepted in an hour (``orders.exposure``).

    ``cuts`` of ``units`` (added up), ``worst`` at once; ``seconds`` from what took the units to the accepted cut, added up, and the
    ``longest``; ``unit_seconds``: units times time.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()
    cuts = models.IntegerField()
    units = models.IntegerField()
    worst = models.IntegerField()
    seconds = models.FloatField()
    longest = models.FloatField()
    unit_seconds = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "hour"], name="exposure_once")]
        indexes = [models.Index(fields=["organisation", "hour"], name="exposure_hour")]


class Delay(TenantModel):
    """How long an operation took on a channel, end to end, of what was done in an hour (``orders.delays``).

    ``total``, ``ours``, ``theirs`` and ``limits`` are histograms (``core.histogram``), the ``…_seconds`` their sums. ``worst``: the
    longest, each as (order or offer, how many alike, began, ended, seconds of ours, theirs, limits).
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    operation = models.CharField(max_length=12)
    hour = models.DateTimeField()
    count = models.BigIntegerField()
    ours_seconds = models.FloatField()
    theirs_seconds = models.FloatField()
    limits_seconds = models.FloatField()
    total = models.JSONField()
    ours = models.JSONField()
    theirs = models.JSONField()
    limits = models.JSONField()
    worst = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "operation", "hour"], name="delay_once")]
        indexes = [models.Index(fields=["organisation", "hour"], name="delay_hour")]


class Promise(TenantModel):
    """A tighter time that an organisation promises for an operation (``orders.promises``), in seconds."""

    operation = models.CharField(max_length=12)
    seconds = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "operation"], name="promise_once")]


__all__ = [
    "LEAVING",
    "Amount",
    "Delay",
    "Exposure",
    "Order",
    "OrderDesk",
    "OrderEvent",
    "OrderLine",
    "OrderNote",
    "OrderSplit",
    "OrderView",
    "Promise",
    "RawPayload",
    "Shortage",
]
