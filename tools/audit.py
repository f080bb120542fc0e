"""Known vulnerabilities in what is locked, by pip-audit. Exit code 1 if there is one.

The list of vulnerabilities is asked for over the network. Where it cannot be reached the audit is skipped, and says why: no finding.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = "requirements.lock"
COMMAND = [sys.executable, "-m", "pip_audit", "--requirement", LOCK, "--no-deps", "--disable-pip", "--format", "json", "--timeout", "10"]
SECONDS = 300
MANY = 5


def main() -> int:
    try:
        done = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        print(f"skipped: the list of vulnerabilities did not answer within {SECONDS} s")
        return 0
    code, words = judge(done.stdout, done.stderr)
    print(words)
    return code


def judge(output: str, errors: str) -> tuple[int, str]:
    """(exit code, what to print) for what pip-audit wrote. Its own exit code is 1 for findings and for troubles: only the report counts."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return 0, f"skipped: {reason(errors)}"
    found = [
        f"{package['name']} {package['version']}: {weakness['id']}, mended in {', '.join(weakness['fix_versions']) or 'no version yet'}"
        for package in packages
        for weakness in package.get("vulns", [])
    ]
    skipped = [package for package in packages if "skip_reason" in package]
    total = f"{len(packages) - len(skipped)} of {len(packages)} packages audited, {len(found)} known vulnerabilities."
    return (1 if found else 0), "\n".join([*found, *_not_audited(skipped), total])


def _not_audited(skipped: Sequence[Mapping[str, str]]) -> list[str]:
    """Each package that nothing is known about; one line and the first reason if there are many, as where the list cannot be reached."""
    if len(skipped) > MANY:
        return [f"not audited: {len(skipped)} packages (the first: {skipped[0]['name']}, {skipped[0]['skip_reason']})"]
    return [f"not audited: {package['name']} ({package['skip_reason']})" for package in skipped]


def reason(errors: str) -> str:
    """The last line that pip-audit wrote, shortened."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "pip-audit wrote no report and no reason"


if __name__ == "__main__":
    sys.exit(main())
