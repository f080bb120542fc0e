"""Rules of categories and products, and places, go by the same plan as all others: counted, limited, sent as seen, undone (ADR 0064)."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from _pytest.outcomes import Failed

from stallkeeper.catalog import products
from stallkeeper.catalog.models import Product, StockUnit
from stallkeeper.catalog.products import ProductFacts
from stallkeeper.channels import guarding, plans, refresh
from stallkeeper.channels.models import ChannelLocation, Offer, SendPlan, SendTask
from stallkeeper.channels.overriding import Own
from stallkeeper.channels.plan_stale import PlanError, Stale
from stallkeeper.channels.plans import Held
from stallkeeper.channels.proposals import ChannelChange, PlaceChange, Proposal, ProposalError
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.channels.rules import RuleError
from stallkeeper.core.models import AuditEntry
from stallkeeper.orders import intake
from stallkeeper.stock import places
from stallkeeper.stock.models import Location, LocationOwner
from tests import own_rules
from tests.db.test_plans import ACTOR, apply, save, shown
from tests.market import Market, Stall
from tests.planted.plant import Bug, planted
from tests.shop import Shop, remote_order


def product(shop: Shop, sku: str, category: str, on_hand: int) -> StockUnit:
    with shop.use_case() as uc:
        unit = products.create_product(uc, sku, ProductFacts(sku, category=category))
    shop.stock(unit, on_hand)
    return unit


def mugs_and_bowls(market: Market, *stalls: Stall) -> list[StockUnit]:
    """Four mugs and two bowls, ten of each, shown by every stall."""
    units = [
        product(market.shop, f"{name}-{number}", f"{name}s", 10) for name, count in (("Mug", 4), ("Bowl", 2)) for number in range(count)
    ]
    for stall in stalls:
        for unit in units:
            stall.offer(unit, shown=10)
        stall.run()
    return units


def own(stall: Stall, *said: Own) -> Proposal:
    return Proposal(channels={stall.channel.pk: ChannelChange(own=list(said))})


def in_force(market: Market) -> dict[str, dict[str, object]]:
    with market.shop.scope():
        rules = RuleOverride.objects.filter(valid_until=None).select_related("stock_unit")
        return {rule.category or rule.stock_unit.sku: {"buffer": rule.buffer, "fixed": rule.fixed} for rule in rules}


def test_rules_of_a_category_and_of_products_are_planned_sent_as_seen_and_undone(market: Market, stall: Stall) -> None:
    """S3.31-S3.35: one plan for what is said, changed, taken away; nothing of it is in force before; undoing says again what was said."""
    other = market.stall()
    units = mugs_and_bowls(market, stall, other)
    with market.shop.use_case() as uc:
        own_rules.of_units(uc, stall.channel.pk, [units[0].pk, units[1].pk], {"buffer": 1})
    stall.run()
    assert shown(stall) == [9, 9, 10, 10, 10, 10]
    proposal = own(
        stall, Own(categories=["Mugs"], rules={"buffer": 4}), Own(units=[units[0].pk], rules={"fixed": 3}), Own(units=[units[1].pk])
    )
    plan = save(market, proposal)
    (counts,) = plans.counts_of(plan)
    assert (counts.falls, counts.rises, counts.quantities) == (4, 0, 4), "the bowls and the other channel stay as they are"
    with market.shop.scope():
        items = plans.parts_of(plan)[stall.channel.pk].quantities
        assert (items.before.tolist(), items.after.tolist()) == ([9, 9, 10, 10], [3, 6, 6, 6])
    market.settle(2)
    assert shown(stall) == [9, 9, 10, 10, 10, 10]
    assert in_force(market) == {"Mug-0": {"buffer": 1, "fixed": None}, "Mug-1": {"buffer": 1, "fixed": None}}

    with market.shop.use_case() as uc:
        own_rules.of_units(uc, stall.channel.pk, [units[1].pk], {"buffer": 2})
    with pytest.raises(Stale, match="other settings hold: rules of categories or products"):
        apply(market, plan)
    with market.shop.use_case() as uc:
        own_rules.of_units(uc, stall.channel.pk, [units[1].pk], {"buffer": 1})
        entries = AuditEntry.objects.count()
    apply(market, plan)
    market.settle(2)
    assert (shown(stall), shown(other)) == ([3, 6, 6, 6, 10, 10], [10] * 6)
    assert in_force(market) == {"Mugs": {"buffer": 4, "fixed": None}, "Mug-0": {"buffer": None, "fixed": 3}}
    with market.shop.scope():
        assert AuditEntry.objects.filter(action__in=["save.override", "remove.override"]).count() >= 3
        assert AuditEntry.objects.count() > entries
        for product_of in Product.objects.filter(category="Mugs"):
            with market.shop.use_case() as uc:
                products.update_product(uc, product_of.pk, ProductFacts(product_of.title, category="Cups"))
    market.settle(2)
    assert shown(stall) == [3, 10, 10, 10, 10, 10]

    with market.shop.scope():
        back = plans.undo(market.shop.organisation.pk, ACTOR)
        assert plans.undoing(back) == plans.Undoing(back=2, other=2, left=0), "the category is empty by now: its rule goes all the same"
    apply(market, back)
    market.settle(2)
    assert shown(stall) == [9, 9, 10, 10, 10, 10]
    assert in_force(market) == {"Mug-0": {"buffer": 1, "fixed": None}, "Mug-1": {"buffer": 1, "fixed": None}}


def test_a_rule_of_a_category_beyond_the_limits_is_held(market: Market, stall: Stall) -> None:
    units = [product(market.shop, f"Mug-{number}", "Mugs", 10) for number in range(24)]
    for unit in units:
        stall.offer(unit, shown=10)
    stall.run()
    nothing = own(stall, Own(categories=["Mugs"], rules={"share": "0"}))
    with market.shop.scope(), pytest.raises(Held, match="24 of 24 live offers would go to zero at once"):
        plans.at_once(market.shop.organisation.pk, nothing, ACTOR)
    assert not in_force(market)
    with market.shop.scope():
        waits = plans.propose(market.shop.organisation.pk, nothing, ACTOR)
        assert waits.state == SendPlan.State.OPEN
        plans.at_once(market.shop.organisation.pk, own(stall, Own(units=[units[0].pk], rules={"buffer": 1})), ACTOR)
        waits.refresh_from_db()
        assert (waits.state, len(plans.parts_of(waits))) == (SendPlan.State.OPEN, 1), "what is done at once leaves the open plan alone"
    with pytest.raises(Held):
        apply(market, waits)
    apply(market, waits, sure=True)
    with market.shop.scope():
        tasks = SendTask.objects.count()
        capped = own(stall, Own(units=[units[1].pk], rules={"max_publish": 99}))
        assert plans.propose(market.shop.organisation.pk, capped, ACTOR).state == SendPlan.State.APPLIED, "no figure is another by it"
        assert SendTask.objects.count() == tasks
    stall.run()
    assert shown(stall) == [0] * 24


def test_what_changes_nothing_is_in_force_at_once(market: Market, stall: Stall) -> None:
    units = mugs_and_bowls(market, stall)
    organisation = market.shop.organisation.pk
    with market.shop.scope():
        done = plans.propose(organisation, own(stall, Own(units=[units[0].pk], rules={"max_publish": 10})), ACTOR)
        assert (done.state, plans.open_plan()) == (SendPlan.State.APPLIED, None)
        assert RuleOverride.objects.get(valid_until=None).max_publish == 10
        looked = plans.look(organisation, own(stall, Own(units=[units[0].pk])), market.clock())
    market.stock(units[0], 30)
    with market.shop.scope(), pytest.raises(Stale, match="Mug-0: the plan says nothing to send, now it is 10 → 30"):
        plans.at_once(organisation, looked.proposal, ACTOR, looked=looked)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([Own(categories=["Nowhere"], rules={"buffer": 1})], "no product is in a category 'Nowhere'"),
        ([Own(units=[10**12], rules={"buffer": 1})], "no stock unit with number"),
        ([Own(units=[10**12])], "no stock unit with number"),
        ([Own(categories=["Mugs"], rules={"colour": "red"})], "no such rule of a category or product: 'colour'"),
        ([Own(categories=["Mugs"], rules={"share": "much"})], "share: "),
        ([Own(categories=["Mugs"], rules={"share": "101"})], "share: "),
        ([Own(categories=["Mugs"], rules={"buffer": 1}), Own(categories=["Mugs"])], "Mugs is named twice"),
        ([Own(rules={"buffer": 1})], "name some"),
    ],
)
def test_what_cannot_be_said_is_refused_before_anything_is_worked_out(market: Market, stall: Stall, said: list[Own], why: str) -> None:
    mugs_and_bowls(market, stall)
    with pytest.raises((ProposalError, RuleError), match=why):
        save(market, own(stall, *said))
    with market.shop.scope():
        assert not SendPlan.objects.exists()


def test_the_units_of_another_organisation_are_unknown(market: Market, stall: Stall) -> None:
    theirs = Shop.open().unit("THEIRS", 3)
    with pytest.raises(RuleError, match="no stock unit with number"):
        save(market, own(stall, Own(units=[theirs.pk], rules={"buffer": 1})))


def test_every_plan_says_what_applying_it_writes(market: Market, stall: Stall) -> None:
    """Whatever is said of whom, beside guards, kits, packs and what sold in the last hour: ``apply`` compares each figure with the plan."""
    dice, shop, other = random.Random(20261123), market.shop, market.stall()
    units = mugs_and_bowls(market, stall, other)
    kit = shop.kit("SET", {units[0]: 2, units[4]: 1})
    stall.offer(kit, shown=0)
    other.offer(units[1], shown=0, sku="SIX", pack_factor=6)
    market.settle(2)
    shop.at = market.clock()
    with shop.use_case() as uc:
        intake.accept(uc, stall.connection_id, [remote_order("1", [("Mug-1", 3), ("SET", 1)], at=shop.at)], shop.at)
        guarding.set_unit(uc, units[3], True)
    values: tuple[dict[str, str | int | None], ...] = (
        {},
        {"velocity_share": "50"},
        {"share": "33.33", "share_rounding": "up"},
        {"buffer": 3, "zero_at": 2},
        {"fixed": 2},
        {"max_publish": 4},
    )
    paced = 0
    for _ in range(25):
        groups = [Own(categories=["Mugs"], rules=dice.choice(values)), Own(units=[kit.pk, units[1].pk], rules=dice.choice(values))]
        groups.append(Own(units=[dice.choice((units[0], units[3], units[5])).pk], rules=dice.choice(values)))
        chosen = dice.choice((stall, other))
        said = dice.sample(groups, dice.randint(1, 3))
        change = ChannelChange(own=said, rules={"buffer": dice.randrange(3)} if dice.random() < 0.3 else {})
        plan = save(market, Proposal(channels={chosen.channel.pk: change}))
        apply(market, plan, sure=True)
        paced += any(each.rules.get("velocity_share") for each in said)
        with shop.scope():
            items = plans.parts_of(plan)[chosen.channel.pk].quantities
            now = dict(Offer.objects.exclude(stock_unit=units[3]).values_list("pk", "intended_qty"))
            told = dict(zip(items.offer.tolist(), items.after.tolist(), strict=True))
            assert {offer: now[offer] for offer in told if offer in now} == {offer: told[offer] for offer in told if offer in now}
    assert paced > 2
    with shop.use_case("test.sweep") as uc:
        assert len(refresh.sweep(uc)) == 0


# --- places -------------------------------------------------------------------------------------------------------------------------------


def test_a_place_is_taken_out_and_put_back_by_a_plan(market: Market, stall: Stall) -> None:
    """S3.26, D3: what lies where a channel may not sell from is not shown; counted for every channel first, stale if the place changed."""
    shop = market.shop
    attic = shop.add_place("ATTIC", 10)
    both = market.stall(locations=[shop.place, attic])
    unit, only_attic = shop.unit("MUG", {"MAIN": 4, "ATTIC": 6}), shop.unit("VASE", {"ATTIC": 5})
    stall.offer(unit, shown=4)
    both.offer(unit, shown=10)
    both.offer(only_attic, shown=5)
    market.settle(2)
    out = Proposal(places={attic.pk: PlaceChange(sellable=False)})
    plan = save(market, out)
    (counts,) = plans.counts_of(plan)
    assert (counts.channel_id, counts.falls, counts.to_zero) == (both.channel.pk, 2, 1), "of the channels that sell from it"
    with shop.use_case() as uc:
        places.change(uc, attic.pk, {"sellable": False, "priority": 20})
        places.change(uc, attic.pk, {"sellable": True})
    apply(market, plan)
    market.settle(2)
    assert (shown(stall), shown(both)) == ([4], [0, 4])
    shop.reload(attic)
    assert (attic.sellable, attic.priority) == (False, 20)
    again = save(market, out)
    with shop.use_case() as uc:
        places.change(uc, attic.pk, {"sellable": True})
    with pytest.raises(Stale, match="of the places other settings hold"):
        apply(market, again)
    market.settle(2)
    assert shown(both) == [5, 10]
    apply(market, save(market, out))
    market.settle(2)
    with shop.scope():
        back = plans.undo(shop.organisation.pk, ACTOR)
        assert plans.undoing(back) == plans.Undoing(back=2, other=0, left=0)
    apply(market, back)
    market.settle(2)
    assert (shown(stall), shown(both)) == ([4], [5, 10])


def test_places_and_rules_go_in_one_plan_and_promises_beyond_stock_go_short(market: Market, stall: Stall) -> None:
    """More than one change at a time: the place's word on backorder, the channel's places and its rules."""
    shop = market.shop
    attic = shop.add_place("ATTIC", 200, allows_backorder=True)
    with shop.scope():
        ChannelLocation.objects.create(organisation=shop.organisation, channel=stall.channel, location=attic)
    unit = shop.unit("MUG", {"MAIN": 2, "ATTIC": 1})
    stall.offer(unit, shown=3)
    stall.run()
    shop.at = market.clock()
    with shop.use_case() as uc:
        intake.accept(uc, stall.connection_id, [remote_order("1", [("MUG", 7)], at=shop.at)], shop.at)
    assert shop.level(unit, attic)[:2] == (1, 7)
    change = ChannelChange(rules={"buffer": 1}, locations=[shop.place.pk])
    apply(market, save(market, Proposal(channels={stall.channel.pk: change}, places={attic.pk: PlaceChange(allows_backorder=False)})))
    assert shop.level(unit, attic)[:2] == (1, 0), "what is left of the order is served from the channel's places"
    with shop.scope():
        assert plans.undo(shop.organisation.pk, ACTOR).proposal == {
            "channels": {str(stall.channel.pk): {"rules": {"buffer": 0}, "locations": [shop.place.pk, attic.pk]}},
            "places": {str(attic.pk): {"allows_backorder": True}},
        }


def test_a_place_that_cannot_be_changed_so_is_refused_when_the_plan_is_made(market: Market, stall: Stall) -> None:
    shop, foreign = market.shop, Shop.open().place
    with shop.scope():
        virtual = Location.objects.get(virtual_role="customer")
    for place, change, why in (
        (foreign, PlaceChange(active=False), "no place"),
        (virtual, PlaceChange(active=False), "virtual places"),
        (shop.place, PlaceChange(owner=LocationOwner.VIRTUAL), "virtual places"),
        (shop.place, PlaceChange(priority=-1), "priority: "),
        (shop.place, PlaceChange(name="  "), "name: "),
    ):
        with pytest.raises((ProposalError, places.PlaceError), match=why):
            save(market, Proposal(places={place.pk: change}))
    with pytest.raises(RuleError, match="not a place whose stock can be offered"):
        save(market, Proposal(channels={stall.channel.pk: ChannelChange(locations=[virtual.pk])}))
    with shop.scope():
        assert not SendPlan.objects.exists()


FAULTS = [
    (
        Bug(
            "places as they are",
            "A plan forgets that places would count no more.",
            (),
            "stallkeeper.channels.proposals:_best_first",
            (("if place.active and place.sellable", "if place.active or place.sellable"),),
        ),
        test_a_place_is_taken_out_and_put_back_by_a_plan,
    ),
    (
        Bug(
            "own rules stay in a plan",
            "A plan forgets that what is said replaces what was said before.",
            (),
            "stallkeeper.channels.overriding:as_if",
            (("[key not in named for key in overrides.keys]", "[True for key in overrides.keys]"),),
        ),
        test_rules_of_a_category_and_of_products_are_planned_sent_as_seen_and_undone,
    ),
    (
        Bug(
            "undo forgets own rules",
            "Undoing puts back the rules of channels only.",
            (),
            "stallkeeper.channels.plans:_put_back",
            (('"own": before.get("own", [])', '"own": []'),),
        ),
        test_rules_of_a_category_and_of_products_are_planned_sent_as_seen_and_undone,
    ),
    (
        Bug(
            "at once is never stale",
            "A command sends something else than it has shown.",
            (),
            "stallkeeper.channels.plans:at_once",
            (("if looked is not None:", "if looked is None and sure is None:"),),
        ),
        test_what_changes_nothing_is_in_force_at_once,
    ),
]


@pytest.mark.parametrize(("bug", "test"), FAULTS, ids=[bug.name for bug, _ in FAULTS])
def test_a_planted_fault_is_noticed(market: Market, stall: Stall, bug: Bug, test: Callable[[Market, Stall], None]) -> None:
    with planted(bug), pytest.raises((AssertionError, Failed, PlanError, ProposalError)):
        test(market, stall)
