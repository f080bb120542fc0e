"""Six exceptions, named by what the engine must do. Each means that the whole call failed; refusals of single items are outcomes."""

from __future__ import annotations


class AdapterError(Exception):
    """Base. ``detail`` is for people: what was asked, what came back, what to do. It must never hold a secret or personal data."""

    def __init__(self, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


class TryLater(AdapterError):
    """Nothing happened there and the same call may work later: connection refused before sending, 5xx on a read, maintenance."""


class SlowDown(AdapterError):
    """Rate limit, theirs (429) or our own budget. Nothing goes to this account before ``retry_after`` seconds have passed; the same call
    may be made then as a whole. A write of several calls that was cut short and cannot be is OutcomeUnknown."""

    def __init__(self, detail: str, *, retry_after: float, status: int | None = None) -> None:
        super().__init__(detail, status=status)
        self.retry_after = retry_after


class NeedsReconnect(AdapterError):
    """Credentials are wrong, expired or revoked, or the address is not allowed: a person must act. No further call until then."""


class OutcomeUnknown(AdapterError):
    """A write may or may not have been applied (time-out after sending, 5xx on a write, cut reply): look before repeating."""


class Refused(AdapterError):
    """The platform understood and said no to the call as a whole: repeating it unchanged is useless."""

    def __init__(self, detail: str, *, code: str = "", status: int | None = None) -> None:
        super().__init__(detail, status=status)
        self.code = code


class Unintelligible(AdapterError):
    """The reply is not what the contract says (HTML, cut JSON, a missing field). Unknown is not zero: nothing is assumed from it."""
