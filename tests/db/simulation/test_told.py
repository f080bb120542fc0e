"""What the world tells and what the stalls' books say, against tables that say otherwise: the model notices each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.db import transaction

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import switches
from stallkeeper.core.use_case import use_case
from stallkeeper.ops.simulation.truth import TruthEvent
from stallkeeper.ops.simulation.truth.events import Canary, CancelWished, Counted, Crashed, Did, Hinted, Moved, ShipWished, Told
from stallkeeper.stock import holds
from stallkeeper.stock.models import Movement
from stallkit.testing.shop import Call, QuantityChange
from tests.db.simulation.conftest import Watched
from tests.db.simulation.test_broken import FREE_MOVEMENTS, Undone

Break = Callable[[Watched], Iterator[None]]
BREAKS: list[tuple[str, str, bool, Break]] = []
"""Numbers, words, whether it shows only at the end, the break: what follows its ``yield`` puts the stall's books right again."""


def breaks(numbers: str, words: str, *, at_end: bool = False) -> Callable[[Break], Break]:
    def register(function: Break) -> Break:
        BREAKS.append((numbers, words, at_end, function))
        return function

    return register


def told(watched: Watched, *events: TruthEvent) -> Iterator[None]:
    for event in events:
        watched.truth.told(event)
    yield


# --- promises -----------------------------------------------------------------------------------------------------------------------------


@breaks("12", "was promised and is not there")
def a_movement_that_was_lost(watched: Watched) -> Iterator[None]:
    return told(watched, Moved("delivery 7", 1, 5))


@breaks("13", "told was 99 of")
def a_movement_that_is_another(watched: Watched) -> Iterator[None]:
    with watched.shop.scope():
        row = Movement.objects.order_by("pk")[0]
    return told(watched, Moved(row.reference, row.stock_unit_id, 99))


@breaks("12 13", "was given to")
def one_reference_for_two_things(watched: Watched) -> Iterator[None]:
    return told(watched, Moved("delivery 8", 1, 5), Moved("delivery 8", 1, 6))


@breaks("12", "were counted and we said yes")
def a_count_that_was_lost(watched: Watched) -> Iterator[None]:
    with watched.shop.scope():
        lamp = StockUnit.objects.get(sku="LAMP")
    return told(watched, Counted(lamp.pk, watched.shop.place.pk, 77))


@breaks("12", "were counted and we said yes")
def a_count_that_forgets_what_moved_since(watched: Watched) -> Iterator[None]:
    """Three of the cords that lay there this morning have left since."""
    with watched.shop.scope():
        cord = StockUnit.objects.get(sku="CORD")
        there = cord.levels.get(location=watched.shop.place).on_hand
    return told(watched, Counted(cord.pk, watched.shop.place.pk, there, watched.town.clock.at - timedelta(seconds=150)))


@breaks("2 10", "its time is over", at_end=True)
def a_hold_without_end(watched: Watched) -> Iterator[None]:
    with use_case("hold.stock", organisation_id=watched.shop.organisation.pk, actor="user:1") as uc:
        cord = StockUnit.objects.get(sku="CORD")
        holds.keep_back(uc, cord, watched.shop.place, 1, reason="a friend", expires_at=uc.at + timedelta(minutes=1))
    watched.sql(
        """UPDATE stock_reservation SET expires_at = expires_at - interval '1 hour' WHERE organisation_id = %(mine)s AND kind = 'manual';
           UPDATE stock_manualhold SET expires_at = expires_at - interval '1 hour' WHERE organisation_id = %(mine)s"""
    )
    yield


@breaks("13", "shipped 2 times by people, 1 commands", at_end=True)
def a_shipment_that_was_lost(watched: Watched) -> Iterator[None]:
    account, order = watched.stalls["dummy"].connection_id, watched.orders["gone"]
    return told(watched, *(ShipWished(account, order, {"1": 3}, key) for key in ("a", "b", "a")))


@breaks("12", "cancelled 1 times by people, 0 commands", at_end=True)
def a_cancellation_that_was_lost(watched: Watched) -> Iterator[None]:
    return told(watched, CancelWished(watched.stalls["dummy"].connection_id, watched.orders["open"], {"1": 1}))


@breaks("17", "audited 0 times", at_end=True)
def a_deed_without_an_entry(watched: Watched) -> Iterator[None]:
    return told(watched, Did("set.hold", "stock_unit", "1"))


@breaks("12", "nobody has looked since", at_end=True)
def a_hint_that_nobody_followed(watched: Watched) -> Iterator[None]:
    return told(watched, Hinted(watched.stalls["dummy"].connection_id, watched.town.clock.at + timedelta(hours=1)))


# --- what must not be seen ----------------------------------------------------------------------------------------------------------------


@breaks("16", "s3cret stands in clear in the log")
def a_secret_in_the_log(watched: Watched) -> Iterator[None]:
    return told(watched, Canary("s3cret", secret=True), Told("the log", "with s3cret in it"))


@breaks("15", "stands in clear in notification")
def a_name_in_a_notification(watched: Watched) -> Iterator[None]:
    watched.truth.told(Canary("Zenobia Quill", secret=False))
    watched.sql(
        """INSERT INTO core_notification (organisation_id, key, severity, title, detail, link, count, first_at, last_at)
           VALUES (%(mine)s, 'stray', 'info', 'Call', 'Zenobia Quill', '', 1, now(), now())"""
    )
    yield


@breaks("15", "stands in clear in the table catalog_product", at_end=True)
def a_name_in_some_table(watched: Watched) -> Iterator[None]:
    watched.truth.told(Canary("Zenobia Quill", secret=False))
    watched.sql(
        """INSERT INTO catalog_product (organisation_id, title, brand, category, description, created_at, updated_at)
           VALUES (%(mine)s, 'for Zenobia Quill', '', '', '', now(), now())"""
    )
    yield


@breaks("16", "stands in clear in the table core_secret", at_end=True)
def a_secret_that_is_not_encrypted(watched: Watched) -> Iterator[None]:
    watched.truth.told(Canary("s3cret", secret=True))
    watched.sql("UPDATE core_secret SET ciphertext = convert_to('it is s3cret', 'UTF8') WHERE organisation_id = %(mine)s")
    yield


@breaks("14", "which did nothing")
def a_row_of_somebody_else(watched: Watched) -> Iterator[None]:
    watched.truth.told(Crashed())
    watched.sql("UPDATE catalog_stockunit SET title = 'changed' WHERE organisation_id = %(other)s", other=watched.other.organisation.pk)
    yield


@breaks("14", "its channel is of another organisation")
def a_child_of_another_house(watched: Watched) -> Iterator[None]:
    watched.truth.told(Crashed())
    watched.sql(
        "UPDATE channels_channellocation SET organisation_id = %(other)s WHERE organisation_id = %(mine)s",
        other=watched.other.organisation.pk,
    )
    yield


# --- what was written must stay as it is --------------------------------------------------------------------------------------------------


@breaks("1", "were changed after they were written")
def an_entry_of_the_ledger_that_was_rewritten(watched: Watched) -> Iterator[None]:
    watched.truth.told(Crashed())
    watched.sql(FREE_MOVEMENTS + "UPDATE stock_movement SET actor = 'nobody' WHERE organisation_id = %(mine)s")
    yield


@breaks("12", "nothing is known of its buyer any more")
def a_buyer_who_was_forgotten_too_early(watched: Watched) -> Iterator[None]:
    watched.truth.told(Crashed())
    watched.sql("DELETE FROM core_personaldata WHERE organisation_id = %(mine)s")
    yield


@breaks("11", "heard acknowledge 2 times, we meant it 1 times")
def an_acknowledgement_for_each_look(watched: Watched) -> Iterator[None]:
    """More commands are no more reason to say it again."""
    remote = watched.stalls["dummy"].emulator.orders[watched.orders["gone"]]
    watched.sql(
        """INSERT INTO channels_command (organisation_id, connection_id, kind, subject_type, subject_id, key, payload, state, attempts,
               not_before, created_at, code, message)
           SELECT organisation_id, connection_id, kind, subject_type, subject_id, 'again ' || key, payload, state, attempts, not_before,
               created_at, '', '' FROM channels_command WHERE organisation_id = %(mine)s AND kind = 'acknowledge'"""
    )
    remote.acknowledge_calls += 1
    yield
    remote.acknowledge_calls -= 1


@breaks("12", "core_auditentry were changed")
def an_entry_of_the_audit_that_was_rewritten(watched: Watched) -> Iterator[None]:
    watched.truth.told(Crashed())
    watched.sql(
        """ALTER TABLE core_auditentry DISABLE TRIGGER USER;
           UPDATE core_auditentry SET actor = 'nobody' WHERE id = (SELECT min(id) FROM core_auditentry WHERE organisation_id = %(mine)s)"""
    )
    yield


@breaks("12 17", "was changed, or one before it is missing", at_end=True)
def a_chain_that_is_broken(watched: Watched) -> Iterator[None]:
    return an_entry_of_the_audit_that_was_rewritten(watched)


# --- the stalls' own books ----------------------------------------------------------------------------------------------------------------


@breaks("11", "the stall heard ship 2 times, we meant it 1 times")
def a_shipment_that_was_told_twice(watched: Watched) -> Iterator[None]:
    remote = watched.stalls["dummy"].emulator.orders[watched.orders["gone"]]
    remote.ship_calls += 1
    yield
    remote.ship_calls -= 1


@breaks("11", "ship is done 1 times by our books", at_end=True)
def a_shipment_that_was_never_told(watched: Watched) -> Iterator[None]:
    remote = watched.stalls["dummy"].emulator.orders[watched.orders["gone"]]
    remote.ship_calls -= 1
    yield
    remote.ship_calls += 1


@breaks("11", "is still queued", at_end=True)
def a_command_that_waits_for_ever(watched: Watched) -> Iterator[None]:
    watched.sql("UPDATE channels_command SET state = 'queued' WHERE organisation_id = %(mine)s AND kind = 'acknowledge'")
    yield


@breaks("10", "and nobody is told", at_end=True)
def a_refusal_that_nobody_sees(watched: Watched) -> Iterator[None]:
    watched.sql("UPDATE channels_command SET state = 'refused', code = 'x' WHERE organisation_id = %(mine)s AND kind = 'ship'")
    watched.stalls["dummy"].emulator.orders[watched.orders["gone"]].ship_calls = 0
    yield
    watched.stalls["dummy"].emulator.orders[watched.orders["gone"]].ship_calls = 1


@breaks("5", "never came in", at_end=True)
def an_order_that_never_came_in(watched: Watched) -> Iterator[None]:
    toy = watched.stalls["dummy"].emulator
    before = toy.offers["CORD"].quantity
    order = toy.place_order([("CORD", 1)], force=True)
    toy.offers["CORD"].quantity = before
    yield
    del toy.orders[order]


@breaks("6", "there it is", at_end=True)
def an_order_that_was_not_followed(watched: Watched) -> Iterator[None]:
    remote = watched.stalls["dummy"].emulator.orders[watched.orders["open"]]
    remote.lines[0].cancelled += 1
    yield
    remote.lines[0].cancelled -= 1


@breaks("6 10", "there it is", at_end=True)
def a_cancellation_that_the_stall_refused_and_we_kept(watched: Watched) -> Iterator[None]:
    """A person is told of the refusal; the order must be as the stall has it all the same."""
    watched.sql(
        """UPDATE channels_command SET kind = 'cancel', state = 'refused', code = 'x'
           WHERE organisation_id = %(mine)s AND kind = 'acknowledge'
               AND subject_id = (SELECT order_id FROM orders_orderline WHERE id = %(line_open)s)"""
    )
    remote = watched.stalls["dummy"].emulator.orders[watched.orders["open"]]
    remote.lines[0].cancelled, remote.acknowledge_calls = remote.lines[0].cancelled + 1, 0
    yield
    remote.lines[0].cancelled, remote.acknowledge_calls = remote.lines[0].cancelled - 1, 1


@breaks("9", "there it is")
def an_old_push_that_landed_later(watched: Watched) -> Iterator[None]:
    toy = watched.stalls["dummy"].emulator
    toy.offers["CORD"].quantity += 3
    yield
    toy.offers["CORD"].quantity -= 3


@breaks("9 10", "buyers see", at_end=True)
def buyers_who_see_another_figure(watched: Watched) -> Iterator[None]:
    return an_old_push_that_landed_later(watched)


@breaks("10", "is not on", at_end=True)
def an_offer_that_is_gone(watched: Watched) -> Iterator[None]:
    offers = watched.stalls["dummy"].emulator.offers
    offer = offers.pop("CORD")
    yield
    offers["CORD"] = offer


@breaks("9", "has no answer")
def a_second_push_before_the_answer_to_the_first(watched: Watched) -> Iterator[None]:
    at = watched.town.clock.at
    listed = """INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
                SELECT organisation_id, id, 'quantity', channel_id, 1, 1, now() FROM channels_offer WHERE id = %(offer)s"""
    watched.sql(listed)
    watched.sql(SEND, value=0, at=at)
    assert watched.truth.after_commit("the first") == []
    watched.sql(SEND, value=0, at=at + timedelta(seconds=1))
    yield


SEND = "UPDATE channels_offer SET sent_qty = %(value)s, sent_at = %(at)s WHERE id = %(offer)s"


@breaks("10", "sending is off since")
def a_figure_that_goes_out_while_sending_is_off(watched: Watched) -> Iterator[None]:
    with watched.stalls["dummy"].use_case("company.switch") as uc:
        switches.set_company(uc, False)
    assert watched.truth.after_commit("the switch") == []
    watched.sql(SEND, value=0, at=watched.town.clock.at + timedelta(seconds=1))
    yield


@breaks("10", "goes out again, which the channel refused")
def a_figure_that_the_channel_has_refused(watched: Watched) -> Iterator[None]:
    watched.sql("UPDATE channels_offer SET refused_qty = 0, refused_at = accepted_at, refused_message = 'no' WHERE id = %(offer)s")
    watched.watch()
    watched.sql(SEND, value=0, at=watched.town.clock.at)
    yield


@breaks("9", "but the orders are as of")
def a_raise_on_old_orders(watched: Watched) -> Iterator[None]:
    watched.sql(SEND, value=5, at=watched.town.clock.at + timedelta(hours=1))
    yield


@breaks("9", "the figure fell from 5 to 2")
def a_raise_over_a_sale_that_was_not_pulled(watched: Watched) -> Iterator[None]:
    toy, at = watched.stalls["dummy"].emulator, watched.town.clock.at
    toy.offers["LAMP"].quantity, before = 2, toy.offers["LAMP"].quantity
    watched.sql(
        """UPDATE channels_offer SET accepted_qty = 5, observed_qty = 2, believed_qty = 2, observed_at = %(later)s WHERE id = %(offer)s;
           INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
           SELECT organisation_id, id, 'quantity', channel_id, 1, 1, now() FROM channels_offer WHERE id = %(offer)s""",
        later=at + timedelta(minutes=1),
    )
    watched.watch()
    watched.sql(SEND, value=3, at=at)
    yield
    toy.offers["LAMP"].quantity = before


@breaks("3 7", "was served before")
def a_later_order_that_was_served_first(watched: Watched) -> Iterator[None]:
    toy, stall = watched.stalls["dummy"].emulator, watched.stalls["dummy"]
    order = toy.place_order([("LAMP", 2)], force=True)
    watched.town.work(30)
    watched.watch()
    watched.sql("UPDATE orders_orderline SET short = 1 WHERE id = %(later)s", later=stall.lines(order)[0].pk)
    yield
    del toy.orders[order]


@breaks("19", "which had asked for quiet until")
def a_call_in_the_time_of_quiet(watched: Watched) -> Iterator[None]:
    toy, at = watched.stalls["dummy"].emulator, watched.town.clock.at
    toy.calls.append(Call(at, "PUT", "/stock/77", 429, "rate_limit", 7.0))
    watched.truth.calls.stored.append(at)
    toy.calls.append(Call(at + timedelta(seconds=6), "PUT", "/stock/78", 200))
    toy.calls.append(Call(at + timedelta(seconds=6), "GET", "/orders", 200))
    yield
    del toy.calls[-3:]


@breaks("19", "exceeded its quota")
def a_quota_that_was_exceeded(watched: Watched) -> Iterator[None]:
    watched.stalls["dummy"].emulator.calls.append(Call(watched.town.clock.at, "GET", "/orders", 429))
    yield
    watched.stalls["dummy"].emulator.calls.pop()


@breaks("19", "exceeded its quota")
def a_quota_that_was_exceeded_where_that_has_another_number(watched: Watched) -> Iterator[None]:
    """Yandex Market says 420."""
    watched.stalls["dummy"].emulator.calls.append(Call(watched.town.clock.at, "GET", "/orders", 420))
    yield
    watched.stalls["dummy"].emulator.calls.pop()


def test_what_a_process_that_died_had_heard_is_not_known(watched: Watched) -> None:
    """A call in the time of quiet is no breach once nobody is left who was told; seconds later the death explains nothing."""
    toy, at = watched.stalls["dummy"].emulator, watched.town.clock.at
    toy.calls.append(Call(at, "PUT", "/stock/77", 429, "rate_limit", 70.0))
    watched.truth.calls.shaken.append(at + timedelta(seconds=1))
    toy.calls.append(Call(at + timedelta(seconds=6), "PUT", "/stock/78", 200))
    assert watched.truth.after_commit("the call") == []
    toy.calls.append(Call(at + timedelta(seconds=20), "PUT", "/stock/77", 429, "rate_limit", 70.0))
    watched.truth.calls.stored.append(at + timedelta(seconds=21))
    toy.calls.append(Call(at + timedelta(seconds=26), "PUT", "/stock/78", 200))
    assert watched.broken("19").count("had asked for quiet") == 1


def test_a_call_that_had_its_turn_before_the_quiet_was_written_down_is_no_breach(watched: Watched) -> None:
    """Seed 276: two lanes of one account. Where it is never written down, everybody is supposed to know it seconds later."""
    toy, at = watched.stalls["dummy"].emulator, watched.town.clock.at
    toy.calls.append(Call(at, "PUT", "/stock/77", 429, "rate_limit", 70.0))
    toy.calls.append(Call(at + timedelta(seconds=1), "PUT", "/stock/78", 200))
    watched.truth.calls.stored.append(at + timedelta(seconds=1))
    assert watched.truth.after_commit("the call") == []
    toy.calls.append(Call(at + timedelta(seconds=3), "PUT", "/stock/78", 200))
    assert watched.broken("19").count("had asked for quiet") == 1


@contextmanager
def undone(watched: Watched, steps: Callable[[Watched], Iterator[None]]) -> Iterator[None]:
    """The break for the length of the block."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # use cases open their own transaction inside
    with suppress(Undone), block:
        watched.watch()
        going = steps(watched)
        next(going)
        try:
            yield
        finally:
            next(going, None)
        raise Undone


def test_each_is_noticed(watched: Watched) -> None:
    failed = {}
    for numbers, words, at_end, steps in BREAKS:
        with undone(watched, steps):
            found = watched.truth.at_end() if at_end else watched.truth.after_commit("the break")
            if {breach.invariant for breach in found} != set(numbers.split()) or words not in " | ".join(map(str, found)):
                failed[steps.__name__] = [str(breach) for breach in found]
    assert failed == {}, "\n".join(f"{name}: {texts}" for name, texts in failed.items())


@pytest.mark.parametrize(("asked", "found"), [(True, 0), (False, 1)], ids=["asked for", "forgotten"])
def test_whoever_has_something_to_send_is_asked_to_run(watched: Watched, asked: bool, found: int) -> None:
    def lose_the_wake_up(watched: Watched) -> Iterator[None]:
        watched.sql(
            """INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
               SELECT organisation_id, id, 'quantity', channel_id, 0, 1, now() + interval '100 years'
               FROM channels_offer WHERE id = %(offer)s;
               UPDATE channels_lane SET wanted = %(asked)s, not_before = now() + interval '100 years' WHERE organisation_id = %(mine)s""",
            asked=asked,
        )
        yield

    with undone(watched, lose_the_wake_up):
        breaches = watched.truth.undisturbed(watched.town.clock.at)
        assert [(breach.invariant, "nobody has asked for a run" in breach.text) for breach in breaches] == [("10", True)] * found


HOLD = """INSERT INTO channels_observedhold (organisation_id, offer_id, channel_id, quantity, seen, seen_at, cause, taken_over,
              withdrawn, lapsed, released, reason)
          SELECT organisation_id, id, channel_id, 1, 1, now(), 'reserve 0 -> ' || %(reserve)s::int, 0, 0, 0, 0, ''
          FROM channels_offer, generate_series(1, %(times)s) WHERE id = %(offer)s"""


@pytest.mark.parametrize(("times", "found"), [(2, 0), (3, 1)], ids=["as many", "more"])
def test_no_more_is_held_than_the_platform_has_reserved(watched: Watched, times: int, found: int) -> None:
    def hold(watched: Watched) -> Iterator[None]:
        watched.sql(HOLD, times=times, reserve=2)
        yield

    with undone(watched, hold):
        breaches = watched.truth.undisturbed(watched.town.clock.at)
        assert [(breach.invariant, "more is held than the platform" in breach.text) for breach in breaches] == [("2", True)] * found


SEEN = """INSERT INTO channels_observedhold (organisation_id, offer_id, channel_id, quantity, seen, since, seen_at, cause, taken_over,
              withdrawn, lapsed, released, reason, ended_at)
          SELECT line.organisation_id, line.offer_id, o.channel_id, line.ordered - hold.taken, line.ordered,
                 o.ordered_at - hold.earlier - interval '1 s', o.ordered_at - hold.earlier, line.ordered || ' -> 0', hold.taken, 0, 0, 0,
                 '',
                 CASE WHEN hold.taken = line.ordered THEN o.imported_at END
          FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
          CROSS JOIN unnest(%(taken)s::int[], %(earlier)s::interval[]) AS hold(taken, earlier) WHERE line.id = %(line_short)s"""
"""Units that a look saw go: so many were taken over by orders, the look being so much before the order (of 12) was placed."""


@pytest.mark.parametrize(
    ("taken", "earlier", "found"),
    [([12], ["0"], 0), ([0], ["0"], 1), ([11], ["0"], 1), ([12, 0], ["1 min", "0"], 0), ([11, 0], ["1 min", "0"], 1)],
    ids=["taken over", "held on", "one too few", "the hold before it", "that too few"],
)
def test_a_sale_is_held_or_ordered_and_not_both(watched: Watched, taken: list[int], earlier: list[str], found: int) -> None:
    """Of two holds in a row the order may take over the first one's units, where clocks differ by minutes."""

    def see(watched: Watched) -> Iterator[None]:
        watched.sql(SEEN, taken=taken, earlier=earlier)
        yield

    with undone(watched, see):
        breaches = watched.truth.undisturbed(watched.town.clock.at - timedelta(days=1))
        told = [(breach.invariant, "reserved twice" in breach.text) for breach in breaches if "listed to be sent" not in breach.text]
        assert told == [("2", True)] * found


def test_a_hand_in_the_platforms_own_screen_is_no_breach(watched: Watched) -> None:
    """Neither is a platform that says yes and does not apply it, as long as it may be read again."""
    toy = watched.stalls["dummy"].emulator
    watched.town.clock.tick(1)
    toy.edit_quantity("CORD", 9)
    assert watched.truth.after_commit("the edit") == []
    toy.diary[-1] = QuantityChange(toy.diary[-1].at, "CORD", 1, 9, "push")
    toy.mislaid["CORD"] = watched.town.clock.at
    assert watched.truth.after_commit("the push that landed late") == []


@pytest.mark.parametrize("event", [Did("set.hold"), Told("the log", "nothing of note"), Crashed()])
def test_what_is_true_is_no_breach(watched: Watched, event: TruthEvent) -> None:
    watched.truth.told(event)
    assert watched.truth.after_commit("nothing") == []
