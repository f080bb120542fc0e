"""What ``make check`` and ``make test`` run: linters and types beside the tests, each reported as it ends. Exit code 1 if any failed.

``--all`` adds the slower folders of tests and the audit of dependencies. Further arguments go to pytest, for instance
``make check ARGS="-k reserve -x"``.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
IMPORT_LINTER = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
LINTERS = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "layers": ["-c", IMPORT_LINTER],
    "house rules": ["-m", "lint"],
    "mypy": ["-m", "mypy"],
}
AUDIT = {"vulnerabilities": ["tools/audit.py"]}
QUICK = ["tests/unit", "tests/planted", "tests/db", "lint"]
SLOW = ["tests/contract", "tests/races", "tests/scenarios", "tests/browser"]
# Workers for each processor: many of the long tests, which come first (tests/conftest.py), wait for processes of their own.
QUICK_WORKERS, ALL_WORKERS = 1.0, 1.5
# mypy loads the settings; without this it would leave a key in the data folder of whoever checks.
VARIABLES = os.environ | {"STALLKEEPER_SECRET_KEY": "only-for-static-checks-never-for-a-server-000000000000"}


def main() -> int:
    arguments = sys.argv[1:]
    everything = "--all" in arguments
    arguments = [argument for argument in arguments if argument != "--all"]
    started = time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        commands = LINTERS | (AUDIT if everything else {})
        linters = beside.submit(lambda: [run(title, command, VARIABLES) for title, command in commands.items()])
        results = [run("tests", pytest(everything, arguments))]
        results += linters.result()
    return report(results, time.monotonic() - started)


def pytest(everything: bool, arguments: list[str]) -> list[str]:
    folders, each = ([*SLOW, *QUICK], ALL_WORKERS) if everything else (QUICK, QUICK_WORKERS)
    workers = min(round(each * (os.cpu_count() or 1)), 8)
    return ["-m", "pytest", "-W", "error", "-n", str(workers), "--dist=worksteal", "-q", "--tb=short", *folders, *arguments]


def run(title: str, command: list[str], variables: dict[str, str] | None = None) -> tuple[str, bool, float]:
    """Run one step; its output appears in one piece when it ends. Returns (title, passed, seconds)."""
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    seconds = time.monotonic() - started
    print(f"--- {title} ({seconds:.1f} s)\n{result.stdout.decode(errors='replace').strip()}\n", flush=True)
    return title, result.returncode == 0, seconds


def report(results: list[tuple[str, bool, float]], seconds: float) -> int:
    for title, passed, took in results:
        print(f"{'passed' if passed else 'FAILED'}  {title:15} {took:6.1f} s")
    failed = sum(not passed for _, passed, _ in results)
    print(f"{'All passed' if not failed else f'{failed} failed'} after {seconds:.0f} s.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
