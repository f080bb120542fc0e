"""The preview beside a channel's rules says what the plan would say, while somebody types (ten products, the steps, prices)."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from stallkeeper.backoffice.rule_forms import RulesForm
from stallkeeper.channels import plan_work, preview
from stallkeeper.channels.models import Channel, Offer
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.core import clock
from tests.busy_shop import BusyShop, text


def typed(busy: BusyShop, **changed: object) -> dict[str, object]:
    """The form as it stands in the page, with some fields typed anew."""
    with busy.shop.scope():
        form = RulesForm(instance=Channel.objects.select_related("connection").get(pk=busy.near.pk))
        shown = {field.name: field.value() for field in form}
    return {name: value for name, value in shown.items() if value is not None and value is not False} | changed


@pytest.mark.parametrize(
    "rules", [{"buffer": 3}, {"share": "50", "zero_at": 2}, {"max_publish": 4}, {"fixed": 2}, {"velocity_share": "100"}], ids=str
)
def test_the_preview_is_what_the_plan_says(busy: BusyShop, rules: dict[str, str | int]) -> None:
    """The same figures by the same function: a preview that knew better would mislead."""
    change = ChannelChange(rules=rules)
    with busy.shop.scope():
        channel = Channel.objects.select_related("connection", "organisation", "price_list").get(pk=busy.near.pk)
        offers = preview.sample(channel)
        seen = {each.offer.pk: each for each in preview.preview(channel, change, offers, clock.now())}
        worked = plan_work.work_out(busy.organisation.pk, Proposal(channels={channel.pk: change}), clock.now())
        items = worked.parts[channel.pk].quantities
        planned = dict(zip(items.offer.tolist(), items.after.tolist(), strict=True))
        believed = dict(Offer.objects.filter(pk__in=seen).values_list("pk", "believed_qty"))
    assert len(seen) == preview.SHOWN
    for pk, each in seen.items():
        assert planned.get(pk, believed[pk]) == each.after or each.after == believed[pk], each.offer.sku
        assert each.steps_after[-1][2] == each.after
    assert any(each.differs for each in seen.values()) or rules.keys() == {"velocity_share"}


def test_as_one_types_figures_and_steps_change_and_nothing_is_saved(busy: BusyShop, client: Client) -> None:
    address = reverse("backoffice:preview_rules", args=[busy.near.pk])
    same, less = client.post(address, typed(busy)), client.post(address, typed(busy, buffer=5))
    assert same.status_code == less.status_code == 200
    assert "<strong" not in same.content.decode()
    assert "All as now." in text(same)
    assert "<strong" in less.content.decode()
    assert "of 10 would be different." in text(less)
    assert re.search(r"on hand in the channel's places = \d", text(less)), "the figure after a step, not how much it takes"
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).buffer == 1


def test_half_typed_rules_say_what_is_wrong(busy: BusyShop, client: Client) -> None:
    answer = client.post(reverse("backoffice:preview_rules", args=[busy.near.pk]), typed(busy, share="500"))
    assert "Share in per cent" in text(answer)


def test_the_preview_is_of_the_products_asked_for(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        offer = Offer.objects.filter(channel=busy.near).order_by("-sku")[0]
    address = reverse("backoffice:preview_rules", args=[busy.near.pk])
    assert offer.sku not in text(client.post(address, typed(busy)))
    assert offer.sku in text(client.post(address, typed(busy, preview=offer.sku)))
    assert "No product of this channel" in text(client.post(address, typed(busy, preview="nothing like it")))


def test_ten_products_cost_as_many_statements_as_one(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        sku = Offer.objects.filter(channel=busy.near, stock_unit__kind="single").order_by("sku")[3].sku
    counts = []
    for asked in (sku, ""):
        with CaptureQueriesContext(connection) as queries:
            client.post(reverse("backoffice:preview_rules", args=[busy.near.pk]), typed(busy, preview=asked, buffer=4))
        counts.append(len(queries))
    assert counts[1] <= counts[0]
