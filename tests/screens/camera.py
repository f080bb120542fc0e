"""Pictures of pages as Chromium draws them: WebP, which it writes by itself."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import Page

WIDTH, LEAST, MOST = 1280, 800, 1400
"""Pixels. A page is shown as high as it is, within these."""
QUALITY = 62
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; caret-color: transparent !important }"


def take(page: Page, file: Path) -> int:
    """Write the picture; returns its size in bytes."""
    page.evaluate("css => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets = [s] }", STILL)
    width = (page.viewport_size or {"width": WIDTH})["width"]
    height = min(max(page.evaluate("document.documentElement.scrollHeight"), LEAST), MOST)
    page.set_viewport_size({"width": width, "height": height})
    session = page.context.new_cdp_session(page)
    try:
        taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    finally:
        session.detach()
        page.set_viewport_size({"width": width, "height": LEAST})
    return file.write_bytes(base64.b64decode(taken["data"]))
