"""What an event of an order says beside its name: the details that were written with it, in words."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.forms import REASONS
from stallkeeper.backoffice.local import to_the_minute

NAMES: dict[str, str | Promise] = {
    "state": _("state"),
    "lines": _("lines"),
    "modified": _("changed there at"),
    "carrier": _("carrier"),
    "tracking": _("tracking number"),
    "tracking_number": _("tracking number"),
    "tracking_url": _("tracking address"),
    "shipped_at": _("left"),
    "although_asked": _("although the buyer asked to cancel"),
    "tracking_kept": _("tracking number, kept here only"),
    "reason": _("reason"),
    "code": _("code"),
    "message": _("message"),
    "line": _("line"),
    "sku": _("SKU"),
    "for_ever": _("also from now on"),
    "into": _("into"),
    "from": _("from"),
    "number": _("number"),
    "status": _("state"),
    "cancelled": _("cancelled"),
    "posted": _("posted"),
    "paid": _("paid"),
    "shipment": _("shipment"),
}
REASON_WORDS: dict[str, str | Promise] = {str(reason): words for reason, words in REASONS.items()}


def words_of(detail: Mapping[str, object], skus: Mapping[str, str]) -> str:
    """Details as text: "state: processing, lines: 2 × MUG-RED". ``skus``: the channel's line number to the SKU of the line."""
    said = {name: value for name, value in detail.items() if value not in (None, "", [], {})}
    return ", ".join(f"{NAMES.get(name, name)}: {_value(name, value, skus)}" for name, value in said.items())


def _value(name: str, value: object, skus: Mapping[str, str]) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{quantity} × {skus.get(str(line), line)}" for line, quantity in value.items())
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    text = str(value)
    if name == "line":
        return skus.get(text, text)
    moment = parse_datetime(text) if name in {"modified", "shipped_at"} else None
    if moment and moment.tzinfo:
        return to_the_minute(timezone.localtime(moment))
    return str(REASON_WORDS.get(text, text)) if name == "reason" else text
