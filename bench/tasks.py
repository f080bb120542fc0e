"""What clients are told to do besides taking orders in; each is prepared off the clock (see ``crew``)."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Callable, Iterable
from datetime import timedelta
from random import Random
from typing import Any

import psycopg

from bench import intake, shop
from bench.shop import NOON

LATER = NOON + timedelta(hours=3)


def count_statements(client: int, size: int, turn: int) -> Callable[[], int]:
    """Statements that one page of new orders costs, by the driver's own trace: whatever is executed, BEGIN and COMMIT included."""
    from django.db import connection

    page = intake.take_pages(client, "product", turn, 1, size)
    connection.ensure_connection()

    def job() -> int:
        with tempfile.TemporaryFile() as trace:
            connection.connection.pgconn.trace(trace.fileno())
            connection.connection.pgconn.set_trace_flags(psycopg.pq.Trace.SUPPRESS_TIMESTAMPS)
            page()
            connection.connection.pgconn.untrace()
            trace.seek(0)
            words = (line.split() for line in trace.read().decode(errors="replace").splitlines())
            return sum(word[0] == "F" and word[2] in {"Query", "Execute"} for word in words if len(word) > 2)

    return job


def set_stock(client: int, first: int, units: int, on_hand: int, drain: bool = True) -> Callable[[], int]:
    """Set the stock of so many units, from number ``first`` on, and refresh every offer of theirs; how many levels changed."""
    from stallkeeper.stock import ledger
    from stallkeeper.stock.ledger import Target

    found = shop.found()
    targets = [
        Target(unit, found.place, on_hand, f"bench:{on_hand}:{client}:{unit}")
        for unit in unit_ids(f"id BETWEEN {first} AND {first + units - 1}")
    ]

    def job() -> int:
        with use_case(found) as uc:
            changed = ledger.set_on_hand(uc, targets)
        if drain:
            drain_all(found)
        return changed

    return job


def make_stale(_client: int, on_hand: int) -> Callable[[], int]:
    """Every level gets another number behind the product's back and every unit is marked; the job drains the marks. How many units."""
    from django.db import connection

    found = shop.found()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE stock_level SET on_hand = %s", [on_hand])
        cursor.execute("INSERT INTO stock_stale (organisation_id, stock_unit_id) SELECT organisation_id, id FROM catalog_stockunit")
    return lambda: drain_all(found)


def drain_all(found: shop.Shop) -> int:
    """The job: refresh what one transaction left over. How many units there were."""
    from stallkeeper.channels import refresh

    return refresh.drain(found.organisation)


def sweep(_client: int) -> Callable[[], tuple[int, int]]:
    """The nightly sweep: (offers that differed, peak memory in MB)."""
    from stallkeeper.channels import refresh

    found = shop.found()

    def job() -> tuple[int, int]:
        with use_case(found) as uc:
            differed = len(refresh.sweep(uc))
        return differed, peak()

    return job


def plan(_client: int, turn: int, apply: bool = False) -> Callable[[], tuple[int, int]]:
    """A plan that changes every offer, saved; or applied: (values in it, peak memory in MB). Applying is of a plan saved off the clock."""
    from stallkeeper.channels import plans
    from stallkeeper.channels.proposals import ChannelChange, Proposal
    from stallkeeper.core.tenancy import organisation_scope

    found = shop.found()
    proposal = Proposal(channels={channel: ChannelChange(rules={"buffer": 100 + turn}) for channel in found.channels})
    saved = plans.save(found.organisation, proposal, "user:1") if apply else None

    def job() -> tuple[int, int]:
        with organisation_scope(found.organisation):
            if saved is not None:
                made = plans.apply(found.organisation, saved.pk, saved.fingerprint, "user:1")
            else:
                made = plans.save(found.organisation, proposal, "user:1")
            return sum(counts.quantities for counts in plans.counts_of(made)), peak()

    return job


def own_memory(_client: int) -> Callable[[], int]:
    """Peak memory of a client in MB."""
    return peak


def use_case(found: shop.Shop) -> Any:
    from stallkeeper.core.use_case import use_case as open_

    return open_("bench", organisation_id=found.organisation, at=LATER)


def unit_ids(where: str) -> list[int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM catalog_stockunit WHERE {where} ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def peak() -> int:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def pick_and_build(_client: int, most: int, turn: int) -> Callable[[], int]:
    """Pick waiting offers of a channel, build the body of the call, and write that the channel took them. How many offers."""
    from stallkeeper.channels import delivery
    from stallkit.adapters.walmart import wire
    from stallkit.types import Accepted, StockIntent

    found = shop.found()
    channel = found.channels[turn % len(found.channels)]

    def job() -> int:
        count = 0
        while True:
            with use_case(found) as uc:
                batch = delivery.pick(uc, "quantity", channel, most, delivery.View(None), bulk=True)
            if batch is None:
                return count
            assert wire.build_stock_feed(StockIntent(item.ref, int(item.value)) for item in batch.items)
            with use_case(found) as uc:
                delivery.record(uc, batch, {item.ref: Accepted() for item in batch.items})
            count += len(batch.items)

    return job


def statement(_client: int, statements: Iterable[str], parameters: dict[str, object] | None = None) -> Callable[[], int]:
    """Hand-written SQL in one transaction; how many rows the last statement touched."""
    connection = psycopg.connect(os.environ["DATABASE_URL"])

    def job() -> int:
        with connection:
            for text in statements:
                rows = connection.execute(text, parameters).rowcount  # type: ignore[call-overload]
        return int(rows)

    return job


def dice(*seed: object) -> Random:
    return Random(":".join(map(str, seed)))
