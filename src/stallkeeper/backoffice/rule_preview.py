"""What the rules that somebody types would make of ten products, as he types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.offer_rows import units_like
from stallkeeper.backoffice.rule_forms import RulesForm
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen
from stallkeeper.backoffice.words import told
from stallkeeper.channels import preview
from stallkeeper.channels.explain_words import STEPS
from stallkeeper.channels.models import Channel
from stallkeeper.channels.preview import Previewed
from stallkeeper.channels.pricing import PriceRuleError
from stallkeeper.channels.proposals import ChannelChange
from stallkeeper.channels.rules import RuleError
from stallkeeper.core import clock
from stallkeeper.core.people import Permission


class Step(NamedTuple):
    """One step of a working: the figure after it, and whether it takes or adds another number of units than by the rules in force."""

    name: str | Promise
    after: int
    differs: bool


@dataclass(frozen=True)
class PreviewRow:
    """An offer with its working by the typed rules: the steps that change the figure, or did."""

    previewed: Previewed
    steps: list[Step]


def rows_of(channel: Channel, change: ChannelChange, text: str) -> list[PreviewRow]:
    """RuleError or PriceRuleError if the rules cannot be."""
    offers = preview.sample(channel, units_like(text) if text else None)
    return [PreviewRow(each, _steps(each)) for each in preview.preview(channel, change, offers, clock.now())]


def _steps(each: Previewed) -> list[Step]:
    was = {name: _effect(before, after) for name, before, after in each.steps_before}
    told = [(name, after, _effect(before, after), was.get(name, 0)) for name, before, after in each.steps_after]
    return [Step(STEPS.get(name, name), after, effect != old) for name, after, effect, old in told if effect or old]


def _effect(before: int | None, after: int) -> int:
    """By how much a step changes the figure; the first one makes it."""
    return after - (before or 0)


@require_POST
@screen(Permission.EDIT_RULES)
def preview_rules(request: MemberRequest, pk: int) -> HttpResponse:
    """The fragment beside the form. What is half typed and cannot be yet says why; nothing is stored."""
    shown = get_object_or_404(Channel.objects.select_related("connection", "organisation", "price_list"), pk=pk)
    form = RulesForm(request.POST, instance=Channel.objects.select_related("connection").get(pk=pk))
    text = request.POST.get("preview", "").strip()
    context: dict[str, object] = {"channel": shown, "text": text}
    if form.is_valid():
        try:
            rows = rows_of(shown, form.change(shown), text)
            context |= {"rows": rows, "differing": sum(row.previewed.differs for row in rows)}
        except (RuleError, PriceRuleError) as error:
            context["wrong"] = [told(error)]
    else:
        fields = {name: form.fields[name].label if name in form.fields else "" for name in form.errors}
        context["wrong"] = [f"{fields[name]}: {errors[0]}" if fields[name] else errors[0] for name, errors in form.errors.items()]
    return fragment(request, "backoffice/parts/rule_preview.html", context)
