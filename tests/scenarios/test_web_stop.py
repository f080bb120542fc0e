"""A web server that is told to stop while a process of it still loads the application ends all the same, in a bounded time."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

LOADS = """
import pathlib, time
pathlib.Path({loading!r}).touch()
time.sleep(600)
"""
SERVE = "from stallkeeper.ops import web; web.GRACE_SECONDS = 1; web.serve('127.0.0.1', {port}, 2, 'loads_for_ever:application')"


def test_a_process_that_still_loads_holds_up_nobody(tmp_path: Path) -> None:
    loading = tmp_path / "loading"
    (tmp_path / "loads_for_ever.py").write_text(LOADS.format(loading=str(loading)))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-c", SERVE.format(port=port)], cwd=tmp_path)
    try:
        while not loading.exists():
            assert server.poll() is None
            time.sleep(0.05)
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    finally:
        for process in [*psutil.Process(server.pid).children(), server] if server.poll() is None else []:
            process.kill()
        server.wait()
