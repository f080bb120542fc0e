"""What people do with their own accounts, written to the audit of each organisation that they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stallkeeper.core import audit, crash
from stallkeeper.core.models import User
from stallkeeper.core.people import memberships_of
from stallkeeper.core.use_case import UseCase, use_case


@contextmanager
def account_act(user: User, actor: str, action: str, **detail: object) -> Iterator[None]:
    """What happens inside changes the account of ``user`` in one transaction, with its audit entry in the first of his organisations.

    The others get theirs in transactions of their own, right after. Of somebody who belongs nowhere nothing is written down.
    """
    organisations = [membership.organisation_id for membership in memberships_of(user)]
    if not organisations:
        with crash.committing("change.account"):
            yield
        return
    with use_case("change.account", organisation_id=organisations[0], actor=actor) as uc:
        yield
        _note(uc, user, action, detail)
    for organisation_id in organisations[1:]:
        with use_case("change.account", organisation_id=organisation_id, actor=actor) as uc:
            _note(uc, user, action, detail)


def _note(uc: UseCase, user: User, action: str, detail: dict[str, object]) -> None:
    audit.record(uc, action, "user", user.pk, **detail)
