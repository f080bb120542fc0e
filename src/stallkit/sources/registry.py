"""Which kinds of source there are that we ask. A new kind adds its module and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module

from stallkit.sources.door import Door
from stallkit.sources.manifest import SourceManifest
from stallkit.sources.protocol import Source

KINDS = {
    "ftp": "stallkit.sources.ftp",
    "google_sheets": "stallkit.sources.google_sheets.source",
    "imap": "stallkit.sources.imap",
    "sftp": "stallkit.sources.sftp",
    "url": "stallkit.sources.url",
}
"""Kind to module. Each module has ``MANIFEST`` and ``Source``."""


def manifest_of(kind: str) -> SourceManifest:
    """The kind's declaration; KeyError for a kind that is not asked (or not known)."""
    manifest: SourceManifest = import_module(KINDS[kind]).MANIFEST
    return manifest


def build(kind: str, config: Mapping[str, str], door: Door, clock: Callable[[], datetime]) -> Source:
    """A source, ready to fetch. ``config`` holds the manifest's settings by name, secrets in clear, defaults filled in. NeedsReconnect if
    a setting cannot be used."""
    made: Callable[[Mapping[str, str], Door, Callable[[], datetime]], Source] = import_module(KINDS[kind]).Source
    return made(config, door, clock)
