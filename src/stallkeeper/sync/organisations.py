"""Whose turn it is in the work that goes through all organisations."""

from __future__ import annotations

from stallkeeper.channels.models import Connection
from stallkeeper.core.tenancy import Passage, across_organisations


def with_accounts() -> list[int]:
    """Ids of the organisations that have an account on a platform, in order."""
    with across_organisations(Passage.TICK):
        return sorted(set(Connection.objects.order_by().values_list("organisation_id", flat=True)))
