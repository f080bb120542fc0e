"""The emulator's base: faults hit the call they were planned for, dials are drawn from the seed, the diary tells the truth."""

from importlib import import_module

import httpx
import pytest

from stallkit.testing.contract.bench import ToyClock
from stallkit.testing.dials import Dials
from stallkit.testing.emulator import Emulator, Fault, SoldOut, WireReply
from stallkit.testing.serving import EmulatorTransport, environ_of
from stallkit.types import OrderState


class Toy(Emulator):
    """Answers with the number of the call; PUT sets the quantity of A."""

    platform = "toy"

    def respond(self, request):
        if request.method == "PUT":
            self.push_quantity("A", int(request.body))
        return WireReply(200, b'{"calls":%d}' % len(self.calls))

    def fault_reply(self, fault, request):
        statuses = {Fault.RATE_LIMIT: 429, Fault.SERVER_ERROR: 503}
        return WireReply(statuses[fault], b"{}") if fault in statuses else None


@pytest.fixture
def toy():
    emulator = Toy(ToyClock(), seed=7)
    emulator.add_offer("A", quantity=5, price="19.99")
    return emulator


def client(emulator):
    return httpx.Client(transport=EmulatorTransport(emulator), base_url="http://toy")


def statuses(emulator, *paths):
    with client(emulator) as caller:
        return [caller.get(path).status_code for path in paths]


# --- planned faults -----------------------------------------------------------------------------------------------------------------------


def test_a_fault_hits_the_next_call_of_its_path(toy):
    toy.fail_next("rate_limit", path="/orders")
    assert statuses(toy, "/offers", "/orders", "/orders") == [200, 429, 200]
    assert [call.fault for call in toy.calls] == ["", "rate_limit", ""]


@pytest.mark.parametrize(("platform", "seconds"), [("dummy", 7), ("walmart", 7), ("wildberries", 7), ("yandex_market", 7), ("ozon", 0)])
def test_a_call_that_came_too_soon_is_logged_with_the_time_that_was_named(platform, seconds):
    """In whichever header the platform names it; Ozon names none."""
    emulator = import_module(f"stallkit.adapters.{platform}.emulator").Emulator(ToyClock())
    emulator.fail_next(Fault.RATE_LIMIT)
    statuses(emulator, "/orders", "/orders")
    assert [call.retry_after for call in emulator.calls] == [pytest.approx(seconds, abs=0.999), 0]


def test_a_fault_may_wait_for_a_later_call_and_come_several_times(toy):
    toy.fail_next(Fault.SERVER_ERROR, times=2, after=1)
    assert statuses(toy, "/1", "/2", "/3", "/4") == [200, 503, 503, 200]


def test_cleared_faults_never_come(toy):
    toy.fail_next("server_error")
    toy.clear_faults()
    assert statuses(toy, "/") == [200]


@pytest.mark.parametrize(("fault", "applied"), [("drop_before_applying", False), ("drop_reply_after_applying", True)])
def test_a_dropped_connection_did_or_did_not_apply(toy, fault, applied):
    toy.fail_next(fault)
    with client(toy) as caller, pytest.raises(httpx.RemoteProtocolError):
        caller.put("/", content=b"3")
    assert toy.quantity_of("A") == (3 if applied else 5)
    assert toy.calls[-1].status == 0


def test_a_5xx_may_come_after_applying(toy):
    toy.fail_next("server_error_after_applying")
    with client(toy) as caller:
        assert caller.put("/", content=b"3").status_code == 503
    assert toy.quantity_of("A") == 3


def test_cut_json_is_the_first_half(toy):
    toy.fail_next("cut_json")
    with client(toy) as caller:
        reply = caller.get("/")
    assert reply.content == b'{"cal'
    assert reply.extensions["fault"] == "cut_json"


def test_a_wsgi_environment_is_read_back(toy):
    environ = environ_of("GET", "/a%20b/%C3%BC?x=1&x=2&y=", {"X-Own": "7"}, b"")
    assert (environ["PATH_INFO"], environ["QUERY_STRING"], environ["HTTP_X_OWN"]) == ("/a b/ü", "x=1&x=2&y=", "7")


# --- dials --------------------------------------------------------------------------------------------------------------------------------


def story(seed, dials, calls=200):
    emulator = Toy(ToyClock(), seed=seed)
    emulator.add_offer("A", quantity=5)
    emulator.dials = dials
    emulator.sleep = lambda _seconds: None
    told = []
    with client(emulator) as caller:
        for number in range(calls):
            emulator.clock.advance(1)
            try:
                told.append(caller.put("/", content=b"%d" % number).status_code)
            except httpx.RemoteProtocolError:
                told.append(0)
    return told, emulator


def test_one_seed_tells_one_story_and_another_seed_another():
    dials = Dials(faults={Fault.SERVER_ERROR: 0.2, Fault.DROP_AFTER: 0.1}, not_applied=0.1, late_push=0.1)
    assert story(1, dials)[0] == story(1, dials)[0]
    assert story(1, dials)[0] != story(2, dials)[0]


def test_faults_come_about_as_often_as_dialled():
    told, _ = story(3, Dials(faults={Fault.SERVER_ERROR: 0.2}), calls=1_000)
    assert 140 < told.count(503) < 260


def test_without_dials_nothing_happens_by_chance():
    told, emulator = story(4, Dials())
    assert set(told) == {200}
    assert emulator.quantity_of("A") == 199


def test_accepted_is_not_always_applied():
    told, emulator = story(5, Dials(not_applied=1.0), calls=5)
    assert told == [200] * 5
    assert emulator.quantity_of("A") == 5


def test_a_late_push_lands_over_a_newer_value(toy):
    toy.dials = Dials(late_push=1.0)
    toy.push_quantity("A", 9)
    assert toy.quantity_of("A") == 5
    toy.dials = Dials()
    toy.push_quantity("A", 2)
    toy.clock.advance(31)
    statuses(toy, "/")
    assert toy.quantity_of("A") == 9


def hints(toy, dials, count=300):
    told = []
    toy.listeners.append(lambda topic, order_id: told.append((topic, order_id)))
    toy.dials = dials
    for number in range(count):
        toy.tell("order", str(number))
    return [order_id for _, order_id in told]


def test_hints_are_lost_doubled_and_swapped(toy):
    everything = [str(number) for number in range(300)]
    assert hints(toy, Dials()) == everything
    toy.listeners.clear()
    assert 0 < len(hints(toy, Dials(hint_lost=0.3))) < 300
    toy.listeners.clear()
    assert len(hints(toy, Dials(hint_doubled=0.5))) > 300
    toy.listeners.clear()
    late = hints(toy, Dials(hint_late=0.3))
    assert late != sorted(late, key=int)
    assert set(everything) - set(late) <= {"299"}


def test_items_are_refused_by_plan_or_by_chance(toy):
    assert toy.refusal("A") == ""
    toy.offers["A"].refuse_stock = "no"
    assert toy.refusal("A") == "no"
    toy.offers["A"].refuse_stock = ""
    toy.dials = Dials(item_refused=1.0)
    assert toy.refusal("A")


def test_latency_is_spent_through_the_hook(toy):
    slept = []
    toy.sleep = slept.append
    toy.dials = Dials(latency=0.5)
    statuses(toy, "/", "/")
    assert len(slept) == 2
    assert all(0 <= seconds <= 0.5 for seconds in slept)


# --- the shop -----------------------------------------------------------------------------------------------------------------------------


def test_a_buyer_gets_what_is_shown_and_no_more(toy):
    toy.place_order([("A", 5)])
    assert toy.quantity_of("A") == 0
    with pytest.raises(SoldOut, match="wanted 1, shown 0"):
        toy.place_order([("A", 1)])
    toy.place_order([("A", 1)], force=True)


def test_two_lines_of_one_offer_count_together(toy):
    with pytest.raises(SoldOut):
        toy.place_order([("A", 3), ("A", 3)])


def test_the_diary_tells_every_change_and_its_cause(toy):
    order_id = toy.place_order([("A", 2)])
    toy.push_quantity("A", 8)
    toy.edit_quantity("A", 1)
    assert [(change.cause, change.before, change.after, change.order_id) for change in toy.diary] == [
        ("sale", 5, 3, order_id),
        ("push", 3, 8, ""),
        ("edit", 8, 1, ""),
    ]


def test_an_order_goes_through_its_states(toy):
    order_id = toy.place_order([("A", 2)], pending=True)
    order = toy.orders[order_id]
    assert order.state is OrderState.PENDING
    toy.confirm_payment(order_id)
    assert order.state is OrderState.NEW
    order.acknowledged_at = toy.clock()
    assert order.state is OrderState.ACKNOWLEDGED
    order.lines[0].shipped = 1
    assert order.state is OrderState.PART_SHIPPED
    assert toy.buyer_cancels(order_id) is False
    order.lines[0].shipped = 2
    assert order.state is OrderState.SHIPPED


def test_a_buyer_cancels_some_or_all(toy):
    order_id = toy.place_order([("A", 3)])
    assert toy.buyer_cancels(order_id, [("1", 1)])
    assert (toy.orders[order_id].lines[0].cancelled, toy.orders[order_id].state) == (1, OrderState.NEW)
    assert toy.buyer_cancels(order_id)
    assert toy.orders[order_id].state is OrderState.CANCELLED


def test_state_changes_when_the_shop_does(toy):
    before = toy.state()
    assert toy.state() == before
    toy.push_quantity("A", 4)
    assert toy.state() != before


def test_a_removed_offer_is_unknown(toy):
    toy.remove_offer("A")
    with pytest.raises(KeyError):
        toy.quantity_of("A")
