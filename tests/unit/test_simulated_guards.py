"""The judge of guarded units, on rows made by hand: what counts as a raise where a platform takes open orders off its figure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from msgspec import structs

from stallkeeper.ops.simulation.truth.guard_rules import Guards, _of_the_gone, _quotas
from stallkeeper.ops.simulation.truth.rows import Offer
from stallkit.manifest import Basis, Quirks

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUIRKS = {1: Quirks(basis=Basis.GROSS_UNTIL_SHIPPED), 3: Quirks()}
WAS = Offer(1, 1, 3, "C", "C", 1, False, 0, 0, NOON, 0, NOON, 0, NOON, 0, 11, 0, None, None, "")
OTHER = structs.replace(WAS, id=3, channel_id=3, intended=20, sent=20, accepted=20, observed=20, believed=20, open=0)


def raises(sent: int) -> list[str]:
    """What is said when a figure goes out for an offer with eleven open units, while another shows twenty of the one that there is."""
    now = structs.replace(WAS, intended=sent, sent=sent, sent_at=NOON + timedelta(minutes=1), believed=None)
    shop = SimpleNamespace(offers_before={1: WAS, 3: OTHER}, units={3: SimpleNamespace(sku="C")}, offer=lambda offer: f"offer {offer.sku}")
    guards = Guards(most={1: sent, 3: 20})
    found = guards._raises(shop, QUIRKS, [(now, 1), (OTHER, 1)], 3, 1, {1: 0, 3: 20})  # type: ignore[arg-type]
    return [breach.text for breach in found]


def test_what_makes_up_for_open_orders_is_no_raise() -> None:
    assert raises(11) == []


def test_one_more_than_that_is_a_raise() -> None:
    assert raises(12) == ["offer C goes up from 0 to 12; then 21 of C may be shown, of 1"]


def test_a_listing_that_is_gone_shows_none_until_something_is_sent() -> None:
    """Only a read can tell, so only what the channel has said counts."""
    refused = {"refused": 5, "refused_at": NOON + timedelta(minutes=1), "believed": None}
    guards, shop = Guards(most={3: 20}), SimpleNamespace(now=SimpleNamespace(tickets=[]), offers_before={3: OTHER}, offers={})
    told: list[int] = []
    for why, sent_at in (("stock_refused no", NOON), ("no_such_offer none", NOON + timedelta(minutes=2)), ("no_such_offer none", NOON)):
        shop.offers = {3: structs.replace(OTHER, refused_why=why, sent_at=sent_at, **refused)}
        guards._remember(shop, {})  # type: ignore[arg-type]
        told.append(guards.most[3])
    assert told == [20, 20, 0]


def test_of_what_may_stand_there_orders_take_only_what_was_there_when_they_were_placed() -> None:
    """Nobody knows what is shown: it was seven, orders for three came, then five were sent and the reply got lost: five, if that came after
    the sale. Where the platform takes nothing off for a sale it is seven."""
    lost = {"observed": None, "believed": None}
    net = structs.replace(OTHER, believed=7)
    unknown, sent = structs.replace(net, **lost), structs.replace(net, sent=5, sent_at=NOON + timedelta(minutes=2), **lost)
    line = SimpleNamespace(id=1, order_id=1, offer_id=3, ordered=4, cancelled=1)
    order = SimpleNamespace(id=1, fulfilled_by="seller", ordered_at=NOON + timedelta(minutes=1))

    def most(quirks: Quirks) -> list[int]:
        guards, told, was = Guards(), [], net
        for now, lines in ((net, []), (unknown, [line]), (sent, [])):
            state = SimpleNamespace(tickets=[], stories=[], lines=lines)
            shop = SimpleNamespace(now=state, offers={3: now}, offers_before={3: was}, orders={1: order})
            guards._remember(shop, guards._sold(shop, {3: quirks}))  # type: ignore[arg-type]
            guards._note_sent(shop)  # type: ignore[arg-type]
            told.append(guards.most[3])
            was = now
        return told

    assert most(Quirks()) == [7, 4, 5]
    assert most(Quirks(basis=Basis.GROSS_UNTIL_SHIPPED)) == [7, 7, 7]
    net = structs.replace(net, observed=None, observed_at=NOON + timedelta(minutes=1.5))
    assert most(Quirks()) == [7, 4, 5], "a read that told no figure says nothing"
    order.ordered_at = NOON - timedelta(minutes=1)
    assert most(Quirks()) == [7, 7, 7], "it was sold before those seven were read"


def test_a_call_that_did_not_happen_raises_nothing() -> None:
    """Five stood, a sale left two of them, none was to go out, and the call had to wait: that five were sent last is true again."""
    shown = structs.replace(WAS, sent=5, accepted=5, observed=5, believed=2, open=3)
    picked = structs.replace(shown, sent=0, sent_at=NOON + timedelta(minutes=1), believed=None)
    guards = Guards(most={1: 2, 3: 20})

    def look(was: Offer, now: Offer) -> list[str]:
        shop = SimpleNamespace(
            offers={1: now}, offers_before={1: was}, units={3: SimpleNamespace(sku="C")}, offer=lambda offer: f"offer {offer.sku}"
        )
        found = guards._raises(shop, {1: Quirks(), 3: Quirks()}, [(now, 1), (OTHER, 1)], 3, 0, {1: 2, 3: 20})  # type: ignore[arg-type]
        told = [breach.text for breach in found]
        guards._note_sent(shop)  # type: ignore[arg-type]
        return told

    assert look(shown, picked) == []
    assert look(picked, shown) == []
    assert look(shown, structs.replace(shown, sent_at=NOON + timedelta(minutes=2)))[0].startswith("offer C goes up from 2 to 5")


def meant(intended: dict[int, int], kept: dict[int, int], *gone: int, most: dict[int, int] | None = None) -> list[str]:
    """What is said of quotas by channel while there are ten units, some of them kept for channels. ``most``: what may be shown at most."""
    words = {"refused": 5, "refused_at": NOON, "refused_why": "no_such_offer none", "believed": None}
    offers = {
        channel: structs.replace(OTHER, id=channel, channel_id=channel, intended=units, **(words if channel in gone else {}))
        for channel, units in intended.items()
    }
    fences = [SimpleNamespace(channel_id=channel, stock_unit_id=3, quantity=units) for channel, units in kept.items()]
    shop = SimpleNamespace(
        now=SimpleNamespace(fences=fences),
        channels={channel: SimpleNamespace(sends=True) for channel in offers},
        units={3: SimpleNamespace(sku="C")},
        offer=lambda offer: f"offer {offer.id}",
    )
    quirks, mine = {channel: Quirks() for channel in offers}, [(offer, 1) for offer in offers.values()]
    found = [*_quotas(shop, quirks, mine, 3, 10), *_of_the_gone(shop, quirks, mine, most or {})]  # type: ignore[arg-type]
    return [breach.text for breach in found]


def test_what_is_kept_for_a_channel_is_not_meant_for_others() -> None:
    assert meant({1: 2, 2: 2, 3: 6}, {3: 6}) == []
    assert meant({1: 2, 2: 3, 3: 5}, {3: 6}) == ["5 of C are meant to be shown by all channels but 3, for which 6 are kept, there are 4"]
    assert meant({1: 2, 2: 3}, {3: 6}) == ["5 of C are meant to be shown by all channels, there are 4"]


def test_a_listing_that_is_gone_is_meant_to_show_none() -> None:
    assert meant({1: 0, 2: 10}, {}, 1) == []
    assert meant({1: 3, 2: 7}, {}, 1) == ["offer 1 is not there, and is meant to show 3 that others could show"]


def test_what_may_land_yet_where_a_listing_is_gone_is_not_given_to_others() -> None:
    """Seed 115: it is in a submission whose end nobody has heard of."""
    assert meant({1: 3, 2: 7}, {}, 1, most={1: 3}) == []
    assert meant({1: 3, 2: 7}, {}, 1, most={1: 2}) == ["offer 1 is not there, and is meant to show 3 that others could show"]
