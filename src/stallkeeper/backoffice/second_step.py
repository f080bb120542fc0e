"""The second step of signing in. Nobody is signed in before it: until the code is right, the session only says who would be."""

from __future__ import annotations

import hmac
from datetime import timedelta

from django import forms
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.scope import PROVEN
from stallkeeper.backoffice.screens import own_address, refuse_nul, show
from stallkeeper.core import clock, crash, second_factor
from stallkeeper.core.keyring import KeyringError
from stallkeeper.core.models import User
from stallkeeper.core.own_account import account_act
from stallkeeper.core.second_factor import Verdict

BACKEND = "django.contrib.auth.backends.ModelBackend"
WAITING = "second_step"
PATIENCE = timedelta(minutes=10)


class CodeForm(LookMixin, forms.Form):
    """A code of the authenticator app, or a recovery code."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": "", "spellcheck": "false", "autocapitalize": "off"}),
    )


def admit(request: HttpRequest, user: User, then: str = "") -> HttpResponse:
    """The first step is done, by password or link: sign in, or ask for the second one where the person has it."""
    if not second_factor.is_on(user):
        login(request, user, backend=BACKEND)
        return redirect(own_address(then) or "backoffice:overview")
    waits = {"user": user.pk, "at": clock.now().timestamp(), "then": own_address(then), "password": user.get_session_auth_hash()}
    request.session[WAITING] = waits
    return redirect("backoffice:second_step")


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """GET asks for the code; POST with a right one signs in."""
    refuse_nul(request)
    user, then = _waiting(request)
    if user is None:
        return redirect("admin:login")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        problem = _checked(user, form.cleaned_data["code"])
        if not problem:
            request.session.pop(WAITING, None)
            login(request, user, backend=BACKEND)
            request.session[PROVEN] = True
            return redirect(then or "backoffice:overview")
        form.add_error("code", problem)
    context = {"title": _("Second step"), "site_url": None, "form": form}
    return show(request, "backoffice/second_step.html", context, status=422 if form.errors else 200)


def _waiting(request: HttpRequest) -> tuple[User | None, str]:
    """Who did the first step in this browser, up to ten minutes ago, and where he wanted to go. A new password ends the wait."""
    waits = request.session.get(WAITING)
    if not isinstance(waits, dict) or clock.now().timestamp() - float(waits["at"]) > PATIENCE.total_seconds():
        return None, ""
    user = User.objects.filter(pk=waits["user"], is_active=True).first()
    same = user is not None and hmac.compare_digest(user.get_session_auth_hash(), str(waits["password"]))
    return (user if same else None), str(waits["then"])


def _checked(user: User, code: str) -> str:
    """What is wrong with the code; empty if nothing is."""
    try:
        with crash.committing("second_step.code"):
            verdict = second_factor.check(user, code, clock.now())
    except KeyringError:
        return _("This server cannot read its keys, so codes of the app cannot be checked. A recovery code works.")
    if verdict is Verdict.RECOVERY:
        with account_act(user, user.actor, "use.recovery_code", left=second_factor.codes_left(user)):
            pass
    return {
        Verdict.WRONG: _("This code is wrong, or it was used already. Wait for the next one."),
        Verdict.TOO_MANY: _("Too many wrong codes. Try again in a quarter of an hour, or use a recovery code."),
    }.get(verdict, "")
