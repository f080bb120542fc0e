"""The cutover question: do the first stock figures still include the units of orders that were already open on the channel?

``INCLUDE``: the units lie on the shelf and are counted, so those orders allocate like any other. ``EXCLUDE``: somebody took them off the
figures already, so orders placed before ``cutover_at`` allocate nothing. Intake reads ``Channel.cutover`` and ``cutover_at``.
"""

from __future__ import annotations

from datetime import datetime

from stallkeeper.channels.models import Channel
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _


class CutoverError(ValueError):
    """The question cannot be answered (again). The text says why."""


def answer(uc: UseCase, channel_id: int, include: bool, as_of: datetime | None = None) -> Channel:
    """Store the answer; ``as_of`` is the moment that the stock figures describe (now if not given).

    CutoverError once orders are taken: the answer has been used by then.
    """
    channel = Channel.objects.select_for_update().get(pk=channel_id)
    if channel.orders_enabled:
        raise CutoverError(
            _(
                "Channel {code} takes orders already, so the question has been answered. Correct the stock figures instead.",
                code=channel.code,
            )
        )
    if as_of is not None and as_of > uc.at:
        raise CutoverError(_("The stock figures cannot describe a moment that is still to come."))
    channel.cutover = Channel.Cutover.INCLUDE if include else Channel.Cutover.EXCLUDE
    channel.cutover_at = as_of or uc.at
    channel.save(update_fields=["cutover", "cutover_at"])
    audit.record(uc, "channel.cutover", "channel", channel_id, answer=channel.cutover, as_of=channel.cutover_at.isoformat())
    return channel
