"""The API keeps its contract whatever is thrown at it, and its errors are problem documents (security floor: fuzzing)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from stallkeeper.api import hints
from stallkeeper.api.problems import MEDIA_TYPE
from stallkeeper.channels.models import Channel, Connection, Lane, LaneStep
from stallkeeper.core import api_keys, clock
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.sync import adapters
from stallkit.adapters.dummy.adapter import sign
from stallkit.adapters.dummy.emulator import CALLBACK_SECRET, CONFIG
from tests.shop import Shop

OURS = "/api/openapi.json"
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.fixture
def account():
    """An account that takes callbacks and whose orders are not due for an hour."""
    shop = Shop.open()
    channel = shop.channel()
    adapters.forget_sessions()
    with shop.scope():
        connection = Connection.objects.get(pk=channel.connection_id)
        Connection.objects.filter(pk=connection.pk).update(config=CONFIG)
        lane = Lane.objects.get(subject_id=connection.pk, kind="trade")
        due = clock.now() + timedelta(hours=1)
        LaneStep.objects.create(organisation=shop.organisation, lane=lane, step="orders", not_before=due)
        connection.refresh_from_db()
        yield connection


def state() -> list[object]:
    return list(LaneStep.objects.values_list()) + list(Connection.objects.values_list())


# --- the contract -----------------------------------------------------------------------------------------------------------------------


def test_the_contract_is_openapi_3_1_and_names_every_door():
    document = json.loads(Client().get(OURS).content)
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/hints/{token}/",
        "/hints/{token}/{rest}",
        "/api/v1/stock/",
        "/api/v1/channels/",
        "/api/v1/channels/{code}/",
        "/api/v1/channels/{code}/own/",
        "/api/v1/plans/",
        "/api/v1/plans/open/",
        "/api/v1/plans/undo/",
        "/api/v1/plans/{fingerprint}/",
        "/api/v1/plans/{fingerprint}/apply/",
    }
    for path in document["paths"].values():
        for operation in path.values():
            errors = {status: answer["content"] for status, answer in operation["responses"].items() if int(status) >= 400}
            assert errors
            assert all(set(content) == {MEDIA_TYPE} for content in errors.values())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("real_token", [True, False])
def test_schemathesis_finds_no_server_error_and_no_broken_promise(account, served, real_token):
    """All of its checks but one: no contract can say what a signature must be, so what fits the contract may still be refused."""
    schema = schemathesis.openapi.from_wsgi(OURS, served)
    called = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @FUZZ
        def throw(case):
            nonlocal called
            if real_token and "token" in case.path_parameters:
                case.path_parameters["token"] = account.hint_token
            case.call_and_validate(excluded_checks=[positive_data_acceptance])
            called += 1

        throw()
    assert called > 100


@pytest.mark.filterwarnings("ignore")
def test_whatever_a_program_with_a_key_sends_is_answered_as_the_contract_says(account, served):
    """Rules and plans: no error of ours, whatever is proposed by somebody who may."""
    with use_case("make.api_key", organisation_id=account.organisation_id, actor="user:1") as uc:
        token = api_keys.make(uc, "Fuzz", api_keys.GRANTED)
    schema = schemathesis.openapi.from_wsgi(OURS, served)
    called = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if "/stock/" in operation.path or "/hints/" in operation.path:
            continue

        @given(case=operation.as_strategy())
        @FUZZ
        def throw(case):
            nonlocal called
            with organisation_scope(account.organisation_id):
                codes = list(Channel.objects.values_list("code", flat=True))
            if "code" in case.path_parameters:
                case.path_parameters["code"] = codes[0]
            if case.operation.path == "/api/v1/plans/" and isinstance(case.body, dict) and isinstance(case.body.get("channels"), dict):
                case.body["channels"] = dict(zip(codes, case.body["channels"].values(), strict=False))
            answer = case.call(headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code < 500, answer.content
            called += 1

        throw()
    assert called > 100


# --- callbacks --------------------------------------------------------------------------------------------------------------------------

BODY = json.dumps({"topic": "order", "order_id": "1"}).encode()
KINDS = st.sampled_from(
    ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b", ""]
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"])
SIGNATURES = st.one_of(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=80), st.just(sign("another", BODY)))


def send(token: str, body: bytes, *, kind: str = "application/json", method: str = "POST", **meta: str):
    return Client(raise_request_exception=False).generic(method, f"/hints/{token}/", body, kind, **meta)


@FUZZ
@given(body=st.binary(max_size=2_000), kind=KINDS, method=METHODS, signature=SIGNATURES)
@example(body=b"[" * 100_000, kind="application/json", method="POST", signature="")
@example(body=b"\xff\xfe\x00", kind="application/json", method="POST", signature="\xe4")
@example(body='{"topic":"order"}'.encode("utf-16"), kind="application/json; charset=utf-16", method="POST", signature="")
@example(body=b"--x\r\n", kind="multipart/form-data; boundary=x", method="POST", signature="")
def test_whatever_a_stranger_sends_is_refused_and_moves_nothing(account, body, kind, method, signature):
    before = state()
    answer = send(account.hint_token, body, kind=kind, method=method, HTTP_X_DUMMY_SIGNATURE=signature)
    assert answer.status_code in {400, 405}
    assert answer["Content-Type"] == MEDIA_TYPE
    assert state() == before


@FUZZ
@given(position=st.integers(0, len(BODY) - 1), flip=st.integers(1, 255))
def test_one_changed_byte_makes_a_signed_callback_worthless(account, position, flip):
    before = state()
    changed = bytearray(BODY)
    changed[position] ^= flip
    answer = send(account.hint_token, bytes(changed), HTTP_X_DUMMY_SIGNATURE=sign(CALLBACK_SECRET, BODY))
    assert answer.status_code == 400
    assert state() == before


@FUZZ
@given(position=st.integers(0, 63), flip=st.integers(1, 15))
def test_one_changed_character_of_the_signature_too(account, position, flip):
    good = sign(CALLBACK_SECRET, BODY)
    place = position % len(good)
    wrong = good[:place] + chr((ord(good[place]) ^ flip) or 65) + good[place + 1 :]
    before = state()
    assert send(account.hint_token, BODY, HTTP_X_DUMMY_SIGNATURE=wrong.replace("\r", "a").replace("\n", "b")).status_code == 400
    assert state() == before


def test_a_callback_played_again_makes_us_look_and_no_more(account):
    """Replaying is harmless by construction: the pull decides, and a second look finds what the first found."""
    for _ in range(3):
        assert send(account.hint_token, BODY, HTTP_X_DUMMY_SIGNATURE=sign(CALLBACK_SECRET, BODY)).status_code == 204
    lanes = list(LaneStep.objects.filter(step="orders").values_list("not_before", flat=True))
    assert len(lanes) == 1
    assert Connection.objects.filter(pk=account.pk, state="ready").exists()


@pytest.mark.parametrize("announced", ["ten", "-1", "1e9", "\u0661", "99999999999999999999"])
def test_a_length_that_is_no_length_is_not_our_fault(account, announced):
    answer = Client(raise_request_exception=False).generic(
        "POST", f"/hints/{account.hint_token}/", b"", "application/json", CONTENT_LENGTH=announced
    )
    assert answer.status_code in {400, 413}


def test_ten_megabytes_are_refused_unread(account):
    answer = send(account.hint_token, b"x" * 10_000_000)
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:stallkeeper:problem:too-large"
    assert str(hints.MOST_BYTES // 1024) in answer.json()["detail"]


@pytest.mark.parametrize("token", ["%00", "a%00b", "%FF%FE", "..", "%2e%2e%2f", "a" * 5_000, "'; DROP TABLE x; --", "\u0441"])
def test_a_token_that_is_no_token_names_no_account(token):
    answer = send(token, b"{}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == MEDIA_TYPE


def test_what_the_router_refuses_is_a_problem_document_too(account):
    answer = send(account.hint_token, b"", method="DELETE")
    assert (answer.status_code, answer["Content-Type"]) == (405, MEDIA_TYPE)
    assert set(answer["Allow"].replace(",", " ").split()) == set(hints.METHODS)


def test_an_error_of_ours_tells_nothing_about_us(account, monkeypatch, served):
    def broken(*_):
        raise RuntimeError("canary-of-the-inside")

    monkeypatch.setattr(hints, "account_of", broken)
    answer = send(account.hint_token, BODY)
    assert answer.status_code == 500
    assert answer["Content-Type"] == MEDIA_TYPE
    assert b"canary" not in answer.content
