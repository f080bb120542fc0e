"""What is told, and what a way of telling needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from stallkit.manifest import Setting


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell. ``id`` stays the same when it is told again, ``link`` leads to the back office, ``grave``: an error."""

    id: str
    title: str
    text: str
    link: str
    at: datetime
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of telling: its name for people, and the fields of its address. All of them are kept as secrets."""

    name: str
    title: str
    about: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where e-mails are handed over. ``security``: tls (from the first byte), starttls, or none (only within one machine)."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    sender: str
