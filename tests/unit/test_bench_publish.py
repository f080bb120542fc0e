"""Figures of a bench run on the page about performance."""

from __future__ import annotations

from datetime import date

import pytest

from bench.measure import Goal, Result
from bench.publish import PAGE, PAGES, NoPlace, publish

DAY = date(2026, 1, 2)
ORDERS = Result("orders", "pages of 100", 0.5, "× hand-written", "5 orders/s", "10 orders/s", Goal(0.4, 0.6))
DRAIN = Result("drain", "to JSON | here", 0.1, "×", goal=Goal(0.3, 0.6))


@pytest.fixture
def page(tmp_path):
    file = tmp_path / "performance.md"
    file.write_text(
        "Before\n<!-- figures: orders -->\nold\n<!-- end of figures -->\nbetween\n<!-- figures: drain -->\nkept\n<!-- end of figures -->\n"
    )
    return file


def test_only_the_measured_case_is_replaced(page):
    publish([ORDERS], DAY, page)
    text = page.read_text()
    assert "old" not in text
    assert "kept" in text
    assert text.startswith("Before\n<!-- figures: orders -->\nMeasured on 2026-01-02: ")
    assert "| pages of 100 | 0.50 × hand-written | ≥ 0.4 / 0.6 | must reached | 5 orders/s | 10 orders/s |  |" in text


def test_publishing_twice_changes_nothing_more(page):
    publish([ORDERS, DRAIN], DAY, page)
    once = page.read_text()
    publish([ORDERS, DRAIN], DAY, page)
    assert page.read_text() == once


def test_what_falls_short_is_said_so(page):
    publish([DRAIN], DAY, page)
    assert "| to JSON / here | 0.10 × | ≥ 0.3 / 0.6 | **short** |" in page.read_text()


def test_a_case_without_a_place_is_named(page):
    with pytest.raises(NoPlace, match="figures: sweep"):
        publish([Result("sweep", "a", 1, "")], DAY, page)


def test_the_page_has_a_place_for_every_case():
    from bench.__main__ import CASES

    texts = {case: PAGES.get(case, PAGE).read_text("utf-8") for case in CASES}
    assert [case for case, text in texts.items() if f"<!-- figures: {case} -->" not in text] == []
