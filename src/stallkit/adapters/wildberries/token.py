"""What a token says about itself (01, "Как устроен токен"): a JWT whose payload names its kind, its rights and its end. Nothing is verified
here; Wildberries does that with each call."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

import msgspec

from stallkit.errors import NeedsReconnect

BASE, TEST = 1, 2
KINDS = {BASE: "base", TEST: "test", 3: "personal", 4: "service"}
"""Values of ``acc``."""
RIGHTS = {1: "Content", 2: "Analytics", 3: "Prices", 4: "Marketplace", 5: "Statistics", 6: "Promotion", 11: "Returns", 13: "Finance"}
"""Bits of ``s``: categories of methods."""
READ_ONLY = 30
MARKETPLACE = 4
WITHOUT = {
    1: "products cannot be listed, so nothing can be linked",
    3: "prices cannot be sent",
    11: "buyers' returns cannot be read",
}
"""What does not work when the right with this bit is missing."""


class Payload(msgspec.Struct):
    """``sid`` is the seller's number, the same in every token of the account."""

    sid: str
    s: int
    acc: int = 0
    exp: int = 0

    def has(self, bit: int) -> bool:
        return bool(self.s >> bit & 1)

    @property
    def expires_at(self) -> datetime | None:
        return datetime.fromtimestamp(self.exp, UTC) if self.exp else None

    @property
    def rights(self) -> tuple[str, ...]:
        told = tuple(name for bit, name in RIGHTS.items() if self.has(bit))
        return (*told, "read only") if self.has(READ_ONLY) else told


def read_token(token: str) -> Payload:
    """The payload; NeedsReconnect if the text is no token."""
    try:
        middle = token.split(".")[1]
        return msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)), type=Payload)
    except (IndexError, binascii.Error, UnicodeError, msgspec.DecodeError) as error:
        raise NeedsReconnect("this is no Wildberries token: copy it anew from the seller's portal, API integrations") from error


def warnings_of(token: Payload, *, sandbox: bool) -> tuple[str, ...]:
    """What will not work with this token, for the person who connects the account."""
    told = [f"The token lacks the right {RIGHTS[bit]}: {without}." for bit, without in WITHOUT.items() if not token.has(bit)]
    if token.has(READ_ONLY):
        told.append("The token is read-only: no figure, price or acknowledgement can be sent.")
    if token.acc == BASE:
        told.append("A base token may send prices 4 times an hour and read returns once an hour: use a personal token.")
    if token.acc == TEST and not sandbox:
        told.append("This is a test token: it works in the sandbox only.")
    if token.acc != TEST and sandbox:
        told.append("The sandbox wants a test token.")
    return tuple(told)


def require_marketplace(token: Payload) -> None:
    """NeedsReconnect without the right that everything else rests on."""
    if not token.has(MARKETPLACE):
        raise NeedsReconnect("the token lacks the right Marketplace: make a new one with that category in the seller's portal")
