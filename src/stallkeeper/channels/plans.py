"""Plans of what is sent: made, looked at, applied by their fingerprint, taken back (D3, S3.34, S3.35; ADR 0054, 0055).

A plan holds the proposal; nothing of it is in force before it is applied. Applying works it out once more under the locks of everything
that it rests on, and refuses if it says something else by now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from django.db import connection

from stallkeeper.channels import (
    breaker,
    inheritance,
    overrides,
    plan_items,
    plan_queries,
    plan_stale,
    plan_work,
    proposals,
    rules,
    send_tasks,
    switches,
    velocity,
)
from stallkeeper.channels.models import Channel, SendPlan, SendPlanPart
from stallkeeper.channels.plan_items import ABSENT, NO_ITEMS, Counts, Part
from stallkeeper.channels.plan_stale import NotOpen, PlanError
from stallkeeper.channels.plan_work import Worked
from stallkeeper.channels.proposals import ChannelChange, PlaceChange, Proposal
from stallkeeper.core import audit, clock
from stallkeeper.core.retry import again_if_taken, again_on_conflict
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.stock import places, taking_back
from stallkit.words import joined
from stallkit.words import said as _

LOOK_BACK = timedelta(days=7)
"""Stock runs so old are not offered to be taken back."""
KEEP = 20
"""Plans that were applied keep their items while they are among so many of the latest."""


class Held(PlanError):
    """The plan goes beyond the limits of channels, and nobody has confirmed that. ``held``: what would happen, by channel code."""

    def __init__(self, held: Mapping[str, Sequence[str]]) -> None:
        self.held = dict(held)
        words = joined([_("{code}: {why}", code=code, why=joined(texts, ", ")) for code, texts in self.held.items()], "; ")
        super().__init__(_("The plan is stopped by the limits: {words}. Nothing was changed. If it is meant, confirm it.", words=words))


# --- making -------------------------------------------------------------------------------------------------------------------------------


def look(organisation_id: int, proposal: Proposal, at: datetime) -> Worked:
    """What the proposal would do at this moment; nothing is kept. In the scope of the organisation."""
    return plan_work.work_out(organisation_id, proposal, at)


@again_if_taken("send_plan_open_once")
def save(organisation_id: int, proposal: Proposal, actor: str, *, undoes: int | None = None) -> SendPlan:
    """Work a proposal out and keep it as the organisation's open plan, in place of the one before. Nothing leaves, nothing is in force.

    Who saves at the same moment replaces the other's: the plan that was saved last is open.
    RuleError, SwitchError, ProposalError if it cannot be.
    """
    with use_case("plan.save", organisation_id=organisation_id, actor=actor) as uc:
        _may_turn(organisation_id, proposal)
        worked = look(organisation_id, proposal, uc.at)
        SendPlan.objects.filter(state=SendPlan.State.OPEN).update(state=SendPlan.State.REPLACED)
        return _keep(uc, worked, undoes_id=undoes)


def propose(organisation_id: int, proposal: Proposal, actor: str) -> SendPlan:
    """Save it as a plan to be looked at; where nothing would be sent otherwise than now, put it in force at once. ``state`` says which."""
    if look(organisation_id, proposal, clock.now()).idle and (done := at_once(organisation_id, proposal, actor, only_if_idle=True)):
        return done
    return save(organisation_id, proposal, actor)


def _keep(uc: UseCase, worked: Worked, **more: object) -> SendPlan:
    plan = SendPlan.objects.create(
        organisation_id=uc.organisation_id,
        proposal=proposals.encode(worked.proposal),
        base=worked.base,
        counts=[msgspec.to_builtins(counts) for counts in worked.counts],
        fingerprint=worked.fingerprint,
        made_at=uc.at,
        made_by=uc.actor,
        **more,
    )
    _keep_parts(plan, worked.parts)
    _forget_parts(plan)
    audit.record(uc, "plan.save", "plan", plan.pk, fingerprint=plan.fingerprint, **_sums(worked.counts))
    return plan


def _may_turn(organisation_id: int, proposal: Proposal) -> None:
    """What a switch asks for first is said when the plan is made, not when it is applied."""
    channels = plan_work.channels_of(proposal)
    if proposal.sending:
        switches.may_allow(organisation_id)
    off = [pk for pk, change in proposal.channels.items() if False in (change.switches.get("prices"), change.switches.get("active"))]
    for pk, change in proposal.channels.items():
        if pk in channels:
            switches.may_turn(channels[pk], [name for name, on in change.switches.items() if on], off)


def _keep_parts(plan: SendPlan, parts: Mapping[int, Part]) -> None:
    SendPlanPart.objects.bulk_create(
        SendPlanPart(
            organisation_id=plan.organisation_id,
            plan=plan,
            channel_id=channel,
            quantities=plan_items.pack(part.quantities),
            prices=plan_items.pack(part.prices),
        )
        for channel, part in sorted(parts.items())
    )


def _forget_parts(plan: SendPlan) -> None:
    """The items of plans that were never applied, and of those that lie far back, go; their counts stay."""
    latest = list(SendPlan.objects.filter(state=SendPlan.State.APPLIED).order_by("-pk").values_list("pk", flat=True)[:KEEP])
    SendPlanPart.objects.exclude(plan_id__in=[*latest, plan.pk]).exclude(plan__state=SendPlan.State.OPEN).delete()


def _sums(counts: Sequence[Counts]) -> dict[str, int]:
    return {name: sum(getattr(each, name) for each in counts) for name in ("quantities", "prices", "to_zero", "unknown")}


def open_plan() -> SendPlan | None:
    """The plan that is saved and not applied, if there is one."""
    return SendPlan.objects.filter(state=SendPlan.State.OPEN).first()


def counts_of(plan: SendPlan) -> list[Counts]:
    """Its figures, channel by channel."""
    return msgspec.convert(plan.counts, list[Counts])


def parts_of(plan: SendPlan) -> dict[int, Part]:
    """Its items, by channel."""
    rows = SendPlanPart.objects.filter(plan=plan).order_by("channel_id")
    return {row.channel_id: Part(plan_items.unpack(bytes(row.quantities)), plan_items.unpack(bytes(row.prices))) for row in rows}


def discard(organisation_id: int, plan_id: int, actor: str) -> bool:
    """An open plan is not wanted; True if it was open."""
    with use_case("plan.discard", organisation_id=organisation_id, actor=actor) as uc:
        gone = SendPlan.objects.filter(pk=plan_id, state=SendPlan.State.OPEN).update(state=SendPlan.State.DISCARDED) > 0
        SendPlanPart.objects.filter(plan_id=plan_id, plan__state=SendPlan.State.DISCARDED).delete()
        if gone:
            audit.record(uc, "plan.discard", "plan", plan_id)
    return gone


# --- applying -----------------------------------------------------------------------------------------------------------------------------


@again_on_conflict
def apply(
    organisation_id: int,
    plan_id: int,
    fingerprint: str,
    actor: str,
    *,
    sure: bool = False,
    lower_is_fine: bool = False,
    without_orders: bool = False,
) -> SendPlan:
    """Put exactly this plan in force and have it sent. A plan that was applied already is left alone: a no-op.

    PlanError if it is not the plan that was looked at; Stale if it no longer says the same; Held if it goes beyond a channel's limits and
    ``sure`` does not confirm that; Unwatched if stock would go where no orders are read and ``without_orders`` does not say that it is
    meant. ``lower_is_fine``: sales may go on meanwhile, so a figure that is lower than the plan says, or a cut of which it says nothing, is
    no reason to refuse. Locks: the plan, accounts that it switches, its channels and the sub-channels of those whose rules it saves,
    the levels of a run taken back, its offers by id.
    """
    with use_case("plan.apply", organisation_id=organisation_id, actor=actor) as uc:
        plan = SendPlan.objects.select_for_update().filter(pk=plan_id).first()
        if plan is None or plan.fingerprint != fingerprint:
            raise PlanError(_("This is not the plan that you looked at. Open the sending table and look again."))
        if plan.state == SendPlan.State.APPLIED:
            return plan
        if plan.state != SendPlan.State.OPEN:
            raise NotOpen(_("This plan was replaced or discarded. Open the sending table and look at the newest one."))
        worked = _work_out_locked(uc, proposals.decode(plan.proposal))
        plan_stale.still_says(said(plan), worked, lower_is_fine=lower_is_fine)
        _put_in_force(uc, worked, sure=sure, without_orders=without_orders)
        plan.state, plan.applied_at, plan.applied_by, plan.before = SendPlan.State.APPLIED, uc.at, actor, worked.base
        plan.save(update_fields=["state", "applied_at", "applied_by", "before"])
        _record(uc, plan, worked)
        send_tasks.begin_plan(uc, plan, _sent(worked))
    return plan


@again_on_conflict
def at_once(
    organisation_id: int,
    proposal: Proposal,
    actor: str,
    *,
    looked: Worked | None = None,
    sure: bool = False,
    lower_is_fine: bool = False,
    without_orders: bool = False,
    only_if_idle: bool = False,
) -> SendPlan | None:
    """Make a plan and apply it in one step: for a command that has shown what ``look`` said (``looked``), or that asks nobody. The plan
    that is open stays open.

    Stale if it no longer says what was looked at, Held and Unwatched as from ``apply``; None if something would be sent and it was wanted
    ``only_if_idle``. What changes no figure meets no limits, and is no send. Locks as ``apply``.
    """
    with use_case("plan.at_once", organisation_id=organisation_id, actor=actor) as uc:
        _may_turn(organisation_id, proposal)
        worked = _work_out_locked(uc, proposal)
        if only_if_idle and not worked.idle:
            return None
        worked = worked.unlimited() if worked.idle else worked
        if looked is not None:
            plan_stale.still_says(looked, worked, lower_is_fine=lower_is_fine)
        _put_in_force(uc, worked, sure=sure, without_orders=without_orders)
        plan = _keep(uc, worked, state=SendPlan.State.APPLIED, applied_at=uc.at, applied_by=actor, before=worked.base)
        _record(uc, plan, worked)
        if not worked.idle:
            send_tasks.begin_plan(uc, plan, _sent(worked))
    return plan


def _record(uc: UseCase, plan: SendPlan, worked: Worked) -> None:
    audit.record(uc, "plan.apply", "plan", plan.pk, fingerprint=plan.fingerprint, confirmed=sorted(worked.held), **_sums(worked.counts))


def _work_out_locked(uc: UseCase, proposal: Proposal) -> Worked:
    """The plan of this moment, which stays true until the commit: sales, channels, levels, offers are locked in the order of the house."""
    proposal = inheritance.expanded(proposal)
    for change in proposal.channels.values():
        velocity.hold_sales(uc, [change.rules, *(each.rules for each in change.own)])
    channels = plan_work.channels_of(proposal)
    turned = [pk for pk, change in proposal.channels.items() if change.switches.get("prices") or change.switches.get("active")]
    switches.hold_accounts(turned, proposal.writes)
    places.hold(any(change.allows_backorder is not None for change in proposal.places.values()))
    # A sub-channel that says all of it itself is not among them, but whoever saves its main channel's rules locks it.
    held = rules.hold_channels(channels, [pk for pk, change in proposal.channels.items() if change.saves_rules])
    if proposal.take_back:
        taking_back.hold(uc, proposal.take_back)
    with connection.cursor() as cursor:
        plan_queries.lock_offers(cursor, [pk for pk in held if pk in channels])
    return plan_work.work_out(uc.organisation_id, proposal, uc.at)


def said(plan: SendPlan) -> Worked:
    """What the plan said when it was made."""
    return Worked(proposals.decode(plan.proposal), plan.base, parts_of(plan), tuple(counts_of(plan)), plan.fingerprint, plan_items.NOTHING)


def _put_in_force(uc: UseCase, worked: Worked, *, sure: bool, without_orders: bool) -> None:
    """By the use cases that people use one by one; each works the offers out anew. Held if it goes beyond limits and nobody is ``sure``,
    Unwatched if stock would go where no orders are read and nobody means that."""
    if worked.held and not sure:
        raise Held({counts.code: counts.held for counts in worked.counts if counts.held})
    proposal = worked.proposal
    if proposal.take_back:
        taking_back.take_back(uc, proposal.take_back)
    for pk, change in sorted(proposal.channels.items()):
        if change.saves_rules:
            rules.save(uc, pk, locations=change.locations, follow=change.follow, **change.rules)
        if change.own:
            overrides.say(uc, pk, change.own)
    for pk, other in sorted(proposal.places.items()):
        places.change(uc, pk, other.fields())
    _turn(uc, proposal, without_orders=without_orders)
    for counts in worked.counts:
        if counts.held:
            breaker.let_pass(uc, counts.channel_id, worked.fingerprint)
        elif counts.channel_id in proposal.channels or (proposal.places and len(worked.parts[counts.channel_id])):
            breaker.look_again(uc, counts.channel_id)
    uc.mark("wake_connection", Channel.objects.filter(pk__in=worked.parts).values_list("connection_id", flat=True))
    _is_written(worked)


def _turn(uc: UseCase, proposal: Proposal, *, without_orders: bool) -> None:
    """The switches, off before on."""
    for pk, change in sorted(proposal.channels.items(), key=lambda each: (any(each[1].switches.values()), each[0])):
        if change.switches:
            switches.set_channel(uc, pk, without_orders=without_orders, **change.switches)
    for pk, allowed in sorted(proposal.writes.items()):
        switches.set_writes(uc, pk, allowed)
    if proposal.sending is not None:
        switches.set_company(uc, proposal.sending)


def _is_written(worked: Worked) -> None:
    """What stands in the offers now is what the plan says, to the unit; PlanError if not.

    A run taken back, and what a place gives or takes, is written with the commit, or by the job right after it. Of a unit whose channels
    share what there is, each channel was saved with the others as they were before: these are split again after the commit, and the gate
    lets no more out than there is.
    """
    if worked.proposal.take_back or worked.proposal.places:
        return
    offers = plan_queries.read_offers(sorted(worked.parts))
    for channel, part in worked.parts.items():
        mine = offers["channel"] == channel
        rows = np.searchsorted(offers["id"][mine], part.quantities.offer)
        alone = ~np.isin(offers["unit"][mine][rows], worked.shared)
        other = int((alone & (offers["intended"][mine][rows] != part.quantities.after)).sum())
        if other:
            raise PlanError(
                _("{other} offers moved while the plan was applied. Nothing was changed. Make it anew and look again.", other=other)
            )


def _sent(worked: Worked) -> dict[int, Part]:
    """Of the items those that go out: a channel that sends nothing is not waited for."""
    return {
        counts.channel_id: Part(
            worked.parts[counts.channel_id].quantities if counts.sends else NO_ITEMS,
            worked.parts[counts.channel_id].prices if counts.sends_prices else NO_ITEMS,
        )
        for counts in worked.counts
    }


# --- undoing ------------------------------------------------------------------------------------------------------------------------------


def last_applied() -> SendPlan | None:
    """The newest plan that was applied, is not itself an undoing, and was not undone."""
    undone = SendPlan.objects.filter(state=SendPlan.State.APPLIED, undoes__isnull=False).values("undoes_id")
    return SendPlan.objects.filter(state=SendPlan.State.APPLIED, undoes=None).exclude(pk__in=undone).order_by("-pk").first()


def reverse_of(plan: SendPlan) -> Proposal:
    """The proposal that puts back every rule and switch that the plan turned, as they were before it (ADR 0055)."""
    proposal = proposals.decode(plan.proposal)
    before = plan.before or {}
    channels = {pk: _put_back(change, before["channels"][str(pk)]) for pk, change in proposal.channels.items() if change}
    return Proposal(
        sending=None if proposal.sending is None else bool(before["sending"]),
        channels=channels,
        places=msgspec.convert(before.get("places", {}), dict[int, PlaceChange], str_keys=True),
        writes=msgspec.convert(before.get("accounts", {}), dict[int, bool], str_keys=True),
    )


def _put_back(change: ChannelChange, before: Mapping[str, Mapping[str, Any]]) -> ChannelChange:
    was, switched = before["rules"], before["switches"]
    said = inheritance.names_of(change)
    value: dict[str, object] = {
        "rules": {name: was[name] for name in change.rules},
        "switches": {name: switched[name] for name in change.switches},
    }
    if change.locations is not None:
        value["locations"] = was["locations"]
    if "main" in before:
        value["follow"] = sorted(said - set(before["main"]["own"]))
    return msgspec.convert(value | {"own": before.get("own", [])}, ChannelChange)


def undo(organisation_id: int, actor: str) -> SendPlan:
    """Make the plan that restores what was before the last applied plan: counts, fingerprint and limits as of any other. PlanError if
    there is none."""
    plan = last_applied()
    if plan is None:
        raise PlanError(_("No plan was applied that could be undone."))
    return save(organisation_id, reverse_of(plan), actor, undoes=plan.pk)


def take_back_run(organisation_id: int, reference: str, actor: str) -> SendPlan:
    """Make the plan that takes a stock run back by counter-movements. PlanError if it changed nothing, or was taken back already."""
    if not taking_back.differences(organisation_id, [reference]):
        raise PlanError(_("The run {reference!r} changed no stock, or was taken back already.", reference=reference))
    return save(organisation_id, Proposal(take_back=[reference]), actor)


@dataclass(frozen=True, slots=True)
class Undoing:
    """What an undoing would leave as it is: offers that the plan changed and that would not show what they showed before it."""

    back: int
    other: int
    left: int
    """On channels that send no more once it is undone: they keep what was sent."""


def undoing(plan: SendPlan) -> Undoing | None:
    """How far a plan that undoes another one restores what was shown; None if it undoes none, or the items of that one are gone."""
    undone = plan.undoes
    if undone is None:
        return None
    shown, restored = parts_of(undone), parts_of(plan)
    if not shown:
        return None
    sends = {counts.channel_id: counts.sends for counts in counts_of(plan)}
    back = other = left = 0
    for channel, part in shown.items():
        if not sends.get(channel, False):
            left += len(part.quantities)
            continue
        found = plan_items.moved(part.quantities, restored.get(channel, Part(NO_ITEMS, NO_ITEMS)).quantities)
        changed = (found.then_after != ABSENT) & (found.then_after != found.then_before)
        same = int((changed & (found.now_after == found.then_before)).sum())
        back, other = back + same, other + len(part.quantities) - same
    return Undoing(back, other, left)
