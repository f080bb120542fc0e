"""Write src/stallkeeper/ops/schema.sql: what a new database gets in one go. Run it after every new migration; a test notices if not."""

import os
import subprocess

from stallkeeper import embedded, env


def main() -> None:
    with embedded.temporary("schema", env.home()) as cluster:
        os.environ.update(DATABASE_URL=cluster.url, DJANGO_SETTINGS_MODULE="stallkeeper.settings")
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        from stallkeeper.ops import fresh, queries

        call_command("migrate", verbosity=0, interactive=False)
        with connection.cursor() as cursor:
            major = queries.major_version(cursor)
        connection.close()
        fresh.FILE.write_text(fresh.written(cluster.binaries / "pg_dump", cluster.url, major), encoding="utf-8")
    print(f"{fresh.FILE.name}: {len(fresh.FILE.read_text().splitlines())} lines")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"pg_dump failed: exit status {error.returncode}") from None
