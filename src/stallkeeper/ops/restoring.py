"""After a restore: the channels went on while the backup stood still, so nothing that it believes about them counts."""

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


def quarantine() -> int:
    """Let nothing out until a person says so, and have every offer read back before it is sent; how many offers that are.

    A copy that is brought up beside the original would otherwise write to the same accounts (C22). Needs Django; the rest of this module
    does not.
    """
    from stallkeeper.channels import delivery, switches
    from stallkeeper.core import notify
    from stallkeeper.core.models import Organisation, Severity
    from stallkeeper.core.use_case import use_case

    offers = 0
    for organisation in Organisation.objects.order_by("pk"):
        with use_case("restore.database", organisation_id=organisation.pk) as uc:
            switches.set_company(uc, allowed=False)
            notify.raise_(uc, switches.QUARANTINE, Severity.WARNING, TITLE, NEXT)
            offers += delivery.resync(uc)
    return offers


TITLE = "Restored from a backup: nothing is sent"
NEXT = (
    "Orders are read, nothing is written to any account. Enter what was shipped or counted since the backup, compare a few numbers, make "
    "sure that the original no longer runs, then allow sending for the company again."
)
