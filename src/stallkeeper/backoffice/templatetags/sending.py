"""A cell of the sending table. Written in Python: a page has 500 of them, and as a template each took a third of a millisecond."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stallkeeper.backoffice.sending_rows import Cell
from stallkeeper.backoffice.templatetags.stallkeeper import number, qty
from stallkeeper.channels.models import Offer

register = template.Library()

CELL = (
    '<a class="sk-link" href="{0}" hx-get="{0}" hx-target="#panel" title="{1}">{2}</a>{3}{4}'
    '<div class="sk-small sk-subtle" title="{5}">{6} · {7}</div>'
)


@register.filter
def sending_cell(cells: Sequence[Cell]) -> SafeString:
    """The offers of a product on a channel: what will be sent, large, and below it what we believe and what was read."""
    return format_html_join("", CELL, (_parts(cell) for cell in cells))


def _parts(cell: Cell) -> tuple[object, ...]:
    offer = cell.offer
    address = reverse("backoffice:offer", args=[offer.pk])
    both = _("believed · observed")
    return address, _sku(offer), _intended(cell), _planned(cell), _refused(cell), both, qty(offer.believed_qty), qty(offer.observed_qty)


def _sku(offer: Offer) -> str:
    return offer.sku if offer.pack_factor == 1 else f"{offer.sku} × {offer.pack_factor}"


def _intended(cell: Cell) -> SafeString:
    look = "sk-differs" if cell.differs else "sk-subtle" if cell.later else ""
    figure = number(cell.offer.intended_qty) if cell.shown else "–"
    return format_html('<strong class="{}">{}</strong>', look, figure) if look else format_html("<strong>{}</strong>", figure)


def _planned(cell: Cell) -> SafeString | str:
    if cell.planned is None:
        return ""
    return format_html(' <span class="sk-badge sk-info" title="{}">→ {}</span>', _("by the plan that is saved"), number(cell.planned))


def _refused(cell: Cell) -> SafeString | str:
    if not cell.refused:
        return ""
    why = cell.offer.refused_message or cell.offer.refused_code
    return format_html(' <span class="sk-badge sk-bad" title="{}">{}</span>', why, _("refused"))
