"""Write requirements.lock and requirements-dev.lock from pyproject.toml. Arguments go to uv: ``--upgrade``, ``--upgrade-package httpx``."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Universal: one file for every platform. The oldest Python decides. No index address may enter the repository.
COMPILE = ["-m", "uv", "pip", "compile", "--universal", "--python-version=3.11", "--generate-hashes", "--no-emit-index-url", "--no-header"]


def main() -> None:
    compile_lock("requirements.lock", *sys.argv[1:])
    # The development lock holds the same versions and more: whoever has it has the other one too.
    compile_lock("requirements-dev.lock", "--extra=dev", "--constraint=requirements.lock", *sys.argv[1:])


def compile_lock(name: str, *arguments: str) -> None:
    command = [sys.executable, *COMPILE, "pyproject.toml", "--group=build", f"--output-file={name}", "--quiet", *arguments]
    subprocess.run(command, cwd=ROOT, check=True)
    print(f"{name}: {sum('==' in line for line in (ROOT / name).read_text().splitlines())} packages")


if __name__ == "__main__":
    main()
