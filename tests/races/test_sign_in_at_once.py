"""Many processes counting the same guesser at once: none is lost, none fails, and the door shuts."""

from __future__ import annotations

import pytest
from axes.models import AccessAttempt
from django.db.models import Sum
from django.test import Client

from stallkeeper.core.models import User
from stallkeeper.core.sign_in_limits import TRIES

AT_ONCE = 6


@pytest.fixture(autouse=True)
def _quick(settings, tmp_path) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STATIC_ROOT = tmp_path


def test_guesses_at_once_are_counted_together(race_db):
    User.objects.create_user("owner@example.com", "correct horse battery")

    def guess() -> list[int]:
        client = Client()
        posted = [client.post("/login/", {"username": "owner@example.com", "password": f"guess {number}"}) for number in range(TRIES)]
        return [answer.status_code for answer in posted]

    statuses = race_db.together(*[guess] * AT_ONCE)
    looked_at = AccessAttempt.objects.aggregate(total=Sum("failures_since_start"))["total"]
    # Those that were under way when the tenth was counted had been let in; each process has at most one such.
    assert TRIES <= looked_at < TRIES + AT_ONCE
    assert {status for each in statuses for status in each} == {200, 429}
    assert Client().post("/login/", {"username": "owner@example.com", "password": "correct horse battery"}).status_code == 429
