"""The page of one order: where it stands in its view, what is promised to it, what was said to the channel, and acts on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import Command, RemoteListing
from stallkeeper.core import clock
from stallkeeper.core.models import Role
from stallkeeper.orders.models import Order, OrderEvent, OrderLine, OrderNote
from stallkeeper.stock.models import Reservation
from tests.busy_shop import BusyShop, member, signed_in, text
from tests.db.backoffice.test_orders import shippable, unheard


def page(order: Order, **query: object) -> str:
    return reverse("backoffice:order", args=[order.pk]) + "".join(f"{'&' if at else '?'}{k}={v}" for at, (k, v) in enumerate(query.items()))


def test_previous_and_next_lead_through_the_view_that_one_came_from(busy: BusyShop, client: Client) -> None:
    rows = client.get(reverse("backoffice:orders"), {"channel": busy.far.pk, "state": "new", "sort": "oldest"}).context["rows"]
    orders = [row.order for row in rows]
    query = {"channel": busy.far.pk, "state": "new", "sort": "oldest"}
    for position in (0, 1, len(orders) - 1):
        trail = client.get(page(orders[position], **query)).context["trail"]
        before = orders[position - 1] if position else None
        after = orders[position + 1] if position + 1 < len(orders) else None
        assert (trail.previous, trail.next) == (before, after)
    nowhere = client.get(page(orders[1])).context["trail"]
    assert (nowhere.previous, nowhere.next) == (None, None)


def test_an_order_that_left_its_view_still_leads_on(busy: BusyShop, client: Client) -> None:
    """One works through a view: the order that was just shipped is in it no longer."""
    rows = client.get(reverse("backoffice:orders"), {"state": "new"}).context["rows"]
    first, worked, last = (row.order for row in rows[:3])
    with busy.shop.scope():
        Order.objects.filter(pk=worked.pk).update(state="shipped")
    trail = client.get(page(worked, state="new")).context["trail"]
    assert (trail.previous, trail.next) == (first, last)


def test_an_act_leads_back_to_the_order_in_its_view(busy: BusyShop, client: Client) -> None:
    (order,) = unheard(busy, 1)
    done = client.post(reverse("backoffice:acknowledge", args=[order.pk]) + "?state=new&view=all")
    assert done.headers["Location"] == page(order, state="new", view="all")
    shown = text(client.get(page(order)))
    assert "Acknowledged by us" in shown
    again = client.post(reverse("backoffice:acknowledge", args=[order.pk]), follow=True)
    assert "Its acknowledgement is on its way already." in text(again)


def test_what_cannot_be_acknowledged_says_why(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        shipped = Order.objects.filter(state="shipped").first()
    refused = text(client.post(reverse("backoffice:acknowledge", args=[shipped.pk]), follow=True))
    assert f"order {shipped.number} is not new any more" in refused
    reader = member(busy.organisation, Role.READ_ONLY)
    assert reader.post(reverse("backoffice:acknowledge", args=[shipped.pk])).status_code == 403


def test_each_line_says_where_its_units_are_promised(busy: BusyShop, client: Client) -> None:
    (order,) = shippable(busy, 1)
    with busy.shop.scope():
        lines = list(order.lines.values_list("pk", flat=True))
        held = list(Reservation.objects.filter(owner_type="line", owner_id__in=lines).select_related("location"))
    shown = text(client.get(page(order)))
    assert held
    assert all(f"{row.quantity} at {row.location.name}" in shown for row in held)


def test_a_call_opens_with_what_was_said_and_answered(busy: BusyShop, client: Client) -> None:
    """The end of a call stands with its event, not as a second entry; one under way stands alone."""
    (order,) = unheard(busy, 1)
    with busy.shop.scope():
        line = order.lines.first()
        at = clock.now()
        common = {"organisation": busy.organisation, "connection_id": order.connection_id, "subject_type": "order", "subject_id": order.pk}
        common |= {"not_before": at, "created_at": at - timedelta(seconds=3)}
        payload = {"order_id": "1", "carrier": "DHL", "tracking_number": "T9", "lines": [{"line_id": line.line_id, "quantity": 2}]}
        Command.objects.create(
            **common, kind="ship", key="a", payload=payload, state="refused", attempts=2, sent_at=at - timedelta(seconds=2), ended_at=at,
            code="E7", message="The carrier is unknown.",
        )  # fmt: skip
        Command.objects.create(**common, kind="cancel", key="b", payload={"order_id": "1", "reason": "buyer_asked", "lines": []})
        OrderEvent.objects.create(organisation=busy.organisation, order=order, at=at, kind="ship_refused", actor="system")
    answer = client.get(page(order))
    moments = {str(moment.title): moment for moment in answer.context["moments"]}
    call = moments["the channel refused the shipment"].call
    assert (call.words, call.seconds, call.command.attempts) == ("E7 The carrier is unknown.", 2.0, 2)
    assert "shipment to the channel" not in moments
    assert moments["cancellation to the channel"].call.command.state == "queued"
    shown = text(answer)
    assert all(words in shown for words in ("carrier: DHL", "tracking number: T9", f"lines: 2 × {line.sku}"))
    assert "(2 attempts)" in shown


def test_notes_are_shown_newest_first_with_who_wrote_them(busy: BusyShop, client: Client) -> None:
    (order,) = shippable(busy, 1)
    for key, words in (("a", "Gift wrap."), ("b", "Buyer called: Friday is fine.")):
        client.post(reverse("backoffice:write_note", args=[order.pk]), {"text": words, "key": key})
    shown = text(client.get(page(order)))
    assert shown.index("Friday is fine.") < shown.index("Gift wrap.")
    assert "Olga Owner" in shown
    assert 'name="text"' not in member(busy.organisation, Role.READ_ONLY).get(page(order)).content.decode()


def test_an_unknown_sku_is_linked_with_one_click_where_something_fits(busy: BusyShop, client: Client) -> None:
    """C10: the candidates of its listing come with their evidence; without a listing, units whose title is alike."""
    with busy.shop.scope():
        line = OrderLine.objects.filter(stock_unit=None).select_related("order__channel").first()
        unit = StockUnit.objects.filter(kind="single").order_by("-pk").first()
        alike = StockUnit.objects.get(title=line.title)
    row = client.get(page(line.order)).context["lines"][0]
    assert [fit.sku for fit in row.candidates] == [alike.sku]
    with busy.shop.scope():
        RemoteListing.objects.create(
            organisation=busy.organisation, channel=line.order.channel, sku=line.sku, external_id="U1", status="live", seen_at=busy.now,
            state="new", candidates=[{"unit": unit.pk, "sku": unit.sku, "by": "gtin", "value": "5940000000017", "factor": 1}],
        )  # fmt: skip
    shown = text(client.get(page(line.order)))
    assert f"It is {unit.sku}" in shown
    assert "5940000000017" in shown
    client.post(reverse("backoffice:link_line", args=[line.order_id, line.pk]), {"sku": unit.sku, "for_ever": "1"})
    with busy.shop.scope():
        line.refresh_from_db()
        assert line.stock_unit_id == unit.pk


def test_money_is_added_up_by_kind_and_hidden_from_the_warehouse(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        order = Order.objects.filter(channel=busy.far).first()
        amounts = list(order.amounts.filter(kind="product"))
    sums = {(str(money.name), money.note): money.amount for money in client.get(page(order)).context["sums"]}
    assert sums["goods", ""] == sum(row.amount for row in amounts)
    assert ("tax", "owed by the marketplace") in sums
    assert member(busy.organisation, Role.WAREHOUSE).get(page(order)).context["sums"] is None


def test_the_page_costs_the_same_whatever_the_order_holds(busy: BusyShop, client: Client) -> None:
    """More lines, reservations, calls, events and notes are no more statements."""
    with busy.shop.scope():
        orders = sorted(shippable(busy, 30), key=lambda order: order.lines.count())
    few, many = orders[0], orders[-1]
    with busy.shop.scope():
        for number in range(5):
            OrderNote.objects.create(organisation=busy.organisation, order=many, at=busy.now, actor=busy.owner.actor, key=number, text="x")
            OrderEvent.objects.create(organisation=busy.organisation, order=many, at=busy.now, kind="linked", actor=busy.owner.actor)
        OrderNote.objects.create(organisation=busy.organisation, order=few, at=busy.now, actor=busy.owner.actor, key="1", text="x")
        OrderEvent.objects.create(organisation=busy.organisation, order=few, at=busy.now, kind="linked", actor=busy.owner.actor)
    counts = []
    for order in (few, few, many):
        with CaptureQueriesContext(connection) as queries:
            client.get(page(order, view="all", state="new"))
        counts.append(len(queries))
    assert counts[1] == counts[2]


def test_the_neighbours_in_a_view_cost_two_statements(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        order = shippable(busy, 3)[1]
    counts = []
    for query in ({}, {}, {"view": "all", "state": order.state}):
        with CaptureQueriesContext(connection) as queries:
            client.get(page(order, **query))
        counts.append(len(queries))
    assert counts[2] - counts[1] == 2


@pytest.mark.parametrize("name", ["order", "write_note", "acknowledge", "ship", "cancel"])
def test_an_order_of_another_organisation_is_not_there(busy: BusyShop, name: str) -> None:
    from tests.shop import Shop, join

    other = Shop.open()
    stranger = signed_in(busy.owner)
    join(other.organisation, busy.owner, Role.OWNER)
    stranger.post(reverse("backoffice:choose_organisation"), {"organisation": other.organisation.pk})
    (order,) = shippable(busy, 1)
    assert stranger.post(reverse(f"backoffice:{name}", args=[order.pk]), {"text": "x", "key": "y"}).status_code == 404
