"""What every screen shares: who may see it, the organisation's time zone, and the frame around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Concatenate, ParamSpec
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from unfold.sites import UnfoldAdminSite

from stallkeeper.core.models import Membership, Organisation, User
from stallkeeper.core.people import Permission, can
from stallkeeper.stock.founding import may_found

P = ParamSpec("P")
OWN = "own"
"""Instead of a permission: everybody for himself."""
SAFE = {"GET", "HEAD"}

site = UnfoldAdminSite(name="admin")
"""A site of our own: what other packages register on Django's default site (jobs of all organisations, groups) is not on it."""


class MemberRequest(HttpRequest):
    """A request of somebody who has signed in and belongs to an organisation."""

    user: User
    membership: Membership

    @property
    def organisation(self) -> Organisation:
        return self.membership.organisation


Screen = Callable[Concatenate[MemberRequest, P], HttpResponse]


def screen(
    permission: Permission | None, *, changing: Permission | None = None
) -> Callable[[Screen[P]], Callable[Concatenate[HttpRequest, P], HttpResponse]]:
    """Only for members with ``permission`` (None: every member); times inside are shown in the person's zone, or the organisation's.

    ``changing``: what every method but GET and HEAD asks for besides, where more may look than change. Both stay readable on the view
    (``view.permission``, ``view.changing``): the matrix of permissions is made from them.
    """

    def decorate(view: Screen[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.user.is_authenticated:
                return _ask_to_sign_in(request)
            membership: Membership | None = getattr(request, "membership", None)
            if getattr(request, "must_prove", False):
                return _ask_for_second_factor(request)
            if membership is None:
                return _without_organisation(request)
            if permission is not None and not can(membership, permission):
                raise PermissionDenied(str(permission))
            if changing is not None and request.method not in SAFE and not can(membership, changing):
                raise PermissionDenied(str(changing))
            refuse_nul(request)
            request.organisation = membership.organisation  # type: ignore[attr-defined]
            with timezone.override(ZoneInfo(membership.user.time_zone or membership.organisation.time_zone)):
                return view(request, *args, **kwargs)  # type: ignore[arg-type]

        guarded.permission, guarded.changing = permission, changing  # type: ignore[attr-defined]
        return guarded

    return decorate


def refuse_nul(request: HttpRequest) -> None:
    """No field of ours holds a NUL, and the database fails on one: whoever sends it gets 400."""
    for asked in (request.GET, request.POST):
        if any("\0" in value for values in asked.lists() for value in values[1]):
            raise BadRequest("NUL in a field")


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in, and from there back; who has sent something is told that it was not saved."""
    if request.method not in SAFE:
        messages.warning(request, _("You were signed out in the meantime. What you sent was not saved: sign in, and send it again."))
    if request.headers.get("HX-Request"):
        # A fragment that polls must not show the sign-in form inside the page: the whole page goes there.
        return HttpResponse(headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path() if request.method in SAFE else _page_of_form(request))


def _page_of_form(request: HttpRequest) -> str:
    """Where the form stood: the address that it was sent to may take nothing but forms."""
    before = f"{request.scheme}://{request.get_host()}"
    stood = request.headers.get("Referer", "").removeprefix(before)
    return own_address(request.POST.get("back", "")) or own_address(stood) or reverse("backoffice:overview")


def _without_organisation(request: HttpRequest) -> HttpResponse:
    """Who signs in first to a new installation makes its organisation; others are told who adds them."""
    assert isinstance(request.user, User)
    if may_found(request.user):
        return redirect("backoffice:found")
    return show(request, "backoffice/no_organisation.html", {"title": _("No organisation")}, status=403)


def _ask_for_second_factor(request: HttpRequest) -> HttpResponse:
    """The organisation asks its members for one: first it is set up."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return redirect("backoffice:second_factor")


class PersonRequest(HttpRequest):
    """A request of somebody who has signed in; he may belong to no organisation."""

    user: User


OwnScreen = Callable[Concatenate[PersonRequest, P], HttpResponse]


def own_screen(view: OwnScreen[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page about the account of whoever looks, whatever his role; times inside are shown in his zone."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not isinstance(request.user, User) or not request.user.is_authenticated:
            return _ask_to_sign_in(request)
        refuse_nul(request)
        membership: Membership | None = getattr(request, "membership", None)
        zone = request.user.time_zone or (membership.organisation.time_zone if membership else "UTC")
        with timezone.override(ZoneInfo(zone)):
            return view(request, *args, **kwargs)  # type: ignore[arg-type]

    guarded.permission = OWN  # type: ignore[attr-defined]
    return guarded


def show(request: HttpRequest, template: str, context: Mapping[str, object], status: int = 200) -> HttpResponse:
    """A whole page: the theme's frame around ``template``."""
    return render(request, template, {**site.each_context(request), **context}, status=status)


def fragment(request: HttpRequest, template: str, context: Mapping[str, object]) -> HttpResponse:
    """A part of a page, for htmx; never kept by caches."""
    response = render(request, template, dict(context))
    response["Cache-Control"] = "no-store"
    return response


def wants_fragment(request: HttpRequest) -> bool:
    return bool(request.headers.get("HX-Request"))


def own_address(wanted: str) -> str:
    """The address if it is a path of ours, else nothing: forms say where they stood, and anybody can make up a form."""
    return wanted if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else ""


def back(request: HttpRequest, fallback: str) -> HttpResponse:
    """To the page that the form stood on, if it is one of ours."""
    return redirect(own_address(request.POST.get("back", "")) or fallback)
