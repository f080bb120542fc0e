"""Programs read rules, make plans, apply them by their fingerprint and undo them, each by what its key may do (S3.31-S3.36, D3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client

from stallkeeper.backoffice.actors import names_of
from stallkeeper.channels import connect, inheritance, rules, switches
from stallkeeper.channels.models import Channel, SendPlan
from stallkeeper.core import api_keys, clock
from stallkeeper.core.models import ApiKey, AuditEntry
from stallkeeper.core.people import PeopleError
from tests import own_rules
from tests.db.test_plans_of_rules import in_force, product
from tests.market import Market, Stall
from tests.shop import Shop

pytestmark = pytest.mark.filterwarnings("ignore:No directory at")
ALL = ("view_stock", "edit_stock", "edit_rules", "send")


class Program:
    """A program with a key of a shop."""

    def __init__(self, shop: Shop, *may: str, name: str = "Repricer") -> None:
        with shop.use_case() as uc:
            self.token = api_keys.make(uc, name, may)
        self.client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {self.token}"})

    def get(self, path: str, **query: object) -> HttpResponse:
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, **body: object) -> HttpResponse:
        return self.client.post(f"/api/v1/{path}", json.dumps(body), "application/json")

    def plan(self, **body: object) -> dict[str, object]:
        answer = self.post("plans/", **body)
        assert answer.status_code == 201, answer.content
        found: dict[str, object] = answer.json()
        return found

    def apply(self, plan: dict[str, object], **meant: bool) -> HttpResponse:
        return self.post(f"plans/{plan['fingerprint']}/apply/", **meant)


@pytest.fixture
def program(market: Market) -> Program:
    return Program(market.shop, *ALL)


@pytest.fixture(autouse=True)
def _toy_time(market: Market):
    with clock.using(market.clock):
        yield


def kind(answer: HttpResponse) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def shelves(market: Market, stall: Stall, count: int = 12) -> list[str]:
    for number in range(count):
        stall.offer(product(market.shop, f"MUG-{number}", "Mugs", 10), shown=10)
    stall.run()
    return [f"MUG-{number}" for number in range(count)]


def test_rules_of_a_channel_a_category_and_a_product_are_read(market: Market, stall: Stall, program: Program) -> None:
    skus, code = shelves(market, stall, 3), stall.channel.code
    with market.shop.use_case() as uc:
        own_rules.of_category(uc, stall.channel.pk, "Mugs", {"share": "50"})
        units = list(stall.channel.offers.filter(sku__in=skus[:2]).order_by("pk").values_list("stock_unit_id", flat=True))
        own_rules.of_units(uc, stall.channel.pk, units, {"buffer": 2})
        switches.set_writes(uc, stall.connection_id, False)
    (listed,) = program.get("channels/").json()
    assert listed == program.get(f"channels/{code.lower()}/").json()
    assert (listed["code"], listed["rules"]["share"], listed["locations"], listed["own"]) == (code, "100", ["MAIN"], 3)
    assert (listed["switches"]["stock"], listed["switches"]["writes"], listed["switches"]["company"]) == (True, False, True)
    assert "writing to the account" in listed["silent"][0]
    said = program.get(f"channels/{code}/own/").json()
    assert [(each["category"], each["sku"], each["rules"]) for each in said["rules"]] == [
        ("Mugs", "", {"share": "50"}),
        ("", "MUG-0", {"buffer": 2}),
        ("", "MUG-1", {"buffer": 2}),
    ]
    first = program.get(f"channels/{code}/own/", limit=2).json()
    rest = program.get(f"channels/{code}/own/", limit=2, after=first["next"]).json()
    assert (first["rules"] + rest["rules"], rest["next"]) == (said["rules"], None)
    assert program.get(f"channels/{code}/own/", category="Mugs").json()["rules"] == said["rules"][:1]
    assert program.get(f"channels/{code}/own/", sku="MUG-1").json()["rules"] == said["rules"][2:]
    assert program.get(f"channels/{code}/own/", sku="\0").json()["rules"] == []
    assert kind(program.get("channels/NO/")) == (404, "not-found")


def test_a_sub_channel_tells_whose_rules_it_has_and_follows_again(market: Market, stall: Stall, program: Program) -> None:
    with market.shop.use_case() as uc:
        main = connect.create_channel(uc, stall.channel.connection, code="TOP", name="Main", currency=stall.channel.currency)
        rules.save(uc, stall.channel.pk, buffer=2)
        inheritance.attach(uc, stall.channel.pk, main.pk)
    code = stall.channel.code
    listed = program.get(f"channels/{code}/").json()
    assert (listed["main"], listed["own_rules"]) == ("TOP", ["buffer"])
    assert program.apply(program.plan(channels={code: {"follow": ["buffer"]}})).status_code == 200
    listed = program.get(f"channels/{code}/").json()
    assert (listed["rules"]["buffer"], listed["own_rules"]) == (0, [])


def test_a_plan_is_made_applied_by_its_fingerprint_and_undone(market: Market, stall: Stall, program: Program) -> None:
    """Counts and fingerprint first; nothing is in force before; applied twice is applied once; a person's plan makes room and is named."""
    skus, code = shelves(market, stall), stall.channel.code
    body = {
        "channels": {
            code: {
                "rules": {"buffer": 1},
                "locations": ["MAIN"],
                "own": [{"categories": ["Mugs"], "rules": {"buffer": 4}}, {"skus": skus[:1], "rules": {"fixed": 3}}],
            }
        }
    }
    plan = program.plan(**body)
    (counts,) = plan["channels"]  # type: ignore[misc]
    assert (counts["channel"], counts["falls"], counts["to_zero"], counts["held"], plan["state"]) == (code, 12, 0, [], "open")
    assert program.get("plans/open/").json()["fingerprint"] == plan["fingerprint"] == program.plan(**body)["fingerprint"]
    assert program.get(f"plans/{plan['fingerprint']}/").json()["state"] == "open"
    market.settle(2)
    assert {offer.quantity for offer in stall.emulator.offers.values()} == {10}
    done = program.apply(plan)
    assert (done.status_code, done.json()["state"], done.json()["send"] > 0) == (200, "applied", True)
    assert program.apply(plan).json()["send"] == done.json()["send"]
    market.settle(2)
    assert sorted(offer.quantity for offer in stall.emulator.offers.values()) == [3] + [6] * 11
    assert in_force(market) == {"Mugs": {"buffer": 4, "fixed": None}, "MUG-0": {"buffer": None, "fixed": 3}}
    assert kind(program.get("plans/open/")) == (404, "not-found")
    with market.shop.scope():
        applied = AuditEntry.objects.filter(action="plan.apply").get()
        assert applied.actor == ApiKey.objects.get().actor
        assert names_of([applied.actor]) == {applied.actor: "Repricer"}, "people see who it was"
    waiting = program.plan(company=False)
    back = program.post("plans/undo/").json()
    assert (back["undoes"], back["replaced"]) == (done.json()["plan"], waiting["plan"])
    assert program.apply(back).status_code == 200
    market.settle(2)
    assert ({offer.quantity for offer in stall.emulator.offers.values()}, in_force(market)) == ({10}, {})
    assert kind(program.post("plans/undo/")) == (422, "refused")


def test_a_plan_that_says_something_else_by_now_is_refused_with_what_moved(market: Market, stall: Stall, program: Program) -> None:
    shelves(market, stall, 3)
    code = stall.channel.code
    plan = program.plan(channels={code: {"rules": {"share": "50"}}})
    with market.shop.scope():
        unit = stall.channel.offers.get(sku="MUG-0").stock_unit
    market.stock(unit, 8)
    with market.shop.use_case() as uc:
        switches.set_writes(uc, stall.connection_id, False)
    stale = program.apply(plan)
    assert kind(stale) == (409, "stale")
    assert stale.json()["errors"] == [
        {"field": "settings", "detail": f"of channel {code} other settings hold: writing to the account"},
        {"field": f"{code}.MUG-0", "detail": f"{code} MUG-0: the plan says 10 → 5, now it is 10 → 4"},
    ]
    with market.shop.use_case() as uc:
        switches.set_writes(uc, stall.connection_id, True)
    assert kind(program.apply(plan)) == (409, "stale")
    assert program.apply(plan, lower_is_fine=True).status_code == 200
    gone = program.plan(channels={code: {"rules": {"share": "40"}}})
    assert program.client.delete(f"/api/v1/plans/{gone['fingerprint']}/").status_code == 204
    assert kind(program.client.delete(f"/api/v1/plans/{gone['fingerprint']}/")) == (409, "not-open")
    assert kind(program.apply(gone)) == (409, "not-open")


def test_limits_and_stock_without_orders_are_confirmed(market: Market, stall: Stall, program: Program) -> None:
    shelves(market, stall)
    code = stall.channel.code
    plan = program.plan(channels={code: {"rules": {"share": "0"}}})
    held = program.apply(plan)
    assert kind(held) == (422, "held")
    assert held.json()["errors"] == [{"field": code, "detail": "12 of 12 live offers would go to zero at once"}]
    assert program.apply(plan, sure=True).status_code == 200
    with market.shop.scope():
        Channel.objects.filter(pk=stall.channel.pk).update(stock_enabled=False, orders_enabled=False)
    blind = program.plan(channels={code: {"switches": {"stock": True, "writes": True}}})
    assert blind["channels"][0]["without_orders"]  # type: ignore[index]
    assert kind(program.apply(blind, sure=True)) == (422, "without-orders")
    assert program.apply(blind, sure=True, without_orders=True).status_code == 200


@pytest.mark.parametrize(
    ("may", "allowed"),
    [
        (("view_stock",), {"read"}),
        (("edit_rules",), set()),
        (("view_stock", "edit_rules"), {"read", "plan"}),
        (("view_stock", "send"), {"read", "apply", "undo"}),
        (("view_stock", "edit_stock"), {"read", "places"}),
        (ALL, {"read", "plan", "places", "apply", "undo"}),
    ],
)
def test_a_key_does_what_it_may_and_no_more(market: Market, stall: Stall, may: tuple[str, ...], allowed: set[str]) -> None:
    shelves(market, stall, 1)
    owner = Program(market.shop, *ALL, name="owner")
    rules = {"channels": {stall.channel.code: {"rules": {"buffer": 1}}}}
    owner.apply(owner.plan(channels={stall.channel.code: {"rules": {"buffer": 2}}}))
    program = Program(market.shop, *may)
    asked: dict[str, Callable[[], HttpResponse]] = {
        "read": lambda: program.get("channels/"),
        "plan": lambda: program.post("plans/", **rules),
        "places": lambda: program.post("plans/", places={"MAIN": {"priority": 3}}),
        "undo": lambda: program.post("plans/undo/"),
        "apply": lambda: program.apply(owner.plan(**rules)),
    }
    answers = {what: ask() for what, ask in asked.items()}
    assert {what for what, answer in answers.items() if answer.status_code in {200, 201}} == allowed
    assert {kind(answer) for what, answer in answers.items() if what not in allowed} <= {(403, "not-allowed")}


def test_another_organisations_key_finds_nothing_of_this_one(market: Market, stall: Stall, program: Program) -> None:
    shelves(market, stall, 1)
    plan = program.plan(channels={stall.channel.code: {"rules": {"buffer": 1}}})
    stranger = Program(Shop.open(), *ALL)
    assert stranger.get("channels/").json() == []
    for answer in (
        stranger.get(f"channels/{stall.channel.code}/"),
        stranger.get(f"channels/{stall.channel.code}/own/"),
        stranger.get(f"plans/{plan['fingerprint']}/"),
        stranger.get("plans/open/"),
        stranger.post("plans/", channels={stall.channel.code: {"rules": {"buffer": 1}}}),
        stranger.apply(plan, sure=True),
        stranger.client.delete(f"/api/v1/plans/{plan['fingerprint']}/"),
    ):
        assert kind(answer) == (404, "not-found")
    assert kind(stranger.post("plans/", channels={}, places={"ATTIC": {"active": False}})) == (422, "invalid")
    with market.shop.scope():
        assert SendPlan.objects.get().state == SendPlan.State.OPEN


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"rules": {"colour": "red"}}, "no rule 'colour'"),
        ({"rules": {"share": "101"}}, "share"),
        ({"rules": {"buffer": 10**15}}, "buffer"),
        ({"switches": {"orders": True}}, "stock, prices, active"),
        ({"locations": ["CELLAR"]}, "locations: There is no 'CELLAR'"),
        ({"own": [{"skus": ["NOBODY"], "rules": {"buffer": 1}}]}, "own.skus: There is no 'NOBODY'"),
        ({"own": [{"categories": ["Nowhere"], "rules": {"buffer": 1}}]}, "no product is in a category 'Nowhere'"),
        ({"own": [{"categories": ["Mugs"], "rules": {"buffer": True}}]}, "is a number or a text"),
        ({"own": [{"rules": {"buffer": 1}}]}, "name some"),
        ({"rule": {"buffer": 1}}, "Some values"),
        ({"follow": ["buffer"]}, "has no main channel"),
        ({"follow": ["colour"]}, "no rule 'colour'"),
        ({"rules": {"exchange_rate_source": "a\0b"}}, "Some values"),
        ({"rules": {"buffer": [1]}}, "Some values"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_kept(
    market: Market, stall: Stall, program: Program, change: dict[str, object], why: str
) -> None:
    shelves(market, stall, 1)
    answer = program.post("plans/", channels={stall.channel.code: change})
    assert answer.status_code == 422, answer.content
    assert why in answer.json()["detail"]
    with market.shop.scope():
        assert not SendPlan.objects.exists()


def test_keys_are_shown_once_end_and_say_what_is_wrong(market: Market, program: Program) -> None:
    with market.shop.scope():
        assert program.token not in repr(ApiKey.objects.values().get())
    for name, may, why in (
        ("", ["send"], "Name: "),
        ("Repricer", ["send"], "already"),
        ("Other", ["manage_users"], "not 'manage_users'"),
        ("Other", [], "Say what"),
    ):
        with market.shop.use_case() as uc, pytest.raises(PeopleError, match=why):
            api_keys.make(uc, name, may)
    with market.shop.use_case() as uc, pytest.raises(PeopleError, match="no key 'Other'"):
        api_keys.end(uc, "Other")
    assert program.get("channels/").status_code == 200
    market.clock.tick(timedelta(days=400).total_seconds())
    with market.shop.use_case() as uc:
        api_keys.end(uc, "Repricer")
    ended = [program.get("channels/"), program.post("plans/"), Client().get("/api/v1/channels/")]
    assert {kind(answer) for answer in ended} == {(401, "forbidden")}
    assert kind(program.client.post("/api/v1/plans/", b" " * 3_000_000, "application/json")) == (413, "too-large")
