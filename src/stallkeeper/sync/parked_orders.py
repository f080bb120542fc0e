"""Orders that could not be taken in are asked for again now and then: what failed may have been our fault, and mended since."""

from __future__ import annotations

from datetime import timedelta

from stallkeeper.channels.models import Parked
from stallkeeper.sync import orders, parking
from stallkeeper.sync.run import Current, Done, now
from stallkit.errors import Unintelligible
from stallkit.manifest import Capability
from stallkit.pacing import Priority
from stallkit.types import RemoteOrder

EVERY = timedelta(minutes=15)
AT_ONCE = 20


def ask_again(current: Current) -> Done:
    """Read each parked order alone and take it in if that works now."""
    if not current.session.can(Capability.READ_ORDER) or not orders.pulls(current):
        return Done()
    taken = failed = 0
    waiting = Parked.objects.filter(connection=current.connection, kind="order", resolved_at=None).order_by("last_seen_at", "pk")
    for external in list(waiting.values_list("external_id", flat=True)[:AT_ONCE]):
        fine = _ask(current, external)
        taken, failed = taken + int(fine), failed + int(not fine)
        if current.out_of_time:
            break
    return Done(taken, failed, not_before=now() + EVERY)


def _ask(current: Current, external: str) -> bool:
    asked = now()
    try:
        order: RemoteOrder | None = current.call(Priority.BACKGROUND, current.session.adapter.read_order, external)
    except Unintelligible:
        return False
    if order is None:
        with current.writing("unpark") as uc:
            parking.unpark(uc, current.connection, "order", [external])
        return True
    _, poison = orders.take_apart(current, [order], asked)
    if poison:
        return False
    with current.writing("unpark") as uc:
        parking.unpark(uc, current.connection, "order", [external])
    return True
