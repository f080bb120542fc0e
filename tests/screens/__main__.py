"""``python -m tests.screens``: a picture of every screen, light and dark, of a hub of its own. The clock stands, so that two runs agree.

``--only orders,order`` takes some of them; ``--into FOLDER`` writes elsewhere than docs/guide/screens; ``--sheets`` adds overviews of many
screens at once, to look them over, which are not kept in the repository.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, StorageState, sync_playwright

from stallkeeper import embedded, env
from tests.screens.camera import LEAST, WIDTH, take

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "screens"
NOW = datetime(2026, 11, 17, 13, 42, 30, tzinfo=UTC)
"""A Tuesday afternoon. Screens say how long ago things were."""
SCHEMES = ("light", "dark")
PER_SHEET = 6
SHEET = """<style>
body { display: flex; flex-wrap: wrap; align-items: start; gap: 12px; margin: 8px; background: #888; font: 16px sans-serif }
figure { margin: 0; width: WIDEpx } figcaption { background: #fff; padding: 2px 6px } img { width: 100% }
</style>"""


def main() -> int:
    options = _options()
    options.into.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        base, link, busy = stack.enter_context(served())
        browser = stack.enter_context(chromium())
        cookies = sign_in(browser, base, link)
        _since_when()
        written = [file for scheme in SCHEMES for file in photograph(browser, base, cookies, busy, scheme, options)]
        print(f"{len(written)} pictures, {sum(file.stat().st_size for file in written) / 1e6:.1f} MB, in {options.into}")
        if options.sheets:
            sheets(browser, written, options.into / "sheets", min(options.width, 800))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--into", type=Path, default=GUIDE)
    parser.add_argument("--only", default="", type=lambda names: set(filter(None, names.split(","))))
    parser.add_argument("--sheets", action="store_true")
    parser.add_argument("--width", type=int, default=WIDTH, help="pixels; 820 is a tablet, 390 a phone")
    parser.add_argument("--language", default="en")
    return parser.parse_args()


@contextmanager
def served(*, standing: bool = True) -> Iterator[tuple[str, str, object]]:
    """(address, path that signs the owner in, shop) of a back office with a shop that has everything; its clock stands, or goes."""
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="stallkeeper-screens-"))
        cluster = stack.enter_context(embedded.temporary("screens", env.home()))
        os.environ.update(STALLKEEPER_HOME=home, DATABASE_URL=cluster.url, DJANGO_ALLOW_ASYNC_UNSAFE="1", STALLKEEPER_LOG_LEVEL="ERROR")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stallkeeper.settings")
        import django

        django.setup()
        logging.disable(logging.WARNING)  # addresses that only take forms say 405
        from stallkeeper.core import clock
        from stallkeeper.ops import boot

        if standing:
            stack.enter_context(clock.using(lambda: NOW))
        boot.apply_migrations()
        yield _serve(stack)


def _serve(stack: ExitStack) -> tuple[str, str, object]:
    from django.conf import settings
    from django.db import connections
    from pytest_django.live_server_helper import LiveServer

    from stallkeeper.core.people import sign_in_link
    from tests.screens.shop import open_pictured_shop

    settings.STATIC_ROOT.mkdir(exist_ok=True)
    busy = open_pictured_shop()
    stack.callback(connections.close_all)
    server = LiveServer("localhost")
    stack.callback(server.stop)
    stack.enter_context(server._live_server_modified_settings)
    return server.url, f"/sign-in/{sign_in_link(busy.owner)}/", busy


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's, or the one that STALLKEEPER_CHROMIUM names."""
    path = os.environ.get("STALLKEEPER_CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if not path:
        sys.exit("There is no Chromium: install it (apt-get install chromium), or set STALLKEEPER_CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
        yield browser
        browser.close()


def sign_in(browser: Browser, base: str, link: str) -> StorageState:
    """What a browser keeps that has signed in: the link works once."""
    context = browser.new_context(base_url=base)
    page = context.new_page()
    page.goto(link)
    page.wait_for_url("**/")
    kept = context.storage_state()
    context.close()
    return kept


def _since_when() -> None:
    """Django notes the real time of signing in."""
    from stallkeeper.core.models import User

    User.objects.update(last_login=NOW)


def photograph(
    browser: Browser, base: str, cookies: StorageState, busy: object, scheme: str, options: argparse.Namespace
) -> Iterator[Path]:
    """The pictures of one colour scheme."""
    from tests.screens.visits import screens

    look = {"viewport": {"width": options.width, "height": LEAST}, "color_scheme": scheme, "locale": options.language}
    context = browser.new_context(base_url=base, storage_state=cookies, reduced_motion="reduce", **look)
    page = context.new_page()
    for visit in screens(busy, page):
        if not options.only or visit.name in options.only:
            visit.go(page)
            file = options.into / f"{visit.name}-{scheme}.webp"
            take(page, file)
            yield file
    context.close()


def sheets(browser: Browser, files: list[Path], folder: Path, wide: int) -> None:
    """Some screens on a sheet, by colour scheme."""
    folder.mkdir(exist_ok=True)
    page = browser.new_page(viewport={"width": 3 * 820 if wide > 400 else 6 * 402, "height": 900})
    for scheme in SCHEMES:
        some = sorted(file for file in files if file.stem.endswith(scheme))
        for first in range(0, len(some), PER_SHEET):
            shown = "".join(
                f"<figure><figcaption>{file.stem}</figcaption><img src='{file.name}'></figure>" for file in some[first:][:PER_SHEET]
            )
            written = some[0].parent / "sheet.html"
            written.write_text(SHEET.replace("WIDE", str(wide)) + shown)
            page.goto(written.resolve().as_uri())
            page.screenshot(path=folder / f"{scheme}-{first // PER_SHEET + 1:02}.png", full_page=True)
            written.unlink()
    page.close()
    print(f"Sheets in {folder}")


if __name__ == "__main__":
    sys.exit(main())
