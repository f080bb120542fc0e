"""The embedded database under everything that machines do to it (architecture, section 4, "Embedded database").

These start real servers. They use Unix sockets only, so they may live among the unit tests.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from stallkeeper import embedded
from stallkeeper import embedded_host as host

ROOT = os.geteuid() == 0
NOBODY = 65534

OWNER = """
import sys
from pathlib import Path
from stallkeeper import embedded
# first
with embedded.running(Path(sys.argv[1]), durable=False) as cluster:
    print(cluster.url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path):
    """A folder that the server's account can reach, gone afterwards with every server in it."""
    place = host.SYSTEM_HOME / f"test-{secrets.token_hex(4)}" if ROOT else tmp_path
    host.make_home(place)
    yield place
    embedded.reap(place)
    if ROOT:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def owner(folder, script=""):
    """Another process that uses the cluster until the block ends; it runs ``script`` before."""
    command = [sys.executable, "-c", OWNER.replace("# first", script), str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline().startswith("postgresql://"), "the owner did not start its cluster"
        yield process
        if process.poll() is None:
            process.communicate("")


def use(folder):
    return embedded.running(folder, durable=False)


def ask(url, query="SELECT 1"):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def server_of(folder):
    return embedded._postmaster(folder / "data")


def gone(pid, seconds=60):
    """Whether the process ends within so many seconds; one that nobody has buried yet has ended."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
    return True


def test_the_block_ends_and_so_does_the_server(place):
    with use(place / "one") as cluster:
        assert ask(cluster.url) == 1
        pid = server_of(place / "one")
    assert gone(pid)
    assert not embedded.socket_folder(place / "one").exists()
    with use(place / "one") as cluster:
        assert ask(cluster.url) == 1


def test_the_application_is_an_ordinary_role_that_owns_its_database(place):
    with embedded.running(place / "one") as cluster:
        with psycopg.connect(cluster.url) as connection:
            rights = connection.execute(
                "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert rights == (False, False, False, False)
            owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
            assert connection.execute(owner).fetchone() == ("stallkeeper",)
        assert ask(cluster.url, "SHOW fsync") == "on"
        assert ask(cluster.admin_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is True


def test_nobody_else_gets_in(place):
    """No TCP, a socket folder closed to others, SCRAM passwords even there, secrets readable by their owner only."""
    with use(place / "one") as cluster:
        assert ask(cluster.url, "SHOW listen_addresses") == ""
        sockets = embedded.socket_folder(cluster.folder)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert not stat.S_IMODE(sockets.parent.stat().st_mode) & 0o007
        for role in ("stallkeeper", "postgres"):
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(cluster.url, user=role, password="guess")
        for name in ("application.password", "superuser.password"):
            assert stat.S_IMODE((cluster.folder / name).stat().st_mode) == 0o600
        assert ask(cluster.admin_url, "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'stallkeeper'")


def test_two_at_once_on_different_folders(place):
    def visit(name):
        with use(place / name) as cluster:
            time.sleep(0.2)
            return ask(cluster.url), server_of(place / name), cluster.url

    with ThreadPoolExecutor() as pool:
        (one, pid, url), (other, other_pid, other_url) = pool.map(visit, ["one", "other"])
    assert (one, other) == (1, 1)
    assert pid != other_pid
    assert url != other_url


def test_two_owners_share_one_server_and_the_last_one_stops_it(place):
    folder = place / "shared"
    with owner(folder) as first, owner(folder):
        pid = server_of(folder)
        first.communicate("")
        assert first.returncode == 0
        with use(folder) as cluster:
            assert ask(cluster.url) == 1
            assert server_of(folder) == pid
        assert server_of(folder) == pid
    assert gone(pid)


def test_two_owners_that_start_at_the_same_moment(place):
    def visit(_):
        with use(place / "shared") as cluster:
            return ask(cluster.url), ask(cluster.admin_url, "SELECT pg_postmaster_start_time()::text")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(visit, range(4)))
    assert [number for number, _ in answers] == [1, 1, 1, 1]
    assert server_of(place / "shared") is None


def test_the_server_of_a_killed_parent_is_adopted(place):
    folder = place / "orphan"
    with owner(folder) as process:
        pid = server_of(folder)
        process.kill()
        process.wait()
    assert psutil.pid_exists(pid)
    with use(folder) as cluster:
        assert ask(cluster.url) == 1
        assert server_of(folder) == pid
    assert gone(pid)


def test_a_killed_server_is_started_again_with_its_data(place):
    folder = place / "crash"
    with embedded.running(folder) as cluster:
        with psycopg.connect(cluster.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(pid := server_of(folder), signal.SIGKILL)
        assert gone(pid)
        with embedded.running(folder) as again:
            assert ask(again.url, "SELECT answer FROM kept") == 42
            assert server_of(folder) != pid


def test_a_server_whose_socket_was_cleaned_away_is_replaced(place):
    folder = place / "cleaned"
    with use(folder) as cluster:
        pid = server_of(folder)
        shutil.rmtree(embedded.socket_folder(folder))
        with use(folder):
            assert ask(cluster.url) == 1
            assert server_of(folder) != pid
        assert gone(pid)


@pytest.mark.parametrize("living", [False, True], ids=["dead process", "another process"])
def test_a_stale_postmaster_pid_is_not_believed(place, living):
    """A restarted container gives old numbers to new processes, even to ones of the same account."""
    folder = place / "stale"
    with use(folder) as cluster:
        pid_file = (folder / "data" / "postmaster.pid").read_text()
        sockets = embedded.socket_folder(folder)
        lock_file = (sockets / ".s.PGSQL.5432.lock").read_text()
    account = cluster.account
    ids = {"user": account.uid, "group": account.gid} if account else {}
    with subprocess.Popen(["sleep", "60"], **ids) as stranger:
        if not living:
            stranger.kill()
            stranger.wait()
        rest = pid_file.split("\n", 1)[1]
        (folder / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n{rest}")
        sockets.mkdir(mode=0o700)
        host.give(sockets, account)
        (sockets / ".s.PGSQL.5432.lock").write_text(f"{stranger.pid}\n" + lock_file.split("\n", 1)[1])
        with use(folder) as cluster:
            assert ask(cluster.url) == 1
        assert (stranger.poll() is None) == living
        stranger.kill()


def test_a_path_of_200_characters(place):
    folder = place / "/".join(["a" * 48] * 4)
    assert len(str(folder)) > 200
    with use(folder) as cluster:
        assert ask(cluster.url) == 1
        assert len(os.fsencode(embedded.socket_folder(folder) / ".s.PGSQL.5432.lock")) <= 107


@pytest.mark.parametrize("name", ["with spaces in it", "Склад și stânga", 'it\'s $HOME "quoted" `pwd`, and,commas'])
def test_folders_with_difficult_names(place, name):
    with use(place / name) as cluster:
        assert ask(cluster.url) == 1
        assert Path(ask(cluster.admin_url, "SHOW data_directory")) == place / name / "data"


@pytest.mark.skipif(not ROOT, reason="needs root, to become somebody else")
def test_an_ordinary_user(place):
    """The same without root: no system account, data in the user's own folder."""
    if closed := host.closed_parent(Path(embedded.__file__), host.Account(NOBODY, NOBODY)):
        pytest.skip(f"an ordinary user may not enter {closed}, where this checkout is")
    folder = place / "of nobody"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    with owner(folder, script=f"import os, psycopg._conninfo_attempts; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"):
        pid = server_of(folder)
        assert psutil.Process(pid).uids().real == NOBODY
    assert gone(pid)


@pytest.mark.skipif(not ROOT, reason="only root has an account that may be shut out of the checkout")
def test_programs_are_copied_for_an_account_that_cannot_reach_them(place, monkeypatch):
    """A checkout in root's home; the programs find their libraries by relative path, so those come along."""
    install = host.find_programs(None).parent
    monkeypatch.setattr(host, "SYSTEM_HOME", place)
    monkeypatch.setattr(host, "closed_parent", lambda path, account: Path("/closed"))
    account = host.server_account()
    programs = host.find_programs(account)
    assert programs.is_relative_to(place)
    assert programs == host.find_programs(account), "the copy is made once"
    monkeypatch.undo()
    assert host.closed_parent(programs / "postgres" / "itself", account) is None
    there = subprocess.check_output([programs / "initdb", "--version"], user=account.uid, group=account.gid, cwd="/")
    assert there == subprocess.check_output([install / "bin" / "initdb", "--version"])


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_root_runs_the_server_as_its_own_account(place):
    with use(place / "one"):
        assert psutil.Process(server_of(place / "one")).username() == "stallkeeper"


@pytest.mark.skipif(not ROOT, reason="only root has an account that differs from its own")
def test_a_folder_that_the_account_cannot_enter_is_named(tmp_path):
    tmp_path.chmod(0o700)
    with pytest.raises(embedded.EmbeddedDatabaseError, match=r"may not enter /.*STALLKEEPER_HOME.*chmod"), use(tmp_path / "a"):
        pass


def test_a_folder_of_somebody_else_is_named(place, monkeypatch):
    folder = place / "foreign"
    folder.mkdir()
    if ROOT:
        os.chown(folder, NOBODY, NOBODY)
    else:  # cannot give a folder away: be somebody else instead
        somebody = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: somebody)
    with pytest.raises(embedded.EmbeddedDatabaseError, match=r"foreign.*belongs to the user.*STALLKEEPER_HOME"):
        host.own_folder(folder, None)


def test_a_lost_password_of_the_application_heals(place):
    with use(place / "one") as cluster:
        first = cluster.url
    (place / "one" / "application.password").unlink()
    with use(place / "one") as cluster:
        assert cluster.url != first
        assert ask(cluster.url) == 1


def test_a_start_that_fails_shows_the_log(place):
    with use(place / "one"):
        pass
    with (place / "one" / "data" / "postgresql.auto.conf").open("a") as settings:
        settings.write("no_such_setting_anywhere = 1\n")
    with (
        pytest.raises(embedded.EmbeddedDatabaseError, match=r"(?s)pg_ctl failed.*postgres\.log.*no_such_setting_anywhere"),
        use(place / "one"),
    ):
        pass


def test_a_cluster_of_another_major_version_says_what_to_do(place):
    with use(place / "one"):
        pass
    (place / "one" / "data" / "PG_VERSION").write_text("16\n")
    with (
        pytest.raises(embedded.EmbeddedDatabaseError, match=r"made by PostgreSQL 16, this release brings 18.*DATABASE_URL"),
        use(place / "one"),
    ):
        pass


def test_a_platform_without_binaries_is_told_about_database_url(place, monkeypatch):
    monkeypatch.setattr(host.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(embedded.EmbeddedDatabaseError, match="set DATABASE_URL"), embedded.running(place / "one"):
        pass


def test_a_folder_in_use_by_another_container_is_refused(place):
    """Process numbers of another container mean nothing here, and a second server would destroy the data."""
    folder = place / "one"
    with use(folder):
        pass
    (folder / "namespace").write_text("elsewhere pid:[1]")
    with (folder / "users.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        with pytest.raises(embedded.EmbeddedDatabaseError, match="in use by another container"), use(folder):
            pass
    with use(folder) as cluster:
        assert ask(cluster.url) == 1


def test_databases_are_made_from_templates_and_dropped(place):
    with use(place / "one") as cluster:
        with psycopg.connect(cluster.url) as connection:
            connection.execute("CREATE TABLE copied AS SELECT 7 AS answer")
        url = cluster.create_database("a copy", template="stallkeeper")
        assert ask(url, "SELECT answer FROM copied") == 7
        with pytest.raises(psycopg.errors.DuplicateDatabase):
            cluster.create_database("a copy")
        with psycopg.connect(url, autocommit=True) as connection:
            cluster.drop_database("a copy")
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        cluster.drop_database("a copy")


def test_a_dump_is_restored_and_a_broken_one_changes_nothing(place):
    dump = place / "backup of today.dump"
    with use(place / "one") as cluster:
        with psycopg.connect(cluster.url) as connection:
            connection.execute("CREATE TABLE secret AS SELECT 'before' AS word")
            connection.execute("ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        cluster.dump(dump)
        assert stat.S_IMODE(dump.stat().st_mode) == 0o600
        with psycopg.connect(cluster.url) as connection:
            connection.execute("ALTER TABLE secret NO FORCE ROW LEVEL SECURITY")
            connection.execute("UPDATE secret SET word = 'after'")
        broken = place / "broken.dump"
        broken.write_bytes(dump.read_bytes()[:200])
        with pytest.raises(embedded.EmbeddedDatabaseError, match="pg_restore failed"):
            cluster.restore(broken)
        assert ask(cluster.url, "SELECT word FROM secret") == "after"
        cluster.restore(dump)
        assert ask(cluster.admin_url.replace("/postgres?", "/stallkeeper?"), "SELECT word FROM secret") == "before"
        assert ask(cluster.url, "SELECT tableowner FROM pg_tables WHERE tablename = 'secret'") == "stallkeeper"


def test_leftovers_of_killed_processes_are_reaped_and_others_spared(place):
    killed, used = place / "tmp" / "killed", place / "tmp" / "used"
    with owner(killed) as process:
        left = server_of(killed)
        process.kill()
        process.wait()
    with owner(used):
        with embedded.temporary("fresh", place) as cluster:
            assert ask(cluster.url) == 1
            assert not killed.exists()
            assert gone(left)
            assert server_of(used)
        assert [folder.name for folder in (place / "tmp").iterdir() if folder.is_dir()] == ["used"]
    embedded.reap(place / "tmp")


def test_an_ensured_database_lives_as_long_as_its_process(place):
    script = "import sys; from pathlib import Path; from stallkeeper import embedded; print(embedded.ensure(Path(sys.argv[1])))"
    result = subprocess.run([sys.executable, "-c", script, str(place)], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == embedded.known_url(place)
    assert server_of(embedded.cluster_folder(place)) is None
