"""Once a day: sends that are long over, plans that nobody applied, and files of a 1C session that broke off, go; what says why stays."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from stallkeeper.channels.models import SendPlan, SendPlanPart, SendTask, SendTaskPart
from stallkeeper.core import housekeeping
from stallkeeper.core.models import FactChange
from stallkeeper.stock.models import Location
from stallkeeper.sync.exchange import accounts
from stallkeeper.sync.exchange.accounts import Agreed
from stallkeeper.sync.models import ExchangeFile, ExchangePart, ExchangeSession
from tests.market import Market, Stall

NEW, OLD = timedelta(days=housekeeping.SEND_DAYS - 1), timedelta(days=housekeeping.SEND_DAYS + 1)


def send(market: Market, stall: Stall, age: timedelta, ended: bool) -> int:
    at, ours = market.clock() - age, {"organisation": market.shop.organisation}
    task = SendTask.objects.create(**ours, kind="chosen", asked_at=at, asked_by="user:1", ended_at=at if ended else None)
    SendTaskPart.objects.create(**ours, task=task, channel=stall.channel, quantities=[1], prices=[])
    return int(task.pk)


def plan(market: Market, stall: Stall, age: timedelta, state: str) -> int:
    at, ours = market.clock() - age, {"organisation": market.shop.organisation}
    applied = at if state == "applied" else None
    made = SendPlan.objects.create(
        **ours, state=state, proposal={}, base={}, counts=[], fingerprint="f", made_at=at, made_by="user:1", applied_at=applied
    )
    SendPlanPart.objects.create(**ours, plan=made, channel=stall.channel, quantities=b"", prices=b"")
    return int(made.pk)


def test_old_sends_and_plans_that_were_not_applied_go(market: Market) -> None:
    stall = market.stall()
    with market.shop.scope():
        kept = [send(market, stall, NEW, True), send(market, stall, OLD, False)]
        send(market, stall, OLD, True)
        plans = [plan(market, stall, NEW, "replaced"), plan(market, stall, OLD, "applied"), plan(market, stall, OLD, "open")]
        for state in ("replaced", "discarded"):
            plan(market, stall, OLD, state)
    report = housekeeping.daily(market.clock())
    assert report.failures == []
    assert (report.sends_deleted, report.plans_deleted) == (1, 2)
    with market.shop.scope():
        assert sorted(SendTask.objects.values_list("pk", flat=True)) == kept
        assert sorted(SendTaskPart.objects.values_list("task_id", flat=True)) == kept
        assert sorted(SendPlan.objects.values_list("pk", flat=True)) == plans
        assert sorted(SendPlanPart.objects.values_list("plan_id", flat=True)) == plans


def test_what_1c_sent_before_it_fell_silent_goes_with_its_bytes(market: Market) -> None:
    """Files about orders hold names of buyers. The next session deletes them; where none comes, the night does."""
    with market.shop.use_case("test.exchange") as uc:
        made = accounts.connect(uc, Location.objects.exclude(owner="virtual")[0], {"name": "1C"}, Agreed("Europe/Moscow", True)).exchange
    with market.shop.scope():
        ours = {"organisation": market.shop.organisation}
        for days in (housekeeping.RAW_PAYLOAD_DAYS - 1, housekeeping.RAW_PAYLOAD_DAYS + 1):
            at = market.clock() - timedelta(days=days)
            session = ExchangeSession.objects.create(**ours, exchange=made, kind="sale", key_hash=str(days), begun_at=at, last_at=at)
            file = ExchangeFile.objects.create(**ours, session=session, name="orders.xml")
            for position in range(2):
                ExchangePart.objects.create(**ours, file=file, position=position, digest="", key_version=1, content=b"sealed")
    report = housekeeping.daily(market.clock())
    assert (report.failures, report.exchange_files_deleted) == ([], 1)
    with market.shop.scope():
        assert [file.session.key_hash for file in ExchangeFile.objects.select_related("session")] == [
            str(housekeeping.RAW_PAYLOAD_DAYS - 1)
        ]
        assert ExchangePart.objects.count() == 2


def test_what_past_figures_are_worked_out_from_stays(market: Market) -> None:
    """ADR 0060: the past can be explained as far back as the ledger goes, so nothing of it has an end of its own."""
    market.stall().offer(market.shop.unit("MUG", 3), shown=3)
    with market.shop.scope():
        FactChange.objects.create(organisation=market.shop.organisation, at=market.clock(), kind="unit", subject_id=1, actor="user:1")

    def counts() -> dict[str, int]:
        tables = ("core_factchange", "channels_openevent", "channels_unitsale", "channels_ruleoverride", "channels_ruleversion")
        more = ("stock_movement", "stock_reservation_event", "channels_sent_log")
        found = {}
        with market.shop.scope(), connection.cursor() as cursor:
            for table in (*tables, *more):
                cursor.execute(f"SELECT count(*) FROM {table}")
                found[table] = cursor.fetchone()[0]
        return found

    before = counts()
    assert before["core_factchange"]
    assert before["stock_movement"]
    assert housekeeping.daily(market.clock() + timedelta(days=4000)).failures == []
    assert counts() == before
