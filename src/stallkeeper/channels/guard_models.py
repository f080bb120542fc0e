"""Which units are in guarded mode, and what was written for them where platforms do not compare (ADR 0052)."""

from __future__ import annotations

from django.db import models

from stallkeeper.catalog.models import StockUnit
from stallkeeper.core.tenancy import TenantModel


class GuardedUnit(TenantModel):
    """A stock unit in guarded mode: what its channels show together is never more than there is (``guard``). The row is its lock, too."""

    stock_unit = models.OneToOneField(StockUnit, on_delete=models.CASCADE, related_name="+")
    by_hand = models.BooleanField(default=False)
    """A person wants it so, however many there are."""
    scarce = models.BooleanField(default=False)
    """There are so few that the company's threshold asks for it."""
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(by_hand=True) | models.Q(scarce=True), name="guarded_unit_for_a_reason"),
        ]
        indexes = [models.Index(fields=["organisation"], name="guarded_unit_of")]


class WriteWindow(TenantModel):
    """Append-only: a figure of a guarded unit that was written where the platform cannot compare (no COMPARE_AND_SET). Units that were sold
    there between ``read_at`` and ``written_at`` were written over: only they can be sold twice.

    Kept as long as runs are (``core.housekeeping``); one that a shortage names, for good.
    """

    offer = models.ForeignKey("channels.Offer", on_delete=models.CASCADE, related_name="+", db_index=False)
    read_at = models.DateTimeField()
    """The last moment of which we know what the channel showed: by a read, or by the write before."""
    read = models.IntegerField(null=True)
    """What it showed then, as far as we know; NULL: unknown."""
    value = models.IntegerField()
    sent_at = models.DateTimeField()
    written_at = models.DateTimeField(null=True)
    """When the answer was in; NULL: it never came, or nothing was written."""

    class Meta:
        indexes = [
            models.Index(fields=["offer", "-sent_at"], name="write_window_offer"),
            models.Index(fields=["sent_at"], name="write_window_age"),
        ]
