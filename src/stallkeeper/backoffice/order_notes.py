"""Notes about an order, for colleagues."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.order_trail import to_order
from stallkeeper.backoffice.screens import MemberRequest, screen
from stallkeeper.backoffice.words import told
from stallkeeper.core.people import Permission
from stallkeeper.orders import desk
from stallkeeper.orders.models import Order


@require_POST
@screen(Permission.ACT_ORDERS)
def write_note(request: MemberRequest, pk: int) -> HttpResponse:
    """Keeps a note. The form carries a key, so that sent twice it is one note."""
    order = get_object_or_404(Order, pk=pk)
    key = request.POST.get("key", "")[:40]
    try:
        desk.note(request.organisation.pk, order.pk, request.POST.get("text", ""), key=key or "-", actor=request.user.actor)
    except desk.DeskError as error:
        messages.error(request, told(error))
    return to_order(request, pk)
