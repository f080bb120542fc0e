"""A Google sheet. With a service account by the Sheets API; without one as CSV, if it is published or anyone with the link may read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from stallkit.errors import NeedsReconnect, Refused, Unintelligible
from stallkit.http import Door as HttpDoor
from stallkit.http import Reply, Request
from stallkit.manifest import Setting, SettingKind
from stallkit.sources.bringing import SECONDS, digest_of, fingerprint, marks_of
from stallkit.sources.door import Door
from stallkit.sources.google_sheets import wire
from stallkit.sources.manifest import SourceManifest
from stallkit.sources.types import Fetched
from stallkit.tables import texts
from stallkit.words import said as _

MANIFEST = SourceManifest(
    kind="google_sheets",
    title=_("Google Sheets"),
    settings=(
        Setting("spreadsheet", _("Address of the sheet"), help=_("As the browser shows it, with the tab open that holds the stock.")),
        Setting(
            "service_account",
            _("Key of a service account"),
            SettingKind.SECRET,
            required=False,
            help=_(
                "The whole JSON file. Share the sheet with its client_email. Without a key anyone with the link must be allowed to read."
            ),
        ),
        Setting("range", _("Range"), required=False, help=_("A tab or a range, if it is not the whole tab: Stock!A1:D5000.")),
        Setting("api_url", _("Other address"), SettingKind.URL, required=False, help=_("Only for a proxy or an emulator of Google's API.")),
    ),
    file=True,
    pull=True,
)


class Source:
    """See ``protocol.Source``. The numbers are as of the moment when they are asked for; the same as last time by their content."""

    MANIFEST = MANIFEST

    def __init__(self, config: Mapping[str, str], door: Door, clock: Callable[[], datetime]) -> None:
        self.config, self.door, self.clock = config, door, clock
        self.place = wire.read_place(config.get("spreadsheet", ""))
        key = config.get("service_account", "").strip()
        self.account = wire.read_account(key) if key else None
        if self.account is not None and self.place.published:
            raise NeedsReconnect(_("with a service account enter the sheet's own address, not the one that it is published at"))

    def fetch(self, folder: Path, seen: str) -> Fetched | None:
        began, path = self.clock(), folder / "file"
        if self.account is not None:
            path.write_bytes(self._values(self.account))
        else:
            self._export(path)
        digest = digest_of(path)
        if digest == marks_of(seen).get("sha256"):
            return None
        return Fetched(path, "sheet.csv" if self.account is None else "sheet.json", fingerprint(sha256=digest), began)

    def _values(self, account: wire.Account) -> bytes:
        token = self._token(account)
        http = self._http(wire.API, (token,)).with_(read_error=lambda reply: wire.trouble(reply, self.clock(), account.client_email))
        with http.client:
            typed = self.config.get("range", "")
            book = wire.Book([]) if typed.strip() else http.call(wire.build_book(self.place, token)).decode(wire.Book)
            if not typed.strip() and not book.sheets:
                raise Unintelligible(_("Google tells of no sheet in this spreadsheet"))
            cells = wire.range_of(book, self.place.gid, typed)
            return wire.padded(http.call(wire.build_values(self.place, cells, token)).decode(wire.Values))

    def _token(self, account: wire.Account) -> str:
        request = wire.build_token(account, self.clock())
        http = self._http(wire.TOKENS, ()).with_(read_error=wire.token_trouble)
        with http.client:
            return http.call(request).decode(wire.Token).access_token

    def _http(self, host: str, secrets: tuple[str, ...]) -> HttpDoor:
        typed = self.config.get("api_url", "").strip()
        return self.door.http(typed or host, self.clock, secrets, typed=bool(typed))

    def _export(self, path: Path) -> None:
        """Fetch the CSV, going on only to where Google keeps such files."""
        http, request = self._http(wire.DOCUMENTS, ()).with_(read_error=wire.export_trouble), wire.build_csv(self.place)
        for _hop in range(wire.MOST_HOPS):
            with http.client, path.open("wb") as file:
                reply = http.save(request, file, texts.MOST_BYTES, SECONDS)
            if not 300 <= reply.status < 400:
                return
            http, request = self._onward(reply)
        raise Refused(_("Google sends us round in circles; publish the sheet anew"), code="redirects")

    def _onward(self, reply: Reply) -> tuple[HttpDoor, Request]:
        there = urlsplit(reply.headers.get("location", ""))
        host = there.hostname or ""
        emulated = urlsplit(self.config.get("api_url", "")).netloc
        if host.startswith("accounts.google."):
            raise NeedsReconnect(_("the sheet is not open to anyone with the link: open it, publish it, or use a service account"))
        google = there.scheme == "https" and (host == "docs.google.com" or host.endswith(".googleusercontent.com"))
        if not google and there.netloc != emulated:
            raise NeedsReconnect(_("Google sends us on to {host}, which is not where it keeps sheets", host=host or _("nowhere")))
        target = there.path + (f"?{there.query}" if there.query else "")
        base = f"{there.scheme}://{there.netloc}"
        return self.door.http(base, self.clock), Request("GET", target, wire.READS, accept=wire.ONWARD)
