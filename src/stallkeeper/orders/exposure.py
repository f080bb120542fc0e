"""The exposure of shared mode: what each channel showed beyond what was there, for how long, and what that cost (architecture, "Shared and
guarded").

Measured from what is written down anyway, minutes after: sending does not notice. Kept by channel and hour; days are sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection

from stallkeeper.channels.sales import gross_platforms
from stallkeeper.core.models import Organisation
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import exposure_queries as queries
from stallkit.manifest import Basis
from stallkit.registry import manifest_of

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Day:
    """A channel's day in the organisation's time zone.

    ``cuts``: accepted while the channel showed ``units`` (added up) beyond what was there, ``worst`` at once; ``seconds`` is their average
    time from what took the units to the accepted cut, ``longest`` the longest, ``unit_seconds`` units times time. ``oversold`` units in
    ``lines`` were sold beyond, worth ``cost`` by currency.
    """

    day: date
    channel_id: int
    channel_code: str
    cuts: int = 0
    units: int = 0
    worst: int = 0
    seconds: float = 0
    longest: float = 0
    unit_seconds: float = 0
    lines: int = 0
    oversold: int = 0
    cost: tuple[tuple[str, Decimal], ...] = ()


def measure(uc: UseCase) -> None:
    """Measure this hour and the one before anew: sends of long transactions come late."""
    until = uc.at.replace(minute=0, second=0, microsecond=0) + HOUR
    gross = [(platform, manifest_of(platform).quirks.basis) for platform in gross_platforms()]
    shipped = [platform for platform, basis in gross if basis is Basis.GROSS_UNTIL_SHIPPED]
    acknowledged = [platform for platform, basis in gross if basis is Basis.GROSS_UNTIL_ACKNOWLEDGED]
    with connection.cursor() as cursor:
        queries.measure(cursor, uc.organisation_id, until - 2 * HOUR, until, shipped, acknowledged)


def days(organisation: Organisation, since: datetime, channel_id: int | None = None) -> list[Day]:
    """The days since a moment on which anything was at risk or sold beyond, newest first. Call it inside the organisation's scope."""
    found: dict[tuple[date, int], dict[str, object]] = {}
    with connection.cursor() as cursor:
        for day, channel, code, *risk in queries.days(cursor, organisation.pk, since, organisation.time_zone, channel_id):
            cuts, units, worst, seconds, longest, unit_seconds = risk
            found[day, channel] = {"channel_code": code, "cuts": cuts, "units": units, "worst": worst, "seconds": seconds / cuts}
            found[day, channel] |= {"longest": longest, "unit_seconds": unit_seconds}
        costs: dict[tuple[date, int], list[tuple[str, Decimal]]] = {}
        for day, channel, code, lines, oversold, currency, cost in queries.costs(
            cursor, organisation.pk, since, organisation.time_zone, channel_id
        ):
            row = found.setdefault((day, channel), {"channel_code": code})
            costs.setdefault((day, channel), []).append((currency, cost))
            row["lines"] = int(str(row.get("lines", 0))) + lines
            row["oversold"] = int(str(row.get("oversold", 0))) + oversold
    ordered = sorted(found.items(), key=lambda item: (-item[0][0].toordinal(), str(item[1]["channel_code"])))
    return [Day(day, channel, cost=tuple(costs.get((day, channel), ())), **row) for (day, channel), row in ordered]  # type: ignore[arg-type]
