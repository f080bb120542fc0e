"""Files that people bring, kept until the work on them has ended."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile


def folder() -> Path:
    """Where they lie; only the hub's own account may look."""
    path: Path = settings.ENV.home / "uploads"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def new_file(prefix: str = "") -> Path:
    """An empty file there."""
    with NamedTemporaryFile(dir=folder(), prefix=prefix, delete=False) as kept:
        return Path(kept.name)


def keep(file: UploadedFile[bytes], prefix: str = "") -> Path:
    """A copy of what was brought; its name has nothing of the one that came with it."""
    path = new_file(prefix)
    with path.open("wb") as kept:
        for piece in file.chunks():
            kept.write(piece)
    return path
