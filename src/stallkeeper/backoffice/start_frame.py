"""The frame of the first run: the rail of its steps around each page, and who can go on where this person may not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from stallkeeper.backoffice import start_state
from stallkeeper.backoffice.screens import MemberRequest, P, Screen, show
from stallkeeper.backoffice.start_state import STEPS, Facts, Step
from stallkeeper.channels.models import Channel
from stallkeeper.core.models import Membership
from stallkeeper.core.people import PERMISSIONS, Permission, can

ORDER = (*(step.slug for step in STEPS), "done")
SHOWN_IN = "start"
"""In the session: organisations whose path this person was led to already."""


def step_of(slug: str) -> Step:
    return next(step for step in STEPS if step.slug == slug)


def address(slug: str, channel: Channel | None = None) -> str:
    """Where a step is, for one channel."""
    path = reverse(f"backoffice:start_{slug}")
    return f"{path}?{urlencode({'channel': channel.pk})}" if channel else path


def chosen(request: MemberRequest) -> tuple[Channel | None, list[Channel]]:
    """The channel that the path is about, and all that it could be about: the one asked for, else the newest that was never sent to."""
    found = start_state.channels()
    wanted = request.POST.get("channel") or request.GET.get("channel") or ""
    return next((channel for channel in found if str(channel.pk) == wanted), found[0] if found else None), found


def facts_of(request: MemberRequest) -> Facts:
    return Facts(request.organisation, chosen(request)[0])


def frame(request: MemberRequest, slug: str) -> dict[str, object]:
    """What the rail shows. ``slug``: the step that the page is about, or ``done``."""
    channel, every = chosen(request)
    facts = Facts(request.organisation, channel)
    found = start_state.rungs(facts)
    permission = step_of(slug).permission if slug != "done" else Permission.VIEW_STOCK
    return {
        "title": _("Set up"),
        "rail": [(rung, address(rung.step.slug, facts.channel)) for rung in found],
        "here": slug,
        "facts": facts,
        "channel": facts.channel,
        "channels": every,
        "prev_url": address(ORDER[ORDER.index(slug) - 1], facts.channel) if slug != ORDER[0] else "",
        "onward_url": address(behind(slug), facts.channel),
        "may": can(request.membership, permission),
        "others": None if can(request.membership, permission) else people_who(request, permission),
    }


def framed(request: MemberRequest, slug: str, context: Mapping[str, object], status: int = 200) -> HttpResponse:
    """A page of the path: the rail, and the step's own template. Who needed the ``frame`` before hands it on in ``context``."""
    around = {} if "rail" in context else frame(request, slug)
    return show(request, f"backoffice/start/{slug}.html", {**around, **context}, status=status)


def people_who(request: MemberRequest, permission: Permission) -> list[str]:
    """Names of the members who may do it, owners first."""
    roles = [role for role, allowed in PERMISSIONS.items() if permission in allowed]
    found = Membership.objects.filter(organisation=request.organisation, role__in=roles, user__is_active=True).select_related("user")
    return [str(member.user) for member in sorted(found, key=lambda member: (roles.index(member.role), member.pk))]  # type: ignore[arg-type]


def require(request: MemberRequest, slug: str) -> None:
    """PermissionDenied where this person may not do the step; looking is for everybody."""
    if not can(request.membership, step_of(slug).permission):
        raise PermissionDenied(slug)


def behind(slug: str) -> str:
    """The step behind this one; the last is ``done``."""
    return ORDER[min(ORDER.index(slug) + 1, len(ORDER) - 1)]


def onward(request: MemberRequest, slug: str) -> HttpResponse:
    """To the step behind this one, for the same channel."""
    return redirect(address(behind(slug), chosen(request)[0]))


def led_there(view: Screen[P]) -> Screen[P]:
    """Who comes in while nothing was ever sent is led to the path, once in a session; afterwards it is never in the way (S2.1)."""

    @wraps(view)
    def led(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        shown = request.session.get(SHOWN_IN, [])
        if request.organisation.pk not in shown:
            request.session[SHOWN_IN] = [*shown, request.organisation.pk]
            if start_state.wanted(request.organisation):
                return redirect("backoffice:start")
        return view(request, *args, **kwargs)

    return led
