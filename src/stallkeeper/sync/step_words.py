"""The steps of lanes in words."""

from __future__ import annotations

from stallkit.words import said as _

STEP_WORDS: dict[str, str] = {
    "orders": _("take orders"),
    "watch": _("look for sales before their orders"),
    "observe": _("read what needs reading"),
    "commands": _("acknowledge, ship, cancel"),
    "quantities": _("send stock"),
    "prices": _("send prices"),
    "tickets": _("results of batches"),
    "parked": _("ask again for unread orders"),
    "catalogue": _("read listings"),
    "confirm": _("read back what was just sent"),
    "verify": _("read back and compare"),
    "alarms": _("look for silence and deadlines"),
}
