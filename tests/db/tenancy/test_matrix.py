"""Every address × method × person × own and foreign ids: nothing of another organisation is shown or changed (invariant 14), and nobody
gets what his role may not (``security/permissions.py``).

The addresses come from the URL configuration, the foreign ids from the other shop's rows (``security/walk.py``), and every text of the
other shop is a canary (``furnished.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection, models
from django.test import Client

from stallkeeper.backoffice.scope import SESSION_KEY
from stallkeeper.backoffice.stock_taking import Ticket
from stallkeeper.catalog.models import StockUnit
from stallkeeper.core import tenancy, walls
from stallkeeper.core.models import Role, User
from tests.busy_shop import refuse_to_probe, signed_in
from tests.db.security import permissions
from tests.db.security.walk import Address, every_address, every_route
from tests.db.tenancy.furnished import GOOD, Neighbours, changes, fields, figures, leaks

ACTORS = [*Role.values, "nobody's", "anonymous"]
"""Members of ours by role, somebody who belongs to no organisation, and nobody."""
GUESTS = ("line", "command", "place")
"""The second id of an address: one of theirs behind one of ours."""
OK = 200
REFUSED = {302, 403, 404, 405}


def visitor(neighbours: Neighbours, actor: str) -> Client:
    client = Client(raise_request_exception=False)
    if actor == "nobody's":
        client.force_login(User.objects.create_user("nobody@example.com", name="nobody"))
    elif actor != "anonymous":
        client.force_login(neighbours.members[actor])
    return client


def has_ids(address: Address) -> bool:
    return "<int:" in address.route


def foreign(neighbours: Neighbours) -> list[Address]:
    """Addresses that name rows of theirs: every id theirs, and the second one only."""
    ours = {address.path for address in every_address(neighbours.ours)}
    guests = dict.fromkeys(GUESTS, neighbours.theirs)
    found = every_address(neighbours.theirs) + every_address(neighbours.ours, **guests)
    return [address for address in found if has_ids(address) and address.path not in ours]


@dataclass
class Asked:
    """What one person asked and what was wrong with the answers."""

    client: Client
    actor: str
    routes: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    followed: set[str] = field(default_factory=set)

    def ask(self, method: str, address: Address, content: dict[str, Any], headers: dict[str, str] | None = None) -> int:
        """Ask, and follow where answers to forms lead, once to each page. Canaries and failures are wrong; messages lie in a cookie."""
        response = getattr(self.client, method)(address.path, content, headers=headers)
        found = leaks(response)
        leads = response.get("Location", "") if method == "post" else ""
        if leads.startswith("/") and leads not in self.followed:
            self.followed.add(leads)
            found |= leaks(self.client.get(leads))
        if response.status_code >= 500 or found:
            self.wrong.append(f"{method} {address.path} ({address.route}): {response.status_code} {sorted(found)}")
        self.routes.add(address.route)
        to_sign_in = response.headers.get("HX-Refresh") and not response.content
        status = 302 if to_sign_in else int(response.status_code)
        if fault := permissions.fault(permissions.rules().get(address.route.removeprefix("^/")), self.actor, method, status):
            self.wrong.append(f"{method} {address.path} ({address.route}): {status}, {fault}")
        return status

    def refused(self, method: str, address: Address, content: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        """Ask for what is not ours: it is not there."""
        if (status := self.ask(method, address, content, headers)) not in REFUSED:
            self.wrong.append(f"{method} {address.path} ({address.route}): {status} for a row of somebody else")


def walk(asked: Asked, neighbours: Neighbours, enough: int | None = None) -> None:
    """Every address of ours, plain and with their ids in questions and forms, then every address of theirs. Ends at ``enough`` faults."""
    for method, address, content, headers, refused in questions(neighbours, thorough=asked.actor in THOROUGH):
        if enough is not None and len(asked.wrong) > enough:
            return
        (asked.refused if refused else asked.ask)(method, address, content, headers)


Question = tuple[str, Address, dict[str, Any], dict[str, str] | None, bool]


def questions(neighbours: Neighbours, thorough: bool) -> Iterator[Question]:
    """(method, address, content, headers, whether the row is somebody else's). Signing out comes last.

    ``thorough``: foreign ids in questions too, and parts of pages. What a list is narrowed to is looked up alike for every role.
    """
    theirs = fields(neighbours.theirs)
    own = sorted(every_address(neighbours.ours), key=lambda address: address.route == "logout/")
    for address in own[:-1]:
        yield "get", address, {}, None, False
        if thorough:
            yield "get", address, theirs | SEARCHES, None, False
    for address in foreign(neighbours):
        yield "get", address, {}, None, True
        if thorough:
            yield "get", address, {}, FRAGMENT, True
        yield "post", address, theirs | PLAUSIBLE, None, True
    for address in own:
        yield "post", address, theirs | PLAUSIBLE, None, False


THOROUGH = {Role.OWNER, Role.READ_ONLY}
FRAGMENT = {"HX-Request": "true"}
SEARCHES = {"q": "THEIRS-1", "state": ""}
PLAUSIBLE = {"units": 1, "reason": "out_of_stock", "on_hand": 3, "expected_on": "2031-01-01", "pack_factor": 1, "sure": 1, "for_ever": 1}
PLAUSIBLE |= {
    "action": "stock_out",
    "answer": "include",
    "switch": "prices",
    "on": 1,
    "allowed": 0,
    "carrier": "DHL",
    "reference": "r-1",
    "code": GOOD,
}
"""Values with which the forms go on to what the ids stand for."""


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stallkeeper.backoffice.connections.probe", refuse_to_probe)


@pytest.mark.parametrize("actor", ACTORS)
def test_nothing_of_another_organisation_is_shown_or_changed(neighbours: Neighbours, actor: str) -> None:
    asked = Asked(visitor(neighbours, actor), actor)
    before = figures(neighbours.theirs)
    walk(asked, neighbours)
    changed = changes(neighbours.theirs, before)
    assert asked.wrong == []
    assert changed == set()
    assert asked.routes == {route for route, _pattern in every_route()}


OF_ONES_OWN = {
    "core_auditentry",
    "core_fileexport",
    "core_fileexportpart",
    "core_user",
    "channels_sendingcolumns",
    "orders_orderdesk",
    "orders_orderview",
}
"""Tables in which people who may only look leave something: how they see lists, files that they took away."""


def test_who_may_only_look_changes_nothing_by_any_form(neighbours: Neighbours) -> None:
    asked = Asked(visitor(neighbours, Role.READ_ONLY), Role.READ_ONLY)
    before, given = figures(neighbours.ours), fields(neighbours.ours) | PLAUSIBLE
    for address in every_address(neighbours.ours):
        if address.route != "logout/":
            looks = asked.ask("post", address, given) == OK  # a page that only shows itself does so whatever the method is
            for method in () if looks else ("put", "delete"):
                asked.ask(method, address, given)
    assert asked.wrong == []
    assert changes(neighbours.ours, before) - OF_ONES_OWN == set()


def test_a_form_without_anything_in_it_is_no_fault(neighbours: Neighbours) -> None:
    asked = Asked(visitor(neighbours, Role.OWNER), Role.OWNER)
    for address in every_address(neighbours.ours):
        if address.route != "logout/":
            asked.ask("post", address, {})
    assert asked.wrong == []


def test_every_address_has_a_rule_and_the_page_of_permissions_says_it() -> None:
    assert permissions.PAGE.read_text(encoding="utf-8") == permissions.page(), "run: python -m tests.db.security.permissions"


def test_a_role_that_gets_more_or_less_than_its_rule_is_found() -> None:
    """The matrix can fail: it is told of an answer that a role must not get."""
    rule = permissions.Rule("orders/1/ship/", "act_orders", screen=True)
    assert [permissions.fault(rule, actor, "post", 200) != "" for actor in ACTORS] == [False, False, False, True, True, True, True]
    assert [permissions.fault(rule, actor, "post", 403) != "" for actor in ACTORS] == [True, True, True, False, False, False, True]
    half = permissions.Rule("stock/places/", "view_stock", screen=True, changing="edit_stock")
    assert [permissions.fault(half, actor, "get", 200) != "" for actor in Role.values] == [False] * 5
    assert [permissions.fault(half, actor, "post", 200) != "" for actor in Role.values] == [False, False, False, True, True]
    with pytest.raises(AssertionError):
        permissions.fault(None, Role.OWNER, "get", 200)


def open_managers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no manager had ever filtered."""
    monkeypatch.setattr(tenancy.TenantManager, "get_queryset", models.Manager.get_queryset)


def open_tables() -> None:
    """As if there were no policies, until ``close_tables`` or the end of the test."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in walls.tables():
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")


def close_tables() -> None:
    """The policies hold again. No table can be altered while a constraint of a row of it has still to be looked at."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    walls.build()


@pytest.mark.parametrize(("managers", "tables"), [(False, True), (True, False)])
def test_each_wall_holds_alone(neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch, managers: bool, tables: bool) -> None:
    """The matrix for the owner, who may do most, with one of the two walls taken away."""
    before = figures(neighbours.theirs)
    with monkeypatch.context() as patch:
        if not tables:
            open_tables()
        if not managers:
            open_managers(patch)
        asked = Asked(visitor(neighbours, Role.OWNER), Role.OWNER)
        walk(asked, neighbours)
    close_tables()
    assert asked.wrong == []
    assert changes(neighbours.theirs, before) == set()


def test_without_both_walls_the_matrix_finds_everything(neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pair of the tests above: they can fail."""
    open_tables()
    open_managers(monkeypatch)
    asked = Asked(visitor(neighbours, Role.READ_ONLY), Role.READ_ONLY)
    walk(asked, neighbours, enough=20)
    assert len(asked.wrong) > 20


def test_every_foreign_id_is_the_id_of_a_row(neighbours: Neighbours) -> None:
    """Otherwise "not found" would say nothing: each address that names a row leads somewhere for the people whose row it is."""
    client = signed_in(neighbours.theirs.owner)
    own = [address for address in every_address(neighbours.theirs) if has_ids(address)]
    asked_elsewhere = {address.path for address in foreign(neighbours)}  # before what is asked here deletes some
    asked = [(address.path, client.get(address.path), client.post(address.path, PLAUSIBLE)) for address in own]
    assert {path: got.status_code for path, got, _posted in asked if got.status_code not in {200, 405}} == {}
    assert {path: posted.status_code for path, _got, posted in asked if posted.status_code not in {200, 302, 405, 422}} == {}
    assert {address.path for address in own} <= asked_elsewhere


def test_a_preview_of_theirs_cannot_be_entered(neighbours: Neighbours) -> None:
    """What a page carries is signed for one organisation: sent by another it is refused, and nothing is counted."""
    theirs = neighbours.theirs
    with theirs.shop.scope():
        place, unit = fields(theirs)["place"], StockUnit.objects.filter(kind="single").order_by("pk")[0].pk
    ticket = Ticket(place, "2026-03-01T12:00:00+00:00", "r", [(unit, 1)]).sign(theirs.organisation.pk)
    before = figures(theirs), figures(neighbours.ours)
    answer = visitor(neighbours, Role.OWNER).post("/stock/taking/enter/", {"ticket": ticket})
    assert answer.status_code == 302
    assert (figures(theirs), figures(neighbours.ours)) == before


def test_a_session_that_names_their_organisation_is_worth_nothing(neighbours: Neighbours) -> None:
    client = visitor(neighbours, Role.OWNER)
    session = client.session
    session[SESSION_KEY] = neighbours.theirs.organisation.pk
    session.save()
    assert {found for address in every_address(neighbours.ours)[:8] for found in leaks(client.get(address.path))} == set()


def test_the_same_questions_find_canaries_where_they_belong(neighbours: Neighbours) -> None:
    """The pair of the matrix: for the other shop's owner its pages are full of them, and the same forms change its rows."""
    asked = Asked(signed_in(neighbours.theirs.owner), Role.OWNER)
    before = figures(neighbours.theirs)
    found: set[str] = set()
    for address in every_address(neighbours.theirs):
        if address.route != "logout/":
            found |= leaks(asked.client.get(address.path))
    assert len(found) > 25, sorted(found)
    for address in every_address(neighbours.theirs):
        if address.route != "logout/":
            asked.client.post(address.path, fields(neighbours.theirs) | PLAUSIBLE)
    changed = changes(neighbours.theirs, before)
    assert len(changed) > 8, changed
