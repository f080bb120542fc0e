"""The judge of past figures and case files: what is told from moments that a wrong clock wrote down accuses nobody."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stallkeeper.ops.simulation.truth import past_rules
from stallkeeper.ops.simulation.truth.past_rules import Past
from stallkeeper.orders.verdicts import Kind

pytestmark = pytest.mark.unit

LINE = 6


def said(past: Past, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the judge says of a day with one short line whose case file gives this verdict."""
    verdict = SimpleNamespace(kind=kind, broken="3: there was enough")
    shortages = SimpleNamespace(order_by=lambda _: SimpleNamespace(values_list=lambda *_, **__: [LINE]))
    monkeypatch.setattr(past_rules, "Shortage", SimpleNamespace(objects=shortages))
    monkeypatch.setattr(past_rules.cases, "open_case", lambda *_: SimpleNamespace(verdict=verdict))
    shop = SimpleNamespace(looks=1, organisation_id=1, lines={LINE: LINE}, line=lambda line: f"line {line}")
    return [breach.text for breach in past.check(shop)]  # type: ignore[arg-type]


def test_a_case_file_that_says_bug_is_one_unless_a_clock_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    past = Past()
    assert said(past, Kind.BUG, monkeypatch) == ["the case file of line 6 says bug: 3: there was enough"]
    assert said(past, Kind.LATENCY, monkeypatch) == []
    past.fit = False
    assert said(past, Kind.BUG, monkeypatch) == []
