"""A search that finds nothing proves something only if it finds what is there."""

import base64
import gzip
import json
import zipfile

import pytest

from tests.canaries import search

CANARY = "kanári-0/secret+of=the mine"


def leaked(form: str) -> bytes:
    plain = CANARY.encode()
    return {
        "plain": b"x" + plain + b"y",
        "json": json.dumps({"a": CANARY}).encode(),
        "utf-16": f"a{CANARY}b".encode("utf-16-le"),
        "hex": b"\\x" + plain.hex().upper().encode(),
        "basic": b"Basic " + base64.b64encode(b"user:" + plain),
        "basic 1": base64.b64encode(b"a" + plain + b"tail"),
        "basic 2": base64.b64encode(b"ab" + plain),
        "gzip": gzip.compress(plain),
    }[form]


@pytest.mark.parametrize("form", ["plain", "json", "utf-16", "hex", "basic", "basic 1", "basic 2", "gzip"])
def test_a_leak_is_found_in_every_spelling(tmp_path, form):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(leaked(form))
    assert {hit.canary for hit in search(tmp_path, [CANARY, "another"])} == {CANARY}


def test_a_leak_inside_a_workbook_is_found(tmp_path):
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", f"<t>{CANARY}</t>")
    assert [hit.place for hit in search(tmp_path, [CANARY])] == ["book.xlsx/xl/sharedStrings.xml"]


def test_what_is_not_there_is_not_found(tmp_path):
    (tmp_path / "file").write_bytes(b"nothing of interest" * 100)
    assert search(tmp_path, [CANARY]) == []
