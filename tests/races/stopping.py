"""``python -m tests.races.stopping ours|theirs``: stop a worker's opening at many moments; print as JSON what a stop leaves for ever.

A process of its own, because what is left ends with it only.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import django
from procrastinate import App

MOMENTS = range(0, 60, 3)
"""Rounds of the event loop after which the stop comes: before the opening, in it, and when it is over."""

Opening = Callable[[App], AbstractAsyncContextManager[object]]


async def left_over(app: App, opened: Opening, rounds: int) -> list[str]:
    """Tasks that no cancellation has ended half a second after a stop that came ``rounds`` rounds after the start."""

    async def work() -> None:
        with app.replace_connector(app.connector.get_worker_connector()) as working:
            async with opened(working):
                await asyncio.Event().wait()

    working = asyncio.create_task(work())
    for _ in range(rounds):
        await asyncio.sleep(0)
    working.cancel()
    await asyncio.wait({working}, timeout=10)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    pending = (await asyncio.wait(others, timeout=0.5))[1] if others else set()
    return sorted(task.get_name() for task in pending)


async def first_left_over(whose: str) -> list[str]:
    """What the first stop leaves that leaves anything."""
    from procrastinate.contrib.django import app

    from stallkeeper.sync import worker

    opened = {"ours": worker._opened, "theirs": lambda working: working.open_async()}[whose]
    for rounds in MOMENTS:
        if left := await left_over(app, opened, rounds):
            return left
    return []


async def main() -> None:
    sys.stdout.write(json.dumps(await first_left_over(sys.argv[1])))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stallkeeper.settings")
    django.setup()
    asyncio.run(main())
