"""Run by test_large_imports in a process of its own, whose peak memory and work are those of one import, or of its yardstick.

Work is processor time, ours and that of the database's process for us: what else the machine does meanwhile does not count.

python -m tests.scenarios.importing products /folder/rows.xlsx    imports; prints a line of JSON
python -m tests.scenarios.importing yardstick /folder/rows.xlsx   reads with calamine, COPYs, upserts into one plain table
"""

import json
import os
import re
import sys
import time
from pathlib import Path

import psutil


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stallkeeper.settings")
    import django

    django.setup()
    what, path = sys.argv[1], Path(sys.argv[2])
    result = yardstick(path) if what == "yardstick" else bring_in(what, path)
    print(json.dumps(result | {"megabytes": peak()}))


def peak() -> int:
    """Most memory that this process ever had, in megabytes. (``getrusage`` would count what its parent had before it began.)"""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) // 1024


def work(server: int) -> float:
    """Seconds of processor time so far: this process's, and that of the database process with this number if it is on this machine."""
    try:
        used = psutil.Process(server).cpu_times()
    except psutil.NoSuchProcess:
        return time.process_time()
    return time.process_time() + used.user + used.system


def bring_in(kind: str, path: Path) -> dict[str, object]:
    from django.db import connection

    from stallkeeper.core.models import Organisation
    from stallkeeper.stock import imports

    before = peak()
    organisation = Organisation.objects.get().pk
    server = connection.connection.info.backend_pid
    marks: list[tuple[float, int]] = []
    started = work(server)
    run = imports.run_import(kind, path, organisation, progress=lambda done, _: marks.append((work(server), done)))
    assert connection.connection.info.backend_pid == server, "one connection did all the work"
    return {
        "seconds": work(server) - started,
        "counts": [run.state, run.rows_done, run.rows_changed, run.rows_refused],
        "marks": [(at - started, done) for at, done in marks],
        "base": before,
    }


def yardstick(path: Path) -> dict[str, object]:
    """The least that any import must do: read, copy, upsert, commit."""
    import psycopg
    from django.db import connection
    from python_calamine import CalamineWorkbook

    started = time.process_time()
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows()
    names = [f'"{name}"' for name in next(rows)]
    columns = ", ".join(f"{name} text" for name in names)
    with psycopg.connect(
        **{k: v for k, v in connection.get_connection_params().items() if k in {"dbname", "user", "password", "host", "port"}}
    ) as raw:
        raw.execute(f"CREATE TABLE IF NOT EXISTS yardstick ({columns}, PRIMARY KEY ({names[0]}))")
        raw.execute(f"CREATE TEMP TABLE stage ({columns}) ON COMMIT DROP")
        with raw.cursor() as cursor, cursor.copy("COPY stage FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        sets = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        raw.execute(f"INSERT INTO yardstick SELECT * FROM stage ON CONFLICT ({names[0]}) DO UPDATE SET {sets}")
        raw.commit()
        return {"seconds": work(raw.info.backend_pid) - started}


if __name__ == "__main__":
    main()
