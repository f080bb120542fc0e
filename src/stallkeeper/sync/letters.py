"""Letters to people: what somebody has just asked for and waits to see, by the installation's mail server."""

from __future__ import annotations

from django.conf import settings

from stallkeeper.core import clock, crash
from stallkeeper.sync.budgets import refuse_in_transaction
from stallkit.sources.door import Door
from stallkit.telling import send
from stallkit.telling.types import MailServer, Message


def mail_server() -> MailServer | None:
    """Where e-mails are handed over; None if the operator has named none (``STALLKEEPER_SMTP_URL``)."""
    server: MailServer | None = settings.ENV.mail_server
    return server


def mail(to: str, name: str, title: str, text: str, link: str) -> None:
    """Hand one letter over, now. ``name`` names it among letters, in ASCII; the link stands below the text.

    TryLater, Refused or NeedsReconnect if the mail server does not take it, or there is none; no try after that.
    """
    refuse_in_transaction()
    message = Message(name, title, text, link, clock.now())
    with crash.around("send:letter"):
        send.send("email", {"to": to}, message, Door(tuple(settings.ENV.allow_private_urls)), mail_server())
