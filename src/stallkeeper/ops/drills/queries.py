"""SQL of the drills: what an administrator sees of the server, never the hub's own tables."""

from __future__ import annotations

import psycopg


def backends(admin_url: str, role: str, except_: str) -> list[int]:
    """Process numbers of the server that serve ``role``, but for the connections named ``except_``. Reads pg_stat_activity."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = %s AND application_name <> %s ORDER BY pid", [role, except_]
        ).fetchall()
    return [int(pid) for (pid,) in rows]
