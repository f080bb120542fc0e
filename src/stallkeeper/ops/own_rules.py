"""What the command about rules of categories and products does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import breaker, overrides
from stallkeeper.channels.models import Channel
from stallkeeper.channels.overriding import NAMES
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.channels.rule_plan import plan_change
from stallkeeper.channels.rules import RuleError
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.ops.connections import rules_given

Act = Callable[[UseCase], object]
MOST = 1_000
"""Rows that a listing shows; name the category or the SKU to see others."""


def saying(channel: Channel, category: str | None, skus: Sequence[str], given: tuple[str, ...]) -> Act:
    """Rules as given (NAME=VALUE), of a category or of products; RuleError if a value or a SKU is wrong."""
    values = rules_given(given)
    if category:
        return lambda uc: overrides.of_category(uc, channel.pk, category, values)
    units = list(_units(skus).values())
    return lambda uc: overrides.of_units(uc, channel.pk, units, values)


def removal(channel: Channel, category: str | None, skus: Sequence[str]) -> Act:
    """The rules of a category, or of products, are taken away; RuleError if there are none."""
    found = RuleOverride.objects.filter(channel=channel, valid_until=None)
    found = found.filter(category=category) if category else found.filter(stock_unit__in=list(_units(skus).values()))
    ids = list(found.values_list("pk", flat=True))
    if not ids:
        raise RuleError(f"There are no rules of {category or ', '.join(skus)} on {channel.code}: see stallkeeper rules {channel.code}")
    return lambda uc: overrides.remove(uc, channel.pk, ids)


def _units(skus: Sequence[str]) -> dict[str, int]:
    found = dict(StockUnit.objects.filter(sku__in=skus).values_list("sku", "pk"))
    if missing := [sku for sku in skus if sku not in found]:
        raise RuleError(f"sku: there is no stock unit {missing[0]!r}")
    return found


def plan(organisation_id: int, channel: Channel, act: Act, actor: str) -> str:
    """One sentence: what the act would change. It is done and taken back."""
    found = plan_change(organisation_id, channel.pk, act, actor)
    said = f"{channel.name}: of {found.offers} offers {found.rises} would rise and {found.falls} fall"
    return f"{said}, {found.to_zero} of them to zero."


@again_on_conflict
def say(organisation_id: int, channel: Channel, act: Act, actor: str) -> None:
    """Say rules; what differs goes out with the next run."""
    with use_case("save.override", organisation_id=organisation_id, actor=actor) as uc:
        act(uc)
        breaker.look_again(uc, channel.pk)


@again_on_conflict
def take_away(organisation_id: int, channel: Channel, act: Act, actor: str) -> None:
    """Take rules away; what differs goes out with the next run."""
    with use_case("remove.override", organisation_id=organisation_id, actor=actor) as uc:
        act(uc)
        breaker.look_again(uc, channel.pk)


def listed(channel: Channel, category: str | None, skus: Sequence[str]) -> list[dict[str, object]]:
    """The rules in force, of one category or some products, or the first of all."""
    found = RuleOverride.objects.filter(channel=channel, valid_until=None).select_related("stock_unit").order_by("pk")
    if category:
        found = found.filter(category=category)
    if skus:
        found = found.filter(stock_unit__sku__in=skus)
    return [
        {"of": rule.stock_unit.sku if rule.stock_unit else f"category {rule.category}", "rules": _words(rule), "since": rule.valid_from}
        for rule in found[:MOST]
    ]


def _words(rule: RuleOverride) -> str:
    said = ((name, getattr(rule, name)) for name in NAMES)
    return ", ".join(f"{name}={value}" for name, value in said if value not in (None, ""))
