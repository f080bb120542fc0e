"""An offer at a past moment, on its panel: the form that picks it, and both views of the figure side by side."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import MemberRequest
from stallkeeper.channels.explain import Step
from stallkeeper.channels.explain_words import STEPS
from stallkeeper.channels.models import Offer
from stallkeeper.channels.time_travel import PastExplanation
from stallkeeper.core import clock
from stallkeeper.orders import past

Row = tuple[str | Promise, Step, Step]


class MomentForm(LookMixin, forms.Form):
    """A moment that is over."""

    at = forms.DateTimeField(
        label=gettext_lazy("At"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
    )

    def clean(self) -> None:
        at = self.cleaned_data.get("at")
        if at is not None and at > clock.now():
            self.add_error("at", _("This moment lies ahead."))


def past_context(request: MemberRequest, shown: Offer) -> dict[str, object]:
    """The form and, if a moment was picked, the figures of it."""
    picked = request.GET if "at" in request.GET else None
    form = MomentForm(picked, initial={"at": timezone.localtime(clock.now())}, auto_id="id_past_%s")
    if picked is None or not form.is_valid():
        return {"moment_form": form, "moment_open": picked is not None}
    found = past.explain_offer(request.organisation.pk, shown, form.cleaned_data["at"])
    return {"moment_form": form, "moment_open": True, "past": found, "past_steps": side_by_side(found)}


def side_by_side(found: PastExplanation) -> Sequence[Row]:
    """Both views go through the same steps."""
    pairs = zip(found.then.steps, found.today.steps, strict=True)
    return [(STEPS.get(then.name, then.name), then, today) for then, today in pairs]
