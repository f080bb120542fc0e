"""The rules of a channel: places, how much of the stock, at what price. What differs is a plan, to be looked at before it is in force."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.forms import BoundField
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from stallkeeper.backoffice.own_rule_rows import count_own
from stallkeeper.backoffice.plan_words import places_of, value_of
from stallkeeper.backoffice.rule_forms import FOLLOW, RulesForm
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.sending_plan import REFUSALS, proposed
from stallkeeper.backoffice.words import told
from stallkeeper.channels import rules
from stallkeeper.channels.models import Channel
from stallkeeper.channels.proposals import Proposal
from stallkeeper.core.people import Permission, can


@screen(Permission.VIEW_STOCK, changing=Permission.EDIT_RULES)
def channel_rules(request: MemberRequest, pk: int) -> HttpResponse:
    """GET shows the rules; POST makes the plan of what they would change."""
    shown = get_object_or_404(Channel.objects.select_related("connection", "parent"), pk=pk)
    may_edit = can(request.membership, Permission.EDIT_RULES)
    form = RulesForm(request.POST or None, instance=shown)
    if request.method == "POST" and form.is_valid() and (answer := _try(request, form, pk)):
        return answer
    fresh = get_object_or_404(Channel.objects.select_related("connection", "parent"), pk=pk)
    context = {"title": fresh.name, "channel": fresh, "tab": "rules", "form": form, "may_edit": may_edit, "own": count_own(fresh)}
    context |= {"mains": of_main(fresh, form), "subs": list(fresh.sub_channels.order_by("code"))}
    return show(request, "backoffice/channel_rules.html", context, status=422 if form.errors else 200)


@dataclass(frozen=True)
class OfMain:
    """A field of a sub-channel: what the main channel says, and the tick that makes it that again; None where it is that already."""

    words: str
    tick: BoundField | None


def of_main(shown: Channel, form: RulesForm) -> dict[str, OfMain]:
    """By the field's name; nothing of a channel that is by itself."""
    if shown.parent is None:
        return {}
    said = rules.snapshot(shown.parent)
    places = said.pop(rules.PLACES)
    words = {name.removesuffix("_id"): value_of(name, value) for name, value in said.items()}
    words[rules.PLACES] = places_of(places if isinstance(places, list) else [])
    return {name: OfMain(text, form[FOLLOW + name] if FOLLOW + name in form.fields else None) for name, text in words.items()}


def _try(request: MemberRequest, form: RulesForm, pk: int) -> HttpResponse | None:
    """To the plan, or back; None if the rules cannot be, which the form then says."""
    change = form.change(Channel.objects.get(pk=pk))
    if not change:
        messages.info(request, _("These are the rules that are in force."))
        return redirect("backoffice:channel_rules", pk)
    try:
        return proposed(request, Proposal(channels={pk: change}), "backoffice:channel_rules", pk)
    except REFUSALS as error:
        form.add_error(None, told(error))
        return None
