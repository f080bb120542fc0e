"""``--organisation`` of every command: nothing of another organisation is shown, found or changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stallkeeper import __main__ as program
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import ObservedHold, SendPlan, SendTask
from stallkeeper.orders.models import Order
from stallkeeper.stock.models import StockSource
from stallkeeper.sync.models import Exchange
from tests.db.tenancy.furnished import CANARY, Neighbours, changes, figures
from tests.tables import csv_file

ASKED: dict[str, list[list[str]]] = {
    "import": [["stock", "{file}"], ["products", "{file}", "--dry-run"]],
    "connect": [["emag", "--name", "THEIRS"], ["emag", "--name", "{account}", "--reconnect"]],
    "link": [["EMR", "--json"]],
    "channel": [[], ["EMR", "--json"]],
    "exchange": [["--json"], ["--new-password", "{exchange}"], ["--open", "{exchange}", "--no-orders"]],
    "location": [[], ["EAST", "--name", "Ours"]],
    "sources list": [["--json"]],
    "sources add": [["api", "--location", "MAIN", "--name", "Ours", "--on"]],
    "sources map": [["{source}"], ["{source}", "--column", "code=a", "--column", "quantity=b"]],
    "sources set": [["{source}", "--on", "--key"]],
    "sources run": [["{source}"], ["{source}", "--file", "{file}"]],
    "sources runs": [["{source}"], ["{source}", "--allow", "1"], ["{source}", "--problems", "1"]],
    "users add": [["guest@example.com", "--role", "read_only"]],
    "keys list": [["--json"]],
    "keys make": [["Ours", "--may", "view_stock"]],
    "keys end": [["kw0enteredkw"]],
    "orders": [["--json"], ["--limit", "500"]],
    "ship": [["{order}", "--carrier", "DHL"]],
    "cancel": [["{order}", "--yes"]],
    "not-left": [["{order}"]],
    "retry": [["{order}"]],
    "offers": [["--json"], ["--sku", "THEIRS-1"]],
    "explain": [["THEIRS-1"], ["{sku}"], ["{sku}", "--at", "2026-11-01 12:00"]],
    "exposure": [["--json"], ["--channel", "EMR"]],
    "case": [["{order}", "1"]],
    "adjust": [["THEIRS-1", "--location", "MAIN", "--on-hand", "3", "--reason", "counted"]],
    "hold": [["--json"], ["THEIRS-1", "--location", "MAIN", "--units", "1", "--reason", "kept"]],
    "rules": [["EMR", "--json"], ["EMR", "--sku", "{sku}", "--set", "buffer=1", "--yes"]],
    "plan": [["--now", "--json"], ["--items", "--json"], ["--rule", "EMR:buffer=3"], ["--take-back", "import:1"], ["--runs", "--json"]],
    "send": [["--json"], ["--sku", "THEIRS-1"], ["--plan", "{fingerprint}"], ["--show", "{task}"]],
    "reserves": [["--all", "--json"], ["--let-go", "{hold}", "--reason", "ours"]],
    "balancer": [["--json"], ["--ready", "--json"], ["--start", "EMR"], ["--channel", "EMR", "--minutes", "5"]],
    "guard": [["--json"], ["{sku}"], ["THEIRS-1", "--off"]],
    "price": [["THEIRS-1", "9.99"], ["{sku}"]],
    "count": [["{file}", "--location", "MAIN", "--as-of", "2026-03-01 12:00"]],
    "resync": [["--json"]],
    "lanes": [["--steps", "--json"], []],
    "check": [["--json"], ["--calm"]],
}
"""What each command is asked: what of theirs it could name, and what it lists."""


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command below, by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        yield f"{before}{name}", command


def for_one() -> set[str]:
    """Commands that work for one organisation."""
    return {words for words, command in commands(program.cli) if any("--organisation" in each.opts for each in command.params)}


def test_every_command_for_one_organisation_is_asked() -> None:
    assert set(ASKED) == for_one()


@pytest.fixture
def known(neighbours: Neighbours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What somebody may have heard of theirs."""
    monkeypatch.setattr("stallkeeper.ops.boot.start", lambda **_options: None)
    file = csv_file(tmp_path / "file.csv", [["sku", "counted", "on_hand", "location", "title"], ["THEIRS-1", "3", "3", "MAIN", "Ours"]])
    with neighbours.theirs.shop.scope():
        order, unit = Order.objects.order_by("pk")[0], StockUnit.objects.order_by("pk")[0]
        account, hold = neighbours.theirs.near.connection, ObservedHold.objects.order_by("pk")[0]
        account.refresh_from_db()
        plan, task = SendPlan.objects.get(), SendTask.objects.get()
        source = StockSource.objects.order_by("pk")[0]
        exchange = Exchange.objects.get().source_id
    more = {"exchange": str(exchange), "source": str(source.pk), "fingerprint": plan.fingerprint, "task": str(task.pk)}
    return more | {"order": order.number, "sku": unit.sku, "account": account.name, "file": str(file), "hold": str(hold.pk)}


@pytest.mark.parametrize("words", sorted(ASKED))
def test_a_command_shows_and_changes_nothing_of_another(words: str, neighbours: Neighbours, known: dict[str, str], capsys) -> None:
    before = figures(neighbours.theirs)
    for arguments in ASKED[words]:
        given = [argument.format(**known) for argument in arguments]
        code = program.run([*words.split(), *given, "--organisation", neighbours.ours.organisation.slug])
        said = "".join(capsys.readouterr())
        for argument in given:  # an error repeats what was typed
            said = said.replace(argument, "")
        assert code in {0, 1, 2}
        assert said.strip(), "a command says something"
        assert CANARY.findall(said.encode()) == []
    assert changes(neighbours.theirs, before) == set()


@pytest.mark.parametrize("words", ["orders", "offers", "lanes", "channel"])
def test_a_command_shows_what_belongs_to_the_organisation(words: str, neighbours: Neighbours, known: dict[str, str], capsys) -> None:
    """The pair of the test above: asked for the other one, it is full of canaries."""
    assert program.run([words, "--json", "--organisation", neighbours.theirs.organisation.slug]) == 0
    assert CANARY.findall(capsys.readouterr().out.encode())
