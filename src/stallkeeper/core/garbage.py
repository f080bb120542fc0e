"""The garbage collector, told what will never be garbage."""

from __future__ import annotations

import gc

LOOKS_AFTER = (20_000, 20, 50)
"""New objects until the collector looks at them, and how often it looks at older ones. By itself it looks after 700: many times for a large
page, and at all that templates are made of on every tenth of them."""


def spare_what_is_loaded() -> None:
    """Take everything that is loaded by now out of the collector's sight: code and models stay for the life of the process.

    Looking at them all takes a tenth of a second, and handling some ten thousand offers or orders makes the collector look.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*LOOKS_AFTER)
