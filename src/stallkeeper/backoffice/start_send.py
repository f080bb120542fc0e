"""The first run: places and rules, the open orders, the plan, and the first send, which a person makes by hand (S3.41)."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from stallkeeper.backoffice import start_sends
from stallkeeper.backoffice.channels import take_orders
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.places import PlaceForm, create_place
from stallkeeper.backoffice.rule_forms import RulesForm
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, wants_fragment
from stallkeeper.backoffice.send_tasks import shown_task
from stallkeeper.backoffice.sending_plan import REFUSALS, plan_context, proposed, saved
from stallkeeper.backoffice.start import go_past
from stallkeeper.backoffice.start_frame import address, chosen, frame, framed, onward
from stallkeeper.backoffice.start_sends import Sending, sending_of
from stallkeeper.backoffice.start_state import Facts
from stallkeeper.backoffice.words import told
from stallkeeper.channels import connect, proposals, rules, switches
from stallkeeper.channels.models import Channel, ChannelLocation
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.stock.models import Location, LocationOwner

FIRST_RULES = ("buffer", "zero_at", "max_publish", "share")


class FirstRulesForm(LookMixin, forms.Form):
    """The rules that most sellers set at once; all others are on the channel's own page."""

    locations: forms.ModelMultipleChoiceField[Location] = forms.ModelMultipleChoiceField(
        None, label=RulesForm.base_fields["locations"].label, widget=forms.CheckboxSelectMultiple, required=False
    )
    buffer, zero_at, max_publish, share = (RulesForm.base_fields[name] for name in FIRST_RULES)

    def __init__(self, channel: Channel, data: object = None) -> None:
        places = list(ChannelLocation.objects.filter(channel=channel).values_list("location_id", flat=True))
        super().__init__(data, initial={name: getattr(channel, name) for name in FIRST_RULES} | {"locations": places})
        locations = self.fields["locations"]
        assert isinstance(locations, forms.ModelMultipleChoiceField)
        locations.queryset = Location.objects.filter(active=True).exclude(owner=LocationOwner.VIRTUAL).order_by("priority", "pk")

    def change(self, now: Channel) -> ChannelChange:
        """What differs from what is in force."""
        held, wanted = rules.snapshot(now), {name: rules.plain(self.cleaned_data[name]) for name in FIRST_RULES}
        places = sorted(place.pk for place in self.cleaned_data["locations"])
        changed = {name: value for name, value in wanted.items() if value != held[name]}
        return proposals.change_of(changed, {}, None if places == held["locations"] else places)


@screen(Permission.VIEW_STOCK, changing=Permission.EDIT_RULES)
def ruled(request: MemberRequest) -> HttpResponse:
    """Which places count for the channel, and how much of their stock it shows."""
    channel = chosen(request)[0]
    if channel is None:
        return redirect(address("stall"))
    adding = "add_place" in request.POST
    form = FirstRulesForm(channel, None if adding else request.POST or None)
    place_form = PlaceForm(request.POST if adding else None, auto_id="id_place_%s")
    if request.method == "POST" and (answer := _add_place(request, place_form, channel) if adding else _rule(request, form, channel)):
        return answer
    context = {"form": form, "place_form": place_form, "may_add": can(request.membership, Permission.EDIT_STOCK)}
    return framed(request, "rules", context, 422 if form.errors or place_form.errors else 200)


def _add_place(request: MemberRequest, form: PlaceForm, channel: Channel) -> HttpResponse | None:
    if can(request.membership, Permission.EDIT_STOCK) and form.is_valid() and create_place(request, form):
        return redirect(address("rules", channel))
    return None


def _rule(request: MemberRequest, form: FirstRulesForm, channel: Channel) -> HttpResponse | None:
    """Saved; to the plan first, where the channel sends already. None if the rules cannot be, which the form then says."""
    if not form.is_valid():
        return None
    change = form.change(channel)
    try:
        saved_here = not change or _saved_unsent(request, channel.pk, change)
        answer = None if saved_here else proposed(request, Proposal(channels={channel.pk: change}), address("orders", channel))
    except REFUSALS as error:
        form.add_error(None, told(error))
        return None
    go_past(request, "rules")
    return answer or onward(request, "rules")


@again_on_conflict
def _saved_unsent(request: MemberRequest, channel_id: int, change: ChannelChange) -> bool:
    """Save rules of a channel of which nothing is sent: the plan of its first send shows what comes of them. False if something is."""
    with use_case("save.rules", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        channel = switches.states().select_for_update(of=("self",)).get(pk=channel_id)
        sends = any(proposals.sends(channel, channel.organisation.sending_enabled, kind) for kind in ("stock", "prices"))
        if sends or channel.parent_id or channel.sub_channels.exists():
            return False
        rules.save(uc, channel_id, locations=change.locations, follow=(), **change.rules)
    return True


@screen(Permission.VIEW_STOCK, changing=Permission.SEND)
def orders(request: MemberRequest) -> HttpResponse:
    """The question about orders that are open already, and taking orders from then on."""
    channel = chosen(request)[0]
    if channel is None:
        return redirect(address("stall"))
    if request.method == "POST":
        take_orders(request, channel, request.POST.get("answer", ""))
        start_sends.read_soon(channel)
        return redirect(address("orders", channel))
    context = {"quirks": connect.manifest(channel.connection.platform).quirks, "cutover_open": channel.cutover == Channel.Cutover.UNASKED}
    return framed(request, "orders", context)


@screen(Permission.VIEW_STOCK, changing=Permission.SEND)
def first_send(request: MemberRequest) -> HttpResponse:
    """POST works out the plan that lets the channel's stock out. GET shows it with its counts, then the send until it is read back."""
    channel = chosen(request)[0]
    if channel is None:
        return redirect(address("stall"))
    if request.method == "POST":
        _work_out(request, channel)
        start_sends.read_soon(channel)
        return redirect(address("send", channel))
    if wants_fragment(request):
        return _send_on(request, sending_of(channel))
    around = frame(request, "send")
    facts = around["facts"]
    assert isinstance(facts, Facts)
    task = facts.sending.task
    shown = shown_task(task) if task else {}
    planned = plan_context(request, facts.sending.plan) if facts.sending.plan and not task else {}
    unread = start_sends.unread(facts.sending.plan) if planned else 0
    return framed(request, "send", {**around, **shown, **planned, "unread": unread, "step_url": address("send", channel)})


def _send_on(request: MemberRequest, sending: Sending) -> HttpResponse:
    """How far the send is; the whole page once it is read back, or where there is none."""
    if sending.done or sending.task is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return fragment(request, "backoffice/parts/send_progress.html", shown_task(sending.task))


def _work_out(request: MemberRequest, channel: Channel) -> None:
    """The plan of all that still keeps the channel's stock here; why not, where it cannot be yet."""
    try:
        saved(request, start_sends.missing(channel))
    except REFUSALS as error:
        messages.error(request, told(error))
