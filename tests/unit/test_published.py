"""The validator must catch what differs from a contract, say where, and be silent (with a reason) where there is no contract."""

import json

import httpx
import pytest

from stallkit.http import Exchange
from stallkit.testing.published import Published, ValidatingTransport

CONTRACT = {
    "openapi": "3.0.1",
    "info": {"title": "toy", "version": "1"},
    "servers": [{"url": "https://api.example.com"}],
    "security": [{"basic": []}],
    "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
    "paths": {
        "/items/{id}": {
            "put": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer"}}}
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "done",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["state"],
                                    "properties": {"state": {"type": "string", "enum": ["on", "off"]}},
                                }
                            }
                        },
                    }
                },
            }
        }
    },
}


@pytest.fixture
def contract(tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "api.json").write_text(json.dumps(CONTRACT))
    return Published.openapi("toy", "api.json", folder=tmp_path)


def exchange(path="/items/7", request=b'{"amount":1}', status=200, reply=b'{"state":"on"}'):
    kind = {"Content-Type": "application/json"}
    return Exchange("PUT", f"http://anywhere{path}", kind, request, status, kind, reply, 0.0)


def test_a_good_exchange_is_counted(contract):
    contract.check(exchange())
    assert contract.checked == {("PUT", "/items/{id}", 200): 1}


@pytest.mark.parametrize(
    ("spoiled", "told"),
    [
        ({"request": b'{"amount":"many"}'}, r"request.*\$\.amount"),
        ({"request": b"{}"}, r"request.*\$: 'amount' is a required"),
        ({"reply": b'{"state":"maybe"}'}, r"reply 200.*\$\.state"),
        ({"reply": b"{}"}, r"reply 200.*\$: 'state' is a required"),
        ({"reply": b'{"state'}, "reply 200"),
        ({"path": "/items/seven"}, "request of PUT"),
        ({"path": "/other"}, "describes no PUT /other"),
    ],
)
def test_what_differs_is_told_with_its_place(contract, spoiled, told):
    with pytest.raises(AssertionError, match=told):
        contract.check(exchange(**spoiled))


def test_a_status_that_the_contract_leaves_out_is_counted_apart(contract):
    contract.check(exchange(status=503, reply=b"busy"))
    assert contract.undescribed == {("PUT", "/items/{id}", 503): 1}
    assert not contract.checked


def test_a_missing_contract_checks_nothing_and_says_so(tmp_path):
    absent = Published.openapi("nowhere", "api.json", folder=tmp_path)
    absent.check(exchange())
    with pytest.raises(pytest.skip.Exception, match=r"nowhere/api.json.*STALLKEEPER_SPECS"):
        absent.require()


def answering(status, body, fault=None):
    def answer(request):
        return httpx.Response(status, content=body, headers={"Content-Type": "application/json"}, extensions={"fault": fault})

    return httpx.MockTransport(answer)


def put(transport, path="/items/7"):
    with httpx.Client(transport=transport) as client:
        return client.put(f"http://emulator{path}", json={"amount": 1})


def test_the_transport_checks_every_call(contract):
    assert put(ValidatingTransport(answering(200, b'{"state":"on"}'), [contract])).status_code == 200
    with pytest.raises(AssertionError, match=r"\$\.state"):
        put(ValidatingTransport(answering(200, b'{"state":"odd"}'), [contract]))


def test_the_transport_lets_a_planned_fault_pass(contract):
    assert put(ValidatingTransport(answering(200, b"<html>", fault="html"), [contract])).text == "<html>"


def test_the_transport_refuses_an_undescribed_path_unless_listed(contract):
    inner = answering(200, b"{}")
    with pytest.raises(AssertionError, match="no contract describes PUT /token"):
        put(ValidatingTransport(inner, [contract]), "/token")
    assert put(ValidatingTransport(inner, [contract], outside=[("PUT", "/token")]), "/token").status_code == 200
