"""A person at a browser, whose clicks, keys and fields are counted; and how long hands and head need for them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page

POINT, PRESS, KEY, THINK, REACH = 1.1, 0.2, 0.28, 1.35, 0.4
"""Seconds of the keystroke-level model (Card, Moran and Newell 1980): to point at something, to press and let go of the mouse button, to
hit a key as an average typist does, to decide, and to move a hand between mouse and keyboard."""
PASTED = 2
"""Keys that pasting takes."""


@dataclass
class Person:
    """Does what is asked of it, as with a hand, and counts. ``waited``: seconds of the machine since the beginning."""

    page: Page
    clicks: int = 0
    fields: int = 0
    keys: int = 0
    by_hand: float = 0.0
    began: float = field(default_factory=time.monotonic)
    waited: float = 0.0

    def click(self, what: Locator, *, shift: bool = False) -> None:
        """Also for ticks and links: find it, point at it, press; with the other hand on Shift or not."""
        self.clicks += 1
        self.keys += shift
        self.by_hand += THINK + POINT + PRESS + shift * (REACH + KEY)
        what.click(modifiers=["Shift"] if shift else [])
        self.page.wait_for_load_state()

    def type(self, what: Locator, text: str) -> None:
        """Point into a field, then type."""
        self._enter(what, len(text))
        what.fill(text)

    def paste(self, what: Locator, text: str) -> None:
        """Point into a field, then paste what was copied elsewhere. The page must be allowed to use the clipboard."""
        self._enter(what, PASTED)
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        what.click()
        self.page.keyboard.press("ControlOrMeta+v")

    def _enter(self, what: Locator, keys: int) -> None:
        self.fields += 1
        self.keys += keys
        self.by_hand += THINK + POINT + PRESS + REACH + keys * KEY
        what.scroll_into_view_if_needed()

    def choose(self, what: Locator, value: str) -> None:
        """From a list that drops down: open it, point, press."""
        self.clicks += 2
        self.by_hand += THINK + 2 * (POINT + PRESS)
        what.select_option(value)
        self.page.wait_for_load_state()

    def press(self, keys: str) -> None:
        """A key, or several at once."""
        self.keys += keys.count("+") + 1
        self.by_hand += THINK + (keys.count("+") + 1) * KEY
        self.page.keyboard.press(keys)

    def write(self, text: str) -> None:
        """Where the keyboard is already."""
        self.fields += 1
        self.keys += len(text)
        self.by_hand += len(text) * KEY
        self.page.keyboard.type(text)

    def end(self) -> None:
        self.waited = time.monotonic() - self.began
