"""``python -m tests.tasks``: do the tasks in a shop of its own, and write the table of docs/tasks.md. An error if one cannot be done."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from playwright.sync_api import Page, expect

from tests.screens.__main__ import chromium, served, sign_in
from tests.tasks import table
from tests.tasks.person import Person

if TYPE_CHECKING:
    from tests.busy_shop import BusyShop

PATIENCE = 20_000
"""Milliseconds until what is expected must be there."""
SIZE = {"width": 1280, "height": 900}


def main() -> int:
    os.environ["STALLKEEPER_ALLOW_PRIVATE_URLS"] = "127.0.0.1"
    with ExitStack() as stack:
        base, link, busy = stack.enter_context(served(standing=False))
        browser = stack.enter_context(chromium())
        context = browser.new_context(base_url=base, storage_state=sign_in(browser, base, link), viewport=SIZE)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        rows = _done(context.new_page(), stack, cast("BusyShop", busy))
    print(table.HEAD + rows, end="")
    table.write(rows)
    return 0


def _done(page: Page, stack: ExitStack, busy: BusyShop) -> str:
    """Each task in its turn, as rows of the table."""
    from stallkeeper.sync import verify
    from tests.tasks.stage import open_stage
    from tests.tasks.work import TASKS

    verify.CONFIRM_AFTER = timedelta(0)
    stage, rows = open_stage(stack, busy), ""
    for name, do in TASKS:
        page.goto("/")
        person = Person(page)
        do(person, stage)
        person.end()
        rows += table.row(name, person)
        print(f"{name}: {person.clicks} clicks", file=sys.stderr)
    return rows


if __name__ == "__main__":
    sys.exit(main())
