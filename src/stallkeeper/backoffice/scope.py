"""Puts every request into the scope of one organisation."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from stallkeeper.core import sessions
from stallkeeper.core.models import Membership
from stallkeeper.core.people import memberships_of
from stallkeeper.core.tenancy import organisation_scope

SESSION_KEY = "organisation"
PROVEN = "second_factor"
"""In the session: a code of the second factor was shown in it."""


class OrganisationMiddleware:
    """The organisation is the one chosen in the session if the person belongs to it, else his first. Without one nothing is in scope.

    Whoever chose a language is answered in it, whatever the browser asks for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        membership = choose_membership(request)
        # Whom the organisation asks for a second factor that he has not shown sees nothing of it: not even its name in the frame.
        unproven = membership is not None and membership.organisation.second_factor_required and not request.session.get(PROVEN)
        membership = None if unproven else membership
        request.must_prove, request.membership = unproven, membership  # type: ignore[attr-defined]
        if request.user.is_authenticated and request.user.language in dict(settings.LANGUAGES):
            translation.activate(request.user.language)
        if membership is None:
            return self.get_response(request)
        with organisation_scope(membership.organisation_id):
            return self.get_response(request)


def choose_membership(request: HttpRequest) -> Membership | None:
    """The membership that this request acts under."""
    if not request.user.is_authenticated:
        return None
    memberships = memberships_of(request.user)
    chosen = request.session.get(SESSION_KEY)
    return next((m for m in memberships if m.organisation_id == chosen), memberships[0] if memberships else None)


class PrivateMiddleware:
    """What a signed-in person sees is kept by no cache, neither on the way nor on the disk of a shared computer. Where he is signed in is
    written down, for him to see."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        sessions.note(request)
        if request.user.is_authenticated and "no-store" not in response.get("Cache-Control", ""):
            response["Cache-Control"] = "no-store"
        return response


class FormsOnlyMiddleware:
    """A browser that is led to an address that only takes forms, say by a reload, gets a page that says so instead of nothing at all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or request.method != "GET" or response.content:
            return response
        page = render(request, "405.html", status=response.status_code) if request.accepts("text/html") else response
        page["Allow"] = response["Allow"]
        return page
