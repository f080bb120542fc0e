"""The simulation sees mistakes: a few planted bugs, which it finds within a few days. All of them are hunted every night."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUICK = (
    "audit chain broken",
    "unknown article drops the order",
    "cancelled units still held",
    "shortage not closed",
    "amounts of the old snapshot kept",
    "shortage not opened",
)


@pytest.mark.long(60)
@pytest.mark.timeout(1_800)
def test_planted_bugs_are_found_within_a_few_days(tmp_path: Path) -> None:
    hidden = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "STALLKEEPER_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    figures = tmp_path / "figures.json"
    only = [word for name in QUICK for word in ("--only", name)]
    # The first day sees one of the six, and would be played seven times for it.
    command = [sys.executable, "-m", "tests.planted", *only, "--first", "2", "--max-seeds", "30", "--jobs", "2", "--json", str(figures)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert json.loads(figures.read_text())["found"] == len(QUICK)
