"""Setting up the second step of one's own sign-in, its recovery codes, and switching it off."""

from __future__ import annotations

import segno
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.scope import PROVEN
from stallkeeper.backoffice.screens import PersonRequest, own_screen, show
from stallkeeper.backoffice.second_step import CodeForm
from stallkeeper.core import clock, crash, second_factor, sessions
from stallkeeper.core.keyring import KeyringError
from stallkeeper.core.own_account import account_act
from stallkeeper.core.second_factor import Verdict


class ActForm(CodeForm):
    """A code again, for what would let somebody in later who only found the browser open."""

    act = forms.ChoiceField(choices=[("codes", "codes"), ("off", "off")], widget=forms.HiddenInput)


class ConfirmForm(LookMixin, forms.Form):
    """The first code of the app."""

    code = forms.CharField(
        label=gettext_lazy("Code that the app shows"),
        max_length=10,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


@sensitive_variables("waiting")
@own_screen
def second_factor_page(request: PersonRequest) -> HttpResponse:
    """What the second step is, whether it is on, and the QR code of one that is being set up."""
    return _show(request, {})


@require_POST
@own_screen
def begin_second_factor(request: PersonRequest) -> HttpResponse:
    """A new secret for the app; the page shows it until its first code is typed."""
    try:
        with crash.committing("change.account"):
            second_factor.begin(request.user, clock.now())
    except KeyringError:
        messages.error(request, _("This server cannot read its keys, so the second step cannot be set up. Tell whoever runs it."))
    return redirect("backoffice:second_factor")


@require_POST
@sensitive_post_parameters("code")
@sensitive_variables("codes")
@own_screen
def confirm_second_factor(request: PersonRequest) -> HttpResponse:
    """The app works: its codes are asked for from now on. Shows the recovery codes, this once, and ends the person's other sessions."""
    form, user = ConfirmForm(request.POST), request.user
    if second_factor.is_on(user):
        return redirect("backoffice:second_factor")
    if not form.is_valid() or not second_factor.matches(user, form.cleaned_data["code"], clock.now()):
        form.add_error("code", _("This is not what the app should show now. Is the clock of the telephone right?"))
        return _show(request, {"form": form}, status=422)
    with account_act(user, user.actor, "turn_on.second_factor"):
        on = second_factor.confirm(user, form.cleaned_data["code"], clock.now())
        codes = second_factor.new_codes(user) if on else []
        sessions.end([each for each in sessions.sessions_of(user) if each.session_key != request.session.session_key])
    request.session[PROVEN] = True
    return _show(request, {"codes": codes})


@require_POST
@sensitive_post_parameters("code")
@sensitive_variables("codes")
@own_screen
def change_second_factor(request: PersonRequest) -> HttpResponse:
    """With a code again: new recovery codes, or no second step any more."""
    form, user = ActForm(request.POST), request.user
    if not form.is_valid():
        return _show(request, {"act_form": form}, status=422)
    with crash.committing("second_step.code"):
        verdict = second_factor.check(user, form.cleaned_data["code"], clock.now())
    if verdict not in {Verdict.RIGHT, Verdict.RECOVERY}:
        form.add_error("code", _("This code is wrong, or it was used already. Wait for the next one."))
        return _show(request, {"act_form": form}, status=422)
    if form.cleaned_data["act"] == "codes":
        with account_act(user, user.actor, "make.recovery_codes"):
            codes = second_factor.new_codes(user)
        return _show(request, {"codes": codes})
    with account_act(user, user.actor, "turn_off.second_factor"):
        second_factor.turn_off(user)
    request.session.pop(PROVEN, None)
    messages.success(request, _("From now on the password alone signs you in."))
    return redirect("backoffice:second_factor")


def _show(request: PersonRequest, more: dict[str, object], status: int = 200) -> HttpResponse:
    user = request.user
    on = second_factor.is_on(user)
    context: dict[str, object] = {
        "title": _("Two-step sign-in"),
        "on": on,
        "asked": getattr(request, "must_prove", False),
        "codes_left": second_factor.codes_left(user),
        "form": ConfirmForm(),
        "act_form": ActForm(),
    }
    if not on and (waiting := second_factor.to_confirm(user)):
        address, secret = waiting
        context |= {"qr": segno.make(address, micro=False).svg_data_uri(scale=4, border=3, light="#fff"), "secret": _grouped(secret)}
    return show(request, "backoffice/second_factor.html", context | more, status=status)


def _grouped(secret: str) -> str:
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
