"""Places: our own, suppliers', marketplace-held, and the virtual ones that give every movement its second leg."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypedDict

from django.db import connection

from stallkeeper.core import audit, history
from stallkeeper.core.history import Changed, Fact
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import places_queries, reserve
from stallkeeper.stock.models import Location, LocationOwner, VirtualRole
from stallkit.words import said as _

COUNTING = frozenset({"active", "sellable", "priority"})
"""What decides whether, and in which order, a place's stock counts for channels."""
MOST_PRIORITY = 10_000


class PlaceError(ValueError):
    """A place cannot be made or changed as asked; the text says which field and why."""


def create_location(
    uc: UseCase,
    *,
    code: str,
    name: str,
    owner: LocationOwner = LocationOwner.MINE,
    priority: int = 100,
    sellable: bool = True,
    allows_backorder: bool = False,
) -> Location:
    """A real place. PlaceError if the code is taken."""
    if owner == LocationOwner.VIRTUAL:
        raise PlaceError(_("owner: virtual places are made by Stallkeeper itself"))
    if Location.objects.filter(code=code).exists():
        raise PlaceError(_("code: there is a place with the code {code!r} already", code=code))
    place = Location.objects.create(
        organisation_id=uc.organisation_id,
        code=code,
        name=name,
        owner=owner,
        priority=priority,
        sellable=sellable,
        allows_backorder=allows_backorder,
    )
    audit.record(uc, "create.place", "location", place.pk, code=code, name=name, owner=str(owner))
    return place


class Changes(TypedDict, total=False):
    """What of a place shall be different; what is not named stays."""

    name: str
    owner: LocationOwner
    priority: int
    sellable: bool
    allows_backorder: bool
    active: bool


def moves_figures(wanted: Collection[str]) -> bool:
    """Whether changing these of a place may change what channels show, or who gets what."""
    return not (COUNTING | {"allows_backorder"}).isdisjoint(wanted)


def check_change(place: Location, wanted: Changes) -> None:
    """PlaceError if the place cannot be changed so."""
    if LocationOwner.VIRTUAL in {place.owner, wanted.get("owner")}:
        raise PlaceError(_("owner: virtual places are Stallkeeper's own; they cannot be changed, and no other place can become one"))
    if not 0 <= wanted.get("priority", 0) <= MOST_PRIORITY:
        raise PlaceError(_("priority: a whole number between 0 and {most}", most=MOST_PRIORITY))
    if not wanted.get("name", place.name).strip():
        raise PlaceError(_("name: a place has one"))


def hold(backorder: bool) -> None:
    """Before offers are locked for a change of places: ``backorder`` keeps everybody off the levels, which the change will need later."""
    if backorder:
        with connection.cursor() as cursor:
            places_queries.lock_all_levels(cursor)


def change(uc: UseCase, location_id: int, wanted: Changes) -> dict[str, list[object]]:
    """Change a real place; returns {field: [before, after]} of what differs. PlaceError for virtual ones.

    Without backorder, promises beyond what is there go short, latest dispatch dates first; offers that show the place's stock follow.
    """
    place = Location.objects.select_for_update(no_key=True).get(pk=location_id)
    check_change(place, wanted)
    before = {field: getattr(place, field) for field in wanted}
    differing: dict[str, list[object]] = {field: [before[field], value] for field, value in wanted.items() if before[field] != value}
    if not differing:
        return {}
    for field, (_was, value) in differing.items():
        setattr(place, field, value)
    place.save(update_fields=list(differing))
    history.note(uc, Fact.PLACE, (Changed(place.pk, field, *values) for field, values in differing.items() if field in COUNTING))
    _follow(uc, place, differing.keys())
    audit.record(uc, "change.place", "location", place.pk, code=place.code, **differing)
    return differing


def _follow(uc: UseCase, place: Location, changed: Collection[str]) -> None:
    """Levels copy the place's word on backorder; whoever promises or shows its stock looks again."""
    with connection.cursor() as cursor:
        if "allows_backorder" in changed:
            places_queries.lock_all_levels(cursor)
            if not place.allows_backorder:
                for unit, excess in places_queries.promised_beyond(cursor, uc.organisation_id, place.pk):
                    reserve.shrink_to(uc, cursor, unit, place.pk, excess)
            places_queries.copy_backorder(cursor, uc.organisation_id, place.pk, place.allows_backorder)
        if {"allows_backorder", "sellable", "active", "priority"} & set(changed):
            units = places_queries.units_at(cursor, uc.organisation_id, place.pk)
            uc.mark(reserve.STALE, units)
            uc.mark(reserve.RAISED, units)


def virtual(uc: UseCase, role: VirtualRole) -> Location:
    """The organisation's virtual place of this role, made on first use."""
    location, _made = Location.objects.get_or_create(
        organisation_id=uc.organisation_id,
        code=f"~{role}",
        defaults={"name": str(VirtualRole(role).label), "owner": LocationOwner.VIRTUAL, "virtual_role": role, "sellable": False},
    )
    return location


def first_locations(uc: UseCase) -> Location:
    """What a new organisation starts with: the virtual places and one of its own (S3.10)."""
    for role in VirtualRole:
        virtual(uc, role)
    return create_location(uc, code="MAIN", name="Main warehouse", priority=10)
