"""The first run (S2.1-S2.4): what people said of its steps. How far it is follows from the organisation's rows; only what no row shows is
kept here: that somebody went past a step, and that nobody wants to be led there any more."""

from __future__ import annotations

from stallkeeper.core import audit
from stallkeeper.core.models import Organisation
from stallkeeper.core.use_case import UseCase


def go_past(uc: UseCase, step: str) -> bool:
    """The organisation went past a step; ``step`` has at most 40 characters. True if it had not before. Locks the organisation."""
    organisation = Organisation.objects.select_for_update().get(pk=uc.organisation_id)
    if step in organisation.start_passed:
        return False
    organisation.start_passed = [*organisation.start_passed, step]
    organisation.save(update_fields=["start_passed"])
    audit.record(uc, "start.pass", "organisation", uc.organisation_id, step=step)
    return True


def end(uc: UseCase) -> bool:
    """Nobody is led to the first run any more; True if that is new."""
    ended = Organisation.objects.filter(pk=uc.organisation_id, start_ended_at=None).update(start_ended_at=uc.at) > 0
    if ended:
        audit.record(uc, "start.end", "organisation", uc.organisation_id)
    return ended
