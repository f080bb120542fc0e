"""``stallkeeper plan`` and ``stallkeeper send``: the sending table without a screen."""

from __future__ import annotations

import json

import pytest

from stallkeeper.__main__ import run
from stallkeeper.channels.models import Channel, SendPlan
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
