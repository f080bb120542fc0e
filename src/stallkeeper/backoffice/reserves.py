"""Reserves: units that channels show as sold before their order, to watch and to correct; and the balancer's switches (S3.46-S3.52)."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.reserve_rows import ENDINGS, PROMISES, HoldRow, channel_rows, holds_with, promise_rows, promises_with
from stallkeeper.backoffice.screens import MemberRequest, back, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.channels import balancer, observed, preflight
from stallkeeper.channels.models import Channel, ObservedHold
from stallkeeper.core import clock
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case

KEYS = ("-seen_at", "id")


class ReleaseForm(LookMixin, forms.Form):
    """Why the units of a reservation are not sold after all."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)
    keep = forms.IntegerField(label=gettext_lazy("Units that stay reserved"), min_value=0, required=False)


class StartForm(LookMixin, forms.Form):
    """Which channels start, and when: all at the same instant."""

    channels: forms.ModelMultipleChoiceField[Channel] = forms.ModelMultipleChoiceField(
        None, label=gettext_lazy("Channels"), widget=forms.CheckboxSelectMultiple
    )
    moment = forms.DateTimeField(
        label=gettext_lazy("From"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy("The same moment for all, some minutes ahead: every channel should show the right number by then."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channels"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = Channel.objects.filter(pk__in=[row.channel.pk for row in channel_rows() if row.can]).order_by("name")
        field.initial = [channel.pk for channel in field.queryset]
        self.fields["moment"].initial = timezone.localtime(clock.now() + balancer.HEAD_START + timedelta(minutes=1))


class TermsForm(LookMixin, forms.Form):
    """How long a channel's reservations wait for their order, and what counts as a sale at all."""

    minutes = forms.IntegerField(label=gettext_lazy("Minutes"), min_value=1, max_value=24 * 60)
    most = forms.IntegerField(label=gettext_lazy("Units at once"), min_value=1, max_value=1_000_000)


@screen(Permission.VIEW_STOCK)
def reserves(request: MemberRequest) -> HttpResponse:
    """The list with its filters, and how each channel does. Its number of statements does not depend on the rows."""
    of = request.GET.get("of", "")
    context = {
        "title": _("Reserves"),
        "export_list": f"reserves-{of}" if of in PROMISES else "reserves",
        **(_promised(request, of) if of in PROMISES else _observed(request)),
        "of": of,
        "promises": PROMISES.items(),
        "channels": channel_rows(),
        "endings": ENDINGS.items(),
        "filters": request.GET,
        "filtered": any(request.GET.get(name) for name in ("of", "channel", "state", "q")),
        "organisation": request.organisation,
        "may_send": can(request.membership, Permission.SEND),
        "may_release": can(request.membership, Permission.EDIT_STOCK),
    }
    return show(request, "backoffice/reserves.html", context)


def _observed(request: MemberRequest) -> dict[str, object]:
    shown = page(holds_with(request.GET), KEYS, request.GET.get("after", ""), request.GET.get("before", ""))
    return {"page": shown, "rows": [HoldRow(hold) for hold in shown.rows]}


def _promised(request: MemberRequest, of: str) -> dict[str, object]:
    shown = page(promises_with(of, request.GET), ("-id",), request.GET.get("after", ""), request.GET.get("before", ""))
    return {"page": shown, "rows": promise_rows(of, shown.rows)}


@require_POST
@screen(Permission.EDIT_STOCK)
def release(request: MemberRequest, pk: int) -> HttpResponse:
    """Let the units of a reservation go, all or some of them, with a reason."""
    get_object_or_404(ObservedHold, pk=pk)
    form = ReleaseForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give a reason, and a whole number of units that stay reserved (none if it is empty)."))
        return back(request, "backoffice:reserves")
    try:
        units = _released(request, pk, form.cleaned_data["reason"], form.cleaned_data["keep"] or 0)
    except observed.ObservedError as error:
        messages.error(request, told(error))
    else:
        note = ngettext("{count} unit is on sale again.", "{count} units are on sale again.", units)
        messages.success(request, note.format(count=units))
    return back(request, "backoffice:reserves")


@again_on_conflict
def _released(request: MemberRequest, pk: int, reason: str, keep: int) -> int:
    with use_case("release.observed_hold", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return observed.release(uc, pk, reason=reason, keep=keep)


@require_POST
@screen(Permission.SEND)
def company(request: MemberRequest) -> HttpResponse:
    """The balancer's company switch."""
    enabled = request.POST.get("enabled") == "1"
    with use_case("turn.balancer", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        balancer.set_company(uc, enabled)
    messages.success(request, _("The balancer is on.") if enabled else _("The balancer is off: nothing more is reserved without an order."))
    return redirect("backoffice:reserves")


@screen(Permission.SEND)
def start(request: MemberRequest) -> HttpResponse:
    """GET shows what must be right first, and asks for channels and moment; POST starts them."""
    form = StartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with use_case("turn.balancer", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
                moment = balancer.start(uc, list(form.cleaned_data["channels"]), form.cleaned_data["moment"])
        except balancer.BalancerError as error:
            form.add_error(None, told(error))
        else:
            if wait := balancer.waits(request.organisation):
                messages.warning(request, wait)
            else:
                messages.success(request, _("Reservations begin at {time}.").format(time=timezone.localtime(moment).strftime("%H:%M")))
            return redirect("backoffice:reserves")
    candidates = [row.channel for row in channel_rows() if row.can]
    checks = preflight.preflight(request.organisation, candidates)
    context = {"title": _("Start the balancer"), "form": form, "checks": checks, "candidates": candidates}
    return show(request, "backoffice/reserves_start.html", context, status=422 if form.errors else 200)


@require_POST
@screen(Permission.SEND)
def stop(request: MemberRequest, pk: int) -> HttpResponse:
    """Nothing more is reserved from what this channel shows."""
    channel = get_object_or_404(Channel, pk=pk)
    with use_case("turn.balancer", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        balancer.stop(uc, [channel])
    messages.success(request, _("{channel}: nothing more is reserved without an order.").format(channel=channel.name))
    return redirect("backoffice:reserves")


@require_POST
@screen(Permission.EDIT_RULES)
def terms(request: MemberRequest, pk: int) -> HttpResponse:
    """How long a channel's reservations wait, and what counts."""
    channel = get_object_or_404(Channel, pk=pk)
    form = TermsForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give whole numbers: minutes up to a day, and at least one unit."))
        return redirect("backoffice:reserves")
    with use_case("turn.balancer", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        balancer.set_terms(uc, channel, form.cleaned_data["minutes"], form.cleaned_data["most"])
    messages.success(request, _("Saved."))
    return redirect("backoffice:reserves")
