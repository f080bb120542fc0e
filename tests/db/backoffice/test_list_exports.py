"""Every list as XLSX and CSV: what the filters of the page say, cells that no spreadsheet takes for a formula, long ones by a worker."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from python_calamine import CalamineWorkbook

from stallkeeper.backoffice import export_jobs, export_tables, exports, tasks
from stallkeeper.backoffice.export_lists import LISTS
from stallkeeper.core import clock, file_exports, housekeeping
from stallkeeper.core.models import AuditEntry, FileExport, FileExportPart, Role
from stallkeeper.core.people import PERMISSIONS
from stallkeeper.orders.models import Order
from stallkeeper.stock.models import Location
from tests.busy_shop import BusyShop, member

EVIL = '=HYPERLINK("http://evil.example","x")'


def taken(client: Client, kind: str, form: str = "csv", filters: str = "") -> bytes:
    answer = client.post(reverse("backoffice:export", args=[kind]), {"form": form, "filters": filters})
    assert answer.status_code == 200, answer
    return answer.content


def rows_of(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("kind", LISTS)
def test_every_list_is_the_same_as_xlsx_and_as_csv(busy: BusyShop, client: Client, kind: str) -> None:
    rows = rows_of(taken(client, kind))
    (sheet,) = CalamineWorkbook.from_filelike(io.BytesIO(taken(client, kind, "xlsx"))).sheet_names
    book = CalamineWorkbook.from_filelike(io.BytesIO(taken(client, kind, "xlsx"))).get_sheet_by_name(sheet).to_python()
    assert [str(cell) for cell in book[0]] == rows[0]
    assert kind == "audit" or len(book) == len(rows)
    assert len(set(rows[0])) == len(rows[0]), "each column has a name of its own"
    assert {len(row) for row in rows} <= {len(rows[0]), 3}


def test_a_file_has_what_the_filters_of_the_page_leave(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        near = Order.objects.filter(channel=busy.near)
        numbers, other = set(near.values_list("number", flat=True)), Order.objects.exclude(channel=busy.near).count()
    assert other
    assert {row[0] for row in rows_of(taken(client, "orders", filters=f"channel={busy.near.pk}"))[1:]} == numbers
    page = client.get(f"/orders/?channel={busy.near.pk}&state=new").content.decode()
    assert f'name="filters" value="channel={busy.near.pk}&amp;state=new"' in page


def test_no_cell_is_a_formula(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        Location.objects.filter(pk=busy.shop.place.pk).update(name=EVIL)
    assert f"'{EVIL}" in {cell for row in rows_of(taken(client, "places")) for cell in row}
    (sheet,) = [CalamineWorkbook.from_filelike(io.BytesIO(taken(client, "places", "xlsx"))).get_sheet_by_index(0).to_python()]
    assert f"'{EVIL}" in {cell for row in sheet for cell in row}


def test_a_long_list_is_made_by_a_worker_and_only_its_asker_gets_it(
    busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = taken(client, "offers")
    monkeypatch.setattr(exports, "AT_ONCE", 3)
    monkeypatch.setattr(export_tables, "AT_ONCE", 7)
    monkeypatch.setattr(file_exports, "PIECE", 100)
    asked = client.post(reverse("backoffice:export", args=["offers"]), {"form": "csv", "filters": ""})
    assert asked.url == reverse("backoffice:exports")
    with busy.shop.scope():
        export = FileExport.objects.get()
    assert client.get(reverse("backoffice:export_file", args=[export.pk])).status_code == 404, "it is not there yet"
    assert "waits" in client.get(asked.url).content.decode()
    tasks.export(busy.organisation.pk, export.pk)
    tasks.export(busy.organisation.pk, export.pk)  # a job that comes twice makes it once
    with busy.shop.scope():
        export.refresh_from_db()
        assert (export.state, export.tries, export.rows_done) == ("done", 1, len(rows_of(whole)) - 1)
        assert FileExportPart.objects.count() > 3
    assert "ready" in client.get(asked.url, headers={"HX-Request": "true"}).content.decode()
    answer = client.get(reverse("backoffice:export_file", args=[export.pk]))
    assert answer.content == whole
    assert member(busy.organisation, Role.OWNER).get(reverse("backoffice:export_file", args=[export.pk])).status_code == 404


def test_a_worker_that_died_or_was_frozen_harms_nothing(busy: BusyShop) -> None:
    with busy.shop.use_case() as uc:
        asked = file_exports.ask(uc, busy.owner, "stock", "", "xlsx", 1, "en", "UTC")
    with busy.shop.scope():
        frozen = file_exports.claim(asked.pk)
        assert frozen is not None
        assert file_exports.claim(asked.pk) is None, "somebody has it"
        assert file_exports.left_over(clock.now()) == []
    with time_machine.travel(clock.now() + file_exports.STALE + timedelta(seconds=1), tick=False):
        assert file_exports.left_over(clock.now()) == [(busy.organisation.pk, asked.pk)]
        tasks.exports_left(0)
        export_jobs.run(busy.organisation.pk, asked.pk)
        with busy.shop.scope():
            with pytest.raises(file_exports.Superseded):
                file_exports.beat(frozen, 5)
            with pytest.raises(file_exports.Superseded):
                file_exports.store(frozen, Path(__file__), 5)
            asked.refresh_from_db()
            assert (asked.state, asked.tries) == ("done", 2)


def test_what_cannot_be_made_says_so(busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with busy.shop.use_case() as uc:
        asked = [file_exports.ask(uc, busy.owner, "stock", "", "csv", 1, "en", "UTC") for _ in range(2)]

    def full(*_anything: object) -> int:
        raise OSError("no space left")

    def gone(*_anything: object) -> int:
        raise DatabaseError("the connection is lost")

    monkeypatch.setattr(export_jobs, "write", full)
    export_jobs.run(busy.organisation.pk, asked[0].pk)
    monkeypatch.setattr(export_jobs, "write", gone)
    with time_machine.travel(clock.now(), tick=False) as now:
        for _ in range(file_exports.TRIES):
            with pytest.raises(DatabaseError):
                export_jobs.run(busy.organisation.pk, asked[1].pk)
            now.shift(file_exports.STALE + timedelta(seconds=1))
        export_jobs.run(busy.organisation.pk, asked[1].pk)
    page = client.get(reverse("backoffice:exports")).content.decode()
    assert "the log of the worker says why" in page
    assert "Ask again, for less" in page


def test_who_takes_a_list_away_is_written_down_and_files_go_after_a_week(busy: BusyShop, client: Client) -> None:
    taken(client, "orders", filters="state=new")
    with busy.shop.scope():
        entry = AuditEntry.objects.get(action="export.list")
        assert (entry.actor, entry.subject_id, entry.detail["filters"]) == (busy.owner.actor, "orders", "state=new")
    with busy.shop.use_case() as uc:
        asked = file_exports.ask(uc, busy.owner, "stock", "", "csv", 1, "en", "UTC")
    export_jobs.run(busy.organisation.pk, asked.pk)
    assert housekeeping.daily(clock.now() + timedelta(days=6)).exports_deleted == 0
    assert housekeeping.daily(clock.now() + timedelta(days=8)).exports_deleted == 1
    with busy.shop.scope():
        assert not FileExportPart.objects.exists()


def test_nonsense_and_other_roles(busy: BusyShop, client: Client) -> None:
    assert client.post(reverse("backoffice:export", args=["buyers"]), {"form": "csv"}).status_code == 404
    assert client.post(reverse("backoffice:export", args=["orders"]), {"form": "exe"}).status_code == 404
    for role in Role.values:
        person = member(busy.organisation, role)
        for kind, listed in LISTS.items():
            answer = person.post(reverse("backoffice:export", args=[kind]), {"form": "csv"})
            assert answer.status_code == (200 if listed.permission in PERMISSIONS[Role(role)] else 403), (role, kind)


def test_the_number_of_statements_depends_on_pages_not_on_rows(busy: BusyShop, client: Client) -> None:
    def statements(kind: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            taken(client, kind)
        return len(seen)

    few = {kind: statements(kind) for kind in ("orders", "order-lines", "offers", "sending", "stock")}
    with busy.shop.scope():
        assert Order.objects.count() > 10
    assert max(few.values()) < 30, few
