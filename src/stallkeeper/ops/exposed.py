"""The exposure of shared mode, as people read it in a terminal, and as a program reads it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from stallkeeper.channels.models import Channel
from stallkeeper.core import clock
from stallkeeper.core.models import Organisation
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.ops import terminal
from stallkeeper.ops.terminal import Refusal
from stallkeeper.orders import exposure

COLUMNS = {
    "day": "Day",
    "channel_code": "Channel",
    "cuts": "Cuts",
    "units": "Units at risk",
    "worst": "Worst",
    "seconds": "Seconds (average)",
    "longest": "Seconds (longest)",
    "lines": "Oversold lines",
    "oversold": "Units",
    "cost": "Worth",
}


def show(organisation: Organisation, channel: str | None, days: int, *, as_json: bool) -> None:
    """Print the days on which anything was at risk, newest first. Refusal for a channel that is not there."""
    with organisation_scope(organisation.pk):
        chosen = Channel.objects.filter(code__iexact=channel).first() if channel else None
        if channel and chosen is None:
            raise Refusal(f"There is no channel {channel!r}; see 'stallkeeper channel'.")
        found = exposure.days(organisation, clock.now() - timedelta(days=days), chosen.pk if chosen else None)
    rows = [
        asdict(day)
        | {"seconds": round(day.seconds, 1), "longest": round(day.longest, 1)}
        | {"cost": ", ".join(f"{amount:.2f} {currency}" for currency, amount in day.cost)}
        for day in found
    ]
    terminal.show(rows, COLUMNS, as_json=as_json, empty="No channel showed more than there was.")
