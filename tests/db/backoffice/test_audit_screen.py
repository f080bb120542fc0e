"""The audit on the screen: in words, narrowed by who, what, when and to what; only for those who may."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from django.utils import timezone, translation

import stallkeeper
from stallkeeper.backoffice import audit_rows
from stallkeeper.backoffice.audit_words import ACTIONS, DETAILS
from stallkeeper.catalog.models import StockUnit, UnitKind
from stallkeeper.channels import fences, links, overrides
from stallkeeper.channels.models import Offer
from stallkeeper.core import audit, people
from stallkeeper.core.models import Role, User
from stallkeeper.core.use_case import use_case
from stallkeeper.stock.models import Level, Location, LocationOwner
from tests.busy_shop import BusyShop, member, text
from tests.shop import Shop, join

WRITERS = {"record", "Entry", "account_act"}
AS_THE_USE_CASE = {"create.organisation", "change.organisation", "import.products", "import.stock", "import.stock_table"}
"""Entries that are called what their use case is called."""


def note(
    busy: BusyShop, count: int = 1, action: str = "change.place", at: datetime | None = None, actor: str = "", subject: int = 1
) -> None:
    with use_case("test.note", organisation_id=busy.organisation.pk, actor=actor or busy.owner.actor, at=at) as uc:
        for number in range(count):
            audit.record(uc, action, "location", subject, code=[f"A{number}", f"B{number}"], enabled=True)


def shown(client: Client, query: str = "") -> str:
    return text(client.get(f"/settings/audit/?{query}"))


def written() -> set[str]:
    """Every action that the program writes, read from its source."""
    found = set(AS_THE_USE_CASE)
    for file in Path(stallkeeper.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and (getattr(node.func, "attr", None) or getattr(node.func, "id", "")) in WRITERS:
                texts = [each.value for argument in node.args[:3] for each in ast.walk(argument) if isinstance(each, ast.Constant)]
                found |= {str(each) for each in texts if re.fullmatch(r"[a-z_]+\.[a-z_]+", str(each))}
    return found


def test_every_act_that_is_written_down_has_words_and_no_other() -> None:
    assert written() - set(ACTIONS) == set(), "say in backoffice/audit_words.py how it reads"
    assert set(ACTIONS) - written() == set()


def test_an_entry_says_who_did_what_to_what_with_before_and_after(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        level = Level.objects.filter(on_hand__gt=3, allocated=0).select_related("stock_unit", "location").order_by("pk")[0]
    unit, place, before = level.stock_unit, level.location, level.on_hand
    client.post(f"/stock/{unit.pk}/at/{place.pk}/", {"on_hand": before - 1, "reason": "one broke"})
    page = shown(client)
    for words in ("Olga Owner", "put stock right", unit.sku, f"{before} → {before - 1}", "one broke"):
        assert words in page, words
    assert f'href="/stock/{unit.pk}/"' in client.get("/settings/audit/").content.decode()


def test_it_is_narrowed_by_who_what_when_and_to_what(busy: BusyShop, client: Client) -> None:
    day = datetime(2026, 3, 5, 12, tzinfo=UTC)
    other = User.objects.create_user("mia@example.com", name="Mia")
    join(busy.organisation, other, Role.OPERATIONS)
    note(busy, at=day, actor=other.actor, subject=71)
    note(busy, action="set.hold", at=day + timedelta(days=1), subject=72)
    for query, count in (
        (f"who={other.actor}", 1),
        ("what=set.hold", 1),
        ("of=location:71", 1),
        ("since=2026-03-05&until=2026-03-05", 1),
        ("since=2026-03-05&until=2026-03-06", 2),
        (f"who={other.actor}&what=set.hold", 0),
        ("since=2026-03-06&until=2026-03-06&of=location:72", 1),
    ):
        assert len(client.get(f"/settings/audit/?{query}").context["rows"]) == count, query
    assert "No entry fits these filters" in shown(client, "of=location:99999")


@pytest.mark.parametrize(
    "query", ["since=2026-13-45", "until=9999-12-31", "of=:", "of=user:²", "of=order:" + "9" * 40, "who=user:", "after=x"]
)
def test_what_somebody_makes_up_is_no_error(busy: BusyShop, client: Client, query: str) -> None:
    assert client.get(f"/settings/audit/?{query}").status_code == 200


def test_pages_follow_each_other_and_cost_the_same(busy: BusyShop, client: Client) -> None:
    note(busy, 130)
    client.get("/settings/audit/")
    seen, query, costs = [], "", set()
    for _page in range(3):
        with CaptureQueriesContext(
            connection,
        ) as counted:
            answer = client.get(f"/settings/audit/?what=change.place&{query}")
        seen += [row.entry.pk for row in answer.context["rows"]]
        costs.add(len(counted))
        query = f"after={answer.context['page'].after}"
    assert len(seen) == len(set(seen)) == 130
    assert seen == sorted(seen, reverse=True)
    assert len(costs) == 1
    assert costs.pop() < 25


@pytest.mark.parametrize(("role", "status"), [(Role.OPERATIONS, 200), (Role.ACCOUNTANT, 200), (Role.WAREHOUSE, 403), (Role.READ_ONLY, 403)])
def test_only_those_see_it_who_may(busy: BusyShop, role: Role, status: int) -> None:
    assert member(busy.organisation, role).get("/settings/audit/").status_code == status


def test_the_file_has_what_the_filters_leave(busy: BusyShop, client: Client) -> None:
    note(busy, 2, action="set.guard")
    note(busy, 3)
    body = client.post("/exports/audit/", {"form": "csv", "filters": "what=set.guard"}).content.decode("utf-8-sig")
    assert body.count("changed guarded mode of an article") == 2
    assert "changed a place" not in body


def test_nobody_learns_who_works_for_another_company(busy: BusyShop, client: Client) -> None:
    """No wall is around people: their numbers can be counted up in the address, their names must not come back."""
    stranger = User.objects.create_user("stranger@example.com", name="Stella Stranger")
    join(Shop.open().organisation, stranger, Role.OWNER)
    page = shown(client, f"of=user:{stranger.pk}")
    assert f"person {stranger.pk}" in page
    assert "Stella" not in page
    assert "stranger@" not in page


def test_what_the_list_is_narrowed_to_is_named(busy: BusyShop, client: Client) -> None:
    colleague = User.objects.create_user("mia@example.com", name="Mia Member")
    with use_case("test.role", organisation_id=busy.organisation.pk, actor=busy.owner.actor) as uc:
        people.add_member(uc, colleague, Role.OPERATIONS)
    assert client.get(f"/settings/audit/?of=user:{colleague.pk}").context["about"] == "person Mia Member"


def test_a_list_of_two_is_no_change_from_one_to_the_other(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        first, second = Offer.objects.filter(channel=busy.near).order_by("pk")[:2]
        one, two = StockUnit.objects.filter(kind=UnitKind.SINGLE).order_by("sku")[:2]
    with busy.shop.use_case("test.unlink") as uc:
        links.unlink(uc, [first.pk, second.pk])
        overrides.say(uc, busy.near.pk, [overrides.own([], [one.pk, two.pk], {"buffer": 2})])
        fences.set_fence(uc, busy.near, one, 2)
    page = shown(client)
    assert f"{first.sku}, {second.sku}" in page
    assert f"SKU {one.sku}, {two.sku} how many 2 buffer 2" in page
    assert "units 0 → 2" in page


def test_what_is_gone_is_shown_by_its_number(busy: BusyShop, client: Client) -> None:
    note(busy, subject=987_654)
    assert "place 987654" in shown(client)


def given() -> set[str]:
    """The names of all details that the program writes by name, read from its source."""
    found: set[str] = set()
    for file in Path(stallkeeper.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
                found |= {keyword.arg for keyword in node.keywords if keyword.arg}
    return found


OF_THE_PROGRAM = {"key", "run", "version", "wrapped", "slug", "address", "terms", "columns", "names", "length", "for_all", "owner", "start"}
"""Details that are told by the name that the program has for them."""


def test_every_detail_that_is_written_down_has_words() -> None:
    assert given() - set(DETAILS) == OF_THE_PROGRAM, "say in backoffice/audit_words.py what it is called"


def test_moments_and_days_in_details_are_written_as_on_every_screen() -> None:
    with timezone.override("Europe/Bucharest"), translation.override("pl"):
        told = dict(audit_rows.details_of({"until": "2026-03-05T10:00:00+00:00", "kind": ["2026-03-05", None], "reason": "2026-99-99"}))
    assert set(told.values()) == {"5 mar 12:00", "5 mar → –", "2026-99-99"}


def test_a_thing_is_linked_only_for_those_who_may_open_its_page(busy: BusyShop, client: Client) -> None:
    """An accountant sees the audit, and the page of a place asks for more."""
    with busy.shop.scope():
        place = Location.objects.exclude(owner=LocationOwner.VIRTUAL).order_by("pk")[0]
    note(busy, subject=place.pk)
    address = reverse("backoffice:place", args=[place.pk])
    query = f"/settings/audit/?of=location:{place.pk}"
    accountant = member(busy.organisation, Role.ACCOUNTANT)
    assert [client.get(address).status_code, accountant.get(address).status_code] == [200, 403]
    assert address in client.get(query).content.decode()
    assert address not in accountant.get(query).content.decode()
    assert place.code in text(accountant.get(query))


def test_what_asks_for_more_than_the_audit_is_known() -> None:
    """Every page that an entry can lead to either asks for no more than each role of the audit has, or is in ``ASKS``."""
    pages = {page for _model, _name, page in audit_rows.NAMED.values() if page} | set(audit_rows.PAGES.values())
    asked = {page: resolve(reverse(f"backoffice:{page}", args=[1])).func.permission for page in pages}  # type: ignore[attr-defined]
    roles = [held for held in people.PERMISSIONS.values() if people.Permission.SEE_AUDIT in held]
    assert {page: each for page, each in asked.items() if not all(each in held for held in roles)} == audit_rows.ASKS
