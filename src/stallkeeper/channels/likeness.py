"""How alike two titles are: evidence for a person who says which listing is which product. Nothing is linked because of it."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

WORD = re.compile(r"\w+")


def alike(one: str, other: str) -> int:
    """Per cent to which two titles have the same words, whatever their order and case; 0 where one of them is empty."""
    left, right = (sorted(WORD.findall(text.casefold())) for text in (one[:500], other[:500]))
    if not left or not right:
        return 0
    return round(100 * SequenceMatcher(None, " ".join(left), " ".join(right), autojunk=False).ratio())
