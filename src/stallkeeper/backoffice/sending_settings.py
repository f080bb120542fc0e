"""The settings of the sending table: the company's switch, and each channel's switch and rules, as fields that make a proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.channels import proposals, rules
from stallkeeper.channels.models import Channel
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.channels.rule_models import Rounding
from stallkeeper.core.models import Organisation

RULES = ("share", "share_rounding", "buffer", "velocity_share", "max_publish", "zero_at", "fixed", "mark_up")
"""The rules that stand in the table's settings; the others are on the channel's own page."""


class SettingForm(LookMixin, forms.Form):
    """One channel's switch and the rules that people change most (S3.28, S3.31, S3.32)."""

    stock = forms.BooleanField(label=_("Send stock"), required=False)
    share = forms.DecimalField(label=_("Share in per cent"), min_value=Decimal(0), max_value=Decimal(100), max_digits=5, decimal_places=2)
    share_rounding = forms.ChoiceField(label=_("Rounding"), choices=Rounding.choices)
    buffer = forms.IntegerField(label=_("Kept back"), min_value=0, max_value=2_000_000_000)
    velocity_share = forms.DecimalField(
        label=_("Last hour's sales kept back, in per cent"), min_value=Decimal(0), max_digits=6, decimal_places=2
    )
    max_publish = forms.IntegerField(label=_("At most"), min_value=0, max_value=2_000_000_000, required=False)
    zero_at = forms.IntegerField(label=_("Zero at or below"), min_value=0, max_value=2_000_000_000)
    fixed = forms.IntegerField(label=_("Fixed number"), min_value=0, max_value=2_000_000_000, required=False)
    mark_up = forms.DecimalField(label=_("Mark-up in per cent"), min_value=Decimal("-99.99"), max_digits=7, decimal_places=2)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.IntegerField | forms.DecimalField):
                field.widget.attrs["class"] = "sk-input sk-input--number"


@dataclass(frozen=True)
class SettingRow:
    """A channel with its fields."""

    channel: Channel
    form: SettingForm

    @property
    def cells(self) -> list[forms.BoundField]:
        return [self.form[name] for name in ("stock", *RULES)]


def setting_rows(channels: Sequence[Channel], given: Mapping[str, str] | None = None) -> list[SettingRow]:
    """A form per channel: as things are, or as somebody sent them."""
    return [SettingRow(channel, SettingForm(given, prefix=f"c{channel.pk}", initial=_now(channel))) for channel in channels]


def _now(channel: Channel) -> dict[str, object]:
    return {"stock": channel.stock_enabled} | {name: rules.plain(getattr(channel, name)) for name in RULES}


def proposal_of(organisation: Organisation, company: bool, settings: Sequence[SettingRow]) -> Proposal:
    """What differs from what is in force. The forms must be valid."""
    changes = {row.channel.pk: _change(row) for row in settings}
    return Proposal(
        sending=None if company == organisation.sending_enabled else company,
        channels={channel: change for channel, change in changes.items() if change},
    )


def _change(row: SettingRow) -> ChannelChange:
    wanted, now = row.form.cleaned_data, rules.snapshot(row.channel)
    given = {name: rules.plain(wanted[name]) for name in RULES}
    stock = {} if wanted["stock"] == row.channel.stock_enabled else {"stock": wanted["stock"]}
    changed = {name: value for name, value in given.items() if value != now[name]}
    return proposals.change_of(changed, stock)
