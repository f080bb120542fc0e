"""Past figures: the availability function over the facts of the moment, as believed then and as known today (D1, D2, C20)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from stallkeeper.catalog import kits, products
from stallkeeper.catalog.models import Product
from stallkeeper.catalog.products import ProductFacts
from stallkeeper.channels import fences, guarding, links, observed, rules, time_travel, velocity
from stallkeeper.channels.models import Channel, ObservedHold, Offer
from stallkeeper.channels.past import View, gather
from stallkeeper.channels.refresh import drain
from stallkeeper.core import clock
from stallkeeper.core.history import Changed, Fact, note, undone
from stallkeeper.core.models import FactChange
from stallkeeper.orders import intake, past
from stallkeeper.stock import incoming, ledger, places, reserve
from stallkeeper.stock.allocation import Demand
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Location, ReservationKind
from stallkeeper.stock.reserve import Want
from tests import own_rules
from tests.shop import Shop, remote_order

MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop() -> Shop:
    return Shop.open()


def at(shop: Shop, moment: datetime, sku: str = "MUG", channel: Channel | None = None) -> time_travel.PastExplanation:
    with clock.using(lambda: shop.at):
        return past.explain_at(shop.organisation.pk, sku, moment, channel.code if channel else None)[0]


def test_a_sale_that_is_entered_late_is_in_the_second_view_only(shop: Shop) -> None:
    """D2: two clocks. At 12:10 we believed 10; by today's knowledge an order of 3 had been placed and 2 had broken: 5."""
    unit, channel = shop.unit("MUG", 10), shop.channel()
    shop.offer(channel, unit)
    moment = shop.at + 10 * MINUTE
    shop.later(minutes=20)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("1", [("MUG", 3)], at=moment - 5 * MINUTE)], shop.at)
    shop.later(minutes=10)
    with shop.use_case() as uc:
        ledger.set_on_hand(uc, [Target(unit.pk, shop.place.pk, 8, "broken")], reason="broken", occurred_at=moment - MINUTE)
    found = at(shop, moment)
    assert (found.then.number, found.today.number, found.differs) == (10, 5, True)
    assert [(move.reason, move.quantity) for move in found.late_movements] == [("broken", 2)]
    assert [(order.number, order.units) for order in found.late_orders] == [("1", 3)]
    assert [step.after for step in found.today.steps if step.name == "allocated"] == [5]
    later = at(shop, shop.at)
    assert (later.then.number, later.today.number, later.differs) == (5, 5, False)
    assert not later.late_movements
    assert not later.late_orders


def test_what_was_held_for_a_sale_is_not_counted_twice_when_its_order_came(shop: Shop) -> None:
    """S3.55, S3.56: between the look and the order both views know of one sold unit; the order only took over what was held."""
    unit, channel = shop.unit("MUG", 10), shop.channel(holds_enabled=True, holds_from=shop.at)
    offer = shop.offer(channel, unit)
    sold = shop.later(minutes=1).at
    shop.later(minutes=1)
    with shop.use_case() as uc:
        row = ObservedHold.objects.create(
            organisation=shop.organisation,
            offer=offer,
            channel=offer.channel,
            quantity=2,
            seen=2,
            since=sold - MINUTE,
            seen_at=shop.at,
            cause="10 -> 8",
        )
        want = Want(Demand(row.pk, 2, ((unit.pk, 1),), (shop.place.pk,)), ReservationKind.OBSERVED)
        reserve.set_reservations(uc, observed.OWNER, [want], cause="seen on the channel")
    seen = shop.at
    shop.later(minutes=5)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("1", [("MUG", 2)], at=sold)], shop.at)
    for moment, then, today in ((sold, 10, 8), (seen, 8, 8), (shop.at, 8, 8)):
        found = at(shop, moment)
        assert (found.then.number, found.today.number) == (then, today), moment


def test_every_rule_and_switch_is_that_of_the_moment(shop: Shop) -> None:
    """Each fact that is not in the ledger has a history: what is changed afterwards does not change what was."""
    far = shop.add_place("FAR")
    cup, saucer = shop.unit("CUP", {"MAIN": 10, "FAR": 4}), shop.unit("SAUCER", {"MAIN": 9, "FAR": 4})
    with shop.use_case() as uc:
        kit = kits.make_kit(uc, "SET", "A set", {cup.pk: 1, saucer.pk: 1})
    near, other = shop.channel(locations=[shop.place, far]), shop.channel()
    offer = shop.offer(near, kit)
    expected: list[tuple[datetime, int | None]] = [(shop.at, shop.intended(offer))]

    def change(run: Callable[..., object]) -> None:
        shop.later(minutes=10)
        with shop.use_case() as uc:
            run(uc)
        expected.append((shop.at, shop.intended(offer)))

    change(lambda uc: rules.save(uc, near.pk, share=50, share_rounding="up", max_publish=5))
    change(lambda uc: rules.save(uc, near.pk, allow_splits=True, horizon_days=3, max_publish=None))
    change(lambda uc: fences.set_fence(uc, other, cup, 3))
    change(lambda uc: incoming.set_incoming(uc, cup, shop.place, date(2026, 3, 4), 6))
    change(lambda uc: incoming.set_incoming(uc, saucer, shop.place, date(2026, 3, 4), 8))
    change(lambda uc: kits.set_components(uc, kit.pk, {cup.pk: 2, saucer.pk: 1}))
    change(lambda uc: places.change(uc, far.pk, {"sellable": False}))
    change(lambda uc: products.update_unit(uc, saucer.pk, stocked=False))
    change(lambda uc: links.exclude(uc, [offer.pk], stock=True))
    change(lambda uc: links.exclude(uc, [offer.pk], stock=False))
    change(lambda uc: products.update_unit(uc, kit.pk, active=False))
    change(lambda uc: rules.save(uc, near.pk, locations=[far.pk]))
    shop.later(minutes=10)
    assert len({number for _, number in expected}) > 6
    for moment, number in expected:
        found = at(shop, moment, "SET")
        assert (found.then.number, found.today.number) == (number, number), moment
        assert number is None or found.then.steps[-1].after == number


def test_an_offer_that_was_linked_later_did_not_exist_then(shop: Shop) -> None:
    unit, channel = shop.unit("MUG", 4), shop.channel()
    shop.offer(channel, unit, linked_by="sku", linked_at=shop.at + 30 * MINUTE)
    shop.later(hours=1)
    found = at(shop, shop.at - 40 * MINUTE)
    assert (found.linked, found.then.number) == (False, None)
    assert at(shop, shop.at).linked


def test_what_is_open_on_a_gross_channel_is_that_of_the_moment(shop: Shop) -> None:
    """Walmart wants sold units in its figure until they are shipped: the step "basis" is worked out of the moment too."""
    unit, channel = shop.unit("MUG", 10), shop.channel("walmart", currency="USD")
    offer = shop.offer(channel, unit)
    before = shop.later(minutes=5).at
    shop.later(minutes=5)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("1", [("MUG", 3)], at=shop.at)], shop.at)
    sold = shop.at
    shop.later(minutes=5)
    assert shop.intended(offer) == 10
    assert [step.after for step in at(shop, sold).then.steps][-2:] == [7, 10]
    assert [step.after for step in at(shop, before).then.steps][-2:] == [10, 10]


def test_a_moment_before_the_history_says_so_and_one_ahead_is_refused(shop: Shop) -> None:
    unit, channel = shop.unit("MUG", 10), shop.channel()
    shop.offer(channel, unit)
    shop.organisation.facts_since = shop.at + 10 * MINUTE
    shop.organisation.save()
    shop.later(minutes=30)
    assert at(shop, shop.at - 25 * MINUTE).unrecorded_before == shop.organisation.facts_since
    assert at(shop, shop.at).unrecorded_before is None
    with pytest.raises(time_travel.NotYet, match="lies ahead"):
        at(shop, shop.at + MINUTE)


def test_the_history_is_append_only_and_of_one_company(shop: Shop) -> None:
    unit, channel = shop.unit("MUG", 10), shop.channel()
    with shop.use_case() as uc:
        fences.set_fence(uc, channel, unit, 2)
    other = Shop.open()
    with shop.scope(), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        FactChange.objects.all().delete()
    with shop.scope():
        assert undone(shop.organisation.pk, Fact.FENCE, [unit.pk], shop.at - MINUTE) == {(unit.pk, str(channel.pk)): 0}
    with other.scope():
        assert undone(shop.organisation.pk, Fact.FENCE, [unit.pk], shop.at - MINUTE) == {}
        assert undone(other.organisation.pk, Fact.FENCE, [unit.pk], shop.at - MINUTE) == {}


def test_of_two_changes_that_overlap_the_one_that_was_written_first_counts(shop: Shop) -> None:
    """Whoever waits for a lock began earlier, and found what the other had written (seed 36: a unit that was guarded for a moment)."""
    unit = shop.unit("MUG", 10)
    for guarded, began in ((True, shop.at + MINUTE), (False, shop.at + MINUTE / 2)):
        with shop.use_case() as uc:
            note(replace(uc, at=began), Fact.GUARD, [Changed(unit.pk, "", not guarded or None, guarded or None)])
    with shop.scope():
        assert undone(shop.organisation.pk, Fact.GUARD, [unit.pk], shop.at) == {(unit.pk, ""): None}


@pytest.mark.parametrize("seed", range(4))
def test_a_random_day_is_explained_as_it_was_intended(shop: Shop, seed: int) -> None:
    """At each past moment the figure "as believed then" is the one that stood on the offer, whatever came later (kept by the test)."""
    chance = random.Random(seed)
    far = shop.add_place("FAR")
    with shop.use_case() as uc:
        units = [products.create_product(uc, f"U{number}", ProductFacts(f"U{number}", category="Cups")) for number in range(3)]
    for unit in units:
        shop.stock(unit, {"MAIN": chance.randrange(12), "FAR": chance.randrange(5)})
    with shop.use_case() as uc:
        kit = kits.make_kit(uc, "KIT", "A kit", {units[0].pk: 1, units[1].pk: 2})
    channels = [
        shop.channel(locations=[shop.place, far], buffer=1),
        shop.channel("walmart", currency="USD"),
        shop.channel(locations=[far, shop.place], share=75, allow_splits=True, horizon_days=2),
    ]
    offers = [
        shop.offer(channel, unit, f"{unit.sku}-{channel.pk}", pack_factor=1 + n) for channel in channels for n, unit in enumerate(units)
    ]
    offers += [shop.offer(channel, kit, f"{kit.sku}-{channel.pk}") for channel in channels]
    day = Day(shop, chance, channels, offers, [*units, kit], [shop.place, far])
    kept: list[tuple[datetime, dict[int, int | None]]] = []
    for step in range(18):
        shop.later(minutes=7)
        day.something(step)
        with clock.using(lambda: shop.at):
            drain(shop.organisation.pk)
        with shop.scope():
            kept.append((shop.at, dict(Offer.objects.values_list("pk", "intended_qty"))))
    shop.later(minutes=1)
    assert len({tuple(sorted(figures.items())) for _, figures in kept}) > 3
    for moment, figures in kept:
        assert explained(shop, offers, moment) == figures, moment


def explained(shop: Shop, offers: list[Offer], moment: datetime) -> dict[int, int | None]:
    with shop.scope():
        found = gather(shop.organisation.pk, None, [offer.pk for offer in offers], moment, View.THEN)
        numbers = found.figures().tolist()
    return {offer: None if number < 0 else number for offer, number in zip(found.facts.offers["id"].tolist(), numbers, strict=True)}


class Day:
    """What happens to a shop in a day, drawn by chance."""

    def __init__(self, shop: Shop, chance: random.Random, channels: list, offers: list, units: list, places_: list[Location]) -> None:
        self.shop, self.chance = shop, chance
        self.channels, self.offers, self.units, self.places = channels, offers, units, places_
        self.guards = [self.guard, self.guard, self.threshold] if chance.random() < 0.6 else []

    def something(self, number: int) -> None:
        kinds = [
            self.sell,
            self.sell,
            self.sell,
            self.count,
            self.rule,
            self.fence,
            self.announce,
            self.recipe,
            self.switch,
            self.leave_out,
        ]
        self.chance.choice([*kinds, self.special, self.special, self.category, self.an_hour, *self.guards])(number)

    def sell(self, number: int) -> None:
        offer = self.chance.choice(self.offers)
        with self.shop.use_case() as uc:
            account = next(channel for channel in self.channels if channel.pk == offer.channel_id).connection_id
            order = remote_order(f"{number}", [(offer.sku, self.chance.randrange(1, 4))], at=self.shop.at)
            intake.accept(uc, account, [order], self.shop.at)

    def count(self, number: int) -> None:
        unit, place = self.chance.choice(self.units[:3]), self.chance.choice(self.places)
        with self.shop.use_case() as uc:
            ledger.set_on_hand(uc, [Target(unit.pk, place.pk, self.chance.randrange(15), f"day:{number}")])

    def rule(self, _number: int) -> None:
        wanted = self.chance.choice(
            [{"buffer": 3}, {"share": 40}, {"max_publish": 4}, {"zero_at": 2}, {"fixed": 2}, {"allow_splits": True}]
        )
        with self.shop.use_case() as uc:
            rules.save(uc, self.chance.choice(self.channels).pk, **wanted)

    def guard(self, _number: int) -> None:
        """A product goes into guarded mode, or out of it."""
        with self.shop.use_case() as uc:
            guarding.set_unit(uc, self.chance.choice(self.units[:3]), self.chance.random() < 0.7)

    def threshold(self, _number: int) -> None:
        """So does whatever is scarce."""
        with self.shop.use_case() as uc:
            guarding.set_below(uc, self.chance.choice([0, 2, 6]))

    def special(self, _number: int) -> None:
        """Rules of a category or of a product; among them the velocity guard."""
        wanted = self.chance.choice([{"buffer": 2}, {"share": 60}, {"velocity_share": 100}, {"max_publish": 3, "share_rounding": "up"}])
        channel = self.chance.choice(self.channels)
        with self.shop.use_case() as uc:
            if self.chance.random() < 0.5:
                own_rules.of_units(uc, channel.pk, [self.chance.choice(self.units).pk], wanted)
            elif Product.objects.filter(category="Cups").exists():
                own_rules.of_category(uc, channel.pk, "Cups", wanted)
            own_rules.remove(uc, self.chance.choice(self.channels).pk) if self.chance.random() < 0.2 else None

    def category(self, number: int) -> None:
        """A product is put on another shelf of the catalogue."""
        with self.shop.use_case() as uc:
            product = self.chance.choice(list(Product.objects.exclude(title="A kit").order_by("pk")))
            products.update_product(uc, product.pk, ProductFacts(product.title, category=self.chance.choice(["Cups", f"Shelf {number}"])))

    def an_hour(self, _number: int) -> None:
        """What the hour before sold counts no longer."""
        self.shop.later(minutes=self.chance.randrange(65))
        with self.shop.use_case() as uc:
            velocity.lapse(uc)

    def fence(self, _number: int) -> None:
        with self.shop.use_case() as uc:
            fences.set_fence(uc, self.chance.choice(self.channels), self.chance.choice(self.units[:3]), self.chance.randrange(4))

    def announce(self, _number: int) -> None:
        day = self.shop.at.date() + timedelta(days=self.chance.randrange(3))
        with self.shop.use_case() as uc:
            incoming.set_incoming(uc, self.chance.choice(self.units[:3]), self.chance.choice(self.places), day, self.chance.randrange(9))

    def recipe(self, _number: int) -> None:
        with self.shop.use_case() as uc:
            parts = self.chance.sample(self.units[:3], self.chance.randrange(1, 4))
            kits.set_components(uc, self.units[3].pk, {unit.pk: self.chance.randrange(1, 3) for unit in parts})

    def switch(self, _number: int) -> None:
        with self.shop.use_case() as uc:
            if self.chance.random() < 0.5:
                places.change(uc, self.places[1].pk, {"active": self.chance.random() < 0.5, "priority": self.chance.randrange(200)})
            else:
                products.update_unit(uc, self.chance.choice(self.units).pk, active=self.chance.random() < 0.7)

    def leave_out(self, _number: int) -> None:
        with self.shop.use_case() as uc:
            links.exclude(uc, [self.chance.choice(self.offers).pk], stock=self.chance.random() < 0.5)
