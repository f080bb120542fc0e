"""What the command about rules of categories and products does."""

from __future__ import annotations

from collections.abc import Sequence

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import overrides
from stallkeeper.channels.models import Channel
from stallkeeper.channels.overriding import NAMES
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.channels.rules import RuleError
from stallkeeper.ops.connections import rules_given

MOST = 1_000
"""Rows that a listing shows; name the category or the SKU to see others."""


def saying(channel: Channel, category: str | None, skus: Sequence[str], given: tuple[str, ...]) -> Proposal:
    """Rules as given (NAME=VALUE), of a category or of products; RuleError if a value or a SKU is wrong."""
    categories = [category] if category else []
    said = overrides.own(categories, [] if category else _units(skus).values(), rules_given(given))
    return Proposal(channels={channel.pk: ChannelChange(own=[said])})


def removal(channel: Channel, category: str | None, skus: Sequence[str]) -> Proposal:
    """The rules of a category, or of products, are taken away; RuleError if there are none."""
    found = RuleOverride.objects.filter(channel=channel, valid_until=None)
    found = found.filter(category=category) if category else found.filter(stock_unit__in=list(_units(skus).values()))
    ids = list(found.values_list("pk", flat=True))
    if not ids:
        raise RuleError(f"There are no rules of {category or ', '.join(skus)} on {channel.code}: see stallkeeper rules {channel.code}")
    return Proposal(channels={channel.pk: ChannelChange(own=[overrides.taken_away(channel.pk, ids)])})


def _units(skus: Sequence[str]) -> dict[str, int]:
    found = dict(StockUnit.objects.filter(sku__in=skus).values_list("sku", "pk"))
    if missing := [sku for sku in skus if sku not in found]:
        raise RuleError(f"sku: there is no stock unit {missing[0]!r}")
    return found


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
