"""What must be done once a day: partitions ahead, personal data forgotten; old bodies, runs, writes and sends dropped.

What past figures are worked out from has no end here: it stays as long as the ledger does (ADR 0060).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper

from stallkeeper.core import crash, housekeeping_queries, partitions, people_queries, personal, sessions, sign_in_limits
from stallkeeper.core.tenancy import Passage, across_organisations

log = logging.getLogger(__name__)

RAW_PAYLOAD_DAYS = 30
RUN_DAYS = 30
LINK_DAYS = 30
WAIT_DAYS = 8
"""Delays of a week back can be worked out from them, where nobody has measured for so long."""
SEND_DAYS = 90
"""Sends that have ended, and plans that nobody applied."""
EXPORT_DAYS = 7
"""Files that people had made of lists."""
PAGE = 10_000
LOCK_WAIT_MS = 2_000
DAY = timedelta(days=1)
LEAST = timedelta(hours=12)
"""The fixed hour of the night runs it again if the last one is so old, so that a catch-up by day moves back to the night."""
PATIENCE = timedelta(hours=3)
"""A run that was begun and did not end has died after so long."""
SKEW = timedelta(hours=1)
"""Clocks of machines differ by less than this."""


@dataclass(slots=True)
class Report:
    """What one day's housekeeping did. ``failures`` are parts that could not be done; they are tried again the next day."""

    partitions_made: list[str] = field(default_factory=list)
    personal_data_forgotten: int = 0
    raw_payload_partitions_dropped: list[str] = field(default_factory=list)
    raw_payloads_deleted: int = 0
    runs_deleted: int = 0
    write_windows_deleted: int = 0
    waits_deleted: int = 0
    sends_deleted: int = 0
    plans_deleted: int = 0
    messages_deleted: int = 0
    exchange_files_deleted: int = 0
    exports_deleted: int = 0
    sign_in_links_deleted: int = 0
    invitations_deleted: int = 0
    failed_sign_ins_deleted: int = 0
    sessions_deleted: int = 0
    failures: list[str] = field(default_factory=list)


def is_due(at: datetime) -> bool:
    """Whether nobody has done the work of the day for a day: a new installation, or a machine that was off at the fixed hour."""
    with connection.cursor() as cursor:
        return housekeeping_queries.daily_is_due(cursor, at - DAY, at - PATIENCE, at + SKEW)


def begin(at: datetime) -> bool:
    """Take the work of the day; False if somebody else has it, or did it in the last twelve hours."""
    with crash.around("claim:day"), connection.cursor() as cursor:
        return housekeeping_queries.begin_day(cursor, at, at - LEAST, at - PATIENCE, at + SKEW)


def end(begun: datetime) -> None:
    """The work of the day that was taken then is done."""
    with crash.around("commit:day.end"), connection.cursor() as cursor:
        housekeeping_queries.end_day(cursor, begun)


def daily(at: datetime, raw_payload_days: int = RAW_PAYLOAD_DAYS, run_days: int = RUN_DAYS, send_days: int = SEND_DAYS) -> Report:
    """Do all parts, each in transactions of its own; a part that fails is logged and named in the report, and does not stop the others."""
    report = Report()
    old_payloads, old_runs = at - timedelta(days=raw_payload_days), at - timedelta(days=run_days)
    old_sends = at - timedelta(days=send_days)

    def make_partitions() -> None:
        with crash.committing("day.partitions"):
            report.partitions_made = partitions.make_ahead(at)

    def forget_personal_data() -> None:
        report.personal_data_forgotten = personal.forget_due(at)

    def drop_raw_payloads() -> None:
        report.raw_payload_partitions_dropped = _drop_partitions("orders_raw_payload", old_payloads)
        report.raw_payloads_deleted = _in_pages(lambda cursor: housekeeping_queries.delete_raw_payloads(cursor, old_payloads, PAGE))

    def delete_runs() -> None:
        report.runs_deleted = _in_pages(lambda cursor: housekeeping_queries.delete_runs(cursor, old_runs, PAGE))

    def delete_write_windows() -> None:
        report.write_windows_deleted = _in_pages(lambda cursor: housekeeping_queries.delete_write_windows(cursor, old_runs, PAGE))

    def delete_waits() -> None:
        old_waits = at - timedelta(days=WAIT_DAYS)
        report.waits_deleted = _in_pages(lambda cursor: housekeeping_queries.delete_waits(cursor, old_waits, PAGE))

    def delete_sends() -> None:
        report.sends_deleted = _in_pages(lambda cursor: housekeeping_queries.delete_send_tasks(cursor, old_sends, PAGE))
        report.plans_deleted = _in_pages(lambda cursor: housekeeping_queries.delete_send_plans(cursor, old_sends, PAGE))
        report.messages_deleted = _in_pages(lambda cursor: housekeeping_queries.delete_notice_messages(cursor, old_sends, PAGE))

    def delete_exchange_files() -> None:
        report.exchange_files_deleted = _in_pages(lambda cursor: housekeeping_queries.delete_exchange_files(cursor, old_payloads, PAGE))

    def delete_exports() -> None:
        old = at - timedelta(days=EXPORT_DAYS)
        report.exports_deleted = _in_pages(lambda cursor: housekeeping_queries.delete_exports(cursor, old, PAGE))

    def delete_links() -> None:
        _delete_links(report, at)

    def delete_failed_sign_ins() -> None:
        report.failed_sign_ins_deleted = sign_in_limits.forget(at - sign_in_limits.KEPT)

    aged = (
        drop_raw_payloads,
        delete_exchange_files,
        delete_runs,
        delete_write_windows,
        delete_waits,
        delete_sends,
        delete_exports,
        delete_links,
    )
    for part in (make_partitions, forget_personal_data, *aged, delete_failed_sign_ins):
        _attempt(part, report)
    return report


def _delete_links(report: Report, at: datetime) -> None:
    """What let somebody in and does so no more: links, invitations, sessions."""
    with crash.committing("day.links"), connection.cursor() as cursor:
        report.sign_in_links_deleted = people_queries.delete_links(cursor, at - timedelta(days=LINK_DAYS))
        report.invitations_deleted = people_queries.delete_invitations(cursor, at - timedelta(days=LINK_DAYS))
    with crash.committing("day.sessions"):
        report.sessions_deleted = sessions.forget(at)


def _attempt(part: Callable[[], None], report: Report) -> None:
    try:
        with across_organisations(Passage.HOUSEKEEPING):
            part()
    except DatabaseError as error:
        log.exception("housekeeping: %s failed", part.__name__)
        report.failures.append(f"{part.__name__.replace('_', ' ')}: {str(error).strip().splitlines()[0]}")


def _drop_partitions(table: str, before: datetime) -> list[str]:
    with connection.cursor() as cursor:
        old = [name for name, upper in housekeeping_queries.month_partitions(cursor, table) if upper <= before]
    for name in old:
        with crash.committing("day.drop_month"), connection.cursor() as cursor:
            housekeeping_queries.limit_lock_wait(cursor, LOCK_WAIT_MS)
            housekeeping_queries.drop_partition(cursor, name)
    return old


def _in_pages(delete: Callable[[CursorWrapper], int]) -> int:
    total = 0
    while True:
        with crash.committing("day.delete"), connection.cursor() as cursor:
            gone = delete(cursor)
        total += gone
        if gone < PAGE:
            return total
