"""The first run: company, first stall, first goods, links, rules, first send (S2.1-S2.4). Who leaves and comes back goes on there."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from stallkeeper.backoffice import start_state
from stallkeeper.backoffice.company import CompanyForm, changed
from stallkeeper.backoffice.connect_words import capability_words, limit_words
from stallkeeper.backoffice.screens import MemberRequest, refuse_nul, screen, show
from stallkeeper.backoffice.start_frame import address, chosen, facts_of, frame, framed, onward, require
from stallkeeper.backoffice.start_goods import search_again
from stallkeeper.backoffice.start_state import STEPS, Facts, Rung
from stallkeeper.backoffice.words import told
from stallkeeper.channels import connect
from stallkeeper.core import first_run
from stallkeeper.core.models import User
from stallkeeper.core.people import PeopleError, Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.stock.founding import found_first, may_found


@screen(Permission.VIEW_STOCK)
def start(request: MemberRequest) -> HttpResponse:
    """To the first step that is neither done nor left for later."""
    facts = facts_of(request)
    return redirect(address(start_state.next_slug(start_state.rungs(facts)), facts.channel))


@screen(Permission.VIEW_STOCK, changing=Permission.MANAGE_USERS)
def company(request: MemberRequest) -> HttpResponse:
    """What the company is called, and its time zone."""
    shown = request.organisation
    form = CompanyForm(request.POST or None, initial={"name": shown.name, "time_zone": shown.time_zone})
    if "company" not in shown.start_passed:
        _guess_zone(form)
    if request.method == "POST" and form.is_valid():
        changed(request, form)
        go_past(request, "company")
        return onward(request, "company")
    return framed(request, "company", {"form": form}, 422 if form.errors else 200)


@screen(Permission.VIEW_STOCK)
def stall(request: MemberRequest) -> HttpResponse:
    """Which platform; and what is known of the stalls that are connected."""
    platforms = [(each, [words for words, able in capability_words(each) if not able]) for each in connect.offered()]
    channel = chosen(request)[0]
    manifest = connect.manifest(channel.connection.platform) if channel else None
    context = {
        "platforms": platforms,
        "manifest": manifest,
        "abilities": capability_words(manifest) if manifest else [],
        "limits": limit_words(manifest) if manifest else [],
    }
    return framed(request, "stall", context)


@screen(Permission.VIEW_STOCK)
def done(request: MemberRequest) -> HttpResponse:
    """What came of it, what was left for later, and what comes next."""
    around = frame(request, "done")
    rail = cast("list[tuple[Rung, str]]", around["rail"])
    left = [(rung, url) for rung, url in rail if not rung.done]
    return framed(request, "done", {**around, "left": left, "may_end": can(request.membership, Permission.CONNECT)})


@require_POST
@screen(Permission.VIEW_STOCK)
def later(request: MemberRequest) -> HttpResponse:
    """Go past a step; what it left open can be done at any time."""
    slug = request.POST.get("step", "")
    if slug not in [step.slug for step in STEPS]:
        raise Http404(slug)
    require(request, slug)
    go_past(request, slug)
    if slug == "products" and (channel := chosen(request)[0]) is not None:
        search_again(request, channel)  # articles that came in since the listings were read may fit some of them
    return onward(request, slug)


@require_POST
@screen(Permission.CONNECT)
def end(request: MemberRequest) -> HttpResponse:
    """Nobody is led here any more when he signs in."""
    with use_case("end.start", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        first_run.end(uc)
    return redirect("backoffice:overview")


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def found(request: HttpRequest) -> HttpResponse:
    """The first organisation of an installation, made by whoever signs in first. Pressed twice, it is made once."""
    refuse_nul(request)
    assert isinstance(request.user, User)
    if getattr(request, "membership", None) is not None:
        return redirect("backoffice:start")
    if not may_found(request.user):
        return show(request, "backoffice/no_organisation.html", {"title": _("No organisation")}, status=403)
    form = CompanyForm(request.POST or None, initial={"time_zone": settings.TIME_ZONE})
    _guess_zone(form)
    if request.method == "POST" and form.is_valid() and _founded(request.user, form):
        return redirect("backoffice:start")
    return show(request, "backoffice/start/found.html", {"title": _("Your company"), "form": form}, status=422 if form.errors else 200)


def _guess_zone(form: CompanyForm) -> None:
    """Where the zone is still UTC, the page offers the browser's."""
    form.fields["time_zone"].widget.attrs["data-own-zone"] = ""


def _founded(user: User, form: CompanyForm) -> bool:
    try:
        made = found_first(form.cleaned_data["name"], form.cleaned_data["time_zone"], user)
    except PeopleError as error:
        form.add_error(None, told(error))
        return False
    with use_case("pass.start", organisation_id=made.pk, actor=user.actor) as uc:
        first_run.go_past(uc, "company")
    return True


def go_past(request: MemberRequest, slug: str) -> None:
    """Remember that the step was gone past, for the channel where it is about one."""
    mark = Facts(request.organisation, chosen(request)[0]).mark(slug)
    with use_case("pass.start", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        first_run.go_past(uc, mark)
