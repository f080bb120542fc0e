"""What Procrastinate runs."""

from __future__ import annotations

import procrastinate


def on_app_ready(app: procrastinate.App) -> None:
    """Tasks are registered by the decorators of this module; nothing else to set up."""
