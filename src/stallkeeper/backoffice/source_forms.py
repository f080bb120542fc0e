"""Forms of sources: what is agreed, the settings that their kind declares, and which column is what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from stallkeeper.backoffice.connection_forms import OWN_PREFIX, field_for, text_of
from stallkeeper.backoffice.forms import LookMixin, look
from stallkeeper.backoffice.imports import ENCODINGS
from stallkeeper.backoffice.words import told
from stallkeeper.channels.models import Channel
from stallkeeper.stock.models import COPIES, SHOWN, TYPED, Location, LocationOwner, SourceBasis, SourceMode, StockSource
from stallkeeper.stock.source_setup import Terms, settings_of
from stallkeeper.sync import source_kinds, source_samples
from stallkit.manifest import SettingKind
from stallkit.sources.manifest import SourceManifest
from stallkit.sources.types import Preview

FORMATS = (("", _("found out by itself")), ("csv", "CSV"), ("xlsx", "XLSX"), ("xml", "XML, YML"), ("json", "JSON"))
DECIMALS = (("", _("read only what can be read in one way")), (",", _("comma: 12,000 is twelve")), (".", _("point: 12.000 is twelve")))
SHAPE = ("format", "encoding", "delimiter", "sheet", "header_row", "item", "decimal")
FIELDS = {
    "code": _("Code of the article"),
    "quantity": _("Quantity"),
    "gtin": _("GTIN (barcode)"),
    "location": _("Place"),
    "as_of": _("Moment of the figure"),
}


LEVELS = [(mode.value, mode.label) for mode in SourceMode if mode is not SourceMode.DELTAS]


def copied(kind: str, source: StockSource | None) -> list[tuple[str, str]]:
    """What a source of this kind can copy: places or channels in use, by code."""
    if kind == SHOWN:
        return [
            (code, f"{code} – {name}") for code, name in Channel.objects.filter(active=True).order_by("code").values_list("code", "name")
        ]
    places = Location.objects.exclude(owner=LocationOwner.VIRTUAL).filter(active=True).order_by("priority", "code")
    others = places.exclude(pk=source.location_id) if source else places
    return [(code, f"{code} – {name}") for code, name in others.values_list("code", "name")]


class SourceForm(LookMixin, forms.Form):
    """What is agreed about a source. Settings of its kind stand behind it, secrets that are stored are never shown."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("How you call this source."))
    mode = forms.ChoiceField(label=_("What a file means"), choices=SourceMode.choices)
    basis = forms.ChoiceField(
        label=_("Its figures are"),
        choices=SourceBasis.choices,
        help_text=_("If the source takes your orders off already, our reservations are added back."),
    )
    interval_minutes = forms.IntegerField(label=_("Minutes between two looks"), min_value=1, max_value=7 * 24 * 60, initial=30)
    once = forms.BooleanField(label=_("Only once, then the place is typed again"), required=False)
    zero_limit = forms.IntegerField(label=_("Stop when more per cent would go to zero"), min_value=0, max_value=100, initial=30)
    change_limit = forms.IntegerField(label=_("Stop when more per cent would change"), min_value=0, max_value=100, initial=50)
    least_rows = forms.IntegerField(
        label=_("Stop when there are fewer rows than this per cent of the last ones"), min_value=0, max_value=100, initial=70
    )
    limits_from = forms.IntegerField(label=_("Fewer articles than this never stop it"), min_value=1, initial=5)
    silent_after = forms.IntegerField(
        label=_("Alarm after so many intervals without figures"), min_value=0, max_value=1000, initial=3, help_text=_("0: never")
    )

    def __init__(self, manifest: SourceManifest, data: Mapping[str, Any] | None = None, *, source: StockSource | None = None) -> None:
        self.manifest, self.source = manifest, source
        super().__init__(
            data, initial={name: getattr(source, name) for name in self.base_fields} if source else {"name": told(manifest.title)}
        )
        self._kept = settings_of(source) if source else {}
        for setting in manifest.settings:
            secret = setting.kind is SettingKind.SECRET
            field = field_for(setting, secret and setting.name in self._kept)
            if not secret and setting.name in self._kept:
                field.initial = self._kept[setting.name]
            look(field)
            self.fields[OWN_PREFIX + setting.name] = field
        if manifest.kind in COPIES:
            self.fields["mode"] = forms.ChoiceField(label=_("What a file means"), choices=LEVELS, initial=self.initial.get("mode"))
            look(self.fields["mode"])
            self._choose()
        if not manifest.pull:
            for name in ("once", "interval_minutes", *(("silent_after",) if manifest.kind in {TYPED, source_kinds.UPLOAD} else ())):
                if name != "interval_minutes" or manifest.kind in {TYPED, source_kinds.UPLOAD}:
                    del self.fields[name]
        if source is None:
            places = Location.objects.exclude(owner=LocationOwner.VIRTUAL).filter(active=True)
            self.fields["location"] = forms.ModelChoiceField(places, label=_("Place"), empty_label=None)
            look(self.fields["location"])
            self.order_fields(["location"])

    def _choose(self) -> None:
        """What is copied is chosen from what there is; what was agreed before stays among it."""
        name = OWN_PREFIX + self.manifest.settings[0].name
        typed = self.fields[name]
        rows = copied(self.manifest.kind, self.source)
        if typed.initial and typed.initial not in dict(rows):
            rows.append((typed.initial, typed.initial))
        self.fields[name] = forms.ChoiceField(label=typed.label, help_text=typed.help_text, initial=typed.initial, choices=rows)
        look(self.fields[name])

    def agreed_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if not name.startswith(OWN_PREFIX)]

    def setting_fields(self) -> list[forms.BoundField]:
        return [self[OWN_PREFIX + setting.name] for setting in self.manifest.settings]

    def terms(self) -> Terms:
        """What the form says, as the use cases take it."""
        return cast(Terms, {name: self.cleaned_data[name] for name in SourceForm.base_fields if name in self.cleaned_data})

    def values(self) -> dict[str, str]:
        """Settings by name; a secret whose field was left empty is the one that is stored."""
        typed = {setting.name: text_of(self.cleaned_data.get(OWN_PREFIX + setting.name)) for setting in self.manifest.settings}
        secrets = {setting.name for setting in self.manifest.settings if setting.kind is SettingKind.SECRET}
        return typed | {name: value for name, value in self._kept.items() if name in secrets and not typed.get(name)}


class ColumnsForm(LookMixin, forms.Form):
    """Which column of the file is what; the guess stands there already. ``places``: one line for each word, "their word = our code"."""

    format = forms.ChoiceField(label=_("Format"), choices=FORMATS, required=False)
    encoding = forms.ChoiceField(label=_("Encoding"), choices=ENCODINGS, required=False, help_text=_("If letters come out wrong."))
    delimiter = forms.CharField(label=_("Delimiter"), max_length=1, required=False, strip=False, help_text=_("For CSV."))
    sheet = forms.CharField(label=_("Sheet"), max_length=100, required=False, help_text=_("For XLSX."))
    header_row = forms.IntegerField(label=_("Row of the header"), min_value=0, required=False, help_text=_("0: there is none."))
    item = forms.CharField(label=_("Element of a row"), max_length=200, required=False, help_text=_("For XML and JSON: offer, data.items."))
    decimal = forms.ChoiceField(
        label=_("Decimal sign"), choices=DECIMALS, required=False, help_text=_("If 12,000 or 12.000 stands in the file.")
    )
    words = forms.CharField(
        label=_("Places in the file"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One line each: what the file says = code of your place. Without a code, its rows are left out."),
    )

    def __init__(self, source: StockSource, data: Mapping[str, Any] | None = None) -> None:
        self.found: Preview | None = source_samples.kept(source)
        shape = source.shape or {}
        words = "\n".join(f"{word} = {code or ''}".strip() for word, code in source.places.items())
        super().__init__(data, initial=shape | {"words": words})
        guess = {field: getattr(self.found.guess, field) for field in FIELDS} if self.found else {}
        for field, label in FIELDS.items():
            self.fields[f"column_{field}"] = self._column(label, source.columns.get(field) or guess.get(field, ""))
        for each in self.fields.values():
            look(each)

    def _column(self, label: Any, chosen: str) -> forms.CharField:  # noqa: ANN401 - a lazy text
        names = ["", *(self.found.columns if self.found else ()), *([chosen] if chosen else [])]
        widget = forms.Select(choices=[(name, name or "–") for name in dict.fromkeys(names)]) if self.found else forms.TextInput()
        return forms.CharField(label=label, required=False, initial=chosen, widget=widget, max_length=200, strip=False)

    def column_fields(self) -> list[forms.BoundField]:
        return [self[f"column_{field}"] for field in FIELDS]

    def shape_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in SHAPE]

    def shape(self) -> dict[str, object]:
        given = {name: self.cleaned_data.get(name) for name in SHAPE}
        return {name: value for name, value in given.items() if value not in {"", None}}

    def columns(self) -> dict[str, str]:
        return {field: self.cleaned_data[f"column_{field}"] for field in FIELDS if self.cleaned_data[f"column_{field}"]}

    def places(self) -> dict[str, str | None]:
        lines = [line.partition("=") for line in self.cleaned_data["words"].splitlines() if line.strip()]
        return {word.strip(): code.strip() or None for word, _equals, code in lines}


class FileForm(LookMixin, forms.Form):
    """A file that a person brings."""

    file = forms.FileField(label=_("File"), help_text=_("CSV, XLSX, XML, YML, JSON, or a ZIP of one"), widget=UnfoldAdminFileFieldWidget())
    as_of = forms.DateTimeField(
        label=_("Its figures are from"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Goods that left or came after this moment do not matter. Empty: now."),
    )
