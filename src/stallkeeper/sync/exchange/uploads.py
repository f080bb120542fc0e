"""Files on their way in: pieces are appended under the name that 1C gives, and read again when it asks for the import."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.db.models import Q

from stallkeeper.core import clock, crash
from stallkeeper.core.secrets import Sealer
from stallkeeper.core.use_case import use_case
from stallkeeper.sync.exchange import sessions
from stallkeeper.sync.exchange.sessions import actor_of
from stallkeeper.sync.models import ExchangeFile, ExchangePart, ExchangeSession
from stallkit.sources.commerceml import archive
from stallkit.sources.commerceml import session as protocol
from stallkit.sources.commerceml.refusals import Refusal, refuse
from stallkit.sources.commerceml.session import Limits

LIMITS = Limits()
BUSY = timedelta(minutes=5)
"""How long somebody who works on a file is believed to do so."""


def append(session: ExchangeSession, name: str, body: bytes) -> None:
    """One piece of a file. The same piece twice in a row is one whose ``success`` was lost; a file that was imported begins anew.

    Pictures and the like are counted and dropped. ExchangeRefused if the session has sent too much.
    """
    with use_case("exchange.file", organisation_id=session.organisation_id, actor=actor_of(session.exchange)) as uc:
        row = sessions.hold(session)
        file = ExchangeFile.objects.filter(session=row, name=name).first()
        _judge(row, file, len(body))
        new = file is None
        if protocol.wanted(name):
            file = file or ExchangeFile.objects.create(organisation_id=row.organisation_id, session=row, name=name)
            _add(file, body)
        row.bytes_in, row.files_in, row.last_at = row.bytes_in + len(body), row.files_in + int(new), uc.at
        row.save(update_fields=["bytes_in", "files_in", "last_at"])


def _judge(session: ExchangeSession, file: ExchangeFile | None, size: int) -> None:
    if session.bytes_in + size > LIMITS.total:
        raise refuse(Refusal.TOO_LARGE, f"{LIMITS.total:,}")
    if file is None and session.files_in >= LIMITS.files:
        raise refuse(Refusal.TOO_MANY_FILES, f"{LIMITS.files:,}")


def _add(file: ExchangeFile, body: bytes) -> None:
    if file.stage != ExchangeFile.Stage.SENT:
        file.parts.all().delete()
        file.stage, file.size, file.whole = ExchangeFile.Stage.SENT, 0, False
    digest = hashlib.sha256(body).hexdigest()
    last = file.parts.order_by("-position").only("position", "digest").first()
    if last is not None and last.digest == digest:
        return
    position = last.position + 1 if last else 0
    version, sealed = Sealer(file.organisation_id).seal(_context(file, position), body)
    ExchangePart.objects.create(
        organisation_id=file.organisation_id, file=file, position=position, digest=digest, key_version=version, content=sealed
    )
    file.size += len(body)
    file.save(update_fields=["stage", "size", "whole"])


def _context(file: ExchangeFile, position: int) -> str:
    return f"sync_exchangepart:{file.pk}:{position}"


def digest_of(file: ExchangeFile) -> str:
    """Names the bytes of the file, whoever sent them and when."""
    return hashlib.sha256("".join(file.parts.order_by("position").values_list("digest", flat=True)).encode()).hexdigest()


def find(session: ExchangeSession, name: str) -> ExchangeFile:
    """The file of that name: one that was sent, or one inside of an archive that was. ExchangeRefused if there is neither."""
    sent = session.files.filter(name=name).first() or session.files.filter(name__iexact=name).first()
    if sent is not None and sent.parts.exists():
        return sent
    for packed in session.files.filter(name__iendswith=".zip").order_by("pk"):
        with _bytes(packed) as path:
            entry = archive.find(archive.entries(path, packed.name, LIMITS), name)
            if entry is not None:
                return _unpack(session, packed, path, name)
    raise refuse(Refusal.NO_FILE, name)


def _unpack(session: ExchangeSession, packed: ExchangeFile, path: Path, name: str) -> ExchangeFile:
    """The file in the archive becomes one of its own."""
    entry = archive.find(archive.entries(path, packed.name, LIMITS), name)
    if entry is None:
        raise refuse(Refusal.NO_FILE, name)
    with tempfile.TemporaryFile() as content:
        archive.unpack(path, packed.name, entry, content)
        content.seek(0)
        with use_case("exchange.file", organisation_id=session.organisation_id, actor=actor_of(session.exchange)):
            sessions.hold(session)
            file, _new = ExchangeFile.objects.get_or_create(organisation_id=session.organisation_id, session=session, name=name)
            file.parts.all().delete()
            file.size = 0
            while piece := content.read(LIMITS.part):
                _add(file, piece)
    return file


@contextmanager
def opened(file: ExchangeFile) -> Iterator[Path]:
    """The file on disk while the block runs. An XML that came in an archive of the same name is found by ``find``."""
    if not file.size:
        raise refuse(Refusal.EMPTY_BODY, file.name)
    with _bytes(file) as path:
        yield path


@contextmanager
def _bytes(file: ExchangeFile) -> Iterator[Path]:
    sealer = Sealer(file.organisation_id)
    with tempfile.TemporaryDirectory(prefix="stallkeeper-1c-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as written:
            for part in file.parts.order_by("position").iterator(chunk_size=1):
                written.write(sealer.open(_context(file, part.position), part.key_version, bytes(part.content)))
        yield path


def claim(file: ExchangeFile) -> bool:
    """Whether nobody works on the file; then we do, and have to ``release`` it."""
    now = clock.now()
    free = Q(worked_on_until=None) | Q(worked_on_until__lt=now)
    with crash.around("claim:exchange.file"):
        return ExchangeFile.objects.filter(free, pk=file.pk).update(worked_on_until=now + BUSY) == 1


def release(file: ExchangeFile, **changes: object) -> None:
    """We are done with the file for now."""
    with use_case("exchange.file", organisation_id=file.organisation_id, actor=actor_of(file.session.exchange)):
        ExchangeFile.objects.filter(pk=file.pk).update(worked_on_until=None, **changes)
