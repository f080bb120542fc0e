"""Sources on the screens: added, looked at, mapped, switched on; a run that waits is let through by a person (S3.12, S3.14, C21)."""

from __future__ import annotations

import os
import re

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from stallkeeper.backoffice import problems, source_runs
from stallkeeper.core import crash
from stallkeeper.core.models import AuditEntry, Notification, Role
from stallkeeper.stock import sources as stock
from stallkeeper.stock.models import Location, SourceRun, StockSource
from stallkeeper.sync.models import Exchange
from stallkeeper.sync.wake import wake_sources
from tests.busy_shop import member
from tests.db.sources.conftest import Feed, feed, server  # noqa: F401 - fixtures
from tests.market import Market, open_market

TERMS = {
    "mode": "listed", "basis": "gross", "interval_minutes": 30, "zero_limit": 30, "change_limit": 50, "least_rows": 70, "limits_from": 5,
    "silent_after": 3,
}  # fmt: skip


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch):
    with open_market(monkeypatch) as opened:
        yield opened


@pytest.fixture
def client(feed: Feed) -> Client:  # noqa: F811
    return member(feed.shop.organisation, Role.WAREHOUSE)


def said(response: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))  # type: ignore[attr-defined]


def at(name: str, *arguments: int | str) -> str:
    return reverse(f"backoffice:{name}", args=arguments)


def test_a_file_at_an_address_is_added_looked_at_mapped_and_switched_on(feed: Feed, client: Client) -> None:  # noqa: F811
    """The guess stands there already; the password is never shown again; nothing is taken in before it is switched on."""
    far = feed.shop.add_place("FAR")
    feed.serve("Артикул;Остаток;Склад\nSKU-1;7;Юг\nSKU-2;9;Брак\n".encode())
    page = client.get(at("add_source", "url"))
    assert "Address" in said(page)
    wrong = client.post(at("add_source", "url"), {"name": "Feed", "location": far.pk, **TERMS, "setting_address": "ftp:/nowhere"})
    assert wrong.status_code == 422
    given = {"setting_address": feed.server.address, "setting_user": "me", "setting_password": "hush", "setting_as_of": "fetch"}
    made = client.post(at("add_source", "url"), {"name": "Feed", "location": far.pk, **TERMS, **given})
    with feed.shop.scope():
        source = StockSource.objects.get(name="Feed")
    assert made.headers["Location"] == at("source_columns", source.pk)

    client.post(at("look_at_source", source.pk))
    page = client.get(at("source_columns", source.pk))
    assert "SKU-1" in said(page)
    assert re.search(r'name="column_quantity".*?<option value="Остаток" selected', page.content.decode(), re.S)
    saved = client.post(
        at("source_columns", source.pk),
        {"column_code": "Артикул", "column_quantity": "Остаток", "column_location": "Склад", "words": "Юг = FAR\nБрак ="},
    )
    assert saved.status_code == 302
    assert feed.figures() == [10] * 12
    assert b"hush" not in client.get(at("edit_source", source.pk)).content

    client.post(at("turn_source", source.pk), {"enabled": "1"})
    with feed.shop.scope():
        wake_sources([source.pk])
    feed.run(feed.now(source))
    assert feed.shop.level(feed.units["SKU-1"], far)[0] == 7
    assert (feed.last(source).rows_changed, feed.last(source).rows_left_out) == (1, 1)
    assert "fine" in said(client.get(at("sources")))
    assert re.search(r"FAR .* Feed", said(client.get(at("places")))), "a place tells where its numbers come from"
    changed = client.post(at("edit_source", source.pk), {"name": "Feed 2", **TERMS, **given, "setting_password": ""})
    assert changed.status_code == 302
    client.post(at("ask_source", source.pk))
    feed.run(feed.now(source))
    assert feed.now(source).last_error == "", "the password that was left empty is the one that was stored"


def test_1c_is_added_like_any_other_source_and_gets_its_address_at_once(feed: Feed, client: Client) -> None:  # noqa: F811
    far = feed.shop.add_place("FAR")
    assert at("add_source", "commerceml") in client.get(at("sources")).content.decode()
    made = client.post(at("add_source", "commerceml"), {"name": "1C", "location": far.pk, **TERMS, "basis": "net"})
    with feed.shop.scope():
        source = StockSource.objects.get(name="1C")
    assert made.headers["Location"] == at("exchange", source.pk)
    opened = client.post(at("exchange", source.pk), {"time_zone": "Europe/Moscow", "encoding": "utf-8"})
    with feed.shop.scope():
        assert Exchange.objects.get(source=source).time_zone == "Europe/Moscow"
    assert "password" in said(opened).lower()


def test_what_is_copied_is_chosen_from_a_list(feed: Feed, client: Client, market: Market) -> None:  # noqa: F811
    """S3.19: nobody types a code. What is copied are levels, so differences are not offered."""
    far, stall = feed.shop.add_place("FAR"), market.stall()
    for kind, setting, code in (("location", "setting_location", feed.shop.place.code), ("channel", "setting_channel", stall.channel.code)):
        page = client.get(at("add_source", kind)).content.decode()
        assert re.search(rf'<select[^>]*name="{setting}".*?<option value="{code}"', page, re.S), kind
        assert 'value="listed"' in page
        assert 'value="deltas"' not in page
        given = {"name": kind, "location": far.pk, **TERMS, setting: code}
        assert client.post(at("add_source", kind), given | {"mode": "deltas"}).status_code == 422
        assert client.post(at("add_source", kind), given | {setting: "NOWHERE"}).status_code == 422
        assert client.post(at("add_source", kind), given).status_code == 302
        with feed.shop.scope():
            made = StockSource.objects.get(kind=kind)
        assert code in said(client.get(at("source", made.pk))), "its page says what it copies"
    with feed.shop.scope():
        source = StockSource.objects.get(kind="location")
        Location.objects.filter(pk=feed.shop.place.pk).update(active=False)
    page = client.get(at("edit_source", source.pk)).content.decode()
    assert f'<option value="{feed.shop.place.code}" selected' in page, "what was agreed stays, in use or not"
    assert '<option value="FAR"' not in page, "no place copies itself"


def test_a_run_that_waits_is_shown_with_its_counts_and_let_through(feed: Feed, client: Client) -> None:  # noqa: F811
    feed.serve(feed.all())
    feed.run()
    feed.serve(dict.fromkeys(feed.units, 0) | {"NOBODY": 3})
    feed.due()
    feed.run()
    run = feed.last()
    page = said(client.get(at("source_run", feed.source.pk, run.pk)))
    assert "12 of 12 articles in stock would go to zero" in page
    assert "Would go to zero 12" in page
    assert "NOBODY is not known" in page
    assert "waits for you" in said(client.get(at("sources")))
    client.post(at("settle_run", feed.source.pk, run.pk), {"allow": "1"})
    again = client.post(at("settle_run", feed.source.pk, run.pk), {"allow": "0"}, follow=True)
    assert "does not wait for anybody" in said(again)
    feed.run()
    assert (feed.last().state, feed.figures()) == (SourceRun.State.DONE, [0] * 12)
    with feed.shop.scope():
        assert AuditEntry.objects.filter(action="allow.source_run", actor__startswith="user:").count() == 1


def test_sources_that_need_somebody_count_on_the_bell(feed: Feed, client: Client) -> None:  # noqa: F811
    """S3.14: silence and figures that wait count until they end, seen or not; figures that could not be used until somebody has seen it."""

    def counted() -> int:
        with feed.shop.scope():
            counts = problems.counted(feed.shop.organisation.pk)
        assert problems.badge(counts) >= counts["sources"]
        return counts["sources"]

    def seen() -> None:
        with feed.shop.scope():
            Notification.objects.filter(key__startswith="source:").update(seen_at=feed.market.clock())

    feed.serve(feed.all())
    feed.run()
    assert counted() == 0
    feed.serve(b"sku,qty\nXYZ,1\n")
    feed.due()
    feed.run()
    assert counted() == 1
    seen()
    assert counted() == 0
    feed.serve(dict.fromkeys(feed.units, 0))
    feed.due()
    feed.run()
    seen()
    assert counted() == 1, "its figures wait for a person"
    with feed.shop.use_case("settle.source_run") as uc:
        stock.drop(uc, feed.last().pk)
    assert counted() == 0
    feed.server.status = 503
    for _ in range(5):
        feed.due()
        feed.run()
    seen()
    assert counted() == 1, "it is silent"
    assert "are silent" in said(client.get(at("problem_board")))


def test_a_file_is_brought_in(feed: Feed, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Our own template needs no mapping (S3.12); another file is mapped first."""
    monkeypatch.setattr(source_runs, "in_background", source_runs.take_in)
    source = feed.add("upload", {})

    def bring(body: str) -> object:
        return client.post(at("upload_source", source.pk), {"file": SimpleUploadedFile("a.csv", body.encode())}, follow=True)

    assert "Say which column is what" in said(bring("what;how many\nSKU-1;3\n"))
    assert feed.figures()[0] == 10
    bring("sku;location;on_hand\nSKU-1;MAIN;3\n")
    assert feed.figures()[0] == 3
    bring("sku;location;on_hand\nSKU-1;MAIN;3\n")
    assert feed.count(source) == 1, "the same file twice is one run"
    assert "could be used" in said(client.get(at("source_run", source.pk, bad_run(feed, source, bring))))


class Killed(BaseException):
    """What kill -9 looks like from inside."""


def test_a_file_whose_process_was_killed_is_closed_and_may_come_again(
    feed: Feed,  # noqa: F811
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody is told that it is under way for ever; differences that are in already do not count twice. (A living run is
    not closed: tests/races.)"""
    monkeypatch.setattr(source_runs, "in_background", source_runs.take_in)
    monkeypatch.setattr(stock.reading, "BATCH", 5)
    source = feed.add("upload", {}, mode="deltas", change_limit=100)
    text = "".join(["sku;on_hand\n", *(f"{sku};-3\n" for sku in feed.units)])

    def strike(name: str) -> None:
        if name == "commit:source.take_in:after":
            raise Killed

    def bring() -> None:
        file = SimpleUploadedFile("a.csv", text.encode())
        client.post(at("upload_source", source.pk), {"file": file})

    with crash.using(strike), pytest.raises(Killed):
        bring()
    assert feed.last(source).state == SourceRun.State.READING
    page = said(client.get(at("source_run", source.pk, feed.last(source).pk)))
    assert "Bring the same file once more" in page
    assert feed.last(source).state == SourceRun.State.FAILED
    left = settings.ENV.home / "uploads" / f"{source_runs.PREFIX}left"
    left.write_text("x")
    os.utime(left, (0, 0))
    bring()
    assert (feed.last(source).state, feed.count(source), feed.figures()) == (SourceRun.State.DONE, 1, [7] * 12)
    assert not left.exists()


def bad_run(feed: Feed, source: StockSource, bring: object) -> int:  # noqa: F811
    bring("sku;location;on_hand\nSKU-1;MAIN;many\n")  # type: ignore[operator]
    assert feed.last(source).state == SourceRun.State.FAILED
    assert feed.figures()[0] == 3
    return feed.last(source).pk
