"""What the steps of an explanation are called, for sellers: the same words on screens and at the terminal."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

STEPS: dict[str, str | Promise] = {
    "on_hand": _("on hand in the channel's places"),
    "allocated": _("less promised to orders"),
    "holds": _("less held for a while"),
    "ring_fence": _("less kept for other channels"),
    "incoming": _("plus incoming goods"),
    "kit": _("kits that can be made"),
    "for_sale": _("not counted, or not active"),
    "share": _("share of the channel"),
    "buffer": _("less buffer"),
    "velocity": _("less what the last hour sold"),
    "cap": _("cap"),
    "zero_at": _("zero at or below"),
    "pack_factor": _("in sold units"),
    "limit": _("at most what the channel takes"),
    "basis": _("plus open orders that the channel subtracts itself"),
    "guard": _("guarded: its part of what is there"),
}
PRICE_STEPS: dict[str, str | Promise] = {
    "list_price": _("list price"),
    "pack_factor": _("for one sold unit"),
    "mark_up": _("with mark-up"),
    "tax": _("with tax as the channel wants it"),
    "currency": _("in the channel's currency"),
    "rounding": _("rounded"),
}
