"""``explain`` ends at the stored number for hundreds of random states, through the public function and PostgreSQL (issue 4, must show 5).

Ten thousand more states of the same arithmetic, without a database: tests/unit/test_explained_figures.py.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from itertools import pairwise

from stallkeeper.catalog.models import KitComponent, Product, StockUnit, UnitKind, Variant
from stallkeeper.channels import explain, refresh
from stallkeeper.channels.models import Channel, GuardedUnit, Offer, RingFence
from stallkeeper.channels.rule_models import RuleOverride, UnitSale
from stallkeeper.core import clock
from stallkeeper.stock.models import Incoming, Level, Location
from stallkit.registry import ADAPTERS
from tests.shop import NOON, Shop

SINGLES, KITS, CHANNELS = 36, 12, 7
FEW = (0, 1, 1, 2, 5, 9, 40)


def test_every_explanation_ends_at_the_stored_number() -> None:
    """Share, cap, kit, pack factor, ring-fence, horizon, overrides, velocity and guard together; each step begins where the last ended."""
    dice = random.Random(4)
    shop = Shop.open()
    with shop.scope():
        offers = a_shop(shop, dice)
    with shop.use_case("test.refresh") as uc:
        refresh.refresh(uc, sorted({offer.stock_unit_id for offer in offers}))
    met: Counter[str] = Counter()
    with clock.using(lambda: NOON):
        for sku in sorted({offer.sku for offer in offers}):
            for told in explain.explain(shop.organisation.pk, sku):
                assert told.intended == told.stored, (sku, told.channel_code, told.steps)
                assert told.excluded or told.steps[-1].after == told.stored, (sku, told.channel_code, told.steps)
                assert all(after.before == before.after for before, after in pairwise(told.steps))
                met["states"] += 1
                met.update({step.name for step in told.steps if step.before is not None and step.before != step.after})
                met["waits"] += "waits for" in told.steps[-1].note
    assert met["states"] == len(offers) >= 200
    reached = {"allocated", "holds", "ring_fence", "incoming", "share", "buffer", "velocity", "cap", "zero_at", "pack_factor", "basis"}
    assert all(met[step] > 3 for step in reached), met
    assert min(met["guard"], met["waits"]) > 10, met


def a_shop(shop: Shop, dice: random.Random) -> list[Offer]:
    """Everything at once, written in bulk: only the figures are worked out by the product."""
    places = [shop.place, shop.add_place("B"), shop.add_place("C", priority=5)]
    singles, kits = units(shop, dice)
    channels = [a_channel(shop, dice, places) for _ in range(CHANNELS)]
    levels(shop, dice, singles, places)
    rules(shop, dice, [*singles, *kits], channels)
    mine = {"organisation": shop.organisation}
    GuardedUnit.objects.bulk_create(
        GuardedUnit(**mine, stock_unit=unit, by_hand=True, since=NOON) for unit in singles if unit.stocked and dice.random() < 0.6
    )
    offers = [an_offer(shop, dice, channel, unit) for unit in [*singles, *kits] for channel in channels if dice.random() < 0.7]
    return Offer.objects.bulk_create(offers)


def units(shop: Shop, dice: random.Random) -> tuple[list[StockUnit], list[StockUnit]]:
    mine = {"organisation": shop.organisation, "created_at": NOON}
    made = [StockUnit(**mine, sku=f"U{number}", title="", stocked=dice.random() > 0.05) for number in range(SINGLES)]
    made += [StockUnit(**mine, sku=f"K{number}", title="", kind=UnitKind.KIT, active=dice.random() > 0.1) for number in range(KITS)]
    made = StockUnit.objects.bulk_create(made)
    singles, kits = made[:SINGLES], made[SINGLES:]
    KitComponent.objects.bulk_create(
        KitComponent(organisation=shop.organisation, kit=kit, component=part, quantity=dice.randrange(1, 4))
        for kit in kits
        for part in dice.sample(singles, dice.randrange(1, 4))
    )
    return singles, kits


def a_channel(shop: Shop, dice: random.Random, places: list[Location]) -> Channel:
    return shop.channel(
        dice.choice(sorted(ADAPTERS)),
        locations=dice.sample(places, dice.randrange(2, 4)),
        stock_enabled=dice.random() > 0.15,
        share=dice.choice(["100", "100", "50", "33.33"]),
        share_rounding=dice.choice(["down", "up", "nearest"]),
        buffer=dice.choice([0, 0, 0, 1]),
        max_publish=dice.choice([None, None, 3]),
        zero_at=dice.choice([0, 0, 1]),
        velocity_share=dice.choice(["0", "50"]),
        allow_splits=dice.random() < 0.5,
        horizon_days=dice.choice([0, 2]),
    )


def levels(shop: Shop, dice: random.Random, singles: list[StockUnit], places: list[Location]) -> None:
    mine = {"organisation": shop.organisation}
    found = []
    for unit in singles:
        for place in places:
            on_hand = dice.choice(FEW)
            given = min(dice.choice([0, 0, 1, 3]), on_hand)
            found.append(Level(**mine, stock_unit=unit, location=place, on_hand=on_hand, allocated=given, held=dice.choice([0, 0, 0, 1])))
    Level.objects.bulk_create(found)
    Incoming.objects.bulk_create(
        Incoming(**mine, stock_unit=unit, location=dice.choice(places), quantity=4, expected_on=NOON.date() + timedelta(dice.randrange(5)))
        for unit in dice.sample(singles, 15)
    )
    UnitSale.objects.bulk_create(
        UnitSale(**mine, stock_unit=unit, quantity=dice.randrange(1, 4), sold_at=NOON, recorded_at=NOON)
        for unit in dice.sample(singles, 12)
    )


def rules(shop: Shop, dice: random.Random, sold: list[StockUnit], channels: list[Channel]) -> None:
    """Ring-fences, and rules of products and of one category."""
    mine = {"organisation": shop.organisation}
    RingFence.objects.bulk_create(
        RingFence(**mine, channel=dice.choice(channels), stock_unit=unit, quantity=dice.randrange(1, 3)) for unit in dice.sample(sold, 8)
    )
    products = Product.objects.bulk_create(Product(**mine, title="", category="Mugs", created_at=NOON, updated_at=NOON) for _ in range(12))
    Variant.objects.bulk_create(
        Variant(**mine, product=product, stock_unit=unit) for product, unit in zip(products, dice.sample(sold, 12), strict=True)
    )
    spoken = [{"stock_unit": unit} for unit in dice.sample(sold, 15)] + [{"category": "Mugs"}]
    RuleOverride.objects.bulk_create(
        RuleOverride(
            **mine, **of, channel=channel, valid_from=NOON, actor="user:1", **dice.choice([{"share": 80}, {"buffer": 1}, {"fixed": 2}])
        )
        for of in spoken
        for channel in dice.sample(channels, 3)
    )


def an_offer(shop: Shop, dice: random.Random, channel: Channel, unit: StockUnit) -> Offer:
    """Its figures on the channel are anything, or nobody knows them."""
    open_, believed = dice.choice([0, 0, 2]), dice.choice([None, 0, 1, 4, 30])
    return Offer(
        organisation=shop.organisation,
        channel=channel,
        stock_unit=unit,
        sku=unit.sku,
        pack_factor=dice.choice([1, 1, 1, 2]),
        stock_excluded=dice.random() < 0.04,
        open_qty=open_,
        unacknowledged_qty=dice.randrange(open_ + 1),
        intended_qty=dice.choice([None, 0, 2, 7]),
        believed_qty=believed,
        most_qty=dice.choice([None, 3]) if believed is None else None,
        missing_qty=dice.choice([0, 0, 1]),
        missing_since=NOON,
    )
