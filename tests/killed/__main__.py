"""``python -m tests.killed``: kill at every point that people reach. Exit status 1 if the books are wrong after one, or one is not reached.

``--record [PATHS]`` finds out which test comes past which point and writes ``where.json``; with paths, it looks in these tests only and adds
what they reach.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from stallkeeper.ops.simulation.points import By, to_reach
from tests.killed.plugin import Killer, Recorder

WHERE = Path(__file__).parent / "where.json"
QUIET = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header"]


def main() -> int:
    return record([path for path in sys.argv[1:] if path != "--record"]) if "--record" in sys.argv else kill()


def record(paths: list[str]) -> int:
    """Note for each moment a test that comes past it."""
    recorder = Recorder()
    pytest.main([*QUIET, "--ignore=tests/db/simulation", *(paths or ["tests/db"])], plugins=[recorder])
    known: dict[str, str] = json.loads(WHERE.read_text()) if paths and WHERE.exists() else {}
    wanted = to_reach(By.PERSON)
    found = {moment: known.get(moment) or recorder.seen[moment][0] for moment in wanted if moment in known or moment in recorder.seen}
    WHERE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    missing = [moment for moment in wanted if moment not in found]
    print("\n".join(f"no test reaches {moment}" for moment in missing))
    return 1 if missing else 0


def kill() -> int:
    """Kill once at each moment of the list."""
    where: dict[str, str] = json.loads(WHERE.read_text())
    missing = [f"no test reaches {moment}: write one, then record" for moment in to_reach(By.PERSON) if moment not in where]
    tests: dict[str, list[str]] = {}
    for moment, test in where.items():
        tests.setdefault(test, []).append(moment)
    killer = Killer(tests)
    status = pytest.main([*QUIET, *tests], plugins=[killer])
    unreached = [f"{moment}: its test {where[moment]} did not run" for moment in where if moment not in killer.deaths]
    problems = [*missing, *unreached, *killer.problems]
    print("\n".join(problems))
    print(f"{len(killer.deaths)} deaths, {len(problems)} problems")
    return 1 if problems or status not in {0, 5} else 0


if __name__ == "__main__":
    sys.exit(main())
