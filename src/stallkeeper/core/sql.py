"""Small shared words of the modules that hold SQL."""

from __future__ import annotations

from typing import Any, cast

from django.db.backends.utils import CursorWrapper as Cursor


def rows(cursor: Cursor) -> list[Any]:
    """All rows of the statement just run; the function that ran it states their shape."""
    return cast(list[Any], cursor.fetchall())


__all__ = ["Cursor", "rows"]
