"""The marketplaces that a demo can trade on, as far as the demo itself must know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stallkeeper.ops.boot import BootError


@dataclass(frozen=True, slots=True)
class Platform:
    """``buyers``: how many come here, compared with the other stalls; ``carrier``: who takes its parcels."""

    code: str
    currency: str
    buyers: int
    carrier: str


PLATFORMS = {
    "emag": Platform("EM", "RON", 65, "Sameday"),
    "walmart": Platform("WM", "USD", 35, "UPS"),  # lets sellers acknowledge one order a second
    "wildberries": Platform("WB", "RUB", 35, "Wildberries"),
    "ozon": Platform("OZ", "RUB", 35, "Ozon"),
    "yandex_market": Platform("YA", "RUB", 35, "Market"),
}
DEFAULT = ("emag", "walmart")
SHORT = {"yandex": "yandex_market"}


def chosen(text: str) -> tuple[str, ...]:
    """The platforms of a list with commas, in a fixed order; BootError names one that there is none of."""
    wanted = {SHORT.get(name, name) for name in (part.strip() for part in text.split(",")) if name}
    unknown = sorted(wanted - set(PLATFORMS))
    if unknown or not wanted:
        raise BootError(f"There is no emulated stall {', '.join(unknown) or 'named'}. Choose from: {', '.join(PLATFORMS)}.")
    return tuple(name for name in PLATFORMS if name in wanted)


def kept_in_1c(stalls: Sequence[str]) -> bool:
    """Whether a warehouse is kept in 1C: where all stalls are open, everything is shown."""
    return set(stalls) == set(PLATFORMS)


def shares(stalls: Sequence[str]) -> dict[str, float]:
    """The part of the buyers that comes to each stall."""
    total = sum(PLATFORMS[stall].buyers for stall in stalls)
    return {stall: PLATFORMS[stall].buyers / total for stall in stalls}
