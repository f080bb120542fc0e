"""An attachment in a mailbox: of the newest message that fits. Nothing in the mailbox is changed, not even what counts as read."""

from __future__ import annotations

import fnmatch
import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from imap_tools import AND, BaseMailBox, ImapToolsError, MailAttachment, MailboxLoginError, MailMessage
from imap_tools.errors import MailboxFolderSelectError

from stallkit.errors import AdapterError, NeedsReconnect, Refused, TryLater
from stallkit.http import hide
from stallkit.manifest import Setting, SettingKind
from stallkit.sources.bringing import (
    AS_OF,
    SECONDS,
    Deadline,
    cut_off_after,
    digest_of,
    fingerprint,
    marks_of,
    plain_name,
    port_of,
    time_of,
)
from stallkit.sources.door import SECONDS as ANSWER_SECONDS
from stallkit.sources.door import Door
from stallkit.sources.manifest import SourceManifest
from stallkit.sources.types import Fetched
from stallkit.tables.cells import FileRefused
from stallkit.words import said as _

SECURITY = (("tls", _("TLS")), ("starttls", _("STARTTLS")), ("none", _("none: password in clear")))
MANIFEST = SourceManifest(
    kind="imap",
    title=_("Attachment in a mailbox"),
    settings=(
        Setting("host", _("Server"), help=_("The IMAP server's name: imap.example.com.")),
        Setting("port", _("Port"), SettingKind.INTEGER, required=False, help=_("993, or 143 without TLS from the start, if left empty.")),
        Setting("security", _("Encryption"), SettingKind.CHOICE, required=False, default="tls", choices=SECURITY),
        Setting("user", _("User name")),
        Setting("password", _("Password"), SettingKind.SECRET, help=_("Where the provider has them, a password for this use alone.")),
        Setting("folder", _("Folder"), required=False, default="INBOX"),
        Setting(
            "sender",
            _("Sender"),
            help=_("Only mail from this address, or from @this.domain. A sender can be forged: use a mailbox that strangers do not know."),
        ),
        Setting("subject", _("Subject contains"), required=False),
        Setting("attachment", _("Name of the file"), required=False, help=_("With * and ?: stock*.xlsx. Empty: any table."), default=""),
        AS_OF,
    ),
    file=True,
    pull=True,
)
MOST_BYTES = 35_000_000
"""A message, as it is sent. Most servers take no larger ones."""
MOST_MESSAGES = 30
"""How many of the newest messages are looked into for one with the file."""
TABLES = ("*.csv", "*.txt", "*.tsv", "*.xlsx", "*.xml", "*.yml", "*.json", "*.zip")


class Client(imaplib.IMAP4):
    """imaplib over a connection that the door makes; no answer is endless."""

    def __init__(self, door: Door, host: str, port: int, security: str, opened: list[socket.socket]) -> None:
        """Connects, and hears the greeting. ``opened`` gets the connection as soon as there is one."""
        self.door, self.security, self.deadline, self.opened = door, security, Deadline(SECONDS), opened
        super().__init__(host, port, timeout=ANSWER_SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        sock = self.door.connect(self.host, self.port, timeout or ANSWER_SECONDS)
        if self.security == "tls":
            sock = self.door.tls().wrap_socket(sock, server_hostname=self.host)
        self.opened.append(sock)
        return sock

    def read(self, size: int) -> bytes:
        if size > MOST_BYTES:
            raise FileRefused(
                _("The message has {size} MB; at most {most} MB are read.", size=size // 1_000_000, most=MOST_BYTES // 1_000_000)
            )
        self.deadline.check()
        return super().read(size)

    def readline(self) -> bytes:
        self.deadline.check()
        return super().readline()


class Mailbox(BaseMailBox):
    """imap-tools with our client."""

    def __init__(self, client: Client) -> None:
        self._made = client
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return self._made


class Source:
    """See ``protocol.Source``. The same as last time by the message's number; messages that do not bring the file are passed over."""

    MANIFEST = MANIFEST

    def __init__(self, config: Mapping[str, str], door: Door, clock: Callable[[], datetime]) -> None:
        self.config, self.door, self.clock = config, door, clock
        self.sender = config.get("sender", "").strip().casefold()
        if "@" not in self.sender:
            raise NeedsReconnect(_("say from which address the mail has to come, or from which domain (@supplier.example)"))
        if not all(config.get(name, "").isprintable() for name in ("user", "password", "folder", "sender", "subject")):
            raise NeedsReconnect(_("one of the settings holds line breaks or characters that cannot be seen; enter it again"))

    def fetch(self, folder: Path, seen: str) -> Fetched | None:
        began, known = self.clock(), marks_of(seen)
        with self._connected() as mailbox:
            place = self._place(mailbox)
            for uid in self._newest(mailbox):
                mark = f"{place}:{uid}"
                if mark == known.get("message"):
                    return None
                message = self._message(mailbox, uid)
                attachment = self._attachment(message) if message is not None else None
                if message is not None and attachment is not None:
                    return self._kept(folder, mark, message, attachment, known, began)
        raise Refused(
            _("none of the newest {most} messages from {sender} brings the file", most=MOST_MESSAGES, sender=self.sender), code="no_message"
        )

    def _kept(
        self, folder: Path, mark: str, message: MailMessage, attachment: MailAttachment, known: Mapping[str, str], began: datetime
    ) -> Fetched | None:
        path = folder / "file"
        path.write_bytes(attachment.payload)
        digest = digest_of(path)
        if digest == known.get("sha256") and mark.partition(":")[0] != known.get("message", "").partition(":")[0]:
            return None  # the mailbox was numbered anew
        sent = message.date if message.date.tzinfo else message.date.replace(tzinfo=UTC)
        as_of = time_of(self.config, sent.astimezone(UTC), began)
        return Fetched(path, plain_name(attachment.filename, "attachment"), fingerprint(message=mark, sha256=digest), as_of)

    @contextmanager
    def _connected(self) -> Iterator[Mailbox]:
        security = self.config.get("security") or "tls"
        secrets = tuple(secret for secret in (self.config.get("password", ""),) if secret)
        client, opened = None, list[socket.socket]()
        try:
            with cut_off_after(SECONDS, lambda: (*opened, client.sock if client is not None else None)):
                port = port_of(self.config, 993 if security == "tls" else 143)
                client = Client(self.door, self.config.get("host", "").strip(), port, security, opened)
                if security == "starttls":
                    client.starttls(self.door.tls())
                mailbox = Mailbox(client)
                self._sign_in(mailbox)
                yield mailbox
        except (imaplib.IMAP4.error, ImapToolsError, OSError, EOFError, UnicodeError) as error:
            raise told(error, secrets) from None
        except AdapterError as error:
            error.detail = hide(error.detail, secrets)
            error.args = (error.detail,)
            raise
        finally:
            if client is not None:
                client.shutdown()

    def _sign_in(self, mailbox: Mailbox) -> None:
        user, password = self.config.get("user", ""), self.config.get("password", "")
        sign_in = mailbox.login if (user + password).isascii() else mailbox.login_utf8
        sign_in(user, password, initial_folder=None)
        mailbox.folder.set(self.config.get("folder") or "INBOX", readonly=True)

    def _place(self, mailbox: Mailbox) -> str:
        """The number that the folder has as long as its messages keep theirs."""
        status: dict[str, int] = mailbox.folder.status(self.config.get("folder") or "INBOX", ["UIDVALIDITY"])
        return str(status["UIDVALIDITY"])

    def _newest(self, mailbox: Mailbox) -> list[str]:
        subject = self.config.get("subject", "").strip()
        criteria = AND(from_=self.sender, subject=subject) if subject else AND(from_=self.sender)
        uids = mailbox.uids(criteria, charset="US-ASCII" if str(criteria).isascii() else "UTF-8")
        return sorted((uid for uid in uids if uid.isdigit()), key=int, reverse=True)[:MOST_MESSAGES]

    def _message(self, mailbox: Mailbox, uid: str) -> MailMessage | None:
        """The message, if it is really from the sender: a server finds parts of names too."""
        _status, answer = mailbox.client.uid("FETCH", uid, "(RFC822.SIZE)")
        size = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(part for part in answer if isinstance(part, bytes)))
        if size and int(size[1]) > MOST_BYTES:
            raise FileRefused(
                _("The message has {size} MB; at most {most} MB are read.", size=int(size[1]) // 1_000_000, most=MOST_BYTES // 1_000_000)
            )
        message = next(iter(mailbox.fetch(AND(uid=uid), mark_seen=False)), None)
        if message is None:
            return None
        address = message.from_.casefold()
        return message if address == self.sender or (self.sender.startswith("@") and address.endswith(self.sender)) else None

    def _attachment(self, message: MailMessage) -> MailAttachment | None:
        typed = self.config.get("attachment", "").strip().casefold()
        patterns = (typed,) if typed else TABLES
        fitting = [each for each in message.attachments if any(fnmatch.fnmatchcase(each.filename.casefold(), one) for one in patterns)]
        if len(fitting) > 1:
            names = ", ".join(plain_name(each.filename, "?") for each in fitting[:5])
            raise FileRefused(
                _(
                    "The newest message brings {fitting} files that fit ({names}). Say which by the name of the file.",
                    fitting=len(fitting),
                    names=names,
                )
            )
        return fitting[0] if fitting else None


def told(error: Exception, secrets: tuple[str, ...]) -> AdapterError:
    """What an error of the mailbox or the network means."""
    words = hide(" ".join(str(error).split())[:200], secrets)
    if isinstance(error, ssl.SSLCertVerificationError):
        return NeedsReconnect(_("the server's certificate cannot be trusted: {verify_message}", verify_message=error.verify_message))
    if isinstance(error, ssl.SSLError):
        return NeedsReconnect(
            _("no encrypted connection comes about ({reason}); perhaps the server knows another kind of encryption", reason=error.reason)
        )
    if isinstance(error, MailboxLoginError) or "AUTHENTICATIONFAILED" in words:
        return NeedsReconnect(_("the server does not know this user name with this password"))
    if isinstance(error, MailboxFolderSelectError):
        return Refused(_("there is no such folder in the mailbox"), code="no_folder")
    if isinstance(error, OSError | EOFError | imaplib.IMAP4.abort):
        return TryLater(_("the connection broke off: {words}", words=words or type(error).__name__))
    return Refused(_("the mail server refuses: {words}", words=words))
