"""What Prometheus asks for every 15 seconds, while half of a million offers wait to be sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from statistics import median

from django.db import connection

from bench import shop
from bench.cases.orders import history
from bench.house import House
from bench.measure import Goal, Result


def run(house: House) -> Iterator[Result]:
    """Milliseconds to read all figures, the slowest part, and none that gives up."""
    from stallkeeper.orders.models import Order
    from stallkeeper.sync import figures

    units = 10_000 if house.quick else 100_000
    with house.fresh(partial(_fill, units)):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT max(ordered_at) FROM {Order._meta.db_table}")
            at = cursor.fetchone()[0] + timedelta(minutes=1)
        found = figures.gather(at)
        failed = [sample.labels for sample in found if sample.family == "stallkeeper_scrape_failed"]
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            figures.gather(at)
            times.append(time.perf_counter() - begun)
        parts = {name: _seconds(part, at) for name, part in figures.PARTS.items()}
    slowest = max(parts, key=lambda name: parts[name])
    yield Result(
        "figures",
        f"all figures of {units * shop.CHANNELS:,} offers, half of them waiting",
        median(times) * 1000,
        "ms",
        goal=Goal(1000, 250, least=False),
        note=f"slowest: {slowest}, {parts[slowest] * 1000:.0f} ms; {len(found)} series",
    )
    yield Result("figures", "parts that gave up", len(failed), "", goal=Goal(0, 0, least=False))


def _seconds(part, at) -> float:
    from stallkeeper.core.tenancy import Passage, across_organisations
    from stallkeeper.sync import figures

    begun = time.perf_counter()
    with across_organisations(Passage.FIGURES):
        figures._read(part, at)
    return time.perf_counter() - begun


def _fill(units: int) -> None:
    history(shop.build(units), pages=50)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)"
            " SELECT organisation_id, id, 'quantity', channel_id, (id %% 4 = 0)::int, id, %s FROM channels_offer WHERE id %% 2 = 0"
            " ON CONFLICT DO NOTHING",
            [shop.NOON],
        )
        cursor.execute("UPDATE channels_offer SET believed_qty = intended_qty + 3 WHERE id %% 4 = 0", [])
