"""What people put off."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

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
