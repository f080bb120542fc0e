"""Buyers' claims (09): what they want to give back. A claim is for one unit, known by the ``rid`` of its assembly order.

The list has the claims of the last fortnight, those under review and those in the archive apart, and no time of change to ask by: each
pull reads both. It tells that goods are sent back to the seller, not that they have arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from stallkit.adapters.wildberries import wire_orders
from stallkit.adapters.wildberries.assembly import Assembly
from stallkit.adapters.wildberries.calls import Calls
from stallkit.adapters.wildberries.manifest import CLAIMS, RETURNS_HOST
from stallkit.adapters.wildberries.walk import Window
from stallkit.errors import Refused
from stallkit.types import OfferRef, Page, Parked, RemoteReturn, ReturnLine, ReturnState

PAGE = 50
MOSCOW = timezone(timedelta(hours=3))
LISTED = timedelta(days=90)
"""Assembly orders are listed for three months (03, GET /api/v3/orders)."""
BEFORE, AFTER = timedelta(hours=4), timedelta(hours=1)
"""Around the time of order that a claim tells, in which its assembly order is looked for: the time's zone is not documented."""
ANSWER = {0: "under review", 1: "refused", 2: "approved"}
GOODS = {
    0: (ReturnState.ASKED, "under review"),
    1: (ReturnState.CLOSED, "stays with the buyer"),
    2: (ReturnState.CLOSED, "to be scrapped by Wildberries"),
    5: (ReturnState.CLOSED, "stays with the buyer"),
    8: (ReturnState.CLOSED, "sold again by Wildberries after a check"),
    10: (ReturnState.COMING, "on its way to the seller"),
}
"""``status_ex``: what becomes of the goods."""


class Claim(msgspec.Struct):
    id: str
    status: int
    status_ex: int
    dt: datetime
    srid: str
    dt_update: datetime | None = None
    order_dt: datetime | None = None
    user_comment: str = ""


class ClaimPage(msgspec.Struct):
    claims: tuple[msgspec.Raw, ...]
    total: int


class Place(msgspec.Struct, frozen=True):
    archive: bool = False
    offset: int = 0


class _Named(msgspec.Struct):
    id: object = ""


def read_claim(raw: bytes) -> Claim | Parked:
    try:
        return msgspec.json.decode(raw, type=Claim)
    except ValueError as error:
        try:
            name = str(msgspec.json.decode(raw, type=_Named).id)
        except ValueError:
            name = ""
        return Parked(name, f"claim not understood: {error}", raw)


def utc(moment: datetime) -> datetime:
    """Times of claims are Moscow's and do not say so."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=MOSCOW)).astimezone(UTC)


def parse_claim(claim: Claim, raw: bytes, order_id: str, ref: OfferRef) -> RemoteReturn:
    state, goods = GOODS.get(claim.status_ex, (ReturnState.UNKNOWN, str(claim.status_ex)))
    answer = ANSWER.get(claim.status, str(claim.status))
    if claim.status not in ANSWER:
        state = ReturnState.UNKNOWN
    return RemoteReturn(
        claim.id,
        order_id,
        state,
        answer if answer == goods else f"{answer}, {goods}",
        (ReturnLine(ref, 1, claim.user_comment),),
        utc(claim.dt),
        utc(claim.dt_update) if claim.dt_update is not None else None,
        raw,
    )


class Returns:
    def __init__(self, calls: Calls, assembly: Assembly, clock: Callable[[], datetime]) -> None:
        self._calls, self._assembly, self._clock = calls, assembly, clock

    def read(self, cursor: str) -> Page[RemoteReturn]:
        place = read_place(cursor)
        params = {"is_archive": "true" if place.archive else "false", "limit": str(PAGE), "offset": str(place.offset)}
        page = self._calls.read("GET", "/api/v1/claims", CLAIMS, host=RETURNS_HOST, params=params).decode(ClaimPage)
        read = [(read_claim(bytes(raw)), bytes(raw)) for raw in page.claims]
        claims = [(claim, raw) for claim, raw in read if isinstance(claim, Claim)]
        self._look_up([claim for claim, _ in claims])
        known = self._assembly.memory.rids
        found = tuple(parse_claim(claim, raw, *known.get(claim.srid, ("", OfferRef("")))) for claim, raw in claims)
        following, done = after(place, len(read), page.total)
        return Page(found, msgspec.json.encode(following).decode(), done, tuple(one for one, _ in read if isinstance(one, Parked)))

    def _look_up(self, claims: Sequence[Claim]) -> None:
        """Find the assembly orders of claims that this process has not read yet; those of more than three months ago are not listed."""
        for claim in sorted(claims, key=lambda claim: claim.srid):
            if claim.srid in self._assembly.memory.rids or claim.order_dt is None:
                continue
            ordered = claim.order_dt.replace(tzinfo=claim.order_dt.tzinfo or UTC)
            if self._clock() - ordered < LISTED:
                window = Window(int((ordered - BEFORE).timestamp()), int((ordered + AFTER).timestamp()))
                for one in wire_orders.group(self._assembly.units_of(window))[0]:
                    self._assembly.memory.keep(one)


def after(place: Place, received: int, total: int) -> tuple[Place, bool]:
    """The place after a page, and whether both lists have been read."""
    if received and place.offset + received < total:
        return Place(place.archive, place.offset + received), False
    return (Place(), True) if place.archive else (Place(archive=True), False)


def read_place(cursor: str) -> Place:
    try:
        return msgspec.json.decode(cursor, type=Place) if cursor else Place()
    except msgspec.DecodeError as error:
        raise Refused(f"the cursor of returns {cursor[:80]!r} is not one of ours: start again with an empty one", code="cursor") from error
