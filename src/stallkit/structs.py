"""Makes msgspec's types ready before threads use them.

msgspec looks at a Struct when it is first decoded, and notes what it has found so far where every thread sees it: two threads that decode
the same Struct for the first time at once crash the process (msgspec 0.20 and 0.21; tests/unit/test_structs.py shows it).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec

_lock = threading.Lock()
_ready: set[type[msgspec.Struct]] = set()


def make_ready() -> None:
    """Look at every Struct that is loaded by now, in this one thread; others wait. To be called after a module with Structs is loaded."""
    with _lock:
        for kind in _loaded(msgspec.Struct):
            if kind not in _ready:
                msgspec.json.Decoder(kind)
                _ready.add(kind)


def _loaded(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for kind in base.__subclasses__():
        if kind.__module__.split(".")[0] in {"stallkit", "stallkeeper"}:
            yield kind
        yield from _loaded(kind)
