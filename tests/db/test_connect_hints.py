"""The door for callbacks: whatever comes is at most a reason to look, and whoever tries learns nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import RequestFactory

from stallkeeper.api import hints
from stallkeeper.channels.models import Connection, Lane, LaneStep
from stallkeeper.core import clock
from stallkeeper.sync import adapters
from stallkit.adapters.dummy.adapter import sign
from stallkit.adapters.dummy.emulator import CALLBACK_SECRET, CONFIG
from tests.shop import Shop


@pytest.fixture
def account():
    """An account whose orders are not due for an hour."""
    due = clock.now() + timedelta(hours=1)
    shop = Shop.open()
    channel = shop.channel()
    adapters.forget_sessions()
    with shop.scope():
        connection = Connection.objects.get(pk=channel.connection_id)
        Connection.objects.filter(pk=connection.pk).update(config=CONFIG)
        lane = Lane.objects.get(subject_id=connection.pk, kind="trade")
        LaneStep.objects.create(organisation=shop.organisation, lane=lane, step="orders", not_before=due)
        connection.refresh_from_db()
        yield connection


def call(account: Connection, *, token: str = "", method: str = "POST", body: bytes = b"{}", **headers: str) -> int:
    request = RequestFactory().generic(method, f"/hints/{account.hint_token}/", body, "application/json", headers=headers)
    return hints.hint(request, token or account.hint_token).status_code


def looked_for() -> bool:
    """Whether orders are to be pulled at the next chance."""
    due = LaneStep.objects.get(step="orders").not_before
    return due is None or due <= clock.now()


def signed(body: bytes) -> dict[str, str]:
    return {"X-Dummy-Signature": sign(CALLBACK_SECRET, body)}


def test_a_signed_callback_makes_us_look(account):
    body = json.dumps({"topic": "order", "order_id": "1"}).encode()
    assert call(account, body=body, **signed(body)) == 204
    assert looked_for()


@pytest.mark.parametrize("body", [b"{}", b"not json", b"\xff\xfe\x00", b""])
def test_what_is_not_understood_is_answered_the_same_and_moves_nothing(account, body):
    assert call(account, body=body) == 204
    assert call(account, method="GET", body=b"") == 204
    assert not looked_for()


def test_a_wrong_signature_moves_nothing(account):
    body = json.dumps({"topic": "order", "order_id": "1"}).encode()
    assert call(account, body=body, **{"X-Dummy-Signature": sign("another secret", body)}) == 204
    assert not looked_for()


def test_an_unknown_token_is_not_found(account):
    assert call(account, token="x" * 32) == 404


def test_an_account_that_must_be_connected_again_is_not_woken(account):
    Connection.objects.update(state="needs_reconnect")
    assert call(account) == 404


def test_a_huge_callback_is_refused_unread(account):
    assert call(account, body=b"x" * (hints.MOST_BYTES + 1)) == 413
    assert not looked_for()


def test_an_error_in_reading_stays_inside(account, monkeypatch):
    class Broken:
        def read_hint(self, *_: object) -> None:
            raise RuntimeError("a bug in an adapter")

    session = adapters.session(account, "hints")
    monkeypatch.setattr(adapters, "session", lambda *_: adapters.Session(session.manifest, Broken(), session.pacer, session.tape, 1.0))
    assert call(account) == 204
    assert not looked_for()
