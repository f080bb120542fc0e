"""What a kind of source declares about itself. The form, the runner and the documentation read it; nothing else knows kinds."""

from __future__ import annotations

from dataclasses import dataclass

from stallkit.manifest import Setting


@dataclass(frozen=True, slots=True)
class SourceManifest:
    """``file``: it brings files, so there are columns to map. ``pull``: we go and ask on a schedule; otherwise the numbers come to us."""

    kind: str
    title: str
    settings: tuple[Setting, ...]
    file: bool
    pull: bool
