"""How a case is judged: what counts as proven, what a declared skip excuses, and what it does not."""

from dataclasses import replace

import pytest

from stallkit.adapters.dummy.emulator import CONFIG, Emulator
from stallkit.adapters.dummy.manifest import MANIFEST
from stallkit.manifest import Capability
from stallkit.testing.contract import CASES, Case, Subject, Verdict, judge
from stallkit.testing.contract.cases import CannotShow, NotApplicable, add_case


def subject_with(*skips, without=frozenset()):
    class Toy(Subject):
        platform = "dummy"
        config = CONFIG

        @classmethod
        def make_emulator(cls, clock):
            return Emulator(clock)

        @classmethod
        def manifest(cls):
            return replace(MANIFEST, skips=skips, capabilities=MANIFEST.capabilities - without)

    return Toy


def case_that(does):
    return Case("toy.case", (Capability.PROBE,), does, "promises something")


def passes(_bench):
    pass


def fails(_bench):
    assert 1 == 2, "one is not two"


def crashes(_bench):
    raise KeyError("x")


def cannot_show(_bench):
    raise CannotShow("no moon here")


def not_applicable(_bench):
    raise NotApplicable("a batch of one")


SKIP = ("toy.case", "no such thing")


@pytest.mark.parametrize(
    ("does", "skips", "verdict", "told"),
    [
        (passes, (), Verdict.PROVEN, ""),
        (passes, (SKIP,), Verdict.FAILED, "stale skip"),
        (passes, (("toy.*", "nothing of this"),), Verdict.FAILED, "stale skip"),
        (passes, (("other.case", "x"),), Verdict.PROVEN, ""),
        (fails, (), Verdict.FAILED, "one is not two"),
        (fails, (SKIP,), Verdict.SKIPPED, "no such thing"),
        (crashes, (), Verdict.FAILED, "KeyError"),
        (cannot_show, (), Verdict.FAILED, "declare the skip"),
        (cannot_show, (SKIP,), Verdict.SKIPPED, "no such thing"),
        (not_applicable, (), Verdict.MOOT, "a batch of one"),
    ],
)
def test_judging(does, skips, verdict, told):
    judgement = judge(case_that(does), subject_with(*skips))
    assert judgement.verdict is verdict
    assert told in judgement.reason


def test_a_case_of_an_undeclared_capability_is_moot():
    judgement = judge(case_that(passes), subject_with(without=frozenset({Capability.PROBE})))
    assert (judgement.verdict, judgement.undeclared) == (Verdict.MOOT, True)


def test_an_undeclared_capability_whose_method_is_there_is_told():
    judgement = judge(CASES["manifest.capabilities_are_methods"], subject_with(without=frozenset({Capability.HINTS})))
    assert judgement.verdict is Verdict.FAILED
    assert "read_hint" in judgement.reason


@pytest.mark.parametrize("skips", [(("stok.zero", "a typing error"),), (("stock.zero", " "),)])
def test_a_skip_must_name_a_case_and_a_reason(skips):
    assert judge(CASES["manifest.skips_name_cases"], subject_with(*skips)).verdict is Verdict.FAILED


def test_case_ids_are_unique_and_belong_to_a_chapter():
    with pytest.raises(ValueError, match="twice"):
        add_case(CASES["stock.zero"])
    assert all(case.promise for case in CASES.values())


def test_an_adapter_that_cannot_be_built_fails_its_cases():
    class Broken(subject_with()):
        @classmethod
        def make_adapter(cls, config, door, clock):
            raise RuntimeError("no adapter today")

    assert judge(case_that(passes), Broken).verdict is Verdict.FAILED
