"""Bugs in taking orders in, in cancelling, and in goods that leave."""

from tests.planted.plant import bug

SNAPSHOTS = "stallkeeper.orders.snapshots"
PAGE = "stallkeeper.orders.page"
SHIP = "stallkeeper.fulfilment.ship"

bug(
    "stale snapshot accepted",
    "An order goes back to a state that it has left.",
    "6",
    f"{SNAPSHOTS}:is_news",
    ("return order.modified_at > known.remote_modified_at", "return True"),
)
bug(
    "unknown article drops the order",
    "An order with one line that nobody linked never comes in.",
    "5",
    f"{PAGE}:open_page",
    (
        "for external in sorted([*page.fresh, *page.states])}",
        "for external in sorted([*page.fresh, *page.states]) if all(page.mapped(latest[external]))}",
    ),
)
bug(
    "second line of an article dropped",
    "The same article twice in one order comes in once.",
    "5 7 8 error",
    "stallkeeper.orders.entering:_lines",
    (
        "            rows.append((new_id, *row))\n",
        "            if any(known[1] == order_id and known[3] == row[2] for known in rows):\n                continue\n"
        "            rows.append((new_id, *row))\n",
    ),
)
bug(
    "order's own charges dropped",
    "Shipping and discounts of the order are not kept.",
    "8",
    f"{SNAPSHOTS}:amount_rows",
    ("for charge in order.charges]", "for charge in order.charges[:0]]"),
)
bug(
    "amounts of the old snapshot kept",
    "A changed order has its money twice.",
    "8",
    "stallkeeper.orders.intake:_take_over",
    ("        queries.delete_amounts(page.cursor, [row.id for row in still])\n", ""),
)
bug(
    "cancelled units still held",
    "A buyer cancels and the units stay promised.",
    "7",
    f"{PAGE}:Page.claims",
    ("row.ordered - row.cancelled - row.shipped,\n", "row.ordered - row.shipped,\n"),
)
bug(
    "unpaid order allocates",
    "An order whose payment is not sure holds its units for good.",
    "7 5",
    "stallkeeper.orders.lines:_want",
    ("ReservationKind.PENDING if pending else ReservationKind.ALLOCATED", "ReservationKind.ALLOCATED"),
)
bug(
    "shortage not closed",
    "Goods came, the order is served, and the shortage stays on the board.",
    "3",
    "stallkeeper.orders.lines:_keep_in_step",
    ("if any(not short[line] for line in lines):", "if not lines:"),
)
bug(
    "shortage not opened",
    "A sale of what is not there is seen by nobody.",
    "3",
    "stallkeeper.orders.lines:_keep_in_step",
    ("if any(short[line] for line in lines if line in sold):", "if not lines:"),
)
bug(
    "refill serves the latest first",
    "Goods come and the order that must leave last gets them.",
    "3",
    "stallkeeper.stock.reserve:_decide",
    ("key=partial(_urgency, givers))", "key=partial(_urgency, givers), reverse=True)"),
)
bug(
    "departure without us ignored",
    "The channel says that goods have left, and the shelf keeps them.",
    "6",
    "stallkeeper.orders.departures:follow",
    ("    if not gone:\n", "    if gone or not gone:\n"),
)
bug(
    "cancelling releases nothing",
    "A person cancels and the units stay promised.",
    "7",
    "stallkeeper.orders.cancel:_settle",
    ('    lines.reset_lines(uc, sorted(wanted), cause="cancelled")\n', ""),
)
bug(
    "cancelling counts twice",
    "A cancelled unit is taken off the open units of its offer twice.",
    "7 error",
    "stallkeeper.orders.cancel:_settle",
    ("(row, -wanted[row.pk])", "(row, -2 * wanted[row.pk])"),
)
bug(
    "refused cancellation stands",
    "The channel insists on delivery, and we have given the units away.",
    "6 7",
    "stallkeeper.orders.outcomes:refused",
    ("if isinstance(payload, Cancel):", "if isinstance(payload, Cancel) and not payload:"),
)
bug(
    "shipping moves no goods",
    "The parcel leaves and the shelf stays full.",
    "1 3 7",
    "stallkeeper.orders.departures:leave",
    ("for (unit, location), quantity in sorted(taken.items())", "for (unit, location), quantity in sorted(taken.items())[:0]"),
)
bug(
    "shipped units stay open",
    "A channel that subtracts open orders is told of orders that have left.",
    "7",
    f"{SHIP}:_goods_leave",
    ("    lines.change_open(uc, order, [(row, -wanted[row.pk]) for row in shipping])\n", ""),
)
bug(
    "one word for all parcels of an order",
    "The second parcel of an order is never told to the channel.",
    "6 11",
    f"{SHIP}:key_of",
    ('f"ship:{shipment.pk}"', 'f"ship:{shipment.order_id}"'),
)
bug(
    "part of an order counts as all",
    "One of two lines has left and the order counts as shipped.",
    "6",
    f"{SHIP}:_tell_channel",
    ("Order.State.PART_SHIPPED if left else Order.State.SHIPPED", "Order.State.SHIPPED"),
)
bug(
    "goods that came back stay away",
    "A shipment is taken back and its units do not return to the shelf.",
    "1 7",
    "stallkeeper.fulfilment.not_left:_goods_return",
    ("    ledger.post(uc, moves)\n", "    ledger.post(uc, moves[:0])\n"),
)
bug(
    "acknowledgement by page",
    "Every look at a new order makes one more acknowledgement.",
    "11",
    "stallkeeper.orders.acknowledging:wanted",
    ("_key(theirs), Acknowledge", "_key(f\"{theirs}:{__import__('uuid').uuid4()}\"), Acknowledge"),
)
bug(
    "cancellation without an audit entry",
    "Nobody can see who cancelled.",
    "17",
    "stallkeeper.orders.cancel:cancel_lines",
    ('        audit.record(uc, "cancel.lines", "order", order.pk, number=order.number, **detail)\n', ""),
)
bug(
    "orders of another account taken for ours",
    "Two accounts number their orders alike, and the second order is lost.",
    "5 14",
    "stallkeeper.orders.entry_queries:ask_known_orders",
    ("WHERE connection_id = %s AND", "WHERE (connection_id = %s OR true) AND"),
)
bug(
    "past figures know no orders that came late",
    "What had been sold and not come in yet is not counted in a case file, so that nobody seems to have sold the unit twice.",
    "3",
    "stallkeeper.orders.past:gather_late",
    ("queries.late_promises(cursor, organisation_id, units, at)", "queries.late_promises(cursor, organisation_id, units[:0], at)"),
)
bug(
    "lines of one moment judged one by one",
    "A kit and its own component in one order: each alone was there, and the case file finds nobody who sold beyond.",
    "3",
    "stallkeeper.orders.past:explain_before",
    ("order.imported_at <= until]", "order.imported_at < sold_at]"),
)
