"""The company: what it is called, and the time zone in which its days begin and its screens show times."""

from __future__ import annotations

import zoneinfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.scope import PROVEN
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.core import people
from stallkeeper.core.people import Permission
from stallkeeper.core.use_case import use_case


class CompanyForm(LookMixin, forms.Form):
    """Name and time zone."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("Times on screens and in files without a zone of their own; “today” begins at its midnight."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in zones]  # type: ignore[attr-defined]


class CompanyRulesForm(CompanyForm):
    """Also what is asked of its members."""

    second_factor_required = forms.BooleanField(
        label=gettext_lazy("Members must sign in in two steps"),
        required=False,
        help_text=gettext_lazy("Who has not set it up yet is led there, and sees nothing of the company before."),
    )


@screen(Permission.MANAGE_USERS)
def company(request: MemberRequest) -> HttpResponse:
    """The form; instants that are stored stay as they are."""
    shown = request.organisation
    form = CompanyRulesForm(request.POST or None, initial={name: getattr(shown, name) for name in CompanyRulesForm.base_fields})
    if request.method == "POST" and form.is_valid() and not _locks_oneself_out(request, form):
        changed(request, form)
        messages.success(request, _("Saved."))
        return redirect("backoffice:company")
    return show(request, "backoffice/company.html", {"title": _("Company"), "form": form}, status=422 if form.errors else 200)


def changed(request: MemberRequest, form: CompanyForm) -> None:
    """Save what the form says."""
    with use_case("change.organisation", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        people.change_organisation(uc, **form.cleaned_data)


def _locks_oneself_out(request: MemberRequest, form: CompanyRulesForm) -> bool:
    """Who asks two steps of others takes them himself first: so he knows what he asks, and is not led away from his own form."""
    asks = form.cleaned_data["second_factor_required"] and not request.organisation.second_factor_required
    if asks and not request.session.get(PROVEN):
        form.add_error("second_factor_required", _("First set up two-step sign-in for yourself, under “My account”."))
        return True
    return False
