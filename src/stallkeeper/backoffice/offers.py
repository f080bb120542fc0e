"""Offers: what each should show, what we believe it shows, and what the channel said."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from stallkeeper.backoffice.offer_rows import STATES, differences_of, offers_with, row
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.channels import switches
from stallkeeper.core.people import Permission, can

KEYS = ("channel_id", "sku")


@screen(Permission.VIEW_STOCK)
def offers(request: MemberRequest) -> HttpResponse:
    """The list: filters, pages of 50, and the working of each number in a panel. Its number of statements does not depend on the rows."""
    shown = page(offers_with(request.GET), KEYS, request.GET.get("after", ""), request.GET.get("before", ""))
    channels, differences = list(switches.states()), differences_of(shown.rows)
    context = {
        "title": _("Offers"),
        "export_list": "offers",
        "page": shown,
        "rows": [row(offer, differences) for offer in shown.rows],
        "channels": channels,
        "silent": [(channel, reasons[0]) for channel in channels if (reasons := switches.why_silent(channel))],
        "states": [(key, name) for key, (name, _tone) in STATES.items()],
        "filters": request.GET,
        "filtered": any(request.GET.get(name) for name in ("channel", "state", "q")),
        "may_send": can(request.membership, Permission.SEND),
    }
    return show(request, "backoffice/offers.html", context)
