"""Quarantine: a copy of the hub that was restored from a backup reads orders and tells nobody anything, until a person releases it.

The channels went on while the backup stood still, and the original may be running still. The copy may be released once the orders of every
account have been read since. From then on nothing that it holds is taken as true of the channels: every offer is read before it is sent,
and every waiting command is looked up at its channel first, because the original may have sent it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Coalesce

from stallkeeper.channels import delivery
from stallkeeper.channels.models import Channel, Command, CommandState, Connection, LaneKind, LaneStep
from stallkeeper.core import audit, notify
from stallkeeper.core.models import Organisation, Severity
from stallkeeper.core.use_case import UseCase
from stallkit.manifest import Capability
from stallkit.registry import manifest_of
from stallkit.words import said as _

KEY = "company:restored"
TITLE = _("Restored from a backup: nothing is sent")
NEXT = _(
    "Orders are read, nothing is written to any account. Enter what was counted or received since the backup, compare a few numbers, make "
    "sure that the original no longer runs, then allow sending for the company again."
)
PERHAPS_SENT = "Waited when this copy was restored: the channel is asked first whether the original sent it."


class StillUnread(ValueError):
    """Not to be released yet: orders of some account have not been read since the restore. The text names them."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account whose orders are ours to read, and when that was last begun and brought to its end; None: never."""

    name: str
    state: str
    orders_read_at: datetime | None


def begin(uc: UseCase, why: str) -> int:
    """This is a copy: switch sending off, trust no belief, tell people. ``why`` goes into the audit. Returns how many offers are doubted.

    A copy of a copy begins anew.
    """
    Organisation.objects.filter(pk=uc.organisation_id).update(sending_enabled=False, quarantined_at=uc.at)
    offers = sum(delivery.distrust(uc, channel) for channel in Channel.objects.order_by("pk"))
    LaneStep.objects.update(not_before=None)
    notify.raise_(uc, KEY, Severity.WARNING, TITLE, NEXT)
    audit.record(uc, "quarantine.begin", "organisation", uc.organisation_id, why=why, offers=offers)
    uc.mark("wake_connection", Connection.objects.values_list("pk", flat=True))
    return offers


def since(organisation_id: int) -> datetime | None:
    """Since when the organisation is in quarantine; None if it is not."""
    return Organisation.objects.values_list("quarantined_at", flat=True).get(pk=organisation_id)


def end(uc: UseCase) -> None:
    """Release: every waiting command becomes one of which nobody knows whether it was sent. StillUnread if it is too early."""
    if not may_end(uc.organisation_id):
        return
    doubted = Command.objects.filter(state=CommandState.QUEUED).update(
        state=CommandState.SENT, sent_at=Coalesce("sent_at", uc.at), message=PERHAPS_SENT
    )
    Organisation.objects.filter(pk=uc.organisation_id).update(quarantined_at=None)
    notify.resolve(uc, KEY)
    audit.record(uc, "quarantine.end", "organisation", uc.organisation_id, commands=doubted)


def may_end(organisation_id: int) -> bool:
    """Whether there is a quarantine to end; StillUnread if it is too early."""
    begun = since(organisation_id)
    if begun is not None and (names := [account.name for account in unread(begun)]):
        raise StillUnread(
            _(
                "This is a copy restored from a backup, and the orders of {names} have not been read since. Let 'stallkeeper "
                "run' read them first; an account that cannot be reached must be connected again, or its channels made "
                "inactive.",
                names=", ".join(names),
            )
        )
    return begun is not None


def unread(begun: datetime) -> list[Account]:
    """Accounts in scope whose orders have not been read, to the end of the list, since ``begun``."""
    return [account for account in accounts() if account.orders_read_at is None or account.orders_read_at < begun]


def accounts() -> list[Account]:
    """Every account in scope whose orders are ours to read."""
    read = dict(
        LaneStep.objects.filter(step="orders", lane__kind=LaneKind.TRADE).values_list("lane__subject_id", "watermark").order_by("lane_id")
    )
    return [Account(account.name, account.state, read.get(account.pk)) for account in _reading()]


def _reading() -> Iterator[Connection]:
    for account in Connection.objects.filter(channels__active=True, channels__orders_enabled=True).distinct().order_by("pk"):
        if Capability.PULL_ORDERS in manifest_of(account.platform).capabilities and (not account.roles or "orders" in account.roles):
            yield account


def waiting() -> int:
    """Commands in scope that will be looked up at their channels after the release."""
    return Command.objects.filter(state__in=[CommandState.QUEUED, CommandState.SENT]).count()
