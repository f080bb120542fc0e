"""What each notification is about, by its key: the kind that it stands under on the board of problems, and that targets choose by."""

from __future__ import annotations

import re

PLACES: dict[str, tuple[str, bool]] = {
    "company:restored": ("restored", True),
    "connection:N:needs_reconnect": ("reconnect", False),
    "connection:N:silent": ("silent", True),
    "connection:N:step:N": ("lanes", False),
    "connection:N:acknowledge": ("acknowledge", False),
    "connection:N:parked:N": ("parked", False),
    "connection:N:not_applied": ("sending", True),
    "connection:N:without_orders": ("sending", True),
    "connection:N:expiry": ("expiring", True),
    "channel:N:stopped": ("stopped", False),
    "channel:N:prices": ("sending", True),
    "ticket:N": ("sending", True),
    "command:N": ("commands", False),
    "order:N:taken_back": ("disputed", True),
    "order:N:cancelled_in_1c": ("disputed", True),
    "source:N:silent": ("sources", True),
    "source:N:failed": ("sources", True),
    "source:N:stopped": ("sources", True),
    "waiting:unmapped": ("unmapped", False),
    "waiting:refused": ("refused", False),
    "shortage:N": ("shortages", False),
    "target:N:failed": ("targets", True),
    "send:N": ("notifications", True),
    "nightly:differences": ("notifications", True),
}
"""Where each notification stands on the board, by its key with N for what differs, and whether the notification itself is what is shown
there: others are shown from the rows that they tell of. One that is not here is among the notifications."""
_PATTERNS = {re.compile(key.replace("N", "[^:]+")): place for key, place in PLACES.items()}


def place_of(key: str) -> tuple[str, bool]:
    """The kind that a notification stands under, and whether it is shown itself."""
    return next((place for pattern, place in _PATTERNS.items() if pattern.fullmatch(key)), ("notifications", True))


KINDS = tuple(dict.fromkeys([*(kind for kind, _itself in PLACES.values()), "notifications"]))
