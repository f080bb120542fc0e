"""Dials for chaos: how often an emulator misbehaves on its own. Planned faults (``fail_next``) come first and need no dial.

All chance is drawn from the emulator's seeded generator, so one seed gives one story. The ranges that simulations draw from are those of
the fault table in the test plan (lost hints up to 0.3, refused items up to 0.2, pages that shift up to 0.1 …).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from stallkit.testing.shop import Fault


@dataclass(frozen=True, slots=True)
class Dials:
    """Probabilities from 0 to 1 and upper bounds of times. Everything off by default."""

    faults: Mapping[Fault, float] = field(default_factory=dict)
    """Per wire call: this fault happens."""
    latency: float = 0.0
    """Seconds; each call takes between none and so many."""
    hint_lost: float = 0.0
    hint_doubled: float = 0.0
    hint_late: float = 0.0
    """The hint is held back and comes after the next one: reordered."""
    item_refused: float = 0.0
    """Per item of a batch, where the emulator asks ``refusal``."""
    not_applied: float = 0.0
    """Per item: the platform says yes and forgets it."""
    late_push: float = 0.0
    """Per item: the platform says yes, and the value lands up to ``late_by`` later, perhaps over a newer one."""
    late_by: timedelta = timedelta(seconds=30)
    read_lag: timedelta = timedelta(0)
    """Order lists may be so old (emulators that keep a history of reads: dummy)."""
    page_shift: float = 0.0
    """Per page: the border moves by one, so that an object is left out or comes twice (dummy)."""
