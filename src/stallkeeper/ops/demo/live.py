"""The demo before one's eyes: a table that moves in a terminal, a line now and then where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from stallkeeper.ops.demo import books, judge
from stallkeeper.ops.demo.play import Demo
from stallkeeper.orders.models import Order

Watch = Callable[[Demo], bool]
LINE_SECONDS = 5.0
TABLE_SECONDS = 0.5
RECENT = timedelta(seconds=30)


@contextmanager
def watching(console: Console, stopped: Callable[[], bool]) -> Iterator[Watch]:
    """A function that shows where the demo stands each time it is called, and says whether to go on."""
    if not console.is_terminal:
        yield _paced(LINE_SECONDS, stopped, lambda demo: console.print(line(demo)))
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield _paced(TABLE_SECONDS, stopped, lambda demo: live.update(table(demo), refresh=True))


def _paced(seconds: float, stopped: Callable[[], bool], show: Callable[[Demo], object]) -> Watch:
    due = 0.0

    def watch(demo: Demo) -> bool:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + seconds
            show(demo)
        return not stopped()

    return watch


def lag(since: datetime) -> dict[str, float | None]:
    """Seconds from click to hub, of the orders that came in during the last half minute and were placed since then."""
    recent = Order.objects.filter(imported_at__gt=datetime.now(UTC) - RECENT, ordered_at__gt=since)
    return judge.spread((seen - placed).total_seconds() for placed, seen in recent.values_list("ordered_at", "imported_at"))


def line(demo: Demo) -> str:
    """Where the demo stands, in one line."""
    now, placed = books.glance(), demo.world.counts()["buyers"]["placed"]
    return (
        f"{demo.seconds_of_trade():5.0f} s  orders placed {placed}, in the hub {now['imported']}, acknowledged {now['acknowledged']}, "
        f"units reserved {now['reserved']}, offers to push {now['to_push']}, short {now['short']}"
    )


def table(demo: Demo) -> Table:
    """Where the demo stands, for a terminal."""
    now, counts, delay = books.glance(), demo.world.counts(), lag(demo.began)
    made = Table(
        title=f"Stallkeeper demo, {demo.seconds_of_trade():.0f} s", title_justify="left", show_header=False, box=None, padding=(0, 2)
    )
    buyers: dict[str, int] = counts["buyers"]
    done = demo.person.done
    rows: list[tuple[str, object, str]] = [
        ("Orders placed", buyers["placed"], f"{buyers['turned_away']} found it sold out, {buyers['cancelled']} changed their mind"),
        ("Orders in", now["imported"], f"{now['acknowledged']} acknowledged, {now['shipped']} shipped, {now['cancelled']} cancelled"),
        ("Units reserved", now["reserved"], f"{now['short']} lines short"),
        ("Offers to push", now["to_push"], ""),
        ("Lag, click to hub", _seconds(delay["p50"]), f"95 of 100 within {_seconds(delay['p95'])}"),
        (
            "Behind the counter",
            sum(done.values()),
            ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in sorted(done.items()) if number),
        ),
    ]
    if demo.bookkeeper is not None:
        books_done = demo.bookkeeper.done
        rows.append(
            ("Exchanges with 1C", books_done["exchanges"], f"{books_done['orders']} orders taken, {books_done['booked_out']} booked out")
        )
    for platform, stall in counts["stalls"].items():
        rows.append((f"Calls to {platform}", sum(stall["calls"].values()), _statuses(stall["calls"])))
    for name, value, note in rows:
        made.add_row(name, f"[bold]{value}[/bold]", f"[dim]{note}[/dim]")
    made.add_row("", "", "")
    made.add_row("Back office", demo.hub.base_url, "[dim]Ctrl-C ends the trade[/dim]")
    return made


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


def _statuses(calls: dict[str, Any]) -> str:
    return ", ".join(f"{status}: {number}" for status, number in sorted(calls.items()))


def result(figures: dict[str, Any], problems: list[str]) -> Table:
    """The figures that matter, for a terminal."""
    made = Table(title="What the stalls' logs and the ledger say", title_justify="left", show_header=False, box=None, padding=(0, 2))
    seen, cut = figures["lag_order_seen_s"], figures["lag_stock_cut_s"]
    rows = [
        (
            "Orders placed / in the hub / acknowledged",
            " / ".join(str(figures[f"orders_{name}"]) for name in ("placed", "imported", "acknowledged")),
        ),
        ("Units sold", figures["units_sold"]),
        ("Sold beyond stock / shortages recorded", f"{figures['oversold_units']} / {figures['shortages_recorded']}"),
        ("Offers that show what they should", f"{figures['offers_converged']} of {figures['offers_total']}"),
        ("Offers we believe wrongly", figures["drift"]),
        ("Broken invariants", figures["invariant_violations"]),
        ("From click to hub", _spread(seen)),
        ("From sale to the cut on the other stall", _spread(cut)),
        *((f"   on {platform}", f"{_spread(one)} ({_bound(one)})") for platform, one in cut["by_platform"].items()),
        ("Limits and feed times", f"{figures['limits_scale']:g} × the platforms'"),
        ("Calls", "; ".join(f"{platform} {_statuses(calls)}" for platform, calls in figures["calls"].items())),
        ("Verdict", "[green]all true[/green]" if not problems else f"[red]{len(problems)} problems[/red]"),
    ]
    for name, value in rows:
        made.add_row(name, str(value))
    return made


def _bound(one: dict[str, float | None]) -> str:
    """What 95 of 100 had to keep to, and why."""
    bound, limit = one["bound"] or 0.0, one["limit_p95"]
    kept = "within" if (one["p95"] or 0.0) <= bound else "[red]not within[/red]"
    return f"{kept} {bound:.1f} s" + (f"; its limit alone: {limit:.1f} s" if limit is not None else "")


def _spread(one: dict[str, float | None]) -> str:
    return f"half within {_seconds(one['p50'])}, 95 of 100 within {_seconds(one['p95'])}, at worst {_seconds(one['max'])}"
