"""What every channel keeps back, raised or lowered by the same number of units, in one plan that is looked at first."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.paging import count_up_to_limit
from stallkeeper.backoffice.screens import MemberRequest, screen
from stallkeeper.backoffice.sending_plan import REFUSALS, proposed
from stallkeeper.backoffice.templatetags.stallkeeper import counted
from stallkeeper.backoffice.words import told
from stallkeeper.channels import switches
from stallkeeper.channels.models import Channel
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.core.people import Permission

MOST = 1_000_000


class BufferForm(LookMixin, forms.Form):
    """By how many units."""

    more = forms.IntegerField(
        label=gettext_lazy("Keep back so many units more on every channel"),
        min_value=-MOST,
        max_value=MOST,
        help_text=gettext_lazy("Below zero: so many fewer. You see the plan first."),
        widget=forms.NumberInput(attrs={"class": "sk-input sk-input--number"}),
    )

    def clean_more(self) -> int:
        more = int(self.cleaned_data["more"])
        if not more:
            raise forms.ValidationError(_("Say by how many units: 0 changes nothing."))
        return more


@require_POST
@screen(Permission.EDIT_RULES)
def raise_buffers(request: MemberRequest) -> HttpResponse:
    """To the plan of all channels in use with the other buffers; back with the reason where there is none."""
    form = BufferForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"{form.fields['more'].label}: {form.errors['more'][0]}")
        return redirect("backoffice:sending")
    changes = buffers(switches.states().filter(active=True), form.cleaned_data["more"])
    if not changes:
        messages.info(request, _("No channel keeps fewer units back for it: nothing is below zero."))
        return redirect("backoffice:sending")
    try:
        answer = proposed(request, Proposal(channels=changes), "backoffice:sending")
    except REFUSALS as error:
        messages.error(request, told(error))
        return redirect("backoffice:sending")
    _tell_own(request)
    return answer


def buffers(channels: Iterable[Channel], more: int) -> dict[int, ChannelChange]:
    """The channels whose buffer becomes another one; none goes below zero."""
    wanted = {channel.pk: (channel.buffer, max(0, channel.buffer + more)) for channel in channels}
    return {pk: ChannelChange(rules={"buffer": after}) for pk, (before, after) in wanted.items() if after != before}


def _tell_own(request: MemberRequest) -> None:
    """Categories and products with a buffer of their own keep it, and that is said."""
    own = count_up_to_limit(RuleOverride.objects.filter(valid_until=None, buffer__isnull=False))
    if own:
        text = ngettext(
            "{count} rule of a category or product has a buffer of its own, and keeps it.",
            "{count} rules of categories and products have a buffer of their own, and keep it.",
            own,
        )
        messages.info(request, text.format(count=counted(own)))
