"""That the traffic of Yandex Market's tests is really checked against the published contract, all of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stallkit.adapters.yandex_market.emulated_stock import GROUPED
from stallkit.adapters.yandex_market.emulator import CONFIG
from stallkit.adapters.yandex_market.published import CALLED, CONTRACT
from stallkit.errors import SlowDown
from stallkit.types import Accepted, CancelReason, Money, PriceIntent
from tests.contract.yandex_account import RED, World


def everything() -> None:
    """Each call that the adapter knows, at least once."""
    world = World(business_id="", price_campaign_id="21000001")
    world.adapter.probe()
    world.adapter.read_warehouses()
    world.adapter.read_offers("")
    world.push(CUP_RED=9)
    world.state()
    prices = [PriceIntent(RED, Money(Decimal("99.50"), "RUB"))]
    world.adapter.write_prices(prices)
    world.connect().write_prices(prices)
    world.shop.model = "DBS"
    order_id = world.order()
    world.adapter.acknowledge(order_id)
    world.adapter.read_labels([order_id])
    assert world.ship(order_id) == Accepted()
    world.shop.request_cancel(order_id)
    assert world.cancel(order_id, reason=CancelReason.BUYER_ASKED) == Accepted()
    world.shop.open_return(order_id, [(world.line_id(order_id), 1)])
    world.adapter.read_returns("")
    world.adapter.pull_orders("")
    world.shop.warehouses = GROUPED
    world.adapter.read_warehouses()
    world.push(CUP_RED=8)
    world.state()


def test_every_call_is_checked_with_a_good_answer():
    CONTRACT.require()
    CONTRACT.checked.clear()
    everything()
    assert {template for _, template, status in CONTRACT.checked if status == 200} == CALLED


def test_refusals_have_the_form_that_the_contract_gives_them():
    CONTRACT.require()
    CONTRACT.checked.clear()
    CONTRACT.undescribed.clear()
    world = World()
    order_id = world.order()
    world.shop.insist(order_id)
    world.cancel(order_id)
    world.adapter.read_labels([order_id])
    for _ in range(50):
        world.push(CUP_RED=4)
    with pytest.raises(SlowDown):
        world.push(CUP_RED=4)
    refused = {status for _, _, status in CONTRACT.checked} - {200}
    assert refused == {400, 420}
    assert not CONTRACT.undescribed


def test_a_body_that_the_contract_does_not_allow_is_caught():
    CONTRACT.require()
    world = World()
    body = {"skuItems": [{"sku": "CUP-RED", "partnerWarehouseId": 30001, "count": -1}]}
    with pytest.raises(AssertionError, match="count"):
        world.client.post(
            "http://market.invalid/v3/businesses/900001/offers/stocks/update", json=body, headers={"Api-Key": CONFIG["api_key"]}
        )


def test_an_address_that_nobody_knows_is_caught():
    CONTRACT.require()
    with pytest.raises(AssertionError, match="no contract describes"):
        World().client.get("http://market.invalid/v2/campaigns/21000001/orders", headers={"Api-Key": CONFIG["api_key"]})
