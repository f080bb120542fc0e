"""Locks of channels: rules, switches, offers, links, figures."""

from __future__ import annotations

import msgspec

from stallkeeper.channels import breaker, commands, connect, cutover, fences, links, rules, switches
from stallkeeper.channels.commands import Acknowledge, CommandError, CommandKind
from stallkeeper.channels.connect import Settings
from stallkeeper.channels.models import Channel, Command, CommandState, Connection, Offer, RemoteListing, RuleVersion
from stallkeeper.core.models import AuditEntry
from stallkit.types import AccountInfo
from tests.races.explorer import How, Race
from tests.races.locks import Pair, Proof, Proved
from tests.races.locks.acting import counted_once, in_turn, once, within
from tests.shop import Shop


def a_fence_is_set_twice() -> Race:
    shop = Shop.open()
    channel, unit = shop.channel(), shop.unit("MUG", 9)

    def fence(quantity: int):
        return within(shop, lambda uc: fences.set_fence(uc, channel, unit, quantity))

    fence(1)()
    return in_turn(1, (fence(2), 2), (fence(3), 3))


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


def stopped(shop: Shop) -> Channel:
    return shop.channel(stopped_at=shop.at, stop_reason="much", stop_detail={"fingerprint": "plan"})


def a_plan_is_released_twice() -> Race:
    shop = Shop.open()
    channel = stopped(shop)
    return once(lambda: breaker.release(shop.organisation.pk, channel.pk, "plan", "user:1"), breaker.NotThatPlan)


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
    return Race(one, one, lambda: "", gate=f"SELECT 1 FROM channels_offer WHERE id = {offers[1]} FOR UPDATE")


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


CHANNEL = 'FROM "channels_channel"'
LOCKS: dict[str, Proof] = {
    "channels/fences.py:set_fence": Pair("what was fenced before, in the audit", a_fence_is_set_twice, "channels_ringfence"),
    "channels/connect.py:reconnect": Pair("other settings of the account stay", an_account_is_reconnected_and_shut, "channels_connection"),
    "channels/cutover.py:answer": Pair("no answer once orders are taken", the_cutover_is_answered_when_orders_begin, CHANNEL, whose=0),
    "channels/switches.py:set_channel": Pair("a switch is turned once", a_switch_is_turned_twice, CHANNEL),
    "channels/rules.py:save": Pair("the newest version has all rules", two_rules_are_saved, CHANNEL),
    "channels/breaker.py:release": Pair("a plan is released once", a_plan_is_released_twice, CHANNEL),
    "channels/breaker.py:look_again": Pair("a stop ends once", a_stop_is_looked_at_twice, CHANNEL),
    "channels/commands.py:try_again": Pair("a command is tried again once", a_command_is_tried_again_twice, "channels_command"),
    "channels/links.py:unlink": Pair("an offer is unlinked once", an_offer_is_unlinked_twice, "channels_offer"),
    "channels/links_queries.py:create_offers": Pair("a listing is linked once", a_listing_is_linked_twice, "channels_remotelisting"),
    "channels/links_queries.py:exclude": Pair("the order of offers", two_leave_out_the_same, "WITH locked", How.DISORDER, gated=True),
    "channels/queries.py:ask_offers_of_units": Proved(
        "no sale is forgotten in an offer's figure", "test_intended.py::test_without_the_lock_a_sale_is_forgotten"
    ),
}
