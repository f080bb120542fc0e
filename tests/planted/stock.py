"""Bugs in stock, catalog and in what an offer should show."""

from tests.planted.plant import bug

RESERVE = "stallkeeper.stock.reserve"
STOCK_SQL = "stallkeeper.stock.queries"
LEDGER = "stallkeeper.stock.ledger"
SHOWN = "stallkeeper.stock.availability"
REFRESH = "stallkeeper.channels.refresh"

bug(
    "level lock removed",
    "Two reservations read the same free units and both promise them.",
    "2 3 error",
    f"{STOCK_SQL}:LOCK_LEVELS",
    ("    FOR NO KEY UPDATE\n", ""),
)
bug(
    "facts gathered before the lock",
    "A refresh works with levels that it read before it had the offers: another sale is lost.",
    "10",
    f"{REFRESH}:refresh",
    (
        '    crash.point("within:refresh:lock")\n',
        '    early = queries.gather_places(np.unique(queries.read_offers_of_units(unit_ids)["unit"]))\n'
        '    crash.point("within:refresh:lock")\n',
    ),
    ("offers, None, touched", "offers, early, touched"),
)
bug(
    "no refresh before the commit",
    "Stock changes and the offers learn of it by the nightly look.",
    "10",
    f"{REFRESH}:refresh_marked",
    ("    units = uc.take(STALE)\n", "    units = uc.take(STALE)[:0]\n"),
)
bug(
    "kit not refreshed with its component",
    "A component is sold and the kit still offers it.",
    "10",
    "stallkeeper.channels.queries:ask_offers_of_units",
    ("component_id = ANY(%(units)s::bigint[])))", "component_id = ANY(%(units)s::bigint[]) AND false))"),
)
bug(
    "own reservation not given back first",
    "An order that is set anew competes with itself and goes short.",
    "3 7",
    f"{RESERVE}:_decide",
    ("shelf.change(spot, kind, -quantity)", "pass"),
)
bug(
    "kit summed per line",
    "Each line looks at all that is free, as if the others took nothing.",
    "3 5 7 error",
    f"{RESERVE}:_decide",
    ("place(demand, shelf.free, ", "place(demand, Free(dict(shelf.free.net), dict(shelf.free.held), shelf.free.endless), "),
    ("shelf.change(spot, want.kind, quantity)", "pass"),
)
bug(
    "kit component quantity ignored",
    "A kit of one C and two D takes one of each.",
    "7",
    "stallkeeper.orders.snapshots:_parts",
    ("row.component_quantity or 1", "1"),
)
bug(
    "kit offered by the wrong recipe",
    "What a kit shows counts each component once.",
    "10",
    "stallkeeper.channels.queries:PLACES",
    ("coalesce(part.quantity, 1)::bigint", "1::bigint"),
)
bug(
    "pack factor ignored in reserving",
    "A six-pack takes one unit off the shelf.",
    "7",
    "stallkeeper.orders.lines:_want",
    ("(unit, number * claim.pack_factor)", "(unit, number)"),
)
bug(
    "reservation added instead of set",
    "An order that is written again holds its units twice.",
    "2 7 error",
    f"{STOCK_SQL}:SET_AGAIN",
    ("quantity = EXCLUDED.quantity", "quantity = stock_reservation.quantity + EXCLUDED.quantity"),
)
bug(
    "level not brought along",
    "Holds end and the level goes on keeping their units back.",
    "2",
    f"{STOCK_SQL}:write_reservations",
    ("held = level.held + delta.held", "held = level.held + greatest(delta.held, 0)"),
)
bug(
    "hold expiry ignored",
    "Units of an order that was never paid are kept for ever.",
    "2 7 error",
    f"{STOCK_SQL}:expired_holds",
    ("expires_at <= %s\n", "expires_at <= %s AND false\n"),
)
bug(
    "cut takes the earliest",
    "When goods go missing, the order that must leave first goes short.",
    "3",
    f"{STOCK_SQL}:latest_due_allocations",
    ("due_at DESC NULLS FIRST, owner_id DESC", "due_at NULLS LAST, owner_id"),
)
bug(
    "cut makes no room",
    "On hand falls below what is promised.",
    "3 error",
    f"{LEDGER}:change_on_hand",
    ("if allocated > after and", "if allocated > after + 1 and"),
)
bug(
    "repeated movement counts again",
    "The same delivery note entered twice raises the level twice, and the ledger once.",
    "1",
    f"{LEDGER}:_enter",
    ("[move for move in moves if move.reference in new]", "list(moves)"),
)
bug(
    "rise refills nobody",
    "Goods come in and the orders that wait for them stay short.",
    "3",
    f"{LEDGER}:change_on_hand",
    ("for (unit, _), delta in deltas.items() if delta > 0", "for (unit, _), delta in deltas.items() if delta > 100"),
)
bug(
    "moment of a count ignored",
    "What was sold while people counted is taken off twice.",
    "1",
    "stallkeeper.stock.counts:record_count",
    ("location_id, sorted(counted), as_of)", "location_id, sorted(counted), uc.at)"),
)
bug(
    "allocated not subtracted",
    "What is promised to a buyer is offered to the next.",
    "4 10",
    f"{SHOWN}:for_sale",
    ("net = net - places.allocated", "net = net - 0"),
)
bug(
    "holds not subtracted",
    "Units of an unpaid order, or kept back by hand, are offered.",
    "4 10",
    f"{SHOWN}:for_sale",
    ("net = net - places.held", "net = net - 0"),
)
bug(
    "ring-fence ignored",
    "Units that are kept for one channel are offered on all.",
    "10",
    f"{SHOWN}:for_sale",
    ("net = groups.keep_back(net, places.fence)", "net = net + 0"),
)
bug(
    "goods beyond the horizon are offered",
    "What comes some day counts as if it came tomorrow.",
    "10",
    "stallkeeper.channels.facts:_incoming",
    ("if view.horizon and day <= last:", "if day:"),
)
bug(
    "share rounds up",
    "Half of three is offered as two.",
    "10",
    f"{SHOWN}:_share",
    ("[0, 9_999, 5_000]", "[9_999, 9_999, 5_000]"),
)
bug(
    "cap before buffer",
    "The buffer is taken off the cap instead of off the stock.",
    "10",
    f"{SHOWN}:to_show",
    (
        "    figure = np.maximum(figure - rules.buffer, 0)\n",
        "    figure = np.where(rules.cap >= 0, np.minimum(figure, rules.cap), figure)\n    figure = np.maximum(figure - rules.buffer, 0)\n",
    ),
)
bug(
    "zero-at off by one",
    "The last unit is shown although the rule keeps it back.",
    "10",
    f"{SHOWN}:to_show",
    ("figure <= rules.zero_at", "figure < rules.zero_at"),
)
bug(
    "open units not added on gross channels",
    "A channel that subtracts open orders itself is told the figure after they were subtracted.",
    "10",
    f"{SHOWN}:to_show",
    ("figure = figure + rules.open_gross", "figure = figure + 0"),
)
bug(
    "kit splits without leave",
    "A kit is offered from parts that lie in two places, on a channel that does not allow it.",
    "10",
    "stallkeeper.channels.facts:_for_sale",
    ('(rows["is_kit"][first_row] == 0) | view.splits', '(rows["is_kit"][first_row] >= 0) | view.splits'),
)
bug(
    "base price reaches no offer",
    "A new base price stays in the price list.",
    "10",
    "stallkeeper.catalog.prices:set_prices",
    ("    uc.mark(PRICED, changed)\n", "    uc.mark(PRICED, changed[:0])\n"),
)
