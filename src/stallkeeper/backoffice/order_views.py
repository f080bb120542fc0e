"""Views of the list of orders: those that everybody has, those that people have saved, and how many orders each finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.db import connection
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import order_queries
from stallkeeper.backoffice.order_filters import given, orders_with
from stallkeeper.backoffice.screens import MemberRequest, back, screen
from stallkeeper.backoffice.words import told
from stallkeeper.core.people import Permission, can
from stallkeeper.orders import desk
from stallkeeper.orders.models import OrderDesk, OrderView

ALL = "all"
BUILT_IN: dict[str, tuple[str | Promise, dict[str, str]]] = {
    "acknowledge": (gettext_lazy("To acknowledge"), {"needs": "acknowledge", "sort": "oldest"}),
    "today": (gettext_lazy("To ship today"), {"due": "today", "sort": "deadline"}),
    "late": (gettext_lazy("Late"), {"due": "late", "sort": "deadline"}),
    "short": (gettext_lazy("Short of stock"), {"needs": "short"}),
    "unmapped": (gettext_lazy("Unmapped"), {"needs": "unmapped"}),
    "cancelled": (gettext_lazy("Cancelled by buyer"), {"needs": "cancelled"}),
}
"""Key to (name, filters)."""
COUNT_TO = 999


@dataclass(frozen=True)
class Tab:
    """A view as a tab of the list. ``count`` is None where it is not counted. ``own``: who looks at it may delete it."""

    key: str
    name: str | Promise
    filters: dict[str, str]
    here: bool
    count: int | None = None
    own: int | None = None
    shared: bool = False

    @property
    def address(self) -> str:
        return f"{reverse('backoffice:orders')}?{urlencode(self.filters | {'view': self.key})}"

    @property
    def counted(self) -> str:
        return "" if self.count is None else f"{COUNT_TO}+" if self.count > COUNT_TO else str(self.count)


def built_in() -> list[Tab]:
    """The views that everybody has, not counted."""
    return [Tab(key, name, wanted, here=False) for key, (name, wanted) in BUILT_IN.items()]


def saved_views(request: MemberRequest) -> list[OrderView]:
    """Those of everybody, then the person's own, by name."""
    seen = OrderView.objects.filter(Q(user=None) | Q(user=request.user))
    return sorted(seen, key=lambda view: (view.user_id is not None, view.name.casefold()))


def tabs(request: MemberRequest) -> list[Tab]:
    """All views in their order, counted to COUNT_TO. Two statements, whatever their number."""
    here, filters = request.GET.get("view", ""), given(request.GET)
    saved = saved_views(request)
    known: dict[str, tuple[str | Promise, dict[str, str], OrderView | None]]
    known = {key: (name, wanted, None) for key, (name, wanted) in BUILT_IN.items()}
    known |= {str(view.pk): (view.name, given(QueryDict(view.query)), view) for view in saved}
    counts = _counts([wanted for _name, wanted, _view in known.values()])
    found = [Tab(ALL, _("All"), {}, here=here == ALL or not (filters or here))]
    for (key, (name, wanted, view)), count in zip(known.items(), counts, strict=True):
        found.append(
            Tab(key, name, wanted, here == key and wanted == filters, count, _own(request, view), view is not None and not view.user_id)
        )
    return found


def _own(request: MemberRequest, view: OrderView | None) -> int | None:
    return view.pk if view is not None and _may_drop(request, view) else None


def _may_drop(request: MemberRequest, view: OrderView) -> bool:
    return view.user_id == request.user.pk or (view.user_id is None and can(request.membership, Permission.ACT_ORDERS))


def _counts(wanted: Sequence[dict[str, str]]) -> list[int]:
    limited = [orders_with(filters).order_by().values("pk")[: COUNT_TO + 1].query.sql_with_params() for filters in wanted]
    with connection.cursor() as cursor:
        return order_queries.counts(cursor, limited)


def opens_with(request: MemberRequest) -> str:
    """The address of the view that the person's list opens with; empty for all orders, or if the view is gone."""
    liked = OrderDesk.objects.filter(user=request.user).values_list("opens_with", flat=True).first() or ""
    if liked in BUILT_IN:
        return Tab(liked, "", BUILT_IN[liked][1], here=False).address
    view = next((view for view in saved_views(request) if str(view.pk) == liked), None) if liked else None
    return Tab(liked, "", given(QueryDict(view.query)), here=False).address if view else ""


@require_POST
@screen(Permission.VIEW_ORDERS)
def keep_view(request: MemberRequest) -> HttpResponse:
    """The filters of the list under a name. For everybody only by those who may act on orders."""
    for_all = bool(request.POST.get("for_all")) and can(request.membership, Permission.ACT_ORDERS)
    query = urlencode(given(QueryDict(request.POST.get("filters", ""))))
    try:
        view = desk.keep_view(
            request.organisation.pk, request.user.pk, request.POST.get("name", ""), query, for_all=for_all, actor=request.user.actor
        )
    except desk.DeskError as error:
        messages.error(request, told(error))
        return back(request, reverse("backoffice:orders"))
    messages.success(request, _("Saved: {name}.").format(name=view.name))
    return redirect(Tab(str(view.pk), "", given(QueryDict(view.query)), here=True).address)


@require_POST
@screen(Permission.VIEW_ORDERS)
def drop_view(request: MemberRequest, pk: int) -> HttpResponse:
    """One's own, or, for those who may act on orders, one of everybody."""
    view = get_object_or_404(OrderView.objects.filter(Q(user=None) | Q(user=request.user)), pk=pk)
    if _may_drop(request, view):
        desk.drop_view(request.organisation.pk, view.pk, actor=request.user.actor)
        messages.success(request, _("Deleted: {name}. The orders are still there.").format(name=view.name))
    else:
        messages.error(request, _("This view belongs to everybody; ask somebody who may act on orders."))
    return redirect(f"{reverse('backoffice:orders')}?view={ALL}")


@require_POST
@screen(Permission.VIEW_ORDERS)
def open_with(request: MemberRequest) -> HttpResponse:
    """The person's list opens with this view from now on; with ``all`` it shows all orders."""
    wanted = request.POST.get("view", "")
    known = {*BUILT_IN, *(str(view.pk) for view in saved_views(request))}
    desk.like(request.organisation.pk, request.user.pk, request.user.actor, opens_with=wanted if wanted in known else "")
    messages.success(request, _("Orders open with this view from now on."))
    return back(request, reverse("backoffice:orders"))
