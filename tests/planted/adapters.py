"""Bugs in the adapters of Wildberries, Ozon and Yandex Market: what each of these platforms does otherwise than others.

What the adapters do alike is planted with the engine (``sync``): lost replies, quotas, pages.
"""

from tests.planted.plant import bug

WB = "stallkit.adapters.wildberries"
OZON = "stallkit.adapters.ozon"
YANDEX = "stallkit.adapters.yandex_market"

bug(
    "Wildberries: what a refused call spared counts as taken",
    "A 409 names the items at fault, nothing of the call was taken, and the others count as accepted.",
    "9 10",
    f"{WB}.adapter:Adapter._put_stock",
    ("outcomes |= refused_stock(reply, refs)", "outcomes |= {**dict.fromkeys(refs, Accepted()), **refused_stock(reply, refs)}"),
)
bug(
    "Wildberries: each unit an order of its own",
    "The units of one basket come in as so many orders.",
    "5",
    f"{WB}.wire_orders:Unit.basket",
    ("return self.orderUid or str(self.id)", "return str(self.id)"),
)
bug(
    "Wildberries: two of a size count as one",
    "Assembly orders of one size in one basket make a line of one unit.",
    "5 7",
    f"{WB}.wire_orders:_line",
    ("ordered=len(units)", "ordered=1"),
)
bug(
    "Wildberries: its own word on a unit is not heard",
    "A buyer cancels a unit, Wildberries receives it or sorts it out, and only what the seller did counts.",
    "5 6 9 10",
    f"{WB}.wire_orders:fate_of",
    ("return WB[status.wbStatus] or SUPPLIER[status.supplierStatus]", "return SUPPLIER[status.supplierStatus]"),
)
bug(
    "Wildberries: waiting time of a 429 not read",
    "It stands in a header of its own, and is cut to a second.",
    "19",
    f"{WB}.calls:_wait",
    ("return min(max(seconds, 1.0), 24 * 3600.0)", "return 1.0"),
)

bug(
    "Ozon: figures of another warehouse believed",
    "The list of figures has a row for each warehouse, and the last one counts.",
    "9 10",
    f"{OZON}.adapter:Adapter.read_states",
    (" if str(row.warehouse_id) == warehouse}", "}"),
)
bug(
    "Ozon: no to an item is a yes",
    "The call went well, and what it says of each product is not looked at.",
    "9 10",
    f"{OZON}.wire:outcome_of",
    ("if result.updated and not result.errors:", "if result.offer_id:"),
)
bug(
    "Ozon: parts of a posting are new sales",
    "A posting is cut up, and its units take stock once more.",
    "2 5 7 9 10",
    f"{OZON}.wire_orders:parse_posting",
    ('split_from="" if parent == posting.posting_number else parent', 'split_from=""'),
)
bug(
    "Ozon: taken in is packed",
    "A posting is packed some time after the call, or not at all, and the answer to the call counts as proof.",
    "6 11",
    f"{OZON}.adapter:Adapter._pack",
    ('return NotNow(steps.PACKING_PAUSE, "Ozon is packing it")', "return Accepted()"),
)

bug(
    "Yandex Market: what a refused call spared counts as taken",
    "One bad SKU refuses the whole call; the others are not sent again.",
    "9 10",
    f"{YANDEX}.adapter:Adapter._write_all",
    ("if spared:", "if spared is None:"),
)
bug(
    "Yandex Market: reserved units count as for sale",
    "FIT is read, which holds what the Market has frozen for orders.",
    "9 10",
    f"{YANDEX}.wire:parse_state",
    ('figures.get("AVAILABLE")', 'figures.get("FIT")'),
)
bug(
    "Yandex Market: a figure that is not shown yet is not believed",
    "The shop window shows a new figure minutes later, and the old one is believed again.",
    "9 10",
    "stallkeeper.sync.observe:_settled",
    (
        "doubtful = known.sent_at is not None and asked - known.sent_at < late",
        "doubtful = known.sent_at is not None and asked < known.sent_at",
    ),
)
bug(
    "Yandex Market: waiting time of a 420 not read",
    "It stands in a header of its own, as a date, and is cut to a second.",
    "19",
    f"{YANDEX}.session:Session._wait",
    ("return DEFAULT_RETRY_AFTER if math.isnan(seconds) else min(max(seconds, 1.0), LONGEST_WAIT)", "return 1.0"),
)
bug(
    "Yandex Market: 420 is a refusal",
    "Whoever is asked to slow down takes it for a no, and calls again at once.",
    "10 11 19",
    f"{YANDEX}.session:Session._read_error",
    (
        'return SlowDown(f"the Market\'s limit is used up (420): {words_of(reply)}", retry_after=self._wait(reply), status=TOO_MANY)',
        'return Refused(words_of(reply), code="420", status=TOO_MANY)',
    ),
)
