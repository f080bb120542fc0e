"""Tables of channels that are only ever appended to: what was sent, and how many units were open."""

from __future__ import annotations

from django.db import models

from stallkeeper.core.tenancy import ChildModel


class SentLog(models.Model):
    """Append-only (monthly partitions): every value that we sent, and what the channel said."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(
        "core.Organisation", on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()
    offer_id = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    value = models.DecimalField(max_digits=18, decimal_places=4)
    outcome = models.CharField(max_length=10)
    """accepted | pending | rejected | unknown | dropped | postponed | differs"""
    detail = models.CharField(max_length=300, default="")
    run_id = models.BigIntegerField(default=0)
    wanted_at = models.DateTimeField(null=True)
    """Since when the channel was to show something else; of a ticket it stands in the row that says ``pending``."""
    sent_at = models.DateTimeField(null=True)
    """When the call was made; ``at`` is when its answer was written down."""
    shown = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    """What we believed the channel showed before."""

    class Meta:
        managed = False
        db_table = "channels_sent_log"


class OpenEvent(ChildModel):
    """Append-only: by how much an offer's open and unacknowledged units changed, on platforms that want them added to their figure."""

    at = models.DateTimeField()
    offer_id = models.BigIntegerField()
    open = models.IntegerField()
    unacknowledged = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["offer_id", "at"], name="open_event_offer")]


class Wait(ChildModel):
    """Append-only, kept for a few days: a step of an account waited because its rate budget was spent, or because the platform said so.

    ``step`` is that of the lane (``sync.steps``), or ``raises`` where what is left of the budget is kept for cuts.
    """

    connection = models.ForeignKey("channels.Connection", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    step = models.CharField(max_length=20)
    begun_at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["organisation", "until"], name="wait_until")]
