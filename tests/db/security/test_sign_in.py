"""Guessing passwords: counted for all processes together, the same answer for accounts that do not exist, a way out for their owners."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from click.testing import CliRunner
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.test import Client

from stallkeeper.core import clock, housekeeping, sign_in_limits
from stallkeeper.core.models import AuditEntry, Role, User
from stallkeeper.core.people import memberships_of
from stallkeeper.core.sign_in_limits import ACCOUNT_TRIES, TRIES, WAIT
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.ops import boot
from stallkeeper.ops.commands.keeping import users
from tests.shop import Shop, join

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
def owner() -> User:
    shop = Shop.open()
    user = User.objects.create_user("owner@example.com", PASSWORD)
    join(shop.organisation, user, Role.OWNER)
    return user


def attempt(password: str, email: str = "owner@example.com", address: str = "198.51.100.7", **headers: str):
    return Client().post("/login/", {"username": email, "password": password}, REMOTE_ADDR=address, headers=headers)


def fail(times: int, **how: str):
    for number in range(times):
        answer = attempt(f"guess {number}", **how)
    return answer


def says(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_after_ten_wrong_passwords_the_right_one_waits(owner):
    assert TRIES <= 10
    assert fail(TRIES - 1).status_code == 200
    last = fail(1)
    assert (last.status_code, last["Retry-After"]) == (429, "900")
    assert "Too many attempts. Try again in 15 minutes, or ask for a sign-in link." in says(last)
    assert attempt(PASSWORD).status_code == 429


def test_the_wait_ends_by_itself_and_trying_on_does_not_lengthen_it(owner):
    with time_machine.travel(clock.now(), tick=False) as traveller:
        fail(TRIES)
        traveller.shift(WAIT - timedelta(minutes=2))
        assert "in 2 minutes" in says(fail(3))
        traveller.shift(timedelta(minutes=2, seconds=1))
        assert attempt(PASSWORD).status_code == 302


def test_a_right_password_starts_the_count_anew(owner):
    fail(TRIES - 1)
    assert attempt(PASSWORD).status_code == 302
    assert fail(TRIES - 1).status_code == 200


def test_spelling_and_browser_make_no_other_account(owner):
    for number in range(TRIES):
        attempt(
            "wrong", email=(" owner@example.com", "OWNER@example.com ", "Owner@Example.com")[number % 3], user_agent=f"browser {number}"
        )
    assert attempt(PASSWORD).status_code == 429


def test_another_address_is_not_locked_out_by_it_until_the_wide_limit(owner):
    """Who guesses from one place does not keep the owner out; who guesses from everywhere meets the account's own limit."""
    fail(TRIES)
    assert attempt(PASSWORD, address="203.0.113.9").status_code == 302
    AccessAttempt.objects.all().delete()
    for number in range(ACCOUNT_TRIES // 9 + 1):
        fail(9, address=f"192.0.2.{number}")
    assert attempt(PASSWORD, address="203.0.113.9").status_code == 429


def test_a_whole_ipv6_household_counts_as_one(owner):
    for number in range(TRIES):
        attempt("wrong", address=f"2001:db8:1:2::{number:x}")
    assert attempt(PASSWORD, address="2001:db8:1:2:ffff::1").status_code == 429
    assert attempt(PASSWORD, address="2001:db8:1:3::1").status_code == 302


def test_accounts_that_do_not_exist_are_answered_and_counted_the_same(owner, monkeypatch, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
    owner.set_password(PASSWORD)
    owner.save()
    work: list[str] = []
    encode = ScryptPasswordHasher.encode

    def counted(self, password, *args, **kwargs):
        work.append(password)
        return encode(self, password, *args, **kwargs)

    monkeypatch.setattr(ScryptPasswordHasher, "encode", counted)
    inactive = User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    answers, effort = {}, {}
    for email in ("owner@example.com", "nobody@example.com", inactive.email):
        work.clear()
        page = attempt("wrong password", email=email)
        answers[email], effort[email] = says(page).replace(email, "X").replace(_token(page), ""), len(work)
    assert len(set(answers.values())) == 1
    assert set(effort.values()) == {1}
    locked = {email: fail(TRIES, email=email) for email in answers}
    assert {page.status_code for page in locked.values()} == {429}
    assert len({says(page).replace(email, "X").replace(_token(page), "") for email, page in locked.items()}) == 1


def _token(page) -> str:
    return says(page).split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]


def test_no_password_is_kept_with_the_count(owner):
    attempt("canary-of-a-password", email="owner@example.com")
    assert "canary" not in str(list(AccessAttempt.objects.values()))


@pytest.mark.parametrize("email", ["a" * 5_000, "x\0y@example.com", "\u202e@example.com", "'; --", "\ud800@x"])
def test_no_name_is_too_strange(owner, email):
    answer = Client(raise_request_exception=False).post("/login/", {"username": email.encode("utf-8", "replace").decode(), "password": "x"})
    assert answer.status_code in {200, 429}


def test_the_owner_gets_in_by_the_command_line(owner, monkeypatch):
    monkeypatch.setattr(boot, "start", lambda **_: None)
    fail(TRIES)
    done = CliRunner().invoke(users, ["unlock", "Owner@example.com"])
    assert done.exit_code == 0
    assert f"{TRIES} failed attempts forgotten" in done.output
    assert attempt(PASSWORD).status_code == 302
    (membership,) = memberships_of(owner)
    with organisation_scope(membership.organisation_id):
        assert AuditEntry.objects.get(action="unlock.user").detail["failed_attempts"] == TRIES


def test_old_counts_are_cleaned_away(owner):
    fail(1)
    assert housekeeping.daily(clock.now()).failed_sign_ins_deleted == 0
    assert housekeeping.daily(clock.now() + sign_in_limits.KEPT + timedelta(minutes=1)).failed_sign_ins_deleted == 1
    assert not AccessAttempt.objects.exists()
