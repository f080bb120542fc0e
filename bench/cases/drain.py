"""Waiting offers become the body of a call: chosen, written down as sent, built, and written down as accepted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import psycopg

from bench import shop, tasks
from bench.cases.orders import fill
from bench.crew import Crew, crew
from bench.house import House
from bench.measure import Goal, Result, alternate

BATCH = 1_000


def run(house: House) -> Iterator[Result]:
    """Against SQL that takes 1,000 changed offers, builds JSON and marks them as pushed."""
    with house.open("shop_10000", partial(fill, 10_000)), crew(1) as one:
        rates = alternate(2 if house.quick else 5, {"product": partial(_product, one), "sql": partial(_sql, one)})
        yield Result(
            "drain",
            f"offers to JSON, {BATCH:,} a call",
            rates["product"] / rates["sql"],
            "× hand-written",
            f"{rates['product']:,.0f} offers/s",
            f"{rates['sql']:,.0f} offers/s",
            Goal(0.3, 0.6),
        )


def _product(client: Crew, turn: int) -> float:
    _all_waiting()
    seconds, (count,) = client.run(tasks.pick_and_build, {"most": BATCH, "turn": turn})
    assert count == 10_000
    return float(count / seconds)


def _all_waiting() -> None:
    """Every offer differs from what its channel holds, and is listed."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("UPDATE channels_offer SET believed_qty = intended_qty + 1")
        connection.execute("DELETE FROM channels_offertodo")
        connection.execute(
            """
            INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
            SELECT organisation_id, id, 'quantity', channel_id, 0, nextval('channels_todo_version'), now() FROM channels_offer ORDER BY id
            """
        )
        connection.execute("VACUUM ANALYZE channels_offer, channels_offertodo")


def _sql(client: Crew, turn: int) -> float:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("UPDATE lean.offer SET ver = pushed_ver + 1")
        connection.execute("VACUUM ANALYZE lean.offer")
    seconds, (count,) = client.run(push_by_hand, {"turn": turn})
    assert count == 10_000
    return float(count / seconds)


TAKE = """
SELECT offer.sku, sku.code, offer.qty, offer.ver FROM lean.offer JOIN lean.sku ON sku.id = offer.sku
WHERE offer.channel = %s AND offer.sku > %s AND offer.ver <> offer.pushed_ver ORDER BY offer.sku LIMIT %s FOR NO KEY UPDATE OF offer
"""
MARK = """
UPDATE lean.offer SET pushed_ver = sent.ver FROM unnest(%s::bigint[], %s::bigint[]) AS sent(sku, ver)
WHERE offer.sku = sent.sku AND offer.channel = %s
"""


def push_by_hand(_client: int, turn: int) -> Callable[[], int]:
    """The reference, for the crew."""
    channel = shop.found().channels[turn % shop.CHANNELS]
    connection = psycopg.connect(os.environ["DATABASE_URL"], prepare_threshold=2)

    def job() -> int:
        count, after = 0, 0
        while True:
            with connection.transaction():
                rows = connection.execute(TAKE, [channel, after, BATCH]).fetchall()
                if not rows:
                    return count
                offers = [{"sku": code, "quantity": {"unit": "EACH", "amount": quantity}} for _, code, quantity, _ in rows]
                assert msgspec.json.encode({"inventory": offers})
                connection.execute(MARK, [[row[0] for row in rows], [row[3] for row in rows], channel])
            count, after = count + len(rows), rows[-1][0]

    return job
