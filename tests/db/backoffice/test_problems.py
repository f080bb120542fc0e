"""The board of problems: put together by cause, acted on in place, put off with a reason; nothing that is parked is missing (S4.30)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from stallkeeper.backoffice import problem_queries, problems
from stallkeeper.backoffice.problem_groups import Group, board
from stallkeeper.backoffice.problem_queries import refused
from stallkeeper.channels.models import Command, Drift, Lane, LaneStep, Offer, OfferPrice, Parked
from stallkeeper.core import clock, notify
from stallkeeper.core.models import AuditEntry, Notification, Role, Severity, Snooze
from stallkeeper.orders.models import Order, OrderLine, Shortage
from stallkeeper.stock.models import Location, StockSource
from stallkeeper.sync.models import Exchange, ExchangeParked
from tests.busy_shop import BusyShop, member, text

BOARD = "/problems/"


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def refuse(busy: BusyShop, count: int, message: str = "EAN 594{number} of {sku} is not known", code: str = "EAN") -> list[int]:
    """So many offers of the far channel were refused, each in words of its own."""
    with busy.shop.scope():
        offers = list(Offer.objects.filter(channel=busy.far).order_by("pk")[:count])
        for number, offer in enumerate(offers):
            said = message.format(number=number, sku=offer.sku)
            Offer.objects.filter(pk=offer.pk).update(
                refused_qty=3, refused_code=code, refused_message=said, refused_at=busy.now - timedelta(hours=number)
            )
    return [offer.pk for offer in offers]


def group(busy: BusyShop, kind: str, number: int = 0, words: str = ""):
    with busy.shop.scope():
        found = [each for each in board(busy.organisation.pk).groups if each.kind.key == kind and words in each.words]
    return found[number]


def test_refusals_for_one_reason_are_one_row_with_our_remedy(busy: BusyShop, client: Client) -> None:
    refuse(busy, 30)
    found = group(busy, "refused", words="EAN")
    assert (found.count, found.place) == (30, "Walmart US")
    assert found.oldest == busy.now - timedelta(hours=29)
    page = text(client.get(BOARD))
    assert "Values that a channel refused" in page
    assert re.search(r"Walmart US: quantities, for instance [^ ]+ EAN EAN 594", page)
    assert client.get(reverse("backoffice:problem_list", args=["refused"]), {"part": found.part}).content.count(b"is not known") == 30


def test_another_reason_another_channel_and_prices_are_other_rows(busy: BusyShop) -> None:
    offers = refuse(busy, 4, "Too dear", "PRICE")
    refuse(busy, 2, "Below zero", "PRICE")
    with busy.shop.scope():
        OfferPrice.objects.filter(offer__in=offers).update(refused_code="PRICE", refused_message="Too dear", refused_at=busy.now)
        with connection.cursor() as cursor:
            rows = {
                (what, words): count for _channel, what, _part, _code, words, _sku, count, *_more in refused(cursor, busy.organisation.pk)
            }
    assert rows[("quantity", "Too dear")] == 2
    assert rows[("quantity", "Below zero")] == 2
    assert rows[("price", "Too dear")] == 4


def test_a_remedy_in_our_words_follows_the_code(busy: BusyShop, client: Client) -> None:
    refuse(busy, 2, "eMAG takes stock from 0 to 65535, not 70000", "stock_range")
    assert "The channel takes fewer units: set a cap in the rules of the channel." in text(client.get(BOARD))


def test_sending_a_group_again_asks_first_and_is_done_to_all(busy: BusyShop, client: Client) -> None:
    offers = refuse(busy, 12)
    form = {"group": group(busy, "refused", words="EAN").key, "act": "resend", "back": BOARD}
    asked = client.post("/problems/act/", form)
    assert "Refusals are forgotten" in text(asked)
    with busy.shop.scope():
        assert Offer.objects.filter(pk__in=offers, refused_at__isnull=False).count() == 12
    assert client.post("/problems/act/", form | {"sure": "1"}).url == BOARD
    with busy.shop.scope():
        assert not Offer.objects.filter(pk__in=offers, refused_at__isnull=False).exists()
    assert "That is over already." in text(client.post("/problems/act/", form | {"sure": "1"}, follow=True))


def test_a_group_can_be_left_out_of_sending(busy: BusyShop, client: Client) -> None:
    offers = refuse(busy, 3)
    form = {"group": group(busy, "refused", words="EAN").key, "act": "stock_out", "sure": "1"}
    client.post("/problems/act/", form)
    with busy.shop.scope():
        assert Offer.objects.filter(pk__in=offers, stock_excluded=True).count() == 3


def test_an_act_of_another_kind_does_nothing(busy: BusyShop, client: Client) -> None:
    refuse(busy, 3)
    form = {"group": group(busy, "refused", words="EAN").key, "act": "retell", "sure": "1"}
    assert "That is over already." in text(client.post("/problems/act/", form, follow=True))


def test_an_unknown_sku_is_linked_in_place_for_all_of_its_lines(busy: BusyShop, client: Client) -> None:
    found = group(busy, "unmapped")
    with busy.shop.scope():
        unit = Offer.objects.filter(channel=busy.near).first().stock_unit
        waiting = list(OrderLine.objects.filter(sku=found.title, stock_unit=None).values_list("pk", flat=True))
    assert len(waiting) == found.count
    assert "no stock unit with the SKU" in text(client.post("/problems/link/", {"group": found.key, "sku": "nonsense"}, follow=True))
    assert f"is now {unit.sku}" in text(client.post("/problems/link/", {"group": found.key, "sku": unit.sku}, follow=True))
    with busy.shop.scope():
        assert set(OrderLine.objects.filter(pk__in=waiting).values_list("stock_unit", flat=True)) == {unit.pk}
    assert "over already" in text(client.post("/problems/link/", {"group": found.key, "sku": unit.sku}, follow=True))


def test_refused_messages_are_told_again_together(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        orders = list(OrderLine.objects.filter(order__channel=busy.near, order__acknowledged_at=None).exclude(order__state="cancelled"))
        orders = list({line.order_id: line.order for line in orders}.values())[:3]
        for order in orders:
            Command.objects.create(
                organisation=busy.organisation, connection_id=busy.near.connection_id, kind="acknowledge", subject_type="order",
                subject_id=order.pk, key=f"acknowledge:{order.pk}", payload={}, state="refused", code="too_late",
                message=f"order {order.number} is late", ended_at=clock.now(), created_at=clock.now(), not_before=clock.now(),
            )  # fmt: skip
    found = group(busy, "commands")
    assert (found.count, len(orders)) == (3, 3)
    client.post("/problems/act/", {"group": found.key, "act": "retell", "sure": "1"})
    with busy.shop.scope():
        assert set(Command.objects.filter(key__startswith="acknowledge:").values_list("state", flat=True)) == {"queued"}


@pytest.mark.parametrize("moved_on", ["acknowledged_at", "state"])
def test_an_acknowledgement_that_no_longer_matters_is_no_problem(busy: BusyShop, client: Client, moved_on: str) -> None:
    """S4.30: its button said that there is nothing to be told, and the row stood there for days."""
    with busy.shop.scope():
        order = Order.objects.filter(channel=busy.near, acknowledged_at=None).exclude(state="cancelled").order_by("pk")[0]
        Command.objects.create(
            organisation=busy.organisation, connection_id=busy.near.connection_id, kind="acknowledge", subject_type="order",
            subject_id=order.pk, key=f"acknowledge:{order.pk}", payload={}, state="refused", code="E1",
            message="The order is finalised already.", ended_at=clock.now(), created_at=clock.now(), not_before=clock.now(),
        )  # fmt: skip
    assert group(busy, "commands").count == 1
    with busy.shop.scope():
        Order.objects.filter(pk=order.pk).update(**{moved_on: {"acknowledged_at": busy.now, "state": "cancelled"}[moved_on]})
    assert "Order messages that a channel refused" not in text(client.get("/problems/"))
    assert "The order is finalised already." not in text(client.get("/problems/commands/"))


def two_causes(busy: BusyShop) -> None:
    """Of every kind that is put together by its cause: at least two groups, of two at least."""
    of_us = {"organisation": busy.organisation, "connection_id": busy.near.connection_id}
    with busy.shop.scope():
        offers = list(Offer.objects.filter(channel=busy.near).order_by("pk")[:8])
        lines = list(OrderLine.objects.filter(shortage=None, stock_unit__isnull=False).order_by("pk")[:8])
        for number in range(8):
            cause = f"cause {'one' if number % 2 else 'two'}"
            Command.objects.create(
                **of_us, kind="ship", subject_type="order", subject_id=number, key=f"ship:x{number}", payload={}, state="refused",
                message=cause, ended_at=busy.now, created_at=busy.now, not_before=busy.now,
            )  # fmt: skip
            Parked.objects.create(
                **of_us, kind="order", external_id=f"x{number}", reason=cause, first_seen_at=busy.now, last_seen_at=busy.now
            )
            Drift.objects.create(
                organisation=busy.organisation, offer=offers[number], at=busy.now, kind="quantity", believed=5, observed=9, intended=5,
                verdict="late_push" if number % 2 else "not_applied",
            )  # fmt: skip
            Shortage.objects.create(
                organisation=busy.organisation, line=lines[number], stock_unit_id=lines[number].stock_unit_id, quantity=1, worst=1,
                sold_at=busy.now, detected_at=busy.now, verdict="latency" if number % 2 else "stock_cut",
            )  # fmt: skip
        OrderLine.objects.filter(pk__in=[line.pk for line in lines[:2]]).update(stock_unit=None, sku="UNKNOWN-78", shipped=0, cancelled=0)


def test_each_group_of_a_kind_that_is_cut_says_at_least(busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two causes of 3,000 and 2,000 read of 20,000: which of them the others belong to is not known, so neither figure is exact."""
    two_causes(busy)
    for kind in ("shortages", "unmapped", "commands", "parked", "drift"):
        monkeypatch.setattr(problem_queries, "MOST", 1_000)
        whole = groups(busy, kind)
        assert len(whole) > 1
        assert not any(each.capped for each in whole), kind
        monkeypatch.setattr(problem_queries, "MOST", sum(each.count for each in whole) - 1)
        assert all(each.capped for each in groups(busy, kind)), kind
    assert "≥ " in text(client.get(BOARD, {"kind": "drift"}))


def test_a_board_that_leaves_small_groups_off_says_so(busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    two_causes(busy)
    said = "others come"
    assert said not in text(client.get(BOARD, {"kind": "drift"}))
    monkeypatch.setattr(problem_queries, "TOP", 1)
    assert len(groups(busy, "drift")) == 1
    assert said in text(client.get(BOARD, {"kind": "drift"}))
    assert groups(busy, "lanes")
    assert said not in text(client.get(BOARD, {"kind": "lanes"})), "of these all are read"


def test_what_one_channel_refuses_does_not_make_anothers_figure_a_guess(busy: BusyShop, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(busy, 4, "Too dear", "PRICE")
    refuse(busy, 2, "Below zero", "PRICE")
    monkeypatch.setattr(problem_queries, "MOST", 3)
    found = groups(busy, "refused")
    assert {each.capped for each in found if busy.far.pk in each.channels} == {True}
    assert {(each.count, each.capped) for each in found if busy.near.pk in each.channels} == {(2, False)}


def groups(busy: BusyShop, kind: str) -> list[Group]:
    with busy.shop.scope():
        return [each for each in board(busy.organisation.pk).groups if each.kind.key == kind]


def test_what_is_put_off_is_counted_apart_and_comes_back(busy: BusyShop, client: Client) -> None:
    refuse(busy, 6)
    before = problems_of(busy)
    found = group(busy, "refused", words="EAN")
    assert "Say why" in text(client.post("/problems/snooze/", {"group": found.key, "until": "3d", "reason": " "}, follow=True))
    page = text(client.post("/problems/snooze/", {"group": found.key, "until": "3d", "reason": "Their codes come on Friday"}, follow=True))
    assert "“Their codes come on Friday” Olga Owner" in page
    assert problems_of(busy)["refused"] == before["refused"] - 6
    with busy.shop.scope():
        snooze = Snooze.objects.get()
        assert AuditEntry.objects.filter(action="snooze.problem").count() == 1
        with clock.using(lambda: snooze.until + timedelta(seconds=1)):
            assert found.key in {each.key for each in board(busy.organisation.pk).groups}
    client.post(f"/problems/snoozed/{snooze.pk}/end/")
    client.post(f"/problems/snoozed/{snooze.pk}/end/")
    assert problems_of(busy) == before
    with busy.shop.scope():
        assert AuditEntry.objects.filter(action="wake.problem").count() == 1


def test_a_worse_condition_breaks_the_snooze(busy: BusyShop, client: Client) -> None:
    refuse(busy, 6)
    found = group(busy, "refused", words="EAN")
    client.post("/problems/snooze/", {"group": found.key, "until": "30d", "reason": "known"})
    refuse(busy, 11)
    with busy.shop.scope():
        assert found.key not in {each.key for each in board(busy.organisation.pk).groups}, "not yet twice as many"
    refuse(busy, 13)
    assert group(busy, "refused", words="EAN").count == 13


def test_a_notification_that_turns_grave_breaks_the_snooze(busy: BusyShop, client: Client) -> None:
    say(busy, "connection:7:expiry", Severity.WARNING)
    key = group(busy, "expiring").key
    client.post("/problems/snooze/", {"group": key, "until": "7d", "reason": "known"})
    with busy.shop.scope():
        assert key not in {each.key for each in board(busy.organisation.pk).groups}
    say(busy, "connection:7:expiry", Severity.ERROR)
    assert group(busy, "expiring").key == key


def say(busy: BusyShop, key: str, severity: Severity) -> None:
    with busy.shop.use_case("test.notify") as uc:
        notify.raise_(uc, key, severity, f"title of {key}", "detail")


def problems_of(busy: BusyShop) -> dict[str, int]:
    with busy.shop.scope():
        return problems.counted(busy.organisation.pk)


def test_errors_stay_on_the_board_though_they_were_seen(busy: BusyShop, client: Client) -> None:
    """C23: silence is worse than failing; nobody clicks it away."""
    say(busy, "connection:7:silent", Severity.ERROR)
    say(busy, "channel:7:prices", Severity.WARNING)
    with busy.shop.scope():
        for notice in Notification.objects.filter(resolved_at=None):
            client.post(reverse("backoffice:seen", args=[notice.pk]))
    counts = problems_of(busy)
    assert (counts["silent"], counts["sending"]) == (1, 0)
    assert "title of connection:7:silent" in text(client.get(BOARD))


def shown_on_the_board(busy: BusyShop) -> dict[str, int]:
    with busy.shop.scope():
        groups = board(busy.organisation.pk).groups
    return {kind.key: sum(group.count for group in groups if group.kind is kind) for kind in problems.KINDS}


def counted(busy: BusyShop) -> dict[str, int]:
    cache.clear()
    return {kind: count for kind, count in problems_of(busy).items() if kind != "todo"}


def test_the_bell_counts_what_the_board_shows(busy: BusyShop, client: Client) -> None:
    assert counted(busy) == shown_on_the_board(busy)
    for key in ("source:1:silent", "source:1:failed", "source:2:failed"):
        say(busy, key, Severity.WARNING)
    with busy.shop.use_case("test.exchange") as uc:
        place = Location.objects.earliest("pk")
        source = StockSource.objects.create(organisation=busy.organisation, location=place, name="1C", created_at=uc.at)
        exchange = Exchange.objects.create(organisation=busy.organisation, source=source, orders_since=uc.at, created_at=uc.at)
        ExchangeParked.objects.create(organisation=busy.organisation, exchange=exchange, at=uc.at, number="17", message="unknown")
    before = counted(busy)
    assert (before["sources"], before["exchange"]) == (3, 1)
    assert before == shown_on_the_board(busy)
    key = group(busy, "sources").key
    client.post("/problems/snooze/", {"group": key, "until": "7d", "reason": "known"})
    assert counted(busy)["sources"] == 2
    assert counted(busy) == shown_on_the_board(busy)


def test_a_step_that_fails_counts_though_the_run_went_through(busy: BusyShop) -> None:
    """And a lane of a source does not: what is wrong with that stands under the sources."""
    with busy.shop.scope():
        Lane.objects.update(failures=0, last_error="")
        step = LaneStep.objects.filter(lane__subject_id=busy.near.connection_id).earliest("pk")
    assert counted(busy)["lanes"] == 0
    with busy.shop.scope():
        failed = step.last_success_at + timedelta(seconds=1)
        LaneStep.objects.filter(pk=step.pk).update(last_error="Refused: 400", last_error_at=failed)
    assert counted(busy)["lanes"] == shown_on_the_board(busy)["lanes"] == 1
    with busy.shop.scope():
        of_a_source = {"organisation": busy.organisation, "subject_type": "source", "subject_id": 1, "kind": "source"}
        Lane.objects.create(**of_a_source, failures=3, not_before=busy.now)
    assert counted(busy)["lanes"] == 1
    with busy.shop.scope():
        LaneStep.objects.filter(pk=step.pk).update(last_success_at=failed + timedelta(seconds=1))
    assert counted(busy)["lanes"] == shown_on_the_board(busy)["lanes"] == 0


def test_who_may_not_act_sees_no_buttons_and_is_refused(busy: BusyShop, client: Client) -> None:
    refuse(busy, 3)
    found = group(busy, "refused", words="EAN")
    other = member(busy.organisation, Role.READ_ONLY)
    page = other.get(BOARD).content.decode()
    assert "problems/act/" not in page
    assert "problems/snooze/" not in page
    assert other.post("/problems/act/", {"group": found.key, "act": "resend", "sure": "1"}).status_code == 403
    assert other.post("/problems/snooze/", {"group": found.key, "until": "1d", "reason": "x"}).status_code == 403


def test_the_board_is_filtered_by_kind_and_channel(busy: BusyShop, client: Client) -> None:
    refuse(busy, 3)
    of_far = text(client.get(BOARD, {"channel": str(busy.far.pk), "kind": "refused"}))
    assert "EAN 594" in of_far
    assert "documentation is being validated" not in of_far
    assert "Nothing of this kind" in text(client.get(BOARD, {"kind": "restored"}))


def test_the_board_costs_the_same_however_much_waits(busy: BusyShop, client: Client) -> None:
    def statements() -> int:
        cache.clear()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(BOARD)
        return len(queries)

    client.get(BOARD)
    before = statements()
    refuse(busy, 60, "reason {number}", "")
    for number in range(30):
        say(busy, f"connection:{number}:expiry", Severity.WARNING)
    assert statements() == before
