"""Accounts, switches and the cutover question: read-only at first, sealed credentials, an audit entry for each turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from stallkeeper.channels import connect, cutover, plans, switches
from stallkeeper.channels.connect import ConnectError, Settings
from stallkeeper.channels.models import Channel, Connection, Lane
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.core.models import AuditEntry, Organisation, Secret
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import places
from stallkit.manifest import Setting, SettingKind
from stallkit.types import AccountInfo
from tests.shop import Shop

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
GIVEN = Settings({"client_id": "shop"}, {"client_secret": "kept-from-view"})
ACCOUNT = AccountInfo("A-1", "Ada's Stall")


@pytest.fixture
def organisation():
    made = Organisation.objects.create(name="Ada's Stall", slug="ada", created_at=AT)
    with organisation_scope(made.pk):
        yield made


def doing(organisation, at=AT):
    return use_case("test.connect", organisation_id=organisation.pk, at=at)


def connected(organisation, name="Dummy", account=ACCOUNT) -> Connection:
    with doing(organisation) as uc:
        return connect.create(uc, "dummy", name, GIVEN, account)


@pytest.fixture
def channel(organisation) -> Channel:
    account = connected(organisation)
    with doing(organisation) as uc:
        return connect.create_channel(uc, account, code="DU", name="Dummy", currency="eur")


# --- settings -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "'client_id' .* is missing"),
        ({"client_id": "shop", "client_secret": "  "}, "'client_secret' .* is missing"),
        ({"client_id": "shop", "client_secret": "x", "colour": "red"}, "no setting 'colour'. It has: client_id"),
    ],
)
def test_a_setting_that_is_missing_or_unknown_is_named(values, message):
    with pytest.raises(ConnectError, match=message):
        connect.check_settings(connect.manifest("dummy"), values)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (SettingKind.INTEGER, "one", "must be a whole number"),
        (SettingKind.BOOLEAN, "perhaps", "must be yes or no"),
        (SettingKind.URL, "shop.example", "must begin with https://"),
        (SettingKind.CHOICE, "fr", "must be one of ro, bg"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_named(kind, value, message):
    with pytest.raises(ConnectError, match=f"'field'.*{message}"):
        connect.check_setting(Setting("field", "Field", kind, choices=(("ro", "Romania"), ("bg", "Bulgaria"))), value)


def test_settings_are_parted_into_shown_and_hidden_and_defaults_filled_in():
    settings = connect.check_settings(connect.manifest("emag"), {"user": "ada", "password": "pw"})
    assert settings.hidden == {"password": "pw"}
    assert (settings.shown["user"], settings.shown["site"], settings.shown["warehouse_id"]) == ("ada", "ro", "1")


def test_an_unknown_platform_is_answered_with_those_we_know():
    with pytest.raises(ConnectError, match=r"no platform 'amazom'. Known are: dummy, emag, ozon, walmart, wildberries, yandex_market"):
        connect.to_connect("amazom")


def test_platforms_for_tests_are_offered_only_where_they_are_asked_for(settings):
    assert "dummy" in {manifest.platform for manifest in connect.offered()}
    settings.ENV = replace(settings.ENV, test_platforms=False)
    assert [manifest.platform for manifest in connect.offered()] == ["emag", "ozon", "walmart", "wildberries", "yandex_market"]
    with pytest.raises(ConnectError, match=r"no platform 'dummy'. Known are: emag, ozon, walmart, wildberries, yandex_market"):
        connect.to_connect("dummy")
    assert connect.manifest("dummy").title == "Dummy market", "an account that is connected goes on working"


# --- accounts -----------------------------------------------------------------------------------------------------------------------------


def test_a_new_account_may_only_be_read(organisation):
    """Rule 21: first contact is read-only."""
    made = connected(organisation)
    assert (made.state, made.writes_allowed, made.account_id) == ("ready", False, "A-1")
    assert len(made.hint_token) > 20
    assert set(Lane.objects.filter(subject_id=made.pk).values_list("kind", flat=True)) == {"trade", "background"}


def test_credentials_are_sealed_and_open_for_the_adapter_only(organisation):
    made = connected(organisation)
    assert connect.settings_of(Connection.objects.get(pk=made.pk)).all == {"client_id": "shop", "client_secret": "kept-from-view"}
    assert "kept-from-view" not in str(Connection.objects.filter(pk=made.pk).values().get())
    assert b"kept-from-view" not in bytes(Secret.objects.get().ciphertext)
    assert "kept-from-view" not in str(list(AuditEntry.objects.values()))


def test_one_account_is_connected_once(organisation):
    connected(organisation)
    with pytest.raises(ConnectError, match="connection 'Dummy' already"):
        connected(organisation)
    with pytest.raises(ConnectError, match="A-1 is connected already, as 'Dummy'"):
        connected(organisation, name="Again")
    connected(organisation, name="Other", account=replace(ACCOUNT, account_id="A-2"))


def test_reconnecting_replaces_the_credentials_of_the_same_account_only(organisation):
    made = connected(organisation)
    Connection.objects.filter(pk=made.pk).update(state="needs_reconnect", state_reason="revoked")
    renewed = Settings({"client_id": "shop"}, {"client_secret": "new"})
    with doing(organisation) as uc, pytest.raises(ConnectError, match="open the account A-2"):
        connect.reconnect(uc, made.pk, renewed, replace(ACCOUNT, account_id="A-2"))
    with doing(organisation) as uc:
        connect.reconnect(uc, made.pk, renewed, ACCOUNT)
    made = Connection.objects.get(pk=made.pk)
    assert (made.state, made.state_reason, connect.settings_of(made).hidden) == ("ready", "", {"client_secret": "new"})


def test_a_channel_is_off_and_looks_at_the_own_places(organisation):
    """S2.3, S4.32, S4.33."""
    with doing(organisation) as uc:
        main = places.create_location(uc, code="MAIN", name="Main")
        places.create_location(uc, code="SUP", name="Supplier", owner="supplier")
        places.virtual(uc, "customer")
    account = connected(organisation)
    with doing(organisation) as uc:
        channel = connect.create_channel(uc, account, code="DU", name="Dummy", currency="eur")
    assert (channel.orders_enabled, channel.stock_enabled, channel.prices_enabled, channel.currency) == (False, False, False, "EUR")
    assert list(channel.channel_locations.values_list("location_id", flat=True)) == [main.pk]
    with doing(organisation) as uc, pytest.raises(ConnectError, match="code 'DU' is taken"):
        connect.create_channel(uc, account, code="DU", name="Again", currency="EUR")
    with doing(organisation) as uc, pytest.raises(ValidationError, match="One to three letters"):
        connect.create_channel(uc, account, code="D-U", name="Again", currency="EUR")


def test_a_free_code_is_found():
    assert connect.free_code("walmart", []) == "WA"
    assert connect.free_code("walmart", ["WA", "WA2"]) == "WA3"


# --- switches -----------------------------------------------------------------------------------------------------------------------------


def test_orders_and_stock_wait_for_the_answer_about_cutover(organisation, channel):
    for name in ("orders", "stock"):
        with doing(organisation) as uc, pytest.raises(switches.SwitchError, match=r"--cutover include\|exclude"):
            switches.set_channel(uc, channel.pk, **{name: True})
    with doing(organisation) as uc:
        assert switches.set_channel(uc, channel.pk, prices=True) == ["prices"]


def test_a_switch_is_turned_once_and_audited(organisation, channel):
    with doing(organisation) as uc:
        cutover.answer(uc, channel.pk, include=True)
        assert switches.set_channel(uc, channel.pk, orders=True, stock=True) == ["orders", "stock"]
        assert switches.set_channel(uc, channel.pk, orders=True) == []
        assert channel.connection_id in uc.marks["wake_connection"]
    channel.refresh_from_db()
    assert (channel.orders_enabled, channel.stock_enabled, channel.first_send_at) == (True, True, AT)
    assert AuditEntry.objects.get(action="channel.switch").detail == {"orders": True, "stock": True}


def test_an_unknown_switch_is_named(organisation, channel):
    with doing(organisation) as uc, pytest.raises(switches.SwitchError, match="no switch 'everything'"):
        switches.set_channel(uc, channel.pk, everything=True)


def test_a_listing_with_one_price_for_all_warehouses_gets_it_from_one_channel(organisation):
    """Two channels for two warehouses of one account would overwrite each other's prices for ever (glossary, rule 25)."""
    shop = Shop(organisation)
    first, other = shop.channel("wildberries", currency="RUB", code="W1"), shop.channel("wildberries", currency="RUB", code="W2")
    elsewhere = shop.channel("wildberries", currency="RUB", code="W3")
    Channel.objects.filter(pk=other.pk).update(connection=first.connection)
    with doing(organisation) as uc:
        assert switches.set_channel(uc, first.pk, prices=True) == ["prices"]
        assert switches.set_channel(uc, elsewhere.pk, prices=True) == ["prices"]
        with pytest.raises(switches.SwitchError, match="W1 sends the prices of this account already"):
            switches.set_channel(uc, other.pk, prices=True)
    with doing(organisation) as uc:
        switches.set_channel(uc, first.pk, prices=False)
        assert switches.set_channel(uc, other.pk, prices=True, active=False) == ["prices", "active"]
        switches.set_channel(uc, first.pk, prices=True)
        with pytest.raises(switches.SwitchError, match="W1 sends the prices"):
            switches.set_channel(uc, other.pk, active=True)
    with organisation_scope(organisation.pk):
        over = {first.pk: ChannelChange(switches={"prices": False}), other.pk: ChannelChange(switches={"prices": True, "active": True})}
        plans.at_once(organisation.pk, Proposal(channels=over), "user:1")
        assert list(Channel.objects.filter(connection=first.connection, prices_enabled=True).values_list("code", flat=True)) == ["W2"]
        over = {other.pk: ChannelChange(switches={"active": False}), first.pk: ChannelChange(switches={"prices": True})}
        plans.at_once(organisation.pk, Proposal(channels=over), "user:1")
        assert Channel.objects.get(prices_enabled=True, active=True, connection=first.connection).code == "W1"


def test_all_switches_together_let_stock_out(organisation, channel):
    """S3.29: the company switch stops everything."""
    with doing(organisation) as uc:
        cutover.answer(uc, channel.pk, include=False)
        switches.set_channel(uc, channel.pk, orders=True, stock=True)
    assert switches.why_silent(switches.states().get()) == [
        "writing to the account Dummy is not allowed",
        "sending is off for the whole company",
    ]
    with doing(organisation) as uc:
        assert switches.set_writes(uc, channel.connection_id, True)
        assert switches.set_company(uc, True)
        assert not switches.set_company(uc, True)
    assert switches.why_silent(switches.states().get()) == []
    assert AuditEntry.objects.filter(action__in=["company.switch", "connection.switch"]).count() == 2


# --- cutover ------------------------------------------------------------------------------------------------------------------------------


def test_the_answer_can_change_until_orders_are_taken(organisation, channel):
    with doing(organisation) as uc:
        cutover.answer(uc, channel.pk, include=True)
        cutover.answer(uc, channel.pk, include=False, as_of=AT - timedelta(hours=1))
        switches.set_channel(uc, channel.pk, orders=True)
    channel.refresh_from_db()
    assert (channel.cutover, channel.cutover_at) == ("exclude", AT - timedelta(hours=1))
    with doing(organisation) as uc, pytest.raises(cutover.CutoverError, match="takes orders already"):
        cutover.answer(uc, channel.pk, include=True)


def test_figures_cannot_describe_the_future(organisation, channel):
    with doing(organisation) as uc, pytest.raises(cutover.CutoverError, match="still to come"):
        cutover.answer(uc, channel.pk, include=True, as_of=AT + timedelta(seconds=1))
