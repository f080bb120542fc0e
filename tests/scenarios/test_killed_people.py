"""Each commit of people, commands and the work of a day: killed before it nothing is there, killed after it all of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stallkeeper.ops.simulation.points import By, to_reach

ROOT = Path(__file__).parents[2]


@pytest.mark.long(60)
@pytest.mark.timeout(1_800)
def test_the_books_are_right_after_each_death() -> None:
    hidden = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "STALLKEEPER_", "PYTEST_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run([sys.executable, "-m", "tests.killed"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert f"{len(to_reach(By.PERSON))} deaths, 0 problems" in said
