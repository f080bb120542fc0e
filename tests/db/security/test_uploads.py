"""Files that strangers upload on the screen: whatever their name and content, the answer is a page, and the run says what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from stallkeeper.backoffice import import_jobs
from stallkeeper.catalog.models import ImportRun
from tests.busy_shop import BusyShop, signed_in

NAMES = ["../../../etc/cron.d/x.xlsx", "a.\u202excod", "x" * 300 + ".csv", "a." + "y" * 300, "C:\\win.ini", "a;b|c`d`.csv", ".", "=1+1.csv"]
CONTENTS = [
    b"",
    b"\0" * 5_000,
    b"PK\x03\x04",
    b"PK\x05\x06" + b"\0" * 18,
    b"\xff\xfe\x00\xd8",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    b"sku,title\n\0,\0\n",
    "sku,title\n\ufeffA,\ud83d\n".encode("utf-8", "surrogatepass"),
    b"sku,title\n" + b'"' * 10_001,
    b"%PDF-1.7",
    b"<html><script>alert(1)</script>",
]


@pytest.fixture
def busy(busy: BusyShop, settings, tmp_path, monkeypatch) -> BusyShop:
    """The import runs before the answer: a thread would not see what the test has not committed."""
    settings.ENV = replace(settings.ENV, home=tmp_path / "home")
    monkeypatch.setattr(import_jobs.connection, "close", lambda: None)
    monkeypatch.setattr(import_jobs.threading, "Thread", AtOnce)
    return busy


class AtOnce:
    def __init__(self, target, args, **_: object) -> None:
        self.start = lambda: target(*args)


def upload(busy: BusyShop, name: str, content: bytes):
    client = signed_in(busy.owner)
    client.raise_request_exception = False
    file = SimpleUploadedFile("plain", content)
    file._name = name
    return client.post("/imports/", {"kind": "products", "file": file, "encoding": ""})


@pytest.mark.parametrize("content", CONTENTS)
def test_no_content_is_an_error_of_ours(busy, content):
    answer = upload(busy, "a.xlsx", content)
    assert answer.status_code in {200, 302, 422}
    with busy.shop.scope():
        for run in ImportRun.objects.all():
            assert run.state == "failed"
            assert run.problem
            assert "Traceback" not in run.problem


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_an_error_of_ours_and_none_is_used(busy, name, tmp_path):
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    answer = upload(busy, name, b"sku,title\nNEW-1,Something new\n")
    assert answer.status_code in {200, 302, 422}
    assert {path for path in tmp_path.rglob("*") if path.is_file()} - before == set(), "nothing stays, and nothing lands elsewhere"
    with busy.shop.scope():
        assert all("/" not in run.file_name and "\\" not in run.file_name for run in ImportRun.objects.all())
