"""A shop that has something on every screen, in words that a seller would use."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np

from stallkeeper.catalog.models import ImportProblem, ImportRun
from stallkeeper.channels.models import Command, ObservedHold, Offer
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.core.histogram import Floats, histogram
from stallkeeper.core.models import ApiKey
from stallkeeper.orders.models import Delay, Order, OrderDesk, OrderLine, OrderNote, OrderView
from stallkeeper.stock import ledger, source_setup
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Level, ManualHold, SourceProblem, SourceRun, StockSource
from stallkeeper.sync.models import ExchangeOrder
from stallkit.sources.types import Columns, Preview, Shape
from tests.busy_shop import BusyShop, open_busy_shop
from tests.db.tenancy.furnished import furnish

WORD = "Kitchen"
"""What ``furnish`` enters everywhere; where it would not be said, it is put right below."""
STILL_SHORT = 3
SUPPLIER = "supplier-stock.csv"
COLUMNS = ("Article", "Name", "In stock")
ROWS = (("MUG-0001", "Blue mug", "40"), ("KET-0004", "Steel kettle", "12"), ("LAM-0007", "Oak lamp", "3"))


def open_pictured_shop() -> BusyShop:
    """Fill the database."""
    busy = open_busy_shop()
    complete(busy)
    return busy


def complete(busy: BusyShop) -> None:
    """What a busy shop has not by itself."""
    _goods_come(busy)
    furnish(busy, WORD)
    with busy.shop.scope():
        _plain_words(busy)
        _figures(busy)
        _delays(busy)
    with busy.shop.use_case("test.sample") as uc:
        source = StockSource.objects.get(kind="url")
        guess = Columns(code=COLUMNS[0], quantity=COLUMNS[2])
        source_setup.keep_sample(uc, source.pk, msgspec.to_builtins(Preview(Shape(format="csv"), COLUMNS, ROWS, guess)))


def _goods_come(busy: BusyShop) -> None:
    """Of most of what is short, more than enough: a shop with so much oversold would not be one that is kept true."""
    with busy.shop.use_case("test.goods") as uc:
        short = OrderLine.objects.filter(short__gt=0, stock_unit__kind="single").values_list("stock_unit", flat=True)
        units = sorted(set(short))[STILL_SHORT:]
        there = dict(Level.objects.filter(location=busy.shop.place, stock_unit__in=units).values_list("stock_unit", "on_hand"))
        ledger.set_on_hand(uc, [Target(unit, busy.shop.place.pk, there.get(unit, 0) + 20, f"goods:{unit}") for unit in units])


def _plain_words(busy: BusyShop) -> None:
    ManualHold.objects.filter(reason=WORD).update(reason="For the photographer")
    ObservedHold.objects.filter(reason=WORD).update(reason="Sold in the shop window")
    ApiKey.objects.filter(name=WORD).update(name="Accounting program")
    ImportRun.objects.filter(kind="products").update(
        file_name="products-autumn.xlsx", rows_total=148, rows_done=148, rows_changed=131, rows_refused=1
    )
    ImportRun.objects.filter(kind="stock_table").update(file_name="stock-table.xlsx")
    ImportProblem.objects.filter(value=WORD).update(column="gtin", value="4006381333932", message="The check digit is wrong.")
    Command.objects.filter(message=WORD).update(message="The order is finalised already.")
    ExchangeOrder.objects.filter(status=WORD).update(status="In work")
    StockSource.objects.filter(kind="commerceml").update(name="1C of the eastern warehouse")
    StockSource.objects.filter(kind="url").update(name="Stock list of the supplier")
    OrderNote.objects.filter(text=WORD).update(text="The buyer has called: a gift, please wrap it.", actor="system")
    OrderView.objects.filter(name=WORD).update(name="Kitchen goods", query="q=KET")
    OrderDesk.objects.filter(carrier=WORD).update(carrier="Cargus")
    RuleOverride.objects.filter(category=WORD).update(buffer=2)


def _figures(busy: BusyShop) -> None:
    source = StockSource.objects.get(kind="url")
    SourceProblem.objects.filter(run__source=source).update(column=COLUMNS[2], value="twelve", message="“twelve” is not a number.")
    SourceRun.objects.filter(source=source).update(
        reference=SUPPLIER, name=SUPPLIER, problem="The file would take 61 of 100 units off: more than the limit of 30."
    )
    for hours in (3, 2, 1):
        SourceRun.objects.create(
            organisation=busy.organisation, source=source, reference=f"{SUPPLIER}-{hours}", name=SUPPLIER, state="done",
            as_of=busy.now - timedelta(hours=hours), started_at=busy.now - timedelta(hours=hours), actor="system",
        )  # fmt: skip
    for offer in Offer.objects.filter(channel=busy.far).order_by("pk")[2:5]:
        ObservedHold.objects.create(
            organisation=busy.organisation, offer=offer, quantity=1, seen=1, seen_at=busy.now, cause="8 -> 7", reason="Seen as sold"
        )


TYPICAL = {"stock": 9.0, "price": 45.0, "intake": 14.0, "acknowledge": 6.0, "ship": 11.0, "cancel": 19.0}
"""Seconds that half of them take."""
PARTS, SPLIT = ("ours", "theirs", "limits"), (0.45, 0.35, 0.2)


def _delays(busy: BusyShop) -> None:
    """A week of every operation, as it might have been measured."""
    dice = np.random.default_rng(7)
    subjects = {
        channel.pk: (list(Offer.objects.filter(channel=channel).values_list("pk", flat=True)[:20]),
                     list(Order.objects.filter(channel=channel).values_list("pk", flat=True)[:20]))
        for channel in (busy.near, busy.far)
    }  # fmt: skip
    begin = busy.now.replace(minute=0, second=0, microsecond=0)
    rows = []
    for channel, (offers, orders) in subjects.items():
        for name, typical in TYPICAL.items():
            for ago in range(168):
                seconds = dice.lognormal(np.log(typical * (2.5 if 60 < ago < 66 else 1)), 0.9, int(dice.integers(4, 40)))
                parts = [seconds * share for share in SPLIT]
                longest, hour = float(seconds.max()), begin - timedelta(hours=ago)
                subject = int(dice.choice(offers if name in {"stock", "price"} else orders))
                worst = [[subject, 1, hour.timestamp(), hour.timestamp() + longest, *(longest * share for share in SPLIT)]]
                sums = {f"{part}_seconds": float(values.sum()) for part, values in zip(PARTS, parts, strict=True)}
                spread = {part: _counted(values) for part, values in zip(("total", *PARTS), (seconds, *parts), strict=True)}
                of = {"organisation": busy.organisation, "channel_id": channel, "operation": name, "hour": hour}
                rows.append(Delay(**of, count=len(seconds), worst=worst, **sums, **spread))
    Delay.objects.all().delete()
    Delay.objects.bulk_create(rows)


def _counted(seconds: Floats) -> dict[str, int]:
    return {str(bucket): count for bucket, count in histogram(seconds).items()}
