"""Which orders an act on many is about, and what came of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stallkeeper.backoffice.order_filters import given, keys_of, orders_with, way
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, show
from stallkeeper.orders.models import Order, OrderLine

MOST = 200
"""Orders at once: each is a transaction of its own, and the person waits for all of them."""


@dataclass(frozen=True)
class Outcome:
    """What came of one order: ``done``, or ``words`` say why not."""

    order: Order
    done: bool
    words: str = ""


def chosen(request: MemberRequest) -> list[Order] | None:
    """The orders that a form names, or all of its view, in the order of the view, with channel, connection and lines.

    None if there are none or too many; the person has been told then. Ids of another organisation are ids of nothing.
    """
    query = QueryDict(request.POST.get("filters", ""))
    filters = given(query)
    if request.POST.get("all"):
        found, asked = orders_with(filters), 0
    else:
        ids = {int(value) for value in request.POST.getlist("order") if value.isdecimal() and len(value) < 19}
        found, asked = orders_with({}).filter(pk__in=ids), len(ids)
    rows = page(found, keys_of(filters), size=MOST + 1).rows
    if len(rows) > MOST:
        messages.error(request, _("At most {most} orders at once: narrow the view, or tick those that are meant.").format(most=MOST))
        return None
    if not rows:
        messages.error(request, _("Tick the orders that are meant first."))
        return None
    if (gone := asked - len(rows)) > 0:
        text = ngettext("{count} of the orders is not there any more.", "{count} of the orders are not there any more.", gone)
        messages.warning(request, text.format(count=gone))
    return with_lines(rows)


def with_lines(orders: list[Order]) -> list[Order]:
    """The same orders with what the acts look at fetched along."""
    prefetch_related_objects(orders, "channel", "connection", "lines__stock_unit")
    return orders


def lines_of(order: Order) -> list[OrderLine]:
    """Fetched along, as the channel numbers them."""
    return sorted(order.lines.all(), key=lambda line: line.pk)


def units_text(order: Order) -> str:
    """The open units that a person sees, for a hidden field: what happens later is what was seen."""
    return ",".join(f"{line.pk}:{line.open}" for line in lines_of(order) if line.open > 0)


def units_of(text: str) -> dict[int, int]:
    """Sold units by line. What is no such text means none."""
    pairs = [pair.partition(":")[::2] for pair in text.split(",")]
    return {int(line): int(units) for line, units in pairs if line.isdecimal() and units.isdecimal() and len(line + units) < 19}


def back_to_list(request: MemberRequest) -> HttpResponse:
    """To the list as it was filtered."""
    return redirect(list_address(request))


def list_address(request: MemberRequest) -> str:
    """Of the list that the form stood on; only what the list knows is kept of what was sent."""
    return f"{reverse('backoffice:orders')}?{way(QueryDict(request.POST.get('filters', ''))) or 'view=all'}"


def show_outcomes(request: MemberRequest, title: str, outcomes: Sequence[Outcome]) -> HttpResponse:
    """Each order with what came of it, those that were refused first."""
    done = sum(outcome.done for outcome in outcomes)
    context = {
        "title": title,
        "outcomes": sorted(outcomes, key=lambda outcome: outcome.done),
        "done": done,
        "refused": len(outcomes) - done,
        "back": list_address(request),
        "trail": request.POST.get("filters", ""),
    }
    return show(request, "backoffice/order_outcomes.html", context)
