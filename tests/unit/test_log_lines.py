"""What stands in a log line, and what must not."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from stallkeeper.core import correlation, logs
from stallkeeper.core.log_lines import HIDDEN, MOST_ITEMS, MOST_TEXT, safe, safe_text
from stallkeeper.core.logs import Formatter


def record(text: str, *args: object, exc_info=None, **extra: object) -> logging.LogRecord:
    logger = logging.getLogger("stallkeeper.test")
    return logger.makeRecord("stallkeeper.test", logging.INFO, "file.py", 1, text, args, exc_info, extra=extra)


def line(text: str, *args: object, **extra: object) -> dict[str, object]:
    return json.loads(Formatter("JSON").format(record(text, *args, **extra)))


def test_a_line_is_one_object_with_time_level_logger_event_and_fields():
    made = line("sent %s", "three", cuts=2, items=["MUG=3"])
    assert list(made)[:4] == ["timestamp", "level", "logger", "event"]
    assert (made["event"], made["level"], made["cuts"], made["items"]) == ("sent three", "info", 2, ["MUG=3"])
    assert str(made["timestamp"]).endswith("Z")


def test_what_is_bound_stands_on_every_line_inside_and_on_none_after():
    with logs.bound(lane=7), logs.bound(step="orders"):
        inside = line("x")
    assert (inside["lane"], inside["step"]) == (7, "orders")
    assert "lane" not in line("x")


@pytest.mark.parametrize(
    "key", ["password", "client_secret", "access_token", "Authorization", "x-api-key", "cookie", "email", "buyer", "phone"]
)
def test_fields_that_are_secret_or_personal_by_name_are_covered(key):
    made = Formatter("JSON").format(record("x", **{key: "canary-4711"}, detail={key: "canary-4711"}))
    assert "canary-4711" not in made
    assert made.count(HIDDEN) == 2


@pytest.mark.parametrize(
    "text",
    [
        "Not Found: /hints/canary4711/",
        "Not Found: /hints/canary4711/orders?x=1",
        "GET /sign-in/canary4711/ failed",
        "could not connect to postgresql://keeper:canary4711@db/stallkeeper",
        "Authorization: Bearer canary4711",
        'body was {"client_secret": "canary4711"}',
        "grant_type=x&password=canary4711&y=1",
        "mail to canary4711@example.com bounced",
        "DETAIL:  Failing row contains (1, canary4711, (x), null).",
        "DETAIL:  Key (lower(email::text))=(canary4711) already exists.",
    ],
)
def test_secrets_and_people_inside_of_texts_are_covered(text):
    assert "canary4711" not in safe_text(text)
    assert HIDDEN in safe_text(text)


def test_what_is_no_secret_stays_readable():
    text = "order 4711-08 of connection 3: 12 tokens left, key lane_once, https://market.example/v3/items?page=2"
    assert safe_text(text) == text


@pytest.mark.parametrize("form", ["JSON", "PLAIN"])
def test_nobody_writes_a_line_of_his_own(form):
    """Log injection: a title with a line break, an escape sequence, a change of direction."""
    made = Formatter(form).format(record("title %s", "a\n2026-01-01 ERROR forged\r\x1b[2Jb\u202ec", sku="x\ny"))
    assert "\n" not in made
    assert "\x1b" not in made
    assert "\u202e" not in made
    assert "forged" in made


@pytest.mark.parametrize("form", ["JSON", "PLAIN"])
def test_an_exception_is_shown_without_its_secrets_and_within_its_line(form):
    try:
        raise ValueError("password=canary4711\nINFO forged")
    except ValueError:
        made = Formatter(form).format(record("failed", exc_info=sys.exc_info()))
    assert "canary4711" not in made
    assert "ValueError" in made
    assert not any(part.startswith("INFO") for part in made.splitlines())


def test_objects_that_libraries_hang_on_records_are_left_out():
    """Django's request among them: its text shows the whole address."""
    assert "request" not in line("x", request=object())


def test_long_texts_and_lists_are_cut_and_say_so():
    assert len(safe_text("x" * 10 * MOST_TEXT)) < MOST_TEXT + 50
    listed = safe(list(range(MOST_ITEMS + 7)))
    assert isinstance(listed, list)
    assert listed[-1] == "… 7 more"


def test_auto_is_json_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert Formatter("AUTO").format(record("x")).startswith("{")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert not Formatter("AUTO").format(record("x")).startswith("{")


# --- which outside event -----------------------------------------------------------------------------------------------------------------


def test_what_is_born_at_the_door_is_handed_on_and_ends_there():
    with correlation.using(lambda: "abc"), correlation.born(method="POST") as born:
        assert born == "abc"
        assert correlation.to_hand_on() == ("abc",)
        assert logs.fields()["correlation"] == ["abc"]
    assert correlation.to_hand_on() == ()


def test_a_run_hands_on_what_it_serves_once():
    """Two busy lanes that wake one another would pass an id to and fro for ever."""
    with correlation.serving("1.7", ["abc"]):
        second_hand = correlation.to_hand_on()
    assert second_hand == ("~1.7", "~abc")
    with correlation.serving("2.4", second_hand):
        assert logs.fields()["correlation"] == ["2.4", "1.7", "abc"]
        assert correlation.to_hand_on() == ("~2.4",)
