"""Rules of categories and products of a channel: the list, and what is added or taken away. Each change is a plan."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.own_rule_rows import OwnRow, own_with
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.rule_forms import OwnRulesForm
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.sending_plan import REFUSALS, proposed
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.models import Product
from stallkeeper.channels import overrides
from stallkeeper.channels.models import Channel, ChannelLocation
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.core.people import Permission, can
from stallkeeper.stock.models import Location

KEYS = ("id",)
MOST_CATEGORIES = 500
"""Names that are offered while one is typed."""


@screen(Permission.VIEW_STOCK, changing=Permission.EDIT_RULES)
def own_rules(request: MemberRequest, pk: int) -> HttpResponse:
    """GET shows the list; POST makes the plan of what a rule would change."""
    channel = get_object_or_404(Channel.objects.select_related("connection", "parent"), pk=pk)
    may_edit = can(request.membership, Permission.EDIT_RULES)
    form = OwnRulesForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (answer := _try(request, channel, form)):
        return answer
    shown = page(own_with(channel, request.GET), KEYS, request.GET.get("after", ""), request.GET.get("before", ""))
    named = Product.objects.exclude(category="").order_by("category").values_list("category", flat=True).distinct()
    context = {
        **{"title": channel.name, "channel": channel, "tab": "record", "form": form, "may_edit": may_edit, "page": shown},
        **{"rows": [OwnRow(rule) for rule in shown.rows], "categories": named[:MOST_CATEGORIES], "filters": request.GET},
        "places": Location.objects.filter(pk__in=ChannelLocation.objects.filter(channel=channel).values("location_id")).order_by(
            "priority"
        ),
        "filtered": any(request.GET.get(name) for name in ("kind", "q")),
    }
    return show(request, "backoffice/own_rules.html", context, status=422 if form.errors else 200)


def _try(request: MemberRequest, channel: Channel, form: OwnRulesForm) -> HttpResponse | None:
    """To the plan, or back; None if the rule cannot be, which the form then says."""
    try:
        return proposed(request, form.proposal(channel), "backoffice:own_rules", channel.pk)
    except REFUSALS as error:
        form.add_error(None, told(error))
        return None


@require_POST
@screen(Permission.EDIT_RULES)
def remove_own(request: MemberRequest, pk: int) -> HttpResponse:
    """The plan that takes the chosen rules away, or those of all single products of a category."""
    channel = get_object_or_404(Channel, pk=pk)
    chosen = [int(value) for value in request.POST.getlist("rule") if value.isdecimal()]
    category = request.POST.get("in_category", "").strip()
    gone = overrides.taken_away(channel.pk, None if category else chosen, in_category=category)
    if not gone.categories and not gone.units:
        messages.error(request, _("No product of this category has rules of its own.") if category else _("Choose the rules to take away."))
        return redirect("backoffice:own_rules", pk)
    try:
        return proposed(request, Proposal(channels={pk: ChannelChange(own=[gone])}), "backoffice:own_rules", pk)
    except REFUSALS as error:
        messages.error(request, told(error))
        return redirect("backoffice:own_rules", pk)
