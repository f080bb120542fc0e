"""A new organisation with what it needs to begin: its places, and somebody who owns it."""

from __future__ import annotations

from stallkeeper.core import people
from stallkeeper.core.models import Organisation, Role, User
from stallkeeper.core.use_case import SYSTEM, use_case
from stallkeeper.stock import places


def found(name: str, slug: str, time_zone: str, actor: str = SYSTEM) -> Organisation:
    """The organisation with its virtual places and a first one of its own; sending is off. PeopleError as from ``create_organisation``."""
    made = people.create_organisation(name, slug, time_zone, actor)
    with use_case("first.locations", organisation_id=made.pk) as uc:
        places.first_locations(uc)
    return made


def found_first(name: str, time_zone: str, founder: User) -> Organisation:
    """The installation's first organisation, owned by whoever makes it. PeopleError if there is one already: its owner adds people."""
    made = found(name, "shop", time_zone, founder.actor)  # a fixed short name: of two who found at one moment, the second finds it taken
    with use_case("add.member", organisation_id=made.pk, actor=founder.actor) as uc:
        people.add_member(uc, founder, Role.OWNER)
    return made


def may_found(user: User) -> bool:
    """Whether this person may make an organisation on screens: the installation's first. Further ones are made at the command line."""
    return user.is_active and not Organisation.objects.exists()
