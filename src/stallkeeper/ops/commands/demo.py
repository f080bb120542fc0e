"""The command ``demo``."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from stallkeeper.ops.demo.play import Demo, Options

WITHOUT_TERMINAL = 60.0


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    help="End after so many seconds of trade and a calm phase. [default: until Ctrl-C; 60 without a terminal]",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same goods and the same buyers each time.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this file.")
@click.option(
    "--limits-scale",
    type=click.FloatRange(0.01, 10),
    default=1.0,
    show_default=True,
    help="Rate limits and feed times of the stalls, as a multiple of the real ones: 0.1 is ten times faster.",
)
@click.option("--rate", type=click.FloatRange(0.1, 20), default=1.4, show_default=True, help="Orders a second.")
@click.option("--articles", type=click.IntRange(20, 5_000), default=500, show_default=True, help="Products in the shop.")
@click.option(
    "--stalls",
    default="emag,walmart",
    show_default=True,
    help="Emulated stalls: also wildberries, ozon, yandex; with all five 1C keeps a warehouse.",
)
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep database and logs in this folder.")
@click.option("--no-browser", is_flag=True, help="Do not open the back office.")
@click.pass_context
def demo(
    ctx: click.Context, seconds: float | None, seed: int, json_file: Path | None, limits_scale: float, rate: float, articles: int,
    keep: Path | None, no_browser: bool, stalls: str,
) -> None:  # fmt: skip
    """A shop with 500 products in two warehouses and two or more emulated marketplaces, trading before your eyes.

    Everything is real but the marketplaces and their buyers: the database (a throw-away one; where there is no embedded one for this kind
    of machine, one of its own on the server of DATABASE_URL, whose role must be allowed to create it), the web server, the worker, the back
    office, the wire formats and their rate limits. Buyers order, rush, want the last units and change their minds; somebody ships,
    cancels and receives goods.

    At the end the stalls' own logs are compared with the ledger. Exit status 1 if an order is missing, an offer shows a wrong number,
    an oversell was not noticed, or an invariant is broken.

    \b
    Examples:
      stallkeeper demo
      stallkeeper demo --seconds 30 --seed 7 --json out.json
      stallkeeper demo --stalls walmart,emag,wildberries,ozon,yandex
    """
    from stallkeeper.ops import terminal
    from stallkeeper.ops.demo.platforms import chosen
    from stallkeeper.ops.demo.play import Options

    if seconds is None and not sys.stdout.isatty():
        seconds = WITHOUT_TERMINAL
    options = Options(seconds, seed, limits_scale, keep, articles, rate, chosen(stalls))
    figures, problems = perform(terminal.console(), options, show_browser=not no_browser)
    if json_file is not None:
        json_file.write_text(json.dumps(figures | {"problems": problems}, indent=2) + "\n")
    ctx.exit(1 if problems else 0)


def perform(console: Console, options: Options, *, show_browser: bool) -> tuple[dict[str, Any], list[str]]:
    """Play the demo and print it; returns (figures, problems). The first Ctrl-C ends the trade, the second everything."""
    from stallkeeper.ops.demo.play import opened

    begun, stop = time.monotonic(), threading.Event()
    with opened(options, lambda text: console.print(f"[dim]{text} …[/dim]")) as show:
        from stallkeeper.ops.demo import live

        _end_trade_on(stop)
        with live.watching(console, lambda: False) as watch:
            show.settle("first_send_s", watch)
        _invite(console, show, show_browser=show_browser)
        with live.watching(console, stop.is_set) as watch:
            show.trade(watch)
        console.print("[dim]The last buyer has left; waiting until all is calm …[/dim]")
        with live.watching(console, lambda: False) as watch:
            calm = show.settle("calm_s", watch)
        figures, problems = show.judge()
        figures["duration_s"] = round(time.monotonic() - begun, 1)
        if not calm:
            problems.append(f"not calm {figures['calm_s']:.0f} s after the last buyer")
        console.print(live.result(figures, problems))
    for problem in problems:
        console.print(f"[red]{problem}[/red]", markup=True, soft_wrap=True)
    if options.keep is not None:
        console.print(f"Kept. Look at it again with: STALLKEEPER_HOME={options.keep.absolute()} stallkeeper run")
    return figures, problems


def _end_trade_on(stop: threading.Event) -> None:
    """Ctrl-C and SIGTERM end the trade; after that they do what they always do."""

    def end(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _invite(console: Console, show: Demo, *, show_browser: bool) -> None:
    """The way into the back office; opened if there is a desktop."""
    address = show.sign_in()
    console.print(f"Back office: {address}", soft_wrap=True)
    desktop = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if show_browser and desktop and sys.stdout.isatty():
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
