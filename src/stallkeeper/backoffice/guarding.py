"""Guarded mode: the switch of an article, and the company's threshold."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import MemberRequest, screen
from stallkeeper.backoffice.unit_panel import show_unit
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import guarding
from stallkeeper.core.people import Permission
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case


class ThresholdForm(LookMixin, forms.Form):
    """Of how many units or fewer channels share; 0 switches it off."""

    below = forms.IntegerField(label=gettext_lazy("Units"), min_value=0, max_value=guarding.MOST_BELOW)


@require_POST
@screen(Permission.EDIT_RULES)
def guard(request: MemberRequest, pk: int) -> HttpResponse:
    """Whether this article is guarded, however many there are."""
    unit, on = get_object_or_404(StockUnit, pk=pk), request.POST.get("guarded") == "1"
    try:
        _set(request, unit, on)
    except guarding.GuardError as error:
        return show_unit(request, unit, told(error))
    return show_unit(request, unit, _("Its channels share what is there.") if on else _("Each channel may show all of it."))


@again_on_conflict
def _set(request: MemberRequest, unit: StockUnit, on: bool) -> bool:
    with use_case("set.guard", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return guarding.set_unit(uc, unit, on)


@require_POST
@screen(Permission.SEND)
def guard_below(request: MemberRequest) -> HttpResponse:
    """The threshold under which articles are guarded by themselves."""
    form = ThresholdForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Enter a whole number of units; 0 switches it off."))
        return redirect("backoffice:channels")
    below = form.cleaned_data["below"]
    with use_case("turn.guard", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        guarding.set_below(uc, below)
    note = ngettext("Articles with {count} unit or less are guarded.", "Articles with {count} units or fewer are guarded.", below)
    messages.success(request, note.format(count=below) if below else _("Only articles that somebody chose are guarded."))
    return redirect("backoffice:channels")
