"""The sending table: what will be sent where, by product and channel; its columns, and sending what was chosen."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import sending_rows
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, back, screen, show
from stallkeeper.backoffice.sending_buffers import BufferForm
from stallkeeper.backoffice.sending_settings import setting_rows
from stallkeeper.channels import plans, send_tasks, switches
from stallkeeper.channels.models import Channel, SendingColumns, SendPlan, SendTask
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case

KEYS = ("sku",)


@screen(Permission.VIEW_STOCK)
def sending(request: MemberRequest) -> HttpResponse:
    """The table, 50 products to a page, with the plan that is saved beside what is in force."""
    channels, hidden, plan = list(switches.states()), sending_rows.hidden_columns(request.user.pk), plans.open_plan()
    columns = sending_rows.columns(channels, hidden)
    fitting = sending_rows.units_with(request.GET, [column.channel.pk for column in columns], plan)
    found = page(fitting.units, KEYS, request.GET.get("after", ""), request.GET.get("before", ""), total=fitting.total)
    context = {
        "title": _("Sending"),
        "export_list": "sending",
        "page": found,
        "rows": sending_rows.rows(request.organisation.pk, found.rows, columns, plan),
        "columns": columns,
        "every": [(channel, channel.pk not in hidden) for channel in channels if channel.active],
        "states": sending_rows.STATES.items(),
        "filters": request.GET,
        "filtered": any(request.GET.get(name) for name in ("channel", "state", "q")),
        "plan": plan,
        **_planned(plan, hidden),
        "settings": setting_rows(channels),
        "organisation": request.organisation,
        "under_way": SendTask.objects.filter(ended_at=None).count(),
        **{"may_edit": can(request.membership, Permission.EDIT_RULES), "may_import": can(request.membership, Permission.EDIT_CATALOGUE)},
        "may_send": can(request.membership, Permission.SEND),
    }
    return show(request, "backoffice/sending.html", context)


def _planned(plan: SendPlan | None, hidden: set[int]) -> dict[str, object]:
    """The form for all buffers; the figures of the saved plan, and channels that it changes and this person does not see (S3.25)."""
    counts = plans.counts_of(plan) if plan else []
    unseen = [each.code for each in counts if each.channel_id in hidden and each.quantities + each.prices]
    return {"buffer_form": BufferForm(auto_id="id_all_%s"), "counts": counts, "unseen": unseen}


@require_POST
@screen(Permission.VIEW_STOCK)
def sending_columns(request: MemberRequest) -> HttpResponse:
    """Which channels this person sees from now on (S3.25)."""
    wanted = {int(pk) for pk in request.POST.getlist("shown") if pk.isdecimal()}
    hidden = [pk for pk in Channel.objects.order_by("pk").values_list("pk", flat=True) if pk not in wanted]
    with use_case("show.columns", organisation_id=request.organisation.pk, actor=request.user.actor):
        SendingColumns.objects.update_or_create(organisation=request.organisation, user=request.user, defaults={"hidden": hidden})
    return redirect("backoffice:sending")


@require_POST
@screen(Permission.SEND)
def send_stock(request: MemberRequest) -> HttpResponse:
    """Send the stock of the chosen products on the channels that are shown, or of all products on all channels, whatever is filtered or
    hidden (S3.37)."""
    active = list(Channel.objects.filter(active=True).order_by("pk").values_list("pk", flat=True))
    units = [int(pk) for pk in request.POST.getlist("unit") if pk.isdecimal()]
    everything = bool(request.POST.get("everything"))
    if not units and not everything:
        messages.error(request, _("Choose at least one product."))
        return back(request, "backoffice:sending")
    hidden = sending_rows.hidden_columns(request.user.pk)
    shown = [pk for pk in active if pk not in hidden]
    task = _sent(request, None if everything else sending_rows.offers_of(units, shown), active)
    values = sum(each.wanted for each in send_tasks.progress(task))
    if silent := [channel.code for channel in switches.states() if channel.active and not send_tasks.goes_out(channel)]:
        messages.warning(request, _("Not sent, because a switch is off: {channels}.").format(channels=", ".join(silent)))
    note = ngettext("{count} value is on its way, or in step already.", "{count} values are on their way, or in step already.", values)
    messages.success(request, note.format(count=values))
    return redirect("backoffice:send_task", task.pk)


@again_on_conflict
def _sent(request: MemberRequest, offers: list[int] | None, channels: list[int]) -> SendTask:
    with use_case("send.stock", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return send_tasks.send_channels(uc, channels) if offers is None else send_tasks.send_chosen(uc, offers)
