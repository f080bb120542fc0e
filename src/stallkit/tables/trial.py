"""A workbook that is large enough to hurt is opened in a process of its own first, whose memory and time the system limits.

The child ends with 0 if it could be read from end to end within the limits. ``python -m stallkit.tables.trial FILE`` is the
child.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

MEMORY = 4_000_000_000
"""Addresses, not pages: 500 MB of plain cells need half of it."""
SECONDS = 60
FINE, UNREADABLE = 0, 3


def survives(path: Path) -> bool:
    """Whether a process with limited memory and time gets through the file. One that is merely damaged survives: the reader says more."""
    command = [sys.executable, "-I", __file__, str(path)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS * 2, check=False, env={})  # noqa: S603
    except subprocess.TimeoutExpired:
        return False
    return done.returncode in {FINE, UNREADABLE}


def limit() -> None:
    """From here on this process gets no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read_through(path: str) -> int:
    """Open the first sheet, as the import will."""
    limit()
    try:
        workbook = CalamineWorkbook.from_path(path)
        for _ in workbook.get_sheet_by_index(0).iter_rows():
            pass
    except CalamineError:
        return UNREADABLE
    return FINE


if __name__ == "__main__":
    sys.exit(read_through(sys.argv[1]))
