"""A file at a web address, fetched again only if it changed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stallkit.errors import AdapterError, NeedsReconnect, Refused
from stallkit.http import Reply, Request
from stallkit.manifest import Limit, Setting, SettingKind
from stallkit.sources.bringing import AS_OF, SECONDS, digest_of, fingerprint, marks_of, parts_of, plain_name, time_of
from stallkit.sources.door import Door
from stallkit.sources.manifest import SourceManifest
from stallkit.sources.types import Fetched
from stallkit.tables import texts
from stallkit.words import said as _

MANIFEST = SourceManifest(
    kind="url",
    title=_("File at a web address"),
    settings=(
        Setting("address", _("Address"), SettingKind.URL, _("http:// or https://; a CSV, XLSX, XML, YML or JSON file, or a ZIP of one.")),
        Setting("user", _("User name"), required=False, help=_("If the server asks for one (basic authentication).")),
        Setting("password", _("Password"), SettingKind.SECRET, required=False),
        Setting(
            "header", _("Header"), required=False, help=_("Name of a header that carries a key, if the server asks for one: X-Api-Key.")
        ),
        Setting("header_value", _("Value of the header"), SettingKind.SECRET, required=False),
        AS_OF,
    ),
    file=True,
    pull=True,
)
LIMIT = Limit("url", 60, timedelta(minutes=1), "our own courtesy")


class Source:
    """See ``protocol.Source``. Conditional by ETag and Last-Modified; where the server knows neither, by the content."""

    MANIFEST = MANIFEST

    def __init__(self, config: Mapping[str, str], door: Door, clock: Callable[[], datetime]) -> None:
        self.config, self.door, self.clock = config, door, clock
        self.address = config.get("address", "").strip()
        if not (config.get("header_value", "").isascii() and config.get("header_value", "").isprintable()):
            raise NeedsReconnect(_("the value of the header holds characters that cannot be sent there; enter it again"))
        if config.get("header") and not config["header"].replace("-", "").isalnum():
            raise NeedsReconnect(_("{header!r} is not the name of a header; write it like X-Api-Key", header=config["header"]))

    def fetch(self, folder: Path, seen: str) -> Fetched | None:
        began, parts, known = self.clock(), parts_of(self.address), marks_of(seen)
        path = folder / "file"
        base = f"{parts.scheme}://{parts.netloc}"
        http = self.door.http(self.address, self.clock, self._secrets()).with_(base_url=base, read_error=refusal)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = Request("GET", target, LIMIT, headers={**self._headers(), **conditions(known)}, accept=frozenset({304}))
        with http.client, path.open("wb") as file:
            reply = http.save(request, file, texts.MOST_BYTES, SECONDS)
        digest = digest_of(path)
        if reply.status == 304 or digest == known.get("sha256"):
            return None
        marks = fingerprint(etag=reply.headers.get("etag", ""), modified=reply.headers.get("last-modified", ""), sha256=digest)
        as_of = time_of(self.config, moment_of(reply.headers.get("last-modified", "")), began)
        return Fetched(path, plain_name(unquote(parts.path), parts.hostname or "file"), marks, as_of)

    def _headers(self) -> dict[str, str]:
        headers = {}
        if self.config.get("user"):
            headers["Authorization"] = f"Basic {self._basic()}"
        if self.config.get("header"):
            headers[self.config["header"]] = self.config.get("header_value", "")
        return headers

    def _basic(self) -> str:
        return base64.b64encode(f"{self.config['user']}:{self.config.get('password', '')}".encode()).decode()

    def _secrets(self) -> tuple[str, ...]:
        kept = (self.config.get("password", ""), self.config.get("header_value", ""), self._basic() if self.config.get("user") else "")
        return tuple(secret for secret in kept if secret)


def conditions(known: Mapping[str, str]) -> dict[str, str]:
    """The headers that ask for the file only if it is another one than last time."""
    asked = {"If-None-Match": known.get("etag", ""), "If-Modified-Since": known.get("modified", "")}
    return {name: value for name, value in asked.items() if value}


def moment_of(header: str) -> datetime | None:
    """The moment in a date header; None if it is absent or no date."""
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def refusal(reply: Reply) -> AdapterError | None:
    """What a person who entered an address needs to know."""
    if 300 <= reply.status < 400:
        there = urlsplit(reply.headers.get("location", "")).netloc.rpartition("@")[2]
        where = there or _("another page")
        return NeedsReconnect(
            _(
                "the address sends us on to {where} (HTTP {status}); enter the address where the file really is",
                where=where,
                status=reply.status,
            )
        )
    if reply.status in {404, 410}:
        return Refused(
            _("there is no file at this address (HTTP {status})", status=reply.status), code=str(reply.status), status=reply.status
        )
    return None
