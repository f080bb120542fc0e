"""The drills by name."""

from __future__ import annotations

from stallkeeper.ops.drills import clocks, disk, faults, lines
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
    "disk": Drill("The disk of database and log is full, and has room again", Set(small_disk=600), (disk.fill_disk,)),
    "network": Drill(
        "Lines cut, silent, open in one direction, slow, narrow, reset: to the stalls and to the database",
        Set(embedded=False, spoil_stalls=True),
        (
            lines.cut_stalls,
            lines.reset_database,
            lines.half_open,
            lines.cut_database,
            lines.slow_stalls,
            lines.black_hole,
            lines.silent_database,
            lines.reset_stalls,
            lines.slow_database,
            lines.narrow_stalls,
        ),
    ),
    "clock": Drill(
        "The hub's clock jumps: forwards, back, apart between its processes",
        Set(program="stallkeeper.ops.drills.skewed"),
        (clocks.clock_forwards, clocks.clock_back, clocks.clocks_apart),
    ),
    "restart": Drill("PostgreSQL restarted: fast, immediate; the embedded one", Set(), (faults.restart_fast, faults.restart_immediate)),
    "restart-url": Drill(
        "The same with a server of your own (DATABASE_URL)",
        Set(embedded=False),
        (faults.restart_immediate, faults.restart_fast, faults.kill_postgres),
    ),
}
