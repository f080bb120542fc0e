"""The door for platforms' callbacks. A callback is a hint, never a fact: it makes us look, at most once more than we would have anyway.

Its address holds an unguessable token that names the account. What comes is understood by the adapter (which checks the signature where the
platform signs). Forged, garbled and foreign calls get the same answer, so that nobody learns from trying which of the three it was.
"""

from __future__ import annotations

import logging
from ipaddress import ip_network

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from stallkeeper.api.problems import Problem, ProblemError
from stallkeeper.channels.models import Connection
from stallkeeper.core import figures
from stallkeeper.core.proxies import is_in
from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
from stallkeeper.sync import adapters, wake
from stallkit.manifest import Capability
from stallkit.registry import manifest_of
from stallkit.types import Hint

log = logging.getLogger(__name__)
router = Router(tags=["callbacks"])

MOST_BYTES = 256 * 1024
"""A callback that is larger is no callback."""
METHODS = ["GET", "POST", "PUT"]
ANSWERS = {204: None, 400: Problem, 404: Problem, 405: Problem, 413: Problem}
DESCRIPTION = "Where a platform tells us that something happened. What it sends is defined by the platform, not by us."
EXTRA = {"requestBody": {"required": False, "content": {"*/*": {"schema": {}}}}}
"""Any body may come; only the adapter knows what it means."""


def receive(request: HttpRequest, token: str) -> HttpResponse:
    """204, or the answer that the platform asks for, if its adapter understands the call; else a problem.

    The account's runner is woken unless the call is of no interest.
    """
    account = account_of(token)
    if _announced(request) > MOST_BYTES:
        raise ProblemError(413, "too-large", f"At most {MOST_BYTES // 1024} KB are read.")
    with organisation_scope(account.organisation_id):
        understood = read(account, request) if comes_from_there(account, request) else None
    figures.CALLBACKS.add(account.platform, "not_understood" if understood is None else "understood")
    if understood is None:
        raise ProblemError(400, "not-understood", "This is no callback of the platform that this address is for.")
    if understood.calls_for_a_look:
        log.info("callback", extra={"connection": account.pk, "platform": account.platform, "organisation": account.organisation_id})
        with organisation_scope(account.organisation_id):
            wake.hint([account.pk])
    if understood.answer:
        return HttpResponse(understood.answer, content_type="application/json")
    return HttpResponse(status=204)


@router.api_operation(METHODS, "/{token}/", response=ANSWERS, url_name="hint", description=DESCRIPTION, openapi_extra=EXTRA)
def hint(request: HttpRequest, token: Path[str]) -> HttpResponse:
    """Take a callback."""
    return receive(request, token)


@router.api_operation(METHODS, "/{token}/{path:rest}", response=ANSWERS, description=DESCRIPTION, openapi_extra=EXTRA)
def hint_below(request: HttpRequest, token: Path[str], rest: Path[str]) -> HttpResponse:  # noqa: ARG001 - the adapter reads the path
    """Take a callback whose address goes on behind the token."""
    return receive(request, token)


def account_of(token: str) -> Connection:
    """The connected account that the token names; a 404 problem if there is none."""
    account = None
    if token.isascii() and token.isprintable():  # the database refuses to compare with what can be no text
        with across_organisations(Passage.CALLBACK):
            account = Connection.objects.filter(hint_token=token, state=Connection.State.READY).first()
    if account is None:
        raise ProblemError(404, "not-found", "There is no account at this address.")
    return account


def comes_from_there(account: Connection, request: HttpRequest) -> bool:
    """Whether the caller's address is one of those that the platform publishes, where it signs nothing (``Manifest.hint_networks``).

    Behind a proxy that is not in STALLKEEPER_TRUSTED_PROXIES every caller has the proxy's address. A stall at an address of its own (a
    test system, an emulator) calls from anywhere.
    """
    networks = manifest_of(account.platform).hint_networks
    caller = request.META.get("REMOTE_ADDR", "")
    if account.base_url or not networks or is_in(caller, [ip_network(network) for network in networks]):
        return True
    log.warning(
        "connection %s: a callback from %s, which is none of %s's networks; behind a proxy, name it in STALLKEEPER_TRUSTED_PROXIES",
        account.pk,
        caller,
        account.platform,
    )
    return False


def _announced(request: HttpRequest) -> int:
    """The length that the caller announces; Django reads no more than that, and nothing where it is no number."""
    text = request.META.get("CONTENT_LENGTH") or ""
    return int(text) if text.isascii() and text.isdigit() else 0


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
