"""What a new installation starts with: an organisation with a place, and somebody who may sign in."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from stallkeeper.core import people
from stallkeeper.core.models import Membership, Organisation, Role, User
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import founding

OWNER = "owner@localhost"


def organisation(name: str, slug: str) -> Organisation:
    """A new organisation in the time zone of the installation, with its virtual places and a first one of its own."""
    return founding.found(name, slug, settings.TIME_ZONE)


def set_up(name: str = "My shop", slug: str = "shop", email: str = OWNER) -> User:
    """The first owner; made, with an organisation, if there is none yet. Somebody who may sign in to all that runs here."""
    with across_organisations(Passage.PEOPLE):
        first = Membership.objects.filter(role=Role.OWNER, user__is_active=True).order_by("pk").select_related("user").first()
    if first is not None:
        return first.user
    where = Organisation.objects.order_by("pk").first() or organisation(name, slug)
    return add_user(where, email, Role.OWNER, "")


def add_user(where: Organisation, email: str, role: Role, name: str) -> User:
    """A person with a role in the organisation; a person we know already gets the role beside his others."""
    user = User.objects.filter(email=email.strip().lower()).first() or people.create_user(email, name)
    with use_case("add.member", organisation_id=where.pk) as uc:
        people.add_member(uc, user, role)
    return user


def sign_in_address(user: User, hours: float = 24, base_url: str = "") -> str:
    """An address that signs the person in once."""
    token = people.sign_in_link(user, hours)
    return (base_url or settings.ENV.base_url) + reverse("backoffice:sign_in_by_link", args=[token])


def members() -> list[dict[str, object]]:
    """Everybody who may sign in, with his roles."""
    with across_organisations(Passage.PEOPLE):
        rows = Membership.objects.select_related("user", "organisation").order_by("organisation__slug", "user__email")
        return [
            {
                "email": row.user.email,
                "name": row.user.name,
                "organisation": row.organisation.slug,
                "role": row.role,
                "active": row.user.is_active,
            }
            for row in rows
        ]
