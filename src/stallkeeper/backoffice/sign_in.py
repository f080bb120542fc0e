"""Getting in: the one-time link, the form with e-mail address and password; and choosing among organisations."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import SetPasswordForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import BASE_INPUT_CLASSES

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.scope import SESSION_KEY
from stallkeeper.backoffice.screens import show, site
from stallkeeper.core import crash
from stallkeeper.core.models import Membership, User
from stallkeeper.core.people import use_link

if TYPE_CHECKING:
    PasswordForm = SetPasswordForm[User]
else:
    PasswordForm = SetPasswordForm

BACKEND = "django.contrib.auth.backends.ModelBackend"
TRIES = 10
TRIES_SECONDS = 15 * 60


class SignInForm(AdminAuthenticationForm):
    """E-mail address and password. After TRIES wrong ones from an address for an account, none is looked at for a while."""

    def __init__(self, request: HttpRequest | None = None, *args: object, **kwargs: object) -> None:
        super().__init__(request, *args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)
        self.fields["username"].widget.attrs["autofocus"] = ""

    def clean(self) -> dict[str, Any]:
        key = self._key()
        if cache.get(key, 0) >= TRIES:
            raise ValidationError(_("Too many attempts. Wait a quarter of an hour, or ask for a sign-in link."), code="too_many")
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            cache.add(key, 0, TRIES_SECONDS)
            cache.incr(key)
            raise
        cache.delete(key)
        return cleaned

    def _key(self) -> str:
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        who = f"{self.data.get('username', '').strip().lower()}|{address}"
        return f"sign-in:{hashlib.sha256(who.encode()).hexdigest()}"


site.login_form = SignInForm
site.login_template = "backoffice/login.html"


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a page that sends itself; only the POST uses the link up, so that a mail scanner that follows links spends nothing."""
    if request.method == "GET":
        return show(request, "backoffice/sign_in.html", {"title": _("Sign in"), "site_url": None})
    user = use_link(token)
    if user is None:
        return show(request, "backoffice/link_spent.html", {"title": _("This link no longer works"), "site_url": None}, status=410)
    login(request, user, backend=BACKEND)
    return redirect("backoffice:overview")


@require_POST
@login_required
def choose_organisation(request: HttpRequest) -> HttpResponse:
    """Work for another of one's organisations from now on; an id of somebody else's changes nothing."""
    assert isinstance(request.user, User)
    chosen = request.POST.get("organisation", "")
    if chosen.isdigit() and Membership.objects.filter(user=request.user, organisation_id=int(chosen)).exists():
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
        return redirect("admin:password_change")
    form = FirstPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with crash.around("commit:password.first"):
            form.save()
        update_session_auth_hash(request, user)
        messages.success(request, _("From now on you can sign in with your e-mail address and this password."))
        return redirect("backoffice:overview")
    context = {"title": _("Choose a password"), "form": form}
    return show(request, "backoffice/first_password.html", context, status=422 if form.errors else 200)
