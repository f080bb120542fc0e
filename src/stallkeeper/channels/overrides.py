"""Rules of a channel for the products of a category, or for single products, in place of the channel's own (ADR 0051)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from stallkeeper.catalog.models import Product, StockUnit
from stallkeeper.channels import facts, refresh, velocity
from stallkeeper.channels.models import Channel
from stallkeeper.channels.overriding import NAMES
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.channels.rules import RuleError, quantities_anew
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkit.registry import manifest_of


def of_category(uc: UseCase, channel_id: int, category: str, values: Mapping[str, object]) -> RuleOverride:
    """Say the rules of a category, in place of what was said of it before; a rule that is None falls through to the channel's.

    RuleError if nothing is said, a value is out of range, or no product is in the category. All offers of the channel follow at once: a
    product may come into the category, or leave it, at this very moment.
    """
    channel = _locked(channel_id)
    if not Product.objects.filter(category=category).exclude(category="").exists():
        raise RuleError(f"category: no product is in a category {category!r}; choose one from the list of products")
    rule = _checked(channel, values)
    rule.category = category
    begun = _begins(uc, [rule])
    _end(uc, RuleOverride.objects.filter(channel=channel, category=category, valid_until=None))
    _begin(uc, channel, [rule])
    audit.record(uc, "save.override", "channel", channel_id, category=category, **_said(rule))
    _follow(uc, channel_id, None, begun=begun)
    return rule


def of_units(uc: UseCase, channel_id: int, units: Sequence[int], values: Mapping[str, object]) -> int:
    """Say the rules of single stock units, the same for each, in place of what was said of these before; how many.

    RuleError if nothing is said, a value is out of range, or a unit is not ours. Their offers follow at once.
    """
    channel = _locked(channel_id)
    wanted = sorted(set(units))
    known = StockUnit.objects.in_bulk(wanted)
    if missing := sorted(set(wanted) - known.keys()):
        raise RuleError(f"sku: there is no stock unit with number {missing[0]}")
    if not wanted:
        raise RuleError("sku: no product is chosen")
    made = [_checked(channel, values) for _ in wanted]
    for rule, unit in zip(made, wanted, strict=True):
        rule.stock_unit = known[unit]
    begun = _begins(uc, made)
    _end(uc, RuleOverride.objects.filter(channel=channel, stock_unit__in=wanted, valid_until=None))
    _begin(uc, channel, made)
    audit.record(uc, "save.override", "channel", channel_id, units=wanted[:100], number=len(wanted), **_said(made[0]))
    _follow(uc, channel_id, wanted, begun=begun)
    return len(wanted)


def remove(uc: UseCase, channel_id: int, ids: Sequence[int] | None = None, *, in_category: str = "") -> int:
    """End overrides of a channel: those with these ids, or all single products' of a category; how many there were."""
    channel = _locked(channel_id)
    found = RuleOverride.objects.filter(channel=channel, valid_until=None)
    if ids is not None:
        found = found.filter(pk__in=ids)
    if in_category:
        found = found.filter(stock_unit__variants__product__category=in_category).distinct()
    gone = list(found.values_list("pk", "stock_unit_id", "category"))
    if not gone:
        return 0
    _end(uc, RuleOverride.objects.filter(pk__in=[pk for pk, _unit, _category in gone]))
    categories = sorted({category for _pk, _unit, category in gone if category})
    units = sorted({unit for _pk, unit, _category in gone if unit is not None})
    audit.record(uc, "remove.override", "channel", channel_id, number=len(gone), categories=categories[:100], units=units[:100])
    _follow(uc, channel_id, None if categories else units, begun=False)
    return len(gone)


def _locked(channel_id: int) -> Channel:
    """Saving for a channel waits for whoever saves for it."""
    return Channel.objects.select_related("connection").select_for_update(of=("self",)).get(pk=channel_id)


def _checked(channel: Channel, values: Mapping[str, object]) -> RuleOverride:
    """The rules as a row that belongs to nothing yet; RuleError names the field that cannot be."""
    if unknown := sorted(set(values) - set(NAMES)):
        raise RuleError(f"There is no such rule of a category or product: {unknown[0]!r}; there are {', '.join(NAMES)}.")
    given = {name: "" if name == "share_rounding" and value is None else value for name, value in values.items()}
    rule = RuleOverride(channel=channel, **given)
    if all(value in (None, "") for value in values.values()):
        raise RuleError("rules: say at least one; to go back to the channel's rules, remove this one")
    try:
        rule.clean_fields(exclude=["organisation", "channel", "valid_from", "actor"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise RuleError(f"{field}: {messages[0]}") from error
    if rule.share is not None and not 0 <= rule.share <= 100:
        raise RuleError("share: a per cent between 0 and 100")
    if rule.velocity_share is not None and rule.velocity_share < 0:
        raise RuleError("velocity_share: a per cent of the last hour's sales, 0 or more")
    manifest = manifest_of(channel.connection.platform)
    if rule.max_publish is not None and rule.max_publish > manifest.quirks.max_quantity:
        raise RuleError(f"max_publish: {manifest.title} takes at most {manifest.quirks.max_quantity}")
    return rule


def _begins(uc: UseCase, made: Iterable[RuleOverride]) -> bool:
    """Whether these are the first to keep sales back."""
    return any(rule.velocity_share for rule in made) and not velocity.in_use(facts.gather_channels(uc.organisation_id).values())


def _end(uc: UseCase, rules: QuerySet[RuleOverride]) -> None:
    rules.update(valid_until=uc.at)


def _begin(uc: UseCase, channel: Channel, made: Sequence[RuleOverride]) -> None:
    for rule in made:
        rule.organisation_id, rule.channel, rule.valid_from, rule.actor = uc.organisation_id, channel, uc.at, uc.actor
    RuleOverride.objects.bulk_create(made, batch_size=1_000)


def _follow(uc: UseCase, channel_id: int, units: Sequence[int] | None, *, begun: bool) -> None:
    """Have the offers of units follow (None: all of the channel)."""
    if begun:
        velocity.begin(uc)
    if units is None or len(units) > refresh.TAKE_ALONG:
        quantities_anew(uc, channel_id)
    else:
        refresh.refresh(uc, units)


def _said(rule: RuleOverride) -> dict[str, object]:
    """What it says, as plain values."""
    said = {name: getattr(rule, name) for name in NAMES}
    return {name: format(value, "f") if isinstance(value, Decimal) else value for name, value in said.items() if value not in (None, "")}
