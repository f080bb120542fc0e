"""``python -m tests.killed``: kill at every point that people reach. Exit status 1 if the books are wrong after one, or one is not reached.

``--record`` finds out which test comes past which point and writes ``where.json``; with paths behind it, only these tests are looked
through, and what they reach is added.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stallkeeper.ops.simulation.points import By, to_reach
from tests.killed.plugin import Killer, Recorder

HERE = Path(__file__).parent
WHERE, CANDIDATES = HERE / "where.json", HERE / "candidates.json"
QUIET = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header"]
MOST = 6
"""Tests that are tried for a moment, until the kill shows something in one."""


def main() -> int:
    if "--choose" in sys.argv:
        return choose()
    return record([path for path in sys.argv[1:] if path != "--record"]) if "--record" in sys.argv else kill()


def record(paths: list[str]) -> int:
    """Note for each moment the tests that come past it, then choose one of them."""
    recorder, environment = Recorder(), dict(os.environ)  # without the server that pytest starts here and ends
    pytest.main([*QUIET, "--ignore=tests/db/simulation", *(paths or ["tests/db"])], plugins=[recorder])
    known = _read(WHERE) if paths else {}
    wanted = to_reach(By.PERSON)
    CANDIDATES.write_text(json.dumps({moment: recorder.seen.get(moment, []) for moment in wanted if moment not in known}))
    try:  # in a process of its own: the tests' database is set up once per process
        subprocess.run([sys.executable, "-m", "tests.killed", "--choose"], env=environment, check=False)
        found = known | _read(CANDIDATES)
    finally:
        CANDIDATES.unlink()
    WHERE.write_text(json.dumps({moment: found[moment] for moment in wanted if moment in found}, indent=1) + "\n")
    return 0 if len(found) == len(wanted) else 1


def choose() -> int:
    """Of each moment's candidates, the first in which the kill leaves the books as they must be."""
    wanted: dict[str, list[str]] = {}
    candidates = {moment: tests[:MOST] for moment, tests in _read(CANDIDATES).items()}
    for moment, tests in candidates.items():
        for test in tests:
            wanted.setdefault(test, []).append(moment)
    killer = Killer(wanted)
    pytest.main([*QUIET, *wanted], plugins=[killer])
    print("\n".join(killer.problems.values()))
    fine = {
        moment: next((test for test in tests if (test, moment) in killer.deaths and (test, moment) not in killer.problems), None)
        for moment, tests in candidates.items()
    }
    CANDIDATES.write_text(json.dumps({moment: test for moment, test in fine.items() if test}))
    return 0


def kill() -> int:
    """Kill once at each moment of the list."""
    where = _read(WHERE)
    missing = [f"no test reaches {moment} as it should: write one, then record" for moment in to_reach(By.PERSON) if moment not in where]
    tests: dict[str, list[str]] = {}
    for moment, test in where.items():
        tests.setdefault(test, []).append(moment)
    killer = Killer(tests)
    status = pytest.main([*QUIET, *sorted(tests)], plugins=[killer])  # those of one module share what it keeps
    dead = {moment for _test, moment in killer.deaths}
    unreached = [f"{moment}: its test {where[moment]} did not run" for moment in where if moment not in dead]
    problems = [*missing, *unreached, *killer.problems.values()]
    print("\n".join(problems))
    print(f"{len(killer.deaths)} deaths, {len(problems)} problems")
    return 1 if problems or status not in {0, 5} else 0


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text()))


if __name__ == "__main__":
    sys.exit(main())
