"""A program sends figures: by the key of its source, safely repeated, with an answer by row (S3.15)."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from stallkeeper.stock import source_setup
from stallkeeper.stock.models import Movement, SourceRun, StockSource
from tests.db.sources.conftest import ten_of_each
from tests.shop import Shop

pytestmark = pytest.mark.filterwarnings("ignore:No directory at")
ADDRESS = "/api/v1/stock/"


class Program:
    """A program with a key, and the shop that it sends figures to."""

    def __init__(self) -> None:
        self.shop = Shop.open()
        self.units = ten_of_each(self.shop, 8)
        with self.shop.use_case() as uc:
            made = source_setup.add(uc, self.shop.place, "api", {}, {}, {"name": "ERP", "mode": "listed"})
            self.source = source_setup.turn(uc, made.pk, True)
            self.key = source_setup.issue_token(uc, made.pk)

    def send(self, figures: list[dict[str, object]] | bytes, *, key: str = "", token: str | None = None, **more: object):
        body = figures if isinstance(figures, bytes) else json.dumps({"figures": figures, **more}).encode()
        headers = {"Authorization": f"Bearer {self.key if token is None else token}"} | ({"Idempotency-Key": key} if key else {})
        return Client(raise_request_exception=False).post(ADDRESS, body, "application/json", headers=headers)

    def there(self, sku: str) -> int:
        return self.shop.level(self.units[sku])[0]


@pytest.fixture
def program() -> Program:
    return Program()


def test_figures_go_in_and_the_answer_names_what_was_refused(program: Program) -> None:
    far = program.shop.add_place("FAR")
    figures = [{"sku": "SKU-1", "quantity": 7}, {"sku": "NOBODY", "quantity": 1}, {"sku": "SKU-1", "quantity": 4, "location": "FAR"}]
    answer = program.send(figures)
    assert answer.status_code == 200, answer.content
    assert answer.json() | {"run": 0} == {
        "run": 0, "state": "done", "rows": 3, "changed": 2, "zeroed": 0, "refused": 1, "detail": "",
        "problems": [{"row": 2, "field": "sku", "detail": "sku NOBODY is not known; correct it, or import the product first."}],
    }  # fmt: skip
    assert (program.there("SKU-1"), program.shop.level(program.units["SKU-1"], far)[0]) == (7, 4)


def test_a_packet_is_repeated_safely(program: Program) -> None:
    with program.shop.use_case() as uc:
        source_setup.change(uc, program.source.pk, {"mode": "deltas"})
    packet = [{"sku": "SKU-1", "quantity": -2}]
    first, again = program.send(packet, key="a"), program.send(packet, key="a")
    assert (first.json(), program.there("SKU-1")) == (again.json(), 8)
    other = program.send([{"sku": "SKU-1", "quantity": -3}], key="a")
    assert (other.status_code, other.json()["type"], program.there("SKU-1")) == (409, "urn:stallkeeper:problem:key-used", 8)
    assert program.send(packet, key="b").status_code == 200
    assert program.there("SKU-1") == 6
    unnamed = program.send(packet)
    assert (unnamed.status_code, unnamed.json()["type"], program.there("SKU-1")) == (422, "urn:stallkeeper:problem:key-needed", 6)


def test_too_much_at_once_waits_and_says_so(program: Program) -> None:
    answer = program.send([{"sku": sku, "quantity": 0} for sku in program.units])
    assert (answer.status_code, answer.json()["state"], program.there("SKU-1")) == (202, "stopped", 10)
    assert "8 of 8 articles in stock would go to zero" in answer.json()["detail"]


def test_what_is_no_packet_is_refused_and_changes_nothing(program: Program) -> None:
    cases = [
        (program.send([], token="guessed"), 401, "forbidden"),
        (Client().post(ADDRESS, b"{}", "application/json"), 401, "forbidden"),
        (program.send(b"{"), 400, "not-understood"),
        (program.send([{"sku": "SKU-1", "quantity": "many"}]), 422, "invalid"),
        (program.send([{"sku": "SKU-1", "quantity": -1}]), 422, "invalid"),
        (program.send([{"sku": "SKU-1"}]), 422, "invalid"),
        (program.send([]), 422, "refused"),
        (program.send([{"sku": "NOBODY", "quantity": 1}]), 422, "refused"),
        (program.send(b" " * 3_000_000), 413, "too-large"),
    ]
    assert [(answer.status_code, answer.json()["type"].rpartition(":")[2]) for answer, *_ in cases] == [case[1:] for case in cases]
    with program.shop.scope():
        StockSource.objects.update(enabled=False)
        assert program.send([{"sku": "SKU-1", "quantity": 1}]).status_code == 401
        assert Movement.objects.filter(cause="source").count() == 0
        assert not SourceRun.objects.exclude(state="failed").exists()


def test_a_new_key_ends_the_old_one_and_none_is_kept_in_clear(program: Program) -> None:
    with program.shop.use_case() as uc:
        key = source_setup.issue_token(uc, program.source.pk)
    assert program.send([{"sku": "SKU-1", "quantity": 1}]).status_code == 401
    assert program.send([{"sku": "SKU-1", "quantity": 1}], token=key).status_code == 200
    with program.shop.scope():
        assert key not in repr(StockSource.objects.values().get())
