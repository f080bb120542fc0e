"""The list of orders: views, filters, search, and acts on many at once (S1.19, S2.17, S2.18)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from stallkeeper.backoffice import order_choice
from stallkeeper.channels.models import Command
from stallkeeper.core import clock
from stallkeeper.core.models import AuditEntry, Role
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders.models import Order, OrderLine, OrderView
from tests.busy_shop import BusyShop, member, open_busy_shop, text

ORDERS, MANY = "backoffice:orders", "backoffice:order_bulk"


def numbers(response: HttpResponse) -> list[str]:
    return [row.order.number for row in response.context["rows"]]


def shippable(busy: BusyShop, count: int) -> list[Order]:
    """New orders of which every line has its stock."""
    with busy.shop.scope():
        wanting = OrderLine.objects.exclude(short=0, stock_unit__isnull=False).values("order_id")
        return list(Order.objects.filter(state="new").exclude(pk__in=wanting).order_by("-ordered_at", "-pk")[:count])


def change(busy: BusyShop, order: Order, **values: object) -> None:
    with busy.shop.scope():
        Order.objects.filter(pk=order.pk).update(**values)


def sheet(client: Client, orders: list[Order], **more: object) -> HttpResponse:
    """The sheet as it is shown for these orders, sent with what ``more`` says: ``tracking`` are the numbers in their order."""
    shown = client.post(reverse(MANY), {"action": "ship", "order": [order.pk for order in orders]})
    given: dict[str, object] = {"token": shown.context["token"], "order": [row.order.pk for row in shown.context["rows"]]}
    given |= {f"units_{row.order.pk}": row.units for row in shown.context["rows"] if not row.problem}
    given |= {f"tracking_{order.pk}": number for order, number in zip(orders, more.pop("tracking", ()), strict=False)}
    return client.post(reverse("backoffice:ship_sheet"), given | more)


def outcomes(response: HttpResponse) -> dict[str, tuple[bool, str]]:
    return {each.order.number: (each.done, str(each.words)) for each in response.context["outcomes"]}


@pytest.mark.parametrize("view", ["", "?view=today&due=today&sort=deadline", "?needs=us", "?q=700", "?needs=cancelled&sort=oldest"])
def test_a_list_of_orders_costs_the_same_whatever_its_length(
    busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    with busy.shop.scope():
        for number in range(12):
            OrderView.objects.create(organisation=busy.organisation, name=f"v{number}", query="state=new", actor="x")
    client.get("/")
    counts = []
    for size in (1, 20):
        monkeypatch.setattr("stallkeeper.backoffice.paging.page.__defaults__", ("", "", size))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(ORDERS) + view).status_code == 200
        counts.append(len(queries))
    assert counts[1] <= counts[0] < 30  # what fits on one page is not counted again


def test_each_view_shows_what_its_name_says(busy: BusyShop, client: Client) -> None:
    """S1.19: the tabs count what they show."""
    late, today, wish, gone, ours = shippable(busy, 5)
    now = clock.now()
    change(busy, late, dispatch_by=now - timedelta(hours=30))
    change(busy, today, dispatch_by=now)
    change(busy, gone, state="cancelled")
    with busy.shop.scope():
        wish.lines.update(cancel_requested=1)
        others = Order.objects.exclude(pk__in=[late.pk, today.pk])
        others.update(dispatch_by=now + timedelta(days=9))
        short = set(Order.objects.filter(lines__short__gt=0).values_list("number", flat=True))
    client.post(reverse("backoffice:cancel_many"), {"order": ours.pk, f"units_{ours.pk}": units(busy, ours), "reason": "buyer_asked"})
    change(busy, ours, state="cancelled")
    tabs = {str(tab.key): tab for tab in client.get(reverse(ORDERS)).context["tabs"]}
    found = {key: numbers(client.get(tab.address)) for key, tab in tabs.items()}
    assert found["late"][0] == late.number
    assert set(found["today"]) == {late.number, today.number}
    assert set(found["short"]) == short
    assert "UNKNOWN-77" in text(client.get(tabs["unmapped"].address))
    assert found["cancelled"] == [gone.number]
    assert wish.number in found["acknowledge"]
    assert late.number not in numbers(client.get(reverse(ORDERS), {"needs": "wish"}))
    assert numbers(client.get(reverse(ORDERS), {"needs": "wish"})) == [wish.number]
    assert {wish.number, *short} <= set(numbers(client.get(reverse(ORDERS), {"needs": "us"})))
    for key in ("late", "today", "short", "unmapped", "cancelled"):
        assert tabs[key].count == len(found[key]), key


def units(busy: BusyShop, order: Order) -> str:
    with busy.shop.scope():
        return ",".join(f"{line.pk}:{line.open}" for line in order.lines.all())


def test_orders_are_found_by_number_sku_and_tracking_number(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        parcel = Shipment.objects.select_related("order").first()
        line = OrderLine.objects.filter(stock_unit__isnull=False).select_related("order", "stock_unit").first()
        unknown = OrderLine.objects.filter(stock_unit=None).select_related("order").first()
    for asked, wanted in (
        (parcel.tracking_number, parcel.order),
        (parcel.tracking_number.lower(), parcel.order),
        (line.order.number, line.order),
        (line.stock_unit.sku.lower(), line.order),
        (unknown.sku, unknown.order),
    ):
        assert wanted.number in numbers(client.get(reverse(ORDERS), {"q": asked})), asked
    assert numbers(client.get(reverse(ORDERS), {"q": "nothing-like-it"})) == []


def test_rows_stand_in_the_order_that_was_asked(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        by_time = list(Order.objects.order_by("ordered_at", "pk").values_list("number", flat=True))[:50]
        by_deadline = Order.objects.filter(state__in=["new", "acknowledged", "part_shipped"], fulfilled_by="seller")
        by_deadline = list(by_deadline.exclude(dispatch_by=None).order_by("dispatch_by", "pk").values_list("number", flat=True))[:50]
    assert numbers(client.get(reverse(ORDERS), {"sort": "oldest"})) == by_time
    assert numbers(client.get(reverse(ORDERS), {"sort": "deadline"})) == by_deadline
    assert numbers(client.get(reverse(ORDERS), {"sort": "made-up"})) == numbers(client.get(reverse(ORDERS)))


def test_a_view_is_saved_opened_with_and_deleted(busy: BusyShop, client: Client) -> None:
    """A private one is seen by nobody else; one for everybody is deleted only by those who may act."""
    reader = member(busy.organisation, Role.READ_ONLY)
    saved = client.post(reverse("backoffice:keep_order_view"), {"name": "eMAG new", "filters": f"state=new&channel={busy.near.pk}&x=1"})
    client.post(reverse("backoffice:keep_order_view"), {"name": "Shared", "filters": "needs=short", "for_all": "1"})
    assert "eMAG new" in text(client.get(saved.headers["Location"]))
    assert "eMAG new" not in text(reader.get(reverse(ORDERS)))
    assert "Shared" in text(reader.get(reverse(ORDERS)))
    with busy.shop.scope():
        private, shared = OrderView.objects.get(name="eMAG new"), OrderView.objects.get(name="Shared")
    assert private.query == f"channel={busy.near.pk}&state=new"
    assert client.post(reverse("backoffice:open_with"), {"view": private.pk}).status_code == 302
    assert client.get(reverse(ORDERS)).headers["Location"] == saved.headers["Location"]
    assert reader.get(reverse(ORDERS)).status_code == 200
    assert reader.post(reverse("backoffice:drop_order_view", args=[private.pk])).status_code == 404
    assert "belongs to everybody" in text(reader.post(reverse("backoffice:drop_order_view", args=[shared.pk]), follow=True))
    assert "Deleted: eMAG new." in text(client.post(reverse("backoffice:drop_order_view", args=[private.pk]), follow=True))
    assert client.get(reverse(ORDERS)).status_code == 200
    nameless = client.post(reverse("backoffice:keep_order_view"), {"name": " ", "filters": ""}, follow=True)
    assert "Name: give the view one" in text(nameless)


def test_a_reader_saves_no_view_for_everybody(busy: BusyShop) -> None:
    member(busy.organisation, Role.READ_ONLY).post(
        reverse("backoffice:keep_order_view"), {"name": "Mine", "filters": "q=1", "for_all": "1"}
    )
    with busy.shop.scope():
        assert OrderView.objects.get().user_id is not None


def test_an_order_that_somebody_has_touched_is_marked(busy: BusyShop, client: Client) -> None:
    """S2.18: the icon is red where something was done by hand."""
    touched, other = shippable(busy, 2)
    sheet(client, [touched], tracking=["A1"], carrier="DHL")
    rows = {row.order.pk: row for row in client.get(reverse(ORDERS)).context["rows"]}
    assert (rows[touched.pk].by_hand, rows[other.pk].by_hand) == (True, False)


def test_many_are_acknowledged_each_once(busy: BusyShop, client: Client) -> None:
    """S1.9: also twice, and beside one that is shipped already; each says what came of it."""
    orders = unheard(busy, 3)
    with busy.shop.scope():
        shipped = Order.objects.filter(state="shipped").first()
    ticked = {"action": "acknowledge", "order": [order.pk for order in (*orders, shipped)]}
    first, second = (outcomes(client.post(reverse(MANY), ticked)) for _ in range(2))
    assert all(first[order.number] == (True, f"{order_channel(busy, order)} is told in the next run.") for order in orders)
    assert first[shipped.number] == (False, f"order {shipped.number} is not new any more")
    assert all(second[order.number] == (True, "Its acknowledgement is on its way already.") for order in orders)
    with busy.shop.scope():
        assert Command.objects.filter(kind="acknowledge", subject_id__in=[order.pk for order in orders]).count() == 3
        assert AuditEntry.objects.filter(action="acknowledge.order").count() == 3


def unheard(busy: BusyShop, count: int) -> list[Order]:
    """New orders whose acknowledgement nobody has put in line: acknowledging by itself was off."""
    orders = shippable(busy, count)
    with busy.shop.scope():
        Command.objects.filter(kind="acknowledge", subject_id__in=[order.pk for order in orders]).delete()
    return orders


def order_channel(busy: BusyShop, order: Order) -> str:
    return busy.near.name if order.channel_id == busy.near.pk else busy.far.name


def test_a_refused_acknowledgement_is_read_before_it_is_told_again(busy: BusyShop, client: Client) -> None:
    (order,) = unheard(busy, 1)
    client.post(reverse(MANY), {"action": "acknowledge", "order": order.pk})
    with busy.shop.scope():
        Command.objects.filter(subject_id=order.pk).update(state="refused", message="Not your order.")
    done, words = outcomes(client.post(reverse(MANY), {"action": "acknowledge", "order": order.pk}))[order.number]
    assert not done
    assert "(Not your order.): read why on the order's page" in words


def test_a_note_is_kept_once(busy: BusyShop, client: Client) -> None:
    """The same form twice is one note; an empty one is refused with words."""
    (order,) = shippable(busy, 1)
    address = reverse("backoffice:write_note", args=[order.pk])
    for _ in range(2):
        client.post(address, {"text": "Gift wrap, please.", "key": "k1"})
    assert "Note: write something." in text(client.post(address, {"text": "  ", "key": "k2"}, follow=True))
    assert member(busy.organisation, Role.READ_ONLY).post(address, {"text": "No", "key": "k3"}).status_code == 403
    with busy.shop.scope():
        assert list(order.notes.values_list("text", "actor")) == [("Gift wrap, please.", busy.owner.actor)]


def test_a_sheet_ships_what_has_a_tracking_number(busy: BusyShop, client: Client) -> None:
    """S1.12: the carrier is remembered; a row without a number stays; the same sheet sent twice ships once."""
    orders = shippable(busy, 3)
    done = sheet(client, orders, tracking=["T1", "T2"], carrier="Cargus")
    assert [each[0] for each in outcomes(done).values()].count(True) == 2
    assert outcomes(done)[orders[2].number] == (False, "No tracking number: it was left out.")
    with busy.shop.scope():
        assert [order.state for order in Order.objects.filter(pk__in=[each.pk for each in orders]).order_by("-ordered_at", "-pk")] == [
            "shipped", "shipped", "new",
        ]  # fmt: skip
        told = Command.objects.get(kind="ship", subject_id=orders[0].pk).payload
    assert (told["carrier"], told["tracking_number"]) == ("Cargus", "T1")
    again = client.post(reverse(MANY), {"action": "ship", "order": [orders[2].pk]})
    assert again.context["carrier"] == "Cargus"


def test_the_same_sheet_twice_ships_once(busy: BusyShop, client: Client) -> None:
    orders = shippable(busy, 2)
    shown = client.post(reverse(MANY), {"action": "ship", "order": [order.pk for order in orders]})
    given = {"token": shown.context["token"], "order": [order.pk for order in orders], "carrier": "UPS", "without_tracking": "1"}
    given |= {f"units_{row.order.pk}": row.units for row in shown.context["rows"]}
    first, second = (outcomes(client.post(reverse("backoffice:ship_sheet"), given)) for _ in range(2))
    assert first == second
    assert all(done for done, _words in second.values())
    with busy.shop.scope():
        assert Shipment.objects.filter(order__in=orders).count() == 2


def test_tracking_numbers_are_pasted_as_a_column_or_beside_order_numbers(busy: BusyShop, client: Client) -> None:
    orders = shippable(busy, 3)
    filled = sheet(client, orders, fill="1", pasted="T1\nT2\nT3\n\nT4\n")
    assert {row.order.pk: row.tracking for row in filled.context["rows"]} == {
        order.pk: f"T{position}" for position, order in enumerate(row_orders(filled), 1)
    }
    assert "Line 5, “T4”: no order of this sheet takes it." in text(filled)
    beside = sheet(client, orders, fill="1", pasted=f"{orders[1].number}\tB\n{orders[0].number};A\n4711,C")
    assert {row.order.pk: row.tracking for row in beside.context["rows"]} == {orders[0].pk: "A", orders[1].pk: "B", orders[2].pk: ""}
    assert "Line 3, “4711,C”: no order of this sheet takes it." in text(beside)


def test_a_row_without_a_number_does_not_give_its_orders_the_numbers_of_others(busy: BusyShop, client: Client) -> None:
    """S1.12: an empty cell of the spreadsheet stays empty here, and an order's number is no tracking number."""
    orders = shippable(busy, 3)
    gap = sheet(client, orders, fill="1", pasted="T1\n\nT3\n")
    assert [row.tracking for row in gap.context["rows"]] == ["T1", "", "T3"]
    alone = sheet(client, orders, fill="1", pasted=f"{orders[1].number}\t\n{orders[2].number}\tC\n\tX9")
    assert {row.order.pk: row.tracking for row in alone.context["rows"]} == {orders[0].pk: "", orders[1].pk: "", orders[2].pk: "C"}
    assert "Line 3, “X9”: no order of this sheet takes it." in text(alone)


def test_a_number_for_an_order_that_stays_is_not_dropped_without_a_word(busy: BusyShop, client: Client) -> None:
    leaving, staying = shippable(busy, 2)
    with busy.shop.scope():
        staying.lines.update(cancel_requested=1)
    filled = sheet(client, [leaving, staying], fill="1", pasted=f"{leaving.number}\tA\n{staying.number}\tB")
    assert {row.order.pk: row.tracking for row in filled.context["rows"]} == {leaving.pk: "A", staying.pk: ""}
    assert f"Line 2, “{staying.number} B”: no order of this sheet takes it." in text(filled)


def row_orders(response: HttpResponse) -> list[Order]:
    return [row.order for row in response.context["rows"]]


def test_a_sheet_without_a_carrier_or_number_comes_back(busy: BusyShop, client: Client) -> None:
    orders = shippable(busy, 2)
    nobody = sheet(client, orders, tracking=["T1"])
    assert nobody.status_code == 422
    assert "Carrier: say who carries the parcels" in text(nobody)
    assert 'value="T1"' in nobody.content.decode()
    nothing = sheet(client, orders, carrier="UPS")
    assert nothing.status_code == 422
    assert "No order has a tracking number" in text(nothing)
    own = sheet(client, orders, tracking=["T1"], **{f"carrier_{orders[0].pk}": "GLS"})
    assert outcomes(own)[orders[0].number][1].startswith("GLS T1.")


def test_what_needs_a_decision_does_not_leave_with_many(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        short = Order.objects.filter(lines__short__gt=0, state="new").first()
        unknown = Order.objects.filter(lines__stock_unit=None, state="new").first()
        shipped = Order.objects.filter(state="shipped").first()
    wish, fine, pending = shippable(busy, 3)
    change(busy, pending, state="pending")
    with busy.shop.scope():
        wish.lines.update(cancel_requested=1)
    found = outcomes(sheet(client, [fine, short, unknown, shipped, wish, pending], carrier="UPS", without_tracking="1"))
    assert [number for number, (done, _words) in found.items() if done] == [fine.number]
    assert found[short.number][1].startswith("Short of stock")
    assert found[unknown.number][1].startswith("A SKU is unknown")
    assert found[shipped.number][1] == "Nothing of it is left to ship."
    assert found[wish.number][1].startswith("The buyer asks to cancel")
    assert found[pending.number][1].startswith("Pending")


def test_an_order_that_changed_under_the_sheet_is_refused(busy: BusyShop, client: Client) -> None:
    """What leaves is what was seen: a unit that the buyer has cancelled meanwhile is not sent after all."""
    (order,) = shippable(busy, 1)
    with busy.shop.scope():
        line = order.lines.first()
    answer = sheet(client, [order], carrier="UPS", without_tracking="1", **{f"units_{order.pk}": f"{line.pk}:{line.open + 1}"})
    done, words = outcomes(answer)[order.number]
    assert not done
    assert f"{line.open + 1} to ship, {line.open} open" in words


def test_many_are_cancelled_after_seeing_what_happens(busy: BusyShop, client: Client) -> None:
    """S1.14: first the plan; then each says what came of it; sent twice it cancels once."""
    orders = shippable(busy, 2)
    with busy.shop.scope():
        shipped = Order.objects.filter(state="shipped").first()
        wanted = sum(line.open for order in orders for line in order.lines.all())
    plan = client.post(reverse(MANY), {"action": "cancel", "order": [order.pk for order in (*orders, shipped)]})
    shown = text(plan)
    assert "2 orders will be cancelled" in shown
    assert f"{wanted} sold units are cancelled." in shown
    assert "Nothing of it is open." in shown
    with busy.shop.scope():
        assert not Command.objects.filter(kind="cancel").exists()
    given = {"order": [row.order.pk for row in plan.context["rows"]], "reason": "out_of_stock"}
    given |= {f"units_{row.order.pk}": row.text for row in plan.context["rows"] if not row.problem}
    first, second = (outcomes(client.post(reverse("backoffice:cancel_many"), given)) for _ in range(2))
    assert [first[order.number][0] for order in orders] == [True, True]
    assert [second[order.number][0] for order in orders] == [False, False]
    assert first[shipped.number] == (False, "Nothing of it is open.")
    with busy.shop.scope():
        assert Command.objects.filter(kind="cancel", subject_id__in=[order.pk for order in orders]).count() == 2
        assert {line.open for order in orders for line in order.lines.all()} == {0}


def test_a_reason_that_nobody_knows_cancels_nothing(busy: BusyShop, client: Client) -> None:
    (order,) = shippable(busy, 1)
    given = {"order": order.pk, f"units_{order.pk}": units(busy, order), "reason": "made_up"}
    assert client.post(reverse("backoffice:cancel_many"), given).status_code == 302
    with busy.shop.scope():
        assert not Command.objects.filter(kind="cancel").exists()


def test_pick_list_and_packing_slips(busy: BusyShop, client: Client) -> None:
    """Units by place and SKU, as they are promised; a slip shows the buyer, and each look is in the audit."""
    orders = shippable(busy, 2)
    with busy.shop.scope():
        lines = [line for order in orders for line in order.lines.select_related("stock_unit")]
        unknown = Order.objects.filter(lines__stock_unit=None, state="new").first()
    ticked = [order.pk for order in (*orders, unknown)]
    pick = client.post(reverse(MANY), {"action": "pick", "order": ticked})
    assert "Main warehouse" in text(pick)
    singles = [line for line in lines if line.stock_unit.kind == "single"]
    assert singles
    assert all(line.stock_unit.sku in text(pick) for line in singles)
    assert sum(pick.quantity for _place, picks in pick.context["places"] for pick in picks) >= sum(line.open for line in singles)
    assert "UNKNOWN-77" in text(pick)
    assert "Example Street" not in text(pick)
    slips = text(client.post(reverse(MANY), {"action": "slips", "order": ticked}))
    assert slips.count("Example Street 5") == 3
    with busy.shop.scope():
        read = AuditEntry.objects.filter(action="read.personal_data")
        assert set(read.values_list("subject_id", flat=True)) == {str(pk) for pk in ticked}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.READ_ONLY, {"pick"}),
        (Role.ACCOUNTANT, {"pick", "slips"}),
        (Role.WAREHOUSE, {"pick", "slips", "ship", "acknowledge", "cancel"}),
    ],
)
def test_each_role_does_with_many_what_it_may_do_with_one(busy: BusyShop, role: Role, allowed: set[str]) -> None:
    client, (order,) = member(busy.organisation, role), unheard(busy, 1)
    answers = {action: client.post(reverse(MANY), {"action": action, "order": order.pk}).status_code for action in order_bulk_actions()}
    assert {action for action, status in answers.items() if status == 200} == allowed
    assert set(answers.values()) <= {200, 403}
    if "ship" not in allowed:
        for name in ("ship_sheet", "cancel_many"):
            assert client.post(reverse(f"backoffice:{name}"), {"order": order.pk}).status_code == 403
        with busy.shop.scope():
            assert not Command.objects.filter(subject_id=order.pk).exists()


def order_bulk_actions() -> tuple[str, ...]:
    return ("pick", "slips", "ship", "acknowledge", "cancel")


def test_orders_of_another_organisation_are_orders_of_nobody(busy: BusyShop, client: Client) -> None:
    other = open_busy_shop(36, 22, seed=9, email="other@example.com")
    with other.shop.scope():
        foreign = list(Order.objects.filter(state="new"))
        Command.objects.all().delete()
    (own,) = unheard(busy, 1)
    mixed = client.post(reverse(MANY), {"action": "acknowledge", "order": [own.pk, *(order.pk for order in foreign)]})
    assert list(outcomes(mixed)) == [own.number]
    assert f"{len(foreign)} of the orders are not there any more." in text(mixed)
    for name, more in (("ship_sheet", {"carrier": "UPS", "without_tracking": "1"}), ("cancel_many", {"reason": "buyer_asked"})):
        given = {"order": foreign[0].pk, f"units_{foreign[0].pk}": units(other, foreign[0]), **more}
        assert client.post(reverse(f"backoffice:{name}"), given).status_code == 302
    with other.shop.scope():
        assert not Command.objects.filter(subject_id__in=[order.pk for order in foreign]).exists()


def test_all_of_a_view_up_to_a_limit(busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "All of this view" means its filters, not the page; too many are refused with words."""
    asked = {"action": "acknowledge", "all": "1", "filters": f"state=new&channel={busy.far.pk}&view=all"}
    with busy.shop.scope():
        wanted = set(Order.objects.filter(state="new", channel=busy.far).values_list("number", flat=True))
    monkeypatch.setattr(order_choice, "MOST", len(wanted) - 1)
    refused = client.post(reverse(MANY), asked, follow=True)
    assert f"At most {len(wanted) - 1} orders at once" in text(refused)
    assert refused.redirect_chain[0][0] == f"/orders/?channel={busy.far.pk}&state=new&view=all"
    monkeypatch.setattr(order_choice, "MOST", len(wanted))
    assert set(outcomes(client.post(reverse(MANY), asked))) == wanted
    assert "Tick the orders" in text(client.post(reverse(MANY), {"action": "acknowledge"}, follow=True))
