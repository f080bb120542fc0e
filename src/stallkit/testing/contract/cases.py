"""What a case is, and how it is judged. A case is a function that takes a fresh :class:`Bench` and fails by AssertionError.

Case ids (``orders.cursor_survives_restart``) are stable: manifests name them in ``skips``, the matrix prints them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from stallkit.errors import AdapterError
from stallkit.manifest import Capability, Manifest

if TYPE_CHECKING:
    from stallkit.testing.contract.bench import Bench, Subject

CHAPTERS = {
    Capability.PROBE: "probe",
    Capability.READ_OFFERS: "offers",
    Capability.READ_STATES: "states",
    Capability.PULL_ORDERS: "orders",
    Capability.READ_ORDER: "order",
    Capability.ACKNOWLEDGE: "acknowledge",
    Capability.WRITE_STOCK: "stock",
    Capability.BULK_STOCK: "bulk_stock",
    Capability.WRITE_PRICES: "prices",
    Capability.BULK_PRICES: "bulk_prices",
    Capability.RESOLVE_TICKET: "tickets",
    Capability.CONFIRM_SHIPMENT: "shipment",
    Capability.CANCEL_LINES: "cancel",
    Capability.HINTS: "hints",
    Capability.READ_WAREHOUSES: "warehouses",
    Capability.COMPARE_AND_SET: "compare",
    Capability.READ_LABELS: "labels",
    Capability.READ_RETURNS: "returns",
}
"""Capability to the chapter of the suite that proves it: the first part of its case ids."""


class NotApplicable(Exception):
    """The manifest itself makes the case moot (a batch of one cannot be partly refused). The reason is shown."""


class CannotShow(Exception):
    """The emulator has no way to bring the situation about: the manifest must declare the skip and say why."""


class Verdict(StrEnum):
    PROVEN = "proven"
    SKIPPED = "skipped"
    """Declared in ``Manifest.skips``, and really not passing."""
    MOOT = "moot"
    """The capability is not declared, or the manifest makes the case senseless."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    reason: str = ""
    error: BaseException | None = None
    undeclared: bool = False
    """The case is moot because a capability that it needs is not declared."""


@dataclass(frozen=True, slots=True)
class Case:
    """One promise. ``needs`` are the capabilities without which it cannot be shown; the first one is its chapter's."""

    id: str
    needs: tuple[Capability, ...]
    run: Callable[[Bench], None]
    promise: str

    def __str__(self) -> str:
        return self.id

    @property
    def chapter(self) -> str:
        return self.id.split(".")[0]


CASES: dict[str, Case] = {}
"""Every case of the suite by id, in the order of the chapters."""


def case(case_id: str, *needs: Capability) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Register a function as a case. Its docstring is the promise."""

    def register(run: Callable[[Bench], None]) -> Callable[[Bench], None]:
        add_case(Case(case_id, needs, run, " ".join((run.__doc__ or "").split())))
        return run

    return register


def add_case(new: Case) -> None:
    if new.id in CASES:
        raise ValueError(f"case {new.id} is registered twice")
    CASES[new.id] = new


def order_cases() -> None:
    """Bring CASES into the order of the chapters."""
    chapters = [*CHAPTERS.values(), "conduct", "manifest"]
    ordered = sorted(CASES.values(), key=lambda known: chapters.index(known.chapter))
    CASES.clear()
    CASES.update({known.id: known for known in ordered})


def declared_skip(manifest: Manifest, case_id: str) -> str | None:
    """The manifest's reason to skip this case (its patterns may use ``*``), or None."""
    return next((reason for pattern, reason in manifest.skips if fnmatchcase(case_id, pattern)), None)


def judge(tested: Case, subject: type[Subject]) -> Judgement:
    """Run one case against one adapter. Never raises for a failing case; the error is in the judgement."""
    from stallkit.testing.contract.bench import Bench

    manifest = subject.manifest()
    missing = [need for need in tested.needs if need not in manifest.capabilities]
    if missing:
        return Judgement(Verdict.MOOT, f"does not declare {', '.join(missing)}", undeclared=True)
    declared = declared_skip(manifest, tested.id)
    try:
        with closing(Bench(subject)) as bench:
            tested.run(bench)
    except NotApplicable as moot:
        return Judgement(Verdict.MOOT, str(moot))
    except CannotShow as lack:
        return weigh(declared, lack, f"{lack}; declare the skip in the manifest if that cannot be helped")
    except Exception as error:  # noqa: BLE001 - a case may fail in any way
        return weigh(declared, error, wrongly(error))
    if declared is not None:
        stale = f"stale skip: {tested.id} passes; take it out of the manifest's skips ({declared})"
        return Judgement(Verdict.FAILED, stale, AssertionError(stale))
    return Judgement(Verdict.PROVEN)


def weigh(declared: str | None, error: BaseException, told: str) -> Judgement:
    """A case that did not pass: a declared skip excuses it."""
    if declared is not None:
        return Judgement(Verdict.SKIPPED, declared)
    return Judgement(Verdict.FAILED, told, error)


def wrongly(error: BaseException) -> str:
    """How a failing case tells of an exception that should not have come."""
    detail = error.detail if isinstance(error, AdapterError) else str(error)
    return f"{type(error).__name__}: {detail}"
