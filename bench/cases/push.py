"""Pushing every offer of an account through its emulator: work per offer, and how far that is from what the platform's limits allow."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from bench import town
from bench.crew import crew
from bench.house import House
from bench.measure import Result

FEED_SECONDS = {"walmart": 120.0}
"""A Walmart feed takes at least two minutes (the adapter's emulator, after the platform's own figures)."""
BUCKETS = {"walmart": "feed_stock", "emag": "other", "wildberries": "stocks", "ozon": "stock", "yandex_market": "stock_write"}
"""What a platform counts a call with stock figures to."""


def run(house: House) -> Iterator[Result]:
    """Walmart by feeds, the others call by call, with no limits and no waiting; then the least time at the real limits, worked out."""
    offers = 2_000 if house.quick else 100_000
    for platform in BUCKETS:
        with (
            town.emulated(platform, offers) as stall,
            house.fresh(lambda stall=stall: town.open_stall(stall)),
            crew(1) as one,
        ):
            _, (pushed,) = one.run(town.push_all, {})
        yield Result(
            "push",
            f"{offers:,} offers through the emulated {platform}: CPU per offer, database included",
            (pushed.ours + pushed.database) / offers * 1e6,
            "µs",
            f"{pushed.seconds:.1f} s, {pushed.runs} runs",
            note=f"own process {pushed.ours / offers * 1e6:.0f} µs, database {pushed.database / offers * 1e6:.0f} µs",
        )
        least, why = floor(platform, offers)
        yield Result(
            "push",
            f"{offers:,} offers on {platform}: the limits' floor over our own time",
            least / pushed.seconds,
            "×",
            f"{pushed.seconds:.0f} s without limits",
            f"{least:,.0f} s at the real limits",
            note=why,
        )


def floor(platform: str, offers: int) -> tuple[float, str]:
    """The least seconds that the platform's published limits allow for so many offers, and the sum behind it."""
    from stallkit.registry import manifest_of

    manifest = manifest_of(platform)
    limit = next(limit for limit in manifest.limits if limit.bucket == BUCKETS[platform])
    batch = manifest.bulk_batch if platform == "walmart" else manifest.stock_batch
    calls = ceil(offers / batch)
    seconds = max(calls - limit.capacity, 0) * limit.per.total_seconds() / limit.capacity + FEED_SECONDS.get(platform, 0)
    return seconds, f"{calls:,} calls of {batch:,}, {limit.capacity} per {limit.per.total_seconds():g} s"
