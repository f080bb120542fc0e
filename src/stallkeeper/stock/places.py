"""Places: our own, suppliers', marketplace-held, and the virtual ones that give every movement its second leg."""

from __future__ import annotations

from stallkeeper.core.use_case import UseCase
from stallkeeper.stock.models import Location, LocationOwner, VirtualRole


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
        raise PlaceError("owner: virtual places are made by Stallkeeper itself")
    if Location.objects.filter(code=code).exists():
        raise PlaceError(f"code: there is a place with the code {code!r} already")
    return Location.objects.create(
        organisation_id=uc.organisation_id,
        code=code,
        name=name,
        owner=owner,
        priority=priority,
        sellable=sellable,
        allows_backorder=allows_backorder,
    )


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
