"""Conditions are told to targets: from rows, with retries, never in a transaction; what became of each stands in its row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db.models import F

from stallkeeper.backoffice.problems import counted
from stallkeeper.channels.models import Connection, Offer
from stallkeeper.core import clock, housekeeping, notify, targets
from stallkeeper.core.models import AuditEntry, NoticeMessage, NoticeTarget, Notification, Organisation, Secret, Severity
from stallkeeper.core.targets import TargetError
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.orders.models import OrderLine, Shortage
from stallkeeper.sync import telling
from stallkeeper.sync.budgets import refuse_in_transaction
from stallkit.errors import Refused, TryLater
from stallkit.telling.types import Message
from stallkit.words import said as _
from tests.busy_shop import BusyShop

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Outside:
    """Stands in for the ways of telling: what was told to whom, and what they answer."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, str], Message]] = []
        self.error: Exception | None = None

    def send(self, way: str, address: dict[str, str], message: Message, _door: object, _mail: object = None) -> None:
        refuse_in_transaction()
        self.told.append((way, dict(address), message))
        if self.error is not None:
            raise self.error

    @property
    def titles(self) -> list[str]:
        return [message.title for _way, _address, message in self.told]


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    found = Outside()
    monkeypatch.setattr(telling.send, "send", found.send)
    monkeypatch.setattr(telling.waiting, "watch", lambda _organisation: None)
    return found


@pytest.fixture
def at(busy: BusyShop) -> Iterator[list[datetime]]:
    """The clock: its one entry is now."""
    now = [START]
    with busy.shop.scope():
        Notification.objects.all().delete()
    with clock.using(lambda: now[0]):
        yield now


def target(busy: BusyShop, **terms: object) -> NoticeTarget:
    with use_case("test.target", organisation_id=busy.organisation.pk) as uc:
        return targets.add(
            uc,
            "email",
            {"to": "ops@example.com"},
            "o…@example.com",
            {"name": f"Ops {NoticeTarget.objects.count()}", "gather_minutes": 0} | terms,
        )


def say(busy: BusyShop, key: str, severity: Severity = Severity.WARNING, title: str = "") -> None:
    with use_case("test.notify", organisation_id=busy.organisation.pk) as uc:
        notify.raise_(uc, key, severity, title or _("{account} is silent", account=key), _("Look at its transfer status."))


def tell(busy: BusyShop) -> None:
    telling.tell_organisation(busy.organisation.pk)


def states(busy: BusyShop) -> list[str]:
    with busy.shop.scope():
        return list(NoticeMessage.objects.order_by("pk").values_list("state", flat=True))


def test_a_condition_is_told_once_with_a_link(busy: BusyShop, at: list[datetime], outside: Outside):
    ops = target(busy)
    say(busy, "connection:1:silent", Severity.ERROR)
    tell(busy)
    say(busy, "connection:1:silent", Severity.ERROR)
    tell(busy)
    ((way, address, message),) = outside.told
    assert (way, address) == ("email", {"to": "ops@example.com"})
    assert message.title == "Sample Home Goods: connection:1:silent is silent"
    assert (message.text, message.grave) == ("Look at its transfer status.", True)
    assert message.link.endswith("/problems/")
    assert states(busy) == ["sent"]
    with busy.shop.scope():
        ops.refresh_from_db()
        assert ops.told_at == START


def test_only_those_who_want_to_know_are_told(busy: BusyShop, at: list[datetime], outside: Outside):
    target(busy, name="errors", least="error")
    target(busy, name="of the far one", accounts=[busy.far.connection_id])
    target(busy, name="sources", kinds=["sources"])
    target(busy, name="off", active=False)
    say(busy, f"connection:{busy.near.connection_id}:expiry")
    tell(busy)
    assert outside.told == []
    say(busy, f"channel:{busy.far.pk}:prices", title="far prices")
    say(busy, "source:1:stopped", Severity.ERROR, title="source")
    tell(busy)
    with busy.shop.scope():
        told = {(row.target.name, row.key) for row in NoticeMessage.objects.select_related("target")}
    assert told == {
        ("errors", "source:1:stopped"),
        ("of the far one", f"channel:{busy.far.pk}:prices"),
        ("of the far one", "source:1:stopped"),
        ("sources", "source:1:stopped"),
    }


def test_what_lasted_before_the_target_was_made_is_not_told_and_what_gets_worse_is_told_again(busy, at, outside):
    say(busy, "connection:1:expiry", title="old")
    at[0] += timedelta(minutes=1)
    target(busy)
    say(busy, "connection:2:expiry", title="new")
    tell(busy)
    say(busy, "connection:2:expiry", Severity.ERROR, title="worse")
    at[0] += timedelta(hours=2)
    tell(busy)
    assert outside.titles == ["Sample Home Goods: new", "Sample Home Goods: worse"]


def test_a_flood_is_one_message_the_gravest_first(busy: BusyShop, at: list[datetime], outside: Outside):
    target(busy, gather_minutes=5)
    for number in range(20):
        say(busy, f"connection:{number}:expiry", title=f"number {number}")
    say(busy, "connection:7:silent", Severity.ERROR, title="grave")
    tell(busy)
    assert outside.told == [], "it waits for what else comes"
    at[0] += timedelta(minutes=5)
    tell(busy)
    ((_way, _address, message),) = outside.told
    assert message.title == "Sample Home Goods: 21 things wait for you"
    assert message.text.startswith("• grave\n• number 0\n")
    assert message.text.endswith("… and 6 more")
    assert states(busy) == ["sent"] * 21


def test_what_comes_and_goes_is_not_told_again_too_soon(busy: BusyShop, at: list[datetime], outside: Outside):
    target(busy, again_minutes=60)
    for _turn in range(3):
        say(busy, "connection:1:silent")
        tell(busy)
        with use_case("test.resolve", organisation_id=busy.organisation.pk) as uc:
            notify.resolve(uc, "connection:1:silent")
        at[0] += timedelta(minutes=5)
        tell(busy)
    assert len(outside.told) == 1
    say(busy, "connection:1:silent")
    tell(busy)
    at[0] += timedelta(minutes=60)
    tell(busy)
    assert len(outside.told) == 2
    assert states(busy) == ["sent", "dropped", "dropped", "sent"]


def test_what_is_over_or_set_aside_before_it_was_told_is_dropped(busy: BusyShop, at: list[datetime], outside: Outside):
    target(busy, gather_minutes=5)
    say(busy, "connection:1:silent")
    say(busy, "connection:2:silent")
    tell(busy)
    with use_case("test.resolve", organisation_id=busy.organisation.pk) as uc:
        notify.resolve(uc, "connection:1:silent")
        Notification.objects.filter(key="connection:2:silent").update(seen_at=START)
    at[0] += timedelta(minutes=6)
    tell(busy)
    assert (outside.told, states(busy)) == ([], ["dropped", "dropped"])


def test_quiet_hours_are_those_of_the_organisation_and_errors_may_break_in(busy: BusyShop, at: list[datetime], outside: Outside):
    """12:00 UTC is 14:00 in Bucharest."""
    Organisation.objects.filter(pk=busy.organisation.pk).update(time_zone="Europe/Bucharest")
    target(busy, name="strict", quiet_from=time(13), quiet_until=time(15))
    target(busy, name="woken", quiet_from=time(13), quiet_until=time(15), break_quiet=True)
    say(busy, "connection:1:expiry", title="warning")
    say(busy, "connection:1:silent", Severity.ERROR, title="error")
    tell(busy)
    assert outside.titles == ["Sample Home Goods: error"]
    with busy.shop.scope():
        waiting = NoticeMessage.objects.filter(state="waiting")
        assert set(waiting.values_list("not_before", flat=True)) == {START.replace(hour=13)}
    at[0] = START.replace(hour=13)
    tell(busy)
    assert outside.titles[1:] == ["Sample Home Goods: 2 things wait for you", "Sample Home Goods: warning"]


def test_what_could_not_be_told_is_tried_again_later_and_given_up_in_the_end(busy: BusyShop, at: list[datetime], outside: Outside):
    ops = target(busy)
    outside.error = TryLater(_("the mail server cannot be reached: {kind}", kind="OSError"))
    say(busy, "connection:1:silent")
    tell(busy)
    tell(busy)
    assert len(outside.told) == 1, "not before a minute has passed"
    for _turn in range(30):
        at[0] += timedelta(hours=2)
        tell(busy)
    assert states(busy)[0] == "refused"
    assert len(outside.told) == telling.ATTEMPTS
    assert len({message.id for _way, _address, message in outside.told}) == 1, "whoever gets it twice can tell"
    with busy.shop.scope():
        row = NoticeMessage.objects.earliest("pk")
        assert "mail server cannot be reached" in row.problem
        assert row.told.pattern.startswith("the mail server")
        assert Notification.objects.get(key=f"target:{ops.pk}:failed").severity == "error"
        assert counted(busy.organisation.pk)["targets"] == 1


def test_what_nobody_foresaw_is_given_up_in_the_end_and_its_words_reach_no_log(busy, at, outside, caplog):
    ops = target(busy)
    outside.error = TypeError("the token hidden77 is none")
    say(busy, "connection:1:silent")
    for _turn in range(30):
        tell(busy)
        at[0] += timedelta(hours=2)
    assert states(busy)[0] == "refused"
    assert len(outside.told) == telling.ATTEMPTS
    assert "TypeError at " in caplog.text
    assert "hidden77" not in caplog.text
    with busy.shop.scope():
        assert "TypeError" in Notification.objects.get(key=f"target:{ops.pk}:failed").detail


def test_a_dead_target_is_told_to_the_others_and_well_again_when_it_is_told(busy: BusyShop, at: list[datetime], outside: Outside):
    ops = target(busy, name="dead")
    outside.error = Refused(_("it answered {status}", status=410))
    say(busy, "connection:1:silent")
    tell(busy)
    assert states(busy) == ["refused"]
    other = target(busy, name="other")
    say(busy, f"target:{ops.pk}:failed", Severity.ERROR, title="renewed")
    outside.error = None
    with use_case("test.send", organisation_id=busy.organisation.pk) as uc:
        targets.test(uc, ops)
        targets.test(uc, ops)
    tell(busy)
    with busy.shop.scope():
        assert not Notification.objects.filter(key=f"target:{ops.pk}:failed", resolved_at=None).exists()
        assert NoticeMessage.objects.filter(target=other, key=f"target:{ops.pk}:failed").exists()
        assert not NoticeMessage.objects.filter(target=ops, key=f"target:{ops.pk}:failed").exists(), "it is not told of itself"
        assert NoticeMessage.objects.filter(target=ops, key="test").count() == 1
    assert "Sample Home Goods: A test from Stallkeeper" in outside.titles


def test_a_test_is_told_in_quiet_hours(busy: BusyShop, at: list[datetime], outside: Outside):
    ops = target(busy, quiet_from=time(0), quiet_until=time(23, 59))
    with use_case("test.send", organisation_id=busy.organisation.pk) as uc:
        targets.test(uc, ops)
    tell(busy)
    assert outside.titles == ["Sample Home Goods: A test from Stallkeeper"]


def test_who_dies_after_telling_is_followed_after_the_lease(busy: BusyShop, at: list[datetime], outside: Outside, monkeypatch):
    target(busy)
    say(busy, "connection:1:silent")
    with monkeypatch.context() as patch:
        patch.setattr(telling, "ended", lambda *_given: None)
        tell(busy)
    tell(busy)
    assert len(outside.told) == 1, "somebody has it"
    at[0] += telling.LEASE
    tell(busy)
    assert outside.told[0][2].id == outside.told[1][2].id
    assert states(busy) == ["sent"]


def test_a_late_answer_does_not_overtake_another_try(busy: BusyShop, at: list[datetime], outside: Outside):
    ops = target(busy)
    say(busy, "connection:1:silent")
    telling.gather(busy.organisation.pk)
    with organisation_scope(busy.organisation.pk):
        first = telling.claim(busy.organisation.pk, ops.pk)
        at[0] += telling.LEASE
        second = telling.claim(busy.organisation.pk, ops.pk)
        assert first is not None
        assert second is not None
        telling.ended(busy.organisation.pk, first, Refused("late"))
        assert states(busy) == ["waiting"]
        telling.ended(busy.organisation.pk, second, None)
    assert states(busy) == ["sent"]


def test_the_address_is_a_secret_and_goes_with_the_target(busy: BusyShop, at: list[datetime], outside: Outside):
    ops = target(busy)
    with busy.shop.scope():
        assert b"ops@example.com" not in bytes(Secret.objects.get(pk=ops.address_id).ciphertext)
        assert "ops@example.com" not in repr(list(AuditEntry.objects.values_list("detail", flat=True)))
    with use_case("test.remove", organisation_id=busy.organisation.pk) as uc:
        targets.remove(uc, ops)
    with busy.shop.scope():
        assert not Secret.objects.filter(pk=ops.address_id).exists()


def test_terms_that_do_not_fit_are_refused(busy: BusyShop, at: list[datetime], outside: Outside):
    ops = target(busy, name="Ops")
    for terms in ({"name": " "}, {"quiet_from": time(3)}, {"gather_minutes": 2_000}):
        with pytest.raises(TargetError), use_case("test.change", organisation_id=busy.organisation.pk) as uc:
            targets.change(uc, NoticeTarget.objects.get(pk=ops.pk), terms)
    with pytest.raises(TargetError):
        target(busy, name="Ops")


def test_another_rule_counts_for_what_waits(busy: BusyShop, at: list[datetime], outside: Outside):
    ops = target(busy, gather_minutes=60)
    say(busy, "connection:1:silent")
    tell(busy)
    with use_case("test.change", organisation_id=busy.organisation.pk) as uc:
        targets.change(uc, NoticeTarget.objects.get(pk=ops.pk), {"gather_minutes": 0})
    tell(busy)
    assert len(outside.told) == 1


def test_old_messages_go_with_the_housekeeping(busy: BusyShop, at: list[datetime], outside: Outside):
    target(busy)
    say(busy, "connection:1:silent")
    tell(busy)
    assert housekeeping.daily(START + timedelta(days=91)).messages_deleted == 1


def test_what_waits_in_tables_is_a_condition_as_long_as_it_waits(busy: BusyShop):
    """Refusals, unknown SKUs and shortages come on paths that tell nobody; so they are looked for."""
    watch = telling.waiting.watch
    watch(busy.organisation.pk)
    watch(busy.organisation.pk)
    with busy.shop.scope():
        told = dict(Notification.objects.filter(resolved_at=None).values_list("key", "count"))
        short = Shortage.objects.filter(resolved_at=None)
        assert {f"shortage:{row.pk}" for row in short} == {key for key in told if key.startswith("shortage:")}
        assert (told["waiting:unmapped"], told["waiting:refused"]) == (1, 1), "written once, not each minute"
        Offer.objects.update(refused_at=None)
        OrderLine.objects.filter(stock_unit=None, shipped=0).update(cancelled=F("ordered"))
        first = short.earliest("pk")
        Shortage.objects.filter(pk=first.pk).update(resolved_at=busy.now)
    watch(busy.organisation.pk)
    with busy.shop.scope():
        left = set(Notification.objects.filter(resolved_at=None).values_list("key", flat=True))
        assert not left & {"waiting:unmapped", "waiting:refused", f"shortage:{first.pk}"}


def test_every_organisation_with_an_account_is_looked_at_and_one_that_fails_stops_no_other(busy: BusyShop, outside: Outside, monkeypatch):
    seen = []

    def gather(organisation: int) -> int:
        seen.append(organisation)
        raise ValueError("broken")

    monkeypatch.setattr(telling, "gather", gather)
    telling.run()
    with busy.shop.scope():
        assert Connection.objects.exists()
    assert busy.organisation.pk in seen
