"""Invariants 14, 15 and 16: organisations as walls; secrets and people's names where nobody may read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.ops.simulation.truth import deep_queries
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.events import Canary, Told
from stallkeeper.ops.simulation.truth.shop import Shop


@dataclass
class Walls:
    """The bystanders' rows as they were at first, and the texts that must not be seen."""

    bystanders: tuple[int, ...]
    rows: dict[int, dict[str, int]] = field(default_factory=dict)
    canaries: dict[str, Canary] = field(default_factory=dict)

    def check(self, shop: Shop) -> Iterator[Breach]:
        """15 and 16: canaries in whatever was written for people and machines to read."""
        if self.canaries:
            for where, text in _texts(shop):
                yield from self._sought(where, text)

    def told(self, event: Told) -> Iterator[Breach]:
        yield from self._sought(event.sink, event.text)

    def _sought(self, where: str, text: str) -> Iterator[Breach]:
        for canary in self.canaries.values():
            if canary.text in text:
                yield Breach("16" if canary.secret else "15", f"{canary.text} stands in clear in {where}")

    def unmoved(self, organisation: int) -> Iterator[Breach]:
        """14: no row of a bystander has changed; no row has a parent of another organisation."""
        for bystander in self.bystanders:
            with organisation_scope(bystander):
                now = deep_queries.everything_of(bystander)
                # The same rows have the same parents.
                strays = deep_queries.strays(bystander) if self.rows.get(bystander) != now else []
            was = self.rows.setdefault(bystander, now)
            for table in sorted(now):
                if now[table] != was.get(table, 0):
                    yield Breach("14", f"rows of {table} of organisation {bystander} have changed, which did nothing")
            yield from (Breach("14", stray) for stray in strays)
        with organisation_scope(organisation):
            strays = deep_queries.strays(organisation)
        yield from (Breach("14", stray) for stray in strays)

    def nowhere(self) -> Iterator[Breach]:
        """15 and 16 at the end: canaries in any table of the database."""
        for table, text in deep_queries.tables_with(sorted(self.canaries)) if self.canaries else ():
            yield Breach("16" if self.canaries[text].secret else "15", f"{text} stands in clear in the table {table}")


def _texts(shop: Shop) -> Iterable[tuple[str, str]]:
    now = shop.now
    yield from ((word.where, word.text) for word in now.words)
    yield from ((f"the time line of order {row.order_id}", row.text) for row in now.stories)
    yield from ((f"audit entry {row.id}", f"{row.action} {row.subject_id} {row.text}") for row in now.audit)
    yield from ((f"command {row.key}", f"{row.payload} {row.code} {row.message}") for row in now.commands)
