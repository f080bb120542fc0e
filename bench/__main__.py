"""``python -m bench``: measure, print a table, write JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module

from bench import publish, report
from bench.house import House, house
from bench.measure import Result

CASES = {
    "orders": "orders per second, pages and one at a time",
    "hot": "twelve units that everybody buys",
    "hot64": "64 connections on one unit, for five minutes",
    "statements": "statements of a page; a page that comes twice",
    "growth": "the cost of a page and of a change as the catalogue grows",
    "stock": "10,000 stock figures with their offers",
    "sweep": "the nightly look at every offer",
    "plan": "a plan of what is sent, made and applied",
    "drain": "waiting offers to JSON",
    "push": "100,000 offers through each emulator",
    "imports": "100,000 rows from a spreadsheet",
    "first_import": "the first import of orders, into tables nobody has analysed",
    "figures": "what Prometheus asks for, with a million offers",
    "screens": "every screen with a million offers and 300,000 orders",
    "workers": "1, 2 and 4 worker processes; a noisy organisation; a killed worker",
    "rows": "what the tables weigh that grow",
    "lanes": "a tick with 10,000 and 20,000 lanes",
    "startup": "time to the first page; memory of web server and worker",
}


def main() -> int:
    arguments = _arguments()
    results: list[Result] = []
    with house(arguments.quick, arguments.seconds) as ground:
        for name in arguments.only or CASES:
            run: Callable[[House], Iterator[Result]] = import_module(f"bench.cases.{name}").run
            for result in run(ground):
                report.line(result)
                results.append(result)
    report.write(results, quick=arguments.quick)
    if arguments.publish:
        publish.publish(results, datetime.now(UTC).date())
    return 1 if any(result.verdict == "short" for result in results) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the hot paths against hand-written SQL.")
    parser.add_argument("--quick", action="store_true", help="a smoke run of small sizes; its figures prove nothing")
    parser.add_argument("--only", action="append", choices=CASES, help="only this case (may be given several times)")
    parser.add_argument("--seconds", type=float, metavar="S", help="how long cases that last (hot64, workers) go on")
    parser.add_argument("--publish", action="store_true", help="put the figures into docs/performance.md as well")
    arguments = parser.parse_args()
    if arguments.publish and arguments.quick:
        parser.error("--publish: figures of --quick prove nothing")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
