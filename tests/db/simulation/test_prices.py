"""The model's rules of prices, broken by hand one at a time, like the others in ``test_broken.py``."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from django.db import transaction

from stallkeeper.catalog import prices
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import rules, switches
from tests.db.simulation.conftest import Watched
from tests.db.simulation.test_broken import Undone

BREAKS = {
    "a price that no rule explains": (
        "UPDATE channels_offerprice SET intended = intended + 1 WHERE offer_id = %(offer)s",
        "10",
        "is meant to cost 14.2000, by the rules it is 13.20",
    ),
    "a base price that reaches no offer": (
        "UPDATE catalog_price SET amount = amount + 10 WHERE organisation_id = %(mine)s",
        "10",
        "is meant to cost 13.2000, by the rules it is 24.20",
    ),
    "a difference that nobody is going to send": (
        "UPDATE channels_offerprice SET believed = NULL WHERE offer_id = %(offer)s",
        "10",
        "should cost 13.2000, is believed to cost None, and nobody is going to send it",
    ),
    "a belief that comes from nowhere": (
        """UPDATE channels_offerprice SET believed = 9 WHERE offer_id = %(offer)s;
           INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
           SELECT organisation_id, id, 'price', channel_id, 0, 1, now() FROM channels_offer WHERE id = %(offer)s""",
        "9",
        "13.2000 was believed, now 9.0000",
    ),
    "a price that counts as accepted and was not logged": (
        "UPDATE channels_offerprice SET accepted_at = accepted_at + interval '1 second' WHERE offer_id = %(offer)s",
        "9",
        "the log of what was sent does not say so",
    ),
    "a price that was refused without words": (
        "UPDATE channels_offerprice SET refused = 3, refused_at = accepted_at, refused_message = '' WHERE offer_id = %(offer)s",
        "10",
        "the channel refused the price 3.0000, and nobody can see why",
    ),
    "a price that goes out although prices are switched off": (
        """UPDATE channels_channel SET prices_enabled = false WHERE organisation_id = %(mine)s;
           UPDATE channels_offerprice SET sent_at = sent_at + interval '1 day' WHERE offer_id = %(offer)s""",
        "10",
        "goes out at",
    ),
}


@pytest.fixture
def priced(watched: Watched) -> Watched:
    """The lamp costs 12.00 and ten per cent on the toy's stall, and the stall shows it."""
    stall = watched.stalls["dummy"]
    with stall.use_case() as uc:
        base = prices.price_list(uc, "base", stall.channel.currency)
        prices.set_prices(uc, base.pk, {StockUnit.objects.get(sku="LAMP").pk: Decimal(12)})
        rules.save(uc, stall.channel.pk, price_list_id=base.pk, mark_up=Decimal(10))
        switches.set_channel(uc, stall.channel.pk, prices=True)
    watched.town.work(60)
    assert stall.emulator.price_of("LAMP") == Decimal("13.20")
    watched.watch()
    assert watched.truth.at_end() == []
    return watched


def test_prices_are_broken(priced: Watched) -> None:
    failed = {}
    for name, (statement, numbers, words) in BREAKS.items():
        with suppress(Undone), transaction.atomic():
            priced.watch()
            priced.sql(statement)
            found = priced.truth.after_commit("the break")
            if {breach.invariant for breach in found} != set(numbers.split()) or words not in " | ".join(map(str, found)):
                failed[name] = [str(breach) for breach in found]
            raise Undone
    assert failed == {}, "\n".join(f"{name}: {texts}" for name, texts in failed.items())


def test_a_price_that_somebody_typed_into_the_cabinet_is_seen_in_the_end(priced: Watched) -> None:
    priced.stalls["dummy"].emulator.offers["LAMP"].price = Decimal(5)
    assert "believed 13.2000, there it is 5" in priced.broken("10", end=True)
