"""DBS orders, that the seller brings to the buyer himself: the suite's chapters on orders once more, and what only they have."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stallkit.adapters.yandex_market.emulator import CONFIG, WAREHOUSE, Emulator
from stallkit.adapters.yandex_market.manifest import MANIFEST
from stallkit.adapters.yandex_market.published import Transport
from stallkit.testing.contract import CASES, Subject, Verdict, judge
from stallkit.types import Accepted, CancelReason, OrderState, Rejected
from tests.contract.yandex_account import World

CHAPTERS = {"orders", "order", "acknowledge", "shipment", "cancel", "labels", "returns"}
ALSO_SHOWN = {"shipment.whole_order", "shipment.known_carrier"}
"""What FBS orders cannot show."""


class Dbs(Subject):
    platform = "yandex_market"
    config = CONFIG
    warehouse = WAREHOUSE
    optional_fields = {"itemStatuses": "contract, BusinessOrderItemDTO: absent where there is nothing to tell of single units"}

    @classmethod
    def make_emulator(cls, clock):
        emulator = Emulator(clock)
        emulator.model = "DBS"
        emulator.orders_per_page = emulator.offers_per_page = 7
        emulator.visible_after = timedelta(0)
        return emulator

    @classmethod
    def make_transport(cls, emulator):
        return Transport(emulator)

    @classmethod
    def manifest(cls):
        return replace(MANIFEST, skips=tuple(skip for skip in MANIFEST.skips if skip[0] not in ALSO_SHOWN))


@pytest.mark.contract
@pytest.mark.parametrize("case_id", [case.id for case in CASES.values() if case.chapter in CHAPTERS])
def test_the_suite_with_dbs_orders(case_id):
    judgement = judge(CASES[case_id], Dbs)
    if judgement.verdict in {Verdict.SKIPPED, Verdict.MOOT}:
        pytest.skip(judgement.reason)
    assert judgement.verdict is Verdict.PROVEN, judgement.reason


def shipped(**config: str) -> tuple[World, str]:
    """A DBS order on its way."""
    world = World(model="DBS", **config)
    order_id = world.order()
    assert world.adapter.acknowledge(order_id) == Accepted()
    assert world.ship(order_id) == Accepted()
    world.later(hours=1)
    return world, order_id


def test_the_seller_tells_that_it_has_left_with_the_number_to_track_it_by():
    world, order_id = shipped()
    order = world.read(order_id)
    assert (order.state, order.remote_state, order.scanned) == (OrderState.SHIPPED, "DELIVERY/DELIVERY_SERVICE_RECEIVED", False)
    assert world.bodies("/delivery/track") == [{"trackCode": "JD014600", "deliveryServiceId": 1_003_375}]
    assert world.bodies("/status") == [{"order": {"status": "DELIVERY", "substatus": "DELIVERY_SERVICE_RECEIVED"}}]
    assert world.shown() == (8, 0)


def test_shipping_again_tells_nothing_twice():
    world, order_id = shipped()
    assert world.ship(order_id) == Accepted()
    assert len(world.calls("/status")) == 1


def test_a_carrier_that_the_market_does_not_list_goes_under_the_service_of_the_order():
    world = World(model="DBS")
    order_id = world.order()
    assert world.ship(order_id, carrier="Bicycle Ltd", number="B-1") == Accepted()
    assert world.bodies("/delivery/track") == [{"trackCode": "B-1", "deliveryServiceId": 99}]


def test_without_a_number_no_track_is_sent():
    world = World(model="DBS")
    order_id = world.order()
    assert world.ship(order_id, number="") == Accepted()
    assert not world.calls("/delivery/track")
    assert world.read(order_id).state is OrderState.SHIPPED


def test_statuses_out_of_their_order_are_refused():
    """The Market's own rule, which the emulator enforces: nobody is delivered to before the goods have left."""
    world = World(model="DBS")
    order_id = world.order()
    body = {"order": {"status": "DELIVERED", "substatus": "DELIVERY_SERVICE_DELIVERED"}}
    url = f"http://market.invalid/v2/campaigns/21000002/orders/{order_id}/status"
    reply = world.client.put(url, json=body, headers={"Api-Key": CONFIG["api_key"]})
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["code"] == "STATUS_NOT_ALLOWED"
    assert world.read(order_id).state is OrderState.NEW


def test_a_wish_to_cancel_on_the_way_is_seen_and_changes_nothing_yet():
    world, order_id = shipped()
    world.shop.request_cancel(order_id)
    (line,) = world.read(order_id).lines
    assert (line.ordered, line.shipped, line.cancelled, line.cancel_requested) == (2, 2, 0, 2)


def test_granting_the_wish_cancels_an_order_whose_goods_are_still_out():
    world, order_id = shipped()
    world.shop.request_cancel(order_id)
    assert world.cancel(order_id, reason=CancelReason.BUYER_ASKED) == Accepted()
    assert world.bodies("/cancellation/accept") == [{"accepted": True}]
    order = world.read(order_id)
    assert (order.remote_state, order.state) == ("CANCELLED/USER_CHANGED_MIND", OrderState.SHIPPED)
    assert world.shown() == (8, 0), "goods that are out were put on sale"


def test_declining_the_wish_leaves_the_order_on_its_way():
    world, order_id = shipped()
    world.shop.request_cancel(order_id)
    assert world.ship(order_id, although_asked=True) == Accepted()
    assert world.bodies("/cancellation/accept") == [{"accepted": False, "reason": "ORDER_IN_DELIVERY"}]
    (line,) = world.read(order_id).lines
    assert (line.shipped, line.cancel_requested) == (2, 0)


def test_nobody_decides_by_shipping_again_unless_a_person_said_so():
    world, order_id = shipped()
    world.shop.request_cancel(order_id)
    assert world.ship(order_id) == Accepted()
    assert not world.calls("/cancellation/accept")


def test_a_wish_that_nobody_answers_comes_true_after_two_days():
    world, order_id = shipped()
    world.shop.request_cancel(order_id)
    world.later(hours=47)
    assert world.read(order_id).remote_state.startswith("DELIVERY/")
    world.later(hours=2)
    assert world.read(order_id).remote_state.startswith("CANCELLED/")


def test_what_is_out_is_not_cancelled_for_another_reason():
    world, order_id = shipped()
    world.shop.request_cancel(order_id)
    refused = world.cancel(order_id, reason=CancelReason.OUT_OF_STOCK)
    assert isinstance(refused, Rejected)
    assert not world.calls("/cancellation/accept")
