"""Stock units that something is wrong with, for lists of products: marked one by one, and found together (S4.30)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from urllib.parse import urlencode

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stallkeeper.backoffice.local import Figure
from stallkeeper.catalog.models import StockUnit, UnitKind
from stallkeeper.channels.models import Drift, Offer, OfferPrice
from stallkeeper.orders.models import Shortage
from stallkeeper.stock.models import Level

MOST = 1_000
"""So many of each kind are looked at to find the units concerned; lists say "at least" beyond it."""


@dataclass(frozen=True)
class Mark:
    """What is wrong with a unit, or missing, in a word or two; ``link`` leads to where it can be put right."""

    text: str
    tone: str
    link: str


def marks_of(units: Collection[StockUnit]) -> Mapping[int, list[Mark]]:
    """The marks of these units, the gravest first. Five statements, however many units."""
    skus = {unit.pk: unit.sku for unit in units}
    found: dict[int, list[Mark]] = defaultdict(list)
    for unit, count in _counted(_short().filter(stock_unit__in=skus), "stock_unit"):
        found[unit].append(Mark(_short_text(count), "bad", reverse("backoffice:problem_list", args=["shortages"])))
    refused = dict(_counted(_refused().filter(stock_unit__in=skus), "stock_unit"))
    for unit, count in _counted(_refused_prices().filter(offer__stock_unit__in=skus), "offer__stock_unit"):
        refused[unit] = refused.get(unit, 0) + count
    for unit, count in refused.items():
        found[unit].append(Mark(_refused_text(count), "bad", _offers(q=skus[unit], state="refused")))
    for unit, count in _counted(_drifts().filter(offer__stock_unit__in=skus), "offer__stock_unit"):
        found[unit].append(Mark(_differs_text(count), "warn", _offers(q=skus[unit], state="differs")))
    counted = {unit.pk for unit in units if unit.kind == UnitKind.SINGLE and unit.stocked}
    for unit in counted - set(Level.objects.filter(stock_unit__in=counted).values_list("stock_unit_id", flat=True)):
        found[unit].append(Mark(_("no stock figure yet"), "info", reverse("backoffice:imports")))
    return found


def concerned() -> tuple[list[int], bool]:
    """Units in scope with a shortage, a refusal or a difference, and whether those are all. Four short reads of partial indexes."""
    reads = (
        _short().values_list("stock_unit_id", flat=True),
        _refused().values_list("stock_unit_id", flat=True),
        _refused_prices().values_list("offer__stock_unit_id", flat=True),
        _drifts().values_list("offer__stock_unit_id", flat=True),
    )
    found = [list(read.order_by()[:MOST]) for read in reads]
    return sorted(set(chain.from_iterable(found))), all(len(each) < MOST for each in found)


def _short() -> QuerySet[Shortage]:
    return Shortage.objects.filter(resolved_at=None)


def _refused() -> QuerySet[Offer]:
    return Offer.objects.filter(refused_at__isnull=False)


def _refused_prices() -> QuerySet[OfferPrice]:
    return OfferPrice.objects.filter(refused_at__isnull=False)


def _drifts() -> QuerySet[Drift]:
    return Drift.objects.filter(resolved_at=None)


def _counted(rows: QuerySet[Shortage] | QuerySet[Offer] | QuerySet[OfferPrice] | QuerySet[Drift], by: str) -> list[tuple[int, int]]:
    return list(rows.order_by().values(by).annotate(_count=Count("pk")).values_list(by, "_count"))


def _offers(**filters: str) -> str:
    return f"{reverse('backoffice:offers')}?{urlencode(filters)}"


def _short_text(count: int) -> str:
    return ngettext("short in {count:,} order line", "short in {count:,} order lines", count).format(count=Figure(count))


def _refused_text(count: int) -> str:
    return ngettext("{count:,} value refused", "{count:,} values refused", count).format(count=Figure(count))


def _differs_text(count: int) -> str:
    return ngettext("{count:,} difference on a channel", "{count:,} differences on channels", count).format(count=Figure(count))
