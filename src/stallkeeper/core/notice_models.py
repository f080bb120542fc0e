"""What people put off, and whom they want told elsewhere."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.core import words
from stallkeeper.core.severity import Severity
from stallkeeper.core.tenancy import TenantModel


class Snooze(TenantModel):
    """A group of problems that a person has put off until a moment, with a reason. ``key`` names the group (``backoffice.problem_groups``).

    ``gravity`` and ``count`` are those of the moment: a condition that got worse since is shown again (``core.snoozes``).
    """

    key = models.CharField(max_length=200)
    reason = models.CharField(_("reason"), max_length=300)
    gravity = models.SmallIntegerField()
    count = models.IntegerField()
    made_by = models.CharField(max_length=60)
    made_at = models.DateTimeField()
    until = models.DateTimeField(_("until"))
    ended_at = models.DateTimeField(null=True, blank=True)
    """When a person ended it early, or put it off anew."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "key"], condition=models.Q(ended_at=None), name="snooze_open_once")]


class NoticeTarget(TenantModel):
    """Where conditions are told besides the back office (``core.targets``): by which way, to which address, and which of them, when.

    ``kinds`` are those of ``core.notice_kinds``, ``accounts`` are keys of connections; none of either: all. Quiet hours are in the zone of
    the organisation; what comes within them waits for their end, unless it is an error and ``break_quiet``.
    """

    name = models.CharField(_("name"), max_length=100)
    way = models.CharField(max_length=20)
    address = models.ForeignKey("core.Secret", on_delete=models.PROTECT, null=True, related_name="+")
    hint = models.CharField(max_length=300)
    """Names the address without giving it away."""
    active = models.BooleanField(_("active"), default=True)
    least = models.CharField(_("from"), max_length=10, choices=Severity, default=Severity.WARNING)
    kinds = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    accounts = ArrayField(models.BigIntegerField(), default=list, blank=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("until"), null=True, blank=True)
    break_quiet = models.BooleanField(_("errors are told in quiet hours, too"), default=False)
    gather_minutes = models.PositiveSmallIntegerField(_("minutes in which what comes goes together"), default=2)
    again_minutes = models.PositiveIntegerField(_("minutes until the same condition is told again"), default=60)
    language = models.CharField(_("language"), max_length=20, default="en")
    created_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="notice_target_name_once")]
        indexes = [models.Index(fields=["organisation"], name="notice_target_active", condition=models.Q(active=True))]
        verbose_name = _("target")
        verbose_name_plural = _("targets")

    def __str__(self) -> str:
        return self.name


class NoticeMessage(TenantModel):
    """A condition that a target is to be told of, and what became of that. A test has no condition.

    While one is being told, ``not_before`` says until when nobody else may try; whoever dies meanwhile is followed then.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waits")
        SENT = "sent", _("told")
        REFUSED = "refused", _("could not be told")
        DROPPED = "dropped", _("over before it was told")

    target = models.ForeignKey(NoticeTarget, on_delete=models.CASCADE, related_name="messages", db_index=False)
    notification = models.ForeignKey("core.Notification", on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    severity = models.CharField(max_length=10, choices=Severity)
    key = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    made_at = models.DateTimeField()
    not_before = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True, default="")
    problem_words = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "notification", "severity"],
                condition=models.Q(notification__isnull=False),
                name="notice_message_once",
            )
        ]
        indexes = [
            models.Index(fields=["target", "not_before"], name="notice_message_due", condition=models.Q(state="waiting")),
            models.Index(fields=["target", "-made_at"], name="notice_message_recent"),
            models.Index(fields=["notification"], name="notice_message_of"),
            models.Index(fields=["made_at"], name="notice_message_age"),
        ]

    @property
    def told(self) -> str:
        """What went wrong, to be said in any language."""
        return words.of_row(self.problem, self.problem_words)
