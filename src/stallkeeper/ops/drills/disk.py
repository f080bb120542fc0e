"""A disk of a few megabytes, to be filled."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from stallkeeper.ops.drills.stage import Skipped, Stage

BLOCK = 1_000_000


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


def fill_disk(stage: Stage, chance: Random) -> float:  # noqa: ARG001 - one shape for all faults
    """Not a byte is left for the database, nor for the log of the data folder; after a while there is room again."""
    balloon = stage.home / "balloon"
    until = time.monotonic() + stage.options.seconds
    try:
        with balloon.open("ab", buffering=0) as file:
            while time.monotonic() < until:
                _blow_up(file.fileno())
                time.sleep(0.05)
    finally:
        balloon.unlink()
    return time.monotonic()


def _blow_up(descriptor: int) -> None:
    """Take what is left, also of what others gave back meanwhile."""
    size = BLOCK
    while size:
        try:
            os.write(descriptor, b"\0" * size)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            size //= 4
