"""Orders: the list, by views and filters (S1.19)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from stallkeeper.backoffice.order_filters import DUE, NEEDS, SINCE, SORTS, given, keys_of, orders_with
from stallkeeper.backoffice.order_rows import rows_of
from stallkeeper.backoffice.order_views import ALL, opens_with, tabs
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.channels.models import Channel
from stallkeeper.core import clock
from stallkeeper.core.people import Permission, can
from stallkeeper.orders.models import Order


@screen(Permission.VIEW_ORDERS)
def orders(request: MemberRequest) -> HttpResponse:
    """50 to a page. Its number of statements does not depend on the rows. Without a query it opens with the view that the person likes."""
    if not request.GET and (address := opens_with(request)):
        return redirect(address)
    now, filters = clock.now(), given(request.GET)
    shown = page(orders_with(filters, now), keys_of(filters), request.GET.get("after", ""), request.GET.get("before", ""))
    context = {
        "title": _("Orders"),
        "export_list": "orders",
        "page": shown,
        "rows": rows_of(shown.rows, now),
        "tabs": tabs(request),
        "channels": list(Channel.objects.order_by("id")),
        "states": [("leaving", _("to be shipped")), *Order.State.choices],
        "choices": {"since": SINCE.items(), "due": DUE.items(), "needs": NEEDS.items()},
        "sorts": [(key, name) for key, (name, _keys) in SORTS.items()],
        "filters": filters,
        "filtered": bool(filters.keys() - {"sort"}),
        "trail": urlencode(filters | {"view": request.GET.get("view") or ALL}),
        "may_act": can(request.membership, Permission.ACT_ORDERS),
        "may_see_buyer": can(request.membership, Permission.SEE_PERSONAL_DATA),
    }
    return show(request, "backoffice/orders.html", context)
