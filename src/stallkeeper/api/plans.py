"""Plans: what other rules and switches would send where; made, applied by their fingerprint, undone (ADR 0054, 0055, 0064)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Router, Schema, Status
from pydantic import ConfigDict

from stallkeeper.api import keys, proposing
from stallkeeper.api.channels import REFUSED
from stallkeeper.api.keys import ProgramKey
from stallkeeper.api.problems import FieldProblem, Problem, ProblemError
from stallkeeper.api.proposing import PlanIn
from stallkeeper.channels import plans, proposals
from stallkeeper.channels.models import SendPlan
from stallkeeper.channels.plan_stale import NotOpen, PlanError, Stale
from stallkeeper.channels.plans import Held
from stallkeeper.channels.proposals import ProposalError
from stallkeeper.channels.rules import RuleError
from stallkeeper.channels.switches import SwitchError, Unwatched
from stallkeeper.core.models import ApiKey
from stallkeeper.core.people import Permission
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.stock.ledger import NotEnough
from stallkeeper.stock.places import PlaceError

router = Router(tags=["plans"], auth=ProgramKey())

REFUSALS = (PlanError, ProposalError, RuleError, SwitchError, PlaceError, NotEnough)
APPLIED = {**REFUSED, 409: Problem}
Fingerprint = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class CountsOut(Schema):
    """What a plan says of one channel. Quantities are ``rises`` + ``falls`` (``to_zero`` of them) + ``unknown``, which are read first.
    ``held``: what its limits stop. ``silent``: why nothing goes out all the same. ``deepest``, ``steepest``: prices, in per cent."""

    channel: str
    sends: bool
    sends_prices: bool
    offers: int
    rises: int
    falls: int
    to_zero: int
    unknown: int
    unknown_zero: int
    refused: int
    price_rises: int
    price_falls: int
    price_unknown: int
    deepest: str
    steepest: str
    held: list[str]
    without_orders: bool
    silent: list[str]


class PlanOut(Schema):
    """A plan. ``state``: open, applied, replaced, discarded. ``fingerprint`` names exactly this; ``undoes`` the plan that it takes back."""

    plan: int
    state: str
    fingerprint: str
    made_at: datetime
    made_by: str
    undoes: int | None = None
    channels: list[CountsOut]


class Made(PlanOut):
    """A plan that was made just now. ``replaced``: the plan that was open before, and makes room."""

    replaced: int | None = None


class Sent(PlanOut):
    """A plan that is in force. ``send``: the number under which people follow what becomes of it; None if nothing is sent."""

    send: int | None = None


class Meant(Schema):
    """What is fine: what goes beyond limits; figures that are lower by now, because sales go on; stock though no orders are taken."""

    model_config = ConfigDict(extra="forbid")
    sure: bool = False
    lower_is_fine: bool = False
    without_orders: bool = False


@router.post("/", response={201: Made, **REFUSED}, url_name="api_plans")
def make(request: HttpRequest, wanted: PlanIn) -> Status[Made]:
    """Work out what a proposal would send where, and keep it as the open plan. Nothing of it is in force. Empty: as things are."""
    key = keys.of(request, Permission.VIEW_STOCK)
    with organisation_scope(key.organisation_id), refused():
        proposal = proposing.proposal_of(wanted)
        keys.of(request, Permission.EDIT_STOCK if proposal.only_places else Permission.EDIT_RULES)
        before = plans.open_plan()
        made = plans.save(key.organisation_id, proposal, key.actor)
        return _made(made, before)


@router.post("/undo/", response={201: Made, **REFUSED}, url_name="api_undo")
def undo(request: HttpRequest) -> Status[Made]:
    """Make the plan that puts back what was in force before the plan that was applied last."""
    key = keys.of(request, Permission.SEND)
    with organisation_scope(key.organisation_id), refused():
        before = plans.open_plan()
        made = plans.undo(key.organisation_id, key.actor)
        return _made(made, before)


@router.get("/open/", response={200: PlanOut, **REFUSED}, url_name="api_open_plan")
def opened(request: HttpRequest) -> PlanOut:
    """The plan that is saved and not applied."""
    with organisation_scope(keys.of(request, Permission.VIEW_STOCK).organisation_id):
        found = plans.open_plan()
        if found is None:
            raise ProblemError(404, "not-found", "No plan is open.")
        return _told(found)


@router.get("/{fingerprint}/", response={200: PlanOut, **REFUSED}, url_name="api_plan")
def one(request: HttpRequest, fingerprint: Path[Fingerprint]) -> PlanOut:
    """The newest plan that says exactly this."""
    with organisation_scope(keys.of(request, Permission.VIEW_STOCK).organisation_id):
        return _told(_found(fingerprint))


@router.post("/{fingerprint}/apply/", response={200: Sent, **APPLIED}, url_name="api_apply_plan")
def apply(request: HttpRequest, fingerprint: Path[Fingerprint], meant: Meant) -> Sent:
    """Put exactly this plan in force and have it sent; a second time nothing happens.

    409 if it says something else by now, with what moved; 422 if limits stop it and nobody is ``sure``.
    """
    with organisation_scope(keys.of(request, Permission.VIEW_STOCK).organisation_id), refused():
        found = _found(fingerprint)
        key = _may(request, found)
        done = plans.apply(key.organisation_id, found.pk, fingerprint, key.actor, **meant.model_dump())
        return Sent(**_told(done).model_dump(), send=done.tasks.order_by("pk").values_list("pk", flat=True).first())


@router.delete("/{fingerprint}/", response={204: None, **APPLIED}, url_name="api_discard_plan")
def discard(request: HttpRequest, fingerprint: Path[Fingerprint]) -> HttpResponse:
    """The open plan is not wanted; 409 if it is not open any more."""
    with organisation_scope(keys.of(request, Permission.VIEW_STOCK).organisation_id):
        found = _found(fingerprint)
        key = _may(request, found)
        if not plans.discard(key.organisation_id, found.pk, key.actor):
            raise ProblemError(409, "not-open", f"This plan is {found.state}.")
    return HttpResponse(status=204)


@contextmanager
def refused() -> Iterator[None]:
    """What cannot be, as a problem: 409 stale, or not the open plan; 422 held by limits, without orders, or wrong."""
    try:
        yield
    except Stale as error:
        moved = [FieldProblem(field="settings", detail=str(words)) for words in error.settings]
        moved += [FieldProblem(field=f"{move.channel}.{move.sku}", detail=str(move)) for move in error.moves]
        raise ProblemError(409, "stale", str(error), moved) from error
    except NotOpen as error:
        raise ProblemError(409, "not-open", str(error)) from error
    except Held as error:
        beyond = [FieldProblem(field=code, detail=str(words)) for code, texts in error.held.items() for words in texts]
        raise ProblemError(422, "held", str(error), beyond) from error
    except Unwatched as error:
        raise ProblemError(422, "without-orders", str(error)) from error
    except REFUSALS as error:
        raise ProblemError(422, "refused", str(error)) from error


def _found(fingerprint: str) -> SendPlan:
    found = SendPlan.objects.filter(fingerprint=fingerprint).order_by("-pk").first()
    if found is None:
        raise ProblemError(404, "not-found", "No plan has this fingerprint.")
    return found


def _may(request: HttpRequest, found: SendPlan) -> ApiKey:
    only_places = proposals.decode(found.proposal).only_places
    return keys.of(request, Permission.EDIT_STOCK if only_places else Permission.SEND)


def _made(made: SendPlan, before: SendPlan | None) -> Status[Made]:
    return Status(201, Made(**_told(made).model_dump(), replaced=before.pk if before else None))


def _told(found: SendPlan) -> PlanOut:
    counts = [msgspec.structs.asdict(each) | {"channel": each.code} for each in plans.counts_of(found)]
    return PlanOut(
        plan=found.pk,
        state=str(found.state),
        fingerprint=found.fingerprint,
        made_at=found.made_at,
        made_by=found.made_by,
        undoes=found.undoes_id,
        channels=[CountsOut.model_validate(each) for each in counts],
    )
