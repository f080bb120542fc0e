"""Telling: one message to one address. It is told, or an error says what is wrong and whether trying again makes sense (ADR 0070)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import smtplib
import ssl
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from importlib import import_module
from typing import Protocol, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from stallkit.errors import AdapterError, NeedsReconnect, Refused, TryLater
from stallkit.http import Request, hide
from stallkit.manifest import Limit
from stallkit.sources.door import Door
from stallkit.telling.addresses import SIGNED, check, mails
from stallkit.telling.kinds import KINDS
from stallkit.telling.types import MailServer, Message
from stallkit.words import said as _

LIMIT = Limit("telling", 60, timedelta(minutes=1), "our own courtesy")
SECONDS = 15.0
GONE = 410

Settings = Mapping[str, str]


def send(kind: str, settings: Settings, message: Message, door: Door, mail: MailServer | None = None) -> None:
    """Tell it. TryLater, Refused or NeedsReconnect; no text of theirs holds a part of the address."""
    check(kind, settings)
    try:
        if kind == "email":
            _mail(settings, message, mail)
        elif kind in {"webhook", "ntfy"}:
            WAYS[kind](settings, message, door)
        else:
            _service(kind, settings, message)
    except AdapterError as error:
        error.detail = hide(error.detail, tuple(value for value in settings.values() if len(value) > 3))
        error.args = (error.detail,)
        raise


# --- e-mail -------------------------------------------------------------------------------------------------------------------------------


def _mail(settings: Settings, message: Message, server: MailServer | None) -> None:
    if server is None:
        raise NeedsReconnect(_("this installation has no mail server: its operator sets STALLKEEPER_SMTP_URL"))
    letter = _letter(settings, message, server)
    try:
        with _connected(server) as smtp:
            refused = smtp.send_message(letter)
    except smtplib.SMTPRecipientsRefused as error:
        for_good = all(code >= 500 for code, _words in error.recipients.values())
        raise (Refused if for_good else TryLater)(_("the mail server refuses the address")) from None
    except smtplib.SMTPAuthenticationError as error:
        raise TryLater(_("the mail server refuses our user name or password ({code})", code=error.smtp_code)) from None
    except smtplib.SMTPResponseException as error:
        kind = Refused if error.smtp_code >= 500 else TryLater
        raise kind(_("the mail server answered {code}", code=error.smtp_code)) from None
    except (OSError, smtplib.SMTPException) as error:
        raise TryLater(_("the mail server cannot be reached: {kind}", kind=type(error).__name__)) from None
    if refused:  # once more would be twice for those who have it
        raise Refused(_("the mail server refuses one of the addresses, or more; the others were told"))


def _letter(settings: Settings, message: Message, server: MailServer) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = message.title.replace("\r", " ").replace("\n", " ")[:200]
    letter["From"] = Address("Stallkeeper", addr_spec=server.sender)
    letter["To"] = ", ".join(mails(settings["to"]))
    letter["Message-ID"] = f"<{message.id}@{server.sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    if message.grave:
        letter["Importance"] = "high"
    letter.set_content("\n\n".join(part for part in (message.text, message.link) if part) + "\n")
    return letter


def _connected(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.security == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    try:
        if server.security == "starttls":
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password)
    except Exception:
        smtp.close()
        raise
    return smtp


# --- web addresses that a person types: through the guarded door --------------------------------------------------------------------------


class Posted(msgspec.Struct, omit_defaults=False):
    """The body that programs get. New fields may come; those that are there stay."""

    type: str
    timestamp: str
    id: str
    title: str
    text: str
    link: str
    severity: str


def _webhook(settings: Settings, message: Message, door: Door) -> None:
    body = msgspec.json.encode(
        Posted(
            "problem",
            message.at.isoformat(),
            message.id,
            message.title,
            message.text,
            message.link,
            "error" if message.grave else "warning",
        )
    )
    stamp = str(int(message.at.timestamp()))
    headers = {"webhook-id": message.id, "webhook-timestamp": stamp, "Content-Type": "application/json"}
    if settings.get("signing"):
        headers["webhook-signature"] = signature(settings["signing"], message.id, stamp, body)
    _post(settings["url"].strip(), headers, body, door, tuple(value for value in settings.values() if value))


def signature(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    """As the Standard Webhooks (1.0.0) have it: version, then HMAC-SHA256 over id, time and body, base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _ntfy(settings: Settings, message: Message, door: Door) -> None:
    asked = {
        "topic": settings["topic"].strip(),
        "title": message.title,
        "message": message.text or message.title,
        "priority": 4 if message.grave else 3,
        "click": message.link,
    }
    headers = {"Content-Type": "application/json"}
    if settings.get("token"):
        headers["Authorization"] = f"Bearer {settings['token'].strip()}"
    _post(settings["server"].strip(), headers, msgspec.json.encode(asked), door, tuple(value for value in settings.values() if value))


WAYS: dict[str, Callable[[Settings, Message, Door], None]] = {"webhook": _webhook, "ntfy": _ntfy}


def _post(url: str, headers: Mapping[str, str], body: bytes, door: Door, secrets: tuple[str, ...]) -> None:
    parts = urlsplit(url)
    http = door.http(url, lambda: datetime.now(UTC), secrets).with_(base_url=f"{parts.scheme}://{parts.netloc}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with http.client:
        reply = http.call(Request("POST", path, LIMIT, headers=headers, body=body, accept=frozenset(range(300, 600))))
    if reply.status in {408, 425, 429} or reply.status >= 500:
        raise TryLater(_("it answered {status}", status=reply.status))
    if not 200 <= reply.status < 300:
        raise Refused(_("it answered {status}", status=reply.status), status=reply.status)


# --- services, by Apprise: only those whose host nobody can choose ------------------------------------------------------------------------


class Plugin(Protocol):
    """What we use of a plugin of Apprise."""

    def notify(self, *, body: str, title: str) -> bool: ...


class Service(Protocol):
    """A plugin of Apprise, to be made; TypeError where it refuses what it is made of."""

    def parse_native_url(self, url: str) -> dict[str, object] | None: ...

    def __call__(self, **options: object) -> Plugin: ...


class Listening(logging.Handler):
    """Hears what Apprise complains of in this thread. The last complaint is in ``last``."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread, self.last = threading.get_ident(), ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.last = record.getMessage()[:300]

    def __enter__(self) -> Self:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_error: object) -> None:
        logging.getLogger("apprise").removeHandler(self)


def _service(kind: str, settings: Settings, message: Message) -> None:
    """Apprise says only whether it went well, and why not in a log of its own: that is listened to, in this thread."""
    with Listening() as heard:
        plugin = _plugin(kind, {name: value.strip() for name, value in settings.items()})
        sent = plugin.notify(body="\n\n".join(part for part in (message.text, message.link) if part), title=message.title)
    if sent:
        return
    words = heard.last or "?"
    lasting = any(f"error={code}" in words for code in (400, 401, 403, 404, GONE))
    raise (Refused if lasting else TryLater)(_("{service} did not take it: {words}", service=kind.title(), words=words))


SERVICES = {
    "slack": ("apprise.plugins.slack", "NotifySlack"),
    "discord": ("apprise.plugins.discord", "NotifyDiscord"),
    "teams": ("apprise.plugins.workflows", "NotifyWorkflows"),
    "telegram": ("apprise.plugins.telegram", "NotifyTelegram"),
    "pushover": ("apprise.plugins.pushover", "NotifyPushover"),
}


def _plugin(kind: str, settings: Settings) -> Plugin:
    """The plugin, imported by its own name: Apprise would load all of its hundred otherwise. It follows no redirects."""
    module, name = SERVICES[kind]
    service: Service = getattr(import_module(module), name)
    try:
        return service(**(_options(kind, settings, service) | {"redirect": "no", "secure": True}))
    except TypeError:  # its words may hold the token
        raise NeedsReconnect(_("this is no web hook of {service}; copy it once more", service=KINDS[kind].title)) from None


def _options(kind: str, settings: Settings, service: Service) -> dict[str, object]:
    """What the plugin is made of; TypeError if the address is none of the service."""
    if kind == "telegram":
        return {"bot_token": settings["token"], "targets": [settings["chat"]], "detect_owner": False}
    if kind == "pushover":
        return {"user_key": settings["user"], "token": settings["token"]}
    found = service.parse_native_url(_bare(kind, settings["url"]))
    if not found:
        raise TypeError(kind)
    return found


def _bare(kind: str, url: str) -> str:
    """The web hook by itself. Apprise takes a query for options of its own: files to read, addresses to open, hosts not to check."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name in SIGNED.get(kind, ())]
    return urlunsplit(("https", parts.hostname or "", parts.path, urlencode(kept), ""))
