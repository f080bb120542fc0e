"""Invitations: an owner asks somebody to join with a role; the link works once, for that address alone.

Who has the link of an invitation can make an account with its address if there is none yet. If there is one, he must sign in as that person
first: an invitation is never a way into somebody's account.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet

from stallkeeper.core import audit, clock, people
from stallkeeper.core.models import Invitation, Membership, Role, User
from stallkeeper.core.people import PeopleError
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _

WORKS_FOR = timedelta(days=7)


def invite(uc: UseCase, email: str, role: Role) -> str:
    """Ask somebody to join; the token of the link, shown now or never. An older open invitation of the address is worth nothing after.

    PeopleError for what is no address, and for somebody who is a member already.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise PeopleError(_("E-mail address: {email!r} is not one; write it like name@example.com.", email=email)) from None
    if Membership.objects.filter(organisation_id=uc.organisation_id, user__email=email).exists():
        raise PeopleError(_("E-mail address: {email} is a member already; change the role in the list.", email=email))
    _open(email).update(ended_at=uc.at)
    token = secrets.token_urlsafe(32)
    made = Invitation.objects.create(
        organisation_id=uc.organisation_id,
        email=email,
        role=Role(role).value,
        token_hash=_hash(token),
        created_at=uc.at,
        created_by=uc.actor,
        expires_at=uc.at + WORKS_FOR,
    )
    audit.record(uc, "invite.member", "invitation", made.pk, role=made.role)
    return token


def withdraw(uc: UseCase, invitation: Invitation) -> bool:
    """The link is worth nothing any more; False if it was used or withdrawn before."""
    ended = bool(Invitation.objects.filter(pk=invitation.pk, ended_at=None).update(ended_at=uc.at))
    if ended:
        audit.record(uc, "withdraw.invitation", "invitation", invitation.pk)
    return ended


def find(token: str, at: datetime | None = None) -> Invitation | None:
    """The open invitation of this link, in whichever organisation, with that organisation; None if there is none. Needs no scope."""
    with across_organisations(Passage.PEOPLE):
        found = Invitation.objects.select_related("organisation").filter(token_hash=_hash(token), ended_at=None)
        return found.filter(expires_at__gt=at or clock.now()).first()


def accept(uc: UseCase, invitation: Invitation, user: User) -> bool:
    """The person joins with the role of the invitation; False if it was used, withdrawn, or is for another address.

    Who became a member in another way meanwhile keeps the role that he has.
    """
    ours = Invitation.objects.filter(pk=invitation.pk, ended_at=None, expires_at__gt=uc.at, email=user.email)
    if not ours.update(ended_at=uc.at):
        return False
    audit.record(uc, "accept.invitation", "invitation", invitation.pk, user=user.pk)
    if not Membership.objects.filter(organisation_id=uc.organisation_id, user=user).exists():
        people.add_member(uc, user, Role(invitation.role))
    return True


def _open(email: str) -> QuerySet[Invitation]:
    return Invitation.objects.filter(email=email, ended_at=None)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
