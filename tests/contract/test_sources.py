"""Every kind of source on a real server: it brings the file, knows it again, refuses what is bad, and tells no secret (S3.4–S3.18)."""

import json
import os
import threading
import time
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from zoneinfo import ZoneInfo

import paramiko
import pytest

from stallkit import http
from stallkit.errors import AdapterError, NeedsReconnect, Refused, SlowDown, TryLater, Unintelligible
from stallkit.guard import AddressNotAllowed
from stallkit.sources import ftp, imap, registry, sftp, url
from stallkit.sources.door import Door
from stallkit.sources.files import figures, preview
from stallkit.sources.google_sheets.emulator import SheetsEmulator, Spreadsheet
from stallkit.sources.types import Columns, Figure, FileRefused, RowProblem
from stallkit.tables import texts
from stallkit.testing.emulator import Fault
from stallkit.testing.serving import Served
from tests.file_servers import (
    LOOPBACK,
    PASSWORD,
    USER,
    ImapServer,
    SftpServer,
    Speaker,
    WebServer,
    certificate,
    mail,
)
from tests.ftp_server import FtpServer
from tests.said import all_said
from tests.tables import xlsx

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture(autouse=True)
def _said():
    """Every error that comes up here could be shown in another language."""
    with all_said():
        yield


CODES = Columns(code="sku", quantity="qty")
STOCK = b"sku,qty\nMUG-1,5\nMUG-2,7\n"
SHEET = "1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
FILES = ("url", "ftp", "ftps", "ftps_implicit", "sftp", "imap", "imaps", "imap_starttls")
"""Kinds that bring a file as it is, each with the encryption that it can have."""


def clock():
    return NOW


@dataclass
class Stand:
    """A server with the config that reaches it. ``put`` places a file there, as the newest."""

    kind: str
    config: dict
    put: object
    server: object
    door: Door

    def fetch(self, parent, seen="", **changes):
        into = parent / f"got-{len(list(parent.iterdir()))}"
        into.mkdir()
        return registry.build(self.kind, {**self.config, **changes}, self.door, clock).fetch(into, seen)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def stand(request, tmp_path, tls):
    served, trusting = tls
    root = tmp_path / "root"
    root.mkdir()
    with ExitStack() as stack:
        yield _stand(request.param, root, stack, served, Door(allow=LOOPBACK, verify=trusting))


def _stand(name, root, stack, served, door):
    signed_in = {"host": "localhost", "user": USER, "password": PASSWORD}

    def write(body, name="stock.csv"):
        (root / name).write_bytes(body)
        os.utime(root / name, (NOW.timestamp() - 3600 + write.count,) * 2)
        write.count += 1

    write.count = 0
    if name == "url":
        web = stack.enter_context(WebServer())
        config = {"address": f"{web.url}/locked/stock.csv?key=1", "user": USER, "password": PASSWORD}
        return Stand("url", config, lambda body, name="stock.csv": web.files.update({f"/locked/{name}": body}), web, door)
    if name.startswith("ftp"):
        server = stack.enter_context(FtpServer(root, (USER, PASSWORD), None if name == "ftp" else served, implicit=name == "ftps_implicit"))
        security = {"ftp": "none", "ftps": "explicit", "ftps_implicit": "implicit"}[name]
        return Stand("ftp", {**signed_in, "port": str(server.port), "security": security, "path": "/stock.csv"}, write, server, door)
    if name == "sftp":
        server = stack.enter_context(SftpServer(root))
        return Stand("sftp", {**signed_in, "port": str(server.port), "path": "/stock.csv"}, write, server, door)
    server = stack.enter_context(ImapServer(served if name == "imaps" else None, starttls=served if name == "imap_starttls" else None))
    security = {"imap": "none", "imaps": "tls", "imap_starttls": "starttls"}[name]
    config = {**signed_in, "port": str(server.port), "security": security, "sender": "stock@supplier.example"}

    def send(body, name="stock.csv"):
        server.messages[max(server.messages, default=0) + 1] = mail("Supplier <stock@supplier.example>", "Stock", {name: body})

    return Stand("imap", config, send, server, door)


def amounts(fetched):
    rows = list(figures(fetched.path, preview(fetched.path).shape, CODES, UTC_ZONE))
    return {row.code: row.quantity for row in rows if isinstance(row, Figure)}


def secretless(error):
    text = f"{error} {error.args} {error.detail}"
    assert PASSWORD not in text
    assert "PRIVATE" not in text
    return True


# --- all kinds ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stand", FILES, indirect=True)
def test_it_brings_the_file_and_knows_it_again(stand, tmp_path):
    stand.put(STOCK)
    first = stand.fetch(tmp_path)
    assert (amounts(first), first.name) == ({"MUG-1": 5, "MUG-2": 7}, "stock.csv")
    assert first.as_of is not None
    assert NOW - timedelta(hours=5) < first.as_of <= NOW
    keep = dict(first.learned)
    assert stand.fetch(tmp_path, first.fingerprint, **keep) is None
    stand.put(b"sku,qty\nMUG-1,4\n")
    second = stand.fetch(tmp_path, first.fingerprint, as_of="fetch", **keep)
    assert (amounts(second), second.as_of) == ({"MUG-1": 4}, NOW)
    assert second.fingerprint != first.fingerprint
    assert stand.fetch(tmp_path, "rubbish", **keep) is not None


def bad_files():
    """Name to (body, the words of the refusal)."""
    with BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("stock.csv", STOCK * 5_000)
            archive.writestr("zeros", b"")
        whole = target.getvalue()
    with BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("stock.csv", b"0" * 60_000_000)
        bomb = target.getvalue()
    return {
        "truncated zip": (whole[: len(whole) // 2], "cut off"),
        "entities": (b'<!DOCTYPE r [<!ENTITY a "b">]><r><i sku="A" qty="1"/></r>', "entities"),
        "expansion": (bomb, "unpacks to far more"),
        "wrong encoding": ("sku,qty\ncafé à la crème,1\n".encode("latin-1"), "not UTF-8"),
        "missing column": (b"sku,price\nA,1\n", "Column 'qty' is not in the file"),
        "empty": (b"", "empty"),
        "page": (b"<!doctype html><title>Sign in</title>", "web page"),
    }


@pytest.mark.parametrize("stand", ["url", "ftp", "sftp", "imap"], indirect=True)
def test_bad_files_are_brought_and_refused_before_any_row(stand, tmp_path):
    for body, words in bad_files().values():
        stand.put(body)
        fetched = stand.fetch(tmp_path)
        with pytest.raises(FileRefused, match=words):
            figures(fetched.path, preview(fetched.path).shape, CODES, UTC_ZONE)
    stand.put(b"sku,qty\nA,many\nB,2\n")
    bad, good = figures(stand.fetch(tmp_path).path, preview(stand.fetch(tmp_path).path).shape, CODES, UTC_ZONE)
    assert (type(bad), bad.row, bad.column, bad.value, good.quantity) == (RowProblem, 2, "qty", "many", 2)


@pytest.mark.parametrize("stand", FILES, indirect=True)
def test_wrong_passwords_need_a_person_and_are_not_told(stand, tmp_path):
    stand.put(STOCK)
    with pytest.raises(NeedsReconnect) as caught:
        stand.fetch(tmp_path, password="wrong-" + PASSWORD)
    assert secretless(caught.value)


@pytest.mark.parametrize("stand", FILES, indirect=True)
def test_a_file_that_is_too_large_is_not_fetched_to_its_end(stand, tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "MOST_BYTES", 100_000)
    monkeypatch.setattr(imap, "MOST_BYTES", 100_000)
    stand.put(STOCK + b"#" * 3_000_000)
    with pytest.raises((FileRefused, Unintelligible), match=r"MB|larger than 100000 bytes"):
        stand.fetch(tmp_path)
    assert all(path.stat().st_size < 300_000 for path in tmp_path.rglob("got-*/*"))


@pytest.mark.parametrize("stand", FILES, indirect=True)
def test_addresses_inside_are_not_called(stand, tmp_path):
    """Nobody may reach through the hub what only this machine can reach, by whatever protocol (S3.4, INVARIANTS 3.3)."""
    stand.put(STOCK)
    stand.door = Door(verify=stand.door.verify)
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1"):
        target = {"address": f"http://{host}:{stand.server.port}/locked/stock.csv"} if stand.kind == "url" else {"host": host}
        with pytest.raises(AddressNotAllowed):
            stand.fetch(tmp_path, **target)
    for host in ("", "a b", "ex\nample", "user@host", "host..example", "[::1", "a" * 70 + ".example", "ż" * 70):
        target = {"address": f"http://{host}:1/"} if stand.kind == "url" else {"host": host}
        with pytest.raises((NeedsReconnect, TryLater)):
            stand.fetch(tmp_path, **target)


@pytest.mark.parametrize("stand", ["url", "ftp", "sftp", "imap"], indirect=True)
def test_a_file_that_is_not_there_is_said(stand, tmp_path):
    with pytest.raises(Refused, match=r"no file|no such file|none of the newest"):
        stand.fetch(tmp_path)


@pytest.mark.parametrize(
    ("kind", "pieces"),
    [
        ("url", ()), ("ftp", ()), ("sftp", ()), ("imap", ()),
        ("url", (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsku",)), ("ftp", (b"220 hello\r\n",)),
        ("sftp", (b"SSH-2.0-x\r\n",)), ("imap", (b"* OK\r\n",)),
        ("ftp", (b"220-" + b"x" * 1_000_000,)), ("ftp", (b"220-more\r\n" * 30_000,)), ("sftp", (b"x" * 1_000_000,)),
        ("imap", (b"* OK " + b"x" * 21_000_000,)), ("imap", (b"* OK\r\n* X {99999999999}\r\n",)),
        ("url", (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000,)),
    ],
)  # fmt: skip
def test_servers_that_say_nothing_or_never_stop(kind, pieces, tmp_path, monkeypatch):
    """Every wait has an end, and every error is one of ours."""
    for module in (ftp, sftp, imap):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(http, "TIMEOUT", http.httpx.Timeout(0.3))
    with Speaker(*pieces, hold=True) as server:
        common = {"host": "127.0.0.1", "port": str(server.port), "user": USER, "password": PASSWORD, "security": "none", "path": "/x"}
        config = {**common, "sender": "a@b.example", "address": f"http://127.0.0.1:{server.port}/"}
        with pytest.raises((AdapterError, FileRefused)) as caught:
            registry.build(kind, config, Door(LOOPBACK), clock).fetch(tmp_path, "")
        assert server.calls == 1
    assert PASSWORD not in str(caught.value)
    assert not isinstance(caught.value, NeedsReconnect)


@pytest.mark.parametrize(
    ("kind", "start"), [("ftp", b"220 "), ("sftp", b"SSH-2.0-x\r\n"), ("imap", b"* OK "), ("url", b"HTTP/1.1 200 OK\r\n\r\n")]
)
def test_servers_that_drip_are_cut_off(kind, start, tmp_path, monkeypatch):
    """A letter now and then keeps every time-out from running out; the whole has an end all the same."""
    for module in (ftp, sftp, imap, url):
        monkeypatch.setattr(module, "SECONDS", 0.5)
        monkeypatch.setattr(module, "ANSWER_SECONDS", 20, raising=False)
    with Speaker(start, drip=0.02) as server:
        common = {"host": "127.0.0.1", "port": str(server.port), "user": USER, "password": PASSWORD, "security": "none", "path": "/x"}
        config = {**common, "sender": "a@b.example", "address": f"http://127.0.0.1:{server.port}/"}
        began = time.monotonic()
        with pytest.raises((TryLater, Unintelligible)):
            registry.build(kind, config, Door(LOOPBACK), clock).fetch(tmp_path, "")
        assert time.monotonic() - began < 15, "well before one answer's time is out"


# --- url ----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stand", ["url"], indirect=True)
def test_an_unchanged_file_is_not_sent_again(stand, tmp_path):
    stand.put(STOCK)
    fetched = stand.fetch(tmp_path)
    assert fetched.as_of == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    assert stand.fetch(tmp_path, fetched.fingerprint) is None
    assert [status for _, status in stand.server.seen] == [200, 304]
    stand.server.marks = False
    unmarked = stand.fetch(tmp_path, fetched.fingerprint)
    assert unmarked is None, "the same content, although the server cannot tell"
    assert stand.fetch(tmp_path).as_of == NOW


@pytest.mark.parametrize("stand", ["url"], indirect=True)
def test_redirects_are_named_and_not_followed(stand, tmp_path):
    stand.server.odd["/locked/stock.csv"] = (302, {"Location": "http://user:pw@elsewhere.example:81/x?token=1"}, b"")
    with pytest.raises(NeedsReconnect, match=r"sends us on to elsewhere.example:81 \(HTTP 302\)"):
        stand.fetch(tmp_path)
    assert len(stand.server.seen) == 1


@pytest.mark.parametrize("stand", ["url"], indirect=True)
def test_a_key_may_go_in_a_header(stand, tmp_path):
    stand.server.files["/open.csv"] = STOCK
    address = {"address": f"{stand.server.url}/open.csv", "user": ""}
    assert stand.fetch(tmp_path, header="X-Api-Key", header_value=PASSWORD, **address) is not None
    for value in ("1\r\nHost: evil.example", "zażółć"):
        with pytest.raises(NeedsReconnect, match="cannot be sent"):
            stand.fetch(tmp_path, header="X-Api-Key", header_value=value, **address)
    with pytest.raises(NeedsReconnect, match="not the name of a header"):
        stand.fetch(tmp_path, header="X Key\r\n", header_value="1", **address)
    with pytest.raises(AddressNotAllowed, match="user name or password"):
        stand.fetch(tmp_path, address=f"http://me:{PASSWORD}@127.0.0.1/x")


# --- ftp ----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stand", ["ftp"], indirect=True)
def test_data_comes_from_the_checked_address_whatever_the_server_says(stand, tmp_path):
    """A server that points the data connection elsewhere could make us call what only this machine can reach."""
    stand.server.handler.masquerade_address = "10.9.9.9"
    stand.put(STOCK)
    assert amounts(stand.fetch(tmp_path)) == {"MUG-1": 5, "MUG-2": 7}


@pytest.mark.parametrize("stand", ["ftp", "sftp"], indirect=True)
def test_the_newest_file_that_fits_is_taken(stand, tmp_path):
    for name, quantity in (("stock-2.csv", 1), ("stock-1.csv", 2), ("other.csv", 3)):
        stand.put(f"sku,qty\nA,{quantity}\n".encode(), name)
    fetched = stand.fetch(tmp_path, path="/stock-*.csv")
    assert (fetched.name, amounts(fetched)) == ("stock-1.csv", {"A": 2})
    with pytest.raises(Refused, match="fits"):
        stand.fetch(tmp_path, path="/nothing-*.csv")
    with pytest.raises(NeedsReconnect, match="line breaks"):
        stand.fetch(tmp_path, path="/a\r\nDELE b")


@pytest.mark.parametrize("stand", ["ftp", "sftp"], indirect=True)
def test_a_file_that_is_being_written_is_left_for_later(stand, tmp_path, monkeypatch):
    stand.put(STOCK)
    read = {"ftp": (ftp.Source, "_download"), "sftp": (sftp, "_download")}[stand.kind]
    download = getattr(*read)

    def written_meanwhile(*arguments):
        download(*arguments)
        stand.put(STOCK + b"MUG-3,1\n")

    monkeypatch.setattr(*read, written_meanwhile)
    with pytest.raises(TryLater, match="being written"):
        stand.fetch(tmp_path)


@pytest.mark.parametrize("stand", ["ftps", "imaps"], indirect=True)
def test_a_certificate_that_nobody_vouches_for_gets_no_password(stand, tmp_path):
    stand.put(STOCK)
    stand.door = Door(allow=LOOPBACK)
    with pytest.raises(NeedsReconnect, match="certificate cannot be trusted"):
        stand.fetch(tmp_path)
    assert "LOGIN" not in getattr(stand.server, "commands", [])


# --- sftp ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stand", ["sftp"], indirect=True)
def test_the_servers_key_is_kept_from_first_contact_on(stand, tmp_path):
    stand.put(STOCK)
    learned = stand.fetch(tmp_path).learned
    assert learned["host_key"].startswith("ecdsa-sha2-nistp256 SHA256:")
    again = stand.fetch(tmp_path, **learned)
    assert again.learned == {}
    assert stand.fetch(tmp_path, again.fingerprint, **learned) is None
    assert stand.fetch(tmp_path, again.fingerprint).learned == learned, "somebody cleared the key: it is learned anew, whatever was seen"
    stand.server.key = paramiko.ECDSAKey.generate()
    with pytest.raises(NeedsReconnect, match="shows another key") as caught:
        stand.fetch(tmp_path, **learned)
    assert secretless(caught.value)
    assert stand.server.passwords == [PASSWORD] * 4, "the other server was not shown it"


@pytest.mark.parametrize("stand", ["sftp"], indirect=True)
def test_private_keys(stand, tmp_path):
    stand.put(STOCK)
    key = paramiko.ECDSAKey.generate()
    stand.server.keys.append(key)
    for phrase in ("", "phrase"):
        text = _pem(key, phrase)
        assert stand.fetch(tmp_path, private_key=text, password=phrase) is not None
    with pytest.raises(NeedsReconnect, match="pass phrase"):
        stand.fetch(tmp_path, private_key=text, password="")
    with pytest.raises(NeedsReconnect, match="cannot be read") as caught:
        stand.fetch(tmp_path, private_key="PRIVATE rubbish")
    assert secretless(caught.value)
    with pytest.raises(NeedsReconnect, match="does not know this user"):
        stand.fetch(tmp_path, private_key=_pem(paramiko.ECDSAKey.generate(), ""))


def _pem(key, phrase):
    target = StringIO()
    key.write_private_key(target, phrase or None)
    return target.getvalue()


# --- imap ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stand", ["imap"], indirect=True)
def test_the_newest_message_that_brings_the_file_counts(stand, tmp_path):
    box = stand.server.messages
    box[1] = mail("stock@supplier.example", "Остатки", {"old.csv": b"sku,qty\nA,1\n"})
    box[2] = mail("Supplier <STOCK@supplier.example>", "Stock", {"stock.csv": b"sku,qty\nA,2\n", "logo.png": b"x"})
    box[3] = mail("stock@supplier.example", "Invoice", {"invoice.pdf": b"x"})
    box[4] = mail("notstock@supplier.example", "Stock", {"stock.csv": b"sku,qty\nA,4\n"})
    box[5] = mail("stock@supplier.example.evil.example", "Stock", {"stock.csv": b"sku,qty\nA,5\n"})
    fetched = stand.fetch(tmp_path)
    assert (amounts(fetched), fetched.name, fetched.as_of) == ({"A": 2}, "stock.csv", datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
    assert stand.fetch(tmp_path, fetched.fingerprint) is None
    stand.server.validity += 1
    assert stand.fetch(tmp_path, fetched.fingerprint) is None, "the mailbox was numbered anew: the same file"
    assert amounts(stand.fetch(tmp_path, sender="@supplier.example")) == {"A": 4}
    assert amounts(stand.fetch(tmp_path, attachment="OLD*.csv")) == {"A": 1}
    assert amounts(stand.fetch(tmp_path, subject="остатки")) == {"A": 1}
    box[6] = mail("stock@supplier.example", "Stock", {"a.csv": b"", "b.csv": b""})
    with pytest.raises(FileRefused, match=r"brings 2 files that fit \(a.csv, b.csv\)"):
        stand.fetch(tmp_path)
    with pytest.raises(Refused, match="no such folder"):
        stand.fetch(tmp_path, folder="Archive")
    assert not {"STORE", "EXPUNGE", "SELECT"} & set(stand.server.commands), "nothing in the mailbox is changed"
    for wrong in ({"sender": ""}, {"subject": 'x"\r\nA1 DELETE INBOX'}, {"folder": "a\nb"}, {"port": "x"}):
        with pytest.raises(NeedsReconnect):
            stand.fetch(tmp_path, **wrong)


# --- google_sheets ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def google(tmp_path):
    emulator = SheetsEmulator(clock)
    tabs = {
        "Notes": [["nothing"]],
        "Stock": [["sku", "note", "qty"], ["00123", "x", 5], [4601234567893, None, 7.0], ["C", "no figure"], []],
    }
    emulator.sheets[SHEET] = Spreadsheet(tabs)
    with Served(emulator) as served:
        config = {"spreadsheet": f"https://docs.google.com/spreadsheets/d/{SHEET}/edit#gid=1", "api_url": served.url}
        yield emulator, Stand("google_sheets", config, None, emulator, Door(LOOPBACK))


def test_a_sheet_by_service_account(google, tmp_path):
    emulator, stand = google
    key = emulator.key_file()
    emulator.sheets[SHEET].readers.add("hub@project.iam.gserviceaccount.com")
    stand.config["service_account"] = key
    fetched = stand.fetch(tmp_path)
    assert (amounts(fetched), fetched.as_of) == ({"00123": 5, "4601234567893": 7}, NOW)
    rows = list(figures(fetched.path, preview(fetched.path).shape, CODES, UTC_ZONE))
    assert (rows[2].row, rows[2].column, "unknown is not zero" in rows[2].message) == (4, "qty", True)
    assert stand.fetch(tmp_path, fetched.fingerprint) is None
    emulator.sheets[SHEET].tabs["Stock"][1][2] = 4
    assert amounts(stand.fetch(tmp_path, fetched.fingerprint, range="Stock!A1:C2")) == {"00123": 4}
    emulator.sheets[SHEET].tabs["Stock"][:] = []
    with pytest.raises(FileRefused, match=r"empty|no rows"):
        figures(stand.fetch(tmp_path).path, preview(stand.fetch(tmp_path).path).shape, CODES, UTC_ZONE)


def test_a_sheet_that_anyone_may_read(google, tmp_path):
    emulator, stand = google
    with pytest.raises(NeedsReconnect, match="not open to anyone with the link"):
        stand.fetch(tmp_path)
    emulator.sheets[SHEET].public = True
    published = {"spreadsheet": f"https://docs.google.com/spreadsheets/d/e/{SHEET}/pubhtml?gid=1&single=true"}
    for changes in ({}, published):
        fetched = stand.fetch(tmp_path, **changes)
        assert amounts(fetched) == {"00123": 5, "4601234567893": 7}
        assert stand.fetch(tmp_path, fetched.fingerprint, **changes) is None


def test_google_says_no(google, tmp_path):
    emulator, stand = google
    stand.config["service_account"] = key = emulator.key_file()
    account = json.loads(key)
    assert "PRIVATE" in account["private_key"]

    def error(kind, words, **changes):
        with pytest.raises(kind, match=words) as caught:
            stand.fetch(tmp_path, **changes)
        assert secretless(caught.value)
        assert not any(token in str(caught.value) for token in emulator.tokens)

    error(NeedsReconnect, "not shared with hub@project")
    emulator.sheets[SHEET].readers.add(account["client_email"])
    error(Refused, "no such spreadsheet", spreadsheet="2" + SHEET)
    error(Refused, "cannot read this range", range="Nowhere!A1:B2")
    error(Refused, "no tab with the number 9", spreadsheet=f"https://docs.google.com/spreadsheets/d/{SHEET}/edit?gid=9#gid=9")
    error(NeedsReconnect, "not the address of a Google sheet", spreadsheet="https://evil.example/spreadsheets")
    error(NeedsReconnect, "not the JSON file", service_account='{"client_email": "x"')
    error(
        NeedsReconnect,
        "private key in the service account's file cannot be read",
        service_account=json.dumps(account | {"private_key": "PRIVATE"}),
    )
    stranger = SheetsEmulator(clock).key_file()
    error(NeedsReconnect, "does not accept the service account's key", service_account=stranger)
    faults = {
        Fault.RATE_LIMIT: SlowDown,
        Fault.SERVER_ERROR: TryLater,
        Fault.HTML: Unintelligible,
        Fault.CUT_JSON: Unintelligible,
        Fault.DROP_AFTER: TryLater,
    }
    for fault, kind in faults.items():
        emulator.fail_next(fault, path="/values/")
        error(kind, ".")
    assert amounts(stand.fetch(tmp_path)) == {"00123": 5, "4601234567893": 7}


@pytest.mark.parametrize(
    "there", ["http://127.0.0.1:9/x", "https://evil.example/x", "https://docs.google.com.evil.example/", "", "ftp://x"]
)
def test_google_sends_us_nowhere_else(google, there):
    _, stand = google
    source = registry.build("google_sheets", stand.config, stand.door, clock)
    with pytest.raises(NeedsReconnect, match="not where it keeps sheets"):
        source._onward(http.Reply(302, {"location": there}, b""))


# --- the whole way ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stand", ["url"], indirect=True)
def test_a_hundred_thousand_rows_by_the_web(stand, tmp_path):
    rows = [["sku", "qty"], *[[f"A-{n}", n % 90] for n in range(100_000)]]
    stand.put(xlsx(tmp_path / "big.xlsx", rows).read_bytes())
    assert sum(amounts(stand.fetch(tmp_path)).values()) == sum(n % 90 for n in range(100_000))


def test_every_kind_says_what_it_needs():
    for kind in registry.KINDS:
        manifest = registry.manifest_of(kind)
        assert (manifest.kind, manifest.file, manifest.pull) == (kind, True, True)
        names = [setting.name for setting in manifest.settings]
        assert len(set(names)) == len(names)
        for setting in manifest.settings:
            assert setting.default == "" or not setting.choices or setting.default in dict(setting.choices)


def test_two_at_once_do_not_meet(tmp_path):
    """Sources hold no globals: two fetches of one process on two servers."""
    results = {}
    with WebServer() as one, WebServer() as two:
        one.files["/a"], two.files["/a"] = b"sku,qty\nA,1\n", b"sku,qty\nA,2\n"

        def fetch(server):
            (folder := tmp_path / str(server.port)).mkdir()
            results[server.port] = amounts(registry.build("url", {"address": f"{server.url}/a"}, Door(LOOPBACK), clock).fetch(folder, ""))

        threads = [threading.Thread(target=fetch, args=(server,)) for server in (one, two)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert results == {one.port: {"A": 1}, two.port: {"A": 2}}
