"""A seed that does not end is a finding, not silence: after its time the day is broken off, and says where every walker stands."""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from stallkeeper.ops.simulation.crowd import RESTING, Crowd, Walker
from stallkeeper.ops.simulation.violation import Violation

LIMIT = 240.0
"""Seconds that a day may take; a usual one takes a few, on a busy machine some more."""
INVARIANT = "hang"
DEEPEST = 12
"""So many calls of each stack are shown, the innermost."""


@contextmanager
def limited(crowd: Crowd, seconds: float) -> Iterator[None]:
    """Raises Violation "hang" in this thread once the time is up. Only the main thread can be interrupted: in others there is no limit.

    Whoever does not even then come back (code outside of Python) is ended by the process's own watchdog, which writes all stacks to
    standard error.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise Violation(INVARIANT, f"the day did not end within {seconds:.0f} s\n{stacks(crowd)}")

    begun = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    before, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(seconds + 120, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, max(before - (time.monotonic() - begun), 0.001) if before else 0)
        signal.signal(signal.SIGALRM, handler)


def stacks(crowd: Crowd) -> str:
    """Where the director and every walker that has something to do stand, for people."""
    director = _stack(threading.main_thread().ident)
    return "\n".join([f"director:\n{director}", *(_of(walker) for walker in crowd.walkers if walker.at not in RESTING)])


def _of(walker: Walker) -> str:
    waits = ", waits for a lock" if walker.blocked else ""
    return f"{walker.name} ({walker.process}), last at {walker.at}{waits}:\n{_stack(walker.ident)}"


def _stack(thread: int | None) -> str:
    frame = sys._current_frames().get(thread or 0)
    return "".join(traceback.format_stack(frame)[-DEEPEST:]) if frame else "  (ended)\n"
