"""Every operation of the API × what a key may × own and foreign rows, generated from the contract (``security/permissions.py``)."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from stallkeeper.channels.models import Channel, SendPlan
from stallkeeper.core import api_keys
from stallkeeper.core.models import ApiKey
from tests.busy_shop import BusyShop
from tests.db.security.permissions import PROGRAM, SOURCE
from tests.db.tenancy.furnished import Neighbours, changes, figures, leaks

NAMES = count()
THEIRS = "QQQ"


def operations() -> list[str]:
    """Every operation for programs that the contract names."""
    paths: dict[str, dict[str, Any]] = json.loads(Client().get("/api/openapi.json").content)["paths"]
    return [f"{method.upper()} {path}" for path, by_method in paths.items() if path.startswith("/api/") for method in by_method]


def key(busy: BusyShop, *may: str) -> str:
    with busy.shop.use_case() as uc:
        return api_keys.make(uc, f"program {next(NAMES)}", may)


def ask(operation: str, token: str | None, code: str, fingerprint: str) -> HttpResponse:
    """The operation with a body that makes sense, about this channel and this plan."""
    method, path = operation.split()
    body: dict[str, Any] = {"channels": {code: {"rules": {"buffer": 2}}}} if path.endswith("/plans/") else {}
    body |= {"figures": [{"sku": "MUG-0001", "quantity": 1}]} if path.endswith("/stock/") else {}
    path = path.format(code=code, fingerprint=fingerprint)
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return Client(raise_request_exception=False).generic(method, path, json.dumps(body), "application/json", headers=headers)


def about(busy: BusyShop) -> tuple[str, str]:
    """The code of a channel of this shop, and the fingerprint of a plan."""
    with busy.shop.scope():
        return Channel.objects.get(pk=busy.near.pk).code, SendPlan.objects.order_by("-pk")[0].fingerprint


def needed(operation: str) -> set[str]:
    return set(PROGRAM[operation].split())


BY_KEY = [operation for operation, asks in PROGRAM.items() if asks != SOURCE]


@pytest.mark.usefixtures("neighbours")
def test_every_operation_has_a_rule() -> None:
    """And no rule is left over: say in ``permissions.PROGRAM`` what a new one asks for."""
    assert set(operations()) == set(PROGRAM)


@pytest.mark.parametrize("operation", PROGRAM)
def test_nothing_is_done_without_a_key_that_holds(neighbours: Neighbours, operation: str) -> None:
    ours = neighbours.ours
    ended = key(ours, *api_keys.GRANTED)
    with ours.shop.use_case() as uc:
        api_keys.end(uc, ApiKey.objects.latest("pk").name)
    before = figures(ours)
    for token in (None, "", "sk_made-up", ended):
        answer = ask(operation, token, *about(ours))
        assert (answer.status_code, leaks(answer)) == (401, set()), token
    assert changes(ours, before) == set()


@pytest.mark.parametrize("operation", BY_KEY)
def test_a_key_does_what_it_may_and_no_more(neighbours: Neighbours, operation: str) -> None:
    ours = neighbours.ours
    for missing in needed(operation):
        before, others = figures(ours), [each for each in api_keys.GRANTED if each != missing]
        token = key(ours, *others)
        assert ask(operation, token, *about(ours)).status_code == 403, missing
        assert changes(ours, before) <= {"core_apikey", "core_auditentry"}
    assert ask(operation, key(ours, *needed(operation)), *about(ours)).status_code not in {401, 403, 404, 500}


@pytest.mark.parametrize("operation", BY_KEY)
def test_a_key_of_one_reaches_nothing_of_another(neighbours: Neighbours, operation: str) -> None:
    """Though it may do everything, and names their channel and their plan."""
    with neighbours.theirs.shop.scope():
        Channel.objects.filter(pk=neighbours.theirs.near.pk).update(code=THEIRS)
        SendPlan.objects.update(fingerprint="f" * 64)
    token, before = key(neighbours.ours, *api_keys.GRANTED), figures(neighbours.theirs)
    answer = ask(operation, token, *about(neighbours.theirs))
    assert leaks(answer) == set()
    assert changes(neighbours.theirs, before) == set()
    if "{" in operation or operation == "POST /api/v1/plans/":
        assert answer.status_code == 404
    shown = ask(operation, key(neighbours.theirs, *api_keys.GRANTED), *about(neighbours.theirs))
    assert shown.status_code not in {401, 403, 404, 500}, "for them it is there"


def test_a_key_of_people_sends_no_figures(neighbours: Neighbours) -> None:
    assert ask("POST /api/v1/stock/", key(neighbours.ours, *api_keys.GRANTED), *about(neighbours.ours)).status_code == 401
