"""Rules of categories and products of a channel: the list, and what is added or taken away. Each change shows first what it would do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.channel_rules import RANGES, bound
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.own_rule_rows import OwnRow, own_with
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.catalog.models import Product, StockUnit
from stallkeeper.channels import breaker, overrides, rules
from stallkeeper.channels.models import Channel
from stallkeeper.channels.overriding import NAMES
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.channels.rule_plan import plan_change
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase, use_case

KEYS = ("id",)
MOST_UNITS = 5_000
"""SKUs that one form may name; more come by their category."""
MOST_CATEGORIES = 500
"""Names that are offered while one is typed."""

if TYPE_CHECKING:
    OverrideForm = forms.ModelForm[RuleOverride]
else:
    OverrideForm = forms.ModelForm


class OwnRulesForm(LookMixin, OverrideForm):
    """Of what, and which rules; a rule that is left empty stays the channel's (or the category's)."""

    category = forms.CharField(
        label=gettext_lazy("Category"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("All products in it, also those that come in later."),
        widget=forms.TextInput(attrs={"list": "categories", "autocomplete": "off"}),
    )
    skus = forms.CharField(
        label=gettext_lazy("Or SKUs of stock units"),
        required=False,
        help_text=gettext_lazy("One or more, a line or a space between them. A rule of a product goes before one of its category."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    field_order = ("category", "skus")

    class Meta:
        model = RuleOverride
        fields = ("share", "share_rounding", "buffer", "velocity_share", "max_publish", "zero_at", "fixed")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name in ("share", "velocity_share"):
            bound(self.fields[name], *RANGES[name])

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("category")) == bool(cleaned.get("skus")):
            raise forms.ValidationError(_("Name a category, or SKUs: one of the two."))
        return cleaned

    def clean_skus(self) -> str:
        """The SKUs, each known; SKUs with spaces in them stand on lines of their own."""
        text = self.cleaned_data["skus"]
        self.units = _units(text)
        return str(text)

    def values(self) -> dict[str, object]:
        """The rules by name; None falls through."""
        return {name: self.cleaned_data.get(name) if self.cleaned_data.get(name) != "" else None for name in NAMES}

    def change(self, channel: Channel) -> Callable[[UseCase], object]:
        """What saving does."""
        if self.cleaned_data["category"]:
            return lambda uc: overrides.of_category(uc, channel.pk, self.cleaned_data["category"], self.values())
        return lambda uc: overrides.of_units(uc, channel.pk, self.units, self.values())


def _units(text: str) -> list[int]:
    """Units by SKU, from lines or words; ValidationError names the first that there is not."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    known = dict(StockUnit.objects.filter(sku__in=lines).values_list("sku", "pk"))
    wanted = [word for line in lines for word in ([line] if line in known else line.replace(",", " ").split())]
    if len(wanted) > MOST_UNITS:
        raise forms.ValidationError(_("At most {count} SKUs at a time; use the category for more.").format(count=MOST_UNITS))
    known |= dict(StockUnit.objects.filter(sku__in=wanted).values_list("sku", "pk"))
    if missing := [sku for sku in wanted if sku not in known]:
        raise forms.ValidationError(_("There is no stock unit {sku}.").format(sku=missing[0]))
    return [known[sku] for sku in wanted]


@screen(Permission.VIEW_STOCK)
def own_rules(request: MemberRequest, pk: int) -> HttpResponse:
    """GET shows the list; POST counts what a rule would change; POST with ``sure`` saves it."""
    channel = get_object_or_404(Channel.objects.select_related("connection"), pk=pk)
    may_edit = can(request.membership, Permission.EDIT_RULES)
    form = OwnRulesForm(request.POST or None)
    if request.method == "POST" and may_edit and form.is_valid() and (answer := _try(request, channel, form)):
        return answer
    shown = page(own_with(channel, request.GET), KEYS, request.GET.get("after", ""), request.GET.get("before", ""))
    named = Product.objects.exclude(category="").order_by("category").values_list("category", flat=True).distinct()
    context = {
        **{"title": channel.name, "channel": channel, "tab": "rules", "form": form, "may_edit": may_edit, "page": shown},
        **{"rows": [OwnRow(rule) for rule in shown.rows], "categories": named[:MOST_CATEGORIES], "filters": request.GET},
        "filtered": any(request.GET.get(name) for name in ("kind", "q")),
    }
    return show(request, "backoffice/own_rules.html", context, status=422 if form.errors else 200)


def _try(request: MemberRequest, channel: Channel, form: OwnRulesForm) -> HttpResponse | None:
    """Plan or save; None if the rule cannot be, which the form then says."""
    change = form.change(channel)
    try:
        if not request.POST.get("sure"):
            return _ask(request, channel, change, {name: request.POST.getlist(name) for name in form.fields}, "backoffice:own_rules")
        _save(request, channel, change)
    except rules.RuleError as error:
        form.add_error(None, str(error))
        return None
    messages.success(request, _("Rules saved. What differs goes out with the next run."))
    return redirect("backoffice:own_rules", channel.pk)


@again_on_conflict
def _save(request: MemberRequest, channel: Channel, change: Callable[[UseCase], object]) -> None:
    with use_case("save.override", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        change(uc)
        breaker.look_again(uc, channel.pk)


def _ask(
    request: MemberRequest, channel: Channel, change: Callable[[UseCase], object], given: dict[str, list[str]], address: str
) -> HttpResponse:
    """What the change would do, and the form that does it."""
    plan = plan_change(request.organisation.pk, channel.pk, change, request.user.actor)
    hidden = [(name, value) for name, values in given.items() for value in values]
    context = {"title": _("What these rules change"), "channel": channel, "plan": plan, "hidden": hidden, "address": address}
    return show(request, "backoffice/own_rules_sure.html", context)


@require_POST
@screen(Permission.EDIT_RULES)
def remove_own(request: MemberRequest, pk: int) -> HttpResponse:
    """Take the chosen rules away, or those of all single products of a category; shows first what that changes."""
    channel = get_object_or_404(Channel, pk=pk)
    chosen = [int(value) for value in request.POST.getlist("rule") if value.isdecimal()]
    category = request.POST.get("in_category", "").strip()
    if not chosen and not category:
        messages.error(request, _("Choose the rules to take away."))
        return redirect("backoffice:own_rules", pk)

    def change(uc: UseCase) -> int:
        return overrides.remove(uc, pk, None if category else chosen, in_category=category)

    if not request.POST.get("sure"):
        given = {"in_category": [category]} if category else {"rule": [str(rule) for rule in chosen]}
        return _ask(request, channel, change, given, "backoffice:remove_own_rules")
    gone = _remove(request, channel, change)
    note = ngettext("{count} rule is taken away.", "{count} rules are taken away.", gone)
    messages.success(request, note.format(count=gone))
    return redirect("backoffice:own_rules", pk)


@again_on_conflict
def _remove(request: MemberRequest, channel: Channel, change: Callable[[UseCase], int]) -> int:
    with use_case("remove.override", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        gone = change(uc)
        breaker.look_again(uc, channel.pk)
    return gone
