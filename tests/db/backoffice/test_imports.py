"""The import screen with files as people have them: every message names the row, the column and what to do."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from stallkeeper.channels.models import Connection, RemoteListing
from stallkeeper.core import clock
from tests.busy_shop import BusyShop, text


class AtOnce:
    """A thread that has ended as soon as it was started."""

    def __init__(self, target: Callable[..., None], args: tuple[object, ...], **_kwargs: object) -> None:
        self.work = lambda: target(*args)

    def start(self) -> None:
        self.work()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stallkeeper.backoffice.import_jobs.threading", SimpleNamespace(Thread=AtOnce))
    monkeypatch.setattr("stallkeeper.backoffice.import_jobs.connection.close", lambda: None)


def upload(client: Client, content: bytes, name: str = "file.csv", kind: str = "products", **given: str) -> str:
    """What the screen says of a file, in words."""
    file = SimpleUploadedFile(name, content)
    return text(client.post(reverse("backoffice:imports"), {"kind": kind, "file": file, "dry_run": "on", **given}, follow=True))


def test_a_file_in_another_encoding_is_read_when_the_screen_is_told(busy: BusyShop, client: Client) -> None:
    content = "sku,title\nNEW-1,Żółty kubek\n".encode("windows-1250")
    shown = upload(client, content)
    assert "is not UTF-8" in shown
    assert "under “Encoding”" in shown
    assert "--encoding" not in shown
    assert "Would change 1 Refused 0" in upload(client, content, encoding="windows-1250")


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"PK\x03\x04 cut off", "a.xlsx", "damaged or was cut off"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.xlsx", "Excel 97-2003"),
        (b"sku,title\n", "a.csv", "a header, but no rows"),
        (b"sku,title,colour\nA,B,red\n", "a.csv", "Column 'colour' is not known. Rename it, remove it, or put # before its name"),
    ],
)
def test_what_cannot_be_read_at_all_is_said_once_with_what_to_do(
    busy: BusyShop, client: Client, content: bytes, name: str, said: str
) -> None:
    shown = upload(client, content, name)
    assert "failed" in shown
    assert said in shown
    assert "Nothing was changed. If this looks right" not in shown


@pytest.mark.parametrize(
    ("kind", "content", "row", "column", "said"),
    [
        ("products", "sku,title\nD-1,One\nD-1,Two\n", 3, "sku", "sku D-1 stands in row 2 already; that row counts. Delete one of them."),
        ("products", "sku,title,gtin\nG-1,One,4006381333932\n", 2, "gtin", "has the wrong check digit"),
        ("stock", "sku,location,on_hand\nD-1,MAIN,-5\n", 2, "on_hand", "on_hand -5 is negative"),
        ("products", f"sku,title\nB-1,{'x' * 10_000_000}\n", 2, "title", "title has 10,000,000 characters; at most 500 fit. Shorten it."),
    ],
)
def test_a_bad_row_is_named_with_its_column(
    busy: BusyShop, client: Client, kind: str, content: str, row: int, column: str, said: str
) -> None:
    shown = upload(client, content.encode(), kind=kind)
    assert f"{row} {column} " in shown
    assert said in shown
    assert len(shown) < 10_000


def test_products_that_came_in_are_searched_for_what_the_channels_list(busy: BusyShop, client: Client) -> None:
    """S4.15: a listing that was read before its product came is not "none fits" until somebody asks. Only trying changes nothing."""
    content = b"sku,title,gtin\nCUP,Cup,5901234123457\n"
    with busy.shop.scope():
        made = RemoteListing.objects.create(
            organisation=busy.organisation, channel=busy.near, sku="X-1", external_id="X-1", title="Cup", gtins=["5901234123457"],
            state="new", candidates=[], seen_at=busy.now,
        )  # fmt: skip
    for tried, fitting in (("on", 0), ("", 1)):
        upload(client, content, dry_run=tried)
        with busy.shop.scope():
            assert len(RemoteListing.objects.get(pk=made.pk).candidates) == fitting


def test_a_file_larger_than_the_importer_reads_is_refused_at_the_door(
    busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stallkeeper.backoffice.imports.MOST_BYTES", 1_000_000)
    assert "The file is larger than 1 MB; split it." in upload(client, b"sku,title\n" + b"A,B\n" * 300_000)


def test_a_count_takes_an_encoding_too(busy: BusyShop, client: Client) -> None:
    content = "sku,counted\nNEMA-Ż,1\n".encode("windows-1250")
    shown = [count(client, busy, content, encoding) for encoding in ("", "windows-1250")]
    assert "under “Encoding”" in shown[0]
    assert "--encoding" not in shown[0]
    assert "sku NEMA-Ż is not known" in shown[1]


def test_an_account_that_rests_is_why_nothing_is_sent(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        Connection.objects.filter(pk=busy.near.connection_id).update(state="needs_reconnect")
    assert "no quantities are sent; the account eMAG Romania must be connected again" in text(client.get(reverse("backoffice:offers")))


def count(client: Client, busy: BusyShop, content: bytes, encoding: str) -> str:
    """What the screen for stock-taking says of a file, in words."""
    given = {"place": busy.shop.place.pk, "as_of": clock.now().strftime("%Y-%m-%dT%H:%M"), "encoding": encoding}
    return text(client.post(reverse("backoffice:stock_taking"), given | {"file": SimpleUploadedFile("count.csv", content)}))
