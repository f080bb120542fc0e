"""Acts of the seller's people: rules of categories and products, and products that move to another category."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stallkeeper.catalog import products
from stallkeeper.catalog.models import Product, StockUnit, Variant
from stallkeeper.catalog.products import ProductFacts
from stallkeeper.channels import overrides
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.core import clock
from stallkeeper.ops.simulation import habits
from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.world import KIT, SKUS

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

CATEGORIES = ("Mugs", "Bowls")


@act("own rules", 2.5)
def own_rules(world: World) -> None:
    """A category or a product gets rules of its own on a stall, instead of those that it had; or both do, and the product moves there."""
    dice, stall, said = world.dice, world.dice.choice(world.stalls), habits.own_rules(world.dice)
    category, sku = dice.choice(CATEGORIES), dice.choice((*SKUS, KIT))
    whose = dice.choice(("category", "product", "both", "both", "both"))
    if whose != "product":
        _have_category(world, category)
        if whose == "both":
            _move(world, sku, category)
        with world.use_case("save.override") as uc:
            overrides.say(uc, stall.channel.pk, [overrides.own([category], [], said)])
        world.reach("a category got rules")
    if whose != "category":
        mine = habits.own_rules(dice, said) if whose == "both" else said
        with world.use_case("save.override") as uc:
            overrides.say(uc, stall.channel.pk, [overrides.own([], [world.units[sku].pk], mine)])
        world.reach("a product got rules")
    world.note(f"{stall.name}: {whose}, {category} and {sku}, rules of their own: {said}")


def _have_category(world: World, category: str) -> None:
    """Some product is in it."""
    if not Product.objects.filter(category=category).exists():
        _move(world, world.dice.choice(SKUS), category)


@act("own rules end", 0.7)
def end_own_rules(world: World) -> None:
    """Some of them are taken away."""
    dice, stall = world.dice, world.dice.choice(world.stalls)
    there = list(RuleOverride.objects.filter(channel=stall.channel, valid_until=None).order_by("pk").values_list("pk", flat=True))
    if not there:
        return
    with world.use_case("remove.override") as uc:
        gone = overrides.taken_away(stall.channel.pk, dice.sample(there, dice.randint(1, len(there))))
        overrides.say(uc, stall.channel.pk, [gone])
    world.reach("rules of a category or product ended")
    world.note(f"{stall.name}: some rules of categories and products end")


@act("product moves", 1)
def move_product(world: World) -> None:
    """A product comes into a category, or goes to another."""
    sku, category = world.dice.choice((*SKUS, KIT)), world.dice.choice((*CATEGORIES, ""))
    _move(world, sku, category)
    world.reach("a product moved to another category")
    world.note(f"{sku} is in category {category or 'none'}")


def _move(world: World, sku: str, category: str) -> None:
    with world.use_case("change.product") as uc:
        product = _product(world, world.units[sku])
        products.update_product(uc, product.pk, ProductFacts(product.title, category=category))


def _product(world: World, unit: StockUnit) -> Product:
    """The unit's product; units of this world begin without."""
    known = Product.objects.filter(variants__stock_unit=unit).order_by("variants__pk").first()
    if known is not None:
        return known
    now = clock.now()
    made = Product.objects.create(organisation=world.organisation, title=unit.sku, created_at=now, updated_at=now)
    Variant.objects.create(organisation=world.organisation, product=made, stock_unit=unit)
    return made
