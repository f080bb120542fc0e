"""What a person does with offers: leave out, take in, send again, read now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.offer_panel import show_offer
from stallkeeper.backoffice.screens import MemberRequest, back, own_address, screen, show, wants_fragment
from stallkeeper.channels import delivery, links, reading
from stallkeeper.channels.models import Offer, TodoKind
from stallkeeper.core.people import Permission
from stallkeeper.core.use_case import UseCase, use_case

ASK_FROM = 2
"""From so many offers on, the screen shows first what will happen."""


@dataclass(frozen=True)
class Action:
    """One thing to do with offers: what it is called and what follows, in words."""

    do: Callable[[UseCase, Sequence[int]], object]
    title: str | Promise
    consequence: str | Promise


def _send_again(uc: UseCase, offers: Sequence[int]) -> None:
    for kind in TodoKind.values:
        delivery.try_again(uc, kind, offers)


ACTIONS = {
    "read": Action(
        reading.read_again,
        gettext_lazy("Read now"),
        gettext_lazy("What the channel shows is read in the next run, before anything is sent."),
    ),
    "resend": Action(
        _send_again, gettext_lazy("Send again"), gettext_lazy("Refusals are forgotten; values that differ are sent in the next run.")
    ),
    "stock_out": Action(
        lambda uc, offers: links.exclude(uc, offers, stock=True),
        gettext_lazy("Leave out: stock"),
        gettext_lazy("The channel keeps the last quantity. Units sold there still lower your stock."),
    ),
    "stock_in": Action(
        lambda uc, offers: links.exclude(uc, offers, stock=False),
        gettext_lazy("Take in: stock"),
        gettext_lazy("Quantities are sent again."),
    ),
    "price_out": Action(
        lambda uc, offers: links.exclude(uc, offers, prices=True),
        gettext_lazy("Leave out: price"),
        gettext_lazy("The channel keeps the last price."),
    ),
    "price_in": Action(
        lambda uc, offers: links.exclude(uc, offers, prices=False), gettext_lazy("Take in: price"), gettext_lazy("Prices are sent again.")
    ),
}


@require_POST
@screen(Permission.SEND)
def offer_action(request: MemberRequest) -> HttpResponse:
    """Do one thing with the chosen offers; several are shown first with what follows."""
    action = ACTIONS.get(request.POST.get("action", ""))
    ids = list(Offer.objects.filter(pk__in=[pk for pk in request.POST.getlist("offer") if pk.isdecimal()]).values_list("pk", flat=True))
    if action is None or not ids:
        messages.error(request, _("Choose at least one offer."))
        return back(request, "backoffice:offers")
    if len(ids) >= ASK_FROM and not request.POST.get("sure"):
        return _ask(request, action, ids)
    with use_case("change.offers", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        action.do(uc, ids)
    done = ngettext("{action}: {count} offer.", "{action}: {count} offers.", len(ids)).format(action=action.title, count=len(ids))
    if wants_fragment(request):
        return show_offer(request, get_object_or_404(Offer.objects.select_related("channel", "stock_unit", "price"), pk=ids[0]), done)
    messages.success(request, done)
    return back(request, "backoffice:offers")


def _ask(request: MemberRequest, action: Action, ids: Sequence[int]) -> HttpResponse:
    chosen = Offer.objects.filter(pk__in=ids).select_related("channel").order_by("channel_id", "sku")
    context = {
        "title": action.title,
        "action": request.POST["action"],
        "consequence": action.consequence,
        "offers": list(chosen[:100]),
        "ids": ids,
        "back": own_address(request.POST.get("back", "")) or reverse("backoffice:offers"),
    }
    return show(request, "backoffice/offers_sure.html", context)
