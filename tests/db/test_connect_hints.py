"""The door for callbacks: whatever comes is at most a reason to look, and whoever tries learns nothing."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.test import Client

from stallkeeper.api import hints
from stallkeeper.channels.models import Connection, Lane, LaneStep
from stallkeeper.core import clock
from stallkeeper.sync import adapters
from stallkit.adapters.dummy.adapter import sign
from stallkit.adapters.dummy.emulator import CALLBACK_SECRET, CONFIG
from stallkit.adapters.ozon.emulator import CONFIG as OZON_CONFIG
from stallkit.types import Hint
from tests.shop import Shop


@pytest.fixture
def account(settings, tmp_path):
    """An account whose orders are not due for an hour."""
    settings.STATIC_ROOT = tmp_path
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
    address = f"/hints/{token or account.hint_token}/"
    return Client().generic(method, address, body, "application/json", headers=headers).status_code


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
    assert call(account, body=body) == 400
    assert call(account, method="GET", body=b"") == 400
    assert not looked_for()


def test_a_wrong_signature_moves_nothing(account):
    body = json.dumps({"topic": "order", "order_id": "1"}).encode()
    assert call(account, body=body, **{"X-Dummy-Signature": sign("another secret", body)}) == 400
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
    assert call(account) == 400
    assert not looked_for()


def test_a_genuine_callback_of_no_interest_is_accepted_and_moves_nothing(account, monkeypatch):
    class Elsewhere:
        def read_hint(self, *_: object) -> Hint:
            return Hint("", "price war", calls_for_a_look=False)

    session = adapters.session(account, "hints")
    monkeypatch.setattr(adapters, "session", lambda *_: adapters.Session(session.manifest, Elsewhere(), session.pacer, session.tape, 1.0))
    assert call(account) == 204
    assert not looked_for()


def test_the_platform_gets_the_answer_that_it_asks_for(account, monkeypatch):
    """Some platforms take a callback for lost unless the body says what they want to read."""

    class Answering:
        def read_hint(self, *_: object) -> Hint:
            return Hint("1", "order", answer=b'{"result": true}')

    session = adapters.session(account, "hints")
    monkeypatch.setattr(adapters, "session", lambda *_: adapters.Session(session.manifest, Answering(), session.pacer, session.tape, 1.0))
    reply = Client().post(f"/hints/{account.hint_token}/", b"{}", "application/json")
    assert (reply.status_code, reply.json(), reply["Content-Type"]) == (200, {"result": True}, "application/json")
    assert looked_for()


OZON = b'{"message_type": "TYPE_NEW_POSTING", "posting_number": "1-1", "products": [], "in_process_at": "2026-01-01T00:00:00Z", \
"warehouse_id": 1, "seller_id": 1}'


@pytest.mark.parametrize(
    ("caller", "forwarded", "base_url", "status"),
    [
        ("195.34.21.7", "", "", 200),
        ("185.73.195.1", "", "", 200),
        ("203.0.113.9", "", "", 400),
        ("203.0.113.9", "195.34.21.7", "", 400),  # anybody can write that header
        ("10.0.0.5", "195.34.21.7", "", 200),  # our own proxy wrote it
        ("10.0.0.5", "203.0.113.9", "", 400),
        ("10.0.0.5", "195.34.21.7, 203.0.113.9", "", 400),
        ("no address", "", "", 400),
        ("203.0.113.9", "", "http://emulated.test", 200),
    ],
)
def test_who_signs_nothing_must_call_from_his_own_networks(account, settings, caller, forwarded, base_url, status):
    """Ozon publishes its networks. Strangers get the answer that rubbish gets, and move nothing."""
    proxy = dataclasses.replace(settings.ENV, trusted_proxies=(ip_network("10.0.0.0/8"),))
    settings.ENV = proxy
    Connection.objects.filter(pk=account.pk).update(platform="ozon", config=dict(OZON_CONFIG), base_url=base_url)
    adapters.forget_sessions()
    headers = {"REMOTE_ADDR": caller} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})
    reply = Client().generic("POST", f"/hints/{account.hint_token}/", OZON, "application/json", **headers)
    assert reply.status_code == status
    assert looked_for() is (status == 200)
