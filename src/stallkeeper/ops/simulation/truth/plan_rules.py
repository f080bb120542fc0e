"""Invariant 21: a plan that is sent does what it said when it was looked at, once; undoing it puts back what it replaced."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stallkeeper.ops.simulation.truth.asking import ask
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.events import PlanSent, PlanShown
from stallkeeper.ops.simulation.truth.rows import Channel, Offer
from stallkeeper.ops.simulation.truth.shop import Shop

PLANS = "SELECT id, state, undoes_id, proposal::text FROM channels_sendplan WHERE organisation_id = %(organisation)s ORDER BY id"
TASKS = "SELECT id, plan_id, ended_at IS NULL FROM channels_sendtask WHERE organisation_id = %(organisation)s ORDER BY id"


class Plan(NamedTuple):
    """A plan in the table."""

    id: int
    state: str
    undoes: int | None
    proposal: str

    @property
    def channels(self) -> dict[int, dict[str, Any]]:
        """What it changes, by channel."""
        return {int(number): change for number, change in json.loads(self.proposal).get("channels", {}).items()}


@dataclass
class Plans:
    """All plans, followed from commit to commit."""

    shown: dict[int, PlanShown] = field(default_factory=dict)
    sent: dict[int, list[PlanSent]] = field(default_factory=lambda: defaultdict(list))
    known: dict[int, Plan] = field(default_factory=dict)
    replaced: dict[int, Mapping[int, Channel]] = field(default_factory=dict)
    """By plan that was applied: the channels as they were before it."""
    applied: Counter[int] = field(default_factory=Counter)

    def told(self, event: PlanShown | PlanSent) -> None:
        match event:
            case PlanShown():
                self.shown[event.plan_id] = event
            case PlanSent():
                self.sent[event.plan_id].append(event)

    def check(self, shop: Shop, shared: Set[int], *, several: bool) -> Iterator[Breach]:
        """``shared``: offers of units whose channels share what there is: they are split after the commit. ``several``: more than one
        commit since the last look, so nobody can tell what a plan found."""
        if not self.shown:
            return
        plans = [Plan(*row) for row in ask(PLANS, organisation=shop.organisation_id)]
        for entry in shop.now.audit:
            if entry.action == "plan.apply":
                self.applied[int(entry.subject_id)] += 1
        for plan in plans:
            was = self.known.get(plan.id)
            if was is not None and was.state not in {"open", plan.state}:
                yield Breach("21", f"plan {plan.id} was {was.state} and is {plan.state}")
            if self.applied[plan.id] != (plan.state == "applied"):
                yield Breach("21", f"plan {plan.id} is {plan.state}, and was applied {self.applied[plan.id]} times")
            if plan.state == "applied" and (was is None or was.state != "applied"):
                yield from self._applied(shop, plan, shared, several=several)
        self.known = {plan.id: plan for plan in plans}

    def when_quiet(self, shop: Shop) -> Iterator[Breach]:
        """Each plan was sent by one task, and all that people follow has ended."""
        if not self.shown:
            return
        tasks = ask(TASKS, organisation=shop.organisation_id)
        sends = Counter(plan for _, plan, _ in tasks)
        for plan in self.known.values():
            if sends[plan.id] != (plan.state == "applied"):
                yield Breach("21", f"plan {plan.id} is {plan.state}, and has {sends[plan.id]} sends")
        for number, _, is_open in tasks:
            if is_open:
                yield Breach("21", f"send {number} has not ended, and nothing is on its way")

    def _applied(self, shop: Shop, plan: Plan, shared: Set[int], *, several: bool) -> Iterator[Breach]:
        shown = self.shown.get(plan.id)
        meant = [one for one in self.sent[plan.id] if shown is not None and one.fingerprint == shown.fingerprint]
        if shown is None or not meant:
            yield Breach("21", f"plan {plan.id} is in force, and nobody has sent what it said")
            return
        if shown.held and not any(one.sure for one in meant):
            yield Breach("21", f"plan {plan.id} goes beyond the limits, and nobody was sure of that")
        if several:
            return
        self.replaced[plan.id] = shop.channels_before
        lower = any(one.lower for one in meant)
        for offer_id, after in sorted(shown.items.items()):
            offer = shop.offers.get(offer_id)
            if offer is None or offer_id in shared or offer.intended == after:
                continue
            if not lower or not (_is_less(offer.intended, after) or _is_there(shop, offer)):
                yield Breach("21", f"{shop.offer(offer)} is meant to show {offer.intended}, plan {plan.id} said {after} and was sent")
        yield from self._is_put_back(shop, plan)

    def _is_put_back(self, shop: Shop, plan: Plan) -> Iterator[Breach]:
        """Every rule that the undone plan turned is what it was before it."""
        if plan.undoes is None or plan.undoes not in self.replaced:
            return
        for number, change in self.known[plan.undoes].channels.items():
            was, now = self.replaced[plan.undoes][number], shop.channels[number]
            for name in change.get("rules", {}).keys() & set(Channel.__struct_fields__):
                before, after = getattr(was, name), getattr(now, name)
                if before != after:
                    told = f"was {before} before plan {plan.undoes}, and is {after} after plan {plan.id} has undone it"
                    yield Breach("21", f"{name} of channel {number} {told}")


def _is_less(shown: int | None, said: int | None) -> bool:
    return shown is not None and said is not None and shown < said


def _is_there(shop: Shop, offer: Offer) -> bool:
    """Whether the channel showed the figure before the plan, or had refused it: others have changed it since somebody looked, and nothing
    of it goes out."""
    was = shop.offers_before.get(offer.id)
    return was is not None and was.intended == offer.intended and offer.intended in (was.believed, was.refused)
