"""The audit: who did what, when, to what. Entries cannot be changed; each carries a digest over itself and the one before."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from stallkeeper.backoffice.audit_rows import KEYS, Thing, audit_rows, entries_with, things_of
from stallkeeper.backoffice.audit_words import ACTIONS, SUBJECTS
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.core.models import ApiKey, Membership
from stallkeeper.core.people import Permission

FILTERS = ("who", "what", "of", "since", "until")


@screen(Permission.SEE_AUDIT)
def audit(request: MemberRequest) -> HttpResponse:
    """50 to a page, the newest first; its number of statements does not depend on the rows."""
    filters = {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    shown = page(entries_with(filters), KEYS, request.GET.get("after", ""), request.GET.get("before", ""))
    context = {
        "title": _("Audit"),
        "export_list": "audit",
        "page": shown,
        "rows": audit_rows(shown.rows, request.membership),
        "filters": filters,
        "about": _about(filters.get("of", "")),
        "people": _actors(request),
        "acts": sorted(((action, str(words)) for action, words in ACTIONS.items()), key=lambda pair: pair[1]),
    }
    return show(request, "backoffice/audit.html", context)


def _about(of: str) -> str:
    """What the list is narrowed to, as people know it. Only what an entry of ours is about is named: no wall stands around people."""
    kind, colon, key = of.partition(":")
    if not colon:
        return ""
    ours = list(entries_with({"of": of}).order_by()[:1])
    thing = things_of(ours)[kind, key] if ours else Thing(str(SUBJECTS.get(kind, kind)), key, "")
    return f"{thing.kind} {thing.name}"


def _actors(request: MemberRequest) -> list[tuple[str, str]]:
    """Whom one can choose: members, programs with a key, and Stallkeeper itself."""
    members = Membership.objects.filter(organisation=request.organisation).select_related("user")
    found = [(member.user.actor, str(member.user)) for member in members] + [(key.actor, key.name) for key in ApiKey.objects.all()[:200]]
    return [*sorted(found, key=lambda pair: pair[1].lower()), ("system", _("Stallkeeper"))]
