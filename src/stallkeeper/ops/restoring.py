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


def trust_nothing() -> int:
    """Have every offer of every organisation read back before it is sent; how many. Needs Django; the rest of this module does not."""
    from stallkeeper.channels import delivery
    from stallkeeper.core.models import Organisation
    from stallkeeper.core.use_case import use_case

    offers = 0
    for organisation in Organisation.objects.order_by("pk"):
        with use_case("restore.database", organisation_id=organisation.pk) as uc:
            offers += delivery.resync(uc)
    return offers
