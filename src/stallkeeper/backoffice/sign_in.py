"""Getting in: the one-time link. (The form with e-mail address and password is the admin site's.) And choosing among organisations."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from stallkeeper.backoffice.scope import SESSION_KEY
from stallkeeper.backoffice.screens import show
from stallkeeper.core.models import Membership, User
from stallkeeper.core.people import use_link

BACKEND = "django.contrib.auth.backends.ModelBackend"


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
