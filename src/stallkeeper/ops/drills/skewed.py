"""The hub with a clock that can be set wrong: ``python -m stallkeeper.ops.drills.skewed run …``, as ``stallkeeper run`` otherwise.

Only this entry point reads the file ``clock-offset`` of the data folder: seconds by which all processes are ahead of the machine's clock,
and seconds by which those with an odd process number are further ahead. The product itself knows nothing of it.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stallkeeper.core import clock
from stallkeeper.ops.supervisor import leash

FILE = "clock-offset"
_read: dict[str, object] = {}


def set_clock(home: Path, seconds: float, odd: float = 0.0) -> None:
    """From now on all processes of the hub in ``home`` are ahead by so many seconds, odd ones by so many more."""
    fresh = home / f"{FILE}.new"
    fresh.write_text(f"{seconds} {odd}")
    fresh.replace(home / FILE)


def skew() -> timedelta:
    """How far this process's clock is ahead, as of the file now."""
    file = Path(os.environ["STALLKEEPER_HOME"]) / FILE
    try:
        changed = file.stat().st_mtime_ns
    except FileNotFoundError:
        return timedelta()
    if _read.get("changed") != changed:
        everybody, odd = map(float, file.read_text().split())
        _read.update(changed=changed, skew=timedelta(seconds=everybody + (odd if os.getpid() % 2 else 0.0)))
    found = _read["skew"]
    assert isinstance(found, timedelta)
    return found


def install() -> None:
    """For the life of this process, ``core.clock`` tells the wrong time."""
    clock.using(lambda: datetime.now(UTC) + skew()).__enter__()


def main(arguments: list[str]) -> None:
    """``run …``, ``worker …``, or ``web HOST PORT``."""
    install()
    if arguments[0] == "web":
        from stallkeeper.ops import web

        leash()
        web.serve(arguments[1], int(arguments[2]), application="stallkeeper.ops.drills.skewed_wsgi:application")
        return
    from stallkeeper.__main__ import main as stallkeeper
    from stallkeeper.ops import serving

    serving.WEB, serving.WORKER = (("stallkeeper.ops.drills.skewed", "web"), ("stallkeeper.ops.drills.skewed", "worker"))
    stallkeeper(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
