"""1C and one source: the address that 1C calls, its sessions, which of its places and goods are ours, what it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.exchange_rows import Standing
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.stock.models import Location, LocationOwner, StockSource
from stallkeeper.stock.sources import SourceError
from stallkeeper.sync.exchange import accounts, goods
from stallkeeper.sync.exchange.accounts import ENCODINGS, Agreed
from stallkeeper.sync.models import Exchange
from stallkeeper.sync.source_kinds import COMMERCEML

LEFT_OUT = "-"
"""Chosen for a place of 1C whose figures are not wanted."""


class AgreedForm(LookMixin, forms.Form):
    """What cannot be seen in the files of 1C."""

    time_zone = forms.CharField(label=gettext_lazy("Time zone of the 1C base"), max_length=64, help_text="Europe/Moscow")
    give_orders = forms.BooleanField(
        label=gettext_lazy("Hand orders over to 1C"), required=False, help_text=gettext_lazy("Those that come in from then on.")
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding of orders"),
        choices=[(name, name) for name in ENCODINGS],
        help_text=gettext_lazy("windows-1251 for old bases."),
    )

    def clean_time_zone(self) -> str:
        given = str(self.cleaned_data["time_zone"]).strip()
        if not accounts.is_zone(given):
            raise forms.ValidationError(_("This is no time zone; write it like Europe/Moscow."))
        return given

    def agreed(self) -> Agreed:
        return Agreed(**self.cleaned_data)


@screen(Permission.VIEW_STOCK, changing=Permission.EDIT_STOCK)
def exchange(request: MemberRequest, pk: int) -> HttpResponse:
    """The page. POST keeps what is agreed; the first time it makes the address and a password."""
    source = get_object_or_404(StockSource, pk=pk, kind=COMMERCEML)
    if request.method != "POST":
        return _page(request, source)
    form = AgreedForm(request.POST)
    if not form.is_valid():
        return _page(request, source, form=form, status=422)
    found = Exchange.objects.filter(source=source).first()
    password = ""
    with use_case("set.exchange", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        if found is None:
            password = accounts.open_for(uc, source, form.agreed()).password
        else:
            accounts.agree(uc, found, form.agreed())
    messages.success(request, _("Saved."))
    return _page(request, source, password=password) if password else redirect("backoffice:exchange", pk)


@require_POST
@screen(Permission.EDIT_STOCK)
def exchange_password(request: MemberRequest, pk: int) -> HttpResponse:
    """A new password, shown this once; the one before ends."""
    found = _exchange(pk)
    with use_case("set.exchange", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        password = accounts.new_password(uc, found)
    return _page(request, found.source, password=password)


@require_POST
@screen(Permission.EDIT_STOCK)
def exchange_places(request: MemberRequest, pk: int) -> HttpResponse:
    """Which of our places each place of 1C is."""
    found = _exchange(pk)
    chosen = {number: request.POST.get(f"place_{number}", "") for number in found.place_names}
    places: Mapping[str, str | None] = {number: None if code == LEFT_OUT else code for number, code in chosen.items() if code}
    try:
        with use_case("set.exchange", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            accounts.map_places(uc, found, places)
    except SourceError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("Saved. It counts from the next figures on."))
    return redirect("backoffice:exchange", pk)


@require_POST
@screen(Permission.EDIT_STOCK)
def exchange_good(request: MemberRequest, pk: int) -> HttpResponse:
    """Say which article of ours a good of 1C is."""
    found, code, sku = _exchange(pk), request.POST.get("code", ""), request.POST.get("sku", "").strip()
    if not found.goods.filter(code=code).exists():
        raise BadRequest("no such good")
    try:
        with use_case("set.exchange", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            goods.link(uc, found, code, sku)
    except SourceError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("{sku} gets its figures from 1C from the next ones on.").format(sku=sku))
    return redirect("backoffice:exchange", pk)


def _exchange(pk: int) -> Exchange:
    return get_object_or_404(Exchange.objects.select_related("source"), source_id=pk)


def _page(
    request: MemberRequest, source: StockSource, *, password: str = "", form: AgreedForm | None = None, status: int = 200
) -> HttpResponse:
    """The page; ``password`` is a new one, shown this once."""
    found = Exchange.objects.filter(source=source).select_related("source").first()
    now: dict[str, Any] = (
        {name: getattr(found, name) for name in Agreed._fields} if found else {"time_zone": request.organisation.time_zone}
    )
    context = {
        "title": source.name,
        "source": source,
        "exchange": found,
        "standing": Standing(found) if found else None,
        "password": password,
        "form": form or AgreedForm(initial=now),
        "places": Location.objects.exclude(owner=LocationOwner.VIRTUAL).order_by("priority", "id"),
        "left_out": LEFT_OUT,
        "may_edit": can(request.membership, Permission.EDIT_STOCK),
    }
    return show(request, "backoffice/exchange.html", context, status=status)
