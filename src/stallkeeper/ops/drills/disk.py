"""A disk of a few megabytes, to be filled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stallkeeper.ops.drills.stage import Skipped


@contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[None]:
    """``folder`` on a disk of its own in memory. Skipped where this process may not mount one."""
    if os.geteuid() != 0:
        raise Skipped("only root may mount the small disk that this drill fills")
    mode = oct(folder.stat().st_mode & 0o777)[2:]
    made = subprocess.run(  # noqa: S603
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode={mode}", "stallkeeper-drill", str(folder)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise Skipped(f"no small disk can be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)  # noqa: S603, S607
