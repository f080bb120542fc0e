"""The door for platforms' callbacks. A callback is a hint, never a fact: it makes us look, at most once more than we would have anyway.

Its address holds an unguessable token that names the account. What comes is understood by the adapter (which checks the signature where the
platform signs), and answered the same whether it was understood or not, so that nobody learns anything from trying.
"""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from stallkeeper.channels.models import Connection
from stallkeeper.core.tenancy import across_organisations, organisation_scope
from stallkeeper.sync import adapters, wake
from stallkit.manifest import Capability
from stallkit.types import Hint

log = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024
"""A callback that is larger is no callback."""


@csrf_exempt
def hint(request: HttpRequest, token: str, rest: str = "") -> HttpResponse:  # noqa: ARG001 - what follows the token is the adapter's
    """Answer 204 to whatever comes; wake the account's runner if its adapter understands it."""
    with across_organisations("a callback names its account by a secret token, not by organisation"):
        account = Connection.objects.filter(hint_token=token, state=Connection.State.READY).first()
    if account is None:
        return HttpResponse(status=404)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        return HttpResponse(status=413)
    with organisation_scope(account.organisation_id):
        understood = read(account, request)
    if understood is not None:
        wake.hint([account.pk])
    return HttpResponse(status=204)


def read(account: Connection, request: HttpRequest) -> Hint | None:
    """What the adapter makes of it; None if it is not for us. Whatever a stranger sends must not become an error of ours."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = request.META.get("QUERY_STRING", "")
    try:
        session = adapters.session(account, "hints")
        if not session.can(Capability.HINTS):
            return None
        found: Hint | None = session.adapter.read_hint(request.method or "GET", request.path, query, headers, request.body)
    except Exception:  # anybody may send anything here
        log.info("connection %s: a callback could not be read", account.pk, exc_info=True)
        return None
    return found
