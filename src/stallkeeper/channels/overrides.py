"""Rules of a channel for the products of a category, or for single products, in place of the channel's own (ADR 0051)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from decimal import Decimal

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from stallkeeper.catalog.models import Product, StockUnit
from stallkeeper.channels import facts, refresh, velocity
from stallkeeper.channels.models import Channel
from stallkeeper.channels.overriding import NAMES, Own
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.channels.rules import RuleError, plain, quantities_anew
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkit.registry import manifest_of
from stallkit.words import said as _

SHOWN = 100
"""Of categories and units that an audit entry names."""


def own(categories: Sequence[str], units: Iterable[int], values: Mapping[str, object]) -> Own:
    """What a person says. RuleError if it is nothing: of nothing, or no rule."""
    said = {name: plain(value) for name, value in values.items() if value not in (None, "")}
    if not said:
        raise RuleError(_("rules: say at least one; to go back to the channel's rules, remove this one"))
    found = msgspec.convert({"categories": list(categories), "units": sorted(set(units)), "rules": said}, Own)
    if not found.categories and not found.units:
        raise RuleError(_("sku: no product is chosen"))
    return found


def taken_away(channel_id: int, ids: Sequence[int] | None = None, *, in_category: str = "") -> Own:
    """What is said to end overrides that are in force: those with these ids, or all single products' of a category."""
    found = RuleOverride.objects.filter(channel_id=channel_id, valid_until=None)
    if ids is not None:
        found = found.filter(pk__in=ids)
    if in_category:
        found = found.filter(stock_unit__variants__product__category=in_category).distinct()
    gone = list(found.values_list("stock_unit_id", "category"))
    return Own(sorted(category for _unit, category in gone if category), sorted(unit for unit, _category in gone if unit is not None))


def said_now(channel_id: int, of: Sequence[Own]) -> list[Own]:
    """What is in force of the same categories and units: saying this instead changes nothing. Alike ones stand together."""
    categories, units = _named(of)
    rows = {(rule.category, rule.stock_unit_id): _said(rule) for rule in _in_force(channel_id, categories, units)}
    alike: dict[bytes, Own] = {}
    for category, unit in [*((name, None) for name in categories), *(("", number) for number in units)]:
        rules = rows.get((category, unit), {})
        group = alike.setdefault(msgspec.json.encode(rules, order="deterministic"), Own(rules=rules))
        if unit is None:
            group.categories.append(category)
        else:
            group.units.append(unit)
    return [alike[key] for key in sorted(alike)]


def say(uc: UseCase, channel_id: int, said: Sequence[Own]) -> int:
    """Say rules of categories and stock units, each in place of what was said of the same before; how many had rules before.

    RuleError as from ``would_begin``. Offers follow at once: all of the channel where a category is named, since a product may come into
    it, or leave it, at this very moment. Locks: the organisation's sales, if sales are kept back; the channel; its offers by id.
    """
    velocity.hold_sales(uc, [each.rules for each in said])
    channel = Channel.objects.select_related("connection").select_for_update(of=("self",)).get(pk=channel_id)
    made = would_begin(channel, said)
    begun = any(rule.velocity_share for rule in made) and not velocity.in_use(facts.gather_channels(uc.organisation_id).values())
    categories, units = _named(said)
    ended = _in_force(channel_id, categories, units).update(valid_until=uc.at)
    if not made and not ended:
        return 0
    for rule in made:
        rule.organisation_id, rule.valid_from, rule.actor = uc.organisation_id, uc.at, uc.actor
    RuleOverride.objects.bulk_create(made, batch_size=1_000)
    for each in said:
        _record(uc, channel_id, each)
    _follow(uc, channel_id, None if categories else units, begun=begun)
    return ended


def would_begin(channel: Channel, said: Sequence[Own]) -> list[RuleOverride]:
    """The rows that saying this would begin, unsaved; nothing is written.

    RuleError if a value is out of range, something is named twice, there is no such unit, or no product ever was in such a category.
    """
    categories, units = _named(said)
    _are_there([name for each in said if each.rules for name in each.categories], units)
    if twice := [of for of, times in Counter([*categories, *units]).items() if times > 1]:
        raise RuleError(_("rules: {twice} is named twice", twice=str(twice[0])))
    found = []
    for each in said:
        if each.rules:
            rule = _checked(channel, each.rules)
            found += [_of(rule, category=name) for name in each.categories]
            found += [_of(rule, stock_unit_id=number) for number in each.units]
    return found


def _named(said: Sequence[Own]) -> tuple[list[str], list[int]]:
    return sorted(name for each in said for name in each.categories), sorted(number for each in said for number in each.units)


def _in_force(channel_id: int, categories: Sequence[str], units: Sequence[int]) -> QuerySet[RuleOverride]:
    of = Q(stock_unit=None, category__in=categories) | Q(category="", stock_unit__in=units)
    return RuleOverride.objects.filter(of, channel_id=channel_id, valid_until=None)


def _are_there(categories: Sequence[str], units: Sequence[int]) -> None:
    """A category that has had rules on any channel may be empty by now: undoing says them again, and a copy of the channel does."""
    known = set(Product.objects.filter(category__in=categories).exclude(category="").values_list("category", flat=True))
    had = RuleOverride.objects.filter(stock_unit=None, category__in=categories)
    known |= set(had.values_list("category", flat=True))
    if missing := sorted(set(categories) - known):
        raise RuleError(_("category: no product is in a category {category!r}; choose one from the list of products", category=missing[0]))
    if missing_units := sorted(set(units) - set(StockUnit.objects.filter(pk__in=units).values_list("pk", flat=True))):
        raise RuleError(_("sku: there is no stock unit with number {missing_units}", missing_units=missing_units[0]))


def _of(rule: RuleOverride, **of: object) -> RuleOverride:
    one = copy(rule)
    for name, value in of.items():
        setattr(one, name, value)
    return one


def _checked(channel: Channel, values: Mapping[str, object]) -> RuleOverride:
    """The rules as a row that belongs to nothing yet; RuleError names the field that cannot be."""
    if unknown := sorted(set(values) - set(NAMES)):
        raise RuleError(
            _("There is no such rule of a category or product: {unknown!r}; there are {names}.", unknown=unknown[0], names=", ".join(NAMES))
        )
    rule = RuleOverride(channel=channel, **values)
    try:
        rule.clean_fields(exclude=["organisation", "channel", "valid_from", "actor"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise RuleError(_("{field}: {messages}", field=field, messages=messages[0])) from error
    if rule.share is not None and not 0 <= rule.share <= 100:
        raise RuleError(_("share: a per cent between 0 and 100"))
    if rule.velocity_share is not None and rule.velocity_share < 0:
        raise RuleError(_("velocity_share: a per cent of the last hour's sales, 0 or more"))
    manifest = manifest_of(channel.connection.platform)
    if rule.max_publish is not None and rule.max_publish > manifest.quirks.max_quantity:
        raise RuleError(
            _("max_publish: {title} takes at most {max_quantity}", title=manifest.title, max_quantity=manifest.quirks.max_quantity)
        )
    return rule


def _follow(uc: UseCase, channel_id: int, units: Sequence[int] | None, *, begun: bool) -> None:
    """Have the offers of units follow (None: all of the channel)."""
    if begun:
        velocity.begin(uc)
    if units is None or len(units) > refresh.TAKE_ALONG:
        quantities_anew(uc, channel_id)
    else:
        refresh.refresh(uc, units)


def _record(uc: UseCase, channel_id: int, each: Own) -> None:
    skus = StockUnit.objects.filter(pk__in=each.units[:SHOWN]).order_by("sku").values_list("sku", flat=True)
    of = {"categories": each.categories[:SHOWN], "skus": list(skus), "count": len(each.categories) + len(each.units)}
    audit.record(uc, "save.override" if each.rules else "remove.override", "channel", channel_id, **of, **each.rules)


def _said(rule: RuleOverride) -> dict[str, str | int | None]:
    """What it says, as plain values."""
    said = {name: getattr(rule, name) for name in NAMES}
    return {name: str(plain(value)) if isinstance(value, Decimal) else value for name, value in said.items() if value not in (None, "")}
