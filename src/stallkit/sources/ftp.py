"""A file on an FTP server, in clear or under TLS. Both connections go to the address that was checked, wherever the server points."""

# ruff: noqa: S321 - FTP is as insecure as it is; suppliers offer nothing else
from __future__ import annotations

import fnmatch
import ftplib
import posixpath
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from stallkit.errors import AdapterError, NeedsReconnect, Refused, TryLater, Unintelligible
from stallkit.http import hide
from stallkit.manifest import Setting, SettingKind
from stallkit.sources.bringing import (
    AS_OF,
    SECONDS,
    Deadline,
    cut_off_after,
    digest_of,
    file_marks,
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
from stallkit.words import said as _

SECURITY = (
    ("explicit", _("TLS (FTPS, explicit)")),
    ("implicit", _("TLS from the start (FTPS, implicit)")),
    ("none", _("none: password in clear")),
)
MANIFEST = SourceManifest(
    kind="ftp",
    title=_("File on an FTP server"),
    settings=(
        Setting("host", _("Server"), help=_("Its name, without ftp://.")),
        Setting("port", _("Port"), SettingKind.INTEGER, required=False, help=_("21, or 990 for TLS from the start, if left empty.")),
        Setting(
            "security",
            _("Encryption"),
            SettingKind.CHOICE,
            required=False,
            default="explicit",
            choices=SECURITY,
        ),
        Setting("user", _("User name"), required=False, default="anonymous"),
        Setting("password", _("Password"), SettingKind.SECRET, required=False),
        Setting("path", _("Path of the file"), help=_("With * and ? in the name, the newest file that fits: /out/stock-*.csv.")),
        AS_OF,
    ),
    file=True,
    pull=True,
)
MOST_LINES = 20_000
MOST_CANDIDATES = 100


class Client(ftplib.FTP_TLS):
    """ftplib over a connection that the door made. Data connections go to the same address; every answer has an end."""

    def __init__(self, door: Door, security: str) -> None:
        super().__init__(context=door.tls(), timeout=ANSWER_SECONDS, encoding="utf-8")
        self.deadline, self._lines = Deadline(SECONDS), 0
        self.door, self.security = door, security
        self.data: socket.socket | None = None

    def open(self, host: str, port: int) -> None:
        """Connect, encrypt if that is wanted, and hear the greeting."""
        self.host, self.port = host, port
        self.sock: socket.socket = self.door.connect(host, port, ANSWER_SECONDS)
        if self.security == "implicit":
            self.sock = self.context.wrap_socket(self.sock, server_hostname=host)
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding, errors="replace")
        self.welcome = self.getresp()
        if self.security == "explicit":
            self.auth()

    def sign_in(self, user: str, password: str) -> None:
        ftplib.FTP.login(self, user, password)
        if self.security != "none":
            self.prot_p()
        self.voidcmd("TYPE I")

    def makepasv(self) -> tuple[str, int]:
        _elsewhere, port = super().makepasv()
        return self.sock.getpeername()[0], port

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Under TLS the data connection resumes the session of the first one: many servers take no other."""
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self.security != "none":
            session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=session)
        self.data = conn
        return conn, size

    def getline(self) -> str:
        self.deadline.check()
        self._lines += 1
        if self._lines > MOST_LINES:
            raise ftplib.error_proto("too many lines")
        return super().getline()

    def number(self, command: str) -> str:
        """The figure that a command is answered with (SIZE, MDTM); "" where the server does not know the command."""
        try:
            return self.voidcmd(command)[4:].strip()
        except ftplib.error_perm:
            return ""


class Source:
    """See ``protocol.Source``. The same as last time by size and time of change; where the server tells neither, by the content."""

    MANIFEST = MANIFEST

    def __init__(self, config: Mapping[str, str], door: Door, clock: Callable[[], datetime]) -> None:
        self.config, self.door, self.clock = config, door, clock
        self.security = config.get("security") or "explicit"
        self.path = config.get("path", "").strip()
        if not self.path or not self.path.isprintable():
            raise NeedsReconnect(_("the path of the file is missing, or holds line breaks; write it like /out/stock.csv"))

    def fetch(self, folder: Path, seen: str) -> Fetched | None:
        began, known, into = self.clock(), marks_of(seen), folder / "file"
        with self._connected() as client, into.open("wb") as file:
            name = self._chosen(client)
            size, changed = client.number(f"SIZE {name}"), client.number(f"MDTM {name}")
            moment = moment_of(changed)
            marks = file_marks(name, size, moment, began)
            if marks and marks.items() <= known.items():
                return None
            self._download(client, name, file)
            if (client.number(f"SIZE {name}"), client.number(f"MDTM {name}")) != (size, changed) or (size and file.tell() != int(size)):
                raise TryLater(_("{name} is being written just now; it is fetched again later", name=name))
        digest = digest_of(into)
        if digest == known.get("sha256"):
            return None
        return Fetched(into, plain_name(name, "file"), fingerprint(**marks, sha256=digest), time_of(self.config, moment, began))

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        port = port_of(self.config, 990 if self.security == "implicit" else 21)
        secrets = tuple(secret for secret in (self.config.get("password", ""),) if secret)
        client = Client(self.door, self.security)
        try:
            with cut_off_after(SECONDS, lambda: (client.sock, client.data)):
                client.open(self.config.get("host", "").strip(), port)
                self._sign_in(client)
                yield client
        except (ftplib.Error, OSError, EOFError, ValueError) as error:
            raise told(error, secrets) from None
        except AdapterError as error:
            error.detail = hide(error.detail, secrets)
            error.args = (error.detail,)
            raise
        finally:
            client.close()

    def _sign_in(self, client: Client) -> None:
        try:
            client.sign_in(self.config.get("user") or "anonymous", self.config.get("password", ""))
        except ftplib.error_perm as error:
            raise NeedsReconnect(_("the server does not let us in: {words}", words=words_of(error))) from error

    def _chosen(self, client: Client) -> str:
        """The path, or the newest file that fits it."""
        folder, pattern = posixpath.split(self.path)
        if not set(pattern) & set("*?["):
            return self.path
        names: list[str] = []
        client.retrlines(f"NLST {folder}" if folder else "NLST", lambda line: _collect(names, line, pattern))
        client.voidcmd("TYPE I")
        if not names:
            raise Refused(_("no file in {folder} fits {pattern}", folder=folder or _("the folder"), pattern=pattern))
        paths = [posixpath.join(folder, name) for name in sorted(names)[-MOST_CANDIDATES:]]
        return max(paths, key=lambda path: (client.number(f"MDTM {path}"), path))

    def _download(self, client: Client, name: str, into: BinaryIO) -> None:
        def keep(piece: bytes) -> None:
            client.deadline.check(into.tell() + len(piece))
            into.write(piece)

        client.retrbinary(f"RETR {name}", keep, blocksize=1 << 16)


def _collect(names: list[str], line: str, pattern: str) -> None:
    name = posixpath.basename(line.strip().replace("\\", "/"))
    if fnmatch.fnmatchcase(name, pattern) and name.isprintable():
        names.append(name)
    if len(names) > MOST_LINES:
        raise ftplib.error_proto("too many files")


def moment_of(told: str) -> datetime | None:
    """The moment that MDTM tells, which is UTC (RFC 3659); None if it tells none."""
    try:
        return datetime.strptime(told.partition(".")[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def told(error: Exception, secrets: tuple[str, ...]) -> AdapterError:
    """What an error of ftplib or the network means."""
    words = hide(words_of(error), secrets)
    if isinstance(error, ssl.SSLCertVerificationError):
        return NeedsReconnect(_("the server's certificate cannot be trusted: {verify_message}", verify_message=error.verify_message))
    if isinstance(error, ssl.SSLError):
        return NeedsReconnect(
            _("no encrypted connection comes about ({reason}); perhaps the server knows another kind of encryption", reason=error.reason)
        )
    if isinstance(error, ftplib.error_perm):
        if words.startswith("550"):
            return Refused(_("there is no such file, or we may not read it: {words}", words=words), code="550")
        return NeedsReconnect(_("the server refuses: {words}", words=words))
    if isinstance(error, ftplib.error_proto | ftplib.error_reply | ValueError):
        return Unintelligible(_("the server does not speak FTP as it should: {words}", words=words))
    return TryLater(_("the connection broke off: {words}", words=words or type(error).__name__))


def words_of(error: Exception) -> str:
    """The beginning of what the server said."""
    return " ".join(str(error).split())[:200]
