"""A rule changes while goods or orders come in (found by the simulation).

Whoever locks the offers last works with the rules of that moment; and no sale is missing from the velocity guard's first hour (ADR 0051).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest

from stallkeeper.channels import rules
from stallkeeper.core import crash
from tests.races.explorer import How, Race, explore, explore_gate
from tests.races.locks import channels, velocity
from tests.shop import Shop


def test_rules_are_read_under_the_lock(race_db) -> None:
    shop = Shop.open()
    unit = shop.unit("MUG", 10)
    offer = shop.offer(shop.channel(), unit)
    here = threading.get_ident()

    def change() -> None:
        with shop.use_case("channel.rules") as uc:
            rules.save(uc, offer.channel_id, share=Decimal(50))

    def before_the_lock(name: str) -> None:
        if name == "within:refresh:lock" and threading.get_ident() == here:
            race_db.together(change)

    with crash.using(before_the_lock):
        shop.stock(unit, 20)
    assert shop.intended(offer) == 10


MEETINGS = [velocity.a_line_is_linked_while_the_first_rule_is_saved, velocity.an_order_comes_while_a_plan_with_the_first_rule_is_applied]


@pytest.mark.parametrize("prepare", MEETINGS, ids=lambda prepare: prepare.__name__)
def test_the_first_hour_has_every_sale(shared_race_db, prepare: Callable[[], Race]) -> None:
    """And nobody runs into a deadlock: whoever wants the lock wants it first."""
    found = explore(prepare, shared_race_db)
    assert (found.broken, found.schedule) == ("", ())


@pytest.mark.parametrize("prepare", MEETINGS, ids=lambda prepare: prepare.__name__)
def test_without_the_lock_one_is_missing(shared_race_db, prepare: Callable[[], Race]) -> None:
    assert "that were sold" in explore(prepare, shared_race_db, without="lock_shared", every=True).broken


def test_a_plan_holds_the_sub_channels_of_what_it_saves_in_their_order(shared_race_db) -> None:
    """Also one that the plan is not about: saving its main channel's rules locks it."""
    assert explore(channels.a_plan_saves_rules_while_a_sub_channel_is_attached, shared_race_db).broken == ""
    assert explore_gate(channels.a_plan_saves_rules_while_a_sub_channel_is_attached, shared_race_db).broken == ""


def test_in_another_order_they_meet_head_on(shared_race_db) -> None:
    race = channels.a_plan_saves_rules_while_a_sub_channel_is_attached
    assert "deadlock" in explore_gate(race, shared_race_db, without=channels.CHANNEL, how=How.DISORDER).broken
