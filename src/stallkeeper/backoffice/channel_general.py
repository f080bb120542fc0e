"""What a channel is: general fields, further fields, adapter settings; the definition of further fields, and a copy of a channel."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.connection_forms import SettingsForm
from stallkeeper.backoffice.general_forms import CopyForm, DefineForm, FurtherForm, GeneralForm
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.words import told
from stallkeeper.catalog.models import Product
from stallkeeper.channels import connect, general, inheritance
from stallkeeper.channels.models import Channel, FurtherField
from stallkeeper.channels.rules import RuleError
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case

MOST_CATEGORIES = 500


@screen(Permission.VIEW_STOCK, changing=Permission.EDIT_RULES)
def channel_general(request: MemberRequest, pk: int) -> HttpResponse:
    """The tab; POST saves. No figure depends on it."""
    shown = get_object_or_404(Channel.objects.select_related("connection", "parent"), pk=pk)
    may_edit = can(request.membership, Permission.EDIT_RULES)
    form = GeneralForm(request.POST or None, instance=shown)
    if request.method == "POST" and form.is_valid() and _saved(request, pk, form):
        messages.success(request, _("Saved."))
        return redirect("backoffice:channel_general", pk)
    fresh = Channel.objects.select_related("connection", "parent").get(pk=pk)
    named = Product.objects.exclude(category="").order_by("category").values_list("category", flat=True).distinct()
    context = {"title": fresh.name, "channel": fresh, "tab": "general", "form": form, "may_edit": may_edit}
    context["subs"] = list(fresh.sub_channels.order_by("code"))
    context |= {"categories": named[:MOST_CATEGORIES], "may_connect": can(request.membership, Permission.CONNECT)}
    return show(request, "backoffice/channel_general.html", context, status=422 if form.errors else 200)


def _saved(request: MemberRequest, pk: int, form: GeneralForm) -> bool:
    try:
        with use_case("set.channel", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            main = form.cleaned_data["main"]
            inheritance.attach(uc, pk, main.pk if main else None)
            general.save(uc, pk, **{name: form.cleaned_data[name] for name in general.GENERAL})
    except (general.GeneralError, inheritance.ParentError) as error:
        form.add_error(None, told(error))
        return False
    return True


@screen(Permission.VIEW_STOCK, changing=Permission.EDIT_RULES)
def channel_further(request: MemberRequest, pk: int) -> HttpResponse:
    """The further fields of a channel; POST saves them."""
    shown = get_object_or_404(Channel.objects.select_related("connection", "parent"), pk=pk)
    may_edit = can(request.membership, Permission.EDIT_RULES)
    form = FurtherForm(shown, FurtherField.objects.filter(active=True).order_by("position", "pk"), request.POST or None)
    if request.method == "POST" and form.is_valid():
        with use_case("set.channel", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            general.save_further(uc, pk, form.values())
        messages.success(request, _("Saved."))
        return redirect("backoffice:channel_further", pk)
    context = {"title": shown.name, "channel": shown, "tab": "further", "form": form, "may_edit": may_edit}
    context["may_define"] = can(request.membership, Permission.CONNECT)
    return show(request, "backoffice/channel_further.html", context, status=422 if form.errors else 200)


@screen(Permission.CONNECT)
def further_fields(request: MemberRequest) -> HttpResponse:
    """What further fields there are, for all channels; POST defines one."""
    form = DefineForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _defined(request, form):
        messages.success(request, _("{label}: every channel has this field now.").format(label=form.cleaned_data["label"]))
        return redirect("backoffice:further_fields")
    context = {"title": _("Further fields"), "form": form, "fields": FurtherField.objects.order_by("-active", "position", "pk")}
    return show(request, "backoffice/further_fields.html", context, status=422 if form.errors else 200)


def _defined(request: MemberRequest, form: DefineForm) -> bool:
    given = form.cleaned_data
    try:
        with use_case("set.further_field", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            listed = given["choices"].splitlines()
            general.define(uc, given["label"], given["kind"], choices=listed, currency=given["currency"], help_text=given["help_text"])
    except general.GeneralError as error:
        form.add_error(None, told(error))
        return False
    return True


@require_POST
@screen(Permission.CONNECT)
def put_away(request: MemberRequest, pk: int) -> HttpResponse:
    """Show a further field no longer, or again. Values stay."""
    field = get_object_or_404(FurtherField, pk=pk)
    active = request.POST.get("active") == "1"
    with use_case("set.further_field", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        general.put_away(uc, pk, active=active)
    text = _("{label} is shown again, with its values.") if active else _("{label} is put away. Its values stay.")
    messages.success(request, text.format(label=field.label))
    return redirect("backoffice:further_fields")


@screen(Permission.CONNECT)
def copy_channel(request: MemberRequest, pk: int) -> HttpResponse:
    """GET says what is copied and what is not; POST makes the copy, everything off (S5.29)."""
    source = get_object_or_404(Channel.objects.select_related("connection", "parent"), pk=pk)
    form = CopyForm(source, request.POST or None)
    if request.method == "POST" and form.is_valid() and (made := _copied(request, source, form)):
        messages.success(request, _("{channel} is here, with everything switched off.").format(channel=made.name))
        return redirect("backoffice:channel_general", made.pk)
    context = {"title": _("Copy {name}").format(name=source.name), "channel": source, "form": form}
    return show(request, "backoffice/channel_copy.html", context, status=422 if form.errors else 200)


def _copied(request: MemberRequest, source: Channel, form: CopyForm) -> Channel | None:
    given = form.cleaned_data
    try:
        with use_case("copy.channel", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            how = {"code": given["code"], "name": given["name"], "warehouse": given.get("warehouse", "")}
            return general.copy(uc, source.pk, account=given["account"], **how)
    except (general.GeneralError, connect.ConnectError, RuleError, forms.ValidationError) as error:
        form.add_error(None, error.messages[0] if isinstance(error, forms.ValidationError) else told(error))
        return None


@screen(Permission.VIEW_STOCK)
def channel_adapter(request: MemberRequest, pk: int) -> HttpResponse:
    """What the adapter declares of its platform, and the settings of the account that the channel is on."""
    shown = get_object_or_404(Channel.objects.select_related("connection", "parent"), pk=pk)
    declared = connect.manifest(shown.connection.platform)
    may_connect = can(request.membership, Permission.CONNECT)
    named = {setting.name: setting.label for setting in declared.settings}
    context = {"title": shown.name, "channel": shown, "tab": "adapter", "manifest": declared, "may_connect": may_connect}
    context["form"] = SettingsForm(declared, connection=shown.connection) if may_connect else None
    context["shown"] = [(named[name], value) for name, value in shown.connection.config.items() if name in named and value]
    context["others"] = Channel.objects.filter(connection=shown.connection).exclude(pk=pk).order_by("code")
    return show(request, "backoffice/channel_adapter.html", context)
