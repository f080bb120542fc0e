"""Orders: the list."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from stallkeeper.backoffice.order_rows import order_row, orders_with
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.channels.models import Channel
from stallkeeper.core import clock
from stallkeeper.core.people import Permission
from stallkeeper.orders.models import Order

KEYS = ("-ordered_at", "id")
FILTERS = ("channel", "state", "short", "unmapped", "q")


@screen(Permission.VIEW_ORDERS)
def orders(request: MemberRequest) -> HttpResponse:
    """Newest first, 50 to a page. Its number of statements does not depend on the rows."""
    shown = page(orders_with(request.GET), KEYS, request.GET.get("after", ""), request.GET.get("before", ""))
    now = clock.now()
    context = {
        "title": _("Orders"),
        "export_list": "orders",
        "page": shown,
        "rows": [order_row(order, now) for order in shown.rows],
        "channels": list(Channel.objects.order_by("id")),
        "states": [("leaving", _("to be shipped")), *Order.State.choices],
        "filters": request.GET,
        "filtered": any(request.GET.get(name) for name in FILTERS),
    }
    return show(request, "backoffice/orders.html", context)
