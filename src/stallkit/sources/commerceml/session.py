"""The exchange protocol of 1C as a state machine: what a call asks for, whether it may, and what the reply looks like.

1C is the client. A session begins with ``checkauth`` (whose reply names a cookie) and ``init``; the catalogue and the orders have sessions
of their own. Nothing here keeps anything: the hub remembers each session, so that it outlives a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from stallkit.sources.commerceml.refusals import ExchangeRefused, Refusal, refuse

COOKIE = "stallkeeper_1c"
OUR_VERSION = (2, 8)
"""The newest way of exchange that is spoken here: from 2.08 on, 1C sends quantities as packets of their own."""
MOST_NAME = 200


class Kind(StrEnum):
    """What a session is about."""

    CATALOG = "catalog"
    SALE = "sale"


class Act(StrEnum):
    """What a call wants, once it is found to be in order."""

    LOGIN = "checkauth"
    START = "init"
    FILE = "file"
    IMPORT = "import"
    ORDERS = "query"
    HANDED_OVER = "success"
    WHOLE = "deactivate"
    END = "complete"


ONLY = {Act.ORDERS: Kind.SALE, Act.HANDED_OVER: Kind.SALE, Act.WHOLE: Kind.CATALOG}
NAMED = {Act.FILE, Act.IMPORT}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may send. ``part`` is told to 1C, which sends larger files in pieces; all are bytes but ``files``."""

    part: int = 4 * 1024 * 1024
    total: int = 512 * 1024 * 1024
    files: int = 5000
    unpacked: int = 512 * 1024 * 1024
    ratio: int = 200


@dataclass(frozen=True, slots=True)
class Known:
    """What the hub remembers of the session that the cookie names."""

    kind: Kind
    started: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A call in order: ``name`` is that of the file, cleaned; "" where the call names none."""

    kind: Kind
    act: Act
    name: str = ""
    version: tuple[int, ...] = ()


def ask(query: dict[str, str]) -> Asked:
    """What the query string asks for, whatever its order. ExchangeRefused if the protocol knows no such call."""
    given_kind, given_mode = query.get("type", ""), query.get("mode", "")
    if given_kind not in set(Kind):
        raise refuse(Refusal.KIND, given_kind or "—")
    if given_mode not in set(Act):
        raise refuse(Refusal.MODE, given_mode or "—")
    kind, act = Kind(given_kind), Act(given_mode)
    if ONLY.get(act, kind) is not kind:
        raise refuse(Refusal.MODE, f"{kind}/{act}")
    name = clean_name(query.get("filename", "")) if act in NAMED else ""
    return Asked(kind, act, name, _version(query.get("version", "")))


def admit(asked: Asked, known: Known | None) -> None:
    """Pass if the session may do this now, else ExchangeRefused. ``checkauth`` needs no session: it makes one."""
    if asked.act is Act.LOGIN:
        return
    if known is None or (known.ended and asked.act is not Act.END):
        raise refuse(Refusal.NO_SESSION)
    if known.kind is not asked.kind:
        raise refuse(Refusal.OTHER_KIND, known.kind)
    if not known.started and asked.act is not Act.START:
        raise refuse(Refusal.NOT_STARTED, asked.act)


def clean_name(text: str) -> str:
    """The name of a file with its folders (``import_files/ab/x.jpg``). Refused: ``..``, absolute names, control signs, long names."""
    path = PurePosixPath(text.replace("\\", "/"))
    wrong = not text.strip() or len(text) > MOST_NAME or not text.isprintable()
    if wrong or path.is_absolute() or ".." in path.parts or ":" in text or not path.parts:
        raise refuse(Refusal.NAME, repr(text[:60]))
    return str(path)


def wanted(name: str) -> bool:
    """Whether the file is of any use here; pictures and descriptions are taken and dropped."""
    return PurePosixPath(name).suffix.lower() in {".xml", ".zip"}


def logged_in(cookie: str) -> str:
    """The reply to ``checkauth``."""
    return success(COOKIE, cookie)


def ready(limits: Limits, version: tuple[int, ...]) -> str:
    """The reply to ``init``. A 1C that names its version is told the one to exchange by: the older of the two."""
    lines = ["zip=yes", f"file_limit={limits.part}"]
    if version:
        major, minor = min(version, OUR_VERSION)[:2]
        lines.append(f"version={major}.{minor:02}")
    return _lines(lines)


def success(*more: str) -> str:
    return _lines(["success", *more])


def progress(text: str) -> str:
    """1C repeats the call."""
    return _lines(["progress", text])


def failure(error: ExchangeRefused) -> str:
    """1C ends the session and shows the second line to its user."""
    return _lines(["failure", error.russian, str(error)])


def verdict(reply: str) -> str:
    """The first line of a reply, as 1C reads it."""
    return reply.split("\n", 1)[0].strip()


def _lines(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _version(text: str) -> tuple[int, ...]:
    major, dot, minor = text.partition(".")
    if not (major.isascii() and major.isdigit() and dot and minor.isascii() and minor.isdigit()):
        return ()
    return int(major[:4]), int(minor[:4])
