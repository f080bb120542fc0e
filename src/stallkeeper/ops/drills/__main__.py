"""``make drills``: every drill, one after the other, each in a process of its own. Arguments go to all of them."""

from __future__ import annotations

import subprocess
import sys

from stallkeeper.ops.drills.catalogue import DRILLS

SKIPPED = 77


def main() -> int:
    """0 if every drill came out right or was skipped with its reason; 1 otherwise."""
    codes = {}
    for name in DRILLS:
        print(f"== {name}: {DRILLS[name].title}", flush=True)  # noqa: T201 - a program
        codes[name] = subprocess.run([sys.executable, "-m", "stallkeeper", "drill", name, *sys.argv[1:]], check=False).returncode  # noqa: S603
    for name, code in codes.items():
        print(f"{name}: {'right' if code == 0 else 'skipped' if code == SKIPPED else 'WRONG'}")  # noqa: T201
    return int(any(code not in {0, SKIPPED} for code in codes.values()))


if __name__ == "__main__":
    sys.exit(main())
