"""Every minute: conditions that have begun or got worse are put in line for the targets that want to know, and what is due is told.

What is told is decided from rows, at the moment: a condition that is over, or that somebody has set aside, is dropped. Each message goes
out at least once; who dies between telling and writing that down tells again after LEASE, with the same id (ADR 0070).
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max
from django.utils import translation
from django.utils.translation import gettext, ngettext

from stallkeeper.channels.models import Channel, Command, Ticket
from stallkeeper.core import clock, crash, notify, targets, words
from stallkeeper.core.models import NoticeMessage, NoticeTarget, Notification, Organisation, Severity
from stallkeeper.core.notice_kinds import place_of
from stallkeeper.core.severity import GRAVITY
from stallkeeper.core.target_rules import first_try, next_try, waits_for, wants
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.orders.models import Order
from stallkeeper.sync import organisations, waiting
from stallkeeper.sync.budgets import refuse_in_transaction
from stallkeeper.sync.letters import mail_server
from stallkit.errors import AdapterError, TryLater
from stallkit.sources.door import Door
from stallkit.telling import send
from stallkit.telling.types import Message
from stallkit.words import again
from stallkit.words import said as _

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
ATTEMPTS = 10
GIVE_UP = timedelta(days=1)
IN_ONE = 50
"""Conditions in one message; a flood is several messages, one a minute."""
LISTED = 15
LOOKED_AT = 1_000
DEAD = timedelta(hours=1)
"""A target that could not be told for so long is a problem, though it is still tried."""
State = NoticeMessage.State


@dataclass(frozen=True)
class Claimed:
    """What one message tells: rows that nobody else tries before the lease is over, and the conditions that they are about."""

    target: NoticeTarget
    rows: Sequence[NoticeMessage]
    notices: Sequence[Notification]
    number: int
    """Of the attempt: what is written down later must not overtake another try."""


def run() -> None:
    """All organisations that have an account. One's failure does not stop the others."""
    for organisation in organisations.with_accounts():
        tell_organisation(organisation)


def tell_organisation(organisation_id: int) -> None:
    """Put in line what is new, then tell what is due. A target that fails does not stop the others."""
    with organisation_scope(organisation_id):
        try:
            waiting.watch(organisation_id)
            gather(organisation_id)
        except Exception:
            log.exception("organisation %s: what targets are to be told could not be worked out", organisation_id)
        for pk in NoticeTarget.objects.filter(active=True).order_by("pk").values_list("pk", flat=True):
            try:
                tell(organisation_id, pk)
            except Exception:
                log.exception("organisation %s: target %s could not be told", organisation_id, pk)


# --- what is to be told -------------------------------------------------------------------------------------------------------------------


def gather(organisation_id: int) -> int:
    """Put in line, for each target, the conditions that it wants to know of and is not in line for; how many those are."""
    with use_case("targets.gather", organisation_id=organisation_id) as uc:
        active = list(NoticeTarget.objects.filter(active=True).order_by("pk"))
        if not active:
            return 0
        lasting = Notification.objects.filter(resolved_at=None, seen_at=None).order_by("-last_at", "-pk")
        notices = [notice for notice in lasting[:LOOKED_AT] if any(_since(target, notice) for target in active)]
        known = set(NoticeMessage.objects.filter(notification__in=notices).values_list("target_id", "notification_id", "severity"))
        accounts = accounts_of(notices)
        made = [row for target in active for row in _new(uc, target, notices, known, accounts)]
        NoticeMessage.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def _since(target: NoticeTarget, notice: Notification) -> bool:
    """What lasted before the target was made is on the board already; told is what begins after that."""
    return notice.first_at >= target.created_at


def _new(
    uc: UseCase, target: NoticeTarget, notices: Sequence[Notification], known: set[tuple[int, int, str]], accounts: dict[str, int]
) -> list[NoticeMessage]:
    wanted = [
        notice
        for notice in notices
        if _since(target, notice)
        and notice.key != targets.failed_key(target)
        and (target.pk, notice.pk, notice.severity) not in known
        and wants(target, notice.severity, place_of(notice.key)[0], accounts.get(notice.key))
    ]
    told = NoticeMessage.objects.filter(target=target, key__in=[notice.key for notice in wanted], state=State.SENT)
    last: dict[str, datetime] = dict(told.values_list("key").annotate(last=Max("ended_at")).values_list("key", "last"))
    return [
        NoticeMessage(
            organisation_id=uc.organisation_id,
            target=target,
            notification=notice,
            severity=notice.severity,
            key=notice.key,
            made_at=uc.at,
            not_before=first_try(target, last.get(notice.key), uc.at),
        )
        for notice in wanted
    ]


def accounts_of(notices: Sequence[Notification]) -> dict[str, int]:
    """The account that a condition is of, by its key, where it is of one. Four statements at most."""
    subjects: dict[str, dict[str, int]] = {}
    for notice in notices:
        subject, _colon, rest = notice.key.partition(":")
        if (pk := rest.partition(":")[0]).isdecimal():
            subjects.setdefault(subject, {})[notice.key] = int(pk)
    found = dict(subjects.get("connection", {}))
    for subject, model in (("channel", Channel), ("command", Command), ("ticket", Ticket), ("order", Order)):
        if keys := subjects.get(subject):
            owners = dict(model._default_manager.filter(pk__in=set(keys.values())).values_list("pk", "connection_id"))
            found |= {key: owners[pk] for key, pk in keys.items() if pk in owners}
    return found


# --- telling ------------------------------------------------------------------------------------------------------------------------------


def tell(organisation_id: int, target_id: int) -> bool:
    """Tell one target what is due, as one message; whether there was anything."""
    claimed = claim(organisation_id, target_id)
    if claimed is None:
        return False
    refuse_in_transaction()
    ended(organisation_id, claimed, _sent(claimed))
    return True


def _sent(claimed: Claimed) -> AdapterError | None:
    """Tell it: None, or why it could not be told. What nobody foresaw is a failed try too, else it would be tried for ever."""
    door = Door(tuple(settings.ENV.allow_private_urls))
    try:
        with crash.around("send:tell"):
            send.send(claimed.target.way, targets.address_of(claimed.target), written(claimed), door, mail_server())
    except AdapterError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a failed try; its words may hold the address, so the log gets none of them
        log.error("target %s: %s at %s", claimed.target.pk, type(error).__name__, _raised_at(error))
        return TryLater(type(error).__name__)
    return None


def _raised_at(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"


def claim(organisation_id: int, target_id: int) -> Claimed | None:
    """Take what is due, and with it all that waits; drop what is over. None if there is nothing, it is quiet, or another worker has it."""
    with use_case("targets.claim", organisation_id=organisation_id) as uc:
        target = NoticeTarget.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=target_id, active=True).first()
        if target is None or not targets.waiting(target).filter(not_before__lte=uc.at).exists():
            return None
        rows = _out_of_quiet(uc, target, [row for row in _due(uc, target) if not _over(uc, row)])
        if not rows:
            return None
        number = max(row.attempts for row in rows) + 1
        NoticeMessage.objects.filter(pk__in=[row.pk for row in rows]).update(attempts=number, not_before=uc.at + LEASE)
    return Claimed(target, rows, [row.notification for row in rows if row.notification], number)


def _due(uc: UseCase, target: NoticeTarget) -> list[NoticeMessage]:
    """What was tried before goes by itself, so that it stays one message; what is new goes with what comes within the next minutes."""
    lined_up = targets.waiting(target).select_related("notification").order_by("made_at", "pk")
    tried = list(lined_up.filter(attempts__gt=0, not_before__lte=uc.at)[:IN_ONE])
    return tried or list(lined_up.filter(attempts=0, not_before__lte=uc.at + timedelta(minutes=target.gather_minutes))[:IN_ONE])


def _over(uc: UseCase, row: NoticeMessage) -> bool:
    notice = row.notification
    if notice is None or (notice.resolved_at is None and notice.seen_at is None):
        return False
    NoticeMessage.objects.filter(pk=row.pk).update(state=State.DROPPED, ended_at=uc.at)
    return True


def _out_of_quiet(uc: UseCase, target: NoticeTarget, rows: Sequence[NoticeMessage]) -> list[NoticeMessage]:
    """In quiet hours: only tests, or errors where they may break in; the others wait for the end."""
    zone = ZoneInfo(Organisation.objects.values_list("time_zone", flat=True).get(pk=uc.organisation_id))
    now = [row for row in rows if row.notification is None or waits_for(target, [row.severity], zone, uc.at) is None]
    later = [row.pk for row in rows if row not in now]
    if later:
        NoticeMessage.objects.filter(pk__in=later).update(not_before=waits_for(target, [], zone, uc.at))
    return now


def written(claimed: Claimed) -> Message:
    """The message in the language of the target: one condition by itself, several as a list, the gravest first."""
    target, notices = claimed.target, sorted(claimed.notices, key=lambda notice: (-GRAVITY[notice.severity], notice.first_at, notice.pk))
    grave = any(notice.severity == Severity.ERROR for notice in notices)
    name = Organisation.objects.values_list("name", flat=True).get(pk=target.organisation_id)
    link = f"{settings.ENV.base_url}/problems/"
    with translation.override(target.language):
        if not notices:
            title, text = gettext("A test from Stallkeeper"), gettext("{target} can be told. Nothing is wrong.").format(target=target.name)
        elif len(notices) == 1:
            title, text = shown(notices[0].title, notices[0].title_words), shown(notices[0].detail, notices[0].detail_words)
            link = settings.ENV.base_url + notices[0].link if notices[0].link.startswith("/") else link
        else:
            title = ngettext("{count} thing waits for you", "{count} things wait for you", len(notices)).format(count=len(notices))
            lines = [f"• {shown(notice.title, notice.title_words)}" for notice in notices[:LISTED]]
            more = len(notices) - LISTED
            lines += [ngettext("… and {count} more", "… and {count} more", more).format(count=more)] if more > 0 else []
            text = "\n".join(lines)
    return Message(f"msg_{claimed.rows[0].pk}_{len(claimed.rows)}", f"{name}: {title}", text, link, clock.now(), grave)


def shown(text: str, kept: object) -> str:
    """A text of a row in the language of the moment."""
    return str(again(words.of_row(text, kept), gettext))


def ended(organisation_id: int, claimed: Claimed, error: AdapterError | None) -> None:
    """Write down what became of it, unless another try has begun since."""
    with use_case("targets.told", organisation_id=organisation_id) as uc:
        target = NoticeTarget.objects.select_for_update().filter(pk=claimed.target.pk).first()
        mine = list(NoticeMessage.objects.filter(pk__in=[row.pk for row in claimed.rows], attempts=claimed.number, state=State.WAITING))
        if target is None or not mine:
            return
        if error is None:
            NoticeMessage.objects.filter(pk__in=[row.pk for row in mine]).update(
                state=State.SENT, ended_at=uc.at, **words.columns("problem", "")
            )
            target.told_at, target.failing_since = uc.at, None
            notify.resolve(uc, targets.failed_key(target))
        else:
            _failed(uc, target, mine, claimed.number, error)
        target.save(update_fields=["told_at", "failing_since"])


def _failed(uc: UseCase, target: NoticeTarget, rows: Sequence[NoticeMessage], number: int, error: AdapterError) -> None:
    lasting = not isinstance(error, TryLater) or number >= ATTEMPTS or any(uc.at - row.made_at > GIVE_UP for row in rows)
    said = words.columns("problem", error.detail or type(error).__name__, 500)
    of_rows = NoticeMessage.objects.filter(pk__in=[row.pk for row in rows])
    if lasting:
        of_rows.update(state=State.REFUSED, ended_at=uc.at, **said)
    else:
        of_rows.update(not_before=next_try(number, uc.at), **said)
    target.failing_since = target.failing_since or uc.at
    if lasting or uc.at - target.failing_since > DEAD:
        title = _("{target} could not be told", target=target.name)
        link = f"/settings/notifications/{target.pk}/"
        notify.raise_(uc, targets.failed_key(target), Severity.ERROR, title, error.detail or type(error).__name__, link)
