"""Who asks: a program with a key (``core.api_keys``), what it may do, and how large its request may be."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from stallkeeper.api.problems import ProblemError
from stallkeeper.core import api_keys
from stallkeeper.core.models import ApiKey
from stallkeeper.core.people import Permission


class ProgramKey(HttpBearer):
    """The key of a program. The length is looked at first: nothing of a request that is too large is read."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        """The key; problem 401 or 413."""
        most, length = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, request.META.get("CONTENT_LENGTH") or "0"
        if length.isascii() and length.isdigit() and int(length) > most:
            raise ProblemError(413, "too-large", f"At most {most // 1024} KB are read at once.")
        key = api_keys.find(token)
        if key is None:
            raise ProblemError(401, "forbidden", "There is no such key, or it was ended: stallkeeper keys list.")
        return key


def of(request: HttpRequest, permission: Permission) -> ApiKey:
    """The key that asks; problem 403 if it may not do this."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    if permission not in key.permissions:
        raise ProblemError(403, "not-allowed", f"The key {key.name!r} may {', '.join(key.permissions)}; this needs {permission.value}.")
    return key
