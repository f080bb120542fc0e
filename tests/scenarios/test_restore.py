"""The whole story of a restore: a backup taken in the middle of trade, what the original still did, and the copy that takes over.

The stalls remember more than the backup. Nothing may be told them twice, every order must be back, every figure true again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection, connections

from stallkeeper import embedded, env
from stallkeeper.channels import quarantine, switches
from stallkeeper.channels.models import Channel, Command, Offer, Ticket
from stallkeeper.core.models import AuditEntry, DatabaseIdentity, Organisation
from stallkeeper.fulfilment.ship import ShipError
from stallkeeper.ops import boot, restoring, views
from stallkeeper.sync import adapters
from stallkit.testing.shop import Fault
from tests.scenarios.town import Stall, Town, assert_adds_up, assert_true, notices, open_town

SHIP = {"walmart": "/shipping", "emag": "/order/save"}
BEFORE = (
    "shipped before",
    "ship unknown",
    "cancel unknown",
    "ship waits",
    "cancel waits",
    "shipped after",
    "cancelled after",
    "buyer cancels after",
)
"""Orders that the backup knows, by what becomes of them."""


@contextmanager
def connected_to(url: str) -> Iterator[None]:
    """Django works with the database of this address inside the block."""
    settings = connections.settings["default"]
    before, wanted = dict(settings), env.database_settings(url)
    connections.close_all()
    settings.update(wanted)
    try:
        yield
    finally:
        connections.close_all()
        settings.clear()
        settings.update(before)


@pytest.fixture
def home() -> Path:
    """A data folder that the database server's account may enter."""
    return env.home({name: value for name, value in os.environ.items() if name != "STALLKEEPER_HOME"})


@pytest.fixture
def original(home: Path, django_db_blocker) -> Iterator[embedded.Cluster]:
    """The machine that goes under, with an empty database of this release."""
    with embedded.temporary("original", home) as cluster, django_db_blocker.unblock(), connected_to(cluster.url):
        boot.apply_migrations()
        restoring.notice_copy()
        yield cluster


@pytest.fixture
def elsewhere(home: Path) -> Iterator[embedded.Cluster]:
    """Another machine."""
    with embedded.temporary("elsewhere", home) as cluster:
        yield cluster


@pytest.fixture
def real_town(original: embedded.Cluster, monkeypatch: pytest.MonkeyPatch, settings, tmp_path: Path) -> Iterator[Town]:
    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    with open_town(monkeypatch) as opened:
        yield opened


class Story:
    """Two stalls with the same goods, and orders in every state that matters."""

    def __init__(self, town: Town) -> None:
        self.town, self.firm = town, town.firm()
        self.mug, self.pan = self.firm.unit("MUG", 200), self.firm.unit("PAN", 100)
        goods = {"MUG": 200, "PAN": 100}
        self.stalls = {name: town.stall(self.firm, name, goods=goods) for name in ("walmart", "emag")}
        town.work(40)
        self.orders: dict[tuple[str, str], str] = {}

    def buy(self, title: str, units: int = 2) -> None:
        for name, stall in self.stalls.items():
            self.orders[name, title] = stall.emulator.place_order([("MUG", units), ("PAN", 1)])

    def each(self, title: str) -> Iterator[tuple[Stall, str]]:
        for name, stall in self.stalls.items():
            yield stall, self.orders[name, title]

    def until_the_backup(self) -> None:
        """Of some shipments and cancellations the replies were lost, others wait for stalls that have had enough calls."""
        for title in BEFORE:
            self.buy(title)
        self.town.work(60)
        for stall, order in self.each("shipped before"):
            stall.ship(order, tracking="T0")
        self.town.work(60)
        self.nothing_gets_through(Fault.SERVER_ERROR)
        self.leave("unknown", "sent")
        self.nothing_gets_through(Fault.RATE_LIMIT)
        self.leave("waits", "queued")

    def a_while(self) -> None:
        """Long enough for every wait of a command, and for what follows from it."""
        for _ in range(3):
            self.town.clock.tick(400)
            self.town.work(15)

    def nothing_gets_through(self, fault: Fault) -> None:
        for name, stall in self.stalls.items():
            stall.emulator.clear_faults()
            for path in (SHIP[name], "/cancel"):
                stall.emulator.fail_next(fault, times=1000, path=path)

    def leave(self, how: str, state: str) -> None:
        for stall, order in self.each(f"ship {how}"):
            stall.ship(order, tracking="T1")
        for stall, order in self.each(f"cancel {how}"):
            stall.cancel(order)
        self.town.work(20)
        for kind in ("ship", "cancel"):
            assert {stall.command(order, kind).state for stall, order in self.each(f"{kind} {how}")} == {state}

    def backup(self, cluster: embedded.Cluster, file: Path) -> None:
        """Buyers and the worker go on while it is written."""
        with ThreadPoolExecutor(1) as pool:
            written = pool.submit(cluster.dump, file)
            for number in range(5):
                self.buy(f"during {number}", 1)
                self.town.work(10)
            written.result(60)

    def after_the_backup(self) -> None:
        for stall in self.stalls.values():
            stall.emulator.clear_faults()
        self.a_while()
        self.town.stock(self.firm, self.mug, 250)
        for title in ("after", "shipped and forgotten"):
            self.buy(title, 3)
        self.town.work(60)
        for title in ("shipped after", "shipped and forgotten"):
            for stall, order in self.each(title):
                stall.ship(order, tracking="T2")
        for stall, order in self.each("cancelled after"):
            stall.cancel(order)
        for stall, order in self.each("buyer cancels after"):
            stall.emulator.buyer_cancels(order)
        self.town.work(60)
        self.buy("seen by nobody")

    def told(self) -> dict[str, tuple[int, int, int]]:
        """How often each order was acknowledged, shipped and cancelled by us, by the stalls' own count."""
        return {
            order.order_id: (order.acknowledge_calls, order.ship_calls, order.cancel_calls)
            for stall in self.stalls.values()
            for order in stall.emulator.orders.values()
        }

    def writes(self) -> int:
        return sum(call.method in {"PUT", "POST"} and "/token" not in call.path and "/read" not in call.path and "/count" not in call.path
                   for stall in self.stalls.values() for call in stall.emulator.calls)  # fmt: skip


@pytest.mark.long(25)
@pytest.mark.timeout(1200)
def test_the_copy_takes_over_and_tells_nobody_anything_twice(
    real_town: Town, original: embedded.Cluster, elsewhere: embedded.Cluster, tmp_path: Path
) -> None:
    story = Story(real_town)
    story.until_the_backup()
    story.backup(original, tmp_path / "shop.dump")
    story.after_the_backup()
    last_told, last_shown = story.told(), {name: stall.shown() for name, stall in story.stalls.items()}

    elsewhere.restore(tmp_path / "shop.dump")
    adapters.forget_sessions()
    with connected_to(elsewhere.url):
        assert restoring.notice_copy() == 4, "two offers on each of two stalls are doubted"
        assert restoring.notice_copy() == 0, "a copy is noticed once"
        assert_quarantine_holds(story, last_told, last_shown)
        the_warehouse_works_before_the_release(story)
        release(story)
        story.a_while()
        assert_taken_over(story, last_told)


def assert_quarantine_holds(story: Story, last_told: object, last_shown: object) -> None:
    """Nothing is sent, nothing is released unread; all orders come back."""
    organisation = Organisation.objects.get()
    assert (organisation.sending_enabled, organisation.quarantined_at is not None) == (False, True)
    assert notices(story.firm)[quarantine.KEY] == quarantine.TITLE
    with pytest.raises(switches.SwitchError, match=r"the orders of walmart of shop-.*, emag of shop-.* have not been read since"):
        release(story)
    assert {row["orders_read"] for row in views.quarantine()} == {False}

    writes = story.writes()
    story.a_while()
    assert story.writes() == writes, "a copy in quarantine writes to nobody"
    assert (story.told(), {name: stall.shown() for name, stall in story.stalls.items()}) == (last_told, last_shown)
    assert {row["orders_read"] for row in views.quarantine()} == {True}
    for stall in story.stalls.values():
        with story.firm.scope():
            assert {order.order_id for order in stall.emulator.orders.values()} == set(
                stall.account.orders.values_list("external_id", flat=True)
            )
    for stall, order in story.each("shipped and forgotten"):
        assert [line.shipped for line in stall.lines(order)] == [3, 1], "what left after the backup has left here too"


def the_warehouse_works_before_the_release(story: Story) -> None:
    """People enter what they know; what the stalls know as shipped cannot leave once more."""
    for stall, order in story.each("shipped after"):
        with pytest.raises(ShipError, match="nothing"):
            stall.ship(order, tracking="T2")
    for stall, order in story.each("after"):
        stall.ship(order, tracking="T3")
    story.town.stock(story.firm, story.mug, 180)


def release(story: Story) -> None:
    stall = next(iter(story.stalls.values()))
    with stall.use_case("switch.company") as uc:
        switches.set_company(uc, True)


def assert_taken_over(story: Story, last_told: dict[str, tuple[int, int, int]]) -> None:
    """L: every order as the stalls have it, each intent heard once, every figure true, nothing left in doubt."""
    told = story.told()
    for title in BEFORE:
        for stall, order in story.each(title):
            assert told[order] == last_told[order], f"{stall.name}: {title} was told again"
    for _stall, order in story.each("after"):
        assert told[order][1] == 1, "shipped by the copy"
    for _stall, order in story.each("seen by nobody"):
        assert told[order] == (1, 0, 0), "acknowledged by the copy"
    for stall in story.stalls.values():
        for remote in stall.emulator.orders.values():
            theirs = [(line.line_id, line.ordered, line.cancelled, line.shipped) for line in remote.lines]
            ours = [(line.line_id, line.ordered, line.cancelled, line.shipped) for line in stall.lines(remote.order_id)]
            assert ours == theirs, f"{stall.name}: {remote.order_id}"
    with story.firm.scope():
        assert not Ticket.objects.filter(closed_at=None).exists()
        assert {entry.action for entry in AuditEntry.objects.filter(action__startswith="quarantine")} == {
            "quarantine.begin",
            "quarantine.end",
        }
        assert set(Command.objects.values_list("state", flat=True)) == {"done"}, "nothing was said that a stall had to refuse"
    assert notices(story.firm) == {}
    assert_true(*story.stalls.values())
    assert_adds_up(story.firm, calm=True)


def test_an_answer_to_the_original_does_not_count_for_the_copy(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed that was open at the backup resolves in the copy; what the original sent afterwards is what the stall shows."""
    real = adapters.manifest_of
    monkeypatch.setattr(adapters, "manifest_of", lambda platform: replace(real(platform), bulk_from=1))
    firm = town.firm()
    units = {sku: firm.unit(sku, 10) for sku in ("A", "B", "C")}
    stall = town.stall(firm, "walmart", goods=dict.fromkeys(units, 1), limits_scale=0.1)
    stall.run()
    with firm.scope():
        assert Ticket.objects.filter(closed_at=None).exists(), "figures are on their way by feed"
    with stall.use_case("begin.quarantine") as uc:
        quarantine.begin(uc, "a test")
    town.work(300)
    for sku in units:  # the original sent another figure meanwhile
        stall.emulator.edit_quantity(sku, 3)
    town.work(300)
    with firm.scope():
        assert not Ticket.objects.filter(closed_at=None).exists(), "the feed has resolved"
        assert set(Offer.objects.values_list("believed_qty", flat=True)) <= {None, 3}
    with stall.use_case("switch.company") as uc:
        switches.set_company(uc, True)
    for _ in range(3):  # by feed once more
        town.clock.tick(300)
        town.work(20)
    assert_true(stall)


def test_the_same_database_is_no_copy_and_another_one_is(town: Town) -> None:
    firm = town.firm()
    assert restoring.notice_copy() == 0
    assert Organisation.objects.get(pk=firm.organisation.pk).quarantined_at is None
    DatabaseIdentity.objects.update(database_oid=1)
    restoring.notice_copy()
    assert Organisation.objects.get(pk=firm.organisation.pk).quarantined_at is not None
    identity = DatabaseIdentity.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid::bigint FROM pg_database WHERE datname = current_database()")
        assert (identity.database_oid,) == cursor.fetchone()
    assert identity.seen_at > datetime(2026, 1, 1, tzinfo=UTC)


def test_accounts_that_take_no_orders_keep_nobody_from_the_release(town: Town) -> None:
    firm = town.firm()
    firm.unit("MUG", 5)
    stall = town.stall(firm, "walmart", goods={"MUG": 5})
    with stall.use_case("begin.quarantine") as uc:
        quarantine.begin(uc, "a test")
    with firm.scope():
        Channel.objects.update(active=False)
    with stall.use_case("switch.company") as uc:
        assert switches.set_company(uc, True)
    with firm.scope():
        assert quarantine.since(firm.organisation.pk) is None
