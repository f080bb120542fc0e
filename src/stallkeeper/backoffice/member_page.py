"""One member: the role, being let in or not, leaving, and a link for who cannot sign in."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.role_words import SUMMARIES
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.core import audit, second_factor, sessions
from stallkeeper.core import people as use_cases
from stallkeeper.core.models import Membership, Role
from stallkeeper.core.own_account import account_act
from stallkeeper.core.people import PeopleError, Permission
from stallkeeper.core.use_case import use_case

LINK_HOURS = 24


class RoleForm(LookMixin, forms.Form):
    """What the member may do from now on."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), widget=forms.RadioSelect, choices=Role.choices)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [  # type: ignore[attr-defined]
            (role.value, _("{role}: {what}").format(role=str(role.label).capitalize(), what=SUMMARIES[role])) for role in Role
        ]


@screen(Permission.MANAGE_USERS)
def person(request: MemberRequest, pk: int) -> HttpResponse:
    """GET shows the member; POST gives another role."""
    member = _member(request, pk)
    form = RoleForm(request.POST or None, initial={"role": member.role})
    if request.method == "POST" and form.is_valid():
        try:
            with use_case("change.member", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
                use_cases.add_member(uc, member.user, Role(form.cleaned_data["role"]))
        except PeopleError as error:
            form.add_error(None, told(error))
        else:
            messages.success(request, _("{person} has another role from now on.").format(person=member.user))
            return redirect("backoffice:people" if member.user != request.user else "backoffice:settings")
    return show_member(request, member, {"form": form}, status=422 if form.errors else 200)


def show_member(request: MemberRequest, member: Membership, more: dict[str, object], status: int = 200) -> HttpResponse:
    """The page of a member, with what an act has to say about it."""
    context = {
        "title": str(member.user),
        "member": member,
        "myself": member.user_id == request.user.pk,
        "factor": second_factor.is_on(member.user),
        "elsewhere": use_cases.belongs_elsewhere(member.user, request.organisation.pk),
        "form": RoleForm(initial={"role": member.role}),
    }
    return show(request, "backoffice/person.html", context | more, status=status)


@require_POST
@screen(Permission.MANAGE_USERS)
def turn_person(request: MemberRequest, pk: int) -> HttpResponse:
    """Let a member in again, or, after a look at what follows, not any more."""
    member, on = _member(request, pk), request.POST.get("on") == "1"
    if member.user_id == request.user.pk:
        messages.error(request, _("You cannot switch yourself off; another owner can."))
        return redirect("backoffice:person", pk)
    if not on and request.POST.get("sure") != "1":
        return show(request, "backoffice/person_sure.html", {"title": _("Switch off"), "member": member, "act": "off"})
    try:
        with use_case("change.member", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            use_cases.turn_member(uc, member.user, on)
    except PeopleError as error:
        messages.error(request, told(error))
    else:
        note = _("{person} may work here again.") if on else _("{person} is out, and keeps the role for later.")
        messages.success(request, note.format(person=member.user))
    return redirect("backoffice:person", pk)


@require_POST
@screen(Permission.MANAGE_USERS)
def remove_person(request: MemberRequest, pk: int) -> HttpResponse:
    """Take a member out of the organisation, after a look at what follows; nothing happens to one who is gone already."""
    member = Membership.objects.filter(organisation=request.organisation, pk=pk).select_related("user").first()
    if member is None:
        return redirect("backoffice:people")
    if request.POST.get("sure") != "1":
        return show(request, "backoffice/person_sure.html", {"title": _("Remove"), "member": member, "act": "remove"})
    try:
        with use_case("change.member", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            use_cases.remove_member(uc, member.user)
    except PeopleError as error:
        messages.error(request, told(error))
        return redirect("backoffice:person", pk)
    messages.success(request, _("{person} is not a member any more.").format(person=member.user))
    return redirect("backoffice:people")


@sensitive_variables("token")
@require_POST
@screen(Permission.MANAGE_USERS)
def person_link(request: MemberRequest, pk: int) -> HttpResponse:
    """A link that signs the member in once, for who has no password or forgot it; not for somebody who belongs to others too."""
    member = _member(request, pk)
    if use_cases.belongs_elsewhere(member.user, request.organisation.pk):
        return show_member(request, member, {}, status=422)
    with use_case("make.sign_in_link", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        token = use_cases.sign_in_link(member.user, LINK_HOURS, uc.at)
        audit.record(uc, "make.sign_in_link", "user", member.user_id, hours=LINK_HOURS)
    link = settings.ENV.base_url + reverse("backoffice:sign_in_by_link", args=[token])
    return show_member(request, member, {"link": link, "hours": LINK_HOURS})


@require_POST
@screen(Permission.MANAGE_USERS)
def reset_second_factor(request: MemberRequest, pk: int) -> HttpResponse:
    """For a member who lost the telephone and the recovery codes: the password alone signs in again, and every session of his ends."""
    member = _member(request, pk)
    if member.user_id == request.user.pk:
        return redirect("backoffice:second_factor")
    if use_cases.belongs_elsewhere(member.user, request.organisation.pk):
        return show_member(request, member, {}, status=422)
    if request.POST.get("sure") != "1":
        return show(request, "backoffice/person_sure.html", {"title": _("Two-step sign-in"), "member": member, "act": "factor"})
    with account_act(member.user, request.user.actor, "reset.second_factor"):
        second_factor.turn_off(member.user)
        sessions.end(sessions.sessions_of(member.user))
    messages.success(
        request, _("{person} signs in with the password alone, until he sets the second step up again.").format(person=member.user)
    )
    return redirect("backoffice:person", pk)


def _member(request: MemberRequest, pk: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("user"), organisation=request.organisation, pk=pk)
