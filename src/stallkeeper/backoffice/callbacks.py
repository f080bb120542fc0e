"""The address at which a platform may tell us that something happened."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from stallkeeper.backoffice.screens import MemberRequest
from stallkeeper.channels.models import Connection
from stallkeeper.core.people import Permission, can
from stallkit.manifest import Capability, Manifest


def callback_context(request: MemberRequest, connection: Connection, manifest: Manifest) -> dict[str, object]:
    """The account's callback address and whether the outside can reach it; nothing where the platform has no callbacks.

    Whoever knows the address can make us look, so only those who may connect see it.
    """
    if Capability.HINTS not in manifest.capabilities or not can(request.membership, Permission.CONNECT):
        return {}
    base = settings.ENV.base_url.rstrip("/")
    return {
        "callback": base + reverse("api:hint", args=[connection.hint_token]),
        "callback_reachable": urlsplit(base).scheme == "https",
        "own_address": base,
    }
