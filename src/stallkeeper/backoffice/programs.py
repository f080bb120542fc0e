"""Keys of programs that use the API: who has one, what it may do, making one (shown once), ending one (ADR 0065)."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.core import api_keys
from stallkeeper.core.models import ApiKey
from stallkeeper.core.people import PeopleError, Permission
from stallkeeper.core.retry import again_if_taken
from stallkeeper.core.use_case import use_case

MEANINGS = {
    Permission.VIEW_STOCK: gettext_lazy("read channels, rules and plans; plans need this one too"),
    Permission.EDIT_STOCK: gettext_lazy("make and apply plans of places alone"),
    Permission.EDIT_RULES: gettext_lazy("make plans of rules and switches"),
    Permission.SEND: gettext_lazy("apply plans, discard them, undo the last one"),
}


class KeyForm(LookMixin, forms.Form):
    """Whose key it is, and what it may do."""

    name = forms.CharField(label=gettext_lazy("Name of the program"), max_length=100)
    may = forms.MultipleChoiceField(
        label=gettext_lazy("It may"),
        choices=[(permission.value, MEANINGS[permission]) for permission in api_keys.GRANTED],
        widget=forms.CheckboxSelectMultiple,
        initial=[Permission.VIEW_STOCK.value],
    )


@sensitive_variables("token")
@screen(Permission.MANAGE_USERS)
def keys(request: MemberRequest) -> HttpResponse:
    """GET lists the keys; POST makes one and shows it, this once."""
    form, token = KeyForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            token = _made(request, form.cleaned_data["name"], form.cleaned_data["may"])
        except PeopleError as error:
            form.add_error(None, told(error))
    found = list(ApiKey.objects.order_by("ended_at", "name", "pk"))
    makers = names_of({key.created_by for key in found})
    rows = [(key, makers[key.created_by], [MEANINGS[Permission(name)] for name in key.permissions]) for key in found]
    context = {"title": _("Keys of programs"), "rows": rows, "form": KeyForm() if token else form, "token": token}
    return show(request, "backoffice/keys.html", context, status=422 if form.errors else 200)


@again_if_taken("api_key_name_once")
def _made(request: MemberRequest, name: str, may: Sequence[str]) -> str:
    """The key; two people who give the same name at once are not one too many for the database: the second hears that it is taken."""
    with use_case("make.api_key", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return api_keys.make(uc, name, may)


@require_POST
@screen(Permission.MANAGE_USERS)
def end_key(request: MemberRequest, pk: int) -> HttpResponse:
    """The key opens nothing any more."""
    key = get_object_or_404(ApiKey, pk=pk)
    try:
        with use_case("end.api_key", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            api_keys.end(uc, key.name)
    except PeopleError:
        messages.info(request, _("The key of {name} was ended before.").format(name=key.name))
    else:
        messages.success(request, _("The key of {name} opens nothing any more.").format(name=key.name))
    return redirect("backoffice:keys")
