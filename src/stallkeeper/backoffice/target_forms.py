"""The form of a target: where it is, and what it is told when."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.forms import LookMixin, look
from stallkeeper.backoffice.problems import KINDS
from stallkeeper.backoffice.words import told
from stallkeeper.channels.models import Connection
from stallkeeper.core.models import NoticeTarget, Severity
from stallkeeper.core.notice_kinds import KINDS as NOTICE_KINDS
from stallkeeper.core.targets import MOST_AGAIN, MOST_GATHERED, TERMS
from stallkit.errors import NeedsReconnect
from stallkit.manifest import Setting
from stallkit.telling import addresses
from stallkit.telling.types import Kind

ADDRESS = "address_"
KEPT = _("stored; leave empty to keep it")
KEPT_WHOLE = _("stored; leave all fields of the address empty to keep it")


class TargetForm(LookMixin, forms.Form):
    """Fields of the address first; those that are stored are never shown again."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("How you call it: who reads there."))
    least = forms.ChoiceField(label=_("Tell from"), choices=Severity.choices, initial=Severity.WARNING)
    kinds = forms.MultipleChoiceField(
        label=_("About"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("Nothing chosen: everything.")
    )
    accounts = forms.TypedMultipleChoiceField(
        label=_("Of these accounts"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Nothing chosen: all of them. What belongs to no account is told anyway."),
    )
    quiet_from = forms.TimeField(
        label=_("Quiet hours from"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_until = forms.TimeField(
        label=_("Quiet hours until"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("In the time zone of the company. What comes meanwhile waits for the end."),
    )
    break_quiet = forms.BooleanField(label=_("Errors are told in quiet hours, too"), required=False)
    gather_minutes = forms.IntegerField(
        label=_("Minutes to gather"),
        min_value=0,
        max_value=MOST_GATHERED,
        initial=2,
        help_text=_("What comes within them goes as one message. 60 makes an hourly digest."),
    )
    again_minutes = forms.IntegerField(
        label=_("Minutes until the same is told again"),
        min_value=0,
        max_value=MOST_AGAIN,
        initial=60,
        help_text=_("For what ends and begins again and again."),
    )
    language = forms.ChoiceField(label=_("Language"))
    active = forms.BooleanField(label=_("Switched on"), required=False, initial=True)

    def __init__(self, way: Kind, *args: object, target: NoticeTarget | None = None, **kwargs: object) -> None:
        self.way, self.target = way, target
        initial = {name: getattr(target, name) for name in TERMS} if target else {"language": get_language()}
        super().__init__(*args, initial=initial, **kwargs)
        self._choices()["kinds"].choices = [(kind.key, kind.title) for kind in KINDS if kind.key in NOTICE_KINDS]
        self._choices()["accounts"].choices = list(Connection.objects.order_by("name", "pk").values_list("pk", "name"))
        self._choices()["language"].choices = list(settings.LANGUAGES)
        for setting in way.settings:
            self.fields[ADDRESS + setting.name] = field_of(setting) if target is None else kept_field_of(setting, way)
            look(self.fields[ADDRESS + setting.name])

    def _choices(self) -> dict[str, forms.ChoiceField]:
        return {name: field for name, field in self.fields.items() if isinstance(field, forms.ChoiceField)}

    @property
    def address_fields(self) -> list[forms.BoundField]:
        return [self[ADDRESS + setting.name] for setting in self.way.settings]

    @property
    def quiet_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("quiet_from", "quiet_until", "gather_minutes", "again_minutes", "break_quiet")]

    @property
    def rule_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("kinds", "accounts")]

    @property
    def name_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "language", "least", "active")]

    def terms(self) -> dict[str, object]:
        return {name: self.cleaned_data[name] for name in TERMS}

    def address(self) -> dict[str, str] | None:
        """What was entered as the address; None if the stored one stays. All of it or nothing: no stored token goes to another server."""
        given = {setting.name: str(self.cleaned_data.get(ADDRESS + setting.name) or "").strip() for setting in self.way.settings}
        return given if self.target is None or any(given.values()) else None

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        address = self.address()
        if address is not None and not self.errors:
            try:
                addresses.check(self.way.name, address)
            except NeedsReconnect as error:
                raise forms.ValidationError(told(error)) from None
        return cleaned


def field_of(setting: Setting) -> forms.CharField:
    """A line to type."""
    return forms.CharField(
        label=told(setting.label),
        help_text=told(setting.help),
        required=setting.required,
        initial=setting.default,
        max_length=1000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def kept_field_of(setting: Setting, way: Kind) -> forms.CharField:
    """The same for what is stored and never shown again: it is empty, and stays as it is if it is left so."""
    field = field_of(setting)
    field.required, field.initial = False, ""
    field.help_text = KEPT if len(way.settings) == 1 else KEPT_WHOLE
    return field
