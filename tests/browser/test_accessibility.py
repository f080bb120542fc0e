"""axe looks at every screen, of a shop that has everything and of one that has nothing yet, light and dark (issue 5, must show 1)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from stallkeeper.core.models import Role, User
from stallkeeper.core.people import sign_in_link
from tests.busy_shop import BusyShop
from tests.screens.camera import STILL
from tests.screens.shop import complete
from tests.screens.visits import Visit, screens, screens_of_nothing
from tests.shop import Shop, join

GRAVE = ("serious", "critical")
RUN = """
async only => {
    const found = await axe.run({resultTypes: ["violations"], ...(only ? {runOnly: only} : {})})
    const said = (fault, node) =>
        `${fault.id}: ${node.target.join(" ")}: ${node.html.slice(0, 150)} ${node.failureSummary.split("\\n").pop()}`
    return found.violations.flatMap(fault => fault.nodes.map(node => [fault.impact, said(fault, node)]))
}
"""
DARK = "() => { document.documentElement.classList.remove('light'); document.documentElement.classList.add('dark') }"
STAND = "css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css); document.adoptedStyleSheets = [sheet] }"


@pytest.mark.long(60)
def test_axe_finds_no_grave_fault_on_any_screen(busy: BusyShop, screen: Page) -> None:
    complete(busy)
    visits = screens(busy, screen)
    assert len(visits) > 80
    faults = _faults(screen, visits)
    assert not faults, "\n".join(faults)


@pytest.mark.long(20)
def test_axe_finds_no_grave_fault_on_the_screens_of_an_empty_shop(busy: BusyShop, screen: Page) -> None:
    empty = Shop.open()
    join(empty.organisation, User.objects.create_user("new@example.com", name="Nora Newcomer"), Role.OWNER)
    lists = screens_of_nothing(busy, screen)
    screen.context.clear_cookies()
    screen.goto(f"/sign-in/{sign_in_link(User.objects.get(email='new@example.com'))}/")
    faults = _faults(screen, lists)
    assert not faults, "\n".join(faults)


def _faults(page: Page, visits: Iterable[Visit]) -> list[str]:
    found = []
    for visit in visits:
        visit.go(page)
        page.evaluate(STAND, STILL)
        page.evaluate(AXE_SCRIPT)
        found += [f"{visit.name}: {fault}" for impact, fault in page.evaluate(RUN, None) if impact in GRAVE]
        page.evaluate(DARK)
        found += [f"{visit.name}, dark: {fault}" for impact, fault in page.evaluate(RUN, ["color-contrast"]) if impact in GRAVE]
    return found
