"""The same code typed in several browsers at once signs in one of them, and many guesses at once are all counted."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db import transaction

from stallkeeper.core import people, second_factor
from stallkeeper.core.models import SecondFactor, User
from stallkeeper.core.second_factor import TRIES, Verdict

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = b"0" * 20


@pytest.fixture
def mia(race_db, settings, tmp_path, monkeypatch) -> User:
    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    monkeypatch.setattr(os, "urandom", lambda size: b"0" * size)
    user = people.create_user("mia@example.com")
    with transaction.atomic():
        second_factor.begin(user, NOON)
        codes = second_factor.new_codes(user)
        SecondFactor.objects.update(confirmed_at=NOON)
    monkeypatch.undo()
    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    user.codes = codes
    return user


def test_of_one_code_at_once_one_is_right(race_db, mia: User) -> None:
    code = TOTP(SECRET, 6, SHA1(), 30).generate(int(NOON.timestamp())).decode()
    for typed, right in ((code, Verdict.RIGHT), (mia.codes[0], Verdict.RECOVERY)):
        answers = race_db.together(*[lambda typed=typed: second_factor.check(mia, typed, NOON)] * 4)
        assert answers.count(right) == 1
        assert answers.count(Verdict.WRONG) == 3


def test_guesses_at_once_are_all_counted(race_db, mia: User) -> None:
    """Otherwise who guesses in parallel has many more tries than five."""
    answers = race_db.together(*[lambda: second_factor.check(mia, "000000", NOON)] * (TRIES + 3))
    assert answers.count(Verdict.TOO_MANY) == 3
