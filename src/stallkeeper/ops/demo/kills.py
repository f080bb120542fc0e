"""``kill -9`` in the middle of trade: of the worker, the web server, the hub's whole process tree. Afterwards everything must be true.

    python -m stallkeeper.ops.demo.kills --times 20 --seed 3

Buyers, stalls and the person behind the counter go on while the hub lies dead. Exit status 1 if an order is missing, differs or was shipped
twice, an offer shows a wrong number, or an invariant is broken.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import click

from stallkeeper.ops.demo.play import Demo, Hub, Options, opened

KINDS = ("worker", "tree", "worker", "web server", "tree")
PAUSES = (1.0, 5.0)
"""Seconds from one kill to the next, shortest and longest."""
DOWN = (0.0, 3.0)
"""Seconds that the hub lies dead before somebody starts it again."""


class Killer:
    """Kills at moments that a seed decides, until it has killed often enough."""

    def __init__(self, times: int, seed: int, say: Callable[[str], None]) -> None:
        self.left, self.say = times, say
        self.done: Counter[str] = Counter()
        self._chance = Random(f"kills/{seed}")  # noqa: S311 - any moment will do
        self._due = 0.0

    def watch(self, demo: Demo) -> bool:
        """To be called all the time while there is trade; False when all is killed and a last stretch of trade is over."""
        now = time.monotonic()
        if not self._due:
            self._due = now + self._chance.uniform(*PAUSES)
        if now >= self._due:
            if not self.left:
                return False
            self.left -= 1
            self.kill(demo.hub)
            self._due = time.monotonic() + self._chance.uniform(*PAUSES)
        return True

    def kill(self, hub: Hub) -> None:
        """One kill. A worker and a web server are started again by their parent; after a whole tree, somebody must do it."""
        kind = KINDS[sum(self.done.values()) % len(KINDS)]
        self.done[kind] += 1
        if kind == "tree":
            hub.kill(hub.family())
            time.sleep(self._chance.uniform(*DOWN))
            hub.start()
        else:
            hub.kill(hub.workers() if kind == "worker" else hub.web_servers())
        self.say(f"killed: {kind} ({sum(self.done.values())})")


def play(options: Options, times: int, say: Callable[[str], None]) -> tuple[dict[str, Any], list[str]]:
    """A demo with so many kills; returns (figures, problems)."""
    with opened(options, say) as demo:
        demo.settle("first_send_s", lambda _: True)
        killer = Killer(times, options.seed, say)
        demo.trade(killer.watch)
        calm = demo.settle("calm_s", lambda _: True)
        figures, problems = demo.judge()
        figures["kills"] = dict(killer.done)
        if not calm:
            problems.append(f"not calm {figures['calm_s']:.0f} s after the last buyer")
    return figures, problems


@click.command()
@click.option("--times", type=click.IntRange(1), default=20, show_default=True, help="How often to kill.")
@click.option("--seed", type=int, default=1, show_default=True, help="Goods, buyers and moments.")
@click.option("--limits-scale", type=click.FloatRange(0.01, 10), default=1.0, show_default=True, help="0.1: limits ten times faster.")
def main(times: int, seed: int, limits_scale: float) -> None:
    """Kill the hub's processes in the middle of a demo, and see whether everything comes out right."""
    figures, problems = play(Options(None, seed, limits_scale), times, lambda text: click.echo(text, err=True))
    click.echo(json.dumps(figures, indent=2))
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
