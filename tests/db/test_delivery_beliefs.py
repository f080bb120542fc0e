"""Own sales and belief: the channel lowers its own figure; we follow without asking where we can tell, and ask where we cannot."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from stallkeeper.channels import delivery, reading
from stallkeeper.channels.belief_queries import Belief, Known
from stallkeeper.channels.delivery import OwnSale, believe, effect
from stallkeeper.channels.delivery_queries import Waiting
from stallkeeper.channels.sendable import SCARCE, View, blind_value, value_to_send, zero
from stallkit.manifest import OwnSale as Lowers
from stallkit.manifest import Quirks
from stallkit.types import OfferRef, OfferState
from tests.market import Market
from tests.shop import NOON


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def belief(believed: int | None = 10, *, written: float | None = 0, read: float | None = None, in_ticket: bool = False) -> Belief:
    return Belief(1, believed, None if written is None else at(written), None if read is None else at(read), in_ticket)


def sale(seconds: float, quantity: int = 1, event: str = "order", ours: bool = False) -> tuple[OwnSale, int]:
    return OwnSale(1, quantity, at(seconds), event, ours), -quantity


@pytest.mark.parametrize(
    ("state", "sold_at", "after"),
    [
        (belief(written=0), 60, 9),  # clearly after our write: the figure has fallen
        (belief(written=0), 3, None),  # too near to tell
        (belief(written=0), -3, None),
        (belief(written=0), -60, None),  # before our write: did the write bury it?
        (belief(written=None, read=0), -60, 10),  # the read has it already
        (belief(written=None, read=0), 60, 9),
        (belief(written=-600, read=0), -60, 10),
        (belief(written=0, read=-600), -60, None),
        (belief(written=None, read=None), 0, 9),
        (belief(None), 60, None),
        (belief(in_ticket=True), 60, None),
    ],
)
def test_where_a_sale_stands_against_what_we_know(state: Belief, sold_at: float, after: int | None) -> None:
    assert believe(state, [sale(sold_at)]) == after


def test_a_read_that_told_no_figure_shows_no_sale() -> None:
    """It leaves open what an earlier read had shown, and tells nothing of what was sold before it."""
    untold = belief(written=-600, read=0)._replace(read_told=False)
    assert believe(untold, [sale(-60)]) is None
    assert believe(untold, [sale(60)]) == 9


def test_our_own_calls_are_on_our_own_clock() -> None:
    """Acknowledged a second after the last push: no margin is needed to tell."""
    assert believe(belief(written=0), [sale(1, event="acknowledge", ours=True)]) == 9
    assert believe(belief(written=0), [sale(1, event="acknowledge")]) is None


def test_a_figure_cannot_fall_below_zero() -> None:
    assert believe(belief(1), [sale(60, quantity=2)]) is None


def test_one_unclear_sale_among_clear_ones_makes_it_unclear() -> None:
    assert believe(belief(), [sale(60), sale(2), sale(90)]) is None


@pytest.mark.parametrize(
    ("lowers", "raises", "event", "change"),
    [
        (Lowers.AT_ORDER, False, "order", -2),
        (Lowers.AT_ORDER, False, "acknowledge", 0),
        (Lowers.AT_ACKNOWLEDGE, False, "order", 0),
        (Lowers.AT_ACKNOWLEDGE, False, "acknowledge", -2),
        (Lowers.AT_SHIP, False, "ship", -2),
        (Lowers.NEVER, False, "order", 0),
        (Lowers.AT_ORDER, True, "cancel", 2),
        (Lowers.AT_ORDER, False, "cancel", 0),
    ],
)
def test_the_manifest_says_what_the_channel_does_by_itself(lowers: Lowers, raises: bool, event: str, change: int) -> None:
    assert effect(OwnSale(1, 2, NOON, event), Quirks(own_sale_lowers=lowers, cancel_raises=raises)) == change


# --- what goes out ------------------------------------------------------------------------------------------------------------------------


def waiting(**figures: object) -> Waiting:
    known: dict[str, object] = {
        "offer_id": 1,
        "sku": "MUG",
        "external_id": "",
        "currency": "",
        "version": 1,
        "danger": 0,
        "excluded": False,
        "intended": 5,
        "believed": 3,
        "observed": None,
        "observed_since": None,
        "sent": None,
        "sent_at": None,
        "accepted": None,
        "refused": None,
        "in_ticket": None,
    }
    return Waiting(**(known | figures))  # type: ignore[arg-type]


FRESH = View(watermark=NOON)


@pytest.mark.parametrize(
    ("row", "view", "value"),
    [
        (waiting(), FRESH, 5),
        (waiting(excluded=True), FRESH, None),
        (waiting(intended=None), FRESH, None),
        (waiting(believed=5), FRESH, None),
        (waiting(refused=5), FRESH, None),
        (waiting(refused=4), FRESH, 5),
        (waiting(), View(NOON, blind=True), None),
        (waiting(intended=2), View(NOON, blind=True), 2),
        (waiting(intended=2, observed=1), View(NOON, blind=True), 1),
        (waiting(), View(NOON, stopped=True), None),
        (waiting(intended=2, danger=1), View(NOON, stopped=True), 2),
        (waiting(intended=0, danger=1), View(NOON, stopped=True), None),
        (waiting(intended=0, danger=1), View(NOON, blind=True, stopped=True), None),
        (waiting(intended=2, danger=1), View(NOON, blind=True, stopped=True), 2),
        (waiting(believed=3, observed=3, observed_since=at(9), accepted=4), FRESH, None),
        (waiting(believed=3, observed=3, observed_since=at(-9), accepted=4), FRESH, 5),
        (waiting(believed=3, observed=3, observed_since=at(9), accepted=3), FRESH, 5),
        (waiting(believed=3, observed=3, observed_since=at(9), accepted=4), View(None), 5),
    ],
)
def test_what_goes_out(row: Waiting, view: View, value: int | None) -> None:
    assert value_to_send(row, view) == value


@pytest.mark.parametrize(
    ("row", "value"),
    [
        (waiting(intended=2), 0),
        (waiting(intended=SCARCE + 1), None),
        (waiting(intended=0), None),
        (waiting(intended=None), None),
        (waiting(intended=2, excluded=True), None),
        (waiting(intended=2, believed=0), None),
        (waiting(intended=2, refused=0), None),
        (waiting(intended=2, refused=2), None),
        (waiting(intended=2, refused=1), 0),
    ],
)
def test_scarce_units_are_judged_by_what_stands_under_the_lock(row: Waiting, value: int | None) -> None:
    assert zero(row, FRESH) == value


def test_blind_never_sends_more_than_anything_known() -> None:
    """ARCHITECTURE "Pull before push": min(intended, believed, last observed)."""
    for intended in range(4):
        for believed in (None, 0, 1, 3):
            for observed in (None, 0, 2):
                value = blind_value(waiting(intended=intended, believed=believed, observed=observed))
                known = [figure for figure in (intended, believed, observed) if figure is not None]
                assert value is None or value == min(known)
                shown = believed if believed is not None else observed
                assert (value is not None) == (shown is None or shown > min(known))


@pytest.mark.parametrize(
    ("accepted", "sent", "value"), [(None, None, 5), (5, None, None), (4, 4, None), (6, 6, 5), (4, 6, 5), (6, 4, 5)], ids=str
)
def test_blind_and_unread_only_what_may_be_a_cut_goes_out(accepted: int | None, sent: int | None, value: int | None) -> None:
    """A read that told nothing, as a shop window that shows a write late: the channel shows no more than it was ever given. What is not
    below that is a raise, and waits for the orders (the rush: it offered sold units once more)."""
    assert blind_value(waiting(intended=5, believed=None, observed=None, accepted=accepted, sent=sent)) == value


@pytest.mark.parametrize(("written", "after"), [(-1, 9), (2, None), (6, None)], ids=["before", "between", "afterwards"])
def test_a_call_that_was_found_later_happened_some_time_since_it_was_made(written: float, after: int | None) -> None:
    """Seed 102: an acknowledgement whose reply was cut had lowered eMAG's figure before the write that followed it."""
    found = OwnSale(1, 1, at(5), "acknowledge", ours=True, since=at(0))
    assert believe(belief(10, written=written), [(found, -1)]) == after


# --- in the database ----------------------------------------------------------------------------------------------------------------------


def test_an_unclear_sale_is_read_before_anything_is_sent(market: Market) -> None:
    """Sold a second after our write: nobody can say which came first, so the market is asked."""
    stall = market.stall()
    unit = market.shop.unit("MUG", 9)
    offer = stall.offer(unit, shown=5)
    stall.run()
    market.clock.tick(1)
    stall.emulator.place_order([("MUG", 2)])
    stall.due_now()
    reads = len([call for call in stall.emulator.calls if call.path == "/v1/offers/query"])
    stall.run()
    assert len([call for call in stall.emulator.calls if call.path == "/v1/offers/query"]) == reads + 1
    assert stall.reload(offer).believed_qty == stall.emulator.quantity_of("MUG") == 7


def test_two_offers_of_one_call_with_different_stories(market: Market) -> None:
    stall = market.stall()
    one, two = stall.offer(market.shop.unit("ONE", 5), shown=5), stall.offer(market.shop.unit("TWO", 5), shown=5)
    stall.run()
    market.clock.tick(60)
    with market.shop.use_case() as uc:
        now = market.clock()
        delivery.own_sales(
            uc, "dummy", [OwnSale(one.pk, 1, now, "order"), OwnSale(one.pk, 1, now, "order"), OwnSale(two.pk, 1, NOON, "order")]
        )
    assert stall.reload(one).believed_qty == 3
    assert stall.reload(two).believed_qty is None
    assert stall.todo() == [one.pk, two.pk]


@pytest.mark.parametrize(("shown", "after"), [(3, None), (7, 7)])
def test_a_read_beside_a_sale_leaves_no_figure_that_it_has_not_shown(market: Market, shown: int, after: int | None) -> None:
    """Two were sold while the channel was read, and four more before that of which we hear later: a belief of 7 that nobody has read must
    not count as the figure of this read, or the four would never be taken off it (seed 71 of the simulation)."""
    stall = market.stall()
    offer = stall.offer(market.shop.unit("MUG", 9), shown=9)
    stall.run()
    market.clock.tick(60)
    asked = market.clock()
    known = Known(offer.pk, offer.channel_id, "MUG", offer.external_id, 9, stall.reload(offer).sent_at, None, None, "")
    market.clock.tick(2)
    with market.shop.use_case() as uc:
        delivery.own_sales(uc, "dummy", [OwnSale(offer.pk, 2, asked + timedelta(seconds=1), "order")])
    assert stall.reload(offer).believed_qty == 7
    with market.shop.use_case() as uc:
        reading.write(uc, [(known, OfferState(OfferRef("MUG", offer.external_id), quantity=shown))], asked)
    assert (stall.reload(offer).believed_qty, stall.reload(offer).observed_qty) == (after, shown)
    with market.shop.use_case() as uc:
        delivery.own_sales(uc, "dummy", [OwnSale(offer.pk, 4, asked - timedelta(seconds=30), "order")])
    assert stall.reload(offer).believed_qty == after
    assert stall.todo() == [offer.pk], "what is unknown is read; what is not as it should be is sent"


def test_a_read_that_is_written_late_changes_nothing(market: Market) -> None:
    """Two lanes read at once, and the one that asked first writes last. What belief rests on stays the later read: a sale from before it is
    in its figure, and is not taken off once more (invariants 9 and 10)."""
    stall = market.stall()
    offer = stall.offer(market.shop.unit("MUG", 9), shown=9)
    stall.run()
    market.clock.tick(60)
    known = Known(offer.pk, offer.channel_id, "MUG", offer.external_id, 9, stall.reload(offer).sent_at, None, None, "")
    first, second = market.clock(), market.clock() + timedelta(seconds=40)
    market.clock.tick(60)
    ref = OfferRef("MUG", offer.external_id)
    for asked, state in ((second, OfferState(ref, quantity=7)), (first, OfferState(ref, quantity=9)), (first, None)):
        with market.shop.use_case() as uc:
            reading.write(uc, [(known, state)], asked)
        now = stall.reload(offer)
        assert (now.believed_qty, now.observed_qty, now.observed_at, now.refused_code) == (7, 7, second, "")
    with market.shop.use_case() as uc:
        delivery.own_sales(uc, "dummy", [OwnSale(offer.pk, 2, first + timedelta(seconds=20), "order")])
    assert stall.reload(offer).believed_qty == 7
