"""Save, Save and send: a plan is made from the table's settings, looked at with its counts, applied by its fingerprint, undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import plan_words
from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.screens import MemberRequest, back, own_address, screen, show
from stallkeeper.backoffice.sending_settings import proposal_of, setting_rows
from stallkeeper.backoffice.words import told
from stallkeeper.channels import plan_items, plans, proposals, switches
from stallkeeper.channels.models import Channel, Offer, SendPlan
from stallkeeper.channels.plan_items import Counts, Items
from stallkeeper.channels.plan_stale import PlanError, Stale
from stallkeeper.channels.plans import Held
from stallkeeper.channels.proposals import Proposal, ProposalError
from stallkeeper.channels.rules import RuleError
from stallkeeper.channels.switches import SwitchError, Unwatched
from stallkeeper.core import clock
from stallkeeper.core.people import Permission, can
from stallkeeper.stock import ledger, taking_back
from stallkeeper.stock.availability import NOT_SET
from stallkeeper.stock.places import PlaceError

EXAMPLES = 10
REFUSALS = (PlanError, ProposalError, RuleError, SwitchError, PlaceError, ledger.NotEnough)


@dataclass(frozen=True)
class Example:
    """One value of a plan."""

    sku: str
    before: str
    after: str


@dataclass(frozen=True)
class PlanRow:
    """What a plan says of one channel."""

    channel: Channel
    counts: Counts
    examples: Sequence[Example]


@require_POST
@screen(Permission.EDIT_RULES)
def save_plan(request: MemberRequest) -> HttpResponse:
    """Work the table out with these settings, so that it can be checked (S3.34). Nothing leaves; "Save and send" asks next."""
    channels = list(switches.states())
    settings = setting_rows(channels, request.POST)
    if faulty := [row for row in settings if not row.form.is_valid()]:
        wrong = faulty[0]
        field, errors = next(iter(wrong.form.errors.items()))
        messages.error(request, f"{wrong.channel.name}: {wrong.form.fields[field].label}: {errors[0]}")
        return redirect("backoffice:sending")
    company = request.POST.get("sending") == "1"
    return _saved(request, proposal_of(request.organisation, company, settings), look=request.POST.get("then") == "send")


def _saved(request: MemberRequest, proposal: Proposal, *, look: bool) -> HttpResponse:
    try:
        plans.save(request.organisation.pk, proposal, request.user.actor)
    except REFUSALS as error:
        messages.error(request, told(error))
        return redirect("backoffice:sending")
    if look:
        return redirect("backoffice:plan")
    messages.success(request, _("Worked out and saved. Nothing was sent, and nothing of it is in force before it is."))
    return redirect("backoffice:sending")


def proposed(request: MemberRequest, proposal: Proposal, to: str, *args: int) -> HttpResponse:
    """Where a changed rule or place leads: to the plan of what it would change; or back, where it changes nothing and is in force now.

    REFUSALS if it cannot be. A colleague's plan that was not sent yet makes room, and that is said.
    """
    other = plans.open_plan()
    made = plans.propose(request.organisation.pk, proposal, request.user.actor)
    if made.state == SendPlan.State.APPLIED:
        messages.success(request, _("Saved, and in force. Nothing has to be sent for it."))
        return redirect(to, *args)
    _say_replaced(request, other)
    return redirect("backoffice:plan")


def saved(request: MemberRequest, proposal: Proposal) -> None:
    """Keep it as the open plan, also where nothing would be sent for it; REFUSALS if it cannot be."""
    other = plans.open_plan()
    plans.save(request.organisation.pk, proposal, request.user.actor)
    _say_replaced(request, other)


def _say_replaced(request: MemberRequest, other: SendPlan | None) -> None:
    """A colleague's plan that was not sent yet has made room, and that is said."""
    if other is not None and other.made_by != request.user.actor:
        who = names_of([other.made_by])[other.made_by]
        note = _("Plan {number} of {who}, which was not sent, makes room for this one.")
        messages.warning(request, note.format(number=other.pk, who=who))


def switching_on(request: MemberRequest, proposal: Proposal, to: str, *args: int) -> HttpResponse:
    """Where a button leads that lets something out: to the plan of what would go; back with the reason, where it cannot be yet."""
    try:
        return proposed(request, proposal, to, *args)
    except REFUSALS as error:
        messages.error(request, told(error))
        return redirect(to, *args)


@screen(Permission.VIEW_STOCK)
def plan(request: MemberRequest) -> HttpResponse:
    """The plan that is saved: counts, what stops it, some of its values, and the button that sends exactly this."""
    return _show(request, plans.open_plan())


def _show(
    request: MemberRequest, shown: SendPlan | None, stale: Stale | None = None, status: int = 200, *, without_orders: bool = False
) -> HttpResponse:
    if shown is None:
        return show(request, "backoffice/plan.html", {"title": _("Plan"), "plan": None})
    context = plan_context(request, shown, without_orders=without_orders)
    title = _("Plan {number}").format(number=shown.pk)
    step = own_address(request.POST.get("back", ""))
    return show(request, "backoffice/plan.html", {"title": title, **context, "stale": stale, "step_url": step}, status=status)


def plan_context(request: MemberRequest, shown: SendPlan, *, without_orders: bool = False) -> dict[str, object]:
    """What ``parts/plan_body.html`` shows of a plan."""
    rows = _rows(shown)
    return {
        "plan": shown,
        "said": plan_words.words_of(shown),
        "rows": rows,
        "proposal": proposals.decode(shown.proposal),
        "held": [row for row in rows if row.counts.held],
        "without_orders": without_orders or any(row.counts.without_orders for row in rows),
        "undoing": plans.undoing(shown),
        "values": sum(row.counts.quantities + row.counts.prices for row in rows),
        "may_send": _may(request, shown),
    }


def _rows(shown: SendPlan) -> list[PlanRow]:
    parts, channels = plans.parts_of(shown), Channel.objects.in_bulk()
    chosen = {pk: (_gravest(part.quantities), _gravest(part.prices)) for pk, part in parts.items()}
    ids = [int(offer) for both in chosen.values() for items in both for offer in items.offer]
    skus = dict(Offer.objects.filter(pk__in=ids).values_list("pk", "sku"))
    found = []
    for counts in plans.counts_of(shown):
        if counts.channel_id in channels:
            quantities, prices = chosen.get(counts.channel_id, (plan_items.NO_ITEMS, plan_items.NO_ITEMS))
            examples = [*_examples(quantities, skus, 1), *_examples(prices, skus, plan_items.PARTS_OF_A_UNIT)]
            found.append(PlanRow(channels[counts.channel_id], counts, examples))
    return found


def _gravest(items: Items) -> Items:
    """Some values: those that go to zero first, then the largest falls."""
    order = (items.after - items.before).argsort(kind="stable")[:EXAMPLES]
    return Items(items.offer[order], items.before[order], items.after[order])


def _examples(items: Items, skus: dict[int, str], unit: int) -> list[Example]:
    def words(value: int) -> str:
        return "?" if value == NOT_SET else str(value) if unit == 1 else f"{value / unit:.2f}"

    rows = zip(items.offer.tolist(), items.before.tolist(), items.after.tolist(), strict=True)
    return [Example(skus.get(offer, "–"), words(before), words(after)) for offer, before, after in rows]


def _may(request: MemberRequest, shown: SendPlan) -> bool:
    """Who may change places may send a plan of nothing else; all others are for those who may send."""
    only_places = proposals.decode(shown.proposal).only_places
    return can(request.membership, Permission.EDIT_STOCK if only_places else Permission.SEND)


def _found(request: MemberRequest, pk: int) -> SendPlan:
    found = get_object_or_404(SendPlan, pk=pk)
    if not _may(request, found):
        raise PermissionDenied("the plan changes more than places")
    return found


@require_POST
@screen(Permission.EDIT_STOCK)
def apply_plan(request: MemberRequest, pk: int) -> HttpResponse:
    """Send exactly the plan that was looked at. One that says something else by now is refused, and the new one shown instead."""
    _found(request, pk)
    how = {name: bool(request.POST.get(name)) for name in ("sure", "lower_is_fine", "without_orders")}
    try:
        done = plans.apply(request.organisation.pk, pk, request.POST.get("fingerprint", ""), request.user.actor, **how)
    except Stale as stale:
        return _show_anew(request, pk, stale)
    except Held:
        messages.error(request, _("This plan goes beyond the limits. If it is meant, tick that you have seen it."))
        return _show(request, plans.open_plan(), status=409)
    except Unwatched:
        messages.error(request, _("No orders of the account are taken. If stock shall be sent all the same, tick that it is meant."))
        return _show(request, plans.open_plan(), status=409, without_orders=True)
    except REFUSALS as error:
        messages.error(request, told(error))
        return redirect("backoffice:sending")
    task = done.tasks.order_by("pk").first()
    if step := own_address(request.POST.get("back", "")):
        return redirect(step)
    return redirect("backoffice:send_task", task.pk) if task else redirect("backoffice:sending")


def _show_anew(request: MemberRequest, pk: int, stale: Stale) -> HttpResponse:
    old = SendPlan.objects.get(pk=pk)
    try:
        fresh = plans.save(request.organisation.pk, proposals.decode(old.proposal), request.user.actor, undoes=old.undoes_id)
    except REFUSALS as error:
        messages.error(request, told(error))
        return redirect("backoffice:sending")
    return _show(request, fresh, stale, status=409)


@require_POST
@screen(Permission.EDIT_STOCK)
def discard_plan(request: MemberRequest, pk: int) -> HttpResponse:
    """The plan is not wanted."""
    _found(request, pk)
    plans.discard(request.organisation.pk, pk, request.user.actor)
    messages.success(request, _("Discarded. What was in force stays in force."))
    return back(request, "backoffice:sending")


@screen(Permission.SEND)
def undo_send(request: MemberRequest) -> HttpResponse:
    """GET offers what can be taken back: the last plan, and stock runs since; POST makes the plan that does."""
    if request.method != "POST":
        last = plans.last_applied()
        since = clock.now() - plans.LOOK_BACK
        runs = taking_back.runs_since(request.organisation.pk, since)
        context = {"title": _("Undo"), "last": last, "runs": runs, "counts": plans.counts_of(last) if last else []}
        return show(request, "backoffice/undo.html", context)
    reference = request.POST.get("run", "")
    try:
        if reference:
            plans.take_back_run(request.organisation.pk, reference, request.user.actor)
        else:
            plans.undo(request.organisation.pk, request.user.actor)
    except REFUSALS as error:
        messages.error(request, told(error))
        return redirect("backoffice:undo_send")
    return redirect("backoffice:plan")
