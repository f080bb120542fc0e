"""What changing a place would do to the numbers on the channels, found out by doing it and taking it back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from stallkeeper.channels import refresh
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import TakenBack, use_case
from stallkeeper.stock import places
from stallkeeper.stock.places import Changes
from stallkeeper.stock.reserve import STALE


@dataclass(frozen=True)
class PlacePlan:
    """Offers that would show another number: how many rise, fall, and of those to zero."""

    rises: int = 0
    falls: int = 0
    to_zero: int = 0

    @property
    def changes(self) -> int:
        return self.rises + self.falls


@again_on_conflict
def plan_change(organisation_id: int, place_id: int, wanted: Changes, actor: str) -> PlacePlan:
    """Change the place in a transaction that is rolled back, and count. PlaceError as from changing.

    Orders are not served anew in it: what a place gives or takes back by that comes on top.
    """
    with suppress(TakenBack), use_case("plan.place", organisation_id=organisation_id, actor=actor) as uc:
        places.change(uc, place_id, wanted)
        found = refresh.refresh(uc, uc.peek(STALE), dry_run=True)
        raise TakenBack
    falls = found.after < found.before
    zero = falls & (found.after == 0)
    return PlacePlan(int((found.after > found.before).sum()), int(falls.sum()), int(zero.sum()))
