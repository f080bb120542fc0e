"""The bell: tasks with their state and the newest notifications, in each reader's language, renewed without the page (S3.38, S3.39)."""

from __future__ import annotations

import re
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels import send_tasks
from stallkeeper.channels.models import Offer, SendTask
from stallkeeper.core import clock, file_exports, notify
from stallkeeper.core.models import Notification, Role, Severity
from stallkeeper.core.use_case import use_case
from stallkit.words import said as _
from tests.busy_shop import BusyShop, member, text
from tests.shop import Shop

BELL = "/bell/"
HTMX = {"HX-Request": "true"}


def say(busy: BusyShop, key: str, title: str, severity: Severity = Severity.WARNING) -> int:
    with use_case("test.notify", organisation_id=busy.organisation.pk) as uc:
        notify.raise_(uc, key, severity, title)
        return Notification.objects.get(key=key, resolved_at=None).pk


def titles(client: Client) -> list[str]:
    page = client.get(BELL).content.decode()
    shown = page.partition('id="bell-notices"')[2]
    return re.findall(r'<div class="sk-bell__what"><span>([^<]+)</span>', shown)


def test_a_send_is_followed_with_its_state_and_an_eye_that_opens_its_details(busy: BusyShop, client: Client) -> None:
    """S3.38, S3.39: its state and what was accepted of it stand beside the eye."""
    with use_case("test.send", organisation_id=busy.organisation.pk, actor=busy.owner.actor) as uc:
        task = send_tasks.send_chosen(uc, [Offer.objects.filter(channel=busy.near).earliest("pk").pk])
    page = client.get(BELL).content.decode()
    assert f'href="{reverse("backoffice:send_task", args=[task.pk])}"' in page
    assert re.search(rf"Send {task.pk}</span>.*?accepted</span>.*?sk-badge.*?Details of Send {task.pk}", page, re.DOTALL)
    with busy.shop.scope():
        SendTask.objects.update(asked_at=clock.now() - timedelta(days=2))
    assert f"Send {task.pk}<" not in client.get(BELL).content.decode()


def test_what_is_under_way_comes_first_and_renews_itself(busy: BusyShop, client: Client) -> None:
    assert "every 4s" not in client.get(BELL).content.decode()
    with use_case("test.work", organisation_id=busy.organisation.pk) as uc:
        file_exports.ask(uc, busy.owner, "orders", "", "csv", 9_000, "en", "UTC")
        done = {"organisation": busy.organisation, "kind": "product", "file_name": "later.csv", "actor": "user:1"}
        ImportRun.objects.create(**done, state=ImportRun.State.DONE, rows_done=1, started_at=uc.at + timedelta(minutes=1))
    page = client.get(BELL).content.decode()
    assert "every 4s" in page
    assert page.index("File of the list “Orders”") < page.index("Import of later.csv")
    assert "1 row<" in page


def test_files_of_others_and_imports_are_shown_to_whoever_may_see_them(busy: BusyShop, client: Client) -> None:
    with use_case("test.work", organisation_id=busy.organisation.pk) as uc:
        file_exports.ask(uc, busy.owner, "orders", "", "csv", 9_000, "en", "UTC")
        run = {"organisation": busy.organisation, "kind": "product", "file_name": "prices.csv", "actor": "user:1"}
        ImportRun.objects.create(**run, started_at=uc.at)
    looking = member(busy.organisation, Role.READ_ONLY)
    page = text(looking.get(BELL))
    assert "File of the list" not in page
    assert "prices.csv" not in page
    assert "Who is told" not in page
    assert "prices.csv" in text(client.get(BELL))


def test_notifications_come_newest_first_in_the_language_of_the_reader(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        Notification.objects.all().delete()
    say(busy, "connection:1:silent", "Near is silent")
    say(busy, "source:1:stopped", _("{number}: {units} of {sku} are not there", number="9", units=1, sku="MUG"), Severity.ERROR)
    assert titles(client) == ["9: 1 of MUG are not there", "Near is silent"]
    assert "sk-dot sk-bad" in client.get(BELL).content.decode()
    assert 'data-said="New: 9: 1 of MUG are not there"' in client.get(BELL).content.decode()


def test_one_is_set_aside_by_itself_and_all_together(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        Notification.objects.all().delete()
    first, second, third = (say(busy, f"connection:{number}:expiry", f"number {number}") for number in range(3))
    answer = client.post(f"{BELL}seen/", {"notice": second}, headers=HTMX)
    assert answer.status_code == 200
    assert titles(client) == ["number 2", "number 0"]
    client.post(f"{BELL}seen/", {"notice": [first, third]}, headers=HTMX)
    client.post(f"{BELL}seen/", {"notice": [first, "x"]}, headers=HTMX)
    assert "Nothing new." in text(client.get(BELL))
    assert client.post(f"{BELL}seen/", {"notice": first}).status_code == 302, "without scripts it leads to a page"


def test_what_another_shop_has_is_neither_shown_nor_set_aside(busy: BusyShop, client: Client) -> None:
    other_shop = Shop.open()
    with use_case("test.notify", organisation_id=other_shop.organisation.pk) as uc:
        notify.raise_(uc, "connection:9:silent", Severity.WARNING, "theirs")
        theirs = Notification.objects.get(key="connection:9:silent")
    assert "theirs" not in text(client.get(BELL))
    client.post(f"{BELL}seen/", {"notice": theirs.pk}, headers=HTMX)
    with other_shop.scope():
        theirs.refresh_from_db()
        assert theirs.seen_at is None


def test_the_number_beside_the_bell_is_renewed_with_it(busy: BusyShop, client: Client) -> None:
    page = client.get(BELL).content.decode()
    assert re.search(r'id="bell-state" hx-swap-oob="true"><span class="sk-visually-hidden">\d+ problems? waits? for you', page)


def test_its_statements_do_not_grow_with_what_there_is(busy: BusyShop, client: Client) -> None:
    def statements() -> int:
        client.get(BELL)
        with CaptureQueriesContext(connection) as seen:
            client.get(BELL)
        return len(seen)

    before = statements()
    for number in range(20):
        say(busy, f"connection:{number}:expiry", f"number {number}")
    assert statements() == before
