"""Settings, Notifications: where else problems are told, to whom and when; what became of each message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show, wants_fragment
from stallkeeper.backoffice.target_forms import TargetForm
from stallkeeper.backoffice.words import told
from stallkeeper.core import clock
from stallkeeper.core import targets as store
from stallkeeper.core.models import NoticeMessage, NoticeTarget
from stallkeeper.core.people import Permission
from stallkeeper.core.use_case import use_case
from stallkeeper.core.words import of_row
from stallkit.telling import addresses
from stallkit.telling.kinds import KINDS
from stallkit.telling.types import Kind

SHOWN = 50
SOON = timedelta(minutes=2)
TONES = {"sent": "ok", "refused": "bad", "waiting": "info", "dropped": ""}


@dataclass(frozen=True)
class TargetRow:
    """A target in the list."""

    target: NoticeTarget
    way: Kind
    waiting: int

    @property
    def state(self) -> tuple[str, str]:
        if not self.target.active:
            return _("off"), ""
        if self.target.failing_since:
            return _("cannot be told"), "bad"
        return (_("in order"), "ok") if self.target.told_at else (_("nothing told yet"), "")


@screen(Permission.CONNECT)
def targets(request: MemberRequest) -> HttpResponse:
    """All targets, and the ways by which one more can be told."""
    found = NoticeTarget.objects.order_by("name", "pk")
    counts = _waiting()
    rows = [TargetRow(target, KINDS[target.way], counts.get(target.pk, 0)) for target in found]
    return show(request, "backoffice/targets.html", {"title": _("Notifications"), "rows": rows, "ways": KINDS.values()})


def _waiting() -> dict[int, int]:
    waiting = NoticeMessage.objects.filter(state=NoticeMessage.State.WAITING).order_by()
    counts: dict[int, int] = {}
    for target in waiting.values_list("target_id", flat=True)[:1_000]:
        counts[target] = counts.get(target, 0) + 1
    return counts


@sensitive_post_parameters()
@sensitive_variables("address")
@screen(Permission.CONNECT)
def add_target(request: MemberRequest, way: str) -> HttpResponse:
    """A new target. One that is a program gets a secret to check signatures with, shown this once."""
    if way not in KINDS:
        raise Http404(way)
    form = TargetForm(KINDS[way], request.POST or None)
    if request.method == "POST" and form.is_valid():
        address = form.address() or {}
        if way == "webhook":
            address[store.SIGNING] = store.new_signing_secret()
        try:
            with use_case("add.target", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
                made = store.add(uc, way, address, addresses.hint(way, address), form.terms())
        except store.TargetError as error:
            form.add_error(None, told(error))
        else:
            messages.success(request, _("{name} is there. Send a test to see whether it arrives.").format(name=made.name))
            if store.SIGNING in address:
                return _page(request, made, TargetForm(KINDS[way], target=made), signing=address[store.SIGNING])
            return redirect("backoffice:target", made.pk)
    return _page(request, None, form)


@sensitive_post_parameters()
@sensitive_variables("address")
@screen(Permission.CONNECT)
def target(request: MemberRequest, pk: int) -> HttpResponse:
    """One target: its rules, and its last messages with what became of them."""
    shown = get_object_or_404(NoticeTarget.objects.select_related("address"), pk=pk)
    if request.method == "GET" and wants_fragment(request):
        return fragment(request, "backoffice/parts/target_messages.html", _told(shown))
    form = TargetForm(KINDS[shown.way], request.POST or None, target=shown)
    if request.method == "POST" and form.is_valid():
        try:
            _change(request, shown, form)
        except store.TargetError as error:
            form.add_error(None, told(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("backoffice:target", pk)
    return _page(request, shown, form)


def _change(request: MemberRequest, shown: NoticeTarget, form: TargetForm) -> None:
    address = form.address()
    with use_case("change.target", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        if address is None:
            store.change(uc, shown, form.terms())
        else:
            store.change(uc, shown, form.terms(), _kept(shown) | address, addresses.hint(shown.way, address))


def _kept(shown: NoticeTarget) -> dict[str, str]:
    """What a person did not enter and that stays with another address: the secret of signatures."""
    return {name: value for name, value in store.address_of(shown).items() if name == store.SIGNING}


def _page(request: MemberRequest, shown: NoticeTarget | None, form: TargetForm, signing: str = "") -> HttpResponse:
    context: dict[str, object] = {
        "title": shown.name if shown else _("Add a target"),
        "target": shown,
        "way": form.way,
        "form": form,
        "signing": signing,
        "no_mail_server": form.way.name == "email" and settings.ENV.mail_server is None,
        **(_told(shown) if shown else {}),
    }
    return show(request, "backoffice/target.html", context, status=422 if form.errors else 200)


def _told(shown: NoticeTarget) -> dict[str, object]:
    """Its last messages, and whether one of them is about to go: then they renew themselves."""
    recent = list(shown.messages.select_related("notification").order_by("-made_at", "-pk")[:SHOWN])
    soon = clock.now() + SOON
    return {
        "target": shown,
        "rows": [(row, _said(row), TONES[row.state]) for row in recent],
        "under_way": any(row.state == NoticeMessage.State.WAITING and row.not_before <= soon for row in recent),
    }


def _said(row: NoticeMessage) -> str:
    notice = row.notification
    return told(of_row(notice.title, notice.title_words)) if notice else _("A test")


@require_POST
@screen(Permission.CONNECT)
def test_target(request: MemberRequest, pk: int) -> HttpResponse:
    """Tell it something harmless now."""
    shown = get_object_or_404(NoticeTarget, pk=pk)
    with use_case("test.target", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        store.test(uc, shown)
    messages.success(request, _("A test is on its way; what becomes of it stands below in a moment."))
    return redirect("backoffice:target", pk)


@require_POST
@screen(Permission.CONNECT)
def remove_target(request: MemberRequest, pk: int) -> HttpResponse:
    """The target and its address go, for good; asked once more before."""
    shown = get_object_or_404(NoticeTarget, pk=pk)
    if not request.POST.get("sure"):
        return show(request, "backoffice/target_sure.html", {"title": _("Remove {name}?").format(name=shown.name), "target": shown})
    with use_case("remove.target", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        store.remove(uc, shown)
    messages.success(request, _("{name} is told nothing any more.").format(name=shown.name))
    return redirect("backoffice:targets")
