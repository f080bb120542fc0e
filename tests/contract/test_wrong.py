"""The suite catches what it says it catches: each wrong adapter fails its case, and few others."""

from fnmatch import fnmatchcase

import pytest

from stallkit.adapters.dummy.emulator import CONFIG, Emulator
from stallkit.testing.contract import CASES, Subject, Verdict, judge
from stallkit.testing.wrong import WRONG


def subject_of(adapter):
    class Wronged(Subject):
        platform = "dummy"
        config = CONFIG

        @classmethod
        def make_emulator(cls, clock):
            emulator = Emulator(clock)
            emulator.orders_per_page = emulator.offers_per_page = 7
            return emulator

        @classmethod
        def make_adapter(cls, config, door, clock):
            return adapter(config, door, clock)

        @classmethod
        def manifest(cls):
            return adapter.MANIFEST

    return Wronged


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_the_wrong_adapter_is_caught(wrong):
    subject = subject_of(wrong.adapter)
    failed = {case.id for case in CASES.values() if judge(case, subject).verdict is Verdict.FAILED}
    assert wrong.caught_by in failed
    surprising = {case_id for case_id in failed - {wrong.caught_by} if not any(fnmatchcase(case_id, known) for known in wrong.also)}
    assert not surprising, f"{wrong} also fails {sorted(surprising)}"


def test_the_cases_that_catch_exist():
    assert {wrong.caught_by for wrong in WRONG} <= set(CASES)
