"""A proposal as a program sends it, by codes and SKUs, and as plans know it, by numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, TypeVar

from ninja import Field, Schema
from pydantic import ConfigDict

from stallkeeper.api.channels import by_code
from stallkeeper.api.problems import FieldProblem, ProblemError
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.overriding import Own
from stallkeeper.channels.proposals import ChannelChange, PlaceChange, Proposal
from stallkeeper.stock.models import Location

MOST = 10_000
K = TypeVar("K")
Word = Annotated[str, Field(max_length=200, pattern="^[^\\x00]*$")]
"""The database knows no NUL."""
Value = Word | Annotated[int, Field(ge=-(2**53), le=2**53)] | bool | None
Rules = Annotated[dict[Word, Value], Field(max_length=100)]


class Strict(Schema):
    """What is not known is refused: nothing is dropped silently."""

    model_config = ConfigDict(extra="forbid")


class OwnIn(Strict):
    """What is said of categories and products in place of what was said of the same before; no rules: that is taken away."""

    categories: Annotated[list[Word], Field(max_length=MOST)] = []
    skus: Annotated[list[Word], Field(max_length=MOST)] = []
    rules: Rules = {}


class ChannelIn(Strict):
    """Of one channel what would be different. ``switches``: stock, prices, active, and ``writes`` of its account. Decimals and dates of
    rules are text. ``locations``: codes of the places that count. ``follow``: of a sub-channel, rules (or ``locations``) that shall be its
    main channel's again."""

    switches: Annotated[dict[Word, bool], Field(max_length=10)] = {}
    rules: Rules = {}
    locations: Annotated[list[Word], Field(max_length=MOST)] | None = None
    own: Annotated[list[OwnIn], Field(max_length=1_000)] = []
    follow: Annotated[list[Word], Field(max_length=100)] = []


class PlaceIn(Strict):
    """Of one place what would be different."""

    priority: Annotated[int, Field(ge=0, le=32_767)] | None = None
    sellable: bool | None = None
    allows_backorder: bool | None = None
    active: bool | None = None


class PlanIn(Strict):
    """Everything that shall be different: the company's switch, channels and places by their codes."""

    company: bool | None = None
    channels: Annotated[dict[Word, ChannelIn], Field(max_length=1_000)] = {}
    places: Annotated[dict[Word, PlaceIn], Field(max_length=MOST)] = {}


def proposal_of(wanted: PlanIn) -> Proposal:
    """In the scope of the organisation. Problem 404 for a channel, 422 for a place or a SKU that there is not."""
    channels: dict[int, ChannelChange] = {}
    writes: dict[int, bool] = {}
    for code, said in wanted.channels.items():
        channel = by_code(code)
        if channel.pk in channels:
            raise _wrong(f"channels.{code}", "This channel is named twice.")
        turned = dict(said.switches)
        if "writes" in turned:
            writes[channel.connection_id] = turned.pop("writes")
        channels[channel.pk] = _change(f"channels.{code}", said, turned)
    places = _known("places", wanted.places, _place_ids(wanted.places))
    return Proposal(
        sending=wanted.company,
        channels={pk: change for pk, change in channels.items() if change},
        places={pk: PlaceChange(**wanted.places[code].model_dump()) for code, pk in places.items()},
        writes=writes,
    )


def _change(where: str, said: ChannelIn, turned: dict[str, bool]) -> ChannelChange:
    locations = None
    if said.locations is not None:
        locations = sorted(_known(f"{where}.locations", said.locations, _place_ids(said.locations)).values())
    own = [_own(where, each) for each in said.own]
    return ChannelChange(switches=turned, rules=said.rules, locations=locations, own=own, follow=said.follow)


def _own(where: str, said: OwnIn) -> Own:
    found = dict(StockUnit.objects.filter(sku__in=said.skus).values_list("sku", "pk"))
    units = _known(f"{where}.own.skus", said.skus, found)
    if wrong := [name for name, value in said.rules.items() if isinstance(value, bool)]:
        raise _wrong(f"{where}.own.rules", f"{wrong[0]} is a number or a text.")
    return Own(categories=said.categories, units=sorted(units.values()), rules=dict(said.rules))


def _place_ids(codes: Iterable[str]) -> dict[str, int]:
    return dict(Location.objects.filter(code__in=list(codes)).values_list("code", "pk"))


def _known(where: str, names: Iterable[str], found: Mapping[str, K]) -> dict[str, K]:
    """The names with what they are; problem 422 names the first that is nothing."""
    if missing := [name for name in names if name not in found]:
        raise _wrong(where, f"There is no {missing[0]!r}.")
    return {name: found[name] for name in names}


def _wrong(field: str, detail: str) -> ProblemError:
    return ProblemError(422, "invalid", f"{field}: {detail}", [FieldProblem(field=field, detail=detail)])
