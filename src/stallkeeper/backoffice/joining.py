"""Joining an organisation by an invitation: a new person makes an account with it, one whom we know signs in first."""

from __future__ import annotations

from django import forms
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.scope import SESSION_KEY
from stallkeeper.backoffice.screens import refuse_nul, show
from stallkeeper.backoffice.second_step import BACKEND
from stallkeeper.backoffice.sign_in import PasswordForm
from stallkeeper.backoffice.words import told
from stallkeeper.core import invitations, people
from stallkeeper.core.models import Invitation, Role, User
from stallkeeper.core.people import PeopleError
from stallkeeper.core.use_case import use_case


class AccountForm(LookMixin, PasswordForm):
    """Who joins: a name for the lists, and a password, twice."""

    name = forms.CharField(label=gettext_lazy("Your name"), max_length=200)
    field_order = ("name", "new_password1", "new_password2")


@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """GET says who invites to what; POST joins, for a new person with the account that the form describes."""
    refuse_nul(request)
    invitation = invitations.find(token)
    if invitation is None:
        return show(request, "backoffice/link_spent.html", {"title": _("This link no longer works"), "site_url": None}, status=410)
    if request.user.is_authenticated:
        return _join_as(request, invitation)
    if User.objects.filter(email=invitation.email).exists():
        return _page(request, invitation, {"known": True})
    return _join_new(request, invitation)


def _join_as(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)
    if user.email != invitation.email or request.method == "GET":
        return _page(request, invitation, {"stranger": user.email != invitation.email})
    return _joined(request, invitation, user)


def _join_new(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    form = AccountForm(User(email=invitation.email), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = people.create_user(invitation.email, form.cleaned_data["name"], form.cleaned_data["new_password1"])
        except PeopleError as error:
            form.add_error(None, told(error))
        else:
            login(request, user, backend=BACKEND)
            return _joined(request, invitation, user)
    return _page(request, invitation, {"form": form}, status=422 if form.errors else 200)


def _joined(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    with use_case("accept.invitation", organisation_id=invitation.organisation_id, actor=user.actor) as uc:
        invitations.accept(uc, invitation, user)
    request.session[SESSION_KEY] = invitation.organisation_id
    return redirect("backoffice:overview")


def _page(request: HttpRequest, invitation: Invitation, more: dict[str, object], status: int = 200) -> HttpResponse:
    context = {"title": _("Join"), "site_url": None, "invitation": invitation, "role": Role(invitation.role).label}
    return show(request, "backoffice/join.html", context | more, status=status)
