"""The director of the simulation: who waits for whom must not depend on how fast the machine is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stallkeeper.ops.simulation import queries
from stallkeeper.ops.simulation.crowd import Crowd, Walker


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[int]]:
    """Whom each process of the server waits for; the test fills it."""
    found: dict[int, list[int]] = {}
    monkeypatch.setattr(queries, "blockers", lambda _watcher, pid: found.get(pid, []))
    return found


def walker(crowd: Crowd, pid: int, *, blocked: bool = False) -> Walker:
    one = Walker(crowd, pid)
    one.raw, one.blocked = SimpleNamespace(closed=False, info=SimpleNamespace(backend_pid=pid)), blocked
    crowd.walkers.append(one)
    return one


def test_who_waits_for_one_that_stands_is_held_up(waits: dict[int, list[int]]) -> None:
    crowd = Crowd(watcher=None)
    one, _other = walker(crowd, 1), walker(crowd, 2)
    waits[1] = [2]
    assert crowd.is_held_up(one)
    waits[1] = [99]
    assert not crowd.is_held_up(one), "that is nobody of the day"


def test_a_circle_is_left_to_the_server_until_the_one_that_it_refused_has_come_back(waits: dict[int, list[int]]) -> None:
    """Seed 352 was another day now and then: for a moment the server still names the refused one, which holds nothing any more."""
    crowd = Crowd(watcher=None)
    one, other = walker(crowd, 1), walker(crowd, 2, blocked=True)
    waits |= {1: [2], 2: [1]}
    assert not crowd.is_held_up(one)
    waits[2] = []
    assert not crowd.is_held_up(one), "refused, and on its way back"
    other._back.put(None)
    assert crowd.is_held_up(one), "back, and it still holds what the one waits for"
