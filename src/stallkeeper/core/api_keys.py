"""Keys of programs: made with what they may do, shown once, ended. A program acts for one organisation, under the name of its key."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable

from stallkeeper.core import audit
from stallkeeper.core.models import ApiKey
from stallkeeper.core.people import PeopleError, Permission
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _

GRANTED = (Permission.VIEW_STOCK, Permission.EDIT_STOCK, Permission.EDIT_RULES, Permission.SEND)
"""What a key may be given: what the API has doors for."""


def make(uc: UseCase, name: str, may: Iterable[str]) -> str:
    """A new key; its token, of which only the hash is kept: show it once. PeopleError names what is wrong."""
    name, permissions = name.strip(), sorted(set(may))
    if not name or len(name) > 100:
        raise PeopleError(_("Name: give the key a name of at most 100 characters, so that people know whose it is."))
    if unknown := sorted(set(permissions) - set(GRANTED)):
        raise PeopleError(_("A key may {granted}, not {unknown!r}.", granted=", ".join(GRANTED), unknown=unknown[0]))
    if not permissions:
        raise PeopleError(_("Say what the key may do: {granted}.", granted=", ".join(GRANTED)))
    if ApiKey.objects.filter(name=name, ended_at=None).exists():
        raise PeopleError(_("There is a key {name!r} already; end it first, or choose another name.", name=name))
    token = f"sk_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        organisation_id=uc.organisation_id,
        name=name,
        token_hash=_hash(token),
        permissions=permissions,
        created_at=uc.at,
        created_by=uc.actor,
    )
    audit.record(uc, "make.api_key", "api_key", key.pk, name=name, may=permissions)
    return token


def end(uc: UseCase, name: str) -> None:
    """The key opens nothing any more. PeopleError if there is none of this name."""
    key = ApiKey.objects.filter(name=name.strip(), ended_at=None).first()
    if key is None or not ApiKey.objects.filter(pk=key.pk, ended_at=None).update(ended_at=uc.at):
        raise PeopleError(_("There is no key {name!r}; stallkeeper keys list shows them.", name=name))
    audit.record(uc, "end.api_key", "api_key", key.pk, name=key.name)


def find(token: str) -> ApiKey | None:
    """The key that this token is of, in whichever organisation; None if there is none, or it was ended. Needs no scope: it names one."""
    with across_organisations(Passage.CALLBACK):
        return ApiKey.objects.filter(token_hash=_hash(token), ended_at=None).first()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
