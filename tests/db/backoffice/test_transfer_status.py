"""Transfer status of a channel: the nine times of S5.107-S5.115, every step with its lag, and "now"."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from stallkeeper.backoffice import today_rows
from stallkeeper.backoffice.transfers import TRANSFERS
from stallkeeper.channels import lanes_queries
from stallkeeper.channels.models import Channel, Connection, Lane, LaneKind, LaneStep, Offer, OfferTodo
from stallkeeper.core import clock
from stallkeeper.core.models import Role
from stallkeeper.sync import wake
from stallkeeper.sync.steps import STEPS
from tests.busy_shop import BusyShop, member, text


def status(busy: BusyShop, client: Client) -> str:
    return text(client.get(reverse("backoffice:channel_status", args=[busy.near.pk])))


def step(busy: BusyShop, name: str) -> LaneStep:
    with busy.shop.scope():
        return LaneStep.objects.select_related("lane").get(lane__subject_id=busy.near.connection_id, step=name)


def now(busy: BusyShop, client: Client, name: str) -> str:
    page = reverse("backoffice:channel_status", args=[busy.near.pk])
    return text(client.post(reverse("backoffice:step_now", args=[busy.near.connection_id]), {"step": name, "back": page}, follow=True))


def test_the_nine_times_are_told_and_what_is_not_done_says_so(busy: BusyShop, client: Client) -> None:
    shown = status(busy, client)
    assert len(TRANSFERS) == 9
    for transfer in TRANSFERS:
        assert str(transfer.title) in shown
        assert str(transfer.instead) in shown
    assert "Items to the channel Not done." in shown


def test_a_look_without_content_is_not_a_transfer(busy: BusyShop) -> None:
    """Two times: when a step last succeeded, and when it last had anything."""
    with busy.shop.scope(), connection.cursor() as cursor:
        lane = Lane.objects.get(subject_id=busy.near.connection_id, kind=LaneKind.TRADE)
        first, then = busy.now, busy.now + timedelta(minutes=1)
        for at, items in ((first, 3), (then, 0)):
            lanes_queries.write_steps(cursor, busy.organisation.pk, lane.pk, at, at, [("prices", items, 0, None, "", True)])
        done = LaneStep.objects.get(lane=lane, step="prices")
    assert (done.moved_at, done.last_success_at) == (first, then)


def test_every_step_is_a_row_also_one_that_has_never_run(busy: BusyShop, client: Client) -> None:
    shown = client.get(reverse("backoffice:channel_status", args=[busy.near.pk])).content.decode()
    for steps in STEPS.values():
        for name, _run in steps:
            assert f'value="{name}"' in shown


def test_what_waits_too_long_stands_as_lag(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        offer = Offer.objects.filter(channel=busy.near)[0]
        OfferTodo.objects.filter(channel=busy.near).delete()
        OfferTodo.objects.create(
            organisation=busy.organisation,
            channel=busy.near,
            offer=offer,
            kind="quantity",
            since=clock.now() - timedelta(hours=3),
            version=1,
        )
        channels = today_rows.lags(busy.organisation.pk, clock.now(), busy.near.pk)
    assert [each.channel_id for each in channels] == [busy.near.pk]
    assert "3 h" in status(busy, client)


def test_a_step_is_asked_for_now_and_twice_is_once(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        later = clock.now() + timedelta(hours=1)
        LaneStep.objects.filter(step="catalogue").update(not_before=later)
        Lane.objects.update(not_before=later)
    for _ in range(2):
        assert "now: read listings." in now(busy, client, "catalogue")
    asked = step(busy, "catalogue")
    assert asked.not_before is not None
    assert max(asked.not_before, asked.lane.not_before) <= clock.now()
    assert "There is no step 'nothing'." in now(busy, client, "nothing")


@pytest.mark.parametrize(("error", "heard"), [("TryLater: no route", True), ("SlowDown: 429", False), ("3 differed", True)])
def test_now_does_not_wait_after_a_failure_but_where_the_platform_said_so(busy: BusyShop, client: Client, error: str, heard: bool) -> None:
    """Who mended the network wants to see it; a platform that named a time is not asked before."""
    at = clock.now()
    with busy.shop.scope():
        fine = at if error == "3 differed" else at - timedelta(hours=1)
        waits = at + timedelta(minutes=5)
        LaneStep.objects.filter(step="verify").update(last_error=error, last_error_at=at, last_success_at=fine, not_before=waits)
        Lane.objects.update(failures=3, not_before=waits, wanted=True)
    now(busy, client, "verify")
    asked = step(busy, "verify")
    assert asked.not_before is not None
    assert (asked.not_before <= clock.now()) is heard
    assert asked.lane.not_before <= clock.now()


def test_a_callback_does_not_shorten_the_wait_after_a_failure(busy: BusyShop) -> None:
    """Only a person does."""
    at = clock.now()
    with busy.shop.scope():
        waits = at + timedelta(minutes=5)
        LaneStep.objects.filter(step="orders").update(last_error="TryLater: x", last_error_at=at, last_success_at=None, not_before=waits)
        Lane.objects.update(failures=3, not_before=waits)
        wake.hint([busy.near.connection_id])
    asked = step(busy, "orders")
    assert (asked.not_before, asked.lane.not_before) == (waits, waits)


def test_an_account_that_rests_says_so(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        Connection.objects.filter(pk=busy.near.connection_id).update(state=Connection.State.NEEDS_RECONNECT)
    assert "makes no calls now: needs to be connected again." in now(busy, client, "orders")
    assert "No stock is sent now: the account" in status(busy, client)


def test_who_only_looks_has_no_buttons(busy: BusyShop) -> None:
    client = member(busy.organisation, Role.READ_ONLY)
    assert "step_now" not in status(busy, client)
    assert client.post(reverse("backoffice:step_now", args=[busy.near.connection_id]), {"step": "orders"}).status_code == 403


def test_more_channels_do_not_make_more_statements(busy: BusyShop, client: Client) -> None:
    counts = []
    status(busy, client)  # what is remembered for a while is remembered
    for more in (False, True):
        if more:
            with busy.shop.scope():
                Channel.objects.create(
                    organisation=busy.organisation,
                    connection=busy.near.connection,
                    code="NEW",
                    name="New",
                    currency="RON",
                    created_at=busy.now,
                )
        with CaptureQueriesContext(connection) as queries:
            status(busy, client)
        counts.append(len(queries))
    assert counts[0] == counts[1]
