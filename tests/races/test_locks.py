"""Every lock by a pair: with it no interleaving breaks the promise, without it one does. See ``explorer`` and ``locks``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.races.explorer import Found, explore, explore_gate
from tests.races.locks import Pair, Proved, sites
from tests.races.locks.registry import REGISTRY, table

PAIRS = {site: proof for site, proof in REGISTRY.items() if isinstance(proof, Pair)}
OTHERS = {site: proof for site, proof in REGISTRY.items() if isinstance(proof, Proved)}


def play(pair: Pair, race_db, without: str = "") -> Found:
    if pair.gated:
        return explore_gate(pair.race, race_db, without=without, how=pair.how)
    found = Found(0)
    for every in (False, True) if without else (False,):  # the few schedules first: most locks are missed in one of those
        found = explore(pair.race, race_db, without=without, preemptions=pair.preemptions, how=pair.how, whose=pair.whose, every=every)
        if found.broken:
            break
    return found


@pytest.mark.parametrize("site", PAIRS)
def test_with_the_lock_nothing_breaks(shared_race_db, site: str) -> None:
    found = play(PAIRS[site], shared_race_db)
    assert (found.broken, found.schedule) == ("", ())
    assert found.schedules > 2 or PAIRS[site].gated


@pytest.mark.parametrize("site", PAIRS)
def test_without_it_something_does(shared_race_db, site: str) -> None:
    found = play(PAIRS[site], shared_race_db, PAIRS[site].marker)
    assert found.broken, f"{found.schedules} schedules, and none needs the lock"


def test_every_lock_is_in_the_registry_and_nothing_else() -> None:
    assert sorted(REGISTRY) == sorted(sites()), "add the lock to tests/races/locks with the race that needs it"


def test_the_page_of_locks_is_up_to_date() -> None:
    page = (Path(__file__).parents[2] / "docs" / "locks.md").read_text()
    assert table() in page, "put what `python -m tests.races.locks` prints into docs/locks.md"


@pytest.mark.parametrize("site", OTHERS)
def test_other_proofs_exist(site: str) -> None:
    file, name = OTHERS[site].test.split("::")
    assert f"def {name}(" in (Path(__file__).parent / file).read_text()
