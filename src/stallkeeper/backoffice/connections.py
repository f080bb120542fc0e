"""Connections: connecting an account, what the platform says about it, renewing its credentials."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.callbacks import callback_context
from stallkeeper.backoffice.connect_words import trouble
from stallkeeper.backoffice.connection_forms import ConnectForm, SettingsForm
from stallkeeper.backoffice.lanes import lane_rows
from stallkeeper.backoffice.screens import MemberRequest, back, screen, show
from stallkeeper.backoffice.sending_plan import switching_on
from stallkeeper.backoffice.start_frame import address, frame
from stallkeeper.channels import connect, switches
from stallkeeper.channels.models import Connection, Parked
from stallkeeper.channels.proposals import Proposal
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.sync.adapters import budget_beforehand, budget_of, probe
from stallkit.errors import AdapterError
from stallkit.types import AccountInfo


@sensitive_post_parameters()
@screen(Permission.CONNECT)
def connect_account(request: MemberRequest, platform: str) -> HttpResponse:
    """The form from the manifest. Sent, it asks the platform first and stores only what works; everything stays switched off."""
    try:
        manifest = connect.to_connect(platform)
    except connect.ConnectError as error:
        raise Http404(str(error)) from None
    form = ConnectForm(manifest, request.POST or None)
    if request.method == "POST" and form.is_valid() and (made := _connect(request, platform, form)):
        if manifest.quirks.per_warehouse:
            return redirect("backoffice:add_channel", made.pk)
        return redirect(address("stall", made.channels.get()))
    context = {
        **frame(request, "stall"),
        "title": _("Connect {platform}").format(platform=manifest.title),
        "manifest": manifest,
        "form": form,
    }
    return show(request, "backoffice/connect.html", context, status=422 if form.errors else 200)


def _connect(request: MemberRequest, platform: str, form: ConnectForm) -> Connection | None:
    given = form.cleaned_data
    try:
        settings = connect.check_settings(form.manifest, form.values())
        budget = budget_beforehand(settings.all, given["base_url"])
        account = probe(platform, settings.all, given["base_url"], budget)
        with use_case("connect.account", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            made = connect.create(uc, platform, given["name"], settings, account, base_url=given["base_url"])
            budget.hand_over(made.pk)
            if not form.manifest.quirks.per_warehouse:
                connect.create_channel(uc, made, code=given["code"], name=given["name"], currency=given["currency"])
    except (connect.ConnectError, AdapterError, ValidationError, ValueError) as error:
        form.add_error(None, trouble(error, form.manifest, given["base_url"]) + " " + _("Nothing was stored."))
        return None
    _say(request, account)
    return made


def _say(request: MemberRequest, account: AccountInfo) -> None:
    """What the probe learned: whose account, what it may do, what to look out for."""
    rights = _("It may: {rights}.").format(rights=", ".join(account.rights)) if account.rights else ""
    messages.success(
        request, _("Connected to {name} ({id}). {rights}").format(name=account.name, id=account.account_id, rights=rights).strip()
    )
    for warning in account.warnings:
        messages.warning(request, warning)


@screen(Permission.VIEW_STOCK)
def connection(request: MemberRequest, pk: int) -> HttpResponse:
    """One account: its state, its runs with every step, what could not be read, its settings."""
    shown = get_object_or_404(Connection, pk=pk)
    return show_connection(request, shown)


def show_connection(request: MemberRequest, shown: Connection, form: SettingsForm | None = None) -> HttpResponse:
    manifest = connect.manifest(shown.platform)
    may_connect = can(request.membership, Permission.CONNECT)
    context = {
        "title": shown.name,
        "connection": shown,
        "manifest": manifest,
        "channels": list(shown.channels.order_by("code")),
        "lanes": lane_rows(shown),
        "parked": list(Parked.objects.filter(connection=shown, resolved_at=None).order_by("-last_seen_at")[:50]),
        "form": form or (SettingsForm(manifest, connection=shown) if may_connect else None),
        "may_connect": may_connect,
        "may_send": can(request.membership, Permission.SEND),
        **callback_context(request, shown, manifest),
    }
    return show(request, "backoffice/connection.html", context, status=422 if form and form.errors else 200)


@sensitive_post_parameters()
@require_POST
@screen(Permission.CONNECT)
def reconnect(request: MemberRequest, pk: int) -> HttpResponse:
    """New settings or credentials: asked of the platform first, stored only if they open the same account."""
    shown = get_object_or_404(Connection, pk=pk)
    form = SettingsForm(connect.manifest(shown.platform), request.POST, connection=shown)
    if form.is_valid():
        try:
            settings = connect.check_settings(form.manifest, form.values())
            account = probe(shown.platform, settings.all, shown.base_url, budget_of(shown))
            with use_case("reconnect.account", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
                connect.reconnect(uc, shown.pk, settings, account)
        except (connect.ConnectError, AdapterError, ValueError) as error:
            form.add_error(None, trouble(error, form.manifest, shown.base_url) + " " + _("What was stored before stays."))
        else:
            _say(request, account)
            return redirect("backoffice:connection", pk)
    return show_connection(request, shown, form)


@require_POST
@screen(Permission.CONNECT)
def probe_now(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask the platform now what it says about the account; changes nothing there."""
    shown = get_object_or_404(Connection, pk=pk)
    try:
        account = probe(shown.platform, connect.settings_of(shown).all, shown.base_url, budget_of(shown))
    except AdapterError as error:
        messages.error(request, trouble(error, connect.manifest(shown.platform), shown.base_url))
    else:
        _say(request, account)
    return back(request, reverse("backoffice:connection", args=[pk]))


@require_POST
@screen(Permission.SEND)
def allow_writes(request: MemberRequest, pk: int) -> HttpResponse:
    """Whether anything may be changed on the account; at first nothing may. On leads to the plan of what would go, off is at once."""
    shown = get_object_or_404(Connection, pk=pk)
    if request.POST.get("allowed") == "1":
        if shown.writes_allowed:
            return redirect("backoffice:connection", pk)
        return switching_on(request, Proposal(writes={pk: True}), "backoffice:connection", pk)
    _make_read_only(request.organisation.pk, request.user.actor, pk)
    messages.success(request, _("Nothing is written to {name} any more.").format(name=shown.name))
    return back(request, reverse("backoffice:connection", args=[pk]))


@again_on_conflict
def _make_read_only(organisation_id: int, actor: str, connection_id: int) -> None:
    with use_case("switch.connection", organisation_id=organisation_id, actor=actor) as uc:
        switches.set_writes(uc, connection_id, False)
