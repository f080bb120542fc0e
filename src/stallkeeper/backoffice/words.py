"""Texts of the house and of the kit in the language of the person who looks (ADR 0062)."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

from stallkeeper.backoffice.local import Figure
from stallkit.words import Said, again

ON_SCREEN = {
    "(--encoding on the command line)": gettext_noop("under “Encoding”"),
    "say so (on the command line: --encoding utf-16-le)": gettext_noop("choose utf-16-le under “Encoding”"),
}
"""What names an option of the command line, and the field of the screen in its place."""


def told(what: object) -> str:
    """An error, or a text, as screens show it. A text without a pattern is shown as it is."""
    text = str(what)
    if isinstance(text, Said):
        return again(text, lambda pattern: gettext(ON_SCREEN.get(pattern, pattern)), Figure)
    for option, field in ON_SCREEN.items():
        text = text.replace(option, gettext(field))
    return text
