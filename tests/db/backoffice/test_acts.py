"""What a person does on the screens (S1.12, S1.14, S3.36-S3.41, S4.22, S4.32, S4.36)."""

from __future__ import annotations

from contextlib import redirect_stderr
from dataclasses import replace
from io import StringIO

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from stallkeeper.__main__ import run
from stallkeeper.channels import plans
from stallkeeper.channels.models import Channel, Command, Connection, Offer, OfferTodo, RemoteListing
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.core.models import Notification, Organisation, Role, User
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock.models import Level, Movement
from tests.busy_shop import BusyShop, refuse_to_probe, signed_in, text
from tests.shop import join


def open_order(busy: BusyShop) -> Order:
    with busy.shop.scope():
        return Order.objects.filter(state="new", lines__short=0, lines__stock_unit__isnull=False, lines__ordered__gt=0).order_by("-pk")[0]


def test_shipping_from_the_screen(busy: BusyShop, client: Client) -> None:
    """S1.12: stock falls, the order is shipped, the channel is told; the same form sent twice ships once."""
    order = open_order(busy)
    with busy.shop.scope():
        lines = list(order.lines.filter(stock_unit__isnull=False))
    data = {f"quantity_{line.pk}": line.open for line in lines} | {"carrier": "Cargus", "tracking_number": "AWB1", "reference": "form-1"}
    address = reverse("backoffice:ship", args=[order.pk])
    assert client.post(address, data).status_code == 302
    client.post(address, data)
    with busy.shop.scope():
        assert [line.shipped for line in order.lines.filter(stock_unit__isnull=False)] == [line.open for line in lines]
        assert Command.objects.filter(kind="ship", subject_id=order.pk).count() == 1
    shown = text(client.get(reverse("backoffice:order", args=[order.pk])))
    assert "Goods left" in shown
    assert "AWB1" in shown


def test_a_wrong_shipment_comes_back_with_the_reason(busy: BusyShop, client: Client) -> None:
    order = open_order(busy)
    with busy.shop.scope():
        line = order.lines.first()
    response = client.post(
        reverse("backoffice:ship", args=[order.pk]), {f"quantity_{line.pk}": line.open + 1, "carrier": "", "reference": "x"}
    )
    assert response.status_code == 422
    assert "less than or equal to" in text(response)
    nothing = client.post(reverse("backoffice:ship", args=[order.pk]), {"carrier": "Cargus", "reference": "x"})
    assert "Enter how many units" in text(nothing)


def test_a_part_is_cancelled_once_however_often_its_plan_is_confirmed(busy: BusyShop, client: Client) -> None:
    """S1.14: a double click on a slow line cancels one unit, not two; a new plan cancels anew."""
    with busy.shop.scope():
        line = OrderLine.objects.filter(order__state="new", ordered__gte=2, short=0, stock_unit__isnull=False).order_by("-pk")[0]
    address, data = reverse("backoffice:cancel", args=[line.order_id]), {f"quantity_{line.pk}": 1, "reason": "buyer_asked"}
    for cancelled in (1, 2):
        sure = data | {"reference": client.post(address, data).context["reference"], "sure": "1"}
        for _press in range(2):
            answer = client.post(address, sure, follow=True)
            assert "1 unit cancelled." in text(answer)
            with busy.shop.scope():
                assert OrderLine.objects.get(pk=line.pk).cancelled == cancelled


def test_a_whole_order_is_cancelled_twice_without_an_error(busy: BusyShop, client: Client) -> None:
    order = open_order(busy)
    with busy.shop.scope():
        data: dict[str, object] = {f"quantity_{line.pk}": line.open for line in order.lines.all()} | {"reason": "buyer_asked"}
    address = reverse("backoffice:cancel", args=[order.pk])
    sure = data | {"reference": client.post(address, data).context["reference"], "sure": "1"}
    assert [client.post(address, sure).status_code for _press in range(2)] == [302, 302]
    with busy.shop.scope():
        assert Command.objects.filter(kind="cancel", subject_id=order.pk).count() == 1


def test_cancelling_shows_first_what_happens(busy: BusyShop, client: Client) -> None:
    """S1.14: units go back on sale everywhere; counts are shown before anything is done."""
    order = open_order(busy)
    with busy.shop.scope():
        line = order.lines.filter(stock_unit__isnull=False).first()
    data = {f"quantity_{line.pk}": line.open, "reason": "buyer_asked"}
    asked = client.post(reverse("backoffice:cancel", args=[order.pk]), data)
    assert f"{line.open} unit" in text(asked)
    assert "back on sale at once" in text(asked)
    with busy.shop.scope():
        assert OrderLine.objects.get(pk=line.pk).cancelled == 0
    assert client.post(reverse("backoffice:cancel", args=[order.pk]), data | {"sure": "1"}).status_code == 302
    with busy.shop.scope():
        assert OrderLine.objects.get(pk=line.pk).cancelled == line.open
        assert Command.objects.get(kind="cancel", subject_id=order.pk).payload["reason"] == "buyer_asked"


def test_an_unknown_sku_is_linked_in_place(busy: BusyShop, client: Client) -> None:
    """C10: only the line waited; once it is linked it reserves, and the next order of that SKU finds its unit."""
    with busy.shop.scope():
        line = OrderLine.objects.filter(stock_unit=None).first()
        unit = Offer.objects.filter(channel=busy.near).order_by("-believed_qty").first().stock_unit
    address = reverse("backoffice:link_line", args=[line.order_id, line.pk])
    assert "There is no stock unit" in text(client.post(address, {"sku": "NOT-OURS", "for_ever": "on"}, follow=True))
    client.post(address, {"sku": unit.sku, "for_ever": "on"})
    with busy.shop.scope():
        assert OrderLine.objects.get(pk=line.pk).stock_unit == unit
        assert Offer.objects.filter(sku=line.sku, stock_unit=unit).exists()


def test_putting_a_level_right_is_a_movement_with_a_reason(busy: BusyShop, client: Client) -> None:
    """C3: on hand changes only by movement."""
    with busy.shop.scope():
        offer = Offer.objects.order_by("pk").first()
    address = reverse("backoffice:adjust", args=[offer.stock_unit_id, busy.shop.place.pk])
    assert "This field is required" in text(client.post(address, {"on_hand": "77", "reason": ""}))
    client.post(address, {"on_hand": "77", "reason": "counted behind the shelf"})
    with busy.shop.scope():
        assert Level.objects.get(stock_unit_id=offer.stock_unit_id, location=busy.shop.place).on_hand == 77
        moved = Movement.objects.filter(reason="counted behind the shelf").get()
        assert (moved.actor, moved.cause) == (busy.owner.actor, "adjust")
        assert Offer.objects.get(pk=offer.pk).intended_qty == 76


def test_offers_are_left_out_after_a_look_at_what_follows(busy: BusyShop, client: Client) -> None:
    """S4.36: one or many; several are shown first."""
    with busy.shop.scope():
        ids = list(Offer.objects.order_by("pk").values_list("pk", flat=True)[:3])
    address = reverse("backoffice:offer_action")
    asked = text(client.post(address, {"action": "stock_out", "offer": ids}))
    assert "3 offers" in asked
    assert "keeps the last quantity" in asked
    client.post(address, {"action": "stock_out", "offer": ids, "sure": "1"})
    with busy.shop.scope():
        assert set(Offer.objects.filter(pk__in=ids).values_list("stock_excluded", "intended_qty")) == {(True, None)}


def test_read_now_and_send_again(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        refused, fine = (
            Offer.objects.filter(refused_at__isnull=False).first(),
            Offer.objects.filter(believed_qty__gt=0, refused_at=None).first(),
        )
        Offer.objects.filter(pk=refused.pk).update(refused_qty=refused.intended_qty, believed_qty=(refused.intended_qty or 0) + 5)
    client.post(reverse("backoffice:offer_action"), {"action": "resend", "offer": refused.pk})
    client.post(reverse("backoffice:offer_action"), {"action": "read", "offer": fine.pk})
    with busy.shop.scope():
        assert Offer.objects.get(pk=refused.pk).refused_at is None
        assert Offer.objects.get(pk=fine.pk).believed_qty is None
        assert set(OfferTodo.objects.values_list("offer_id", flat=True)) >= {refused.pk, fine.pk}


def test_a_candidate_is_chosen_and_certain_ones_are_linked(busy: BusyShop, client: Client) -> None:
    """S4.22: only linked; ambiguous ones never silently."""
    with busy.shop.scope():
        ambiguous = RemoteListing.objects.filter(state="ambiguous", channel=busy.near).first()
    client.post(reverse("backoffice:choose", args=[ambiguous.pk]), {"sku": ambiguous.candidates[1]["sku"], "pack_factor": "2"})
    asked = text(client.post(reverse("backoffice:confirm_certain", args=[busy.near.pk])))
    assert "3 listings are each fitted by exactly one" in asked
    client.post(reverse("backoffice:confirm_certain", args=[busy.near.pk]), {"sure": "1"})
    with busy.shop.scope():
        linked = RemoteListing.objects.select_related("offer__stock_unit").get(pk=ambiguous.pk)
        assert (linked.offer.stock_unit.sku, linked.offer.pack_factor) == (ambiguous.candidates[1]["sku"], 2)
        assert RemoteListing.objects.filter(channel=busy.near, state="ambiguous").count() == 2
        assert not RemoteListing.objects.filter(channel=busy.near, state="new").exists()


def rules_of(client: Client, channel: Channel, **changes: object) -> dict[str, object]:
    """What the rules form would send."""
    form = client.get(reverse("backoffice:channel_rules", args=[channel.pk])).context["form"]
    given = {field.name: field.value() for field in form}
    return {name: value for name, value in (given | changes).items() if value is not None and value is not False}


PLAN = "/sending/plan/"


def planned(client: Client, answer: HttpResponse) -> str:
    """The page of the plan that a form led to."""
    assert (answer.status_code, answer["Location"]) == (302, PLAN)
    return text(client.get(PLAN))


def send_it(client: Client, busy: BusyShop, **how: str) -> None:
    """Press the button of the plan's page."""
    with busy.shop.scope():
        plan = plans.open_plan()
        assert plan is not None
    answer = client.post(reverse("backoffice:apply_plan", args=[plan.pk]), {"fingerprint": plan.fingerprint} | how)
    assert answer.status_code == 302


def test_rules_show_what_they_change_and_change_nothing_before_the_yes(busy: BusyShop, client: Client) -> None:
    """D3: a plan with counts for everything that fans out; saved as it is, it is the plan that is sent."""
    with busy.shop.scope():
        before = dict(Offer.objects.filter(channel=busy.near).values_list("pk", "intended_qty"))
    data, address = rules_of(client, busy.near, buffer=3), reverse("backoffice:channel_rules", args=[busy.near.pk])
    shown = planned(client, client.post(address, data))
    assert f"{busy.near.name}: Buffer: 1 → 3" in shown
    with busy.shop.scope():
        assert dict(Offer.objects.filter(channel=busy.near).values_list("pk", "intended_qty")) == before
        assert Channel.objects.get(pk=busy.near.pk).buffer == 1
        plan = plans.open_plan()
        (counts,) = plans.counts_of(plan)
        items = plans.parts_of(plan)[busy.near.pk].quantities
    assert f"{counts.falls}" in shown
    send_it(client, busy, sure="1")
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).buffer == 3
        after = dict(Offer.objects.filter(channel=busy.near).values_list("pk", "intended_qty"))
    assert sum(1 for pk in after if (after[pk] or 0) < (before[pk] or 0)) > 20
    assert [after[offer] for offer in items.offer.tolist()] == items.after.tolist()
    assert client.post(address, rules_of(client, busy.near))["Location"] == address, "nothing is different: there is nothing to plan"
    with busy.shop.scope():
        assert plans.open_plan() is None


def test_a_product_gets_rules_of_its_own_and_loses_them_again(busy: BusyShop, client: Client) -> None:
    """S3.31: planned, sent by the plan's fingerprint, found in the list, taken away in the same two steps."""
    with busy.shop.scope():
        offers = Offer.objects.filter(channel=busy.near, intended_qty__gt=3, stock_unit__kind="single").select_related("stock_unit")
        one, other = offers.order_by("pk")[:2]
    address, remove = reverse("backoffice:own_rules", args=[busy.near.pk]), reverse("backoffice:remove_own_rules", args=[busy.near.pk])
    data = {"skus": f"{one.stock_unit.sku}\n{other.stock_unit.sku}", "fixed": "1", "velocity_share": "20.5"}

    def shown() -> list[int | None]:
        with busy.shop.scope():
            return [Offer.objects.get(pk=offer.pk).intended_qty for offer in (one, other)]

    said = planned(client, client.post(address, data))
    assert f"{one.stock_unit.sku}, {other.stock_unit.sku}: fixed number 1, last hour's sales 20.5 %" in said
    assert shown() == [one.intended_qty, other.intended_qty]
    send_it(client, busy, lower_is_fine="1")
    assert shown() == [1, 1]
    listed = text(client.get(address, {"q": one.stock_unit.sku, "kind": "product"}))
    assert "1 category or product has rules of its own" in listed
    assert "last hour's sales: 20.5 %" in listed
    assert "fixed number: 1" in listed
    with busy.shop.scope():
        rules = list(RuleOverride.objects.filter(valid_until=None).values_list("pk", flat=True))
    assert "rules of their own are taken away" in planned(client, client.post(remove, {"rule": rules}))
    assert shown() == [1, 1]
    send_it(client, busy)
    assert shown() == [one.intended_qty, other.intended_qty]
    assert client.post(remove, {"rule": rules})["Location"] == address, "they are gone: nothing is chosen"
    for wrong, why in (
        ({"skus": "NO-SUCH", "fixed": "1"}, "There is no stock unit NO-SUCH."),
        ({"fixed": "1"}, "Name a category, or SKUs: one of the two."),
        ({"category": "Nowhere", "fixed": "1"}, "no product is in a category"),
        ({"skus": one.stock_unit.sku, "share": "101"}, "less than or equal to 100"),
        ({"skus": one.stock_unit.sku}, "say at least one"),
    ):
        refused = client.post(address, wrong)
        assert (refused.status_code, why in text(refused)) == (422, True), why


def test_a_plan_that_makes_room_is_named(busy: BusyShop, client: Client) -> None:
    """One plan is open: a colleague's that was not sent yet is replaced, and whoever does that is told."""
    colleague = User.objects.create_user("second@example.com")
    join(busy.organisation, colleague, Role.OPERATIONS)
    address = reverse("backoffice:channel_rules", args=[busy.near.pk])
    theirs = signed_in(colleague)
    theirs.post(address, rules_of(theirs, busy.near, buffer=4))
    assert "makes room for this one" in text(client.post(address, rules_of(client, busy.near, buffer=5), follow=True))
    assert "makes room for this one" not in text(client.post(address, rules_of(client, busy.near, buffer=6), follow=True))


def test_rules_that_cannot_be_are_named(busy: BusyShop, client: Client) -> None:
    data = rules_of(client, busy.near, share="120", mark_up="-100", tax_rate="-1")
    response = client.post(reverse("backoffice:channel_rules", args=[busy.near.pk]), data)
    assert response.status_code == 422
    for said in ("less than or equal to 100", "greater than or equal to -99.99", "greater than or equal to 0"):
        assert f"Ensure this value is {said}." in text(response)
    assert "Constraint" not in text(response)


def test_a_time_line_ends_with_the_coming_in_of_the_order(busy: BusyShop, client: Client) -> None:
    """Newest first; what was written in the same moment stands in the order of writing."""
    order = open_order(busy)
    shown = text(client.get(reverse("backoffice:order", args=[order.pk])))
    assert shown.index("Acknowledgement to the channel") < shown.index("Came in", shown.index("Time line"))


def test_cancelling_what_had_no_stock_says_that_nothing_goes_back(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        line = OrderLine.objects.filter(stock_unit=None).select_related("order")[0]
    asked = client.post(reverse("backoffice:cancel", args=[line.order_id]), {f"quantity_{line.pk}": line.open, "reason": "buyer_asked"})
    assert "No stock was promised for them, so nothing goes back on sale." in text(asked)


def test_orders_and_stock_wait_for_the_answer_about_open_orders(busy: BusyShop, client: Client) -> None:
    """S4.32: everything is off; the cutover question comes first."""
    with busy.shop.scope():
        Channel.objects.filter(pk=busy.near.pk).update(cutover="", orders_enabled=False, stock_enabled=False)
    turn, here = reverse("backoffice:turn", args=[busy.near.pk]), reverse("backoffice:channel", args=[busy.near.pk])
    refused = client.post(turn, {"switch": "stock", "on": "1", "sure": "1"}, follow=True)
    assert "Answer the question about open orders first." in text(refused)
    client.post(reverse("backoffice:answer_cutover", args=[busy.near.pk]), {"answer": "include"})
    assert client.post(turn, {"switch": "orders", "on": "1"}).headers["Location"] == here
    page = planned(client, client.post(turn, {"switch": "stock", "on": "1"}))
    assert f"{busy.near.name}: Send stock: on" in page
    assert "stays here" not in page, "nothing else keeps it back"
    with busy.shop.scope():
        assert not Channel.objects.get(pk=busy.near.pk).stock_enabled
    send_it(client, busy, sure="1")
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).stock_enabled
    assert client.post(turn, {"switch": "stock", "on": "1"}).headers["Location"] == here, "it is on: there is nothing to plan"


def test_what_keeps_sending_back_is_named_without_the_switch_in_question(busy: BusyShop, client: Client) -> None:
    """Writing is off as well: another switch for stock, and none for itself."""
    with busy.shop.scope():
        Channel.objects.filter(pk=busy.near.pk).update(stock_enabled=False)
        Connection.objects.filter(pk=busy.near.connection_id).update(writes_allowed=False)
    asked = planned(client, client.post(reverse("backoffice:turn", args=[busy.near.pk]), {"switch": "stock", "on": "1"}))
    assert "stays here: writing to the account" in asked
    send_it(client, busy, sure="1")
    writes = planned(client, client.post(reverse("backoffice:allow_writes", args=[busy.near.connection_id]), {"allowed": "1"}))
    assert "stays here" not in writes
    with busy.shop.scope():
        assert f"{Connection.objects.get(pk=busy.near.connection_id).name}: writing on" in writes
        assert not Connection.objects.get(pk=busy.near.connection_id).writes_allowed
    send_it(client, busy, sure="1")
    with busy.shop.scope():
        assert Connection.objects.get(pk=busy.near.connection_id).writes_allowed


def test_the_screen_and_the_command_line_count_the_same_plan(busy: BusyShop, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """By the rules of this moment, even where the stored figure waits to be worked out anew; unknown is not zero."""
    with busy.shop.scope():
        Channel.objects.filter(pk=busy.near.pk).update(stock_enabled=False)
        offers = Offer.objects.filter(channel=busy.near, stock_excluded=False)
        outdated, unread, emptied = offers.filter(intended_qty__gt=3, refused_at=None).order_by("pk")[:3]
        offers.filter(pk=outdated.pk).update(intended_qty=0, believed_qty=0, observed_qty=0)
        offers.filter(pk=unread.pk).update(believed_qty=None, observed_qty=None)
        Level.objects.filter(stock_unit_id=emptied.stock_unit_id).update(on_hand=0, allocated=0)
    page = planned(client, client.post(reverse("backoffice:turn", args=[busy.near.pk]), {"switch": "stock", "on": "1"}))
    with busy.shop.scope():
        plan = plans.open_plan()
        (counts,) = plans.counts_of(plan)
        items = plans.parts_of(plan)[busy.near.pk].quantities
        figures = dict(zip(items.offer.tolist(), zip(items.before.tolist(), items.after.tolist(), strict=True), strict=True))
    assert figures[outdated.pk] == (0, outdated.intended_qty), "worked out by the rules of this moment"
    assert figures[unread.pk] == (-1, unread.intended_qty), "unknown is not zero"
    assert figures[emptied.pk] == (emptied.believed_qty, 0)
    assert f"{counts.rises} {counts.falls} {counts.to_zero} {counts.unknown}" in page
    assert run(["channel", "EMR", "--stock", "on"]) == 1
    said = f"EMR: {counts.rises} of {counts.offers} offers would rise and {counts.falls} fall, {counts.to_zero} of them to zero"
    assert f"{said}, {counts.unknown} are read first" in capsys.readouterr().err
    with busy.shop.scope():
        assert offers.get(pk=outdated.pk).intended_qty == 0, "a plan changes nothing"


def test_the_company_switch_asks_before_on_and_not_before_off(busy: BusyShop, client: Client) -> None:
    """S3.36: a send happens only if it is allowed both for the channel and for the company. Off is at once, whatever plan is open."""
    address = reverse("backoffice:company_switch")

    def allowed() -> bool:
        return Organisation.objects.get(pk=busy.organisation.pk).sending_enabled

    client.post(address, {"allowed": "0"})
    assert not allowed()
    assert "Company: sending on" in planned(client, client.post(address, {"allowed": "1"}))
    assert not allowed()
    send_it(client, busy, sure="1")
    assert allowed()
    client.post(reverse("backoffice:channel_rules", args=[busy.near.pk]), rules_of(client, busy.near, buffer=3))
    client.post(address, {"allowed": "0"})
    assert not allowed(), "a plan that is open, or stale by it, holds nothing up"
    with busy.shop.scope():
        plan = plans.open_plan()
        assert plan is not None
    stale = client.post(reverse("backoffice:apply_plan", args=[plan.pk]), {"fingerprint": plan.fingerprint})
    assert (stale.status_code, "the switch of the company was turned" in text(stale)) == (409, True)
    assert not allowed()


def test_a_stopped_channel_shows_its_counts_and_only_this_plan_is_released(busy: BusyShop, client: Client) -> None:
    """C21: thresholds stop; a person releases the plan that was seen."""
    detail = {"kind": "quantity", "zeroings": 31, "live": 40, "examples": ["MUG-1"], "fingerprint": "abc"}
    with busy.shop.scope():
        Channel.objects.filter(pk=busy.near.pk).update(stopped_at=busy.now, stop_reason="31 of 40 would go to zero", stop_detail=detail)
    here = reverse("backoffice:channel", args=[busy.near.pk])
    assert "31 of 40 live offers" in text(client.get(here))
    client.post(reverse("backoffice:release", args=[busy.near.pk]), {"fingerprint": "other"})
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).stopped_at is not None
    client.post(reverse("backoffice:release", args=[busy.near.pk]), {"fingerprint": "abc"})
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).stopped_at is None


def test_an_account_is_stored_only_after_it_answered(busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2.3: the first contact only reads; a refused credential names itself and stores nothing."""
    from stallkit.types import AccountInfo

    data = {"setting_site": "bg", "setting_user": "me", "setting_password": "pw-55", "setting_save_body": "array"}
    data |= {"name": "eMAG Bulgaria", "code": "BGX", "currency": "BGN"}
    address = reverse("backoffice:connect", args=["emag"])
    form = client.get(address).context["form"]
    data["currency"] = form.fields["currency"].choices[0][0]
    monkeypatch.setattr("stallkeeper.backoffice.connections.probe", refuse_to_probe)
    refused = client.post(address, data)
    assert "the credentials are not accepted" in text(refused)
    assert "pw-55" not in refused.content.decode()
    answer = AccountInfo("77", "Sample BG", rights=("orders", "offers"), warnings=("The address list is empty.",))
    monkeypatch.setattr("stallkeeper.backoffice.connections.probe", lambda *_: answer)
    made = client.post(address, data, follow=True)
    assert "Connected to Sample BG (77)" in text(made)
    assert "The address list is empty." in text(made)
    with busy.shop.scope():
        account = Connection.objects.get(name="eMAG Bulgaria")
        channel = account.channels.get()
        assert (account.writes_allowed, channel.orders_enabled, channel.stock_enabled) == (False, False, False)


def test_the_platform_for_tests_is_not_offered(busy: BusyShop, client: Client, settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither on the screen nor on the command line, unless the installation asks for it."""
    list_of_channels, form = reverse("backoffice:channels"), reverse("backoffice:connect", args=["dummy"])
    assert "Dummy market" in text(client.get(list_of_channels))
    assert client.get(form).status_code == 200
    settings.ENV = replace(settings.ENV, test_platforms=False)
    assert "Dummy market" not in text(client.get(list_of_channels))
    assert client.get(form).status_code == 404
    assert run(["connect", "dummy", "--set", "client_id=shop"]) == 1
    assert "There is no platform 'dummy'. Known are: emag, ozon, walmart, wildberries, yandex_market." in capsys.readouterr().err


def test_transfer_status_tells_each_step(busy: BusyShop, client: Client) -> None:
    """S5.107-S5.113: last transfer of each kind, and "now"."""
    address = reverse("backoffice:channel_status", args=[busy.near.pk])
    shown = text(client.get(address))
    for words in ("Availability sent", "Orders taken", "Items from the channel", "send stock", "Run now"):
        assert words in shown
    assert client.post(reverse("backoffice:run_now", args=[busy.near.connection_id]), {"back": address}).headers["Location"] == address
    outside = client.post(reverse("backoffice:run_now", args=[busy.near.connection_id]), {"back": "https://example.com/"})
    assert outside.headers["Location"] == reverse("backoffice:channels")


def test_problems_lead_to_their_rows_and_notifications_are_set_aside(busy: BusyShop, client: Client) -> None:
    assert "none of the states that eMAG documents" in text(client.get(reverse("backoffice:problem_list", args=["parked"])))
    assert "believed 5, seen 9, intended 5" in text(client.get(reverse("backoffice:problem_list", args=["drift"])))
    assert "missing" in text(client.get(reverse("backoffice:problem_list", args=["shortages"])))
    with busy.shop.scope():
        notification = Notification.objects.get()
    client.post(reverse("backoffice:seen", args=[notification.pk]))
    assert "Nothing of this kind" in text(client.get(reverse("backoffice:problem_list", args=["notifications"]), follow=True))


def test_templates_and_problems_of_imports_are_spreadsheets(busy: BusyShop, client: Client) -> None:
    for kind in ("products", "stock"):
        response = client.get(reverse("backoffice:import_template", args=[kind]))
        assert response.content.startswith(b"PK")
        assert f'filename="{kind}-template.xlsx"' in response.headers["Content-Disposition"]
    assert client.get(reverse("backoffice:import_template", args=["nonsense"])).status_code == 404
    wrong = client.post(reverse("backoffice:imports"), {"kind": "stock", "file": busy_file("a.exe")})
    assert "Choose an XLSX or CSV file." in text(wrong)


def busy_file(name: str):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, b"sku;on_hand\n")


def test_the_tick_for_lines_that_the_buyer_asks_to_cancel_stands_only_there(busy: BusyShop, client: Client) -> None:
    order = open_order(busy)
    page, address = reverse("backoffice:order", args=[order.pk]), reverse("backoffice:ship", args=[order.pk])
    words = "It leaves although the buyer asks to cancel"
    assert words not in text(client.get(page))
    with busy.shop.scope():
        line = order.lines.filter(stock_unit__isnull=False).first()
        order.lines.update(cancel_requested=1)
        data = {f"quantity_{line.pk}": line.open, "carrier": "Cargus", "tracking_number": "A", "reference": "asked"}
    assert words in text(client.get(page))
    refused = client.post(address, data)
    assert refused.status_code == 422
    assert "the buyer asks to cancel 1 of line" in text(refused)
    assert client.post(address, data | {"although_asked": "on"}).status_code == 302
    with busy.shop.scope():
        assert Command.objects.get(kind="ship", subject_id=order.pk).payload["although_asked"] is True


def test_what_a_channel_takes_back_is_shown_and_made_good_on_the_order_page(busy: BusyShop, client: Client) -> None:
    order = open_order(busy)
    page, address = reverse("backoffice:order", args=[order.pk]), reverse("backoffice:not_left", args=[order.pk])
    with busy.shop.scope():
        line = order.lines.filter(stock_unit__isnull=False).first()
    data = {f"quantity_{line.pk}": line.open, "carrier": "Cargus", "tracking_number": "A", "reference": "back"}
    client.post(reverse("backoffice:ship", args=[order.pk]), data)
    assert "says that this has not left" not in text(client.get(page))
    assert "does not say of anything" in text(client.post(address, follow=True))
    with busy.shop.scope():
        OrderLine.objects.filter(pk=line.pk).update(taken_back=line.open)
    assert "says that this has not left" in text(client.get(page))
    shown = text(client.post(address, follow=True))
    assert "back on the shelf" in shown
    assert "Not left after all" in shown
    with busy.shop.scope():
        assert OrderLine.objects.get(pk=line.pk).open == line.open
        assert not OrderLine.objects.get(pk=line.pk).short


def test_the_form_says_that_a_channel_takes_no_tracking_number(busy: BusyShop, client: Client) -> None:
    order = open_order(busy)
    page, words = reverse("backoffice:order", args=[order.pk]), "takes no tracking number: it is kept here only"
    for platform in ("walmart", "emag"):
        with busy.shop.scope():
            Connection.objects.filter(pk=order.connection_id).update(platform=platform)
        assert (words in text(client.get(page))) == (platform == "emag")


def test_stock_without_orders_is_asked_about_in_its_own_words(busy: BusyShop, client: Client) -> None:
    address = reverse("backoffice:turn", args=[busy.near.pk])

    def switches() -> tuple[bool, bool]:
        with busy.shop.scope():
            channel = Channel.objects.get(pk=busy.near.pk)
        return channel.orders_enabled, channel.stock_enabled

    assert switches() == (True, True)
    asked = client.post(address, {"switch": "orders", "on": "0"})
    assert "Send stock without taking orders" in text(asked)
    assert switches() == (True, True)
    assert client.post(address, {"switch": "orders", "on": "0", "without_orders": "1"}).status_code == 302
    assert switches() == (False, True)
    with busy.shop.scope():
        assert Notification.objects.filter(key=f"connection:{busy.near.connection_id}:without_orders", resolved_at=None).exists()
    client.post(address, {"switch": "stock", "on": "0"})
    assert switches() == (False, False), "off is at once"
    assert "Stock shall be sent although no orders" in planned(client, client.post(address, {"switch": "stock", "on": "1"}))
    with busy.shop.scope():
        plan = plans.open_plan()
        assert plan is not None
    apply = reverse("backoffice:apply_plan", args=[plan.pk])
    refused = client.post(apply, {"fingerprint": plan.fingerprint, "sure": "1"})
    assert (refused.status_code, "tick that it is meant" in text(refused)) == (409, True)
    assert switches() == (False, False)
    assert "no orders of this account are taken" in _refused(busy, "--stock", "on", "--yes")
    assert run(["channel", busy.near.code, "--stock", "on", "--without-orders", "--yes"]) == 0
    assert switches() == (False, True)


def _refused(busy: BusyShop, *words: str) -> str:
    with redirect_stderr(StringIO()) as told:
        assert run(["channel", busy.near.code, *words]) == 1
    return told.getvalue()
