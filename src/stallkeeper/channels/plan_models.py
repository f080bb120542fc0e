"""Plans of what is sent, and the tasks by which people follow a send."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.core.tenancy import ChildModel, TenantModel


class SendPlan(TenantModel):
    """Proposed rules and switches, and what they would change on every channel. Nothing of it is in force before it is applied (ADR 0054).

    ``fingerprint`` covers what the plan was worked out from and what it says. ``before`` is what it replaced, kept when it was applied:
    undoing it is a plan of that.
    """

    class State(models.TextChoices):
        OPEN = "open", _("saved, not sent")
        APPLIED = "applied", _("applied")
        REPLACED = "replaced", _("replaced by a newer one")
        DISCARDED = "discarded", _("discarded")

    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    proposal = models.JSONField()
    base = models.JSONField()
    """The rules and switches that it was worked out from, of the channels that it is about."""
    counts = models.JSONField()
    fingerprint = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=60)
    applied_at = models.DateTimeField(null=True, blank=True)
    applied_by = models.CharField(max_length=60, blank=True, default="")
    before = models.JSONField(null=True, blank=True)
    undoes = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="undone_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation"], condition=models.Q(state="open"), name="send_plan_open_once"),
            models.CheckConstraint(
                condition=models.Q(state="applied", applied_at__isnull=False) | ~models.Q(state="applied") & models.Q(applied_at=None),
                name="send_plan_applied_or_not",
            ),
        ]
        indexes = [models.Index(fields=["organisation", "-id"], name="send_plan_latest")]
        verbose_name = _("plan")
        verbose_name_plural = _("plans")


class SendPlanPart(ChildModel):
    """What a plan would change on one channel: offers with the figure before and after, packed (``plan_items.pack``)."""

    plan = models.ForeignKey(SendPlan, on_delete=models.CASCADE, related_name="parts", db_index=False)
    channel = models.ForeignKey("channels.Channel", on_delete=models.CASCADE, related_name="+", db_index=False)
    quantities = models.BinaryField()
    prices = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "channel"], name="send_plan_part_once")]


class SendTask(TenantModel):
    """A send that a person asked for, to be followed (S3.37-S3.40). It does nothing: offers are sent because they differ, and this row
    remembers which ones he meant, and when. ``ended_at``: the channels have answered for all of them."""

    class Kind(models.TextChoices):
        PLAN = "plan", _("plan")
        CHOSEN = "chosen", _("chosen products")
        CHANNELS = "channels", _("whole channels")

    kind = models.CharField(max_length=10, choices=Kind)
    plan = models.ForeignKey(SendPlan, on_delete=models.SET_NULL, null=True, blank=True, related_name="tasks")
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=60)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.JSONField(null=True, blank=True)
    """What it had come to when it ended, by channel (``send_tasks.Progress``)."""

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "-id"], name="send_task_latest"),
            models.Index(fields=["organisation"], name="send_task_open", condition=models.Q(ended_at=None)),
        ]
        verbose_name = _("send")
        verbose_name_plural = _("sends")


class SendTaskPart(ChildModel):
    """The offers of one channel that a send is about: by quantity, by price."""

    task = models.ForeignKey(SendTask, on_delete=models.CASCADE, related_name="parts", db_index=False)
    channel = models.ForeignKey("channels.Channel", on_delete=models.CASCADE, related_name="+", db_index=False)
    quantities = ArrayField(models.BigIntegerField())
    prices = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "channel"], name="send_task_part_once")]


class SendingColumns(TenantModel):
    """Which channels a person has taken off his sending table (S3.25). What is hidden is kept, not what is shown: a new channel shows."""

    user = models.ForeignKey("core.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    hidden = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "user"], name="sending_columns_once")]
