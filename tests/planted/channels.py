"""Bugs in what we believe of the channels, in sending, in tickets and in reading back."""

from tests.planted.plant import bug

DELIVERY = "stallkeeper.channels.delivery"
SENDABLE = "stallkeeper.channels.sendable"
SENT_SQL = "stallkeeper.channels.delivery_queries"
BELIEF_SQL = "stallkeeper.channels.belief_queries"
TICKETS = "stallkeeper.channels.tickets"

bug(
    "belief set from intended",
    "What we mean by now counts as what the channel accepted a moment ago.",
    "9 10",
    f"{SENT_SQL}:conclude",
    ("accepted_at = %(at)s, believed{end} = row.value", "accepted_at = %(at)s, believed{end} = figure.intended{end}"),
)
bug(
    "belief kept during a call",
    "A worker that dies in a call leaves a belief that nobody doubts.",
    "9 10",
    f"{SENT_SQL}:mark_sent",
    ('believed = "NULL" if forget else', 'believed = "NULL" if not figures else'),
)
bug(
    "own sale not subtracted",
    "The channel lowers its figure when it sells, and we believe the old one.",
    "9 10",
    f"{DELIVERY}:effect",
    ("return -sale.quantity if", "return 0 if"),
)
bug(
    "own cancellation not added",
    "The channel raises its figure when a buyer cancels, and we believe the old one.",
    "9 10",
    f"{DELIVERY}:effect",
    ("return sale.quantity if quirks.cancel_raises else 0", "return 0"),
)
bug(
    "old sale taken off a new figure",
    "A sale from before our last write is subtracted from what we wrote after it.",
    "9 10",
    f"{DELIVERY}:_order",
    ("if all(since > moment + margin for moment in rests_on):", "if rests_on or not rests_on:"),
)
bug(
    "read replaces a newer send",
    "A read that began before a call overwrites what the call made true.",
    "9 10",
    f"{BELIEF_SQL}:write_reads",
    (
        "given.value IS NOT NULL AND figure.believed{end} IS NOT DISTINCT FROM given.believed\n"
        "                       AND figure.sent_at IS NOT DISTINCT FROM given.sent_at\n",
        "given.value IS NOT NULL\n",
    ),
)
bug(
    "figure that the channel did not tell is zero",
    "A listing of which the channel tells no quantity counts as sold out.",
    "9 10",
    "stallkeeper.channels.reading:write",
    ("(known.offer_id, state.quantity, state.reserved", "(known.offer_id, state.quantity or 0, state.reserved"),
)
bug(
    "todo deleted although the intention changed",
    "A sale during a call is forgotten when the call is accepted.",
    "10",
    f"{SENT_SQL}:conclude",
    (" AND accepted.intended = accepted.value\n", "\n"),
    ("    return [row[0] for row in rows(cursor)]", "    return [row[0] for row in rows(cursor)][:0]"),
)
bug(
    "refused value sent for ever",
    "What the channel refuses goes out again and again.",
    "10 error",
    f"{SENDABLE}:needs_nothing",
    ("row.intended in (row.believed, row.refused)", "row.intended == row.believed"),
)
bug(
    "refusal swallowed",
    "The channel says no to an item and nobody can see it.",
    "10 error",
    f"{DELIVERY}:record",
    ("        if refused:\n            queries.refuse(cursor, figures, refused, uc.at)\n", ""),
)
bug(
    "refusal counts as accepted",
    "An item that the channel refused is believed to be shown.",
    "9 10",
    f"{DELIVERY}:record",
    (
        "accepted = [item for item, answer in answers if isinstance(answer, Accepted)]",
        "accepted = [item for item, answer in answers if answer]",
    ),
)
bug(
    "call that did not happen is believed",
    "A call that found nobody leaves the belief that it made its mark.",
    "9 10",
    f"{SENT_SQL}:restore",
    ("coalesce(figure.believed{end}, row.believed)", "coalesce(figure.sent{end}, row.believed)"),
)
bug(
    "unknown outcome keeps belief",
    "A reply is lost, and what held before the call is believed on.",
    "9 10",
    f"{DELIVERY}:leave_unknown",
    (
        "        queries.forget(cursor, figures, batch.ids)\n",
        "        queries.restore(cursor, figures, batch.ids, [item.was.believed for item in batch.items],"
        " [item.was.sent for item in batch.items], [item.was.sent_at for item in batch.items])\n",
    ),
)
bug(
    "more than one offer's figure in a ticket is lost",
    "A ticket resolves and items without an answer count as accepted.",
    "9 10",
    f"{TICKETS}:resolve",
    (
        "decided = [(item, outcome) for item, outcome in answers if result.done or isinstance(outcome, Accepted | Rejected)]",
        "decided = [(item, outcome or Accepted()) for item, outcome in answers]",
    ),
)
bug(
    "overtaken ticket item believed",
    "A single call overtakes a ticket, the ticket lands later, and its figure is not looked at.",
    "9 10",
    f"{TICKETS}:_doubt",
    ("if item.overtaken or not isinstance(outcome, Rejected)]", "if not isinstance(outcome, Accepted | Rejected)]"),
)
bug(
    "overtaking not written down",
    "A single call overtakes a ticket, and the ticket does not know.",
    "9 10",
    f"{DELIVERY}:_send",
    ("        if overtaking:\n", "        if overtaking and not chosen:\n"),
)
bug(
    "lost ticket waited for without end",
    "A submission whose reply was lost keeps its offers for ever.",
    "10",
    f"{TICKETS}:not_found",
    ("if ticket.in_vain + 1 < LOST_AFTER:", "if ticket.in_vain + 1 < LOST_AFTER * 1_000_000:"),
)
bug(
    "blind and sending all the same",
    "Quantities go out on orders that are hours old.",
    "4 9 10",
    "stallkeeper.sync.push:look",
    ("blind = watermark is None or now() - watermark > current.session.manifest.order_freshness", "blind = watermark is None"),
)
bug(
    "raise over a sale that was not pulled",
    "A figure that fell by itself is raised again before the orders of that time are here.",
    "4 9 10",
    f"{SENDABLE}:_waits_for_orders",
    ("    fell = row.observed < row.accepted and", "    fell = row.observed < row.accepted - 1_000_000 and"),
)
bug(
    "hold added, not set",
    "Units that are held already are held once more with each look.",
    "2 10",
    "stallkeeper.channels.observed:settle",
    ("if (extra := sight.missing - _units(seen.holds, sight.offer.offer_id)) > 0", "if (extra := sight.missing) > 0"),
)
bug(
    "order does not take its hold over",
    "A sale is kept back twice: for its order, and because the figure fell.",
    "2",
    "stallkeeper.channels.observed:explained",
    ("if some > 0:", "if some > 1_000_000:"),
)
bug(
    "hold without an order never ends",
    "A figure that somebody typed keeps units back for ever.",
    "2",
    "stallkeeper.channels.observed:lapse",
    ("if hold.expires_at is not None and hold.expires_at <= uc.at]", "if hold.expires_at is None]"),
)
bug(
    "hold ends and its units stay",
    "A hold is over, and its reservation is not given up.",
    "2",
    "stallkeeper.channels.observed:_end",
    ("    _reserve(uc, cursor, [(hold.id, hold.offer_id, keep) for hold in holds], ending)\n", ""),
)
bug(
    "figure that fell is new at every look",
    "Whoever looks all the time never sends over a fall, because its orders never seem to have been pulled.",
    "10",
    "stallkeeper.channels.belief_queries:SINCE",
    ("THEN coalesce(figure.observed_since, figure.observed_at) ELSE", "THEN %(at)s ELSE"),
)
bug(
    "missing listing forgotten",
    "The channel has no such offer, and nobody is told: it is read again without end.",
    "10 hang",
    "stallkeeper.channels.reading:write",
    ("    if missing:\n", "    if missing and not read:\n"),
)
bug(
    "resync forgets to list",
    "A person has everything sent anew, and nothing is listed for it.",
    "10",
    f"{DELIVERY}:distrust",
    ("            queries.settle(cursor, figures, offers, uc.at)\n", ""),
)

bug(
    "category before product",
    "What a category says counts before what the product itself says.",
    "10",
    "stallkeeper.channels.overriding:apply",
    ("(found.category, found.product)", "(found.product, found.category)"),
)
bug(
    "product moves without its offers",
    "A product comes into a category that has rules of its own, and its offers go on by the old ones.",
    "10",
    "stallkeeper.catalog.products:update_product",
    ("uc.mark(STALE, [unit.pk for unit in units])", "uc.mark(STALE, [])"),
)
bug(
    "velocity forgets packs",
    "An order of a pack counts as one unit among the last hour's sales.",
    "10",
    "stallkeeper.orders.page:Page.taken",
    ("number * row.pack_factor * units", "number * units"),
)
bug(
    "sales pass without their offers",
    "The hour is over, and the units kept back for it are not shown again.",
    "10",
    "stallkeeper.channels.velocity:lapse",
    ("uc.mark(STALE, units)", "uc.mark(STALE, units[:0])"),
)
