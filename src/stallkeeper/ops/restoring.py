"""After a restore: is this data in another database than it was last used in, and what follows from that.

A copy is put into quarantine when it is first started (ADR 0043), whoever restored it and with whatever tool.
"""

from __future__ import annotations

import psycopg


class InUse(RuntimeError):
    """Somebody works with the database that shall be replaced."""


def refuse_while_in_use(url: str) -> None:
    """InUse if any other process is connected."""
    with psycopg.connect(url) as connection:
        row = connection.execute(  # lint: allow raw-sql because this runs before there is a Django connection
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = %s",
            ["client backend"],
        ).fetchone()
    if row and row[0]:
        raise InUse(f"{row[0]} connections use the database: stop 'stallkeeper run' and all workers first.")


def notice_copy() -> int:
    """Remember which database this is; if the data comes from another one, put every organisation into quarantine.

    To be called before anything is sent. Returns how many offers are doubted. Several processes at once: one does it, the others wait.
    Needs Django; the rest of this module does not.
    """
    from django.db import connection

    from stallkeeper.core.models import DatabaseIdentity
    from stallkeeper.ops import queries

    with connection.cursor() as cursor:
        here = queries.identity(cursor)
        if DatabaseIdentity.known() == here:  # nearly always: no lock, and nothing to write
            return 0
        queries.lock_identity(cursor)
        try:
            return _settle_in(here, DatabaseIdentity.known())
        finally:
            queries.unlock_identity(cursor)


def _settle_in(here: tuple[int, int], known: tuple[int, int] | None) -> int:
    """Quarantine if the data was elsewhere before; then this is its place. The caller holds the lock."""
    from stallkeeper.core import clock, crash
    from stallkeeper.core.models import DatabaseIdentity

    if known == here:
        return 0
    offers = quarantine("the data was restored into another database") if known is not None else 0
    with crash.committing("remember.database"):
        place = {"system_identifier": here[0], "database_oid": here[1], "seen_at": clock.now()}
        DatabaseIdentity.objects.update_or_create(pk=1, defaults=place)
    return offers


def quarantine(why: str) -> int:
    """Every organisation is a copy from now on (C22). Returns how many offers are doubted. Needs Django."""
    from stallkeeper.channels import quarantine as isolation
    from stallkeeper.core.models import Organisation
    from stallkeeper.core.use_case import use_case

    offers = 0
    for organisation in Organisation.objects.order_by("pk"):
        with use_case("begin.quarantine", organisation_id=organisation.pk) as uc:
            offers += isolation.begin(uc, why)
    return offers
