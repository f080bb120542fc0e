"""Every check of the model broken by hand, one at a time: it says exactly that, and nothing else is said.

Breaks are raw SQL behind the product's back (constraints and triggers that stand in the way are taken down first, for the length of the
test), a change in the stall's own books, or a thing that is told and was not so.
"""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction

from tests.db.simulation.conftest import Watched


class Undone(Exception):
    """Takes a break back."""


FREE_MOVEMENTS = "ALTER TABLE stock_movement DISABLE TRIGGER USER;"
FREE_HISTORY = "ALTER TABLE stock_reservation_event DISABLE TRIGGER USER;"
FREE_LINES = """ALTER TABLE orders_orderline DROP CONSTRAINT order_line_adds_up, DROP CONSTRAINT order_line_returned,
    DROP CONSTRAINT order_line_taken_back;"""

BY_SQL = {
    "a level that no movement explains": (
        "UPDATE stock_level SET on_hand = on_hand + 2 WHERE organisation_id = %(mine)s",
        "1 10",
        "the movements add up to",
    ),
    "a movement without its level": (
        """INSERT INTO stock_movement (organisation_id, stock_unit_id, quantity, from_location_id, to_location_id, cause, reference, reason,
               actor, occurred_at, recorded_at)
           SELECT organisation_id, stock_unit_id, 1, from_location_id, to_location_id, cause, 'stray', '',
               'system', occurred_at, recorded_at
           FROM stock_movement WHERE organisation_id = %(mine)s ORDER BY id LIMIT 1""",
        "1",
        "the movements add up to",
    ),
    "allocated without a reservation": (
        "UPDATE stock_level SET allocated = allocated - 1 WHERE organisation_id = %(mine)s AND allocated > 0",
        "2 10",
        "allocated and",
    ),
    "a reservation changed without history": (
        "UPDATE stock_reservation SET quantity = quantity + 1 WHERE organisation_id = %(mine)s AND owner_id = %(line_open)s",
        "2 7",
        "its history ends at",
    ),
    "a history that starts in mid-air": (
        """INSERT INTO stock_reservation_event (organisation_id, at, stock_unit_id, location_id, owner_type, owner_id, kind, before, after,
               cause)
           SELECT organisation_id, at, stock_unit_id, location_id, owner_type, owner_id, kind, 77, after, 'stray'
           FROM stock_reservation_event WHERE organisation_id = %(mine)s AND owner_id = %(line_open)s ORDER BY id DESC LIMIT 1""",
        "2",
        "an event from 77",
    ),
    "more allocated than there is": (
        """ALTER TABLE stock_level DROP CONSTRAINT level_allocated_within_on_hand;
           UPDATE stock_level SET allocated = on_hand + 1 WHERE organisation_id = %(mine)s AND allocated > 0""",
        "2 3 10",
        "no backorder there",
    ),
    "a shortage that nobody sees": (
        "UPDATE orders_shortage SET resolved_at = detected_at, quantity = 0 WHERE organisation_id = %(mine)s",
        "3",
        "its open shortage says 0",
    ),
    "a shortage with the wrong moment": (
        "UPDATE orders_shortage SET sold_at = sold_at - interval '1 hour' WHERE organisation_id = %(mine)s",
        "3",
        "its shortage says sold at",
    ),
    "an order that exists twice": (
        """ALTER TABLE orders_order DROP CONSTRAINT order_once;
           INSERT INTO orders_order (organisation_id, connection_id, channel_id, external_id, number, state, remote_state, fulfilled_by,
               ordered_at, fetched_at, imported_at, currency, digest, at_cutover)
           SELECT organisation_id, connection_id, channel_id, external_id, number, state, remote_state, fulfilled_by, ordered_at,
               fetched_at, imported_at, currency, digest, at_cutover
           FROM orders_order WHERE organisation_id = %(mine)s ORDER BY id LIMIT 1""",
        "5 8 11",
        "exists 2 times",
    ),
    "an order that its account does not have": (
        "UPDATE orders_order SET external_id = 'elsewhere' WHERE organisation_id = %(mine)s AND external_id = %(number)s",
        "5",
        "is not one of",
    ),
    "a line that exists twice": (
        """ALTER TABLE orders_orderline DROP CONSTRAINT order_line_once;
           INSERT INTO orders_orderline (organisation_id, order_id, line_id, sku, external_offer_id, title, pack_factor, ordered, cancelled,
               shipped, returned, refunded, cancel_requested, short)
           SELECT organisation_id, order_id, line_id, sku, '', '', 1, 1, 0, 0, 0, 0, 0, 0 FROM orders_orderline
           WHERE id = %(line_open)s""",
        "5",
        "exists 2 times",
    ),
    "an order that went back in time": (
        """UPDATE orders_order SET remote_modified_at = remote_modified_at - interval '1 minute'
           WHERE organisation_id = %(mine)s AND external_id = %(number)s""",
        "6",
        "went back from its state of",
    ),
    "an order that went back to an older fetch": (
        """UPDATE orders_order SET fetched_at = fetched_at - interval '1 minute'
           WHERE organisation_id = %(mine)s AND external_id = %(number)s""",
        "6",
        "went back from a fetch of",
    ),
    "a shipment that came back": (
        "UPDATE orders_orderline SET shipped = 0, cancelled = ordered WHERE id = %(line_gone)s",
        "1 6",
        "had left, of which the channel took back 0; now 0",
    ),
    "a shipment that was taken back and stays away": (
        """UPDATE orders_orderline SET taken_back = 3 WHERE id = %(line_gone)s;
           UPDATE orders_orderline SET shipped = 0, taken_back = 0, cancelled = ordered WHERE id = %(line_gone)s""",
        "1 6",
        "lines have shipped -3 units, 0 have left the shelf",
    ),
    "an order that is shipped and not shipped": (
        """UPDATE orders_order SET state = 'shipped' WHERE organisation_id = %(mine)s AND external_id = %(number)s;
           INSERT INTO channels_command (organisation_id, connection_id, kind, subject_type, subject_id, key, payload, state, attempts,
               not_before, created_at, code, message)
           SELECT organisation_id, connection_id, 'ship', 'order', id, 'stray', '{}', 'done', 1, now(), now(), '', ''
           FROM orders_order WHERE organisation_id = %(mine)s AND external_id = %(number)s""",
        "6 17",
        "is shipped after a shipment, and 2 units of it are open",
    ),
    "a shortage that never was": (
        """INSERT INTO orders_shortage
               (organisation_id, line_id, stock_unit_id, quantity, worst, sold_at, detected_at, resolved_at, verdict)
           SELECT line.organisation_id, line.id, line.stock_unit_id, 0, 1, o.ordered_at, now(), now(), 'open'
           FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id WHERE line.id = %(line_open)s""",
        "3",
        "was seen and closed at once",
    ),
    "a line that orders another number": (
        "UPDATE orders_orderline SET ordered = 5, cancelled = 2 WHERE id = %(line_gone)s",
        "6",
        "were ordered, now 5",
    ),
    "more gone than was ordered": (
        FREE_LINES + "UPDATE orders_orderline SET shipped = 4, cancelled = 1 WHERE id = %(line_gone)s",
        "1 7",
        "ordered 3, cancelled 1, shipped 4",
    ),
    "more returned than was shipped": (
        FREE_LINES + "UPDATE orders_orderline SET returned = 4 WHERE id = %(line_gone)s",
        "7",
        "4 returned",
    ),
    "a line that holds less than it is owed": (
        """WITH gone AS (DELETE FROM stock_reservation WHERE id = (SELECT max(id) FROM stock_reservation WHERE owner_id = %(line_open)s)
                         RETURNING *)
           INSERT INTO stock_reservation_event (organisation_id, at, stock_unit_id, location_id, owner_type, owner_id, kind, before, after,
               cause)
           SELECT organisation_id, created_at, stock_unit_id, location_id, owner_type, owner_id, kind, quantity, 0, 'stray' FROM gone""",
        "2 7",
        "should hold",
    ),
    "an offer that counts other open units": (
        "UPDATE channels_offer SET open_qty = open_qty + 1 WHERE id = %(offer)s",
        "7",
        "its orders have",
    ),
    "money that the channel did not ask": (
        """UPDATE orders_amount SET amount = amount + 0.0001 WHERE line_id = %(line_open)s AND kind = 'product';
           UPDATE orders_order SET number = number WHERE organisation_id = %(mine)s""",
        "8",
        "for the goods, the channel says",
    ),
    "money in another currency": (
        """UPDATE orders_amount SET currency = 'GBP' WHERE line_id = %(line_open)s;
           UPDATE orders_order SET number = number WHERE organisation_id = %(mine)s""",
        "8",
        "has amounts in GBP",
    ),
    "a belief out of nowhere": (
        "UPDATE channels_offer SET believed_qty = coalesce(believed_qty, 0) + 5 WHERE id = %(offer)s",
        "9 10",
        "own units have moved",
    ),
    "accepted, and not in the log": (
        "UPDATE channels_offer SET accepted_at = accepted_at + interval '1 second' WHERE id = %(offer)s",
        "9",
        "the log of what was sent does not say so",
    ),
    "accepted what was not sent": (
        """INSERT INTO channels_sent_log (organisation_id, at, offer_id, kind, value, outcome)
           SELECT organisation_id, accepted_at, id, 'quantity', 99, 'accepted' FROM channels_offer WHERE id = %(offer)s;
           UPDATE channels_offer SET accepted_qty = 99, accepted_at = accepted_at + interval '1 second' WHERE id = %(offer)s""",
        "9",
        "counts as accepted, sent was",
    ),
    "meant to show another number": (
        "UPDATE channels_offer SET intended_qty = 8 WHERE id = %(offer)s",
        "10",
        "by the rules it is",
    ),
    "a difference that nobody sends": (
        "UPDATE channels_offer SET believed_qty = NULL WHERE id = %(offer)s",
        "10",
        "nobody is going to send it",
    ),
    "listed for another channel": (
        """INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
           SELECT organisation_id, id, 'quantity', channel_id + 1, 0, 1, now() FROM channels_offer WHERE id = %(offer)s""",
        "10",
        "listed to be sent on channel",
    ),
    "a movement that vanished": (
        FREE_MOVEMENTS + "DELETE FROM stock_movement WHERE organisation_id = %(mine)s AND cause = 'ship'",
        "12",
        "stock_movement has",
    ),
    "an order that vanished": (
        """DELETE FROM orders_amount WHERE order_id IN (SELECT order_id FROM orders_orderline WHERE id = %(line_gone)s);
           DELETE FROM fulfilment_shipmentline WHERE line_id = %(line_gone)s;
           DELETE FROM orders_shortage WHERE line_id = %(line_gone)s;
           DELETE FROM orders_orderline WHERE id = %(line_gone)s""",
        "8 12",
        "orders_orderline has",
    ),
    "a command that nobody was seen to want": (
        """INSERT INTO channels_command (organisation_id, connection_id, kind, subject_type, subject_id, key, payload, state, attempts,
               not_before, created_at, code, message)
           SELECT organisation_id, connection_id, 'cancel', 'order', order_id, 'stray', '{}', 'queued', 0, now(), now(), '', ''
           FROM orders_order JOIN orders_orderline AS line USING (organisation_id)
           WHERE line.id = %(line_open)s AND order_id = orders_order.id""",
        "17",
        "the audit says nothing of it",
    ),
    "an acknowledgement that is meant twice": (
        """INSERT INTO channels_command (organisation_id, connection_id, kind, subject_type, subject_id, key, payload, state, attempts,
               not_before, created_at, code, message)
           SELECT organisation_id, connection_id, kind, subject_type, subject_id, 'again', payload, state, 0, now(), now(), '', ''
           FROM channels_command WHERE organisation_id = %(mine)s AND kind = 'acknowledge' ORDER BY id LIMIT 1""",
        "11",
        "we mean to acknowledge it 2 times",
    ),
    "the same entry of the audit twice": (
        """INSERT INTO core_auditentry (organisation_id, at, actor, action, subject_type, subject_id, detail, digest)
           SELECT organisation_id, at, actor, action, subject_type, subject_id, detail, digest FROM core_auditentry, generate_series(1, 2)
           WHERE id = (SELECT max(id) FROM core_auditentry WHERE organisation_id = %(mine)s)""",
        "17",
        "the audit says 2 times in one commit",
    ),
    "rules that nobody changed": (
        "UPDATE channels_channel SET currency = currency, allow_splits = NOT allow_splits WHERE organisation_id = %(mine)s",
        "17",
        "have changed, and the audit says nothing of it",
    ),
    "goods that left for no order": (
        """INSERT INTO stock_movement (organisation_id, stock_unit_id, quantity, from_location_id, to_location_id, cause, reference, reason,
               actor, occurred_at, recorded_at)
           SELECT organisation_id, stock_unit_id, 1, from_location_id, to_location_id, 'ship', 'stray', '', 'system', occurred_at,
               recorded_at FROM stock_movement WHERE organisation_id = %(mine)s AND cause = 'ship' ORDER BY id LIMIT 1;
           UPDATE stock_level SET on_hand = on_hand - 1 WHERE organisation_id = %(mine)s
               AND stock_unit_id = (SELECT stock_unit_id FROM stock_movement WHERE reference = 'stray')""",
        "1 10",
        "lines have shipped 0 units, 1 have left the shelf",
    ),
    "a line that was shipped from nowhere": (
        "UPDATE orders_orderline SET shipped = 1 WHERE id = %(line_open)s",
        "1 7",
        "lines have shipped 1 units, 0 have left the shelf",
    ),
    "goods that came and served nobody": (
        """INSERT INTO stock_movement (organisation_id, stock_unit_id, quantity, from_location_id, to_location_id, cause, reference, reason,
               actor, occurred_at, recorded_at)
           SELECT organisation_id, line.stock_unit_id, 3, from_location_id, to_location_id, 'receipt', 'stray', '', 'system', occurred_at,
               recorded_at FROM stock_movement JOIN orders_orderline AS line USING (organisation_id)
           WHERE line.id = %(line_short)s AND cause = 'adjust' ORDER BY stock_movement.id LIMIT 1;
           UPDATE stock_level SET on_hand = on_hand + 3 WHERE organisation_id = %(mine)s
               AND stock_unit_id = (SELECT stock_unit_id FROM orders_orderline WHERE id = %(line_short)s)""",
        "3 10",
        "and units are free at",
    ),
    "a cut that took from the earliest": (
        """UPDATE stock_reservation SET due_at = due_at + interval '9 days' WHERE owner_id = %(line_open)s;
           INSERT INTO stock_reservation_event (organisation_id, at, stock_unit_id, location_id, owner_type, owner_id, kind, before, after,
               cause)
           SELECT organisation_id, created_at, stock_unit_id, location_id, owner_type, owner_id, kind, quantity, quantity - 1, 'stray'
           FROM stock_reservation WHERE owner_id = %(line_short)s;
           UPDATE stock_reservation SET quantity = quantity - 1 WHERE owner_id = %(line_short)s;
           UPDATE stock_level SET allocated = allocated - 1 WHERE organisation_id = %(mine)s
               AND stock_unit_id = (SELECT stock_unit_id FROM orders_orderline WHERE id = %(line_short)s);
           UPDATE orders_orderline SET short = short + 1 WHERE id = %(line_short)s;
           UPDATE orders_shortage SET quantity = quantity + 1, worst = worst + 1 WHERE line_id = %(line_short)s""",
        "3 10",
        "lost units that line",
    ),
    "a shipment told before its acknowledgement": (
        """UPDATE channels_command SET state = 'queued' WHERE organisation_id = %(mine)s AND kind = 'acknowledge';
           UPDATE channels_command SET state = 'sent', attempts = attempts + 1 WHERE organisation_id = %(mine)s AND kind = 'ship'""",
        "11",
        "goes out while acknowledge",
    ),
    "a refusal that is only in the log": (
        """INSERT INTO channels_sent_log (organisation_id, at, offer_id, kind, value, outcome)
           SELECT organisation_id, accepted_at, id, 'quantity', 77, 'rejected' FROM channels_offer WHERE id = %(offer)s""",
        "10",
        "the offer says it refused None",
    ),
    "a refusal without words": (
        "UPDATE channels_offer SET refused_qty = 3, refused_at = accepted_at, refused_message = '' WHERE id = %(offer)s",
        "10",
        "nobody can see why",
    ),
    "an account that was lost in silence": (
        "UPDATE channels_connection SET state = 'needs_reconnect' WHERE organisation_id = %(mine)s",
        "10",
        "must be connected again, and nobody is told",
    ),
    "a shipment told while nothing may be written": (
        """UPDATE channels_connection SET writes_allowed = false WHERE organisation_id = %(mine)s;
           UPDATE channels_command SET sent_at = sent_at + interval '1 day' WHERE organisation_id = %(mine)s AND kind = 'ship'""",
        "10 17",
        "nothing may be written to account",
    ),
    "a run written by a worker that had lost its lane": (
        """INSERT INTO channels_run (organisation_id, lane_id, epoch, started_at, ended_at, outcome, error, steps)
           SELECT organisation_id, id, epoch - 1, last_started_at, last_started_at + interval '1 second', 'ok', '', '[]' FROM channels_lane
           WHERE organisation_id = %(mine)s AND kind = 'trade' AND last_started_at IS NOT NULL ORDER BY id LIMIT 1""",
        "9",
        "was lost, and its worker went on",
    ),
    "a way that costs something else": (
        """UPDATE orders_amount SET amount = amount + 1 WHERE organisation_id = %(mine)s AND kind = 'shipping';
           UPDATE orders_order SET number = number WHERE organisation_id = %(mine)s""",
        "8",
        "for the way, the channel says",
    ),
}


def test_the_tables_are_broken(watched: Watched) -> None:
    """One morning serves all: each break is undone, and a new model looks at the next."""
    failed = {}
    for name, (statement, numbers, words) in BY_SQL.items():
        with suppress(Undone), transaction.atomic():
            watched.watch()
            watched.sql(statement, number=watched.orders["open"])
            found = watched.truth.after_commit("the break")
            if {breach.invariant for breach in found} != set(numbers.split()) or words not in " | ".join(map(str, found)):
                failed[name] = [str(breach) for breach in found]
            raise Undone
    assert failed == {}, "\n".join(f"{name}: {texts}" for name, texts in failed.items())
