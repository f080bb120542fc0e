"""Organisations, users, their roles, and sign-in by one-time link."""

from __future__ import annotations

import hashlib
import secrets
import zoneinfo
from datetime import datetime, timedelta
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug
from django.db import IntegrityError, connection

from stallkeeper.core import audit, clock, crash, people_queries
from stallkeeper.core.models import Membership, Organisation, Role, SignInLink, User
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.core.use_case import SYSTEM, UseCase, use_case
from stallkit.words import said as _


class PeopleError(ValueError):
    """A person or organisation cannot be made or changed so. The text names the field and says what to do."""


class Permission(StrEnum):
    """One thing a member may do. Every screen and endpoint asks for one of these."""

    VIEW_ORDERS = "view_orders"
    ACT_ORDERS = "act_orders"
    VIEW_STOCK = "view_stock"
    EDIT_STOCK = "edit_stock"
    EDIT_CATALOGUE = "edit_catalogue"
    EDIT_RULES = "edit_rules"
    CONNECT = "connect"
    SEND = "send"
    SEE_PERSONAL_DATA = "see_personal_data"
    SEE_MONEY = "see_money"
    SEE_AUDIT = "see_audit"
    MANAGE_USERS = "manage_users"


_LOOK = frozenset({Permission.VIEW_ORDERS, Permission.VIEW_STOCK})
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.OPERATIONS: frozenset(Permission) - {Permission.MANAGE_USERS},
    Role.WAREHOUSE: _LOOK | {Permission.ACT_ORDERS, Permission.EDIT_STOCK, Permission.SEE_PERSONAL_DATA},
    Role.ACCOUNTANT: _LOOK | {Permission.SEE_MONEY, Permission.SEE_PERSONAL_DATA, Permission.SEE_AUDIT},
    Role.READ_ONLY: _LOOK,
}
"""What each role may do. Connecting accounts and switching sending on is for owners and operations only."""


def can(membership: Membership | None, permission: Permission | str) -> bool:
    """May this member do it? No membership, an unknown role or permission, or a person who was switched off: no."""
    if membership is None or membership.off_since is not None or not membership.user.is_active:
        return False
    allowed = PERMISSIONS.get(Role(membership.role), frozenset()) if membership.role in Role.values else frozenset()
    return permission in allowed


def create_organisation(name: str, slug: str, time_zone: str = "UTC", actor: str = SYSTEM, at: datetime | None = None) -> Organisation:
    """A new organisation; sending is off. Its places are made by ``stock.places``. PeopleError for a wrong or taken short name or zone."""
    name = name.strip()
    _check_organisation(name, slug, time_zone)
    with connection.cursor() as cursor:
        number = people_queries.next_organisation_id(cursor)
    try:
        with use_case("create.organisation", organisation_id=number, actor=actor, at=at) as uc:
            organisation = Organisation.objects.create(pk=number, name=name, slug=slug, time_zone=time_zone, created_at=uc.at)
            audit.record(uc, uc.name, "organisation", number, name=name, slug=slug, time_zone=time_zone)
    except IntegrityError:
        raise PeopleError(_("Short name: {slug} is taken by another organisation; choose another.", slug=slug)) from None
    return organisation


def change_organisation(uc: UseCase, name: str, time_zone: str, second_factor_required: bool | None = None) -> None:
    """Another name or time zone for the organisation of the use case; instants stay. PeopleError for an empty name or a wrong zone.

    ``second_factor_required``: whether its members must sign in in two steps from now on; None leaves that as it is.
    """
    organisation = Organisation.objects.select_for_update().get(pk=uc.organisation_id)
    _check_organisation(name.strip(), organisation.slug, time_zone)
    organisation.name, organisation.time_zone = name.strip(), time_zone
    if second_factor_required is not None:
        organisation.second_factor_required = second_factor_required
    organisation.save(update_fields=["name", "time_zone", "second_factor_required"])
    two_steps = organisation.second_factor_required
    audit.record(uc, uc.name, "organisation", organisation.pk, name=organisation.name, time_zone=time_zone, two_steps=two_steps)


def create_user(email: str, name: str = "", password: str | None = None) -> User:
    """A person who signs in with this address; without a password only by link. PeopleError if the address is wrong or taken."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise PeopleError(_("E-mail address: {email!r} is not one; write it like name@example.com.", email=email)) from None
    try:
        with crash.committing("user.create"):
            return User.objects.create_user(email, password, name=name.strip())
    except IntegrityError:
        raise PeopleError(
            _("E-mail address: there is a user with {email} already; add that user to the organisation instead.", email=email)
        ) from None


def memberships_of(user: User) -> list[Membership]:
    """Where this person may work, each with its organisation, the oldest first. Needs no scope: it is what a scope is chosen from."""
    with across_organisations(Passage.PEOPLE):
        return list(Membership.objects.filter(user=user, off_since=None).select_related("organisation").order_by("id"))


def belongs_elsewhere(user: User, organisation_id: int) -> bool:
    """Whether another organisation has this person too, switched off or not: then nobody here may let somebody in under that name."""
    with across_organisations(Passage.PEOPLE):
        return Membership.objects.filter(user=user).exclude(organisation_id=organisation_id).exists()


def add_member(uc: UseCase, user: User, role: Role) -> Membership:
    """Give a person a role in the organisation, or another one. PeopleError if that would leave it without an owner."""
    _keep_an_owner(uc, user, role)
    membership, new = Membership.objects.update_or_create(
        organisation_id=uc.organisation_id, user=user, defaults={"role": Role(role).value}
    )
    audit.record(uc, "add.member" if new else "change.role", "user", user.pk, role=Role(role).value)
    return membership


def remove_member(uc: UseCase, user: User) -> None:
    """Take a person's role away; nothing happens if he has none. PeopleError if that would leave the organisation without an owner."""
    _keep_an_owner(uc, user, None)
    removed, _rows = Membership.objects.filter(organisation_id=uc.organisation_id, user=user).delete()
    if removed:
        audit.record(uc, "remove.member", "user", user.pk)


def turn_member(uc: UseCase, user: User, on: bool) -> None:
    """Let a member in again, or not any more from the next request on; the role stays. PeopleError if no owner would be left."""
    if not on:
        _keep_an_owner(uc, user, None)
    members = Membership.objects.filter(organisation_id=uc.organisation_id, user=user, off_since__isnull=not on)
    if members.update(off_since=None if on else uc.at):
        audit.record(uc, "let_in.member" if on else "shut_out.member", "user", user.pk)


def sign_in_link(user: User, hours: float = 24, at: datetime | None = None) -> str:
    """A token that signs the person in once, within ``hours``. Only its hash is kept: show it now or never."""
    at = at or clock.now()
    token = secrets.token_urlsafe(32)
    with crash.around("commit:link.make"):
        SignInLink.objects.create(user=user, token_hash=_hash(token), created_at=at, expires_at=at + timedelta(hours=hours))
    return token


def use_link(token: str, at: datetime | None = None) -> User | None:
    """Use a token up. The person, or None if it is unknown, used, expired, or the person was switched off."""
    with crash.committing("link.use"), connection.cursor() as cursor:
        user_id = people_queries.use_link(cursor, _hash(token), at or clock.now())
    return User.objects.filter(pk=user_id, is_active=True).first() if user_id is not None else None


def _check_organisation(name: str, slug: str, time_zone: str) -> None:
    if not name:
        raise PeopleError(_("Name: give the organisation a name."))
    try:
        validate_slug(slug)
    except ValidationError:
        raise PeopleError(_("Short name: {slug!r} may hold only letters, digits, - and _.", slug=slug)) from None
    try:
        zoneinfo.ZoneInfo(time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise PeopleError(_("Time zone: {time_zone!r} is not known; write it like Europe/Bucharest.", time_zone=time_zone)) from None


def _keep_an_owner(uc: UseCase, user: User, role: Role | None) -> None:
    members = list(Membership.objects.select_for_update().filter(organisation_id=uc.organisation_id).order_by("id"))
    owners = {member.user_id for member in members if member.role == Role.OWNER and member.off_since is None}
    if owners == {user.pk} and role != Role.OWNER:
        raise PeopleError(_("Role: {user} is the only owner; make somebody else an owner first.", user=str(user)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
