"""What lies under deploy/ names only what exists: commands, options, variables, files, addresses."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from django.urls import resolve

from stallkeeper import env
from stallkeeper.__main__ import PLACES, cli

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "stallkeeper"}


def check_command(words: Sequence[str]) -> None:
    """A command of ours, with options that it has and values that they take."""
    assert words[0] in PLACES, f"there is no command {words[0]}"
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None
    command.make_context(words[0], list(words[1:]))


def check_variable(name: str) -> None:
    plain = name.removesuffix("_FILE")
    assert re.search(rf"^    {plain} ", env.__doc__ or "", re.MULTILINE), f"{plain} is no variable of env.py"
    assert plain == name or plain in env.FROM_FILES


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists_with_variables_that_exist(name: str) -> None:
    service = OURS[name]
    check_command(service["command"])
    for variable in service["environment"]:
        check_variable(variable)


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_what_a_service_names_is_declared(name: str) -> None:
    service = COMPOSE["services"][name]
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    volumes = {volume.split(":")[0] for volume in service.get("volumes", [])}
    assert volumes <= set(COMPOSE["volumes"])
    for other, how in service.get("depends_on", {}).items():
        needed = COMPOSE["services"][other]
        assert how["condition"] != "service_healthy" or "healthcheck" in needed
        assert how["condition"] != "service_completed_successfully" or needed["restart"] == "no"
    for variable, value in service.get("environment", {}).items():
        if variable.endswith("_FILE"):
            assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_services_that_stay_are_watched_and_none_has_rights_it_does_not_need() -> None:
    assert {name for name, service in COMPOSE["services"].items() if "healthcheck" not in service} == {"migrate"}
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_health_checks_ask_what_exists() -> None:
    assert OURS["worker"]["healthcheck"]["test"][:2] == ["CMD", "stallkeeper"]
    check_command(OURS["worker"]["healthcheck"]["test"][2:])
    (path,) = re.findall(r"8000(/[\w/]+)", OURS["web"]["healthcheck"]["test"][-1])
    assert resolve(path)


def test_the_secrets_are_the_files_that_the_page_makes_and_git_ignores() -> None:
    page = (ROOT / "docs" / "scale-out.md").read_text("utf-8")
    for name, secret in COMPOSE["secrets"].items():
        assert secret["file"] == f"./secrets/{name}"
        assert f"deploy/secrets/{name}" in page
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_the_image_copies_what_exists_and_does_not_run_as_root() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    copied = [word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE) for word in line.split()]
    assert copied
    allowed = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in allowed
    users = re.findall(r"^USER (\S+)", text, re.MULTILINE)
    assert users
    assert users[-1] not in {"root", "0"}
    check_command(yaml.safe_load(re.findall(r"^CMD (.+)$", text, re.MULTILINE)[-1]))


def settings(unit: Path) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.read_text("utf-8").splitlines():
        name, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_that_exists_as_nobody_special(unit: Path) -> None:
    told = settings(unit)
    (line,) = told["ExecStart"]
    program, *words = shlex.split(line)
    assert program == "/opt/stallkeeper/bin/stallkeeper"
    check_command(words)
    for assignment in told["Environment"]:
        check_variable(assignment.partition("=")[0])
    assert told["User"] == ["stallkeeper"]
    assert told["NoNewPrivileges"] == told["ProtectHome"] == ["yes"]
    assert told["ProtectSystem"] == ["strict"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/opt/stallkeeper/bin/stallkeeper", shutil.which("true") or "/bin/true")
        name = unit.name.replace("@.", "@1.")
        (tmp_path / name).write_text(re.sub(r"^(User|Group)=.*\n", "", text, flags=re.MULTILINE), "utf-8")
    files = sorted(str(file) for file in tmp_path.glob("*.service"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert said == []


# --- secrets from files -------------------------------------------------------------------------------------------------------------------


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "database_url"
    file.write_text("postgresql://me:secret@host/shop\n")
    variables = {"DATABASE_URL_FILE": str(file), "OTHER": "x"}
    env.read_files(variables)
    assert variables == {"DATABASE_URL": "postgresql://me:secret@host/shop", "OTHER": "x"}


def test_a_file_that_is_not_there_or_a_secret_told_twice_is_said_without_the_secret(tmp_path: Path) -> None:
    with pytest.raises(env.SettingError, match="STALLKEEPER_SECRET_KEY_FILE"):
        env.read_files({"STALLKEEPER_SECRET_KEY_FILE": str(tmp_path / "none")})
    file = tmp_path / "key"
    file.write_text("canary")
    with pytest.raises(env.SettingError, match="only one") as error:
        env.read_files({"STALLKEEPER_SECRET_KEY_FILE": str(file), "STALLKEEPER_SECRET_KEY": "another"})
    assert "canary" not in str(error.value)
