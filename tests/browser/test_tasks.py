"""The task list of a working day (docs/tasks.md): each task can be done, and with as many clicks as the table says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from stallkeeper.sync import adapters, verify
from tests.busy_shop import BusyShop
from tests.tasks import table
from tests.tasks.person import Person
from tests.tasks.stage import open_stage
from tests.tasks.work import TASKS, Stage


@pytest.fixture
def stage(busy: BusyShop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, allow_private_urls=("127.0.0.1",)))
    monkeypatch.setattr(verify, "CONFIRM_AFTER", timedelta(0))
    adapters.forget_sessions()
    with ExitStack() as stack:
        opened = open_stage(stack, busy)
        yield opened
        adapters.client(opened.stall).close()
    adapters.forget_sessions()


@pytest.mark.long(25)
def test_the_tasks_take_what_the_table_says(stage: Stage, screen: Page) -> None:
    """Whoever makes one longer or shorter says so: ``python -m tests.tasks``."""
    screen.context.grant_permissions(["clipboard-read", "clipboard-write"])
    counted = {}
    for name, do in TASKS:
        screen.goto("/")
        person = Person(screen)
        do(person, stage)
        counted[name] = (person.clicks, person.fields, person.keys)
    assert counted == table.written()


def test_shift_and_a_click_choose_what_lies_between(screen: Page) -> None:
    """And let go of it; the count above follows."""
    screen.goto("/orders/")
    boxes = screen.locator("[data-choose]")
    boxes.nth(1).click()
    boxes.nth(5).click(modifiers=["Shift"])
    expect(screen.locator("[data-choose]:checked")).to_have_count(5)
    expect(screen.locator("[data-chosen] [data-count]")).to_have_text("5")
    boxes.nth(3).click(modifiers=["Shift"])
    expect(screen.locator("[data-choose]:checked")).to_have_count(2)
