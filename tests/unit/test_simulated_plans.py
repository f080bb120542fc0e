"""The judge of plans, on rows made by hand: what a plan that is sent may do, once, and what undoing it must put back."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from stallkeeper.ops.simulation.truth import plan_rules
from stallkeeper.ops.simulation.truth.events import PlanSent, PlanShown
from stallkeeper.ops.simulation.truth.plan_rules import Plan, Plans

pytestmark = pytest.mark.unit

CHANNEL = 1
MUG, PEN = 11, 12
SAID = '{"channels": {"1": {"rules": {"buffer": 2}}}}'


class Shop:
    """One channel with two offers; ``turn`` is a commit, with these plans, figures and entries of the audit."""

    organisation_id = 1

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch, self.judge = monkeypatch, Plans()
        self.now = SimpleNamespace(audit=[])
        self.channels = self.channels_before = {CHANNEL: SimpleNamespace(buffer=0)}
        self.offers: dict[int, SimpleNamespace] = {}
        self.offers_before: dict[int, SimpleNamespace] = {}

    def offer(self, offer: SimpleNamespace) -> str:
        return f"offer {offer.id}"

    def turn(
        self,
        *plans: Plan,
        applied: Sequence[int] = (),
        mug: int | None = 8,
        shown: int = 0,
        refused: int | None = None,
        buffer: int = 0,
        shared: frozenset[int] = frozenset(),
    ) -> list[str]:
        """What the judge says of it. ``shown``, ``refused``: what the channel is believed to show of the mug, and what it has refused."""
        self.offers_before = self.offers
        self.channels_before, self.channels = self.channels, {CHANNEL: SimpleNamespace(buffer=buffer)}
        self.offers = {
            MUG: SimpleNamespace(id=MUG, intended=mug, believed=shown, refused=refused),
            PEN: SimpleNamespace(id=PEN, intended=5, believed=5, refused=None),
        }
        self.now.audit = [SimpleNamespace(action="plan.apply", subject_id=str(plan)) for plan in applied]
        self.patch.setattr(plan_rules, "ask", lambda *_, **__: plans)
        return [breach.text for breach in self.judge.check(self, shared, several=False)]  # type: ignore[arg-type]

    def looked(self, plan: int = 1, *, held: bool = False) -> None:
        self.judge.told(PlanShown(plan, f"mark{plan}", {MUG: 8, PEN: 5}, held))

    def sent(self, plan: int = 1, mark: str = "mark1", *, sure: bool = False, lower: bool = False) -> None:
        self.judge.told(PlanSent(plan, mark, sure, lower))


def plan(state: str, number: int = 1, undoes: int | None = None) -> Plan:
    return Plan(number, state, undoes, SAID)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    found = Shop(monkeypatch)
    found.looked()
    assert found.turn(plan("open")) == []
    return found


@pytest.mark.parametrize(
    ("how", "mug", "words"),
    [
        ({}, 8, ""),
        ({}, 7, "meant to show 7, plan 1 said 8"),
        ({"lower": True}, 7, ""),
        ({"lower": True}, 9, "meant to show 9, plan 1 said 8"),
        ({"mark": "another"}, 8, "nobody has sent what it said"),
    ],
)
def test_a_plan_does_what_it_said(shop: Shop, how: dict[str, str | bool], mug: int, words: str) -> None:
    shop.sent(**how)  # type: ignore[arg-type]
    found = shop.turn(plan("applied"), applied=[1], mug=mug, buffer=2)
    assert any(words in text for text in found) if words else not found, found


@pytest.mark.parametrize(
    ("shown", "refused", "lower", "words"),
    [(9, None, True, ""), (0, 9, True, ""), (0, None, True, "meant to show 9"), (9, None, False, "meant to show 9")],
)
def test_what_is_shown_already_is_not_the_plans_doing(shop: Shop, shown: int, refused: int | None, lower: bool, words: str) -> None:
    """Seed 18: goods came in and were sent since somebody looked, and of that offer nothing is left to go out."""
    shop.sent(lower=lower)
    assert shop.turn(plan("open"), mug=9, shown=shown, refused=refused) == []
    found = shop.turn(plan("applied"), applied=[1], mug=9, shown=shown, refused=refused, buffer=2)
    assert any(words in text for text in found) if words else not found, found


def test_what_channels_share_is_split_after_the_commit(shop: Shop) -> None:
    shop.sent()
    assert shop.turn(plan("applied"), applied=[1], mug=3, shared=frozenset({MUG})) == []


def test_beyond_the_limits_somebody_must_be_sure(shop: Shop) -> None:
    shop.looked(held=True)
    shop.sent()
    assert shop.turn(plan("applied"), applied=[1]) == ["plan 1 goes beyond the limits, and nobody was sure of that"]


def test_it_is_applied_once_and_only_while_it_is_open(shop: Shop) -> None:
    shop.sent()
    assert shop.turn(plan("applied"), applied=[1]) == []
    assert shop.turn(plan("applied"), applied=[1]) == ["plan 1 is applied, and was applied 2 times"]
    shop.looked(2)
    shop.sent(2, "mark2")
    shop.judge.applied[1] = 1
    assert shop.turn(plan("applied"), plan("replaced", 2)) == []
    assert shop.turn(plan("applied"), plan("applied", 2), applied=[2]) == ["plan 2 was replaced and is applied"]


@pytest.mark.parametrize(("buffer", "said"), [(0, ""), (2, "buffer of channel 1 was 0 before plan 1, and is 2")])
def test_undoing_puts_back_what_it_replaced(shop: Shop, buffer: int, said: str) -> None:
    shop.sent()
    shop.looked(2)
    shop.sent(2, "mark2")
    assert shop.turn(plan("applied"), applied=[1], buffer=2) == []
    found = shop.turn(plan("applied"), plan("applied", 2, undoes=1), applied=[2], buffer=buffer)
    assert [text[: len(said)] for text in found] == ([said] if said else [])


def test_at_the_end_each_plan_was_one_send_that_has_ended(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.sent()
    shop.turn(plan("applied"), applied=[1])

    def ends(*tasks: tuple[int, int | None, bool]) -> list[str]:
        monkeypatch.setattr(plan_rules, "ask", lambda *_, **__: tasks)
        return [breach.text for breach in shop.judge.when_quiet(shop)]  # type: ignore[arg-type]

    assert ends((1, 1, False)) == []
    assert ends((1, 1, True)) == ["send 1 has not ended, and nothing is on its way"]
    assert ends((1, 1, False), (2, 1, False)) == ["plan 1 is applied, and has 2 sends"]
