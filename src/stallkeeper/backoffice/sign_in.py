"""Getting in: the one-time link, the form with e-mail address and password; and choosing among organisations."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import BASE_INPUT_CLASSES

from stallkeeper.backoffice.scope import SESSION_KEY
from stallkeeper.backoffice.screens import show, site
from stallkeeper.core.models import Membership, User
from stallkeeper.core.people import use_link

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
