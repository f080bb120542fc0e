"""What a person's commands change, one commit each: the crash points of these are reached here, and killed at (tests/killed)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stallkeeper.catalog.imports import runs
from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels import connect, links, quarantine
from stallkeeper.channels.models import Channel, Command, CommandState, Connection, LaneStep, ObservedHold, Offer
from stallkeeper.core.models import DatabaseIdentity, Membership, Organisation, Role
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.fulfilment import again, ship
from stallkeeper.ops import connections, first, restoring
from stallkeeper.ops.commands import balancing
from stallkeeper.orders import intake
from stallkeeper.orders.models import Order
from stallkeeper.stock.models import Location, LocationOwner
from stallkeeper.sync import wake
from stallkit.adapters.dummy import manifest
from stallkit.adapters.dummy.emulator import CONFIG
from tests.market import Market, Stall
from tests.shop import Shop, remote_order

pytestmark = pytest.mark.db
ACTOR = "user:1"


@pytest.fixture(autouse=True)
def _with_a_database(db):
    """Every test here writes."""


# --- accounts and listings ----------------------------------------------------------------------------------------------------------------


def settings() -> connect.Settings:
    return connect.check_settings(connect.manifest("dummy"), dict(CONFIG))


def test_an_account_is_asked_who_it_is_and_kept(market: Market, stall: Stall) -> None:
    address = f"http://stall-{stall.channel.pk}.test"
    with market.shop.scope():
        made = connections.connect(market.shop.organisation.pk, "dummy", "Second", "SE", "EUR", settings(), address, ACTOR)
        assert Connection.objects.get(pk=made.connection_id).name == "Second"


def test_an_account_is_connected_again(market: Market, stall: Stall) -> None:
    with market.shop.scope():
        account = Connection.objects.get(pk=stall.connection_id)
        Connection.objects.filter(pk=account.pk).update(state=Connection.State.NEEDS_RECONNECT)
        connections.reconnect(market.shop.organisation.pk, "dummy", account.name, settings(), ACTOR)
        assert Connection.objects.get(pk=account.pk).state == Connection.State.READY


def test_listings_are_read_and_products_made_of_them(market: Market, stall: Stall) -> None:
    stall.emulator.add_offer("MUG", quantity=3)
    with market.shop.scope():
        channel = Channel.objects.get(pk=stall.channel.pk)
        assert connections.read_offers(market.shop.organisation.pk, channel, ACTOR, lambda _done, _all: None) == 1
        connections.propose(market.shop.organisation.pk, channel, ACTOR)
        connections.create_products(market.shop.organisation.pk, channel, ACTOR)
        assert Offer.objects.get(channel=stall.channel).sku == "MUG"


def test_a_listing_finds_the_unit_that_came_after_it(market: Market, stall: Stall) -> None:
    stall.emulator.add_offer("MUG", quantity=3)
    with market.shop.scope():
        channel = Channel.objects.get(pk=stall.channel.pk)
        connections.read_offers(market.shop.organisation.pk, channel, ACTOR, lambda _done, _all: None)
        assert links.certain(channel.pk) == []
        market.shop.unit("MUG")
        connections.propose(market.shop.organisation.pk, channel, ACTOR)
        assert len(links.certain(channel.pk)) == 1


def test_a_step_is_asked_for_now(market: Market, stall: Stall) -> None:
    with market.shop.scope():
        wake.look_now(stall.connection_id, "verify")
        assert LaneStep.objects.get(lane__subject_id=stall.connection_id, step="verify").not_before is not None


# --- places and people --------------------------------------------------------------------------------------------------------------------


def test_a_new_organisation_has_a_place() -> None:
    made = first.organisation("Ada's", "adas-own")
    with organisation_scope(made.pk):
        assert Location.objects.exclude(owner=LocationOwner.VIRTUAL).count() == 1


def test_a_person_gets_a_role() -> None:
    where = Organisation.objects.create(name="Ada's", slug="adas", created_at="2026-03-02T12:00:00Z")
    user = first.add_user(where, "bea@example.com", Role.OWNER, "Bea")
    with organisation_scope(where.pk):
        assert Membership.objects.get(user=user).role == Role.OWNER


# --- telling again ------------------------------------------------------------------------------------------------------------------------


def shipped(shop: Shop) -> tuple[Order, Command]:
    """An order that has left, of which the channel did not want to hear."""
    channel = shop.channel()
    shop.offer(channel, shop.unit("MUG", 5))
    with shop.use_case("test.accept") as uc:
        intake.accept(uc, channel.connection_id, [remote_order("R1", [("MUG", 1)])], shop.at)
    with shop.scope():
        order = Order.objects.get(external_id="R1")
        ship.ship(shop.organisation.pk, order.pk, None, carrier="DHL", tracking_number="T", actor=ACTOR)
        Command.objects.filter(kind="ship").update(state=CommandState.REFUSED, code="carrier", message="Which carrier?")
        return order, Command.objects.get(kind="ship")


def test_a_refused_shipment_is_told_again_with_another_carrier() -> None:
    shop = Shop.open()
    order, command = shipped(shop)
    with shop.scope():
        ship.tell_again(shop.organisation.pk, order.shipments.get().pk, actor=ACTOR, carrier="UPS")
        assert Command.objects.get(pk=command.pk).payload["carrier"] == "UPS"


def test_a_refused_command_is_told_again_word_for_word() -> None:
    shop = Shop.open()
    order, command = shipped(shop)
    with shop.scope():
        again.tell_again(shop.organisation.pk, order.pk, command.pk, actor=ACTOR)
        assert Command.objects.get(pk=command.pk).state == CommandState.QUEUED


# --- a copy -------------------------------------------------------------------------------------------------------------------------------


def test_the_database_is_remembered() -> None:
    DatabaseIdentity.objects.all().delete()
    assert restoring.notice_copy() == 0
    assert DatabaseIdentity.objects.count() == 1


def test_a_copy_is_put_into_quarantine() -> None:
    shop = Shop.open()
    shop.offer(shop.channel(), shop.unit("MUG", 5))
    assert restoring.quarantine("a test says so") == 1
    assert quarantine.since(shop.organisation.pk) is not None


def test_an_import_whose_process_is_gone_is_closed() -> None:
    shop = Shop.open()
    run = runs.queue_run("stock", "stock.csv", shop.organisation.pk)
    with shop.scope():
        ImportRun.objects.filter(pk=run.pk).update(state=ImportRun.State.READING)
        assert runs.close_interrupted(shop.organisation.pk) == 1
        assert ImportRun.objects.get(pk=run.pk).state == ImportRun.State.FAILED


def test_another_channel_is_made_on_an_account(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where figures are kept per warehouse the platform is asked for its warehouses, and each has one channel at most."""
    quirks = replace(manifest.MANIFEST.quirks, per_warehouse=True)
    monkeypatch.setattr(manifest, "MANIFEST", replace(manifest.MANIFEST, quirks=quirks))
    with market.shop.scope():
        account = Connection.objects.get(pk=stall.connection_id)
        made = connections.add_channel(market.shop.organisation.pk, account, "SE", "Second", "EUR", "", ACTOR)
        assert (made.warehouse, made.stock_enabled) == ("W-1", False), "the only one that can be used"
        with pytest.raises(connect.ConnectError, match="already"):
            connections.add_channel(market.shop.organisation.pk, account, "TH", "Third", "EUR", "W-1", ACTOR)
        with pytest.raises(connect.ConnectError, match=r"W-1 \(Berlin\)"):
            connections.add_channel(market.shop.organisation.pk, account, "TH", "Third", "EUR", "W-2", ACTOR)


def test_the_balancer_is_turned_and_a_reservation_let_go(market: Market, stall: Stall) -> None:
    shop = market.shop
    with shop.scope():
        balancing.turn(shop.organisation, "on", (stall.channel.code,), None, ())
        channel = Channel.objects.get(pk=stall.channel.pk)
        assert channel.holds_enabled
        offer = stall.offer(shop.unit("MUG", 5), shown=5)
        hold = ObservedHold.objects.create(
            organisation=shop.organisation, offer=offer, channel=offer.channel, quantity=1, seen=1, seen_at=market.clock(), cause="5 -> 4"
        )
        balancing.let_go(shop.organisation, hold.pk, "a test order")
        assert ObservedHold.objects.get(pk=hold.pk).released == 1
