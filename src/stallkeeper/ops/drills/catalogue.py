"""The drills by name."""

from __future__ import annotations

from stallkeeper.ops.drills import faults
from stallkeeper.ops.drills.play import Drill
from stallkeeper.ops.drills.stage import Set

KILLS = (
    faults.kill_worker, faults.kill_web, faults.kill_backend, faults.kill_worker, faults.kill_tree,
    faults.kill_workers, faults.kill_postgres, faults.kill_worker, faults.kill_supervisor, faults.kill_worker,
)  # fmt: skip

DRILLS: dict[str, Drill] = {
    "kill": Drill("kill -9 of workers, web server, supervisor, the whole tree, PostgreSQL", Set(), KILLS),
    "freeze": Drill(
        "SIGSTOP for longer than a takeover: a worker, the web server, a process of PostgreSQL, all workers",
        Set(),
        (faults.freeze_worker, faults.freeze_backend, faults.freeze_web, faults.freeze_workers),
    ),
    "restart": Drill("PostgreSQL restarted: fast, immediate; the embedded one", Set(), (faults.restart_fast, faults.restart_immediate)),
    "restart-url": Drill(
        "The same with a server of your own (DATABASE_URL)",
        Set(embedded=False),
        (faults.restart_immediate, faults.restart_fast, faults.kill_postgres),
    ),
}
