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
    """Against SQL that takes 1,000 changed offers, builds JSON and marks them as pushed; and against SQL that keeps the product's rows."""
    with house.open("shop_10000", partial(fill, 10_000)), crew(1) as one:
        _copy_the_log()
        contenders = {"product": partial(_product, one), "lean": partial(_lean, one), "whole": partial(_whole, one)}
        rates = alternate(2 if house.quick else 5, contenders)
        for name, kept in (("lean", "one mark an offer"), ("whole", "the same rows: five figures, todo, log of what was sent")):
            yield Result(
                "drain",
                f"offers to JSON, {BATCH:,} a call, against {kept}",
                rates["product"] / rates[name],
                "× hand-written",
                f"{rates['product']:,.0f} offers/s",
                f"{rates[name]:,.0f} offers/s",
                Goal(0.3, 0.6),
            )


def _product(client: Crew, turn: int) -> float:
    _all_waiting("public")
    seconds, (count,) = client.run(tasks.pick_and_build, {"most": BATCH, "turn": turn})
    assert count == 10_000
    return float(count / seconds)


def _all_waiting(schema: str) -> None:
    """Every offer differs from what its channel holds, and is listed."""
    offer, todo = f"{schema}.channels_offer", f"{schema}.channels_offertodo"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"UPDATE {offer} SET believed_qty = intended_qty + 1")
        connection.execute(f"DELETE FROM {todo}")
        connection.execute(
            f"""
            INSERT INTO {todo} (organisation_id, offer_id, kind, channel_id, danger, version, since)
            SELECT organisation_id, id, 'quantity', channel_id, 0, nextval('channels_todo_version'), now() FROM {offer} ORDER BY id
            """
        )
        connection.execute(f"VACUUM ANALYZE {offer}, {todo}")


def _copy_the_log() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE whole.sent_log (LIKE public.channels_sent_log INCLUDING ALL)")


def _lean(client: Crew, turn: int) -> float:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("UPDATE lean.offer SET ver = pushed_ver + 1")
        connection.execute("VACUUM ANALYZE lean.offer")
    seconds, (count,) = client.run(push_by_hand, {"turn": turn})
    assert count == 10_000
    return float(count / seconds)


def _whole(client: Crew, turn: int) -> float:
    _all_waiting("whole")
    seconds, (count,) = client.run(push_whole_by_hand, {"turn": turn})
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


TAKE_WHOLE = """
SELECT offer.id, offer.sku, offer.intended_qty
FROM whole.channels_offertodo AS todo JOIN whole.channels_offer AS offer ON offer.id = todo.offer_id
WHERE todo.channel_id = %s AND todo.kind = 'quantity'
ORDER BY todo.danger DESC, todo.version, todo.offer_id LIMIT %s FOR NO KEY UPDATE OF offer
"""
SENT_WHOLE = """
UPDATE whole.channels_offer AS offer SET sent_qty = sent.qty, sent_at = now() FROM unnest(%s::bigint[], %s::int[]) AS sent(id, qty)
WHERE offer.id = sent.id
"""
ACCEPTED_WHOLE = """
WITH accepted AS (
    UPDATE whole.channels_offer AS offer
    SET accepted_qty = sent.qty, accepted_at = now(), believed_qty = sent.qty, refused_qty = NULL, refused_code = '', refused_message = '',
        refused_at = NULL
    FROM unnest(%s::bigint[], %s::int[]) AS sent(id, qty) WHERE offer.id = sent.id
    RETURNING offer.id, offer.organisation_id, sent.qty, offer.intended_qty
), ended AS (
    DELETE FROM whole.channels_offertodo AS todo USING accepted
    WHERE todo.offer_id = accepted.id AND todo.kind = 'quantity' AND accepted.intended_qty = accepted.qty
)
INSERT INTO whole.sent_log (organisation_id, at, offer_id, kind, value, outcome, detail, run_id)
SELECT organisation_id, now(), id, 'quantity', qty, 'accepted', '', 0 FROM accepted
"""


def push_whole_by_hand(_client: int, turn: int) -> Callable[[], int]:
    """The reference that keeps the same rows, in two transactions as well: written down before the call, and after it."""
    channel = shop.found().channels[turn % shop.CHANNELS]
    connection = psycopg.connect(os.environ["DATABASE_URL"], prepare_threshold=2)

    def job() -> int:
        count = 0
        while True:
            with connection.transaction():
                rows = connection.execute(TAKE_WHOLE, [channel, BATCH]).fetchall()
                if not rows:
                    return count
                ids, values = [row[0] for row in rows], [row[2] for row in rows]
                connection.execute(SENT_WHOLE, [ids, values])
            offers = [{"sku": code, "quantity": {"unit": "EACH", "amount": quantity}} for _, code, quantity in rows]
            assert msgspec.json.encode({"inventory": offers})
            with connection.transaction():
                connection.execute(ACCEPTED_WHOLE, [ids, values])
            count += len(rows)

    return job
