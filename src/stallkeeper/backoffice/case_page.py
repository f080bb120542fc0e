"""The case file of a line that is short: how a unit came to be sold twice, and whose the delay was."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from stallkeeper.backoffice.local import decimal
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.core.people import Permission
from stallkeeper.orders import cases
from stallkeeper.orders.case_words import ENTRIES, PARTS, WHOSE, WINDOW, WINDOW_TITLE, clocks_of, words_of
from stallkeeper.orders.models import OrderLine
from stallkeeper.orders.verdicts import Kind

TONES = {Kind.LATENCY: "warn", Kind.STOCK_CUT: "info", Kind.AHEAD: "info", Kind.ENTERED_LATER: "info", Kind.BUG: "bad", Kind.CLOCKS: "warn"}


@screen(Permission.VIEW_ORDERS)
def case(request: MemberRequest, pk: int, line: int) -> HttpResponse:
    """The page; 404 for a line that was never short."""
    shown = get_object_or_404(OrderLine.objects.select_related("order"), pk=line, order_id=pk)
    try:
        file = cases.open_case(request.organisation.pk, shown.pk)
    except cases.NoCase as none:
        raise Http404(str(none)) from none
    context = {
        "title": _("How {sku} came to be short").format(sku=shown.sku),
        "order": shown.order,
        "case": file,
        "verdict": words_of(file, decimal),
        "clocks": clocks_of(file, decimal),
        "tone": TONES[file.verdict.kind],
        "parts": [(PARTS[part.name], WHOSE[part.whose], part.milliseconds) for part in file.verdict.parts],
        "window_title": WINDOW_TITLE,
        "window_labels": WINDOW.values(),
        "entries": [(entry, ENTRIES[entry.what]) for entry in file.entries],
    }
    return show(request, "backoffice/case.html", context)
