"""What a channel is, beside its rules and switches (S5.15-S5.28), its further fields (S5.116), and copies of it (S5.29)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.db.models import Max

from stallkeeper.channels import connect, overrides, rules
from stallkeeper.channels.models import Channel, ChannelLocation, Connection, FurtherField, FurtherKind
from stallkeeper.channels.overriding import Own
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _

GENERAL = ("code", "name", "sales_organisation", "customer_type", "category", "price_origin", "sales_market")
HOLDS = ("hold_minutes", "hold_most")
COPIED = (*(name for name in GENERAL if name not in {"code", "name"}), *rules.RULES, *HOLDS, "further")


class GeneralError(ValueError):
    """It cannot be so. The text names the field and says what to do."""


def save(uc: UseCase, channel_id: int, **given: str) -> Channel:
    """Change what GENERAL names; no figure moves. GeneralError if a code is taken or a value is none. Locks: the channel."""
    channel = Channel.objects.select_for_update().get(pk=channel_id)
    if unknown := sorted(set(given) - set(GENERAL)):
        raise GeneralError(_("There is no field {unknown!r}; fields are {names}.", unknown=unknown[0], names=", ".join(GENERAL)))
    changed = {name: value for name, value in given.items() if value != getattr(channel, name)}
    if "code" in changed and Channel.objects.filter(code=changed["code"]).exists():
        taken = _("The channel code {code!r} is taken; choose another with up to three letters or digits.", code=changed["code"])
        raise GeneralError(taken)
    for name, value in changed.items():
        setattr(channel, name, value)
    try:
        channel.clean_fields(exclude=[field.name for field in Channel._meta.fields if field.name not in GENERAL])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise GeneralError(_("{field}: {messages}", field=field, messages=messages[0])) from error
    if changed:
        channel.save(update_fields=list(changed))
        audit.record(uc, "channel.general", "channel", channel_id, **changed)
    return channel


def save_further(uc: UseCase, channel_id: int, values: Mapping[int, str]) -> None:
    """Store values of further fields (checked by their form), as text by the field's number; empty ones go. Locks: the channel."""
    channel = Channel.objects.select_for_update().get(pk=channel_id)
    known = set(FurtherField.objects.filter(pk__in=values).values_list("pk", flat=True))
    wanted = channel.further | {str(pk): value for pk, value in values.items() if pk in known}
    kept = {name: value for name, value in wanted.items() if value != ""}
    if kept != channel.further:
        channel.further = kept
        channel.save(update_fields=["further"])
        audit.record(uc, "channel.further", "channel", channel_id, fields=sorted(known))


def define(uc: UseCase, label: str, kind: str, *, choices: Iterable[str] = (), currency: str = "", help_text: str = "") -> FurtherField:
    """A further field for all channels, last in the order. GeneralError if the name is taken or a classification has no list."""
    listed = list(dict.fromkeys(text.strip() for text in choices if text.strip()))
    if FurtherField.objects.filter(label=label).exists():
        raise GeneralError(_("There is a further field {label!r} already, perhaps put away.", label=label))
    if (kind == FurtherKind.CHOICE) != bool(listed):
        raise GeneralError(_("A classification needs the list to choose from; other kinds have none."))
    last = FurtherField.objects.aggregate(last=Max("position"))["last"] or 0
    field = FurtherField(
        organisation_id=uc.organisation_id, label=label, kind=kind, choices=listed, currency=currency, help=help_text, position=last + 1
    )
    try:
        field.clean_fields(exclude=["organisation"])
    except ValidationError as error:
        raise GeneralError(next(iter(error.message_dict.values()))[0]) from error
    field.save()
    audit.record(uc, "further_field.define", "further_field", field.pk, label=label, kind=kind)
    return field


def put_away(uc: UseCase, field_id: int, *, active: bool) -> None:
    """Show a further field no longer, or again; the values that channels have of it stay."""
    if FurtherField.objects.filter(pk=field_id).exclude(active=active).update(active=active):
        audit.record(uc, "further_field.show" if active else "further_field.put_away", "further_field", field_id)


def copy(uc: UseCase, channel_id: int, *, code: str, name: str, account: Connection | None = None, warehouse: str = "") -> Channel:
    """Another channel with the same settings, rules, places, rules of categories and products, and further fields; everything is off.

    On the same account, or on another of the same platform: nothing of an account is copied. Neither are listings, offers, ring-fences
    and the answer about open orders. GeneralError, or ConnectError as from making a channel.
    """
    source = Channel.objects.select_related("connection").get(pk=channel_id)
    target = account or source.connection
    if target.platform != source.connection.platform:
        raise GeneralError(_("{name} is on another platform: its rules would not fit there.", name=target.name))
    places = list(ChannelLocation.objects.filter(channel=source).values_list("location_id", flat=True))
    made = connect.create_channel(uc, target, code=code, name=name, currency=source.currency, location_ids=places, warehouse=warehouse)
    for field in COPIED:
        setattr(made, field, getattr(source, field))
    made.save(update_fields=list(COPIED))
    overrides.say(uc, made.pk, _own_rules(source))
    audit.record(uc, "channel.copy", "channel", made.pk, source=channel_id)
    return made


def _own_rules(source: Channel) -> list[Own]:
    rows = list(RuleOverride.objects.filter(channel=source, valid_until=None).values_list("stock_unit_id", "category"))
    every = Own(sorted(category for _unit, category in rows if category), sorted(unit for unit, _category in rows if unit is not None))
    return overrides.said_now(source.pk, [every]) if rows else []
