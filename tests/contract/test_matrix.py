"""The committed matrix is what the suite really shows."""

from pathlib import Path

import pytest

from stallkit.testing import matrix
from stallkit.testing.contract import CASES, Judgement, Verdict

PAGE = Path(__file__).parents[2] / "docs" / "contract-matrix.md"


@pytest.mark.long(12)
def test_the_committed_matrix_is_up_to_date():
    results = matrix.run(matrix.find_subjects())
    assert matrix.failures(results) == []
    assert PAGE.read_text("utf-8") == matrix.render(results), "run: python -m stallkit.testing.matrix > docs/contract-matrix.md"


def judged(**verdicts):
    return {case_id: Judgement(Verdict.PROVEN) for case_id in CASES} | {name.replace("__", "."): value for name, value in verdicts.items()}


def test_a_skip_shows_with_its_reason():
    page = matrix.render({"toy": judged(stock__zero=Judgement(Verdict.SKIPPED, "sells air"))})
    stock = sum(case.chapter == "stock" for case in CASES.values())
    assert f"| stock (`write_stock`) | {stock - 1} + 1 |" in page
    assert "- toy: sells air: `stock.zero`" in page


def test_a_capability_that_is_not_declared_shows_as_a_dash():
    hints = {
        case.id: Judgement(Verdict.MOOT, "does not declare hints", undeclared=True) for case in CASES.values() if case.chapter == "hints"
    }
    page = matrix.render({"toy": judged() | hints})
    assert "| hints (`hints`) | – |" in page
    assert "does not declare hints" not in page


def test_a_failure_is_no_matrix():
    results = {"toy": judged(stock__zero=Judgement(Verdict.FAILED, "shows 5"))}
    assert matrix.failures(results) == ["toy: stock.zero: shows 5"]
