"""Every planted bug can still be planted, and taken out again."""

from pathlib import Path

import pytest

from tests.planted import __main__ as publishing
from tests.planted.hunt import Hunted, Summary
from tests.planted.plant import Bug, NotPlanted, faulty, find, function_of, planted
from tests.planted.reach import probed
from tests.planted.registry import BUGS

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("one", BUGS.values(), ids=BUGS)
def test_each_bug_changes_one_place_and_is_taken_out_again(one: Bug) -> None:
    owner, name, before = find(one)
    code = None if isinstance(before, str) else function_of(one, before).__code__
    with planted(one):
        if code is None:
            assert getattr(owner, name) != before
        else:
            changed = function_of(one, getattr(owner, name)).__code__
            assert changed is not code
            assert (changed.co_code, changed.co_consts, changed.co_names) != (code.co_code, code.co_consts, code.co_names)
    assert code is None or function_of(one, getattr(owner, name)).__code__ is code
    assert getattr(owner, name) == before


def test_there_are_enough_of_them_all_over_the_house() -> None:
    assert len(BUGS) >= 44
    assert {"stock", "orders", "channels", "sync", "core", "catalog", "fulfilment", "stallkit"} <= {one.app for one in BUGS.values()}


@pytest.mark.parametrize(
    ("where", "edits"),
    [
        ("stallkeeper.stock.reserve:_decide", (("no such text", "x"),)),
        ("stallkeeper.stock.reserve:_no_such_function", (("a", "b"),)),
        ("stallkeeper.stock.queries:LevelRow", (("a", "b"),)),
    ],
    ids=["text", "function", "neither"],
)
def test_a_bug_that_fits_no_longer_is_an_error(where: str, edits: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(NotPlanted), planted(Bug("none", "", (), where, edits)):
        raise AssertionError("not reached")


def test_the_faulty_function_is_the_samefunction_of() -> None:
    from stallkeeper.orders.snapshots import is_news

    one = BUGS["stale snapshot accepted"]
    code = faulty(one).co_code
    with planted(one):
        assert is_news.__code__.co_code == code


def test_a_seed_tells_to_which_places_it_came() -> None:
    """Every bug can be watched for; only what was executed counts, and afterwards nobody is watched."""
    from stallkeeper.core import housekeeping
    from stallkeeper.stock.availability import for_sale
    from stallkit.http import hide

    before = for_sale.__code__, hide.__code__, housekeeping.daily.__code__
    with probed() as reached:
        at_once = set(reached)
        assert hide("a key", ("key",)) != "a key"
        assert reached - at_once == {"secret in an error text"}
        assert {"level lock removed"} <= at_once < set(BUGS)
    assert (for_sale.__code__, hide.__code__, housekeeping.daily.__code__) == before


def test_the_page_keeps_what_is_not_hunted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, three = [*BUGS][:3]
    before = [Hunted(one, 4, 4, "10"), Hunted(two, 7), Hunted(three, 7)]
    monkeypatch.setattr(publishing, "PAGE", tmp_path / "page.md")
    publishing.PAGE.write_text(publishing.page(Summary(before)))
    assert publishing.known([]) == before
    now = [Hunted(two, 3), Hunted(three, 9, 9, "3", "words")]
    assert publishing.known(now) == [before[0], before[1], now[1]]
    assert publishing.known([Hunted(one, 5)]) == [Hunted(one, 5), *before[1:]]
