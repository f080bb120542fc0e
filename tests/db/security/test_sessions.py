"""Where a person is signed in: the list is true, and what is ended is out at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from stallkeeper.core import clock, housekeeping
from stallkeeper.core.models import AuditEntry, Role, SignedIn, User
from tests.busy_shop import is_in, signed_in, text
from tests.shop import Shop, join

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PASSWORD = "correct horse battery"


@pytest.fixture
def mia() -> User:
    user = User.objects.create_user("mia@example.com", PASSWORD)
    join(Shop.open().organisation, user, Role.READ_ONLY)
    return user


def browser(user: User, address: str = "198.51.100.7") -> Client:
    client = signed_in(user)
    client.get("/orders/", REMOTE_ADDR=address, headers={"user-agent": FIREFOX})
    return client


def test_each_browser_is_listed_with_where_and_since_when(mia: User) -> None:
    here, _elsewhere = browser(mia), browser(mia, "203.0.113.9")
    listed = here.get("/settings/account/").context["sessions"]
    assert {each.address for each, _device, _this in listed} == {"198.51.100.7", "203.0.113.9"}
    assert [this for _each, _device, this in listed].count(True) == 1
    assert {device for _each, device, _this in listed} == {"Firefox on Linux"}


def test_an_ended_session_is_out_with_its_next_click(mia: User) -> None:
    here, second, third = browser(mia), browser(mia), browser(mia)
    listed = here.get("/settings/account/").context["sessions"]
    wanted = next(each for each, _device, this in listed if not this and each.session_key == second.session.session_key)
    for note in ("1 session is ended", "no such session any more"):
        assert note in text(here.post("/settings/account/sessions/", {"session": wanted.pk}, follow=True))
    assert [is_in(client) for client in (here, second, third)] == [True, False, True]
    here.post("/settings/account/sessions/")
    assert [is_in(client) for client in (here, third)] == [True, False]


def test_nobody_ends_the_sessions_of_somebody_else(mia: User) -> None:
    other = User.objects.create_user("other@example.com")
    theirs = browser(other)
    listed = SignedIn.objects.get(user=other)
    here = browser(mia)
    for wanted in (listed.pk, "²", "-1", "x" * 500):
        here.post("/settings/account/sessions/", {"session": wanted})
    here.post("/settings/account/sessions/")
    assert theirs.get("/settings/account/").status_code == 200


def test_a_click_costs_nothing_for_the_list_within_five_minutes(mia: User) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        client = browser(mia)
        first = SignedIn.objects.get()
        traveller.shift(299)
        client.get("/orders/")
        assert SignedIn.objects.get().seen_at == first.seen_at
        traveller.shift(2)
        client.get("/orders/")
        assert SignedIn.objects.get().seen_at == first.seen_at + timedelta(seconds=301)
        assert SignedIn.objects.get().began_at == first.began_at


def test_a_new_password_keeps_this_session_in_the_list_and_ends_the_others(mia: User) -> None:
    here, elsewhere = browser(mia), browser(mia)
    new = "battery staple 42"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post("/password_change/", form).status_code == 302
    assert [is_in(here), is_in(elsewhere)] == [True, False]
    assert SignedIn.objects.filter(session_key=here.session.session_key).count() == 1


def test_signing_out_takes_the_session_off_the_list_and_the_day_cleans_up(mia: User) -> None:
    here, elsewhere = browser(mia), browser(mia)
    elsewhere.post("/logout/")
    assert len(here.get("/settings/account/").context["sessions"]) == 1
    report = housekeeping.daily(clock.now() + timedelta(days=60))
    assert (report.sessions_deleted, report.failures) == (1, [])
    assert not SignedIn.objects.exists()


def test_what_one_does_with_the_own_account_is_written_down_in_each_organisation(mia: User) -> None:
    second = Shop.open()
    join(second.organisation, mia, Role.OWNER)
    client = browser(mia)
    assert client.post("/settings/account/", {"name": "Mia M.", "language": "", "time_zone": "Europe/Rome"}).status_code == 302
    mia.refresh_from_db()
    assert (mia.name, mia.time_zone) == ("Mia M.", "Europe/Rome")
    with second.scope():
        entry = AuditEntry.objects.get(action="change.own_account")
    assert entry.detail == {"fields": ["name", "time_zone"]}
    assert "Mia" not in str(entry.detail)


def test_somebody_without_an_organisation_has_an_account_too() -> None:
    client = signed_in(User.objects.create_user("nobody@example.com", PASSWORD))
    for path in ("/settings/account/", "/settings/account/second-step/", "/password_change/"):
        assert client.get(path).status_code == 200, path
    assert client.post("/settings/account/", {"name": "N", "language": "", "time_zone": ""}).status_code == 302
