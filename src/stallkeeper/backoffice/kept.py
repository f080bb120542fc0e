"""Keeping units of an article back, for one channel or from all, and saying what is coming."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.kept_rows import FenceForm, HoldForm, IncomingForm
from stallkeeper.backoffice.screens import MemberRequest, screen
from stallkeeper.backoffice.unit_panel import show_unit
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.fences import FenceError, set_fence
from stallkeeper.core.people import Permission
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.stock.holds import HoldError, keep_back
from stallkeeper.stock.incoming import IncomingError, set_incoming


@require_POST
@screen(Permission.EDIT_STOCK)
def hold(request: MemberRequest, pk: int) -> HttpResponse:
    """Keep units of one place back from every channel, or lift the hold."""
    unit = get_object_or_404(StockUnit, pk=pk)
    form = HoldForm(request.POST, auto_id="id_hold_%s")
    if not form.is_valid():
        return _again(request, unit, "hold", form)
    given = form.cleaned_data
    try:
        kept = _kept(request, unit, form)
    except HoldError as error:
        return _again(request, unit, "hold", form, error)
    if not given["units"]:
        return show_unit(request, unit, _("Nothing is kept back at {place} any more.").format(place=given["place"]))
    note = ngettext("{count} unit is kept back at {place}.", "{count} units are kept back at {place}.", kept)
    return show_unit(request, unit, note.format(count=kept, place=given["place"]))


@again_on_conflict
def _kept(request: MemberRequest, unit: StockUnit, form: HoldForm) -> int:
    given = form.cleaned_data
    with use_case("set.hold", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return keep_back(uc, unit, given["place"], given["units"], reason=given["reason"], expires_at=form.expires_at())


@require_POST
@screen(Permission.EDIT_RULES)
def fence(request: MemberRequest, pk: int) -> HttpResponse:
    """Say how many units only one channel may offer."""
    unit = get_object_or_404(StockUnit, pk=pk)
    form = FenceForm(request.POST, auto_id="id_fence_%s")
    if not form.is_valid():
        return _again(request, unit, "fence", form)
    given = form.cleaned_data
    try:
        with use_case("set.fence", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            set_fence(uc, given["channel"], unit, given["units"])
    except FenceError as error:
        return _again(request, unit, "fence", form, error)
    note = ngettext("{count} unit is for {channel} alone.", "{count} units are for {channel} alone.", given["units"])
    return show_unit(request, unit, note.format(count=given["units"], channel=given["channel"]))


@require_POST
@screen(Permission.EDIT_STOCK)
def incoming(request: MemberRequest, pk: int) -> HttpResponse:
    """Say how many units should come to a place on a day."""
    unit = get_object_or_404(StockUnit, pk=pk)
    form = IncomingForm(request.POST, auto_id="id_incoming_%s")
    if not form.is_valid():
        return _again(request, unit, "incoming", form)
    given = form.cleaned_data
    try:
        with use_case("set.incoming", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            set_incoming(uc, unit, given["place"], given["expected_on"], given["units"])
    except IncomingError as error:
        return _again(request, unit, "incoming", form, error)
    note = ngettext("{count} unit comes to {place}.", "{count} units come to {place}.", given["units"])
    return show_unit(request, unit, note.format(count=given["units"], place=given["place"]))


def _again(request: MemberRequest, unit: StockUnit, name: str, form: forms.Form, error: ValueError | None = None) -> HttpResponse:
    """The unit with the form that was wrong, and why."""
    if error is not None:
        form.add_error(None, told(error))
    return show_unit(request, unit, came_back={name: form})
