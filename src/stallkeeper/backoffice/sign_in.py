"""Getting in: the one-time link, the form with e-mail address and password; and choosing among organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import BASE_INPUT_CLASSES

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.scope import SESSION_KEY
from stallkeeper.backoffice.screens import show, site
from stallkeeper.backoffice.second_step import admit
from stallkeeper.core import crash, sign_in_limits
from stallkeeper.core.models import User
from stallkeeper.core.own_account import account_act
from stallkeeper.core.people import memberships_of, use_link

if TYPE_CHECKING:
    PasswordForm = SetPasswordForm[User]
else:
    PasswordForm = SetPasswordForm


class SignInForm(AdminAuthenticationForm):
    """E-mail address and password. After too many wrong ones it says how long none is looked at (``core.sign_in_limits``)."""

    error_messages = AuthenticationForm.error_messages
    """Not those of the admin site, which speak of an account of the staff."""

    def __init__(self, request: HttpRequest | None = None, *args: object, **kwargs: object) -> None:
        super().__init__(request, *args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)
        self.fields["username"].widget.attrs["autofocus"] = ""

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            if getattr(self.request, "axes_locked_out", False):
                raise ValidationError(self._wait(), code="too_many") from None
            raise
        return cleaned

    def _wait(self) -> str:
        minutes = sign_in_limits.minutes_left(sign_in_limits.account_name(self.request, self.cleaned_data))
        return ngettext(
            "Too many attempts. Try again in %(minutes)d minute, or ask for a sign-in link.",
            "Too many attempts. Try again in %(minutes)d minutes, or ask for a sign-in link.",
            minutes,
        ) % {"minutes": minutes}


def locked(request: HttpRequest, response: HttpResponse, credentials: object) -> HttpResponse:  # noqa: ARG001 - as axes calls it
    """The answer to an attempt that was not looked at: the form itself, with its message, and a status that programs understand."""
    response.status_code = 429
    response["Retry-After"] = str(int(sign_in_limits.WAIT.total_seconds()))
    return response


class SignInView(LoginView):
    """The form; who has a second factor is asked for a code next. In the place of the admin site's own."""

    authentication_form = SignInForm
    template_name = "backoffice/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        return admit(self.request, user, self.get_success_url())

    def get_context_data(self, **context: object) -> dict[str, Any]:
        frame = site.each_context(self.request) | {"title": _("Sign in"), "app_path": self.request.get_full_path()}
        return super().get_context_data(**frame, **context)


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a page that sends itself; only the POST uses the link up, so that a mail scanner that follows links spends nothing."""
    if request.method == "GET":
        return show(request, "backoffice/sign_in.html", {"title": _("Sign in"), "site_url": None})
    user = use_link(token)
    if user is None:
        return show(request, "backoffice/link_spent.html", {"title": _("This link no longer works"), "site_url": None}, status=410)
    return admit(request, user)


@require_POST
@login_required
def choose_organisation(request: HttpRequest) -> HttpResponse:
    """Work for another of one's organisations from now on; an id of somebody else's changes nothing."""
    assert isinstance(request.user, User)
    chosen = request.POST.get("organisation", "")
    if chosen.isdecimal() and int(chosen) in {membership.organisation_id for membership in memberships_of(request.user)}:
        request.session[SESSION_KEY] = int(chosen)
    return redirect("backoffice:overview")


class FirstPasswordForm(LookMixin, PasswordForm):
    """A password, twice. The old one is not asked for: there is none."""


@never_cache
@login_required
def first_password(request: HttpRequest) -> HttpResponse:
    """Who came in by a link and has no password yet chooses one; afterwards it is changed with the old one only."""
    user = request.user
    assert isinstance(user, User)
    if user.has_usable_password():
        return redirect("backoffice:change_password")
    form = FirstPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with crash.around("commit:password.first"), account_act(user, user.actor, "choose.own_password"):
            form.save()
        update_session_auth_hash(request, user)
        messages.success(request, _("From now on you can sign in with your e-mail address and this password."))
        return redirect("backoffice:overview")
    context = {"title": _("Choose a password"), "form": form}
    return show(request, "backoffice/first_password.html", context, status=422 if form.errors else 200)
