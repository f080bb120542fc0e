"""The door for 1C: the hub is the site that a 1C base exchanges with (CommerceML 2).

Its address holds an unguessable token that names the exchange. All replies are 200, failures too: that is how 1C reads them.
"""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.sync.exchange import accounts, service, uploads
from stallkeeper.sync.exchange.service import Call
from stallkit.sources.commerceml.session import COOKIE

log = logging.getLogger(__name__)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def exchange(request: HttpRequest, token: str) -> HttpResponse:
    """One call of 1C; 404 if the token names no exchange."""
    found = accounts.at_address(token)
    if found is None:
        return HttpResponse("There is no exchange with 1C at this address.\n", status=404, content_type=service.PLAIN)
    call = _call(request)
    with organisation_scope(found.organisation_id):
        reply = service.answer(found, call)
    return HttpResponse(reply.content, content_type=reply.content_type, headers={"Cache-Control": "no-store"})


def _call(request: HttpRequest) -> Call:
    """The body is read up to what one piece may have, and one byte more."""
    text = request.META.get("CONTENT_LENGTH") or "0"
    announced = int(text) if text.isascii() and text.isdigit() else 0
    try:
        body = request.read(uploads.LIMITS.part + 1) if announced else b""
    except OSError:
        log.info("1C: the connection broke in the middle of a piece")
        body = b""
    return Call(
        query={name: request.GET[name] for name in request.GET},
        authorization=request.META.get("HTTP_AUTHORIZATION", ""),
        cookie=request.COOKIES.get(COOKIE, ""),
        body=body,
        announced=announced,
    )
