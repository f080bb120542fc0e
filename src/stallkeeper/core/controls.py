"""Characters that do something instead of showing something: they come in names and titles of strangers."""

from __future__ import annotations

_BIDI = [*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
CONTROL = {code: f"\\x{code:02x}" for code in [*range(0x20), *range(0x7F, 0xA0)]} | {code: f"\\u{code:04x}" for code in _BIDI}
CONTROL |= {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
"""Nobody may begin a new line, move the cursor or turn the writing direction by a name or a title."""

_LINES = {code: shown for code, shown in CONTROL.items() if code not in {ord("\n"), ord("\t")}}
_JSON = {code: f"\\u{code:04x}" for code in CONTROL if code >= 0x20}


def visible(text: str) -> str:
    """One line, in which control characters are shown instead of obeyed."""
    return text.translate(CONTROL)


def visible_lines(text: str) -> str:
    """The same for our own text of several lines."""
    return text.translate(_LINES)


def visible_json(text: str) -> str:
    """JSON text whose strings hold no such character in clear: it means the same, and a terminal may show it."""
    return text.translate(_JSON)
