"""What the commands change in what lies where. Stock changes meet sales head-on: each of these runs again if the database asks for it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.proposals import PlaceChange
from stallkeeper.core.models import Organisation
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.ops.terminal import Refusal
from stallkeeper.stock import counts, holds, ledger, places
from stallkeeper.stock.count_files import Preview
from stallkeeper.stock.models import Location
from stallkeeper.stock.places import Changes


@again_on_conflict
def make_place(organisation: Organisation, actor: str, code: str, wanted: Changes) -> None:
    """A new place with this code. Refusal if it gets no name."""
    with use_case("set.place", organisation_id=organisation.pk, actor=actor) as uc:
        if not wanted.get("name"):
            raise Refusal(f"There is no place {code!r}. To make it, give it a name: stallkeeper location {code} --name …")
        made = places.create_location(uc, code=code, name=wanted["name"])
        places.change(uc, made.pk, wanted)


def differing(place: Location, wanted: Changes) -> PlaceChange:
    """What of it is not so already."""
    return msgspec.convert({name: value for name, value in wanted.items() if getattr(place, name) != value}, PlaceChange)


@again_on_conflict
def name_place(organisation: Organisation, actor: str, place: Location, wanted: Changes) -> None:
    """Change of a place what moves no figures (``places.moves_figures``)."""
    with use_case("set.place", organisation_id=organisation.pk, actor=actor) as uc:
        places.change(uc, place.pk, wanted)


@again_on_conflict
def adjust(organisation: Organisation, actor: str, unit: StockUnit, place: Location, on_hand: int, reason: str) -> bool:
    """Say what is on hand; True if it was another number."""
    with use_case("adjust.stock", organisation_id=organisation.pk, actor=actor) as uc:
        return ledger.adjust(uc, unit, place, on_hand, reason)


@again_on_conflict
def keep_back(
    organisation: Organisation, actor: str, unit: StockUnit, place: Location, units: int, reason: str, expires_at: datetime | None
) -> int:
    """Keep units back by hand (0 lifts); returns how many could be kept."""
    with use_case("set.hold", organisation_id=organisation.pk, actor=actor) as uc:
        return holds.keep_back(uc, unit, place, units, reason=reason[:300], expires_at=expires_at)


@again_on_conflict
def record_count(organisation: Organisation, actor: str, found: Preview) -> None:
    """Enter the count that was looked at."""
    with use_case("record.count", organisation_id=organisation.pk, actor=actor) as uc:
        counts.record_count(uc, found.location.pk, found.counted, as_of=found.as_of, reference=found.reference)
