"""Each planted bug of the exchange with 1C breaks a test of it, so none of them is idle; the simulation hunts them as well."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stallkit.sources.commerceml.emulator import ExchangeFailed
from tests.db.sources import test_commerceml as exchange
from tests.db.sources import test_commerceml_at_once as at_once
from tests.planted.plant import planted
from tests.planted.registry import BUGS

CHANGES = at_once.test_a_packet_of_changes_leaves_alone_what_it_does_not_name
BACK = at_once.test_goods_that_have_not_left_after_all_lie_there_again
SEEN_BY: dict[str, tuple[Callable[..., None], dict[str, object]]] = {
    "changes of 1C taken for everything": (CHANGES, {"version": (2, 5)}),
    "order handed over before success": (exchange.test_only_success_hands_orders_over, {}),
    "one warehouse of 1C taken for all": (exchange.test_places_of_1c_are_places_of_ours_once_they_are_mapped, {}),
    "free figure taken for what lies there": (exchange.test_an_order_is_not_taken_off_twice, {}),
    "orders that 1C does not have added to its figure": (exchange.test_an_order_is_not_taken_off_twice, {}),
    "goods that left unknown to 1C lie there again": (exchange.test_an_order_is_not_taken_off_twice, {}),
    "what left before 1C read its figures taken off twice": (
        at_once.test_goods_that_have_not_left_after_all_lie_there_again,
        {"known": True},
    ),
    "an exchange that was given up goes on": (at_once.test_a_session_that_1c_has_given_up_changes_nothing_any_more, {}),
    "goods that have not left are gone for 1C": (BACK, {"known": False}),
    "what 1C confirmed once is never given again": (exchange.test_only_success_hands_orders_over, {}),
    "an order that 1C cancelled is kept there": (exchange.test_what_1c_says_of_an_order_is_shown_and_does_nothing, {}),
}


@pytest.mark.parametrize("name", SEEN_BY)
def test_each_planted_bug_breaks_a_test(desks, name: str) -> None:
    test, given = SEEN_BY[name]
    with planted(BUGS[name]), pytest.raises((AssertionError, ExchangeFailed, pytest.fail.Exception)):
        test(desks, **given)


def test_a_piece_that_stands_there_twice_makes_the_file_unreadable(desks, monkeypatch) -> None:
    with planted(BUGS["piece of a file appended twice"]), pytest.raises(ExchangeFailed, match="не читается"):
        exchange.test_a_large_file_comes_in_pieces_and_a_piece_may_come_twice(desks, monkeypatch)
