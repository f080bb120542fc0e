"""The shop of the tasks, an emulated stall that lists some of its products, and listings that nobody has linked yet."""

from __future__ import annotations

from contextlib import ExitStack

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import RemoteListing
from stallkeeper.core import clock
from stallkeeper.stock.models import Level
from stallkit.adapters.walmart.emulator import Emulator
from stallkit.testing.serving import Served
from tests.busy_shop import BusyShop
from tests.tasks.work import FRESH, LISTED, Stage


def open_stage(stack: ExitStack, busy: BusyShop) -> Stage:
    """Fill the database; whoever calls sets ``verify.CONFIRM_AFTER`` to nothing: how long a platform takes is not what is measured."""
    stall = Emulator(clock.now)
    with busy.shop.scope():
        for unit in StockUnit.objects.filter(kind="single").order_by("pk")[:LISTED]:
            stall.add_offer(unit.sku, title=unit.title, quantity=1)
        Level.objects.filter(location=busy.shop.place, on_hand__lt=3).update(on_hand=30)
        _list_anew(busy)
    return Stage(busy, stack.enter_context(Served(stall)).url)


def _list_anew(busy: BusyShop) -> None:
    """Products of the shop under other numbers, which one of its SKUs fits."""
    for listing in RemoteListing.objects.filter(channel=busy.near, state="linked").select_related("offer__stock_unit")[:LISTED]:
        unit = listing.offer.stock_unit  # type: ignore[union-attr]
        RemoteListing.objects.create(
            organisation=busy.organisation,
            channel=busy.near,
            sku=FRESH + listing.sku,
            external_id=FRESH + str(listing.pk),
            title=listing.title,
            candidates=[{"unit": unit.pk, "sku": unit.sku, "by": "sku", "value": unit.sku, "factor": 1}],
            quantity=4,
            state="new",
            seen_at=busy.now,
        )
