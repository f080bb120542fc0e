"""A file on an SFTP server. The server's key is kept from the first contact on; a server with another key gets no password."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import io
import posixpath
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import paramiko

from stallkit.errors import NeedsReconnect, Refused, TryLater, Unintelligible
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
from stallkit.tables import texts
from stallkit.tables.cells import FileRefused
from stallkit.words import said as _

MANIFEST = SourceManifest(
    kind="sftp",
    title=_("File on an SFTP server"),
    settings=(
        Setting("host", _("Server"), help=_("Its name, without sftp://.")),
        Setting("port", _("Port"), SettingKind.INTEGER, required=False, help=_("22 if left empty.")),
        Setting("user", _("User name")),
        Setting("password", _("Password"), SettingKind.SECRET, required=False, help=_("Or the pass phrase of the private key.")),
        Setting("private_key", _("Private key"), SettingKind.SECRET, required=False, help=_("Instead of a password: the whole file.")),
        Setting(
            "host_key",
            _("Key of the server"),
            required=False,
            help=_("Found out at first contact, and from then on the only one that is trusted. Clear it if the server got a new one."),
        ),
        Setting("path", _("Path of the file"), help=_("With * and ? in the name, the newest file that fits: /out/stock-*.csv.")),
        AS_OF,
    ),
    file=True,
    pull=True,
)
MOST_NAMES = 20_000
KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class Bounded:
    """A connection that ends when more came through it than any file that we read: paramiko holds what a server calls one packet."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._left = sock, 2 * texts.MOST_BYTES

    def recv(self, size: int) -> bytes:
        got = self._sock.recv(size)
        self._left -= len(got)
        return got if self._left > 0 else b""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else paramiko asks of a socket
        return getattr(self._sock, name)


class Source:
    """See ``protocol.Source``. The same as last time by size and time of change."""

    MANIFEST = MANIFEST

    def __init__(self, config: Mapping[str, str], door: Door, clock: Callable[[], datetime]) -> None:
        self.config, self.door, self.clock = config, door, clock
        self.path = config.get("path", "").strip()
        if not self.path or not self.path.isprintable():
            raise NeedsReconnect(_("the path of the file is missing, or holds line breaks; write it like /out/stock.csv"))

    def fetch(self, folder: Path, seen: str) -> Fetched | None:
        began, into, deadline = self.clock(), folder / "file", Deadline(SECONDS)
        known = marks_of(seen) if self.config.get("host_key") else {}  # at first contact there is a key to bring, if nothing else
        with self._connected() as (client, key), into.open("wb") as file:
            name = self._chosen(client)
            before = client.stat(name)
            moment = datetime.fromtimestamp(before.st_mtime, UTC) if before.st_mtime else None
            marks = file_marks(name, str(before.st_size or ""), moment, began)
            if marks and marks.items() <= known.items():
                return None
            _download(client, name, before.st_size or 0, file, deadline)
            after = client.stat(name)
            if (after.st_size, after.st_mtime, file.tell()) != (before.st_size, before.st_mtime, before.st_size):
                raise TryLater(_("{name} is being written just now; it is fetched again later", name=name))
        digest = digest_of(into)
        if digest == known.get("sha256"):
            return None
        learned = {} if self.config.get("host_key") else {"host_key": key}
        as_of = time_of(self.config, moment, began)
        return Fetched(into, plain_name(name, "file"), fingerprint(**marks, sha256=digest), as_of, learned)

    @contextmanager
    def _connected(self) -> Iterator[tuple[paramiko.SFTPClient, str]]:
        sock = self.door.connect(self.config.get("host", "").strip(), port_of(self.config, 22), ANSWER_SECONDS)
        transport, stack = None, ExitStack()
        try:
            stack.enter_context(cut_off_after(SECONDS, lambda: (sock,)))
            transport = paramiko.Transport(Bounded(sock))  # type: ignore[arg-type]  # any object that behaves like a socket
            transport.banner_timeout = transport.auth_timeout = transport.channel_timeout = ANSWER_SECONDS
            key = self._greeted(transport)
            self._sign_in(transport)
            client = paramiko.SFTPClient.from_transport(transport)
            if client is None:
                raise TryLater(_("the server opens no SFTP session"))
            client.get_channel().settimeout(ANSWER_SECONDS)  # type: ignore[union-attr]
            yield client, key
        except (paramiko.SSHException, paramiko.SFTPError) as error:
            raise TryLater(_("the connection did not come about or broke off: {kind}", kind=type(error).__name__)) from None
        except FileNotFoundError:
            raise Refused(_("there is no such file"), code="no_such_file") from None
        except PermissionError:
            raise Refused(_("the server does not let us read this file"), code="permission_denied") from None
        except (OSError, EOFError) as error:
            raise TryLater(_("the connection broke off: {kind}", kind=type(error).__name__)) from None
        except FileRefused:
            raise
        except (ValueError, LookupError, TypeError, struct.error) as error:
            raise Unintelligible(_("the server does not speak SFTP as it should ({kind})", kind=type(error).__name__)) from None
        finally:
            stack.close()
            if transport is not None:
                transport.close()
            sock.close()

    def _greeted(self, transport: paramiko.Transport) -> str:
        """The server's key, before anything of ours is told. NeedsReconnect if it is not the one of the first contact."""
        pinned = self.config.get("host_key", "").strip()
        options = transport.get_security_options()
        if pinned:  # a server has keys of several kinds: ask for the kind that we know
            kind = pinned.split(" ")[0].removeprefix("ssh-").removesuffix("-nistp256")
            options.key_types = tuple(sorted(options.key_types, key=lambda each: kind not in each))
        transport.start_client(timeout=ANSWER_SECONDS)
        shown = transport.get_remote_server_key()
        key = f"{shown.get_name()} SHA256:{base64.b64encode(hashlib.sha256(shown.asbytes()).digest()).decode().rstrip('=')}"
        if pinned and pinned != key:
            raise NeedsReconnect(
                _(
                    "the server shows another key ({key}) than at first contact ({pinned}). If it was changed on purpose, clear "
                    "the field 'Key of the server'; if not, somebody stands between",
                    key=key,
                    pinned=pinned,
                )
            )
        return key

    def _sign_in(self, transport: paramiko.Transport) -> None:
        user, password = self.config.get("user", ""), self.config.get("password", "")
        try:
            if self.config.get("private_key"):
                left = transport.auth_publickey(user, read_key(self.config["private_key"], password))
            else:
                left = transport.auth_password(user, password)
        except paramiko.BadAuthenticationType:
            raise NeedsReconnect(_("the server does not take this way of signing in; try a password or a private key instead")) from None
        except paramiko.AuthenticationException:
            raise NeedsReconnect(_("the server does not know this user name with this password or key")) from None
        if left:
            raise NeedsReconnect(_("the server wants more than one proof ({left}), which is not supported", left=", ".join(left)))

    def _chosen(self, client: paramiko.SFTPClient) -> str:
        """The path, or the newest file that fits it."""
        folder, pattern = posixpath.split(self.path)
        if not set(pattern) & set("*?["):
            return self.path
        found = []
        for number, each in enumerate(client.listdir_iter(folder or ".")):
            if number > MOST_NAMES:
                raise Refused(
                    _(
                        "{folder} holds more than {most:,} files; name the file, or clear the folder",
                        folder=folder or _("the folder"),
                        most=MOST_NAMES,
                    )
                )
            if fnmatch.fnmatchcase(each.filename, pattern) and each.filename.isprintable():
                found.append((each.st_mtime or 0, each.filename))
        if not found:
            raise Refused(_("no file in {folder} fits {pattern}", folder=folder or _("the folder"), pattern=pattern))
        return posixpath.join(folder, max(found)[1])


def _download(client: paramiko.SFTPClient, name: str, size: int, into: BinaryIO, deadline: Deadline) -> None:
    deadline.check(size)
    with client.open(name, "rb") as file:
        file.prefetch(size, max_concurrent_requests=64)
        while piece := file.read(1 << 16):
            deadline.check(into.tell() + len(piece))
            into.write(piece)


def read_key(text: str, phrase: str) -> paramiko.PKey:
    """A private key in PEM or OpenSSH's own format. NeedsReconnect if it is none, or its pass phrase is wrong."""
    for kind in KEYS:
        try:
            return kind.from_private_key(io.StringIO(text.strip() + "\n"), phrase or None)
        except paramiko.PasswordRequiredException:
            raise NeedsReconnect(_("the private key needs its pass phrase; enter it as password")) from None
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise NeedsReconnect(_("the private key cannot be read: paste the whole file (ed25519, ecdsa or rsa), and its pass phrase as password"))
