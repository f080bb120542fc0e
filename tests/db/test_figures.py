"""Figures for Prometheus: what stands in the database, who may read it, and that a part that fails hides no other."""

from __future__ import annotations

import contextlib
import socket
import urllib.request
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import RequestFactory

from stallkeeper.api import probes
from stallkeeper.channels import lanes_queries
from stallkeeper.channels.models import Channel, LaneKind, LaneStep, Offer
from stallkeeper.core import backups, clock, figures
from stallkeeper.sync import figures as gathered
from stallkeeper.sync import figures_queries, health, scraping, worker
from tests.market import Market, Stall


def values(at) -> dict[tuple[str, ...], float]:
    """Every figure by family and labels."""
    return {(sample.family, *sample.labels): sample.value for sample in gathered.gather(at)}


def test_every_part_can_be_read_and_is_named(market: Market, stall: Stall):
    found = gathered.gather(market.clock())
    assert not [sample for sample in found if sample.family == "stallkeeper_scrape_failed"]
    assert {sample.family for sample in found} <= gathered.FAMILIES.keys()
    assert all(len(sample.labels) == len(gathered.FAMILIES[sample.family].labels) for sample in found)


def test_what_a_channel_shows_above_what_we_have_is_exposure(market: Market, stall: Stall):
    unit = market.shop.unit("MUG", 5)
    stall.offer(unit, shown=5)
    stall.run()
    market.stock(unit, 2)
    market.clock.tick(30)
    account, channel = str(stall.connection_id), str(stall.channel.pk)
    found = values(market.clock())
    assert found["stallkeeper_exposure_units", account, channel] == 3
    assert found["stallkeeper_exposure_offers", account, channel] == 1
    assert found["stallkeeper_todo_offers", account, channel, "quantity", "1"] == 1
    assert 30 <= found["stallkeeper_todo_oldest_seconds", account, channel, "quantity", "1"] < 31
    stall.due_now()
    stall.run()
    found = values(market.clock())
    assert found["stallkeeper_exposure_units", account, channel] == 0
    assert found["stallkeeper_todo_offers", account, channel, "quantity", "1"] == 0


def test_lags_of_orders_and_of_cuts_elsewhere(market: Market, stall: Stall):
    other = market.stall()
    unit = market.shop.unit("MUG", 5)
    for one in (stall, other):
        one.offer(unit, shown=5)
        one.run()
    stall.emulator.place_order([("MUG", 1)])
    market.clock.tick(20)
    stall.due_now()
    stall.run()
    market.clock.tick(5)
    other.due_now()
    other.run()
    found = values(market.clock())
    assert 20 <= found["stallkeeper_order_lag_seconds", str(stall.connection_id), "0.5"] < 22
    assert 25 <= found["stallkeeper_cut_lag_seconds", str(other.connection_id), "0.95"] < 28


def test_steps_tell_when_they_last_went_well_and_how_far_orders_are_read(market: Market, stall: Stall):
    stall.run()
    found = values(market.clock())
    labels = (str(stall.connection_id), "dummy", "orders")
    assert found["stallkeeper_step_last_success_timestamp_seconds", *labels] == pytest.approx(market.clock().timestamp(), abs=5)
    assert found["stallkeeper_orders_read_timestamp_seconds", *labels[:2]] == pytest.approx(market.clock().timestamp(), abs=5)
    assert found["stallkeeper_step_failing", *labels] == 0
    with market.shop.scope():
        LaneStep.objects.filter(step="orders").update(last_error="TryLater: no")
    assert values(market.clock())["stallkeeper_step_failing", *labels] == 1


def test_lanes_that_nobody_begins_are_overdue(market: Market, stall: Stall):
    market.clock.tick(90)
    found = values(market.clock())
    assert found["stallkeeper_lane_overdue_seconds", LaneKind.TRADE] >= 90
    assert found["stallkeeper_lanes", LaneKind.TRADE, "due"] == 1
    stall.run()
    assert values(market.clock())["stallkeeper_lane_overdue_seconds", LaneKind.TRADE] == 0


def test_refused_offers_and_budgets_are_shown_by_account(market: Market, stall: Stall):
    unit = market.shop.unit("MUG", 5)
    offer = stall.offer(unit, shown=5)
    stall.run()
    with market.shop.scope():
        Offer.objects.filter(pk=offer.pk).update(refused_qty=3, refused_at=market.clock())
    found = values(market.clock())
    account = str(stall.connection_id)
    assert found["stallkeeper_offers_refused", account] == 1
    assert 0.9 < found["stallkeeper_rate_budget_left_ratio", account, "api"] <= 1
    assert found["stallkeeper_rate_budget_spent_total", account, "api"] >= 1


def test_a_part_that_fails_is_named_and_the_rest_is_shown(market: Market, stall: Stall, monkeypatch):
    def broken(cursor, _at):
        cursor.execute("SELECT 1/0")
        return []

    monkeypatch.setitem(gathered.PARTS, "todo", broken)
    found = values(market.clock())
    assert found["stallkeeper_scrape_failed", "todo"] == 1
    assert found["stallkeeper_database_up",] == 1
    assert ("stallkeeper_lanes", LaneKind.TRADE, "enabled") in found


def test_a_part_that_takes_too_long_is_cut_off(market: Market, monkeypatch):
    monkeypatch.setattr(gathered, "STATEMENT_MS", 50)

    def slow(cursor, _at):
        cursor.execute("SELECT pg_sleep(5)")
        return []

    monkeypatch.setattr(gathered, "PARTS", {"slow": slow, "lanes": gathered.PARTS["lanes"]})
    with transaction.atomic():
        found = values(market.clock())
    assert found["stallkeeper_scrape_failed", "slow"] == 1
    assert not any(key == ("stallkeeper_scrape_failed", "lanes") for key in found)


@pytest.mark.parametrize(
    ("name", "index", "arguments"),
    [
        ("order_lags", "order_channel", [clock.now()]),
        ("waiting_offers", "offer_todo_next", []),
        ("exposure", "offer_todo_next", []),
        ("commands_open", "command_due", []),
        ("commands_failed", "command_failed", [clock.now()]),
        ("offers_refused", "offer_refused", []),
        ("notifications", "notification_open_once", []),
    ],
)
def test_large_tables_are_read_by_the_index_that_the_docstring_names(name, index, arguments):
    """On an empty table the planner would rather scan: it is told not to, so what is left is whether the index can serve at all.

    The tables are as new: what rolled-back tests have left, and what the server has counted of it, would make other ways look as cheap.
    """

    class Explaining:
        def execute(self, statement, parameters=()):
            cursor.execute("EXPLAIN " + statement, parameters)

        def fetchall(self):
            return cursor.fetchall()

    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_indexes WHERE indexname = %s", [index])
        cursor.execute(f"TRUNCATE {cursor.fetchone()[0]}, channels_channel CASCADE")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        plan = " ".join(line for (line,) in getattr(figures_queries, name)(Explaining(), *arguments))
    assert index in plan


def test_last_backup_is_shown_once_one_is_known(tmp_path, monkeypatch, market: Market):
    monkeypatch.setattr(settings, "ENV", settings.ENV.__class__(**(vars(settings.ENV) | {"home": tmp_path})))
    assert ("stallkeeper_backup_timestamp_seconds",) not in values(market.clock())
    backups.note(tmp_path, market.clock() - timedelta(days=3))
    age = market.clock().timestamp() - values(market.clock())["stallkeeper_backup_timestamp_seconds",]
    assert age == pytest.approx(3 * 86_400, abs=5)


# --- the door -----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def token(monkeypatch):
    def set_(token: str) -> None:
        monkeypatch.setattr(settings, "ENV", settings.ENV.__class__(**(vars(settings.ENV) | {"metrics_token": token})))

    return set_


def ask(**meta: str) -> int:
    return probes.metrics(RequestFactory().get("/metrics", **meta)).status_code


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_without_a_token_this_machine_may_read(market: Market, address):
    assert ask(REMOTE_ADDR=address) == 200


@pytest.mark.parametrize(
    "meta", [{"REMOTE_ADDR": "10.0.0.7"}, {"REMOTE_ADDR": ""}, {"HTTP_X_FORWARDED_FOR": "10.0.0.7"}, {"HTTP_VIA": "x"}]
)
def test_without_a_token_nobody_else_may(meta):
    assert ask(**meta) == 403


def test_with_a_token_only_who_shows_it(market: Market, token):
    token("s3cret")
    assert ask() == 403
    assert ask(HTTP_AUTHORIZATION="Bearer wrong") == 403
    assert ask(HTTP_AUTHORIZATION="Bearer s3cret", REMOTE_ADDR="10.0.0.7") == 200


def test_process_figures_count_what_runs(market: Market, stall: Stall):
    figures.start()
    unit = market.shop.unit("MUG", 5)
    stall.offer(unit, shown=5)
    stall.run()
    market.stock(unit, 2)
    stall.due_now()
    stall.run()
    text = probes.metrics(RequestFactory().get("/metrics")).content.decode()
    assert 'stallkeeper_runs_total{kind="trade",outcome="ok"}' in text
    assert 'stallkeeper_calls_total{operation="pull_orders",platform="dummy",status="200"}' in text
    assert 'stallkeeper_push_seconds_count{direction="cut",platform="dummy",what="quantity"}' in text
    assert 'stallkeeper_use_case_seconds_count{use_case="sync.record_sent"}' in text
    assert "MUG" not in text


def test_the_worker_s_server_gives_process_figures_and_nothing_else(market: Market):
    asked = {"PATH_INFO": "/metrics", "REMOTE_ADDR": "127.0.0.1"}
    answers = []

    def start_response(status, _headers):
        answers.append(status)

    body = b"".join(scraping._answer(asked, start_response))
    scraping._answer(asked | {"PATH_INFO": "/"}, start_response)
    scraping._answer(asked | {"REMOTE_ADDR": "10.0.0.7"}, start_response)
    assert answers == ["200 OK", "404 Not Found", "403 Forbidden"]
    assert b"stallkeeper_runs_total" in body


@pytest.fixture
def ports(monkeypatch) -> int:
    """The first of two ports in a row that nobody uses; workers may take these two."""
    monkeypatch.setattr(scraping, "PORTS", 2)
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first, contextlib.suppress(OSError, OverflowError):
            port = first.getsockname()[1]
            with socket.create_server(("127.0.0.1", port + 1)):
                break
    return port


def test_workers_of_one_machine_take_the_next_free_port_and_go_on_without_one(ports, monkeypatch, caplog):
    """Two processes' worth of servers at one setting; the third worker works unseen and says so."""
    made = []
    monkeypatch.setattr(settings, "ENV", settings.ENV.__class__(**(vars(settings.ENV) | {"worker_metrics": ("127.0.0.1", ports)})))
    serve = scraping.serve
    monkeypatch.setattr(scraping, "serve", lambda host, port: made.append(serve(host, port)))
    try:
        for _ in range(3):
            worker._serve_figures()
        assert [server.server_port for server in made] == [ports, ports + 1]
        for port in (ports, ports + 1):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                assert b"stallkeeper_runs_total" in answer.read()
        (warned,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert f"no port from 127.0.0.1:{ports} to {ports + 1} is free" in warned
    finally:
        for server in made:
            server.shutdown()
            server.server_close()


# --- health -------------------------------------------------------------------------------------------------------------------------------


def reasons() -> dict[str, str]:
    return {check.name: check.reason for check in health.look()}


def sign_of_life(seconds_ago: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [clock.now() - timedelta(seconds=seconds_ago)])


@pytest.fixture
def tick():
    """A worker ticks, on the connection of the test."""
    with connection.cursor() as cursor:
        assert lanes_queries.live(cursor, "w1#1")
        yield
        cursor.execute("SELECT pg_advisory_unlock_all()")


def test_an_installation_with_a_living_worker_is_ready(tick):
    sign_of_life(5)
    assert set(reasons().values()) == {""}
    response = probes.ready(RequestFactory().get("/health/ready"))
    assert response.status_code == 200


def test_a_worker_that_is_silent_or_missing_is_said():
    sign_of_life(120)
    assert "No worker is alive (the last sign" in reasons()["worker"]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
    assert "none has been seen" in reasons()["worker"]
    response = probes.ready(RequestFactory().get("/health/ready"))
    assert response.status_code == 503
    assert b'"database": "fine"' in response.content


def test_a_full_disk_and_missing_migrations_are_said(monkeypatch):
    sign_of_life(5)
    monkeypatch.setattr(health, "LEAST_FREE", 2**70)
    monkeypatch.setattr(health, "_up_to_date", [])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'channels' AND name >= '0009'")
    found = reasons()
    assert "changes of the schema are missing" in found["migrations"]
    assert "MB are free" in found["disk"]


def test_liveness_asks_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert probes.live(RequestFactory().get("/health/live")).status_code == 200


def test_channels_without_connections_in_use_are_left_out(market: Market, stall: Stall):
    with market.shop.scope():
        Channel.objects.update(active=False)
    assert not any(key[0] == "stallkeeper_exposure_units" for key in values(market.clock()))
