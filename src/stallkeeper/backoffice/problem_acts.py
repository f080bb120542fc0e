"""What a person does about a whole group of problems: it is shown first what follows, then done to as many as one go may hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.offer_actions import ACTIONS as OFFERS
from stallkeeper.backoffice.problem_board import chosen_group
from stallkeeper.backoffice.problem_groups import Group
from stallkeeper.backoffice.problem_rows import ids_of, rows_of
from stallkeeper.backoffice.problems import forget
from stallkeeper.backoffice.screens import MemberRequest, back, own_address, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.commands import CommandError
from stallkeeper.channels.models import Command
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.fulfilment.again import tell_again
from stallkeeper.orders.linking import LinkError
from stallkeeper.orders.linking import link_line as link
from stallkeeper.sync import wake

AT_ONCE = 1_000
"""Offers in one go: they are locked together."""
COMMANDS = 100
ASK_FROM = 2

Done = tuple[int, list[str]]
"""How many it was done to, and why not to others."""


@dataclass(frozen=True)
class GroupAct:
    """What can be done to a group: ``consequence`` is said before, where there are several. ``most`` in one go."""

    title: str | Promise
    consequence: str | Promise
    permission: Permission
    most: int
    do: Callable[[MemberRequest, Group, Sequence[int]], Done]


def _with_offers(name: str) -> GroupAct:
    def do(request: MemberRequest, _group: Group, ids: Sequence[int]) -> Done:
        with use_case("change.offers", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            OFFERS[name].do(uc, ids)
        return len(ids), []

    return GroupAct(OFFERS[name].title, OFFERS[name].consequence, Permission.SEND, AT_ONCE, do)


def _retell(request: MemberRequest, _group: Group, ids: Sequence[int]) -> Done:
    told_again, problems = 0, []
    for command in Command.objects.filter(pk__in=ids, subject_type="order").order_by("pk"):
        try:
            tell_again(request.organisation.pk, command.subject_id, command.pk, actor=request.user.actor)
            told_again += 1
        except CommandError as error:
            problems.append(told(error))
    return told_again, problems


def _ask_again(_request: MemberRequest, group: Group, ids: Sequence[int]) -> Done:
    wake.look_now(int(group.part.partition(":")[0]), "parked", "trade")
    return len(ids), []


ACTS: dict[str, GroupAct] = {
    **{name: _with_offers(name) for name in ("resend", "stock_out", "price_out", "read")},
    "retell": GroupAct(
        gettext_lazy("Tell the channel again"),
        gettext_lazy("Word for word, in the next run. Put the cause right first, or it will be refused again."),
        Permission.ACT_ORDERS,
        COMMANDS,
        _retell,
    ),
    "ask_again": GroupAct(
        gettext_lazy("Ask for them again"), gettext_lazy("They are read anew in the next run."), Permission.SEND, AT_ONCE, _ask_again
    ),
}


@require_POST
@screen(Permission.VIEW_ORDERS)
def problem_act(request: MemberRequest) -> HttpResponse:
    """Do one thing with a group; several are shown first with what follows."""
    act, group = ACTS.get(request.POST.get("act", "")), chosen_group(request)
    if act is None or group is None or all(each.name != request.POST["act"] for each in group.acts):
        messages.info(request, _("That is over already."))
        return back(request, "backoffice:problem_board")
    if not can(request.membership, act.permission):
        raise PermissionDenied(str(act.permission))
    ids = ids_of(request.organisation.pk, group.kind.key, group.part, act.most)
    if len(ids) >= ASK_FROM and not request.POST.get("sure"):
        return _ask(request, act, group, ids)
    done, problems = act.do(request, group, ids)
    forget(request.organisation.pk)
    if done:
        messages.success(request, ngettext("{act}: {count} of them.", "{act}: {count} of them.", done).format(act=act.title, count=done))
    for problem in problems[:3]:
        messages.error(request, problem)
    return back(request, "backoffice:problem_board")


def _ask(request: MemberRequest, act: GroupAct, group: Group, ids: Sequence[int]) -> HttpResponse:
    context = {
        "title": act.title,
        "act": request.POST["act"],
        "consequence": act.consequence,
        "group": group,
        "count": len(ids),
        "left": max(group.count - len(ids), 0),
        "rows": rows_of(request.organisation.pk, group.kind.key, group.part)[:20],
        "back": own_address(request.POST.get("back", "")),
    }
    return show(request, "backoffice/problem_sure.html", context)


@require_POST
@screen(Permission.ACT_ORDERS)
def link_unmapped(request: MemberRequest) -> HttpResponse:
    """An unknown SKU of a channel gets its stock unit, for all of its lines and for what comes."""
    group, sku = chosen_group(request), request.POST.get("sku", "").strip()
    unit = StockUnit.objects.filter(sku=sku).first() if sku else None
    if group is None or group.line is None:
        messages.info(request, _("That is over already."))
    elif unit is None:
        messages.error(request, _("There is no stock unit with the SKU “{sku}”.").format(sku=sku))
    else:
        try:
            link(request.organisation.pk, group.line, unit.pk, for_ever=True, actor=request.user.actor)
        except LinkError as error:
            messages.error(request, told(error))
        else:
            forget(request.organisation.pk)
            messages.success(request, _("{line} is now {unit}.").format(line=group.title, unit=unit.sku))
    return back(request, "backoffice:problem_board")
