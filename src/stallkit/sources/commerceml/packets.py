"""What a file of the exchange says, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from stallkit.sources.types import RowProblem


@dataclass(frozen=True, slots=True)
class Good:
    """How 1C names an article. ``code`` is its ``Ид``: a GUID, or ``good#characteristic`` for a variant; other texts may be ""."""

    row: int
    code: str
    article: str
    gtin: str
    title: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What is there of a good. ``total`` is None where the file does not say it; ``places`` are (1C's number of the place, quantity).

    Quantities may be below zero: that is what 1C shows for goods that were sold before they were booked in.
    """

    row: int
    good: Good
    total: int | None
    places: tuple[tuple[str, int], ...]
    problems: tuple[RowProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Returned:
    """An order as 1C sends it back. ``code`` is the ``Ид`` that we gave it ("" if 1C made it itself); other texts are 1C's own, or ""."""

    row: int
    code: str
    number: str
    number_in_1c: str
    status: str
    cancelled: bool
    posted: bool
    paid: bool
    deleted: bool
    shipment: str
    shipped_on: str


@dataclass(slots=True)
class Packet:
    """A whole file. ``formed_at`` is local time of the 1C base without zone; None if it gives none, or only a day.

    ``whole`` only if the file itself says that it is no list of changes: then goods that it does not name are gone.
    """

    version: str = ""
    formed_at: datetime | None = None
    whole: bool = False
    goods: list[Good] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    place_names: dict[str, str] = field(default_factory=dict)
    orders: list[Returned] = field(default_factory=list)

    @property
    def figures(self) -> bool:
        """Whether any offer says a quantity: packets of prices do not."""
        return any(offer.total is not None or offer.places or offer.problems for offer in self.offers)
