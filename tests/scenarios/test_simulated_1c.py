"""Days on which a 1C base keeps the stock: the same again when they are played again, and they see what goes wrong with the exchange."""

from __future__ import annotations

import pytest

from tests.planted.plant import planted
from tests.planted.registry import BUGS


def test_other_days_are_as_they_were_without_it() -> None:
    """Its steps come from dice of their own, and no day has two bases for its stock (published seeds stay)."""
    from stallkeeper.ops.simulation import exchanging, feeds
    from stallkeeper.ops.simulation.day import plan

    seeds = range(1, 401)
    kept = [seed for seed in seeds if exchanging.has_1c(seed)]
    assert 60 <= len(kept) <= 100
    assert not any(feeds.has_source(seed) for seed in kept)
    for seed in seeds[:100]:
        names = {name for step in plan(seed)[1] for name in step.names}
        assert (exchanging.EXCHANGES in names) == (seed in kept)


@pytest.mark.long(60)
def test_a_day_with_1c_is_well_and_the_same_again(server) -> None:
    from stallkeeper.ops.simulation.day import play

    first, second = play(27, server), play(27, server)
    assert first.violation is None
    assert first.trace == second.trace
    assert {"1C took orders", "1C sent its whole list", "1C sent changes", "1C sent a packet twice"} <= first.situations.keys()


@pytest.mark.long(60)
@pytest.mark.parametrize(("name", "seed"), [("figures of 1C are of now", 27), ("changes of 1C taken for everything", 98)])
def test_a_day_with_1c_sees_mistakes_of_the_exchange(server, name: str, seed: int) -> None:
    from stallkeeper.ops.simulation.day import play

    with planted(BUGS[name]):
        played = play(seed, server)
    assert played.violation is not None
    assert played.violation.invariant == "20"
