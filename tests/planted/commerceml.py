"""Bugs in the exchange with 1C."""

from tests.planted.plant import bug

EXCHANGE = "stallkeeper.sync.exchange"
QUERIES = f"{EXCHANGE}.queries"

bug(
    "changes of 1C taken for everything",
    "A packet of changes says what is gone: what did not change goes to zero.",
    "20",
    f"{EXCHANGE}.imports:_work",
    ("whole=packet.whole and file.name == UNNUMBERED", "whole=file.name == UNNUMBERED"),
)
bug(
    "order handed over before success",
    "What 1C has been given counts as what it has, and an order whose reply was lost never comes again.",
    "20",
    f"{EXCHANGE}.handover:_offer",
    (
        "orders_given=len(given), last_at=uc.at)",
        "orders_given=len(given), last_at=uc.at)\n        queries.confirm_orders(cursor, exchange.pk, session.pk, uc.at)",
    ),
)
bug(
    "piece of a file appended twice",
    "A piece whose reply was lost comes again, and stands in the file twice.",
    "20",
    f"{EXCHANGE}.uploads:_add",
    ("if last is not None and last.digest == digest:", "if False:"),
)
bug(
    "one warehouse of 1C taken for all",
    "Of several of 1C's places that are one of ours, the first counts for all.",
    "20",
    f"{EXCHANGE}.figures:_Reader._quantities",
    ("(first, sum_ + quantity)", "(first, sum_ or quantity)"),
)
bug(
    "free figure taken for what lies there",
    "What 1C has reserved for our orders is missing twice.",
    "20",
    f"{EXCHANGE}.figures:_Reader._corrections",
    ("found[unit, place if place and self.mapped else home] += quantity", "found[unit, home] += 0"),
)
bug(
    "orders that 1C does not have added to its figure",
    "A free figure gets back what is promised to orders that 1C has not heard of: it is sold twice.",
    "20",
    f"{QUERIES}:_OURS",
    ("its.confirmed_at <= %(at)s AND NOT its.cancelled", "NOT its.cancelled"),
    ("false) AS handed", "true) AS handed"),
)
bug(
    "goods that left unknown to 1C lie there again",
    "An order was shipped before 1C heard of it, and its figure brings the goods back.",
    "20",
    f"{EXCHANGE}.figures:_Reader._corrections",
    ("found[unit, place] -= quantity", "found[unit, place] -= 0"),
)
bug(
    "what left before 1C read its figures taken off twice",
    "Figures of before a shipment lack what is reserved for it, and it is not added.",
    "20",
    f"{QUERIES}:promised_in_1c",
    ("e.before - e.after FROM", "0 FROM"),
)
bug(
    "figures of 1C are of now",
    "What left between the forming of a file and its arrival comes back.",
    "20",
    f"{EXCHANGE}.figures:as_of",
    ("formed = min(formed, session.begun_at)", "formed = session.last_at"),
)
bug(
    "an exchange that was given up goes on",
    "1C has begun anew, and what the hub still does for the session before comes in beside it.",
    "20",
    f"{EXCHANGE}.sessions:hold",
    ("if row.ended_at is not None:", "if False:"),
)
bug(
    "goods that have not left are gone for 1C",
    "A shipment that was taken back counts as gone for ever, as long as 1C has not booked it.",
    "20",
    f"{QUERIES}:left_unknown_to_1c",
    ("-quantity, handed, booked FROM back", "0, handed, booked FROM back"),
)
bug(
    "what 1C confirmed once is never given again",
    "A line is cancelled after 1C took the order, and it keeps what is cancelled.",
    "20",
    f"{QUERIES}:orders_due",
    ("(digest IS DISTINCT FROM confirmed OR offered IS DISTINCT FROM confirmed)", "coalesce(confirmed, '') = ''"),
)
bug(
    "an order that 1C cancelled is kept there",
    "1C reserves nothing for it any more, and it is added to its figure all the same.",
    "20",
    f"{EXCHANGE}.returned:_keep",
    ('"cancelled": document.cancelled or document.deleted', '"cancelled": False'),
)
