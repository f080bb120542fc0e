"""Transfers of a channel as rows: the nine of S5.107-S5.115, and every step of its account's runs, done already or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice import today_rows
from stallkeeper.backoffice.lanes import LaneRow, fails
from stallkeeper.backoffice.today_rows import Lag
from stallkeeper.channels.models import Channel, LaneKind, LaneStep
from stallkeeper.orders.promises import Operation
from stallkeeper.sync.steps import STEPS

STEP_OF_LAG = {Operation.INTAKE: "orders", Operation.STOCK: "quantities", Operation.PRICE: "prices"}
STEP_OF_LAG |= dict.fromkeys(today_rows.MESSAGES, "commands")


@dataclass(frozen=True)
class Transfer:
    """One kind of transfer: when it last moved something, and when it last succeeded, with something to do or without.

    ``step`` of the runs does it; ``switch`` is the field of the channel that allows it. ``instead``: we do not do it; what happens instead.
    """

    title: str | Promise
    step: str = ""
    switch: str = ""
    instead: str | Promise = ""
    moved_at: datetime | None = None
    at: datetime | None = None
    off: bool = False


TRANSFERS = (
    Transfer(_("Items to the channel"), instead=_("Not done. Listings are made on the channel and linked here.")),
    Transfer(_("Items from the channel (listings)"), "catalogue"),
    Transfer(_("Customers to the channel"), instead=_("Not done. A customer exists where he bought.")),
    Transfer(_("Customers from the channel"), instead=_("Buyers come with their orders and are kept there.")),
    Transfer(_("Order messages sent (acknowledge, ship, cancel)"), "commands"),
    Transfer(_("Orders taken"), "orders", "orders_enabled"),
    Transfer(_("Availability sent"), "quantities", "stock_enabled"),
    Transfer(_("Categories from the channel"), instead=_("Not done. The channel's category is typed under General.")),
    Transfer(_("Prices sent"), "prices", "prices_enabled"),
)
"""In the order of S5.107-S5.115."""


@dataclass(frozen=True)
class StepRow:
    """A step of a lane. ``done`` is None while it has never run; ``lag`` stands where we know what waits, and since when.

    ``due``: when it runs next; None while its lane is switched off.
    """

    name: str
    kind: str
    done: LaneStep | None
    lag: Lag | None
    due: datetime | None

    @property
    def failed(self) -> bool:
        return self.done is not None and fails(self.done)


def transfers(rows: Sequence[LaneRow], shown: Channel) -> list[Transfer]:
    """The nine kinds, with what their steps last did for the account, and whether the channel has switched them off."""
    last = {step.step: step for row in rows for step in row.steps}
    return [
        replace(
            each,
            moved_at=last[each.step].moved_at if each.step in last else None,
            at=last[each.step].last_success_at if each.step in last else None,
            off=bool(each.switch) and not getattr(shown, each.switch),
        )
        for each in TRANSFERS
    ]


def steps_of(row: LaneRow, lags: Sequence[Lag] = ()) -> list[StepRow]:
    """All steps of a lane in the order in which they run; ``lags`` of the channel that is looked at."""
    done = {step.step: step for step in row.steps}
    late = {STEP_OF_LAG[lag.operation]: lag for lag in lags}
    return [
        StepRow(name, row.lane.kind, done.get(name), late.get(name), _due(row, done.get(name)))
        for name, _step in STEPS[LaneKind(row.lane.kind)]
    ]


def _due(row: LaneRow, done: LaneStep | None) -> datetime | None:
    if not row.lane.enabled:
        return None
    return max(row.lane.not_before, done.not_before) if done and done.not_before else row.lane.not_before
