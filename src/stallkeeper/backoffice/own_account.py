"""My account: name, language and time zone; the password; where one is signed in."""

from __future__ import annotations

import zoneinfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.devices import device_name
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import PersonRequest, own_screen, show
from stallkeeper.core import second_factor, sessions
from stallkeeper.core.models import SignedIn
from stallkeeper.core.own_account import account_act


class ProfileForm(LookMixin, forms.Form):
    """How others see the person, and how he sees the screens."""

    name = forms.CharField(label=gettext_lazy("Your name"), max_length=200, required=False)
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("In which you see times. “Today” begins for everybody at the midnight of the company."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
        languages, found = self.fields["language"], self.fields["time_zone"]
        languages.choices = [("", _("that of the browser")), *settings.LANGUAGES]  # type: ignore[attr-defined]
        found.choices = [("", _("that of the company")), *((zone, zone.replace("_", " ")) for zone in zones)]  # type: ignore[attr-defined]


class ChangePasswordForm(LookMixin, PasswordChangeForm):
    """The old one, and the new one twice."""


@own_screen
def account(request: PersonRequest) -> HttpResponse:
    """GET shows it; POST saves name, language and time zone."""
    user = request.user
    form = ProfileForm(request.POST or None, initial={"name": user.name, "language": user.language, "time_zone": user.time_zone})
    if request.method == "POST" and form.is_valid():
        with account_act(user, user.actor, "change.own_account", fields=sorted(form.changed_data)):
            user.name, user.language, user.time_zone = (form.cleaned_data[name] for name in ("name", "language", "time_zone"))
            user.save(update_fields=["name", "language", "time_zone"])
        messages.success(request, _("Saved."))
        return redirect("backoffice:account")
    context = {
        "title": _("My account"),
        "form": form,
        "factor": second_factor.is_on(user),
        "codes_left": second_factor.codes_left(user),
        "sessions": [
            (each, device_name(each.device), each.session_key == request.session.session_key) for each in sessions.sessions_of(user)
        ],
    }
    return show(request, "backoffice/account.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters()
@own_screen
def change_password(request: PersonRequest) -> HttpResponse:
    """Another password; all other sessions of the person end. Who has none yet chooses the first one."""
    user = request.user
    if not user.has_usable_password():
        return redirect("backoffice:first_password")
    form = ChangePasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with account_act(user, user.actor, "change.own_password"):
            form.save()
        update_session_auth_hash(request, user)
        messages.success(request, _("The password is changed. Everywhere else you are signed out."))
        return redirect("backoffice:account")
    context = {"title": _("Change password"), "form": form}
    return show(request, "backoffice/change_password.html", context, status=422 if form.errors else 200)


@require_POST
@own_screen
def end_sessions(request: PersonRequest) -> HttpResponse:
    """End one session of one's own, or all but this one; what is no session of one's own ends nothing."""
    user, wanted = request.user, request.POST.get("session", "")
    found = [each for each in sessions.sessions_of(user) if each.session_key != request.session.session_key]
    if wanted:
        found = [each for each in found if str(each.pk) == wanted]
    ended = _end(request, found) if found else 0
    note = ngettext("{count} session is ended.", "{count} sessions are ended.", ended)
    messages.success(request, note.format(count=ended) if ended else _("There was no such session any more."))
    return redirect("backoffice:account")


def _end(request: PersonRequest, found: list[SignedIn]) -> int:
    with account_act(request.user, request.user.actor, "end.own_sessions", sessions=len(found)):
        return sessions.end(found)
