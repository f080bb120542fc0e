"""Sources are asked by the runner: by schedule, now, after a kill, in silence; a file that is no good leaves the stock as it was."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from stallkeeper.channels.models import Channel
from stallkeeper.core import crash
from stallkeeper.core.models import Notification
from stallkeeper.stock import ledger, source_setup, sources
from stallkeeper.stock.models import Location, Movement, SourceRun, StockSource
from stallkeeper.stock.sources import SourceError
from tests.db.sources.conftest import Feed
from tests.market import Market

State = SourceRun.State


def alarms(feed: Feed) -> set[str]:
    with feed.shop.scope():
        keys = Notification.objects.filter(resolved_at=None).values_list("key", flat=True)
        return {key.rpartition(":")[2] for key in keys if key.startswith("source:")}


def test_a_source_is_asked_by_its_schedule_and_now(feed: Feed) -> None:
    feed.serve(feed.all(SKU_1=7))
    assert feed.run().outcome == "ok"
    assert (feed.figures()[0], feed.last().actor, feed.server.asked) == (7, f"source:{feed.source.pk}", 1)

    feed.market.clock.tick(60)
    assert feed.run().outcome == "ok"
    assert feed.server.asked == 1, "its interval is thirty minutes"

    feed.due()
    feed.run()
    assert (feed.server.asked, feed.count()) == (2, 1), "the same file is nothing new"

    feed.serve(feed.all(SKU_1=6))
    feed.shop.at = feed.market.clock()
    with feed.shop.use_case() as uc:
        source_setup.ask_now(uc, feed.source.pk)
    feed.run()
    assert feed.figures()[0] == 6

    feed.serve(feed.all(SKU_1=7))
    feed.due()
    feed.run()
    assert feed.figures()[0] == 7, "a file that comes back is news"


def test_an_error_keeps_the_last_numbers_and_is_shown(feed: Feed) -> None:
    feed.serve(feed.all(SKU_1=7))
    feed.run()
    feed.server.status = 503
    feed.due()
    ended = feed.run()
    assert (ended.outcome, feed.figures()[0], feed.now().last_error != "") == ("error", 7, True)
    feed.server.status = 404
    feed.due()
    feed.run()
    assert "no file at this address" in feed.now().last_error
    assert alarms(feed) == {"failed"}
    feed.server.status = 200
    feed.due()
    feed.run()
    assert (feed.now().last_error, alarms(feed)) == ("", set())


def test_silence_is_an_alarm_and_success_ends_it(feed: Feed) -> None:
    feed.serve(feed.all())
    feed.run()
    feed.server.status = 503
    for attempt in range(1, 5):
        feed.due()
        feed.run()
        assert alarms(feed) == (set() if attempt < 3 else {"silent"}), attempt
    feed.server.status = 200
    feed.due()
    feed.run()
    assert alarms(feed) == set()


def test_a_source_that_sends_by_itself_is_missed_too(feed: Feed) -> None:
    far = feed.shop.add_place("FAR")
    source = feed.add("api", {}, place=far)
    feed.run(source)
    assert alarms(feed) == set()
    feed.market.clock.tick(91 * 60)
    feed.run(source)
    assert alarms(feed) == {"silent"}


def test_a_run_that_waits_does_not_come_again_and_goes_on_when_let_through(feed: Feed) -> None:
    feed.serve(feed.all())
    feed.run()
    feed.serve(dict.fromkeys(feed.units, 0))
    for _ in range(2):
        feed.due()
        feed.run()
    stopped = feed.last()
    assert (stopped.state, feed.count(), feed.figures()) == (State.STOPPED, 2, [10] * 12)
    feed.shop.at = feed.market.clock()
    with feed.shop.use_case() as uc:
        sources.let_through(uc, stopped.pk)
    feed.run()
    assert (feed.last().state, feed.figures()) == (State.DONE, [0] * 12)


class Killed(BaseException):
    """What kill -9 looks like from inside."""


@pytest.mark.parametrize(
    "point", ["send:fetch:after", "commit:source.begin:after", "commit:source.take_in:after", "commit:source.end:before"]
)
def test_a_worker_killed_in_the_middle_is_followed_by_another(feed: Feed, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next worker does it again: nothing twice, nothing left out; differences, too."""
    monkeypatch.setattr(sources.reading, "BATCH", 5)
    with feed.shop.use_case() as uc:
        source_setup.change(uc, feed.source.pk, {"mode": "deltas", "change_limit": 100})
    feed.serve(dict.fromkeys(feed.units, -3))
    waiting = [point]

    def strike(name: str) -> None:
        if waiting and name == waiting[0]:
            waiting.clear()
            raise Killed

    with crash.using(strike), pytest.raises(Killed):
        feed.run(worker="first")
    assert feed.run(worker="second").outcome == "busy", "the first one's claim lasts ten seconds"
    feed.market.clock.tick(11)
    assert feed.run(worker="second").outcome == "ok"
    assert (feed.figures(), feed.last().state, feed.count()) == ([7] * 12, State.DONE, 1)


def test_a_worker_that_lost_its_lane_writes_nothing(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    feed.serve(feed.all(SKU_1=1))

    def taken_over(name: str) -> None:
        if name == "send:fetch:after":
            with feed.shop.scope():
                type(feed.lane()).objects.filter(pk=feed.lane().pk).update(epoch=99, claimed_by="another")

    with crash.using(taken_over):
        assert feed.run().outcome == "lost"
    assert (feed.figures(), feed.count()) == ([10] * 12, 0)


# --- files that are no good ---------------------------------------------------------------------------------------------------------------


def packed(name: str, body: bytes, times: int = 1) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w", force_zip64=True) as entry:
        for _ in range(times):
            entry.write(body)
    return held.getvalue()


def gigabyte() -> bytes:
    """Made by the test that needs it: every worker of a run reads this file, and packing takes seconds."""
    return packed("stock.csv", b"0" * 2**23, 128)


WHOLE = "".join(["sku,qty\n", *(f"SKU-{number},3\n" for number in range(1, 13))])
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "1"><!ENTITY y "&x;&x;">]><a><row><sku>SKU-1</sku><qty>&y;</qty></row></a>'
CYRILLIC = "<?xml version='1.0' encoding='UTF-8'?><r><i><sku>Кружка</sku><qty>1</qty></i><i><sku>Чашка</sku><qty>1</qty></i></r>"
BAD = {
    "a truncated zip": (packed("stock.csv", WHOLE.encode())[:-30], "zip"),
    "XML with entities": (ENTITIES, "entit"),
    "a gigabyte out of a megabyte": (gigabyte, "unpacks to far more than a table needs"),
    "the wrong encoding": (CYRILLIC.encode("cp1251"), "encoding"),
    "a column is missing": (WHOLE.replace("qty", "price").encode(), "'qty' is not in the file"),
    "text where numbers belong": (WHOLE.replace(",3", ",many").encode(), "None of the 12 rows"),
    "an empty file": (b"", "empty"),
    "only a header": (b"sku,qty\n", "no rows"),
    "a web page": (b"<!doctype html><title>Sign in</title>", "web page"),
    "half as long as yesterday": (WHOLE.replace(",3", ",10")[: WHOLE.index("SKU-7") + 6].encode(), "It has 6 rows; the one before had 12"),
    "the file of another shop": (WHOLE.replace("SKU", "XYZ").encode(), "None of the 12 rows"),
    "everything is zero": (WHOLE.replace(",3", ",0").encode(), "would go to zero"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_no_good_leaves_the_stock_as_it_was(feed: Feed, kind: str) -> None:
    """Must show 3: refused, or kept for a person, with a clear message, and not one unit moves; what came next goes on."""
    with feed.shop.use_case() as uc:
        source_setup.change(uc, feed.source.pk, {"mode": "all"})
    feed.serve(feed.all())
    feed.run()
    body, words = BAD[kind]
    feed.serve(body() if callable(body) else body)
    feed.due()
    with feed.shop.scope():
        before = Movement.objects.count()
    assert feed.run().outcome == "error"
    run = feed.last()
    assert run.state in {State.FAILED, State.STOPPED}
    assert re.search(words, run.problem, re.IGNORECASE), run.problem
    with feed.shop.scope():
        assert Movement.objects.count() == before
    assert feed.figures() == [10] * 12
    assert alarms(feed) & {"failed", "stopped"}

    feed.serve(feed.all(SKU_1=9))
    feed.due()
    assert feed.run().outcome == "ok"
    assert feed.figures() == [9] + [10] * 11
    assert alarms(feed) == set()


# --- sources inside -----------------------------------------------------------------------------------------------------------------------


def test_another_place_is_copied(feed: Feed) -> None:
    far = feed.shop.add_place("FAR")
    source = feed.add("location", {"location": feed.shop.place.code}, place=far, mode="all")
    feed.run(source)
    assert {feed.shop.level(unit, far)[0] for unit in feed.units.values()} == {10}


def test_a_channel_is_copied_once_and_the_place_is_typed_again(feed: Feed, market: Market) -> None:
    """S3.19-S3.20: within a minute, and then the source is set back to manual."""
    far = feed.shop.add_place("FAR")
    stall = market.stall()
    for sku, shown in (("SKU-1", 4), ("SKU-2", 0)):
        stall.offer(feed.units[sku], shown)
    source = feed.add("channel", {"channel": stall.channel.code}, place=far, once=True)
    market.clock.tick(60)
    assert feed.run(source).outcome == "ok"
    assert feed.shop.level(feed.units["SKU-1"], far)[0] == 4
    after: StockSource = feed.now(source)
    assert (after.kind, after.enabled, after.continuous) == ("manual", False, False)
    assert feed.run(source).outcome == "ok"
    assert feed.count(source) == 1


def test_a_channel_is_not_sent_what_was_read_from_it(feed: Feed, market: Market) -> None:
    stall = market.stall(locations=[feed.shop.place])
    stall.offer(feed.units["SKU-1"], 4)
    with feed.shop.use_case() as uc:
        source_setup.turn(uc, feed.source.pk, False)
    source = feed.add("channel", {"channel": stall.channel.code})
    assert feed.run(source).outcome == "error"
    assert "gets its figures from" in feed.now(source).last_error
    with feed.shop.scope():
        Channel.objects.filter(pk=stall.channel.pk).update(stock_enabled=False)
    market.clock.tick(61 * 30)
    assert feed.run(source).outcome == "ok"


def test_one_continuous_source_per_place(feed: Feed) -> None:
    with pytest.raises(SourceError, match="switch that one off first"):
        feed.add("api", {})


def ask_now(feed: Feed, source: StockSource | None = None) -> None:
    feed.shop.at = feed.market.clock()
    with feed.shop.use_case() as uc:
        source_setup.ask_now(uc, (source or feed.source).pk)


def typed(feed: Feed, sku: str, on_hand: int, place: Location | None = None) -> None:
    """A person sets a level by hand."""
    feed.shop.at = feed.market.clock()
    with feed.shop.use_case() as uc:
        target = ledger.Target(feed.units[sku].pk, (place or feed.shop.place).pk, on_hand, f"by hand {feed.shop.at}")
        ledger.set_on_hand(uc, [target])


def test_what_is_asked_for_now_is_read_even_if_it_is_the_same_file(feed: Feed) -> None:
    """An article that was unknown is found now. The figures stay as old as they are: what moved since is not brought back."""
    feed.serve(feed.all(SKU_1=7) | {"LATER": 5})
    feed.run()
    assert feed.last().rows_refused == 1
    feed.market.clock.tick(60)
    typed(feed, "SKU-1", 3)
    unit = feed.shop.unit("LATER", on_hand=0)
    feed.market.clock.tick(60)
    ask_now(feed)
    assert feed.run().outcome == "ok"
    assert (feed.count(), feed.last().rows_refused, feed.figures()[0]) == (2, 0, 3)
    assert feed.shop.level(unit)[0] == 5
    feed.due()
    feed.run()
    assert feed.count() == 2, "once, not each time"


def test_differences_are_not_taken_twice_however_often_they_are_asked_for(feed: Feed) -> None:
    with feed.shop.use_case() as uc:
        source_setup.change(uc, feed.source.pk, {"mode": "deltas", "change_limit": 100})
    feed.serve(dict.fromkeys(feed.units, -3))
    feed.run()
    ask_now(feed)
    feed.run()
    feed.shop.at = feed.market.clock()
    with feed.shop.use_case() as uc:
        source_setup.change(uc, feed.source.pk, {"name": "Differences"})
    feed.due()
    feed.run()
    assert (feed.figures(), feed.count()) == ([7] * 12, 1)


def test_a_copied_place_is_set_again_when_it_was_moved(feed: Feed) -> None:
    """Nothing has changed where the figures come from, but here: the copy is a copy again. What a person has dropped stays dropped."""
    far = feed.shop.add_place("FAR")
    source = feed.add("location", {"location": feed.shop.place.code}, place=far, mode="all")
    feed.run(source)
    feed.due()
    feed.run(source)
    assert feed.count(source) == 1, "what has not moved makes no run"
    typed(feed, "SKU-1", 4, far)
    feed.due()
    feed.run(source)
    assert (feed.shop.level(feed.units["SKU-1"], far)[0], feed.count(source)) == (10, 2)
    for sku in feed.units:
        typed(feed, sku, 2, far)
    feed.due()
    feed.run(source)
    stopped = feed.last(source)
    assert stopped.state == State.STOPPED
    with feed.shop.use_case() as uc:
        sources.drop(uc, stopped.pk)
    feed.due()
    feed.run(source)
    assert (feed.last(source).pk, feed.shop.level(feed.units["SKU-1"], far)[0]) == (stopped.pk, 2)


def test_what_a_channel_shows_is_set_again_when_the_place_was_moved(feed: Feed, market: Market) -> None:
    far = feed.shop.add_place("FAR")
    stall = market.stall()
    stall.offer(feed.units["SKU-1"], 4)
    source = feed.add("channel", {"channel": stall.channel.code}, place=far)
    feed.run(source)
    typed(feed, "SKU-1", 9, far)
    feed.due()
    feed.run(source)
    assert (feed.shop.level(feed.units["SKU-1"], far)[0], feed.count(source)) == (4, 2)


def test_what_is_copied_are_levels(feed: Feed) -> None:
    far = feed.shop.add_place("FAR")
    for kind, config in (("location", {"location": feed.shop.place.code}), ("channel", {"channel": "X"})):
        with pytest.raises(SourceError, match="mode: what is copied are levels"):
            feed.add(kind, config, place=far, mode="deltas")


def test_no_place_copies_itself_nor_goes_round(feed: Feed) -> None:
    far, third = feed.shop.add_place("FAR"), feed.shop.add_place("THIRD")
    with pytest.raises(SourceError, match="FAR ← FAR"):
        feed.add("location", {"location": "FAR"}, place=far)
    feed.add("location", {"location": "FAR"}, place=third)
    first = feed.add("location", {"location": "THIRD"}, place=feed.shop.place, enabled=False)
    with feed.shop.use_case() as uc:
        source_setup.turn(uc, feed.source.pk, False)
        source_setup.turn(uc, first.pk, True)
    home = feed.shop.place.code
    with pytest.raises(SourceError, match=f"FAR ← {home} ← THIRD ← FAR"):
        feed.add("location", {"location": home}, place=far)
