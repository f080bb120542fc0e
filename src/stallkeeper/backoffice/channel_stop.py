"""A stopped channel: let its plan pass, or have it judged anew."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.screens import MemberRequest, screen
from stallkeeper.backoffice.words import told
from stallkeeper.channels import breaker
from stallkeeper.channels.models import Channel
from stallkeeper.core.people import Permission
from stallkeeper.core.use_case import use_case


@require_POST
@screen(Permission.SEND)
def release(request: MemberRequest, pk: int) -> HttpResponse:
    """The plan that was shown may pass; another plan that has taken its place may not."""
    shown = get_object_or_404(Channel, pk=pk)
    try:
        breaker.release(request.organisation.pk, shown.pk, request.POST.get("fingerprint", ""), request.user.actor)
    except breaker.NotThatPlan as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("Released. What waited goes out with the next run."))
    return redirect("backoffice:channel", pk)


@require_POST
@screen(Permission.SEND)
def look_again(request: MemberRequest, pk: int) -> HttpResponse:
    """Something was corrected: the channel goes on unless the plan is still too much."""
    shown = get_object_or_404(Channel, pk=pk)
    with use_case("channel.look_again", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        breaker.look_again(uc, shown.pk)
    messages.success(request, _("{channel} goes on, unless what waits is still too much at once.").format(channel=shown.name))
    return redirect("backoffice:channel", pk)
