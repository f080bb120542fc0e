"""One use case, one transaction.

Every change goes through ``with use_case(...) as uc:``. Lower layers leave *marks* on ``uc`` (units whose figures changed, orders to look
at again); higher layers register before-commit hooks that take the marks and act in the same transaction. So ``channels`` refreshes
offers after a stock change without ``stock`` knowing that offers exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from stallkeeper.core import clock, crash, figures, logs, tracing
from stallkeeper.core.tenancy import organisation_scope

SYSTEM = "system"


@dataclass(slots=True)
class UseCase:
    """The transaction that is open. ``at`` is its one instant; ``actor`` is ``user:<id>``, ``system`` or ``channel:<id>``."""

    name: str
    organisation_id: int
    at: datetime
    actor: str
    marks: dict[str, dict[int, None]] = field(default_factory=dict)
    left: dict[str, list[object]] = field(default_factory=dict)

    def mark(self, kind: str, ids: Iterable[int]) -> None:
        """Leave ids for a hook of a higher layer."""
        self.marks.setdefault(kind, {}).update(dict.fromkeys(ids))

    def peek(self, kind: str) -> list[int]:
        """The ids left under ``kind`` so far, in key order; they stay."""
        return sorted(self.marks.get(kind, {}))

    def take(self, kind: str) -> list[int]:
        """The ids left under ``kind``, in key order; they are gone afterwards."""
        return sorted(self.marks.pop(kind, {}))

    def unmark(self, kind: str, ids: Iterable[int]) -> None:
        """These ids have been seen to; the others stay."""
        marked = self.marks.get(kind, {})
        for done in ids:
            marked.pop(done, None)

    def leave(self, kind: str, things: Iterable[object]) -> None:
        """Leave things for the hook that writes them last, in this order (audit entries)."""
        self.left.setdefault(kind, []).extend(things)

    def take_left(self, kind: str) -> list[object]:
        """What was left under ``kind``; it is gone afterwards."""
        return self.left.pop(kind, [])


Hook = Callable[[UseCase], None]
_hooks: list[tuple[int, Hook]] = []


def before_commit(order: int) -> Callable[[Hook], Hook]:
    """Register a hook. Hooks run in rising ``order``: 10 allocate, 20 refresh offers, 30 wake runners, 1000 write the audit entries."""

    def register(hook: Hook) -> Hook:
        _hooks.append((order, hook))
        _hooks.sort(key=lambda pair: pair[0])
        return hook

    return register


@contextmanager
def use_case(name: str, *, organisation_id: int, actor: str = SYSTEM, at: datetime | None = None) -> Iterator[UseCase]:
    """Open the one transaction of a use case; RuntimeError if one is open already. Commits after the hooks, or nothing at all."""
    with (
        figures.USE_CASE_SECONDS.timing(name),
        logs.bound(use_case=name, organisation=organisation_id),
        tracing.span(f"use case {name}"),
        organisation_scope(organisation_id),
        transaction.atomic(durable=True),
    ):
        uc = UseCase(name, organisation_id, at or clock.now(), actor)
        yield uc
        for _order, hook in _hooks:
            hook(uc)
        crash.point(f"commit:{name}:before")
    crash.point(f"commit:{name}:after")
