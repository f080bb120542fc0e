"""Locks of channels: rules, switches, offers, links, figures."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec
from django.db import IntegrityError, connection

from stallkeeper.catalog import prices
from stallkeeper.catalog.models import PriceList
from stallkeeper.channels import (
    breaker,
    commands,
    connect,
    cutover,
    delivery,
    fences,
    general,
    inheritance,
    links,
    observed,
    observed_queries,
    plan_stale,
    plans,
    refresh,
    rules,
    sendable,
    switches,
)
from stallkeeper.channels.commands import Acknowledge, CommandError, CommandKind
from stallkeeper.channels.connect import Settings
from stallkeeper.channels.models import (
    Channel,
    Command,
    CommandState,
    Connection,
    ObservedHold,
    Offer,
    OfferPrice,
    RemoteListing,
    RuleVersion,
)
from stallkeeper.channels.observed import Sale
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.core.models import AuditEntry
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import ledger, reserve
from stallkeeper.stock.allocation import Demand
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import ReservationKind
from stallkeeper.stock.reserve import Want
from stallkit.types import AccountInfo
from tests import own_rules
from tests.races.explorer import How, Race
from tests.races.locks import Belt, Pair, Proof, Proved
from tests.races.locks.acting import Results, counted_once, gate, in_turn, once, within
from tests.shop import Shop


def a_fence_is_set_twice() -> Race:
    shop = Shop.open()
    channel, unit = shop.channel(), shop.unit("MUG", 9)

    def fence(quantity: int):
        return within(shop, lambda uc: fences.set_fence(uc, channel, unit, quantity))

    fence(1)()
    return in_turn(1, (fence(2), 2), (fence(3), 3))


def held(shop: Shop) -> ObservedHold:
    """One unit that a channel showed as sold, kept back."""
    unit = shop.unit("MUG", 5)
    offer = shop.offer(shop.channel(), unit, observed_qty=5, believed_qty=5)
    with shop.use_case() as uc, connection.cursor() as cursor:
        ((hold, _),) = observed_queries.insert(cursor, uc.organisation_id, [(offer.pk, 1, shop.at, shop.at, None, "5 -> 4")])
        demand = Demand(hold, 1, ((unit.pk, 1),), (shop.place.pk,))
        reserve.set_reservations(uc, observed.OWNER, [Want(demand, ReservationKind.OBSERVED)], cause="race")
    with shop.scope():
        return ObservedHold.objects.select_related("offer__stock_unit").get(pk=hold)


def a_hold_is_let_go_twice() -> Race:
    shop = Shop.open()
    hold = held(shop)
    return once(within(shop, lambda uc: observed.release(uc, hold.pk, reason="race")), observed.ObservedError)


def an_order_comes_while_its_hold_is_let_go() -> Race:
    shop = Shop.open()
    hold = held(shop)
    sale = Sale(hold.offer_id, 1, shop.at)
    results = Results()

    def broken() -> str:
        with shop.scope():
            now = ObservedHold.objects.get(pk=hold.pk)
        held_units = shop.level(hold.offer.stock_unit)[2]
        ended = (now.quantity, now.taken_over + now.released, held_units)
        return "" if ended == (0, 1, 0) else f"open {ended[0]}, ended {ended[1]}, {held_units} units held"

    return Race(
        within(shop, lambda uc: observed.take_over(uc, [sale])),
        results.of(within(shop, lambda uc: observed.release(uc, hold.pk, reason="race")), observed.ObservedError),
        broken,
    )


def an_account_is_reconnected_and_shut() -> Race:
    shop = Shop.open()
    account = shop.channel().connection
    info = AccountInfo("", "Toy")
    again = within(shop, lambda uc: connect.reconnect(uc, account.pk, Settings({}, {}), info))

    def broken() -> str:
        with shop.scope():
            return "writing is allowed again" if Connection.objects.get(pk=account.pk).writes_allowed else ""

    return Race(again, within(shop, lambda uc: switches.set_writes(uc, account.pk, False)), broken)


def the_cutover_is_answered_when_orders_begin() -> Race:
    shop = Shop.open()
    channel = shop.channel(orders_enabled=False)

    def answer() -> None:
        try:
            within(shop, lambda uc: cutover.answer(uc, channel.pk, include=False))()
        except cutover.CutoverError:
            return

    def broken() -> str:
        with shop.scope():
            done = list(AuditEntry.objects.filter(action__startswith="channel.").order_by("pk").values_list("action", flat=True))
        return "" if done[-1] == "channel.switch" else "the answer came after orders were taken"

    return Race(answer, within(shop, lambda uc: switches.set_channel(uc, channel.pk, orders=True)), broken)


def a_switch_is_turned_twice() -> Race:
    shop = Shop.open()
    channel = shop.channel(stock_enabled=False)
    return counted_once(within(shop, lambda uc: switches.set_channel(uc, channel.pk, stock=True)))


def two_channels_of_an_account_begin_to_send_prices() -> Race:
    shop = Shop.open()
    one, other = (shop.channel("wildberries", currency="RUB") for _ in range(2))
    with shop.scope():
        Channel.objects.filter(pk=other.pk).update(connection=one.connection)
    results = Results()

    def turn(channel: Channel) -> Callable[[], None]:
        return results.of(within(shop, lambda uc: switches.set_channel(uc, channel.pk, prices=True)), switches.SwitchError)

    return Race(turn(one), turn(other), lambda: "" if results.refused == 1 else f"{results.refused} of the two were refused")


def two_rules_are_saved() -> Race:
    shop = Shop.open()
    channel = shop.channel()

    def broken() -> str:
        with shop.scope():
            kept = RuleVersion.objects.order_by("pk").last()
            now = rules.snapshot(Channel.objects.get(pk=channel.pk))
        return "" if kept is not None and kept.rules == now else "the newest version is not what the channel does"

    return Race(
        within(shop, lambda uc: rules.save(uc, channel.pk, share=50)),
        within(shop, lambda uc: rules.save(uc, channel.pk, buffer=2)),
        broken,
    )


def a_sub_channel_comes_while_rules_change() -> Race:
    shop = Shop.open()
    main, sub = shop.channel(), shop.channel()

    def broken() -> str:
        with shop.scope():
            above, below = (Channel.objects.get(pk=each.pk) for each in (main, sub))
        return "" if above.buffer == below.buffer or "buffer" in below.own_rules else "the sub-channel has a buffer that nobody said"

    return Race(
        within(shop, lambda uc: inheritance.attach(uc, sub.pk, main.pk)),
        within(shop, lambda uc: rules.save(uc, main.pk, buffer=2)),
        broken,
    )


def a_plan_saves_rules_while_a_sub_channel_is_attached() -> Race:
    """The sub-channel was there before its main channel and says the rule itself: the plan is not about it, but holds it."""
    shop = Shop.open()
    sub, main = shop.channel(), shop.channel()
    with shop.use_case() as uc:
        inheritance.attach(uc, sub.pk, main.pk)
        rules.save(uc, sub.pk, buffer=3)
    proposal = Proposal(channels={main.pk: ChannelChange(rules={"buffer": 2})})

    def apply() -> None:
        with shop.scope():
            plans.at_once(shop.organisation.pk, proposal, "user:1")

    def broken() -> str:
        with shop.scope():
            buffers = [Channel.objects.get(pk=each.pk).buffer for each in (sub, main)]
        return "" if buffers == [3, 2] else f"buffers {buffers}"

    attach = within(shop, lambda uc: inheritance.attach(uc, sub.pk, main.pk))
    return Race(attach, apply, broken, gate=gate(shop, "channels_channel", main.pk))


def a_channel_is_renamed_twice() -> Race:
    shop = Shop.open()
    channel = shop.channel()

    def broken() -> str:
        with shop.scope():
            noted = AuditEntry.objects.filter(action="channel.general").count()
        return "" if noted == 1 else f"the change is noted {noted} times"

    renamed = within(shop, lambda uc: general.save(uc, channel.pk, name="Another name"))
    return Race(renamed, renamed, broken)


def two_further_fields_are_filled_in() -> Race:
    shop = Shop.open()
    channel = shop.channel()
    with shop.use_case() as uc:
        fields = [general.define(uc, label, "text") for label in ("Contract", "Contact")]

    def broken() -> str:
        with shop.scope():
            return "" if len(Channel.objects.get(pk=channel.pk).further) == 2 else "what one of the two wrote is gone"

    one, other = (within(shop, lambda uc, pk=field.pk: general.save_further(uc, channel.pk, {pk: "x"})) for field in fields)
    return Race(one, other, broken)


def two_say_rules_of_a_product() -> Race:
    shop = Shop.open()
    channel, unit = shop.channel(), shop.unit("MUG", 5)
    shop.offer(channel, unit)
    results = Results()

    def say(buffer: int) -> Callable[[], None]:
        return results.of(within(shop, lambda uc: own_rules.of_units(uc, channel.pk, [unit.pk], {"buffer": buffer})), IntegrityError)

    return Race(say(1), say(2), lambda: "one of the two could not be said" if results.refused else "")


def rules_change_while_goods_come() -> Race:
    shop = Shop.open()
    channel, unit = shop.channel(), shop.unit("MUG", 5)
    offer = shop.offer(channel, unit)
    come = within(shop, lambda uc: ledger.set_on_hand(uc, [Target(unit.pk, shop.place.pk, 8, "race")]))
    return Race(
        within(shop, lambda uc: rules.save(uc, channel.pk, buffer=1)),
        come,
        lambda: "" if shop.intended(offer) == 7 else f"intended {shop.intended(offer)}, not 7",
    )


def rules_change_while_prices_do() -> Race:
    shop = Shop.open()
    with shop.scope():
        price_list = PriceList.objects.create(organisation=shop.organisation, code="EUR", currency="EUR", tax_included=True)
    channel, unit = shop.channel(price_list=price_list, prices_enabled=True), shop.unit("MUG", 5)
    offer = shop.offer(channel, unit)

    def price(amount: str):
        return within(shop, lambda uc: prices.set_prices(uc, price_list.pk, {unit.pk: Decimal(amount)}))

    price("10")()

    def broken() -> str:
        with shop.scope():
            intended = OfferPrice.objects.get(offer=offer).intended
        return "" if intended == 22 else f"intended {intended}, not 22"

    return Race(within(shop, lambda uc: rules.save(uc, channel.pk, mark_up=Decimal(10))), price("20"), broken)


def stopped(shop: Shop) -> Channel:
    return shop.channel(stopped_at=shop.at, stop_reason="much", stop_detail={"fingerprint": "plan"})


def a_plan_is_released_twice() -> Race:
    shop = Shop.open()
    channel = stopped(shop)
    return once(lambda: breaker.release(shop.organisation.pk, channel.pk, "plan", "user:1"), breaker.NotThatPlan)


def a_plan_is_applied_twice() -> Race:
    shop = Shop.open()
    channel = shop.channel()
    shop.offer(channel, shop.unit("MUG", 5), believed_qty=5)
    with shop.scope():
        proposal = Proposal(channels={channel.pk: ChannelChange(rules={"buffer": 1})})
        plan = plans.save(shop.organisation.pk, proposal, "user:1")
    results = Results()
    one = results.of(lambda: plans.apply(shop.organisation.pk, plan.pk, plan.fingerprint, "user:1"), plan_stale.PlanError)
    return Race(one, one, lambda: "" if results.refused == 0 else "the second press was refused instead of doing nothing")


def a_stop_is_looked_at_twice() -> Race:
    shop = Shop.open()
    channel = stopped(shop)
    return counted_once(within(shop, lambda uc: breaker.look_again(uc, channel.pk)))


def a_command_is_tried_again_twice() -> Race:
    shop = Shop.open()
    channel = shop.channel()
    with shop.scope():
        command = Command.objects.create(
            organisation=shop.organisation,
            connection=channel.connection,
            kind=CommandKind.ACKNOWLEDGE,
            subject_type="order",
            subject_id=1,
            key="ack",
            payload=msgspec.to_builtins(Acknowledge("o1")),
            state=CommandState.REFUSED,
            not_before=shop.at,
            created_at=shop.at,
        )
    return once(within(shop, lambda uc: commands.try_again(uc, command.pk)), CommandError)


def two_offers(shop: Shop) -> list[Offer]:
    channel = shop.channel()
    return [shop.offer(channel, shop.unit(sku, 5), linked_by="person", linked_at=shop.at) for sku in ("CUP", "MUG")]


def an_offer_is_unlinked_twice() -> Race:
    shop = Shop.open()
    offer = two_offers(shop)[0]
    return counted_once(within(shop, lambda uc: links.unlink(uc, [offer.pk])))


def two_leave_out_the_same() -> Race:
    shop = Shop.open()
    offers = [offer.pk for offer in two_offers(shop)]
    one = within(shop, lambda uc: links.exclude(uc, offers, stock=True))
    return Race(one, one, lambda: "", gate=gate(shop, "channels_offer", offers[1]))


def a_listing(shop: Shop) -> RemoteListing:
    channel, unit = shop.channel(), shop.unit("MUG", 5)
    fits = {"unit": unit.pk, "sku": "MUG", "by": "sku", "value": "MUG", "factor": 1}
    with shop.scope():
        return RemoteListing.objects.create(
            organisation=shop.organisation, channel=channel, sku="MUG", external_id="X1", title="Mug", status="live", seen_at=shop.at,
            candidates=[fits],
        )  # fmt: skip


def a_listing_is_linked_twice() -> Race:
    shop = Shop.open()
    listing = a_listing(shop)
    return counted_once(within(shop, lambda uc: links.confirm(uc, [listing.pk]).offer_ids))


def a_listing_is_linked_while_goods_come() -> Race:
    """Whoever sets the stock does not see an offer that is not committed yet; the one who links does not see the stock."""
    shop = Shop.open()
    listing = a_listing(shop)

    def link() -> None:
        with shop.use_case() as uc:
            links.confirm(uc, [listing.pk])
        with shop.scope():
            refresh.drain(shop.organisation.pk)

    def broken() -> str:
        with shop.scope():
            intended = Offer.objects.get(sku="MUG").intended_qty
        return "" if intended == 8 else f"intended {intended}, not 8"

    unit = listing.candidates[0]["unit"]
    come = within(shop, lambda uc: ledger.set_on_hand(uc, [Target(unit, shop.place.pk, 8, "race")]))
    return Race(come, link, broken)


def two_own_sales() -> Race:
    """The channel lowers its own figure when it sells."""
    shop = Shop.open()
    offer = two_offers(shop)[0]
    with shop.scope():
        Offer.objects.filter(pk=offer.pk).update(believed_qty=5)
    sale = delivery.OwnSale(offer.pk, 1, shop.at, "order", ours=True)
    one = within(shop, lambda uc: delivery.own_sales(uc, "dummy", [sale]))

    def broken() -> str:
        with shop.scope():
            offer.refresh_from_db()
        return "" if offer.believed_qty == 3 else f"believed {offer.believed_qty}, not 3"

    return Race(one, one, broken)


def at_two_offers(act: Callable[[UseCase, list[int]], object], **believed: int) -> Callable[[], Race]:
    """Twice at once the same with two offers, which a gate lets them meet at."""

    def race() -> Race:
        shop = Shop.open()
        offers = two_offers(shop)
        with shop.scope():
            Offer.objects.filter(channel_id=offers[0].channel_id).update(**believed)
        one = within(shop, lambda uc: act(uc, [offer.pk for offer in offers]))
        return Race(one, one, lambda: "", gate=gate(shop, "channels_offer", offers[1].pk))

    return race


def channel_of(offers: list[int]) -> int:
    return Offer.objects.get(pk=offers[0]).channel_id


send = at_two_offers(lambda uc, offers: delivery.pick(uc, "quantity", channel_of(offers), 10, sendable.View(None, can_read=False)))
ask_again = at_two_offers(lambda uc, offers: delivery.try_again(uc, "quantity", offers), refused_qty=5)
distrust = at_two_offers(lambda uc, offers: delivery.resync(uc, channel_of(offers)), believed_qty=5)

CHANNEL = 'FROM "channels_channel"'
LOCKS: dict[str, Proof] = {
    "channels/observed_queries.py:lock_open": Pair(
        "an order takes a hold over once", an_order_comes_while_its_hold_is_let_go, r"hold\.offer_id = ANY"
    ),
    "channels/observed_queries.py:lock_these": Pair("a hold ends once", a_hold_is_let_go_twice, r"hold\.id = ANY"),
    "channels/fences.py:set_fence": Pair("what was fenced before, in the audit", a_fence_is_set_twice, "channels_ringfence"),
    "channels/connect.py:reconnect": Pair("other settings of the account stay", an_account_is_reconnected_and_shut, "channels_connection"),
    "channels/cutover.py:answer": Pair("no answer once orders are taken", the_cutover_is_answered_when_orders_begin, CHANNEL, whose=0),
    "channels/switches.py:set_channel": Pair("a switch is turned once", a_switch_is_turned_twice, CHANNEL),
    "channels/switches.py:hold_accounts": Pair(
        "one channel of an account sends its prices", two_channels_of_an_account_begin_to_send_prices, 'FROM "channels_connection"'
    ),
    "channels/rules.py:hold_channels": Pair("the newest version has all rules", two_rules_are_saved, CHANNEL),
    "channels/inheritance.py:attach": Pair(
        "what a sub-channel does not say is the main channel's", a_sub_channel_comes_while_rules_change, CHANNEL, whose=0
    ),
    "channels/general.py:save": Pair("a name is changed once", a_channel_is_renamed_twice, CHANNEL),
    "channels/general.py:save_further": Pair("a further field of another stays", two_further_fields_are_filled_in, CHANNEL),
    "backoffice/start_send.py:_saved_unsent": Belt(
        "rules that are in force at once send nothing",
        "the plan that switches sending on rests on the rules, and is refused if they changed",
    ),
    "channels/overrides.py:say": Pair("of two sayings the later one holds", two_say_rules_of_a_product, CHANNEL),
    "channels/breaker.py:release": Pair("a plan is released once", a_plan_is_released_twice, CHANNEL),
    "channels/breaker.py:look_again": Pair("a stop ends once", a_stop_is_looked_at_twice, CHANNEL),
    "channels/breaker.py:let_pass": Belt("a confirmed plan is let through once", "who applies a plan holds its channels already"),
    "channels/plans.py:apply": Pair("a plan is applied once", a_plan_is_applied_twice, '"channels_sendplan"'),
    "channels/plan_queries.py:lock_offers": Belt(
        "a plan is what its offers say", "what was written is compared with the plan before the commit, and refused if it differs"
    ),
    "channels/commands.py:try_again": Pair("a command is tried again once", a_command_is_tried_again_twice, "channels_command"),
    "channels/links.py:unlink": Pair("an offer is unlinked once", an_offer_is_unlinked_twice, "channels_offer"),
    "channels/links_queries.py:create_offers": Pair("a listing is linked once", a_listing_is_linked_twice, "channels_remotelisting"),
    "channels/links_queries.py:exclude": Pair("the order of offers", two_leave_out_the_same, "WITH locked", How.DISORDER, gated=True),
    "channels/queries.py:ask_offers_of_units": Proved(
        "no sale is forgotten in an offer's figure", "test_intended.py::test_without_the_lock_a_sale_is_forgotten"
    ),
    "channels/queries.py:hold_levels": Pair("a new offer sees the stock of now", a_listing_is_linked_while_goods_come, "FOR SHARE"),
    "channels/queries.py:lock_offers_of_channel": Pair(
        "rules are applied to the facts of now", rules_change_while_goods_come, "offer.channel_id = "
    ),
    "channels/price_queries.py:lock_prices": Pair("prices by the newest rules and lists", rules_change_while_prices_do, r"AS locked"),
    "channels/belief_queries.py:lock_beliefs": Pair("each sale moves belief", two_own_sales, "SELECT offer.id, offer.believed_qty"),
    "channels/delivery_queries.py:take": Pair("the order of offers", send, "WITH chosen", How.DISORDER, gated=True),
    "channels/delivery_queries.py:lock": Pair("the order of offers", ask_again, "SELECT id FROM channels_offer", How.DISORDER, gated=True),
    "channels/delivery_queries.py:forget_channel": Pair("the order of offers", distrust, "WITH mine", How.DISORDER, gated=True),
    "channels/links_queries.py:create_units": Belt(
        "a listing makes one unit", "the constraint stock_unit_sku_once: the second makes nothing"
    ),
}
