"""The connection form, drawn from what the adapter declares about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.forms import LookMixin, look
from stallkeeper.backoffice.words import told
from stallkeeper.channels import connect
from stallkeeper.channels.models import Channel, Connection
from stallkit.manifest import Manifest, Setting, SettingKind

Data = Mapping[str, Any] | None

OWN_PREFIX = "setting_"
"""Settings of the manifest stand beside our own fields; this keeps their names apart."""


def field_for(setting: Setting, secret_kept: bool = False) -> forms.Field:
    """A form field for a setting. ``secret_kept``: a secret is stored already, so leaving the field empty keeps it."""
    match setting.kind:
        case SettingKind.SECRET:
            placeholder = gettext("stored; leave empty to keep it") if secret_kept else ""
            field: forms.Field = forms.CharField(widget=forms.PasswordInput(attrs={"placeholder": placeholder}))
        case SettingKind.CHOICE:
            field = forms.ChoiceField(choices=[(value, told(label)) for value, label in setting.choices], initial=setting.default)
        case SettingKind.INTEGER:
            field = forms.IntegerField(initial=setting.default)
        case SettingKind.BOOLEAN:
            field = forms.BooleanField(initial=setting.default in connect.TRUE_WORDS)
        case SettingKind.URL:
            field = forms.URLField(assume_scheme="https", initial=setting.default)
        case _:
            field = forms.CharField(initial=setting.default)
    field.label, field.help_text = told(setting.label), told(setting.help)
    field.required = setting.required and not secret_kept and setting.kind is not SettingKind.BOOLEAN
    return field


def text_of(value: object) -> str:
    """A cleaned value as the text that settings are kept in."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


class SettingsForm(LookMixin, forms.Form):
    """The manifest's settings. Secrets that are stored are never shown; empty keeps them."""

    def __init__(self, manifest: Manifest, data: Data = None, *, connection: Connection | None = None) -> None:
        self.manifest = manifest
        self.connection = connection
        super().__init__(data)
        self.kept = set(connect.settings_of(connection).hidden) if connection else set()
        for setting in manifest.settings:
            field = field_for(setting, setting.name in self.kept)
            if connection and setting.name in connection.config:
                field.initial = _stored(setting, connection.config[setting.name])
            self.fields[OWN_PREFIX + setting.name] = field
        for each in self.fields.values():
            look(each)

    def setting_fields(self) -> list[forms.BoundField]:
        return [self[OWN_PREFIX + setting.name] for setting in self.manifest.settings]

    def values(self) -> dict[str, str]:
        """The settings by name as typed, stored secrets filled in where the field was left empty."""
        typed = {setting.name: text_of(self.cleaned_data.get(OWN_PREFIX + setting.name)) for setting in self.manifest.settings}
        kept = connect.settings_of(self.connection).hidden if self.connection else {}
        return typed | {name: value for name, value in kept.items() if not typed.get(name)}


class ConnectForm(SettingsForm):
    """A new account: its settings, and the first channel on it."""

    name = forms.CharField(label=_("Name of the connection"), max_length=100, help_text=_("How you call this account."))
    code = forms.CharField(label=_("Code of the channel"), max_length=3, help_text=_("One to three letters or digits; stands in lists."))
    currency = forms.ChoiceField(label=_("Currency of the channel"))
    base_url = forms.URLField(
        label=_("Other address"), required=False, assume_scheme="https", help_text=_("Only for test systems and proxies.")
    )

    def __init__(self, manifest: Manifest, data: Data = None) -> None:
        super().__init__(manifest, data)
        self.fields["name"].initial = manifest.title
        self.fields["code"].initial = connect.free_code(manifest.platform, Channel.objects.values_list("code", flat=True))
        self.fields["currency"].choices = [(code, code) for code in manifest.currencies]  # type: ignore[attr-defined]

    def own_fields(self) -> list[forms.BoundField]:
        return [self["name"], self["code"], self["currency"]]


def _stored(setting: Setting, value: object) -> object:
    return str(value).lower() in connect.TRUE_WORDS if setting.kind is SettingKind.BOOLEAN else value
