"""Bugs in running lanes, in pulling, in commands and in rate budgets."""

from tests.planted.plant import bug

COMMANDS = "stallkeeper.sync.order_actions"
LANES_SQL = "stallkeeper.channels.lanes_queries"
PULL = "stallkeeper.sync.orders"

bug(
    "push before pull",
    "Quantities go out before the orders of the moment are asked for.",
    "9 10",
    "stallkeeper.sync.runner:_run",
    ("in STEPS[LaneKind(held.kind)]:", 'in sorted(STEPS[LaneKind(held.kind)], key=lambda pair: pair[0] != "quantities"):'),
)
bug(
    "place moved before the page is stored",
    "A worker dies between the place and the page, and the page's orders never come.",
    "5",
    f"{PULL}:_commit",
    (
        '    result = current.commit("accept_orders", change)\n',
        "    def place(uc: UseCase) -> None:\n"
        "        with connection.cursor() as cursor:\n"
        "            lanes_queries.write_cursor(cursor, uc.organisation_id, current.held.lane_id, STEP, page.cursor, *mark)\n"
        '    current.commit("accept_orders", place)\n'
        '    result = current.commit("accept_orders", change)\n',
    ),
)
bug(
    "order that fails is forgotten",
    "An order that cannot be taken in is not parked.",
    "5 10",
    f"{PULL}:_commit",
    ('        parking.park(uc, current.connection, "order", parked)\n', ""),
)
bug(
    "parked orders are never asked for again",
    "What could not be read once is not read again.",
    "5 10",
    "stallkeeper.sync.parked_orders:ask_again",
    ("[:AT_ONCE]", "[:0]"),
)
bug(
    "watermark of a pull that is not done",
    "The orders count as read although pages are missing.",
    "5 9 10",
    f"{PULL}:pull",
    ("begun = begun or asked\n", "begun = begun or asked\n        current.watermark = asked\n"),
)
bug(
    "unknown outcome repeated",
    "The reply to a shipment is lost, and it is told again without asking.",
    "11",
    f"{COMMANDS}:drive",
    ("return _later(current, command, error, CommandState.SENT)", "return _later(current, command, error, CommandState.QUEUED)"),
)
bug(
    "sent command repeated after a crash",
    "A worker dies in a call, and the next one makes it again without asking.",
    "11",
    f"{COMMANDS}:drive",
    ("if known is CommandState.SENT:", "if known is None:"),
)
bug(
    "command marked after the call",
    "A worker dies between a call and its mark, and the next one makes it again.",
    "11",
    f"{COMMANDS}:drive",
    (
        "        _mark_sent(current, command)\n        outcome = _call(current, payload)\n",
        "        outcome = _call(current, payload)\n        _mark_sent(current, command)\n",
    ),
)
bug(
    "unknown outcome counts as done",
    "The reply to a shipment is lost, and it counts as told.",
    "11",
    f"{COMMANDS}:drive",
    ("return _later(current, command, error, CommandState.SENT)", "return _finish(current, command, Accepted())"),
)
bug(
    "effect read off the wrong quantity",
    "A second parcel counts as told because the first one was.",
    "11",
    f"{COMMANDS}:still_to_tell",
    ("reached.get(line.line_id, 0) - before.get(line.line_id, 0)", "reached.get(line.line_id, 0)"),
)
bug(
    "commands of an order overtake each other",
    "A shipment goes out while its acknowledgement is still under way.",
    "11 10",
    "stallkeeper.sync.queries:FREE",
    ("AND earlier.id < command.id", "AND earlier.id < command.id AND false"),
)
bug(
    "switched off and sending all the same",
    "A person switches sending off, and acknowledgements and shipments that wait go out.",
    "10",
    f"{COMMANDS}:_mark_sent",
    ("        if not queries.may_write(cursor, current.connection.pk):\n            raise SwitchedOff\n", ""),
)
bug(
    "refused command tells nobody",
    "The channel refuses a shipment, and no person hears of it.",
    "10",
    f"{COMMANDS}:_end",
    ("            _tell(uc, current, command)\n", "            pass\n"),
)
bug(
    "epoch ignored",
    "A worker that was frozen and lost its lane writes all the same.",
    "9 11",
    f"{LANES_SQL}:guard",
    ("AND epoch = %s AND claimed_by = %s", "AND (epoch = %s OR true) AND (claimed_by = %s OR true)"),
)
bug(
    "lane taken from a living worker",
    "Two workers run one lane: heartbeats are not looked at.",
    "9 11",
    f"{LANES_SQL}:claim",
    ("(claimed_by = '' OR {SILENT})", "(claimed_by = '' OR {SILENT} OR true)"),
)
bug(
    "silent worker keeps its lane",
    "A worker dies and nobody ever takes its lane over.",
    "5 10",
    f"{LANES_SQL}:claim",
    ("(claimed_by = '' OR {SILENT})", "(claimed_by = '' OR ({SILENT} AND false))"),
)
bug(
    "tick defers nothing",
    "A wake-up is lost, and no tick makes up for it.",
    "5 10",
    "stallkeeper.sync.wake:defer_due",
    ("for ready in due]", "for ready in due[:0]]"),
)
bug(
    "due long after it is due",
    "A lane that has work sleeps until the last of its reasons.",
    "5 10 late",
    "stallkeeper.sync.runner:next_due",
    ("return max(min([at + IDLE, *moments]), at)", "return max([at + IDLE * 60, *moments])"),
)
bug(
    "reading back reads nothing",
    "An old push that lands late is never found.",
    "9 10",
    "stallkeeper.sync.verify:verify",
    (
        "following = belief_queries.next_offers(cursor, channels, after, size)",
        "following = belief_queries.next_offers(cursor, channels, after, 0)",
    ),
)
bug(
    "unknown offers never read",
    "What nobody knows is never looked at, so it is never sent.",
    "10",
    "stallkeeper.sync.observe:observe",
    ("items += read(current, unknown, Priority.ORDER).items", "break"),
)
bug(
    "unknown outcome counts as accepted",
    "The reply to a write is lost, and its figures count as shown.",
    "9 10",
    "stallkeeper.sync.push:_unknown",
    (
        "delivery.leave_unknown(uc, batch, error.detail, current.number())",
        "delivery.record(uc, batch, {item.ref: __import__('stallkit.types').types.Accepted() for item in batch.items}, current.number())",
    ),
)
bug(
    "answer to a call slept through",
    "We were asked to wait, and call again at once.",
    "19",
    "stallkeeper.sync.budgets:PgPacer.block",
    ("now + timedelta(seconds=seconds))", "now)"),
)
bug(
    "budget spent twice",
    "Two calls are paid with one token.",
    "19",
    "stallkeeper.sync.budgets:PgPacer._take",
    ("    return wait", "    return 0.0"),
)
bug(
    "waiting time of a 429 not read",
    "Retry-After is cut to a second.",
    "19",
    "stallkit.http:retry_after",
    ("min(max(seconds, 1.0), 6 * 3600.0)", "min(seconds, 1.0)"),
)
bug(
    "overlap dropped",
    "An order that the list showed late is never seen.",
    "5",
    "stallkit.adapters.dummy.adapter:Adapter.pull_orders",
    ("wire.Cursor(page.as_of - self._overlap)", "wire.Cursor(page.as_of)"),
)
bug(
    "unknown word fails the page",
    "One order in a state that nobody knows keeps all others from coming in.",
    "5 18 error",
    "stallkit.rows:parse_each",
    ("            parked.append(Parked(id_of(body), str(error), body))\n", "            raise TypeError(str(error)) from error\n"),
)
bug(
    "lost reply taken for no call",
    "A write whose reply was lost counts as not made.",
    "9 11 10",
    "stallkit.http:Door._failure",
    ("kind = OutcomeUnknown if request.writes else TryLater", "kind = TryLater"),
)
bug(
    "failure after the effect taken for no call",
    "The platform fails after it has done what we asked, and we ask again.",
    "9 11 10",
    "stallkit.http:default_error",
    ("kind = OutcomeUnknown if reply.writes else TryLater", "kind = TryLater"),
)
