"""What the world has done, as the simulation tells the model: goods that came, wishes of people, and what must never be seen in clear.

An event is told once the use case behind it has returned, so whatever it did was promised to somebody and must be there from then on. A
call that was refused, or that died before its commit, is not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Moved:
    """Somebody was told that a movement was entered, under this reference. Told twice with one reference: it is still one movement."""

    reference: str
    unit_id: int
    quantity: int


@dataclass(frozen=True)
class Counted:
    """Somebody said how many are on hand at a place, and we said yes. Tell it right after: it is looked up at once.

    ``as_of``: when they were counted, if that was a while ago: what moved since by the clock of events comes on top.
    """

    unit_id: int
    location_id: int
    on_hand: int
    as_of: datetime | None = None


@dataclass(frozen=True)
class ShipWished:
    """A person shipped units of an order (the channel's own id), by the channel's own line ids. ``key`` names the intent."""

    connection_id: int
    order: str
    lines: Mapping[str, int]
    key: str = ""


@dataclass(frozen=True)
class ShipTried:
    """A person is about to ship units of an order; only ``ShipWished`` with the same ``key`` says that we said yes."""

    connection_id: int
    order: str
    key: str


@dataclass(frozen=True)
class CancelWished:
    """A person cancelled units of an order from our side."""

    connection_id: int
    order: str
    lines: Mapping[str, int]


@dataclass(frozen=True)
class Did:
    """A person changed something: the audit must say so. ``action`` is the audit's word (``ship.order``), ``subject_id`` its subject."""

    action: str
    subject_type: str = ""
    subject_id: str = ""


@dataclass(frozen=True)
class Hinted:
    """A webhook was answered 2xx: the lane of the account must be run at or after this moment."""

    connection_id: int
    at: datetime


@dataclass(frozen=True)
class Canary:
    """A text that must not be stored or told in clear: a secret (16) or something about a person (15)."""

    text: str
    secret: bool


@dataclass(frozen=True)
class Told:
    """Text that left the process for people or machines: a log line, an error page, a trace, an export. Canaries are looked for in it."""

    sink: str
    text: str


@dataclass(frozen=True)
class Crashed:
    """A process died and lost its memory. The next look goes over whole tables: what was committed before must be there.

    ``worker``: its name on lanes, where the server knew at once that it was dead.
    """

    worker: str = ""


@dataclass(frozen=True)
class PlanShown:
    """A plan is on somebody's screen. ``items``: what each offer in it would show; ``held``: it goes beyond the limits of a channel."""

    plan_id: int
    fingerprint: str
    items: Mapping[int, int | None]
    held: bool


@dataclass(frozen=True)
class PlanSent:
    """Somebody is about to send a plan by its fingerprint. ``sure``: beyond the limits too; ``lower``: figures may have fallen."""

    plan_id: int
    fingerprint: str
    sure: bool
    lower: bool


TruthEvent = (
    Moved | Counted | ShipTried | ShipWished | CancelWished | Did | Hinted | Canary | Told | Crashed | PlanShown | PlanSent
)  # fmt: skip
