"""``stallkeeper plan`` and ``stallkeeper send``: the sending table without a screen."""

from __future__ import annotations

import json

import pytest

from stallkeeper.__main__ import run
from stallkeeper.channels import plans
from stallkeeper.channels.models import Channel, Connection, SendPlan
from stallkeeper.core import clock
from tests.db.test_plans_of_rules import product
from tests.market import Market, Stall


@pytest.fixture
def cli(market: Market, capsys: pytest.CaptureFixture[str]):
    def call(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with clock.using(market.clock):
            code = run([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_plan_is_made_sent_followed_and_undone_from_the_command_line(market: Market, stall: Stall, cli) -> None:
    code = stall.channel.code
    units = [market.shop.unit(sku, 10) for sku in ("CUP", "MUG")]
    for unit in units:
        stall.offer(unit, shown=10)
    stall.run()
    assert "No plan is saved" in cli("plan")[1]
    status, out, _ = cli("plan", "--rule", f"{code}:buffer=4", "--json")
    assert status == 0
    said = json.loads(out)
    assert (said["channels"][0]["channel"], said["channels"][0]["falls"]) == (code, 2)
    assert f"--plan {said['fingerprint'][:12]}" in cli("plan")[1]
    assert [(row["before"], row["after"]) for row in json.loads(cli("plan", "--items", "--json")[1])] == [(10, 6), (10, 6)]

    market.stock(units[0], 9)
    status, _, err = cli("send", "--plan", said["fingerprint"][:12])
    assert status == 1
    assert f"{code} CUP: the plan says 10 → 6, now it is 10 → 5" in err
    assert cli("send", "--plan", said["fingerprint"][:12], "--let-sales-go-on")[0] == 0
    stall.run()
    (sent,) = json.loads(cli("send", "--json")[1])
    assert (sent["state"], sent["values"], sent["accepted"], sent["waiting"]) == ("done", 2, 2, 0)
    assert sorted(offer.quantity for offer in stall.emulator.offers.values()) == [5, 6]

    assert "Undoes plan" in cli("plan", "--undo")[1]
    assert "No plan is saved" in cli("plan", "--discard")[1]
    with market.shop.scope():
        assert Channel.objects.get(pk=stall.channel.pk).buffer == 4
    assert cli("send", "--sku", "MUG", "--channel", code)[0] == 0
    assert cli("send", "--all")[0] == 0
    assert len(json.loads(cli("send", "--json")[1])) == 3


def test_rules_of_a_category_are_counted_held_and_undone_from_the_command_line(market: Market, stall: Stall, cli) -> None:
    """D3: what a rule would send is said before it is in force; limits hold where nobody is asked; the plan of a colleague stays."""
    code = stall.channel.code
    for number in range(12):
        stall.offer(product(market.shop, f"MUG-{number}", "Mugs", 10), shown=10)
    stall.run()
    cli("plan", "--rule", f"{code}:buffer=1")
    words = ("rules", code, "--category", "Mugs", "--set", "share=0")
    status, _, err = cli(*words)
    assert (status, stall.todo()) == (1, [])
    assert (
        f"{code}: 0 of 12 offers would rise and 12 fall, 12 of them to zero; 12 of 12 live offers would go to zero at once. Go on?" in err
    )
    status, _, err = cli(*words, "--yes")
    assert status == 1
    assert "stopped by the limits" in err
    assert "(--sure)" in err
    status, out, _ = cli(*words, "--yes", "--sure", "--json")
    assert (status, json.loads(out)[0]["of"]) == (0, "category Mugs")
    stall.run()
    assert {offer.quantity for offer in stall.emulator.offers.values()} == {0}
    assert "12" in cli("plan")[1], "the plan that was saved is still there"
    assert "Undoes plan" in cli("plan", "--undo")[1]


def test_what_is_switched_on_is_a_plan_and_what_is_switched_off_is_at_once(market: Market, stall: Stall, cli) -> None:
    """S3.28, S3.29, S3.36, D3: on is said, limited, sent as said, undone; off asks nobody, and holds also if the rest is refused."""
    code, organisation = stall.channel.code, market.shop.organisation.pk
    for number in range(12):
        stall.offer(product(market.shop, f"MUG-{number}", "Mugs", 10), shown=10)
    stall.run()

    def state() -> tuple[bool, bool, bool]:
        with market.shop.scope():
            channel = Channel.objects.select_related("connection", "organisation").get(pk=stall.channel.pk)
            return channel.stock_enabled, channel.connection.writes_allowed, channel.organisation.sending_enabled

    status, _, err = cli("channel", code, "--stock", "off", "--writes", "off", "--company", "off")
    assert (status, state(), "Off: stock, writes, company." in err) == (0, (False, False, False), True)
    status, _, err = cli("channel", code, "--stock", "off", "--rule", "colour=red")
    assert (status, "Off: stock." in err) == (1, True)
    on = ("channel", code, "--stock", "on", "--writes", "on", "--company", "on", "--rule", "share=0")
    status, _, err = cli(*on)
    assert (status, state()) == (1, (False, False, False))
    assert (
        f"{code}: 0 of 12 offers would rise and 12 fall, 12 of them to zero; 12 of 12 live offers would go to zero at once. Go on?" in err
    )
    status, _, err = cli(*on, "--yes")
    assert (status, state(), "stopped by the limits" in err) == (1, (False, False, False), True)
    assert cli(*on, "--yes", "--sure")[0] == 0
    assert state() == (True, True, True)
    stall.run()
    assert {offer.quantity for offer in stall.emulator.offers.values()} == {0}
    assert cli("channel", code, "--stock", "on", "--company", "on")[0] == 0, "they are on: nobody is asked"
    assert "Undoes plan" in cli("plan", "--undo")[1]
    with market.shop.scope():
        assert plans.open_plan().proposal == {  # type: ignore[union-attr]
            "sending": False,
            "channels": {str(stall.channel.pk): {"switches": {"stock": False}, "rules": {"share": "100"}}},
            "writes": {str(stall.connection_id): False},
        }
        assert SendPlan.objects.filter(organisation_id=organisation, state=SendPlan.State.APPLIED).count() == 1


def test_a_switch_that_says_something_else_by_now_is_refused(market: Market, stall: Stall, cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock moves while somebody reads the question."""
    unit = market.shop.unit("MUG", 10)
    stall.offer(unit, shown=10)
    stall.run()
    assert cli("channel", stall.channel.code, "--stock", "off")[0] == 0
    monkeypatch.setattr("stallkeeper.ops.terminal.agreed", lambda _question, _yes: market.stock(unit, 30))
    status, _, err = cli("channel", stall.channel.code, "--stock", "on", "--orders", "on")
    assert status == 1
    assert f"{stall.channel.code} MUG: the plan says nothing to send, now it is 10 → 30" in err
    with market.shop.scope():
        assert not Channel.objects.get(pk=stall.channel.pk).stock_enabled


def test_an_account_is_switched_in_a_plan_from_the_command_line(market: Market, stall: Stall, cli) -> None:
    code = stall.channel.code
    assert cli("channel", code, "--acknowledge", "off")[0] == 0, "what sends no figures is no plan"
    with market.shop.scope():
        assert not Channel.objects.get(pk=stall.channel.pk).acknowledge_enabled
        assert not SendPlan.objects.exists()
    assert cli("channel", code, "--writes", "off")[0] == 0
    status, out, _ = cli("plan", "--switch", f"{code}:writes=on", "--json")
    assert (status, json.loads(out)["proposal"]) == (0, {"writes": {str(stall.connection_id): True}})
    assert cli("send", "--plan", json.loads(out)["fingerprint"])[0] == 0
    with market.shop.scope():
        assert Connection.objects.get(pk=stall.connection_id).writes_allowed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "--rule", "buffer=2"), "CODE:NAME=VALUE"),
        (("plan", "--rule", "NO:buffer=2"), "There is no channel 'NO'"),
        (("plan", "--rule", "{code}:colour=red"), "no rule 'colour'"),
        (("plan", "--rule", "{code}:buffer=few"), "'few' is not a number"),
        (("plan", "--switch", "{code}:stock=maybe"), "on or off"),
        (("plan", "--switch", "{code}:orders=on"), "stock, prices, active"),
        (("plan", "--now", "--undo"), "one thing at a time"),
        (("plan", "--undo"), "No plan was applied"),
        (("plan", "--take-back", "import:77"), "changed no stock"),
        (("send", "--plan", "abc"), "eight characters"),
        (("send", "--plan", "abcdefgh12"), "No plan has"),
        (("send", "--sku", "NOTHING"), "No offer has the SKU"),
        (("send", "--channel", "NOPE"), "no active channel"),
        (("send", "--show", "999999"), "no send 999999"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line_and_nothing_is_kept(
    market: Market, stall: Stall, cli, words: tuple[str, ...], said: str
) -> None:
    status, _, err = cli(*(word.format(code=stall.channel.code) for word in words))
    assert (status, len(err.strip().splitlines())) == (1, 1)
    assert said in err
    with market.shop.scope():
        assert not SendPlan.objects.exists()
