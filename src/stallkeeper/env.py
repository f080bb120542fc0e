"""Settings that come from outside: environment variables and the data folder.

Variables::

    STALLKEEPER_HOME                data folder; default /var/lib/stallkeeper for root, else $XDG_DATA_HOME/stallkeeper
    DATABASE_URL                    your own PostgreSQL: postgresql://user:password@host:5432/name?sslmode=require
    STALLKEEPER_SECRET_KEY          default: the file secret_key in the data folder, made at first use
    STALLKEEPER_KEYRING             default: keyring.json in the data folder
    STALLKEEPER_DEBUG               1 or 0 (default 0)
    STALLKEEPER_ALLOWED_HOSTS       comma-separated; default localhost, 127.0.0.1, [::1] and the host of the base URL
    STALLKEEPER_BASE_URL            where users reach us; default http://localhost:8000
    STALLKEEPER_LOG_LEVEL           DEBUG, INFO (default), WARNING, ERROR or CRITICAL
    STALLKEEPER_LOG_FORMAT          json, plain, or auto (default): plain on a terminal, JSON elsewhere
    STALLKEEPER_ALLOW_PRIVATE_URLS  comma-separated host names or networks (10.0.0.0/8) that shops may live at although they are private
    STALLKEEPER_SMTP_URL            mail server for notifications: smtp://user:password@host:587 (STARTTLS), smtps://…:465, or smtp+plain://
    STALLKEEPER_MAIL_FROM           address that e-mails come from; default the user of the SMTP URL
    STALLKEEPER_METRICS_TOKEN       whoever reads /metrics must show it; without one only this machine may
    STALLKEEPER_WORKER_METRICS_PORT port, or host:port, where each worker serves its figures (default: none; the host is 127.0.0.1)
    STALLKEEPER_TRACES              where OpenTelemetry traces go, for instance http://collector:4318 (default: none are made)
    STALLKEEPER_TRACES_SAMPLE       part of them that is kept, 0 to 1 (default 0.1)
    STALLKEEPER_TRUSTED_PROXIES     comma-separated addresses or networks of your own proxies, whose X-Forwarded-For and -Proto are believed
    STALLKEEPER_TIME_ZONE           default UTC
    STALLKEEPER_TEST_PLATFORMS      1 or 0 (default 0): offer platforms that exist for tests and adapter authors only

DATABASE_URL, STALLKEEPER_SECRET_KEY, STALLKEEPER_SMTP_URL and STALLKEEPER_METRICS_TOKEN may come from files instead, as containers and
systemd hand out secrets:
``DATABASE_URL_FILE`` and so on name the file.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import zoneinfo
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from stallkeeper import embedded, embedded_host
from stallkit.telling.types import MailServer

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_FORMATS = ("AUTO", "JSON", "PLAIN")
SECRET_KEY_LENGTH = 50
FROM_FILES = ("DATABASE_URL", "STALLKEEPER_SECRET_KEY", "STALLKEEPER_SMTP_URL", "STALLKEEPER_METRICS_TOKEN")

# libpq's names of what Django has settings for; everything else of a URL goes to OPTIONS.
DJANGO_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


class SettingError(ValueError):
    """A variable or a file of the data folder is missing or wrong. The text names it and says what to do."""


@dataclass(frozen=True)
class Environment:
    """What this installation was told. ``database_url`` is None while neither DATABASE_URL nor an embedded database exists."""

    home: Path
    database_url: str | None = field(repr=False)
    secret_key: str = field(repr=False)
    keyring: Path
    debug: bool
    allowed_hosts: tuple[str, ...]
    base_url: str
    log_level: str
    log_format: str
    metrics_token: str = field(repr=False)
    worker_metrics: tuple[str, int] | None
    traces: str
    traces_sample: float
    allow_private_urls: tuple[str, ...]
    trusted_proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    time_zone: str
    test_platforms: bool
    mail_server: MailServer | None = field(default=None, repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL, as browsers name them."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def databases(self) -> dict[str, dict[str, object]]:
        """Django's DATABASES. Without a URL it points to the socket of the embedded database, so that connecting says what is missing."""
        if self.database_url:
            return {"default": database_settings(self.database_url)}
        socket = embedded.socket_folder(embedded.cluster_folder(self.home))
        return {"default": database_settings(f"postgresql:///{embedded.DATABASE}") | {"HOST": str(socket)}}


def load(variables: Mapping[str, str] = os.environ) -> Environment:
    """Read everything. Makes the data folder and its secret key at first use; raises SettingError."""
    folder = home(variables)
    base_url = _base_url(variables)
    host = urlsplit(base_url).hostname or ""
    return Environment(
        home=folder,
        database_url=_database_url(variables) or embedded.known_url(folder),
        secret_key=variables.get("STALLKEEPER_SECRET_KEY") or _secret_key(folder),
        keyring=Path(variables.get("STALLKEEPER_KEYRING") or folder / "keyring.json"),
        debug=_flag(variables, "STALLKEEPER_DEBUG"),
        allowed_hosts=_words(variables, "STALLKEEPER_ALLOWED_HOSTS") or tuple(dict.fromkeys((host, "localhost", "127.0.0.1", "[::1]"))),
        base_url=base_url,
        log_level=_choice(variables, "STALLKEEPER_LOG_LEVEL", LOG_LEVELS, default="INFO"),
        log_format=_choice(variables, "STALLKEEPER_LOG_FORMAT", LOG_FORMATS, default="AUTO"),
        metrics_token=variables.get("STALLKEEPER_METRICS_TOKEN", "").strip(),
        worker_metrics=_worker_metrics(variables),
        traces=_traces(variables),
        traces_sample=_part(variables, "STALLKEEPER_TRACES_SAMPLE", 0.1),
        allow_private_urls=_words(variables, "STALLKEEPER_ALLOW_PRIVATE_URLS"),
        trusted_proxies=_networks(variables, "STALLKEEPER_TRUSTED_PROXIES"),
        time_zone=_time_zone(variables),
        test_platforms=_flag(variables, "STALLKEEPER_TEST_PLATFORMS"),
        mail_server=_mail_server(variables),
    )


def read_files(variables: MutableMapping[str, str]) -> None:
    """Replace each ``…_FILE`` of a secret by what stands in that file. SettingError if it cannot be read or the secret is given twice."""
    for name in FROM_FILES:
        file = variables.get(f"{name}_FILE")
        if not file:
            continue
        if variables.get(name):
            raise SettingError(f"{name} and {name}_FILE are both set: only one of them may be.")
        try:
            variables[name] = Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{name}_FILE: the file cannot be read ({error}).") from error
        del variables[f"{name}_FILE"]


def home(variables: Mapping[str, str] = os.environ) -> Path:
    """The data folder, absolute; not made here."""
    try:
        if given := variables.get("STALLKEEPER_HOME"):
            return Path(given).expanduser().absolute()
        if os.geteuid() == 0:
            return embedded_host.SYSTEM_HOME
        return Path(variables.get("XDG_DATA_HOME") or Path.home() / ".local" / "share").absolute() / "stallkeeper"
    except RuntimeError as error:  # a container's user number without a name
        raise SettingError(f"This user has no home folder ({error}). Set STALLKEEPER_HOME to the data folder.") from error


def database_settings(url: str, pool: bool = False) -> dict[str, object]:
    """One entry of Django's DATABASES for a libpq URL (percent-encoding, ``?host=/socket/folder``, several hosts, any libpq option).

    Raises SettingError, never showing the password.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingError("DATABASE_URL must begin with postgresql:// (Stallkeeper runs on PostgreSQL only).")
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError as error:
        raise SettingError(f"DATABASE_URL cannot be read: {_without_url(str(error), url)}") from None
    if not parts.get("dbname"):
        raise SettingError("DATABASE_URL names no database: end it with /name, for instance postgresql://user:password@host/stallkeeper.")
    django = {DJANGO_NAMES[name]: value for name, value in parts.items() if name in DJANGO_NAMES}
    options: dict[str, object] = {name: value for name, value in parts.items() if name not in DJANGO_NAMES}
    if pool:
        options["pool"] = True
    return {"ENGINE": "stallkeeper.core.postgres", **django, "OPTIONS": options}


def _without_url(text: str, url: str) -> str:
    password = urlsplit(url).netloc.rpartition("@")[0].partition(":")[2]
    hidden = text.replace(url, "the URL")
    return (hidden.replace(password, "…") if password else hidden).strip()


def _database_url(variables: Mapping[str, str]) -> str | None:
    url = variables.get("DATABASE_URL", "").strip()
    if url:
        database_settings(url)
    return url or None


def _secret_key(folder: Path) -> str:
    file = folder / "secret_key"
    try:
        embedded_host.make_home(folder)
        if not file.exists():
            embedded_host.write_secret(file, secrets.token_urlsafe(SECRET_KEY_LENGTH))
        key = file.read_text().strip()
    except OSError as error:
        raise SettingError(
            f"The data folder {folder} cannot be used: {error}. Set STALLKEEPER_HOME to a folder that you may write to."
        ) from error
    if len(key) < SECRET_KEY_LENGTH:
        raise SettingError(f"{file} holds fewer than {SECRET_KEY_LENGTH} characters. Delete it to get a new one (everybody is signed out).")
    return key


def _base_url(variables: Mapping[str, str]) -> str:
    url = variables.get("STALLKEEPER_BASE_URL", "http://localhost:8000").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingError(f"STALLKEEPER_BASE_URL must look like https://stalls.example.com, not {url!r}.")
    return url


def _words(variables: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in variables.get(name, "").split(",") if word.strip())


def _networks(variables: Mapping[str, str], name: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word, strict=False) for word in _words(variables, name))
    except ValueError as error:
        raise SettingError(f"{name} must hold addresses or networks like 127.0.0.1 or 10.0.0.0/8: {error}.") from error


def _choice(variables: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    value = variables.get(name, default).upper()
    if value not in choices:
        raise SettingError(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def _flag(variables: Mapping[str, str], name: str) -> bool:
    value = variables.get(name, "0").strip().lower()
    if value not in {"", "0", "1", "true", "false", "yes", "no"}:
        raise SettingError(f"{name} must be 1 or 0, not {value!r}.")
    return value in {"1", "true", "yes"}


SMTP = {"smtp": ("starttls", 587), "smtps": ("tls", 465), "smtp+plain": ("none", 25)}


def _mail_server(variables: Mapping[str, str]) -> MailServer | None:
    given = variables.get("STALLKEEPER_SMTP_URL", "").strip()
    if not given:
        return None
    parts = urlsplit(given)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in SMTP or not parts.hostname or port == -1:
        raise SettingError("STALLKEEPER_SMTP_URL must look like smtp://user:password@mail.example.com:587, smtps://… or smtp+plain://….")
    security, usual = SMTP[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    sender = variables.get("STALLKEEPER_MAIL_FROM", "").strip() or user
    if "@" not in sender:
        raise SettingError("STALLKEEPER_MAIL_FROM must be the address that e-mails come from, like stallkeeper@example.com.")
    return MailServer(parts.hostname, port or usual, security, user, password, sender)


def _worker_metrics(variables: Mapping[str, str]) -> tuple[str, int] | None:
    given = variables.get("STALLKEEPER_WORKER_METRICS_PORT", "").strip()
    if not given:
        return None
    host, _, port = given.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise SettingError(f"STALLKEEPER_WORKER_METRICS_PORT must be a port or host:port, for instance 9101, not {given!r}.")
    return host.strip("[]") or "127.0.0.1", int(port)


def _traces(variables: Mapping[str, str]) -> str:
    url = variables.get("STALLKEEPER_TRACES", "").strip().rstrip("/")
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise SettingError(f"STALLKEEPER_TRACES must look like http://collector:4318, not {url!r}.")
    return url


def _part(variables: Mapping[str, str], name: str, default: float) -> float:
    given = variables.get(name, "").strip()
    try:
        value = float(given) if given else default
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise SettingError(f"{name} must be a number from 0 to 1, not {given!r}.")
    return value


def _time_zone(variables: Mapping[str, str]) -> str:
    name = variables.get("STALLKEEPER_TIME_ZONE", "UTC")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise SettingError(f"STALLKEEPER_TIME_ZONE must be a name like Europe/Bucharest, not {name!r}.") from error
    return name
