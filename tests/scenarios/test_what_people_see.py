"""When the outside misbehaves: what a person sees, that nothing else stops, and that it ends well (issue 2, "What it must show", 6).

Each story runs with both stalls open. One suffers; the other goes on trading in the same test; when the trouble is over both are true.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stallkeeper.channels import connect
from stallkeeper.channels.models import Parked
from stallkeeper.core import personal
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import linking
from stallkeeper.orders.models import Order
from stallkeeper.sync import adapters
from stallkit.errors import NeedsReconnect
from stallkit.testing.shop import Fault
from tests.scenarios.town import ACTOR, Stall, Town, assert_adds_up, assert_true, notices
from tests.shop import Shop

ORDERS = {"walmart": "/v3/orders", "emag": "/order/read"}
PLATFORMS = ["walmart", "emag"]
ALWAYS = 100_000


@dataclass(frozen=True)
class Trouble:
    """A fault of every call whose path contains ``path`` and what is visible while it lasts.

    ``state``: the connection's; ``step``, ``words``: the lane step that shows them; ``title``: of the notification, without the account.
    """

    fault: Fault
    state: str = "ready"
    step: str = "orders"
    words: str = ""
    title: str = ""
    quiet_for: float = 0.0
    """Seconds in which nothing may be asked of the orders after the first refusal."""


TROUBLES = {
    ("walmart", "token expired, once"): Trouble(Fault.TOKEN_EXPIRED),
    ("walmart", "credentials revoked"): Trouble(
        Fault.REVOKED, "needs_reconnect", words="gives no token for this client id", title="must be connected again", quiet_for=60
    ),
    ("walmart", "address not allowed"): Trouble(
        Fault.IP_BLOCKED, "needs_reconnect", words="our rights or our address", title="must be connected again", quiet_for=60
    ),
    ("walmart", "HTML instead of JSON"): Trouble(
        Fault.HTML, words="text/html, 42 bytes, is not what the contract says", title="“take orders” could not be done"
    ),
    ("walmart", "JSON cut off"): Trouble(Fault.CUT_JSON, words="is not what the contract says", title="“take orders” could not be done"),
    ("walmart", "429 with Retry-After"): Trouble(Fault.RATE_LIMIT, words="Walmart asks us to slow down (429)", quiet_for=7),
    ("walmart", "429 without Retry-After"): Trouble(Fault.RATE_LIMIT_SILENT, words="Walmart asks us to slow down (429)", quiet_for=30),
    ("walmart", "server errors"): Trouble(Fault.SERVER_ERROR, words="the platform failed (HTTP 500)"),
    ("walmart", "nobody answers"): Trouble(Fault.DROP_BEFORE, words="no reply from walmart-0.test"),
    ("emag", "password changed"): Trouble(
        Fault.TOKEN_EXPIRED, "needs_reconnect", words="refuses our credentials", title="must be connected again", quiet_for=60
    ),
    ("emag", "credentials revoked"): Trouble(
        Fault.REVOKED, "needs_reconnect", words="You are not allowed to use this API", title="must be connected again", quiet_for=60
    ),
    ("emag", "address not allowed"): Trouble(
        Fault.IP_BLOCKED, "needs_reconnect", words="Invalid vendor ip", title="must be connected again", quiet_for=60
    ),
    ("emag", "HTML instead of JSON"): Trouble(Fault.HTML, words="is not what the contract says", title="“take orders” could not be done"),
    ("emag", "JSON cut off"): Trouble(Fault.CUT_JSON, words="is not what the contract says", title="“take orders” could not be done"),
    ("emag", "429 that names its window"): Trouble(Fault.RATE_LIMIT, words="rate limit is exceeded (429)", quiet_for=3),
    ("emag", "429 without Retry-After"): Trouble(Fault.RATE_LIMIT_SILENT, words="rate limit is exceeded (429)", quiet_for=30),
    ("emag", "server errors"): Trouble(Fault.SERVER_ERROR, words="the platform failed (HTTP 502)"),
    ("emag", "nobody answers"): Trouble(Fault.DROP_BEFORE, words="no reply from emag-1.test"),
}


@pytest.fixture
def stalls(town: Town, firm: Shop) -> dict[str, Stall]:
    firm.unit("MUG", 20)
    opened = {platform: town.stall(firm, platform, goods={"MUG": 20}) for platform in PLATFORMS}
    town.work(40)
    assert_true(*opened.values())
    return opened


def others_of(stalls: dict[str, Stall], platform: str) -> Stall:
    return next(stall for name, stall in stalls.items() if name != platform)


def trade(town: Town, stall: Stall, seconds: float = 15) -> None:
    """The other stall: an order comes, is taken over there, and its own figure is right."""
    order = stall.emulator.place_order([("MUG", 1)])
    town.work(seconds)
    assert stall.emulator.orders[order].acknowledge_calls == 1, "nothing else stops"
    assert stall.order(order).state == "acknowledged"


def reconnect(stall: Stall) -> None:
    """A person enters the credentials again: the account is asked who it is first."""
    with stall.shop.scope():
        info = adapters.probe(stall.platform, stall.config, stall.address, adapters.budget_of(stall.account))
    settings = connect.check_settings(connect.manifest(stall.platform), stall.config)
    with stall.use_case("connection.reconnect") as uc:
        connect.reconnect(uc, stall.connection_id, settings, info)


@pytest.mark.parametrize(("platform", "name"), TROUBLES.keys(), ids=[f"{platform}: {name}" for platform, name in TROUBLES])
def test_trouble(town: Town, firm: Shop, stalls: dict[str, Stall], platform: str, name: str) -> None:
    trouble, stall, other = TROUBLES[platform, name], stalls[platform], others_of(stalls, platform)
    times = 1 if name.endswith("once") else ALWAYS
    stall.emulator.fail_next(trouble.fault, times=times, path=ORDERS[platform])
    placed = [stall.emulator.place_order([("MUG", 2)])]
    started = len(stall.emulator.calls)
    trade(town, other, 30)

    assert stall.account.state == trouble.state
    assert trouble.words in stall.step(trouble.step).last_error
    if trouble.state == "needs_reconnect":
        assert trouble.words in stall.account.state_reason
    expected = [f"{stall.name}{'' if trouble.state != 'ready' else ':'} {trouble.title}"] if trouble.title else []
    assert list(notices(firm).values()) == expected
    assert_quiet(stall, started, trouble)

    placed.append(stall.emulator.place_order([("MUG", 2)]))
    stall.emulator.clear_faults()
    if trouble.state == "needs_reconnect":
        before = len(stall.emulator.calls)
        town.work(30)
        assert len(stall.emulator.calls) == before, "no call until a person has acted"
        reconnect(stall)
    town.clock.tick(60)
    town.work(60)
    assert [stall.order(order).state for order in placed] == ["acknowledged", "acknowledged"]
    assert stall.account.state == "ready"
    assert stall.step(trouble.step).last_error == ""
    assert_true(stall, other)
    assert_adds_up(firm, calm=True)
    assert not notices(firm), "what has ended is no longer shown"


def assert_quiet(stall: Stall, started: int, trouble: Trouble) -> None:
    """After a 429, or a refusal of the account, nothing was asked before its time."""
    calls = [call for call in stall.emulator.calls[started:] if ORDERS[stall.platform] in call.path]
    assert calls, "it was tried"
    if trouble.quiet_for and len(calls) > 1:
        assert (calls[1].at - calls[0].at).total_seconds() >= trouble.quiet_for


@pytest.mark.parametrize("platform", PLATFORMS)
def test_after_reconnecting_the_figures_are_read_back_again(town: Town, firm: Shop, stalls: dict[str, Stall], platform: str) -> None:
    """Both lanes rested, both go on: what was typed in the cabinet meanwhile is found by the next rotation, not an hour later."""
    stall = stalls[platform]
    stall.emulator.fail_next(Fault.REVOKED, times=ALWAYS)
    town.work(60)
    stall.emulator.clear_faults()
    stall.emulator.edit_quantity("MUG", 3)
    town.clock.tick(15 * 60)
    reconnect(stall)
    town.work(30)
    assert_true(*stalls.values())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_wrong_credentials_do_not_reconnect(town: Town, firm: Shop, stalls: dict[str, Stall], platform: str) -> None:
    stall = stalls[platform]
    stall.emulator.fail_next(Fault.REVOKED, times=ALWAYS)
    town.work(10)
    with pytest.raises(NeedsReconnect):
        reconnect(stall)
    assert stall.account.state == "needs_reconnect"
    assert any("must be connected again" in title for title in notices(firm).values())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_channel_that_is_dead_for_long_is_called_silent(town: Town, firm: Shop, stalls: dict[str, Stall], platform: str) -> None:
    """C23: silence is an alarm. It is asked more and more seldom, the other stall does not feel it, and afterwards nothing is missing."""
    stall, other = stalls[platform], others_of(stalls, platform)
    stall.emulator.fail_next(Fault.DROP_BEFORE, times=ALWAYS)
    order = stall.emulator.place_order([("MUG", 3)])
    town.work(60)
    town.clock.tick(16 * 60)
    trade(town, other)
    town.work(120)
    assert f"{stall.name} is silent" in notices(firm).values()
    before = len(stall.emulator.calls)
    town.work(60)
    assert len(stall.emulator.calls) - before <= 12, "a channel that is down is asked seldom"
    stall.emulator.clear_faults()
    town.clock.tick(300)
    town.work(90)
    assert stall.order(order).state == "acknowledged"
    assert_true(stall, other)
    assert not notices(firm)


# --- odd orders -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_order_with_an_unknown_word_is_parked_alone(town: Town, firm: Shop, stalls: dict[str, Stall], platform: str) -> None:
    """Rule 4: the newest order of each page carries a status that no document lists. It waits, visibly; the rest goes on."""
    stall, other = stalls[platform], others_of(stalls, platform)
    first = stall.emulator.place_order([("MUG", 1)])
    town.clock.tick(1)
    strange = stall.emulator.place_order([("MUG", 2)])
    stall.emulator.fail_next(Fault.UNKNOWN_ENUM, times=ALWAYS, path=ORDERS[platform])
    trade(town, other, 20)
    assert stall.order(first).state in {"new", "acknowledged"}
    with firm.scope():
        assert not Order.objects.filter(external_id=strange).exists()
        parked = Parked.objects.get(resolved_at=None)
        assert (parked.kind, parked.external_id) == ("order", strange)
        assert ("OnHold" in parked.reason) if platform == "walmart" else ("status 9 is unknown" in parked.reason)
    assert list(notices(firm).values()) == [f"{stall.name}: order {strange} cannot be read"]

    stall.emulator.clear_faults()
    town.clock.tick(16 * 60)
    town.work(60)
    assert stall.order(strange).state == "acknowledged"
    with firm.scope():
        assert not Parked.objects.filter(resolved_at=None).exists()
    assert_true(stall, other)
    assert_adds_up(firm, calm=True)
    assert not notices(firm)


@pytest.mark.parametrize("for_ever", [False, True], ids=["this line only", "for ever"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_order_with_an_unknown_sku_enters_and_waits_for_a_link(
    town: Town, firm: Shop, stalls: dict[str, Stall], platform: str, for_ever: bool
) -> None:
    """C10: the order enters, its known line is served, the unknown one is shown; a person says what it is, and stock follows everywhere."""
    stall, other = stalls[platform], others_of(stalls, platform)
    lamp = firm.unit("LAMP", 5)
    stall.emulator.add_offer("LAMP-OLD", quantity=9)
    order = stall.emulator.place_order([("MUG", 1), ("LAMP-OLD", 2)])
    town.work(20)
    lines = stall.lines(order)
    assert [(line.sku, line.stock_unit_id is not None, line.allocated) for line in lines] == [("MUG", True, 1), ("LAMP-OLD", False, 0)]
    assert stall.emulator.orders[order].acknowledge_calls == 1

    linking.link_line(firm.organisation.pk, lines[1].pk, lamp.pk, for_ever=for_ever, actor=ACTOR)
    town.work(60)
    assert firm.level(lamp) == (5, 2, 0)
    if for_ever:
        again = stall.emulator.place_order([("LAMP-OLD", 1)])
        town.work(20)
        assert [line.allocated for line in stall.lines(again)] == [1]
        assert stall.shown()["LAMP-OLD"] == 2
    stall.ship(order)
    town.work(60)
    assert firm.level(lamp)[0] == 3
    assert [line.shipped for line in stall.emulator.orders[order].lines] == [1, 2]
    assert_true(stall, other)
    assert_adds_up(firm, calm=True)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_listing_that_is_linked_while_its_order_waits(town: Town, firm: Shop, stalls: dict[str, Stall], platform: str) -> None:
    """The usual way: the seller sees the new listing and links it. The waiting line finds its unit, and shipping it works."""
    stall, other = stalls[platform], others_of(stalls, platform)
    lamp = firm.unit("LAMP", 5)
    stall.emulator.add_offer("LAMP", quantity=9)
    order = stall.emulator.place_order([("LAMP", 2)])
    gone = stall.emulator.place_order([("LAMP", 1)])
    town.work(20)
    assert stall.lines(order)[0].stock_unit_id is None
    stall.cancel(gone)
    town.clock.tick(3600)
    town.work(10)
    stall.link()
    town.work(30)
    assert stall.lines(order)[0].stock_unit_id == lamp.pk
    assert firm.level(lamp) == (5, 2, 0)
    assert stall.shown()["LAMP"] == 3
    stall.ship(order)
    town.work(60)
    assert_true(stall, other)
    assert_adds_up(firm, calm=True)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_order_without_a_name_is_an_order(town: Town, firm: Shop, stalls: dict[str, Stall], platform: str) -> None:
    """C27: personal data may be absent; the order is served, shipped and shown."""
    stall, other = stalls[platform], others_of(stalls, platform)
    nameless = stall.emulator.place_order([("MUG", 2)], buyer_name="")
    named = stall.emulator.place_order([("MUG", 1)])
    trade(town, other)
    assert stall.order(nameless).state == "acknowledged"
    with use_case("test.read", organisation_id=firm.organisation.pk) as uc:
        texts = personal.read(uc, "order", [stall.order(nameless).pk, stall.order(named).pk], reason="test")
    known = {subject: text for (subject, _), text in texts.items()}
    assert "Ada" in known[stall.order(named).pk]
    assert "Ada" not in known.get(stall.order(nameless).pk, "")
    stall.ship(nameless)
    town.work(60)
    assert_true(stall, other)
    assert_adds_up(firm, calm=True)
    assert not notices(firm)


# --- two sellers in one house -----------------------------------------------------------------------------------------------------------


def test_nothing_of_one_seller_shows_in_the_other(town: Town) -> None:
    """Invariant 14: the same SKUs, the same order numbers, the same platforms; each seller sees his own, also when one is in trouble."""
    firms = [town.firm(), town.firm()]
    stalls = {}
    for number, firm in enumerate(firms):
        firm.unit("MUG", 10 * (number + 1))
        for platform in PLATFORMS:
            stalls[number, platform] = town.stall(firm, platform, goods={"MUG": 1})
    town.work(40)
    assert_true(*stalls.values())
    same = {stall.emulator.place_order([("MUG", 1 + number)]) for (number, platform), stall in stalls.items() if platform == "emag"}
    assert len(same) == 1, "both platforms number their orders alike"
    stalls[0, "walmart"].emulator.fail_next(Fault.REVOKED, times=ALWAYS)
    town.work(40)
    for number, firm in enumerate(firms):
        with firm.scope():
            orders = list(Order.objects.values_list("organisation_id", "external_id"))
        assert orders == [(firm.organisation.pk, same.copy().pop())]
        assert stalls[number, "emag"].shown() == {"MUG": 9 if number == 0 else 18}
    assert list(notices(firms[0]).values()) == [f"{stalls[0, 'walmart'].name} must be connected again"]
    assert not notices(firms[1])
    assert stalls[1, "walmart"].shown() == {"MUG": 18}
    assert_true(stalls[0, "emag"], stalls[1, "emag"], stalls[1, "walmart"])
    for firm in firms:
        assert_adds_up(firm)
    assert_no_stranger(firms)


def assert_no_stranger(firms: list[Shop]) -> None:
    """No row of a tenant table points to a row of another organisation."""
    from django.apps import apps
    from django.db import connection

    from stallkeeper.core.tenancy import TenantModel

    references = [
        (model._meta.db_table, field.column, target._meta.db_table)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if issubclass(model, TenantModel) and isinstance(target := field.related_model, type) and issubclass(target, TenantModel)
        if target._meta.pk.column == "id"
    ]
    for firm in firms:
        with firm.scope(), connection.cursor() as cursor:
            for table, column, parent in references:
                cursor.execute(f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT id FROM {parent})")
                assert cursor.fetchone() == (0,), f"{table}.{column} refers to what this organisation cannot see"
