"""The contract suite: what every adapter promises, as cases that run against its emulator.

A test module of an adapter::

    from stallkit.adapters.dummy.emulator import CONFIG, Emulator
    from stallkit.testing.contract import Contract

    class TestDummy(Contract):
        platform = "dummy"
        config = CONFIG

        @classmethod
        def make_emulator(cls, clock):
            return Emulator(clock)

Cases of capabilities that the manifest does not declare are skipped. A case that cannot apply is declared in ``Manifest.skips`` with its
reason; it is run all the same, and once it passes the skip is stale and fails.
"""

from stallkit.testing.contract import (
    bulk,
    coming_back,
    conduct,
    failing,
    fulfilling,
    ordering,
    printing,
    reading,
    strange,
    warehouses,
    writing,
)
from stallkit.testing.contract.bench import Bench, Subject
from stallkit.testing.contract.cases import CASES, CHAPTERS, Case, Judgement, Verdict, judge, order_cases
from stallkit.testing.contract.suite import Contract

__all__ = ["CASES", "CHAPTERS", "Bench", "Case", "Contract", "Judgement", "Subject", "Verdict", "judge"]
REGISTERED = (reading, warehouses, ordering, strange, writing, bulk, fulfilling, printing, coming_back, failing, conduct)
"""The modules whose import fills CASES."""
order_cases()
