"""A rule changes while goods come in: whoever locks the offers last works with the rules of that moment (found by the simulation)."""

from __future__ import annotations

import threading
from decimal import Decimal

from stallkeeper.channels import rules
from stallkeeper.core import crash
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
