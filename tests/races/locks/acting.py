"""What races are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stallkeeper.core.audit import verify_chain
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import intake
from tests.races.explorer import Race
from tests.shop import Shop, remote_order


@dataclass
class Results:
    """What the two returned, and how often one was refused."""

    returned: list[object] = field(default_factory=list)
    refused: int = 0

    def of(self, act: Callable[[], object], *refusals: type[Exception]) -> Callable[[], None]:
        """Run this and keep what it returns; one of the ``refusals`` is counted."""

        def run() -> None:
            try:
                self.returned.append(act())
            except refusals:
                self.refused += 1

        return run


def gate(shop: Shop, table: str, key: int) -> str:
    """The statement by which a third one locks this row of the shop."""
    return (
        f"SELECT set_config('stallkeeper.organisation', '{shop.organisation.pk}', false);"
        f" SELECT 1 FROM {table} WHERE id = {key} FOR NO KEY UPDATE"
    )


def within(shop: Shop, act: Callable[[UseCase], object]) -> Callable[[], object]:
    """A use case of the shop that does this."""

    def run() -> object:
        with shop.use_case() as uc:
            return act(uc)

    return run


def once(act: Callable[[], object], *refusals: type[Exception]) -> Race:
    """Twice at once: one must be refused."""
    results = Results()
    one = results.of(act, *refusals)
    return Race(one, one, lambda: "" if results.refused == 1 else f"{results.refused} of the two were refused")


def counted_once(act: Callable[[], object]) -> Race:
    """Twice at once: exactly one may say that it did it (a true answer)."""
    results = Results()
    one = results.of(act)
    return Race(one, one, lambda: "" if sorted(map(bool, results.returned)) == [False, True] else f"they say {results.returned}")


def in_turn(before: object, first: tuple[Callable[[], object], object], second: tuple[Callable[[], object], object]) -> Race:
    """Each (act, what it sets) returns what was set before: one must have found what the other has set."""
    results = Results()
    found: dict[int, object] = {}

    def act(number: int, call: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            found[number] = call()

        return results.of(run)

    def broken() -> str:
        fine = {0: before, 1: first[1]} == found or {0: second[1], 1: before} == found
        return "" if fine else f"they found {found}"

    return Race(act(0, first[0]), act(1, second[0]), broken)


def chain_is_whole(shop: Shop) -> str:
    return "; ".join(verify_chain(shop.organisation.pk))


def ordered(shop: Shop, channel_connection: int, order: str, lines: Sequence[tuple[str, int]], **fields: object) -> None:
    """The channel's order arrives."""
    with shop.use_case("accept.orders") as uc:
        intake.accept(uc, channel_connection, [remote_order(order, list(lines), **fields)], shop.at)
