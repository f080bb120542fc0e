"""Another channel on an account that is connected: of one of the platform's warehouses, where it keeps figures apart by them."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.connect_words import trouble
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.start_frame import address, frame
from stallkeeper.backoffice.words import told
from stallkeeper.channels import connect
from stallkeeper.channels.models import Channel, Connection
from stallkeeper.core.people import Permission
from stallkeeper.core.use_case import use_case
from stallkeeper.sync import adapters
from stallkit.errors import AdapterError
from stallkit.manifest import Manifest
from stallkit.types import RemoteWarehouse


class ChannelForm(LookMixin, forms.Form):
    """A new channel, everything off."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    code = forms.CharField(
        label=gettext_lazy("Code"), max_length=3, help_text=gettext_lazy("One to three letters or digits; stands in lists.")
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"))
    warehouse = forms.ChoiceField(label=gettext_lazy("Warehouse of the platform"), required=False)

    def __init__(self, manifest: Manifest, warehouses: Sequence[RemoteWarehouse], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].initial = manifest.title
        self.fields["code"].initial = connect.free_code(manifest.platform, Channel.objects.values_list("code", flat=True))
        self.fields["currency"].choices = [(code, code) for code in manifest.currencies]  # type: ignore[attr-defined]
        if manifest.quirks.per_warehouse:
            self.fields["warehouse"].choices = [(one.id, _label(one)) for one in warehouses if one.usable]  # type: ignore[attr-defined]
            self.fields["warehouse"].required = True
        else:
            del self.fields["warehouse"]


def _label(warehouse: RemoteWarehouse) -> str:
    return " · ".join(part for part in (warehouse.name, warehouse.scheme, warehouse.id) if part)


@screen(Permission.CONNECT)
def add_channel(request: MemberRequest, pk: int) -> HttpResponse:
    """GET asks the platform for its warehouses and shows the form; POST makes the channel."""
    account = get_object_or_404(Connection, pk=pk)
    manifest = connect.manifest(account.platform)
    try:
        settings = connect.settings_of(account).all
        found = adapters.warehouses(account.platform, settings, account.base_url, adapters.budget_of(account))
    except AdapterError as error:
        messages.error(request, trouble(error, manifest, account.base_url))
        return redirect("backoffice:connection", pk)
    form = ChannelForm(manifest, found, request.POST or None)
    if request.method == "POST" and form.is_valid() and (made := _make(request, account, form)):
        messages.success(request, _("{channel} is here, with everything switched off.").format(channel=made.name))
        return redirect(address("stall", made))
    context = {
        **frame(request, "stall"),
        "title": _("Add a channel"),
        "connection": account,
        "form": form,
        "shut": [one for one in found if not one.usable],
    }
    return show(request, "backoffice/channel_add.html", context, status=422 if form.errors else 200)


def _make(request: MemberRequest, account: Connection, form: ChannelForm) -> Channel | None:
    given = form.cleaned_data
    try:
        with use_case("add.channel", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            return connect.create_channel(
                uc, account, code=given["code"], name=given["name"], currency=given["currency"], warehouse=given.get("warehouse", "")
            )
    except (connect.ConnectError, ValidationError) as error:
        form.add_error(None, error.messages[0] if isinstance(error, ValidationError) else told(error))
        return None
