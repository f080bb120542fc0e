"""Histograms of durations whose buckets grow by a tenth: they can be added up, and percentiles read from them are off by at most ``ERROR``.

Bucket 0 holds what took at most ``LEAST`` seconds and reads as 0; bucket n > 0 holds durations up to LEAST * GROWTH**n, as in DDSketch
(Masson, Rim, Lee: DDSketch, 2019). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

Histogram = dict[int, int]
"""Bucket to how many durations fell into it; never zero of them."""
Floats = npt.NDArray[np.float64]

LEAST = 0.01
"""Seconds. What is shorter reads as no time at all."""
GROWTH = 1.1
ERROR = (GROWTH - 1) / (GROWTH + 1)
"""By how much a percentile may be off, as a part of the exact one: just under 5 %."""


def buckets(seconds: Floats) -> npt.NDArray[np.int64]:
    """The bucket of each duration."""
    steps: Floats = np.log(np.maximum(seconds, LEAST) / LEAST) / np.log(GROWTH)
    return np.ceil(np.round(steps, 9)).astype(np.int64)


def histogram(seconds: Floats, times: npt.NDArray[np.int64] | None = None) -> Histogram:
    """The histogram of durations, each counted once, or as many ``times``."""
    counts = np.bincount(buckets(seconds), weights=times) if len(seconds) else np.zeros(0)
    return {int(bucket): int(counts[bucket]) for bucket in np.nonzero(counts)[0]}


def merged(parts: Iterable[Mapping[int, int]]) -> Histogram:
    """All of them as one."""
    whole: Histogram = {}
    for part in parts:
        for bucket, count in part.items():
            whole[bucket] = whole.get(bucket, 0) + count
    return whole


def percentile(of: Mapping[int, int], part: float) -> float | None:
    """The duration in seconds within which ``part`` of all were (nearest rank), within ERROR of it; None of nothing."""
    wanted, seen = part * sum(of.values()), 0
    for bucket in sorted(of):
        seen += of[bucket]
        if seen >= wanted:
            return value_of(bucket)
    return None


def value_of(bucket: int) -> float:
    """The duration that a bucket stands for, in seconds."""
    return LEAST * GROWTH**bucket * 2 / (GROWTH + 1) if bucket else 0.0
