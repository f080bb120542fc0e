"""Locks of orders, their lines and shipments."""

from __future__ import annotations

from datetime import timedelta

from stallkeeper.channels import links
from stallkeeper.channels.models import Command
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.fulfilment import not_left, ship
from stallkeeper.ops import check
from stallkeeper.orders import acknowledging, cancel, linking, outcomes, splits
from stallkeeper.orders.models import Order, OrderEvent, OrderLine
from stallkeeper.stock import places
from stallkit.types import CancelReason, OrderState
from tests.races.explorer import Race
from tests.races.locks import Belt, Pair, Proof
from tests.races.locks.acting import Results, counted_once, once, ordered, within
from tests.races.locks.channels import a_listing
from tests.shop import Shop


def sold(units: int = 2, **fields: object) -> tuple[Shop, int, OrderLine]:
    """A shop with an order for this many of five mugs: (shop, connection, line)."""
    shop = Shop.open()
    channel = shop.channel()
    shop.offer(channel, shop.unit("MUG", 5))
    ordered(shop, channel.connection_id, "o1", [("MUG", units)], **fields)
    with shop.scope():
        return shop, channel.connection_id, OrderLine.objects.select_related("order").get()


def arrives(shop: Shop, connection: int, state: OrderState, minutes: int, units: int = 2):
    return lambda: ordered(shop, connection, "o1", [("MUG", units)], state=state, modified=shop.at + timedelta(minutes=minutes))


def misfits(shop: Shop) -> str:
    """What ``stallkeeper check`` finds wrong."""
    return "; ".join(problem for result in check.check(shop.organisation.pk, at=shop.at) for problem in result.problems)


def state_of(shop: Shop) -> str:
    with shop.scope():
        return Order.objects.get().state


def two_cancel_one_order() -> Race:
    shop, _, line = sold()

    def call_off() -> object:
        return cancel.cancel_lines(shop.organisation.pk, line.order_id, {line.pk: 2}, reason=CancelReason.BUYER_ASKED, actor="user:1")

    return once(call_off, cancel.CancelError)


def two_acknowledge_one_order() -> Race:
    shop, _, line = sold()
    with shop.scope():
        Command.objects.all().delete()
    return counted_once(lambda: acknowledging.acknowledge(shop.organisation.pk, line.order_id, actor="user:1"))


def two_ship_one_order() -> Race:
    shop, _, line = sold()
    return once(
        lambda: ship.ship(shop.organisation.pk, line.order_id, None, carrier="Post", tracking_number="1", actor="user:1"), ship.ShipError
    )


def two_say_that_it_has_not_left() -> Race:
    shop, _, line = sold()
    ship.ship(shop.organisation.pk, line.order_id, None, carrier="Post", tracking_number="1", actor="user:1")
    with shop.scope():
        OrderLine.objects.filter(pk=line.pk).update(taken_back=2)
    return once(lambda: not_left.not_left(shop.organisation.pk, line.order_id, None, actor="user:1"), not_left.NotLeftError)


def an_old_snapshot_arrives_late() -> Race:
    shop, connection, _ = sold()

    def broken() -> str:
        return misfits(shop) if state_of(shop) == OrderState.CANCELLED else f"the order is {state_of(shop)} again"

    return Race(arrives(shop, connection, OrderState.ACKNOWLEDGED, 1), arrives(shop, connection, OrderState.CANCELLED, 2), broken)


def acknowledged_when_it_is_cancelled() -> Race:
    shop, connection, _ = sold()
    with shop.scope():
        command = Command.objects.get(kind="acknowledge")

    def broken() -> str:
        return misfits(shop) if state_of(shop) == OrderState.CANCELLED else f"the order is {state_of(shop)} again"

    return Race(within(shop, lambda uc: outcomes.done(uc, command)), arrives(shop, connection, OrderState.CANCELLED, 2), broken)


def a_cancellation_fails_when_the_order_is_cancelled() -> Race:
    shop, connection, line = sold()
    cancel.cancel_lines(shop.organisation.pk, line.order_id, None, reason=CancelReason.BUYER_ASKED, actor="user:1")
    with shop.scope():
        command = Command.objects.get(kind="cancel")

    def broken() -> str:
        with shop.scope():
            line.refresh_from_db()
            unit = line.stock_unit
        assert unit is not None
        level = shop.level(unit)
        return "" if (line.open, level) == (0, (5, 0, 0)) else f"{line.open} open of a cancelled order, {level}"

    refused = within(shop, lambda uc: outcomes.refused(uc, command, "no", "No."))
    return Race(refused, arrives(shop, connection, OrderState.CANCELLED, 2), broken)


def unknown_line(shop: Shop) -> OrderLine:
    listing = a_listing(shop)
    ordered(shop, listing.channel.connection_id, "o1", [("MUG", 2)])
    with shop.scope():
        return OrderLine.objects.get()


def a_line_is_linked_twice() -> Race:
    shop = Shop.open()
    line = unknown_line(shop)
    with shop.scope():
        unit = line.order.channel.listings.get().candidates[0]["unit"]
    return once(lambda: linking.link_line(shop.organisation.pk, line.pk, unit, for_ever=False, actor="user:1"), linking.LinkError)


def a_line_is_linked_by_its_listing_and_by_hand() -> Race:
    """A person says another unit than the listing: nobody may change it behind his back."""
    shop = Shop.open()
    line, other = unknown_line(shop), shop.unit("CUP", 5)
    with shop.scope():
        listing = line.order.channel.listings.get().pk
    said = Results()

    def by_hand() -> object:
        return linking.link_line(shop.organisation.pk, line.pk, other.pk, for_ever=False, actor="user:1")

    def broken() -> str:
        shop.reload(line)
        kept = line.stock_unit_id == other.pk or said.refused
        return misfits(shop) or ("" if kept else "linked by hand, but to another unit")

    by_listing = again_on_conflict(within(shop, lambda uc: links.confirm(uc, [listing])))
    return Race(by_listing, said.of(by_hand, linking.LinkError), broken, runs_again=True)


def a_place_opens_while_a_short_order_is_called_off() -> Race:
    """Opening a place holds no level while it looks for lines that are short."""
    shop = Shop.open()
    shelf = shop.add_place("SHELF", sellable=False)
    unit, channel = shop.unit("MUG", {"MAIN": 0, "SHELF": 9}), shop.channel(locations=[shop.place, shelf])
    shop.offer(channel, unit)
    ordered(shop, channel.connection_id, "o1", [("MUG", 8)])
    with shop.scope():
        line = OrderLine.objects.get()
    opens = again_on_conflict(within(shop, lambda uc: places.change(uc, shelf.pk, {"sellable": True})))
    return Race(opens, lambda: called_off(shop, line), lambda: misfits(shop), runs_again=True)


def called_off(shop: Shop, line: OrderLine) -> object:
    return cancel.cancel_lines(shop.organisation.pk, line.order_id, None, reason=CancelReason.BUYER_ASKED, actor="user:1")


def two_stop_looking() -> Race:
    """Two units of a posting are in no other one, and their time is over."""
    shop = Shop.open()
    ozon, mug = shop.channel("ozon"), shop.unit("MUG", 5)
    shop.offer(ozon, mug)
    for units in (5, 3):
        ordered(shop, ozon.connection_id, "1-1", [("MUG", units)], state=OrderState.ACKNOWLEDGED)
    with shop.scope():
        Order.objects.update(unfound_until=shop.at)
    results = Results()
    one = results.of(within(shop, splits.lapse))

    def broken() -> str:
        with shop.scope():
            told = OrderEvent.objects.filter(kind="not_found").count()
        fine = (told, sorted(map(str, results.returned)), shop.level(mug)) == (1, ["0", "1"], (5, 3, 0))
        return misfits(shop) or ("" if fine else f"told {told} times, they ended {results.returned}, {shop.level(mug)}")

    return Race(one, one, broken)


def two_are_called_off_at_two_places() -> Race:
    """Each channel sells from a place of its own, so that no level is shared; a third one sells from both."""
    shop = Shop.open()
    main, shelf = shop.place, shop.add_place("SHELF")
    unit = shop.unit("MUG", {"MAIN": 5, "SHELF": 5})
    for number, at in enumerate(([main], [shelf], [main, shelf])):
        channel = shop.channel(locations=at)
        offer = shop.offer(channel, unit)
        if number < 2:
            ordered(shop, channel.connection_id, f"o{number}", [("MUG", 2)])
    with shop.scope():
        first, second = OrderLine.objects.order_by("pk")

    def broken() -> str:
        shown = shop.intended(offer)
        return misfits(shop) or ("" if shown == 10 else f"{shown} of 10 are offered")

    return Race(lambda: called_off(shop, first), lambda: called_off(shop, second), broken)


ORDER = r'FROM "orders_order"'
BOTH = r'FROM "orders_order(line)?"'
THE_ORDERS = "the order's own lock, taken just before; without both, the order's pair breaks"
LOCKS: dict[str, Proof] = {
    "channels/queries.py:lock_only": Pair(
        "no cancellation is forgotten in an offer's figure", two_are_called_off_at_two_places, r"SELECT count\(\*\) FROM"
    ),
    "orders/acknowledging.py:acknowledge": Pair("an order is acknowledged once", two_acknowledge_one_order, ORDER),
    "orders/cancel.py:cancel_lines": Pair("units are cancelled once", two_cancel_one_order, BOTH),
    "orders/cancel.py:cancel_lines:2": Belt("units are cancelled once", THE_ORDERS),
    "orders/cancel.py:undo": Pair("a cancelled order stays so", a_cancellation_fails_when_the_order_is_cancelled, BOTH, whose=0),
    "orders/cancel.py:undo:2": Belt("a cancelled order stays so", THE_ORDERS),
    "orders/linking.py:link_line": Pair("a line is linked once", a_line_is_linked_twice, "orders_orderline"),
    "orders/outcomes.py:done": Pair("a cancelled order stays so", acknowledged_when_it_is_cancelled, ORDER, whose=0),
    "orders/queries.py:lock_orders": Pair("an old snapshot changes nothing", an_old_snapshot_arrives_late, "FROM orders_order"),
    "fulfilment/ship.py:ship": Pair("units are shipped once", two_ship_one_order, BOTH),
    "fulfilment/ship.py:ship:2": Belt("units are shipped once", THE_ORDERS),
    "fulfilment/not_left.py:not_left": Pair("goods come back once", two_say_that_it_has_not_left, BOTH),
    "fulfilment/not_left.py:not_left:2": Belt("goods come back once", THE_ORDERS),
    "fulfilment/again.py:tell_again": Belt("a command is told again once", "commands.try_again locks the command"),
    "fulfilment/ship.py:tell_again": Belt("a command is told again once", "commands.try_again locks the command"),
    "orders/linking.py:serve_waiting": Pair(
        "a line is served once", a_line_is_linked_by_its_listing_and_by_hand, 'FROM "orders_orderline"', whose=0
    ),
    "orders/split_queries.py:due": Pair("units that were not found are let go once", two_stop_looking, "unfound"),
    "orders/splits.py:lapse": Belt("units that were not found are let go once", THE_ORDERS),
    "orders/queries.py:lock_lines": Pair(
        "what a line is reserved for", a_place_opens_while_a_short_order_is_called_off, "FROM orders_orderline AS line JOIN", whose=0
    ),
}
