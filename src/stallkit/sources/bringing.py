"""What all sources do that bring files from elsewhere: the size and time they are allowed, the file's own time, and its fingerprint."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec

from stallkit.errors import NeedsReconnect, TryLater
from stallkit.manifest import Setting, SettingKind
from stallkit.tables import texts
from stallkit.tables.cells import FileRefused
from stallkit.words import said as _

SECONDS = 300.0
"""How long a whole file may take to arrive."""
JUST_NOW = timedelta(seconds=5)
AS_OF = Setting(
    "as_of",
    _("The numbers are from"),
    SettingKind.CHOICE,
    _("Sales since then are taken into account. Choose the moment of fetching if the server's clock or time zone is wrong."),
    required=False,
    default="file",
    choices=(("file", _("the file's own date and time")), ("fetch", _("the moment of fetching"))),
)


def time_of(config: Mapping[str, str], told: datetime | None, now: datetime) -> datetime:
    """When the numbers were true: the file's own time if it is wanted, told and not in the future; else ``now``, when the fetch began."""
    if config.get("as_of", "file") == "file" and told is not None and told <= now:
        return told
    return now


class Deadline:
    """When a file has to be there, and how large it may be."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def check(self, size: int = 0) -> None:
        """TryLater past the time, FileRefused past the size."""
        if time.monotonic() > self.end:
            raise TryLater(_("the file did not arrive in time; it is fetched again later"))
        if size > texts.MOST_BYTES:
            raise FileRefused(
                _("The file has more than {most} MB. Offer less, or split it into several files.", most=texts.MOST_BYTES // 1_000_000)
            )


@contextmanager
def cut_off_after(seconds: float, lines: Callable[[], Iterable[socket.socket | None]]) -> Iterator[None]:
    """End the connections after so long, whatever is read from them then: a server that sends a byte now and then keeps every time-out
    from running out."""

    def cut() -> None:
        for line in lines():
            if line is not None:
                shut(line)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def shut(line: socket.socket) -> None:
    """End a connection that another thread may be reading from."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def file_marks(name: str, size: str, changed: datetime | None, now: datetime) -> dict[str, str]:
    """Marks of a file by which it can be passed over without fetching it; none if the server does not tell, or if it changed so lately
    that it may change again within the same second."""
    if not size or changed is None or abs(now - changed) < JUST_NOW:
        return {}
    return {"name": name, "size": size, "changed": changed.isoformat()}


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def marks_of(seen: str) -> dict[str, str]:
    """The marks inside a fingerprint; none for one that we did not make."""
    try:
        return msgspec.json.decode(seen, type=dict[str, str])
    except msgspec.DecodeError:
        return {}


def fingerprint(**marks: str) -> str:
    """Marks of a file, as one text; empty ones are left out."""
    return msgspec.json.encode({name: mark for name, mark in marks.items() if mark}).decode()


def port_of(config: Mapping[str, str], default: int) -> int:
    """The port that was set; NeedsReconnect if it is no number."""
    typed = config.get("port", "").strip()
    if typed and not (typed.isascii() and typed.isdigit()):
        raise NeedsReconnect(_("the port must be a number, not {typed!r}", typed=typed))
    return int(typed) if typed else default


def parts_of(address: str) -> SplitResult:
    """The parts of an address that a person typed; NeedsReconnect if it has none."""
    try:
        return urlsplit(address.strip())
    except ValueError as error:
        raise NeedsReconnect(_("this is not an address: {error}", error=str(error))) from None


def plain_name(name: str, default: str) -> str:
    """A file's name for people: its last part, without what does not belong into a name; ``default`` if nothing is left."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^\w.,()+ -]", "_", last).strip(" .")[:120] or default
