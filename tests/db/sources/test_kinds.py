"""Each kind of source, from a real server to the level: fetched, mapped, taken in, known again (must show 3)."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from stallkit.sources.google_sheets.emulator import SheetsEmulator, Spreadsheet
from stallkit.testing.serving import Served
from tests.db.sources.conftest import Feed
from tests.file_servers import PASSWORD, USER, ImapServer, SftpServer, mail
from tests.ftp_server import FtpServer

SHEET = "1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"


def placed(root: Path, body: bytes, moment: float) -> None:
    (root / "stock.csv").write_bytes(body)
    os.utime(root / "stock.csv", (moment, moment))


def open_kind(kind: str, root: Path, stack: ExitStack, feed: Feed):
    """(config, secrets, how to lay figures there)"""
    config, hidden = {"host": "localhost", "user": USER, "as_of": "fetch"}, {"password": PASSWORD}
    if kind == "google_sheets":
        emulator = SheetsEmulator(feed.market.clock)
        served = stack.enter_context(Served(emulator))
        emulator.sheets[SHEET] = Spreadsheet({"Stock": []})
        emulator.sheets[SHEET].readers.add("hub@project.iam.gserviceaccount.com")
        config = {"spreadsheet": f"https://docs.google.com/spreadsheets/d/{SHEET}/edit", "api_url": served.url, "range": "Stock"}

        def typed(figures: dict[str, int]) -> None:
            emulator.sheets[SHEET].tabs["Stock"] = [["sku", "qty"], *([sku, number] for sku, number in figures.items())]

        return config, {"service_account": emulator.key_file()}, typed

    def text(figures: dict[str, int]) -> bytes:
        return "".join(["sku,qty\n", *(f"{sku},{number}\n" for sku, number in figures.items())]).encode()

    if kind == "imap":
        server = stack.enter_context(ImapServer(None))

        def sent(figures: dict[str, int]) -> None:
            message = mail("Supplier <stock@supplier.example>", "Stock", {"stock.csv": text(figures)})
            server.messages[max(server.messages, default=0) + 1] = message

        return config | {"port": str(server.port), "security": "none", "sender": "stock@supplier.example"}, hidden, sent
    server = stack.enter_context(FtpServer(root, (USER, PASSWORD)) if kind == "ftp" else SftpServer(root))
    more = {"port": str(server.port), "path": "/stock.csv"} | ({"security": "none"} if kind == "ftp" else {})

    def laid(figures: dict[str, int]) -> None:
        placed(root, text(figures), feed.market.clock().timestamp() - 3600)

    return config | more, hidden, laid


@pytest.mark.parametrize("kind", ["ftp", "sftp", "imap", "google_sheets"])
def test_a_source_of_this_kind_brings_levels(feed: Feed, tmp_path: Path, kind: str) -> None:
    far = feed.shop.add_place("FAR")
    with ExitStack() as stack:
        config, hidden, lay = open_kind(kind, tmp_path, stack, feed)
        lay({"SKU-1": 5, "SKU-2": 7})
        source = feed.add(kind, config, hidden, place=far)
        assert feed.run(source).outcome == "ok", feed.now(source).last_error
        assert [feed.shop.level(feed.units[sku], far)[0] for sku in ("SKU-1", "SKU-2")] == [5, 7]
        if kind == "sftp":
            assert feed.now(source).config.keys() > config.keys(), "the server's key is kept at first contact"
        feed.due()
        assert feed.run(source).outcome == "ok", feed.now(source).last_error
        assert feed.count(source) == 1, "the same file is nothing new"
        lay({"SKU-1": 4, "SKU-2": 7})
        feed.due()
        feed.run(source)
        assert feed.shop.level(feed.units["SKU-1"], far)[0] == 4
        assert PASSWORD not in str(feed.now(source).__dict__)
