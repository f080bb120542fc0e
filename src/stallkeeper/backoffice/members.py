"""People of the organisation: who is a member with which role, who was invited, and what each role may do."""

from __future__ import annotations

from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.role_words import SUMMARIES, role_table
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.core import clock, invitations
from stallkeeper.core.models import Invitation, Membership, Role
from stallkeeper.core.people import PeopleError, Permission
from stallkeeper.core.use_case import use_case
from stallkeeper.sync import letters
from stallkit.errors import AdapterError


class InviteForm(LookMixin, forms.Form):
    """Whom to ask, and what he may do."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.OPERATIONS)


@sensitive_variables("link")
@screen(Permission.MANAGE_USERS)
def people(request: MemberRequest) -> HttpResponse:
    """GET lists everybody; POST invites somebody, mails the link if there is a mail server, and shows it, this once."""
    form, link, unmailed = InviteForm(request.POST or None), "", ""
    if request.method == "POST" and form.is_valid():
        try:
            link = _invite(request, form.cleaned_data["email"], form.cleaned_data["role"])
        except PeopleError as error:
            form.add_error(None, told(error))
        unmailed = _mail(request, form.cleaned_data["email"], link) if link else ""
    context = {
        "title": _("People"),
        "members": members_of(request),
        "invitations": _open_invitations(),
        "form": InviteForm() if link else form,
        "link": link,
        "mails": letters.mail_server() is not None,
        "unmailed": unmailed,
        "invited": form.cleaned_data["email"] if link else "",
        "roles": [(role.label, SUMMARIES[role]) for role in Role],
        "role_table": role_table(),
    }
    return show(request, "backoffice/people.html", context, status=422 if form.errors else 200)


def members_of(request: MemberRequest) -> list[Membership]:
    """Everybody who belongs to the organisation, by name; those who were switched off last."""
    found = Membership.objects.filter(organisation=request.organisation).select_related("user", "user__second_factor")
    return sorted(found, key=lambda one: (one.off_since is not None, str(one.user).lower(), one.pk))


def _open_invitations() -> list[tuple[Invitation, str, bool]]:
    """(invitation, who sent it, whether it is too old) of those that nobody used."""
    found = list(Invitation.objects.filter(ended_at=None).order_by("-created_at", "pk")[:200])
    senders, now = names_of({each.created_by for each in found}), clock.now()
    return [(each, senders[each.created_by], each.expires_at <= now) for each in found]


def _invite(request: MemberRequest, email: str, role: str) -> str:
    try:
        with use_case("invite.member", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            token = invitations.invite(uc, email, Role(role))
    except IntegrityError:
        raise PeopleError(_("{email} was invited by somebody else at this moment.").format(email=email)) from None
    return settings.ENV.base_url + reverse("backoffice:join", args=[token])


@sensitive_variables("link")
def _mail(request: MemberRequest, email: str, link: str) -> str:
    """Mail the link, if there is a mail server. What went wrong, in words; empty: nothing, or there is none."""
    if letters.mail_server() is None:
        return ""
    company = request.organisation.name
    title = _("{company}: an invitation to Stallkeeper").format(company=company)
    text = _("{person} invites you to work for {company} in Stallkeeper. This link is for you alone; it works once, and for seven days:")
    try:
        letters.mail(email, f"invitation-{uuid4().hex}", title, text.format(person=str(request.user), company=company), link)
    except AdapterError as error:
        return told(error.detail)
    return ""


@require_POST
@screen(Permission.MANAGE_USERS)
def withdraw_invitation(request: MemberRequest, pk: int) -> HttpResponse:
    """The link of the invitation is worth nothing any more."""
    invitation = get_object_or_404(Invitation, pk=pk)
    with use_case("withdraw.invitation", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        ended = invitations.withdraw(uc, invitation)
    note = _("The invitation of {email} is withdrawn.") if ended else _("The invitation of {email} was used or withdrawn before.")
    messages.info(request, note.format(email=invitation.email))
    return redirect("backoffice:people")
