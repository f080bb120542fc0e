"""The main job, as a user starts it: two stalls, real wire formats over HTTP, the real server and worker, real rate limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

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
    offers = plan(articles, 7, 1.0, {"emag": 1.0}, 1.0)["stalls"]["emag"]
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
