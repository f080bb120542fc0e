"""Words of problems: verdicts, what was parked, errors."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.lanes import ERROR_WORDS

VERDICTS: dict[str, str | Promise] = {
    "sale_not_yet_pulled": _("a sale that we had not read yet"),
    "edited_on_channel": _("changed by hand on the channel"),
    "late_push": _("an earlier value of ours arrived late"),
    "not_applied": _("the channel said yes and did not do it"),
    "unknown": _("not known"),
}
PARKED_NAMES: dict[str, str | Promise] = {"order": _("orders"), "listing": _("listings"), "offer": _("offers")}


def error_said(value: str) -> str:
    """The last error of a step: what its kind means for a person, then the channel's own words."""
    kind, _colon, words = value.partition(": ")
    return f"{ERROR_WORDS[kind]}: {words}" if kind in ERROR_WORDS else value
