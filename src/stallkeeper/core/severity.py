"""How grave a condition is."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Severity(models.TextChoices):
    INFO = "info", _("information")
    WARNING = "warning", _("warning")
    ERROR = "error", _("error")


GRAVITY = {Severity.INFO.value: 0, Severity.WARNING.value: 1, Severity.ERROR.value: 2}
"""By the stored value: the more, the graver."""
