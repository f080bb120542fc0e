"""The stock table on the screen: typed in place, many at once, its report (S3.21, S3.22)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from stallkeeper.backoffice import import_jobs, stock_table
from stallkeeper.catalog.models import ImportRun, StockUnit
from stallkeeper.stock.imports import run_import
from stallkeeper.stock.models import Level, Movement
from stallkeeper.stock.table_files import counted_units, editable_places, header, report_rows
from tests.busy_shop import BusyShop, text

TABLE = reverse("backoffice:stock_table")


class AtOnce:
    """In place of the thread that takes a file in: the same work, here and now."""

    def __init__(self, target: object, args: tuple[ImportRun, Path, import_jobs.Wish], name: str, daemon: bool) -> None:
        self.args = args

    def start(self) -> None:
        run, path, wish = self.args
        run_import(wish.kind, path, run.organisation_id, run.actor, wish.dry_run, allow_many_zeroings=wish.allow_many_zeroings, run=run)


def test_figures_are_typed_in_place_and_nobody_overwrites_what_moved(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        level, other = Level.objects.filter(on_hand__gt=5, location=busy.shop.place).select_related("stock_unit").order_by("pk")[:2]
    shown = client.get(TABLE, {"q": level.stock_unit.sku})
    name = f"cell_{level.stock_unit_id}_{level.location_id}_{level.on_hand}"
    assert f'name="{name}" value="{level.on_hand}"' in shown.content.decode()
    data = {name: level.on_hand + 2, "filters": f"q={level.stock_unit.sku}"}
    assert "Say why" in text(client.post(TABLE, data))
    assert client.post(TABLE, data | {"reason": "found two"}).status_code == 302
    stale = {name: "1", f"cell_{other.stock_unit_id}_{other.location_id}_{other.on_hand}": "-4", "reason": "again"}
    again = client.post(TABLE, stale)
    assert again.status_code == 422
    assert f"you typed 1. It is {level.on_hand + 2} by now, not {level.on_hand}" in text(again)
    assert "you typed -4. A whole number, 0 or more." in text(again)
    with busy.shop.scope():
        assert Level.objects.get(pk=level.pk).on_hand == level.on_hand + 2
        assert Level.objects.get(pk=other.pk).on_hand == other.on_hand
        assert Movement.objects.filter(stock_unit=level.stock_unit_id).order_by("pk").last().reason == "found two"
    theirs = {f"cell_{10**9}_{level.location_id}_0": "5", f"cell_{level.stock_unit_id}_{10**9}_0": "5", "reason": "no"}
    assert client.post(TABLE, theirs).status_code == 302


def test_figures_without_a_reason_stand_as_they_were_typed(busy: BusyShop, client: Client) -> None:
    """S3.21: only the reason is left to say, not thirty figures to type again; what moved meanwhile is still seen."""
    with busy.shop.scope():
        level, other = Level.objects.filter(on_hand__gt=5, location=busy.shop.place).order_by("pk")[:2]
    names = {each: f"cell_{each.stock_unit_id}_{each.location_id}_{each.on_hand}" for each in (level, other)}
    data = {names[level]: level.on_hand + 2, names[other]: other.on_hand + 3}
    with busy.shop.scope():
        Level.objects.filter(pk=other.pk).update(on_hand=other.on_hand + 1)
    shown = client.post(TABLE, data).content.decode()
    assert all(f'name="{name}" value="{data[name]}"' in shown for name in names.values())
    again = client.post(TABLE, data | {"reason": "counted"})
    assert f"It is {other.on_hand + 1} by now, not {other.on_hand}" in text(again)
    with busy.shop.scope():
        assert Level.objects.get(pk=level.pk).on_hand == level.on_hand + 2


def test_filters_find_what_is_out_and_what_is_promised(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        for state in ("some", "none", "promised"):
            wanted = {unit.pk for unit in stock_table.table_units({"state": state})}
            here = Level.objects.filter(location__in=editable_places(), on_hand__gt=0)
            some = set(here.values_list("stock_unit_id", flat=True))
            counted = set(counted_units().values_list("pk", flat=True))
            right = {"some": counted & some, "none": counted - some}
            assert wanted == right.get(state, wanted & some)
    assert "No article fits" in text(client.get(TABLE, {"q": "no such article"}))


def test_many_at_once_are_planned_first(busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3.21, C21: counts and limits first; what moved meanwhile is shown again; a second yes changes nothing."""
    monkeypatch.setattr(import_jobs, "threading", SimpleNamespace(Thread=AtOnce))
    place, address = busy.shop.place, reverse("backoffice:stock_bulk")
    with busy.shop.scope():
        units = list(counted_units().order_by("sku").values_list("pk", flat=True)[:3])
        before = {pk: Level.objects.filter(stock_unit=pk, location=place).values_list("on_hand", flat=True).first() or 0 for pk in units}
    data = {"scope": "chosen", "unit": units, "place": place.pk, "how": "add", "amount": "4", "reason": "a box was found"}
    asked = client.post(address, data)
    assert "3 of 3 articles get another figure" in text(asked)
    assert "rise: 3" in text(asked)
    yes = data | {"sure": "1", "token": asked.context["token"], "expected": asked.context["plan"].words}
    moved = client.post(address, yes | {"expected": "3/2/1/0/0"})
    assert "Something moved meanwhile" in text(moved)
    done = client.post(address, yes)
    assert done.status_code == 302
    assert "a box was found" in text(client.get(done["Location"]))
    assert client.post(address, yes | {"expected": asked.context["plan"].words}).status_code in (200, 302)
    with busy.shop.scope():
        now = {pk: Level.objects.get(stock_unit=pk, location=place).on_hand for pk in units}
    assert now == {pk: figure + 4 for pk, figure in before.items()}
    emptied = client.post(address, data | {"scope": "all", "how": "zero", "amount": "", "unit": []})
    assert "That is right" in text(emptied)
    yes = {"scope": "all", "how": "zero", "place": place.pk, "reason": "gone", "sure": "1", "expected": emptied.context["plan"].words}
    assert client.post(address, yes | {"token": "0123456789ab"}).status_code == 200
    assert client.post(address, yes | {"token": "0123456789ab", "allow": "1"}).status_code == 302
    with busy.shop.scope():
        assert not Level.objects.filter(location=place, on_hand__gt=0, stock_unit__in=counted_units()).exists()
    assert "Say a number." in text(client.post(address, data | {"amount": ""}, follow=True))


def test_the_report_comes_back(busy: BusyShop, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_jobs, "threading", SimpleNamespace(Thread=AtOnce))
    answer = client.get(reverse("backoffice:stock_report"))
    assert answer["Content-Disposition"].startswith('attachment; filename="stock-')
    assert answer.content[:2] == b"PK"
    with busy.shop.scope():
        places = editable_places()
        sku, _title, *figures = next(report_rows(counted_units(), places))
        unit = StockUnit.objects.get(sku=sku)
    changed = [int(str(figures[0])) + 1, *figures[1:]]
    table = [header(places, "0123456789ab"), [sku, "", *changed]]
    file = SimpleUploadedFile("stock.csv", "\n".join(",".join(map(str, row)) for row in table).encode())
    done = client.post(reverse("backoffice:stock_file"), {"file": file})
    assert "stock.csv" in text(client.get(done["Location"]))
    with busy.shop.scope():
        assert Level.objects.get(stock_unit=unit, location=places[0]).on_hand == changed[0]
