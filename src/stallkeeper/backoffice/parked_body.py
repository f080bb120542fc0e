"""What a channel sent that nobody could understand: shown to those who may see personal data, for it may name a buyer."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.channels.models import Parked
from stallkeeper.core.people import Permission
from stallkeeper.core.use_case import use_case
from stallkeeper.sync import parking


@require_POST
@screen(Permission.SEE_PERSONAL_DATA)
def parked_body(request: MemberRequest, pk: int) -> HttpResponse:
    """The untouched body of a parked object. Reading it is an act of its own: it is written into the audit."""
    parked = get_object_or_404(Parked.objects.select_related("connection"), pk=pk)
    with use_case("read.parked", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        body = parking.body_of(uc, parked.pk)
    title = _("{kind} {number} as it came").format(kind=parked.kind, number=parked.external_id)
    return show(request, "backoffice/parked_body.html", {"title": title, "parked": parked, "body": body})
