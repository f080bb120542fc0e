"""The pytest side: a test module subclasses :class:`Contract` and inherits every case."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stallkit.testing.contract.bench import Subject
from stallkit.testing.contract.cases import CASES, Case, Verdict, judge


class Contract(Subject):
    """Subclass it as ``TestWhatever`` and fill in what :class:`Subject` asks for; each case appears as one test."""

    @pytest.mark.contract
    @pytest.mark.parametrize("tested", CASES.values(), ids=str)
    def test_contract(self, tested: Case, record_property: Callable[[str, object], None]) -> None:
        """Proven, or skipped as the manifest declares; see :func:`judge`."""
        judgement = judge(tested, type(self))
        record_property("case", tested.id)
        record_property("verdict", judgement.verdict.value)
        if judgement.verdict in {Verdict.SKIPPED, Verdict.MOOT}:
            pytest.skip(judgement.reason)
        if judgement.verdict is Verdict.FAILED:
            raise AssertionError(f"{tested.id}: {tested.promise}\n{judgement.reason}") from judgement.error
