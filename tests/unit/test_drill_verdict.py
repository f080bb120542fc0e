"""The judge of drills finds what it is there to find: each fault that a drill could bring about, planted by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from stallkeeper.ops.drills import verdict
from stallkeeper.ops.drills.clerk import Done
from stallkeeper.ops.drills.outside import There
from stallkeeper.ops.drills.verdict import Findings, Mine

LINES = [("1", 2, 0, 2)]
MEANT = Counter({"acknowledge": 1, "ship": 1})


def there(**changed: object) -> There:
    known = {"order_id": "7", "state": "shipped", "acknowledge_calls": 1, "ship_calls": 1, "cancel_calls": 0, "acknowledged": True}
    return There(**{**known, "lines": LINES, **changed})


def mine(**changed: object) -> Mine:
    return Mine(**{"state": "shipped", "lines": {"1": (2, 0, 2)}, "commands": MEANT, **changed})


def judged(remote: There, ours: dict[str, Mine], done: Done | None = None) -> Findings:
    found = Findings()

    class Connection:
        name = "market 1"

    def same(_connection: object) -> dict[str, Mine]:
        return ours

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdict, "_ours", same)
        verdict._orders(found, Connection(), [remote], done or Done())
    return found


def test_an_order_that_is_as_it_should_be() -> None:
    assert judged(there(), {"7": mine()}, Done(shipped={("market 1", "7")})).told() == []


@pytest.mark.parametrize(
    ("remote", "ours", "kind"),
    [
        (there(), {}, "acknowledged and lost"),
        (there(state="new", acknowledged=False, acknowledge_calls=0), {}, "order missing"),
        (there(lines=[("1", 2, 0, 1)]), {"7": mine()}, "order differs"),
        (there(), {"7": mine(state="acknowledged")}, "order differs"),
        (there(), {"7": mine(), "8": mine()}, "order differs"),
        (there(acknowledge_calls=2), {"7": mine()}, "heard twice"),
        (there(ship_calls=2), {"7": mine()}, "heard twice"),
        (there(cancel_calls=1), {"7": mine()}, "heard twice"),
    ],
)
def test_what_is_wrong_with_an_order_is_found(remote: There, ours: dict[str, Mine], kind: str) -> None:
    assert judged(remote, ours).number(kind) == 1


@pytest.mark.parametrize("done", [Done(shipped={("market 1", "7")}), Done(cancelled={("market 1", "7")})])
def test_an_action_that_returned_and_is_not_there_is_found(done: Done) -> None:
    remote = there(state="acknowledged", ship_calls=0, lines=[("1", 2, 0, 0)])
    found = judged(remote, {"7": mine(state="acknowledged", lines={"1": (2, 0, 0)})}, done)
    assert found.number("action lost") == 1


def test_of_many_problems_the_first_are_told_and_the_rest_counted() -> None:
    found = Findings()
    for number in range(verdict.SHOWN + 3):
        found.add("broken", str(number))
    assert len(found.told()) == verdict.SHOWN + 1
    assert found.told()[-1] == "broken: and 3 more"
