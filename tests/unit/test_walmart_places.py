"""Walmart's cursors: windows of modified orders, and callbacks. No sockets."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from stallkit.adapters.walmart import cursors, hints
from stallkit.types import Hint

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


# --- orders -----------------------------------------------------------------------------------------------------------------------------


def test_the_first_pull_goes_back_as_far_as_walmart_shows():
    place = cursors.read_order_place("", NOON)
    assert place == cursors.OrderPlace(NOON - cursors.REACH)


def test_created_start_date_is_in_every_first_query():
    """Left out it would mean seven days ago, and older orders that changed today would be lost."""
    for place in (cursors.OrderPlace(NOON - hours(1)), cursors.OrderPlace(NOON - hours(9), 3600)):
        query = dict(cursors.order_query(place, NOON))
        assert query["createdStartDate"] == "2026-03-06T12:00:00Z"
        assert query["limit"] == "200"
    assert query["lastModifiedStartDate"] == "2026-09-01T03:00:00Z"
    assert query["lastModifiedEndDate"] == "2026-09-01T04:00:01Z"


def test_a_cursor_is_text_and_comes_back_as_it_was():
    for place in (
        cursors.OrderPlace(NOON),
        cursors.OrderPlace(NOON, 7200, NOON + hours(1), "?limit=200&hasMoreElements=true&soIndex=5&poIndex=4", again=True),
    ):
        assert cursors.read_order_place(cursors.write(place), NOON) == place
    item = cursors.ItemPlace("AoE=", 400)
    assert cursors.read_item_place(cursors.write(item)) == item


def test_a_cursor_older_than_walmart_shows_starts_where_it_does():
    place = cursors.read_order_place(cursors.write(cursors.OrderPlace(NOON - timedelta(days=300))), NOON)
    assert place.since == NOON - cursors.REACH


@pytest.mark.parametrize("text", ["yesterday", "{}", '{"since":1}'])
def test_a_text_that_is_no_cursor_is_a_mistake_of_the_caller(text):
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        cursors.read_order_place(text, NOON)


def test_after_the_last_page_the_next_pull_looks_back():
    asked = NOON
    place, done = cursors.following(cursors.OrderPlace(NOON - hours(5)), asked)
    assert done
    assert place == cursors.OrderPlace(asked - cursors.OVERLAP)


def test_halved_windows_reach_the_present_without_a_gap():
    """Whatever the first window was: the windows overlap, end open, and there are finitely many."""
    place: cursors.OrderPlace | None = cursors.OrderPlace(NOON - hours(100))
    for _ in range(3):
        assert place is not None
        place = cursors.halved(place, NOON)
    assert place is not None
    assert place.length == 12.5 * 3600
    covered, done, steps = place.since, False, 0
    while not done:
        assert place.since <= covered, "a gap"
        covered = place.until or NOON
        place, done = cursors.following(place, NOON)
        steps += 1
        assert steps < 20
    assert covered >= NOON
    assert place == cursors.OrderPlace(NOON - cursors.OVERLAP)


def test_a_window_of_an_hour_is_not_cut_further():
    assert cursors.halved(cursors.OrderPlace(NOON - hours(1.5)), NOON) == cursors.OrderPlace(NOON - hours(1.5), 3600)
    assert cursors.halved(cursors.OrderPlace(NOON - hours(9), 3600), NOON) is None


def test_a_clock_of_ours_that_is_ahead_does_not_lose_orders():
    assert cursors.earlier_clock(NOON, "Tue, 01 Sep 2026 11:40:00 GMT") == NOON - timedelta(minutes=20)
    assert cursors.earlier_clock(NOON, "Tue, 01 Sep 2026 12:40:00 GMT") == NOON
    assert cursors.earlier_clock(NOON, "") == NOON


# --- callbacks --------------------------------------------------------------------------------------------------------------------------

BODY = b'{"source":{"eventType":"ORDER_UPDATES"},"payload":{"subEventType":"PO_CREATED","order":{"purchaseOrderId":"179"}}}'
OLD_BODY = b'{"source":{"eventType":"PO_CREATED"},"payload":{"purchaseOrderId":"178"}}'
META_BODY = (
    b'{"source":{"eventType":"ORDER_UPDATES"},"payload":{"meta":{"subEventType":"INTENT_TO_CANCEL"},"order":{"purchaseOrderId":"177"}}}'
)


def heard(secret: str, body: bytes, path: str = "/hooks/7", **headers: str) -> Hint | None:
    named = {name.replace("__", "."): value for name, value in headers.items()}
    return hints.read_hint(secret, hints.Callback.of("POST", path, "site=us", named, body))


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (BODY, Hint("179", "PO_CREATED")),
        (OLD_BODY, Hint("178", "PO_CREATED")),
        (META_BODY, Hint("177", "INTENT_TO_CANCEL")),
        (b'{"source":{"eventType":"INVENTORY_OOS"},"payload":{}}', Hint("", "INVENTORY_OOS")),
        (b'{"source":{"eventType":"BUY_BOX_CHANGED"},"payload":{}}', Hint("", "BUY_BOX_CHANGED", calls_for_a_look=False)),
        (b"{}", None),
        (b"<xml/>", None),
        (b"\xff", None),
    ],
)
def test_events_say_where_to_look(body, hint):
    assert heard("", body) == hint


def test_with_a_secret_only_signed_callbacks_are_heard():
    call = hints.Callback.of("POST", "/hooks/7", "site=us", {}, BODY)
    signature = hints.sign("shh", call, "1788264000000")
    signed = {"WM_SEC__SIGNATURE": signature, "WM_SEC__TIMESTAMP": "1788264000000"}
    assert heard("shh", BODY, **signed) == Hint("179", "PO_CREATED")
    assert heard("other", BODY, **signed) is None
    assert heard("shh", BODY.replace(b"179", b"666"), **signed) is None
    assert heard("shh", BODY, "/hooks/8", **signed) is None
    assert heard("shh", BODY, **(signed | {"WM_SEC__TIMESTAMP": "1788264000001"})) is None
    assert heard("shh", BODY) is None


def test_the_hmac_of_a_subscription_is_taken_in_both_spellings():
    digest = hmac.digest(b"shh", BODY, "sha256")
    for text in (digest.hex(), base64.b64encode(digest).decode()):
        assert heard("shh", BODY, **{hints.OWN_HEADER: text}) == Hint("179", "PO_CREATED")
        assert heard("other", BODY, **{hints.OWN_HEADER: text}) is None
