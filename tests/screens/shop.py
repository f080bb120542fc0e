"""A shop that has something on every screen, in words that a seller would use."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import numpy as np
from django.db.models import Count, Q

from stallkeeper.catalog.models import ImportProblem, ImportRun
from stallkeeper.channels import plans
from stallkeeper.channels.models import Channel, Command, FurtherField, ObservedHold, Offer, SendingColumns
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.core import clock
from stallkeeper.core.histogram import Floats, histogram
from stallkeeper.core.models import ApiKey, Invitation, NoticeTarget
from stallkeeper.orders.models import Delay, Order, OrderDesk, OrderLine, OrderNote, OrderView
from stallkeeper.stock import source_setup
from stallkeeper.stock.models import Location, ManualHold, SourceProblem, SourceRun, StockSource
from stallkeeper.sync.models import ExchangeGood, ExchangeOrder, ExchangeParked
from stallkit.sources.types import Columns, Preview, Shape
from tests.busy_shop import BusyShop, open_busy_shop, push
from tests.db.tenancy.furnished import furnish
from tests.screens import day

WORD = "Kitchen"
"""What ``furnish`` enters everywhere; where it would not be said, it is put right below."""
SUPPLIER = "supplier-stock.csv"
SUPPLIERS = f"https://supplier.example.com/{SUPPLIER}"
COLUMNS = ("Article", "Name", "In stock")
ROWS = (("MUG-0001", "Blue mug", "40"), ("KET-0004", "Grey kettle", "12"), ("LAM-0007", "White lamp", "3"))


def open_pictured_shop() -> BusyShop:
    """Fill the database with two days of a shop that is kept true."""
    busy = open_busy_shop(trade=day.A_DAY)
    day.answer(busy)
    day.settle(busy)
    complete(busy)
    day.reserve(busy)
    day.answer(busy)
    push(busy, busy.far, random.Random(3))
    return busy


def complete(busy: BusyShop) -> None:
    """What a busy shop has not by itself."""
    day.sell_twice(busy)
    furnish(busy, WORD)
    with busy.shop.scope():
        _plain_words(busy)
        _settings(busy)
        _figures(busy)
        _delays(busy)
        _gone_past(busy)
    with busy.shop.use_case("test.sample") as uc:
        source = StockSource.objects.get(kind="url")
        guess = Columns(code=COLUMNS[0], quantity=COLUMNS[2])
        source_setup.keep_sample(uc, source.pk, msgspec.to_builtins(Preview(Shape(format="csv"), COLUMNS, ROWS, guess)))


def an_open_order() -> Order:
    """The newest of several lines that has all its stock, within the scope of the shop."""
    wanting = OrderLine.objects.filter(Q(short__gt=0) | Q(stock_unit=None)).values("order_id")
    whole = Order.objects.filter(state__in=["new", "acknowledged"]).exclude(pk__in=wanting)
    return whole.annotate(count=Count("lines")).filter(count__gt=1).order_by("-ordered_at")[0]


def _plain_words(busy: BusyShop) -> None:
    ManualHold.objects.filter(reason=WORD).update(reason="For the photographer")
    ObservedHold.objects.filter(reason=WORD).update(reason="Sold in the shop window")
    ApiKey.objects.filter(name=WORD).update(name="Accounting program")
    NoticeTarget.objects.filter(name=WORD).update(name="Operations", hint="o…@example.com", told_at=clock.now())
    ImportRun.objects.filter(kind="products").update(
        file_name="products-autumn.xlsx", rows_total=148, rows_done=148, rows_changed=131, rows_refused=1
    )
    ImportRun.objects.filter(kind="stock_table").update(file_name="stock-table.xlsx")
    ImportProblem.objects.filter(value=WORD).update(column="gtin", value="4006381333932", message="The check digit is wrong.")
    Command.objects.filter(message=WORD).update(message="The order is finalised already.")
    ExchangeOrder.objects.filter(status=WORD).update(status="In work")
    OrderNote.objects.filter(text=WORD).update(order=an_open_order(), text="The buyer has called: a gift, please wrap it.", actor="system")
    OrderView.objects.filter(name=WORD).update(name="Kettles", query="q=KET")
    OrderDesk.objects.filter(carrier=WORD).update(carrier="Cargus")
    RuleOverride.objects.filter(category=WORD).update(buffer=2)
    ExchangeGood.objects.filter(title=WORD).update(title="Kettle, grey", article="KT-17", gtin="4607012345670")
    ExchangeParked.objects.filter(number=WORD).update(number="1C-000417")
    Invitation.objects.filter(email__istartswith=WORD).update(email="ivo.warehouse@example.com")
    Location.objects.filter(name="EAST").update(name="Eastern warehouse")


def _settings(busy: BusyShop) -> None:
    StockSource.objects.filter(kind="commerceml").update(name="1C of the eastern warehouse")
    StockSource.objects.filter(kind="url").update(name="Stock list of the supplier", config={"address": SUPPLIERS})
    SendingColumns.objects.update(hidden=[])
    season = FurtherField.objects.filter(label=WORD)
    season.update(label="Range", choices=["All year", "Summer", "Winter"], help="When the products of the channel are sold.")
    kept = {str(pk): "All year" for pk in season.model.objects.filter(label="Range").values_list("pk", flat=True)}
    Channel.objects.filter(pk=busy.near.pk).update(sales_organisation="Sample Home Goods SRL", further=kept)
    plans.save(busy.organisation.pk, Proposal(channels={busy.near.pk: ChannelChange(rules={"buffer": 3})}), busy.owner.actor)


def _gone_past(busy: BusyShop) -> None:
    """The first run is over but for the listings that are left to link."""
    busy.organisation.start_passed = ["company", *(f"rules:{channel.pk}" for channel in (busy.near, busy.far))]
    busy.organisation.save(update_fields=["start_passed"])


def _figures(busy: BusyShop) -> None:
    source = StockSource.objects.get(kind="url")
    SourceProblem.objects.filter(run__source=source).update(column=COLUMNS[2], value="twelve", message="“twelve” is not a number.")
    StockSource.objects.filter(pk=source.pk).update(last_as_of=busy.now - timedelta(hours=1), last_rows=148)
    SourceRun.objects.filter(source=source).update(
        reference=SUPPLIER, name=SUPPLIER, problem="The file would take 61 of 100 units off: more than the limit of 30.",
        rows_total=148, rows_used=147, rows_changed=96, rows_zeroed=61, rows_refused=1,
    )  # fmt: skip
    for hours in (3, 2, 1):
        SourceRun.objects.create(
            organisation=busy.organisation, source=source, reference=f"{SUPPLIER}-{hours}", name=SUPPLIER, state="done",
            as_of=busy.now - timedelta(hours=hours), started_at=busy.now - timedelta(hours=hours), actor="system",
            rows_total=148, rows_used=148, rows_changed=3 + 4 * hours,
        )  # fmt: skip
    for offer in Offer.objects.filter(channel=busy.far).order_by("pk")[2:5]:
        ObservedHold.objects.create(
            organisation=busy.organisation,
            offer=offer,
            channel=offer.channel,
            quantity=1,
            seen=1,
            seen_at=busy.now,
            cause="8 -> 7",
            reason="Seen as sold",
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
