"""The rules of a channel: which places, how much of them, at what price. Saving keeps the old version and works out every offer anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db.models import Q

from stallkeeper.channels import facts, pricing, refresh, velocity
from stallkeeper.channels.models import Channel, ChannelLocation, RuleVersion
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock.models import Location, LocationOwner
from stallkit.registry import manifest_of
from stallkit.words import said as _

STOCK_RULES = ("share", "share_rounding", "buffer", "velocity_share", "max_publish", "zero_at", "fixed", "allow_splits", "horizon_days")
PRICE_RULES = (
    "currency",
    "price_list_id",
    "mark_up",
    "price_rounding",
    "exchange_rate",
    "exchange_rate_at",
    "exchange_rate_source",
    "tax_rate",
)
LIMITS = ("zero_limit", "zero_limit_share", "price_drop_limit")
RULES = (*STOCK_RULES, *PRICE_RULES, *LIMITS)
PLACES = "locations"
"""What ``snapshot`` calls the places that count."""


class RuleError(ValueError):
    """A rule cannot be saved. The text names the field and what it may be."""


def save(uc: UseCase, channel_id: int, *, locations: Sequence[int] | None = None, follow: Collection[str] = (), **rules: object) -> Channel:
    """Save rules by name (see RULES) and the places that count; RuleError if one is unknown or out of range. Offers follow at once.

    Sub-channels get what they do not say themselves. Of a sub-channel, what is said is its own from now on; ``follow`` names what of it is
    the main channel's value, and stays that. Locks: the organisation's sales, if sales are kept back; the channel and its sub-channels by
    id; their offers by id.
    """
    velocity.hold_sales(uc, [rules])
    if unknown := sorted(set(rules) - set(RULES)):
        raise RuleError(_("There is no rule {unknown!r}; rules are {rules}.", unknown=unknown[0], rules=", ".join(RULES)))
    family = hold_channels([channel_id], [channel_id])
    if channel_id not in family:
        raise Channel.DoesNotExist(channel_id)
    channel = family.pop(channel_id)
    if channel.parent_id:
        said = {*rules, *([] if locations is None else [PLACES])}
        _own(channel, sorted({*channel.own_rules, *said} - set(follow)))
    _save_one(uc, channel, locations, rules)
    for sub in family.values():
        follows = {name: value for name, value in rules.items() if name not in sub.own_rules}
        _save_sub(uc, sub, None if PLACES in sub.own_rules else locations, follows)
    return channel


def hold_channels(channels: Collection[int], saved: Collection[int]) -> dict[int, Channel]:
    """These channels, and the sub-channels of those whose rules are to be ``saved``, locked by id. One that became a sub-channel while we
    waited is among them."""
    rows = Channel.objects.select_related("connection").select_for_update(of=("self",)).order_by("pk")
    while True:
        held = {each.pk: each for each in rows.filter(Q(pk__in=channels) | Q(parent__in=saved))}
        if not Channel.objects.filter(parent__in=saved).exclude(pk__in=held).exists():
            return held


def _own(channel: Channel, names: list[str]) -> None:
    if names != channel.own_rules:
        channel.own_rules = names
        channel.save(update_fields=["own_rules"])


def _save_sub(uc: UseCase, sub: Channel, locations: Sequence[int] | None, rules: Mapping[str, object]) -> None:
    """What a sub-channel has from its main channel; RuleError names it."""
    if not rules and locations is None:
        return
    try:
        _save_one(uc, sub, locations, rules)
    except RuleError as error:
        raise RuleError(_("{channel}, a sub-channel: {problem}", channel=sub.code, problem=str(error))) from error


def _save_one(uc: UseCase, channel: Channel, locations: Sequence[int] | None, rules: Mapping[str, object]) -> None:
    """One channel: its version, its offers. The caller has locked it."""
    before, paced = snapshot(channel), velocity.in_use(facts.gather_channels(uc.organisation_id).values())
    for name, value in rules.items():
        setattr(channel, name, value)
    check(channel)
    channel.save(update_fields=list(rules) or None)
    if locations is not None:
        _choose_places(uc, channel, locations)
    after = snapshot(channel)
    if before != after:
        _keep_first(uc, channel, before)
        RuleVersion.objects.create(organisation_id=uc.organisation_id, channel=channel, valid_from=uc.at, rules=after, actor=uc.actor)
        changed = {name: after[name] for name in after if after[name] != before[name]}
        audit.record(uc, "channel.rules", "channel", channel.pk, **changed)
        if channel.velocity_share and not paced:
            velocity.begin(uc)
        work_out_anew(uc, channel)


def _keep_first(uc: UseCase, channel: Channel, rules: dict[str, object]) -> None:
    """The rules that a channel was made with become its first version when they are changed for the first time."""
    if not RuleVersion.objects.filter(channel=channel).exists():
        RuleVersion.objects.create(
            organisation_id=uc.organisation_id, channel=channel, valid_from=channel.created_at, rules=rules, actor="system"
        )


def snapshot(channel: Channel) -> dict[str, object]:
    """The rules as they are kept in a version: plain values."""
    places = ChannelLocation.objects.filter(channel=channel).order_by("location_id").values_list("location_id", flat=True)
    return {name: plain(getattr(channel, name)) for name in RULES} | {PLACES: list(places)}


def plain(value: object) -> object:
    """A rule's value as JSON keeps it: decimals and dates as text."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value if isinstance(value, int | bool | None) else str(value)


def check(channel: Channel) -> None:
    """RuleError if a rule is out of range, or the platform cannot do it. Values that came as text are made what they should be."""
    try:
        channel.clean_fields(exclude=["stop_detail", "connection", "organisation"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise RuleError(_("{field}: {messages}", field=field, messages=messages[0])) from error
    if not 0 <= channel.share <= 100:
        raise RuleError(_("share: a per cent between 0 and 100"))
    if channel.velocity_share < 0:
        raise RuleError(_("velocity_share: a per cent of the last hour's sales, 0 or more"))
    manifest = manifest_of(channel.connection.platform)
    if channel.currency not in manifest.currencies:
        raise RuleError(
            _(
                "currency: {title} sells in {currencies}, not in {currency}",
                title=manifest.title,
                currencies=", ".join(manifest.currencies),
                currency=channel.currency,
            )
        )
    if channel.max_publish is not None and channel.max_publish > manifest.quirks.max_quantity:
        raise RuleError(
            _("max_publish: {title} takes at most {max_quantity}", title=manifest.title, max_quantity=manifest.quirks.max_quantity)
        )


def check_places(locations: Sequence[int]) -> set[int]:
    """These places, each once; RuleError if the stock of one cannot be offered."""
    found = set(Location.objects.filter(pk__in=locations).exclude(owner=LocationOwner.VIRTUAL).values_list("pk", flat=True))
    if missing := sorted(set(locations) - found):
        raise RuleError(_("locations: {missing} is not a place whose stock can be offered", missing=missing[0]))
    return found


def _choose_places(uc: UseCase, channel: Channel, locations: Sequence[int]) -> None:
    found = check_places(locations)
    ChannelLocation.objects.filter(channel=channel).exclude(location_id__in=found).delete()
    ChannelLocation.objects.bulk_create(
        (ChannelLocation(organisation_id=uc.organisation_id, channel=channel, location_id=place) for place in sorted(found)),
        ignore_conflicts=True,
    )


def work_out_anew(uc: UseCase, channel: Channel) -> int:
    """Refresh every offer of the channel, quantities and prices; returns how many quantities differed."""
    changed = quantities_anew(uc, channel.pk)
    try:
        pricing.refresh_prices(uc, channel.pk)
    except pricing.PriceRuleError as error:
        if channel.prices_enabled:
            raise RuleError(str(error)) from error
    return changed


def quantities_anew(uc: UseCase, channel_id: int) -> int:
    """Refresh the quantity of every offer of a channel; returns how many differed."""
    changed, after = 0, 0
    while True:
        difference, after = refresh.refresh_channel(uc, channel_id, after=after)
        changed += len(difference)
        if not after:
            return changed
