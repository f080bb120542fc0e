"""When the ticker looks for lanes that are due, by a toy's clock."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stallkeeper.sync import soon as module
from stallkeeper.sync.soon import FAR_SECONDS, GAP_SECONDS, LATE_SECONDS, Soon

pytestmark = pytest.mark.unit


class Toy:
    """Waiting lets time pass, and nobody really waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 100.0
        self.soon = Soon()
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.at))
        monkeypatch.setattr(self.soon._changed, "wait", self._wait)
        self.soon.listen(on=True)

    def _wait(self, seconds: float) -> None:
        self.at += seconds

    def looks_after(self, tick: float) -> float:
        """Seconds until the next look, if the tick comes after so many."""
        begun = self.at
        self.soon.wait(begun + tick)
        return self.at - begun


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Toy:
    return Toy(monkeypatch)


def test_without_a_word_it_is_the_tick(toy: Toy) -> None:
    assert toy.looks_after(1) == pytest.approx(1)


def test_each_lane_is_looked_for_once_when_it_is_due(toy: Toy) -> None:
    toy.soon.tell(1, 0.4)
    toy.soon.tell(2, 0.7)
    looks = [toy.looks_after(1) for _ in range(3)]
    assert looks == pytest.approx([0.4 + LATE_SECONDS, 0.3, 1])


def test_what_is_due_after_the_tick_is_kept_for_later(toy: Toy) -> None:
    toy.soon.tell(1, 2.5)
    assert [toy.looks_after(1) for _ in range(4)] == pytest.approx([1, 1, 0.5 + LATE_SECONDS, 1])


def test_the_newest_word_about_a_lane_holds(toy: Toy) -> None:
    toy.soon.tell(1, 0.4)
    toy.soon.tell(1, 0.8)
    assert toy.looks_after(1) == pytest.approx(0.8 + LATE_SECONDS)
    toy.soon.tell(1, 0.4)
    toy.soon.tell(1, FAR_SECONDS + 1)
    assert toy.looks_after(1) == pytest.approx(1)


def test_many_lanes_cost_no_more_than_a_look_in_a_while(toy: Toy) -> None:
    for lane in range(100):
        toy.soon.tell(lane, lane / 100)
    looks = [toy.looks_after(1) for _ in range(5)]
    assert looks == pytest.approx([GAP_SECONDS] * 5)


def test_where_nobody_ticks_nothing_is_kept_and_nobody_waits(toy: Toy) -> None:
    toy.soon.listen(on=False)
    toy.soon.tell(1, 0.4)
    assert toy.looks_after(1) == 0
    toy.soon.listen(on=True)
    assert toy.looks_after(1) == pytest.approx(1)
