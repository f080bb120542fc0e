"""The way that somebody came to an order: the view that it stood in, its neighbours there, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from stallkeeper.backoffice.order_filters import given, keys_of, orders_with, way
from stallkeeper.backoffice.paging import neighbours
from stallkeeper.backoffice.screens import MemberRequest
from stallkeeper.orders.models import Order


@dataclass(frozen=True)
class Trail:
    """``query`` leads on from page to page; the neighbours are None at the ends, or where nobody came from a list."""

    query: str
    previous: Order | None
    next: Order | None

    @property
    def list_address(self) -> str:
        return f"{reverse('backoffice:orders')}?{self.query or 'view=all'}"


def trail_of(request: MemberRequest, order: Order) -> Trail:
    """The neighbours of an order in the view that its page was opened from. Two statements, or none."""
    filters, query = given(request.GET), way(request.GET)
    if not query:
        return Trail("", None, None)
    beside: Sequence[Order | None] = neighbours(orders_with(filters), keys_of(filters), order)
    return Trail(query, *beside)


def to_order(request: MemberRequest, pk: int) -> HttpResponse:
    """To the order's page, with the view that somebody came from."""
    query = request.GET.urlencode()
    return redirect(reverse("backoffice:order", args=[pk]) + (f"?{query}" if query else ""))
