"""The command line: from an empty installation to a shipped order; what programs read; one clear line for each error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stallkeeper.__main__ import PLACES, SECTIONS, SHOWN, cli, one_line, run
from stallkit.errors import NeedsReconnect


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]):
    """Run a command; returns what it printed. Fails unless it ends with the expected status."""

    def call(*arguments: str, status: int = 0) -> str:
        capsys.readouterr()
        ended = run(arguments)
        printed = capsys.readouterr()
        assert ended == status, (ended, printed.out, printed.err)
        return printed.out if status == 0 else printed.out + printed.err

    return call


@pytest.fixture
def firm(town):
    return town.firm()


@pytest.fixture
def market(town, firm):
    """An account on the dummy market that nobody is connected to yet."""
    from stallkit.adapters.dummy import emulator as toy
    from tests.scenarios.town import Stall

    shop = toy.Emulator(town.clock)
    stall = Stall(town, firm, "dummy", shop, "http://dummy-cli.test", dict(toy.CONFIG))
    town.stalls.append(stall)
    shop.add_offer("MUG", quantity=5, price="12.50", gtin="4006381333931")
    shop.add_offer("LAMP", quantity=2)
    shop.add_offer("NOVELTY", quantity=1)
    return stall


def connect(says, stall) -> dict[str, object]:
    settings = [part for name, value in stall.config.items() for part in ("--set", f"{name}={value}")]
    arguments = ["connect", "dummy", "--name", "Market", "--channel", "DU", "--base-url", stall.address, *settings]
    return json.loads(says(*arguments, "--json"))


def bind(stall) -> None:
    from stallkeeper.channels.models import Channel

    with stall.shop.scope():
        stall.channel = Channel.objects.get(code="DU")


@pytest.fixture
def goods(tmp_path: Path) -> tuple[Path, Path]:
    products, stock = tmp_path / "products.csv", tmp_path / "stock.csv"
    products.write_text("sku,title,gtin,price,currency\nMUG,Mug,4006381333931,12.50,EUR\nLAMP,Lamp,,30,EUR\n")
    stock.write_text("sku,location,on_hand\nMUG,MAIN,5\nLAMP,MAIN,2\n")
    return products, stock


# --- help ---------------------------------------------------------------------------------------------------------------------------------


def test_help_names_every_command_and_teaches_the_first_steps(says):
    text = says("--help")
    for name in SHOWN:
        assert f"  {name} " in text
    assert "stallkeeper connect emag" in text


@pytest.mark.parametrize("name", PLACES)
def test_every_command_loads_and_explains_itself(name, says):
    text = says(name, "--help")
    assert text.startswith(f"Usage: stallkeeper {name}")
    assert len(text.splitlines()) > 5


def test_the_list_of_commands_has_no_strangers():
    assert list(SHOWN) == [name for section in SECTIONS.values() for name in section]
    assert all(cli.get_command(None, name) for name in PLACES)


def test_help_is_quick_because_it_loads_nothing():
    """Neither Django nor rich is loaded for the list of commands."""
    code = "import sys; from stallkeeper.__main__ import run; run(['--help']); sys.exit(any(m in sys.modules for m in ('django', 'rich')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_word_that_is_no_command_is_wrong_usage(says):
    assert "No such command 'exlpain'" in says("exlpain", status=2)


# --- a first day --------------------------------------------------------------------------------------------------------------------------


def test_from_import_to_a_shipped_order(town, market, says, goods):
    """Import, connect, link, answer, switch on; an order comes, is explained, shipped, and the books are right."""
    products, stock = goods
    assert "2 rows read, 2 changed, 0 refused" in says("import", "products", str(products))
    assert "2 rows read, 2 would be changed, 0 refused" in says("import", "stock", str(stock), "--dry-run")
    says("import", "stock", str(stock))

    made = connect(says, market)
    assert made["channel"] == "DU"
    bind(market)
    assert json.loads(says("link", "DU", "--read", "--json")) == [
        {"channel": "DU", "certain": 2, "ambiguous": 0, "new": 1, "linked": 0, "excluded": 0}
    ]
    assert json.loads(says("link", "DU", "--confirm", "--yes", "--json"))[0]["linked"] == 2

    assert "stock of channel DU is off" in says("channel")
    says("channel", "DU", "--cutover", "include", "--orders", "on", "--stock", "on", "--writes", "on", "--company", "on", "--yes")
    row = json.loads(says("channel", "DU", "--json"))[0]
    assert (row["orders"], row["stock"], row["writes"], row["company"], row["silent"]) == (True, True, True, True, "")

    number = market.emulator.place_order([("MUG", 2)])
    town.work(20)
    order = json.loads(says("orders", "--state", "open", "--json"))[0]
    assert (order["external_id"], order["units"], order["short"], order["state"]) == (number, 2, 0, "acknowledged")
    offer = json.loads(says("offers", "--sku", "MUG", "--json"))[0]
    assert (offer["intended"], offer["believed"]) == (3, 3)
    explained = json.loads(says("explain", "MUG", "--channel", "du", "--json"))[0]
    assert (explained["intended"], explained["verdict"]) == (3, "in_step")
    assert [step["after"] for step in explained["steps"]][:2] == [5, 3]

    assert f"Order {order['number']}: 2 × MUG left with UPS" in says("ship", number, "--carrier", "UPS", "--tracking", "1Z1")
    town.work(20)
    assert market.emulator.orders[number].state == "shipped"
    assert json.loads(says("orders", "--json"))[0]["state"] == "shipped"
    assert "Every channel shows what it should" in says("offers", "--differing")
    assert "WRONG" not in says("check", "--calm")


def test_tables_for_people_say_the_same(town, market, says, goods):
    for kind, file in zip(("products", "stock"), goods, strict=True):
        says("import", kind, str(file))
    connect(says, market)
    bind(market)
    says("link", "DU", "--read", "--confirm", "--yes")
    says("channel", "DU", "--cutover", "include", "--orders", "on", "--stock", "on", "--writes", "on", "--company", "on", "--yes")
    number = market.emulator.place_order([("MUG", 2), ("LAMP", 1)])
    town.work(20)
    assert "MUG, LAMP" in says("orders")
    assert "MUG" in says("offers")
    text = says("explain", "MUG")
    for word in (
        "On hand in the channel's places",
        "Less promised to orders",
        "At most what the channel takes",
        "intended",
        "Free",
        f"{number}",
    ):
        assert word in text
    assert "trade" in says("lanes")
    assert "orders" in says("lanes", "--steps")


def test_a_line_is_cancelled_and_its_stock_comes_back(town, market, says, goods):
    """S1.14, S1.15."""
    for kind, file in zip(("products", "stock"), goods, strict=True):
        says("import", kind, str(file))
    connect(says, market)
    bind(market)
    says("link", "DU", "--read", "--confirm", "--yes")
    says("channel", "DU", "--cutover", "include", "--orders", "on", "--stock", "on", "--writes", "on", "--company", "on", "--yes")
    number = market.emulator.place_order([("MUG", 2), ("LAMP", 1)])
    town.work(20)
    assert "Nobody can be asked here" in says("cancel", number, status=1)
    assert "no such line. Order" in says("cancel", number, "--line", "VASE", "--yes", status=1)
    assert "whole number" in says("cancel", number, "--line", "MUG=two", "--yes", status=1)
    assert "1 × MUG cancelled" in says("cancel", number, "--line", "MUG=1", "--yes")
    town.work(20)
    assert market.emulator.quantity_of("MUG") == 4
    assert json.loads(says("resync", "--json")) == [{"channel": "DU", "offers": 2}]
    town.work(20)
    assert "Every channel shows what it should" in says("offers", "--differing")


# --- what goes wrong ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("explain", "NOTHING"), "there is no offer with the SKU 'NOTHING'"),
        (("ship", "1", "--carrier", "DHL"), "There is no order '1'"),
        (("offers", "--channel", "XX"), "There is no channel 'XX'. There are: none yet."),
        (("connect", "amazom"), "There is no platform 'amazom'. Known are: dummy, emag, ozon, walmart, wildberries, yandex_market."),
        (("connect", "emag", "--set", "user"), "--set user: write it as NAME=VALUE."),
        (("connect", "emag", "--set", "user=ada"), "The setting 'password' (Password) is missing."),
        (("import", "stock", "nowhere.csv"), "There is no file nowhere.csv."),
        (("import", "stock"), "--template stock.xlsx"),
        (("channel", "--stock", "on"), "Name the channel that you want to change"),
        (("orders", "--organisation", "elsewhere"), "There is no organisation 'elsewhere'."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_error_is_one_line_that_says_what_to_do(firm, says, arguments, line):
    text = says(*arguments, status=1)
    assert line in text
    assert len(text.strip().splitlines()) == 1
    assert text.startswith("Error: ")


def test_several_organisations_must_be_told_apart(town, says):
    first, second = town.firm(), town.firm()
    text = says("orders", status=1)
    assert first.organisation.slug in text
    assert second.organisation.slug in text
    assert "No order" in says("orders", "--organisation", first.organisation.slug)


def test_a_refused_row_is_told_by_row_and_column(firm, says, tmp_path):
    file = tmp_path / "products.csv"
    file.write_text("sku,title,gtin\nA,Mug,4006381333931\nB,Lamp,4006381333932\n")
    text = says("import", "products", str(file), "--report", str(tmp_path / "refused.xlsx"), status=1)
    assert "2 rows read, 1 changed, 1 refused" in text
    assert "wrong check digit" in text.replace("\n", " ")
    assert (tmp_path / "refused.xlsx").stat().st_size > 1000


def test_templates_are_written(firm, says, tmp_path):
    says("import", "products", "--template", str(tmp_path / "products.xlsx"))
    says("import", "stock", "--template", str(tmp_path / "stock.csv"))
    assert (tmp_path / "products.xlsx").read_bytes()[:2] == b"PK"
    assert (tmp_path / "stock.csv").read_text(encoding="utf-8-sig").startswith("sku,")
    assert "must end with .xlsx or .csv" in says("import", "stock", "--template", str(tmp_path / "stock.ods"), status=1)


def test_wrong_credentials_are_told_and_nothing_is_stored(market, says):
    from stallkeeper.channels.models import Connection

    settings = market.config | {"client_secret": "wrong"}
    arguments = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    text = says("connect", "dummy", "--base-url", market.address, *arguments, status=1)
    assert text.startswith("Error: ")
    assert "wrong" not in text.replace("is wrong", "")
    with market.shop.scope():
        assert not Connection.objects.exists()


def test_secrets_may_come_from_the_environment(market, says, monkeypatch):
    monkeypatch.setenv("STALLKEEPER_SET_CLIENT_SECRET", market.config["client_secret"])
    says("connect", "dummy", "--base-url", market.address, "--set", "client_id=shop")


def test_rules_are_checked_by_name_and_kind(market, says):
    connect(says, market)
    says("channel", "DU", "--rule", "buffer=2", "--rule", "share=80", "--locations", "MAIN")
    assert "share=80.00, buffer=2" in says("channel", "DU")
    assert "no rule 'bufer'" in says("channel", "DU", "--rule", "bufer=2", status=1)
    assert "'two' is not a number" in says("channel", "DU", "--rule", "buffer=two", status=1)
    assert "no place 'CELLAR'. There are: MAIN" in says("channel", "DU", "--locations", "CELLAR", status=1)
    assert "include|exclude" in says("channel", "DU", "--orders", "on", status=1)


def test_a_stopped_channel_is_released_by_a_person(town, market, says, goods):
    """C21: a plan that would empty the stall stops and waits."""
    from stallkeeper.channels.models import Channel

    for kind, file in zip(("products", "stock"), goods, strict=True):
        says("import", kind, str(file))
    connect(says, market)
    bind(market)
    says("link", "DU", "--read", "--confirm", "--yes")
    says("channel", "DU", "--rule", "zero_limit=1", "--rule", "zero_limit_share=1", "--rule", "buffer=50", "--cutover", "include")
    first = "0 of 2 offers would rise and 2 fall, 2 of them to zero (stays here: writing to the account Market is not allowed)"
    assert first in says("channel", "DU", "--stock", "on", status=1)
    on = ("channel", "DU", "--orders", "on", "--stock", "on", "--writes", "on", "--company", "on", "--yes")
    assert "2 of 2 live offers would go to zero at once" in says(*on, status=1)
    says(*on, "--rule", "buffer=0")
    town.work(20)
    for sku in ("MUG", "LAMP"):
        says("adjust", sku, "--location", "MAIN", "--on-hand", "0", "--reason", "a wrong file")
    town.work(20)
    assert market.emulator.quantity_of("MUG") == 5
    assert "stopped: " in says("channel", "DU")
    says("channel", "DU", "--release", "--yes")
    town.work(20)
    assert market.emulator.quantity_of("MUG") == 0
    with market.shop.scope():
        assert Channel.objects.get().stopped_at is None
    assert "not stopped by this plan" in says("channel", "DU", "--release", "--yes", status=1)


def test_check_ends_with_one_when_something_is_wrong(town, firm, says):
    from django.db import connection

    firm.unit("MUG", 3)
    assert "WRONG" not in says("check")
    with firm.scope(), connection.cursor() as cursor:
        cursor.execute("UPDATE stock_level SET on_hand = 4")
    assert "MUG at MAIN: the level says 4, the movements add up to 3" in says("check", status=1)
    results = json.loads(says("check", "--json", status=1))
    assert [result["invariant"] for result in results if result["broken"]] == ["1"]


def test_people_get_a_link_that_works_once(firm, says):
    from stallkeeper.core.people import use_link

    text = says("users", "add", "mia@example.com", "--role", "warehouse")
    token = text.strip().removesuffix("/").rpartition("/")[2]
    user = use_link(token)
    assert user is not None
    assert user.email == "mia@example.com"
    assert use_link(token) is None
    assert "mia@example.com" in says("users", "list")
    assert "There is no user nobody@example.com" in says("users", "link", "nobody@example.com", status=1)


def test_keys_are_rotated(market, says):
    connect(says, market)
    done = json.loads(says("rotate-keys", "--data-keys", "--json"))
    assert (done["rewrapped"], done["new_data_keys"], done["resealed"] >= 1) == (1, 1, True)


def test_errors_of_ours_speak_for_themselves_and_others_are_named():
    assert one_line(NeedsReconnect("the account refuses us")) == "the account refuses us"
    assert one_line(KeyError("x")) == "KeyError: 'x' (stallkeeper --debug … shows where)"
