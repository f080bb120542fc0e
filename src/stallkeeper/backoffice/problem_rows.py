"""The single things of a kind or of a group: what each is, where it leads, what was said, since when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.db import connection
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from stallkeeper.backoffice import problem_queries as queries
from stallkeeper.backoffice.order_messages import COMMAND_NAMES
from stallkeeper.backoffice.problem_words import VERDICTS
from stallkeeper.backoffice.problems import COMMAND_DAYS
from stallkeeper.channels.models import Command, CommandState, Drift, Offer, Parked
from stallkeeper.core import clock
from stallkeeper.orders.models import Order, OrderLine, Shortage

M = TypeVar("M", bound=Model)
StrOrPromise = str | Promise
SHOWN = 200


@dataclass(frozen=True)
class ProblemRow:
    """One thing that waits. ``case_link``: the case file of a line that is short; ``body_id``: a parked object whose untouched body may be
    looked at."""

    title: StrOrPromise
    link: str
    words: str
    at: datetime
    note: StrOrPromise = ""
    case_link: str = ""
    body_id: int | None = None


def rows_of(organisation_id: int, kind: str, part: str) -> list[ProblemRow]:
    """The newest SHOWN of a kind, or of the one group of it that ``part`` names."""
    return READERS[kind](organisation_id, part)


def ids_of(organisation_id: int, kind: str, part: str, most: int) -> list[int]:
    """Keys of what a group holds: offers (refused, drift), commands, parked objects; none for a part that somebody made up."""
    place, _colon, rest = part.partition(":")
    what, _colon, cause = rest.partition(":")
    if not place.isdecimal() or not cause:
        return []
    with connection.cursor() as cursor:
        if kind == "refused":
            return queries.refused_offers(cursor, int(place), what, cause, most)
        if kind == "commands":
            since = clock.now() - COMMAND_DAYS
            return queries.failed_commands(cursor, organisation_id, since, (int(place), what, cause), most)
        if kind == "parked":
            return queries.parked_objects(cursor, (int(place), what, cause), most)
    found = Drift.objects.filter(resolved_at=None, offer__channel=int(place), kind=what, verdict=cause).order_by("-at", "-pk")
    return list(dict.fromkeys(found.values_list("offer_id", flat=True)[:most])) if kind == "drift" else []


def _chosen(rows: QuerySet[M], organisation_id: int, kind: str, part: str) -> QuerySet[M]:
    return rows.filter(pk__in=ids_of(organisation_id, kind, part, SHOWN)) if part else rows


def _two(part: str) -> tuple[int | None, str]:
    first, _colon, second = part.partition(":")
    return (int(first), second) if first.isdecimal() else (None, "")


def shortages(_organisation_id: int, part: str) -> list[ProblemRow]:
    """Units sold that are not there, with the window in which it could happen."""
    rows = Shortage.objects.filter(resolved_at=None).select_related("line__order__channel", "stock_unit").order_by("-detected_at")
    channel, verdict = _two(part)
    if channel is not None:
        rows = rows.filter(line__order__channel=channel, verdict=verdict)
    return [
        ProblemRow(
            _("{number}: {short} of {sku} missing").format(number=row.line.order.number, short=row.quantity, sku=row.stock_unit.sku),
            reverse("backoffice:order", args=[row.line.order_id]),
            _window(row),
            row.detected_at,
            row.get_verdict_display(),
            case_link=reverse("backoffice:case", args=[row.line.order_id, row.line_id]),
        )
        for row in rows[:SHOWN]
    ]


def _window(row: Shortage) -> str:
    if row.cut_accepted_at and row.sold_at:
        seconds = (row.cut_accepted_at - row.sold_at).total_seconds()
        return _("The channel had accepted our cut {seconds:+.1f} s from the sale.").format(seconds=seconds)
    return _("No cut of ours had been accepted by then.")


def parked(organisation_id: int, part: str) -> list[ProblemRow]:
    """Objects of channels that could not be understood."""
    rows = Parked.objects.filter(resolved_at=None).select_related("connection").order_by("-last_seen_at")
    return [
        ProblemRow(
            f"{row.connection.name}: {row.kind} {row.external_id}",
            reverse("backoffice:connection", args=[row.connection_id]),
            row.reason,
            row.last_seen_at,
            _("seen {times} times").format(times=row.times),
            body_id=row.pk,
        )
        for row in _chosen(rows, organisation_id, "parked", part)[:SHOWN]
    ]


def drift(_organisation_id: int, part: str) -> list[ProblemRow]:
    """Reads that differed from what we believed."""
    rows = Drift.objects.filter(resolved_at=None).select_related("offer__channel").order_by("-at")
    channel, rest = _two(part)
    if channel is not None:
        what, _colon, verdict = rest.partition(":")
        rows = rows.filter(offer__channel=channel, kind=what, verdict=verdict)
    return [
        ProblemRow(
            f"{row.offer.channel.name}: {row.offer.sku}",
            reverse("backoffice:offer", args=[row.offer_id]),
            _("{kind}: believed {believed}, seen {observed}, intended {intended}").format(
                kind=row.get_kind_display(), believed=_figure(row.believed), observed=_figure(row.observed), intended=_figure(row.intended)
            ),
            row.at,
            VERDICTS.get(row.verdict, row.verdict),
        )
        for row in rows[:SHOWN]
    ]


def _figure(value: Decimal | None) -> str:
    return "?" if value is None else f"{value.normalize():f}"


def commands(organisation_id: int, part: str) -> list[ProblemRow]:
    """Messages about orders that the channel refused or that gave up; a buyer who was quicker is nobody's problem, nor is an
    acknowledgement whose order has moved on."""
    states = [CommandState.REFUSED, CommandState.DEAD]
    failed = Command.objects.filter(state__in=states, ended_at__gte=clock.now() - COMMAND_DAYS)
    moved_on = Exists(Order.objects.filter(Q(acknowledged_at__isnull=False) | Q(state=Order.State.CANCELLED), pk=OuterRef("subject_id")))
    over = Q(kind="acknowledge") & (Q(code="cancelled") | moved_on)
    rows = failed.exclude(over).select_related("connection").order_by("-ended_at")
    return [
        ProblemRow(
            f"{row.connection.name}: {COMMAND_NAMES.get(row.kind, row.kind)}",
            reverse("backoffice:order", args=[row.subject_id]) if row.subject_type == "order" else "",
            " ".join(part for part in (row.code, row.message) if part),
            row.ended_at or row.created_at,
            row.get_state_display(),
        )
        for row in _chosen(rows, organisation_id, "commands", part)[:SHOWN]
    ]


def refused(organisation_id: int, part: str) -> list[ProblemRow]:
    """Offers whose quantity or price a channel refused."""
    ids = ids_of(organisation_id, "refused", part, SHOWN) if part else []
    offers = Offer.objects.select_related("channel", "stock_unit", "price").order_by("sku", "pk")
    chosen = offers.filter(pk__in=ids) if part else offers.filter(refused_at__isnull=False)
    return [_refused(row, prices=part.split(":")[1:2] == ["price"]) for row in chosen[:SHOWN]]


def _refused(offer: Offer, *, prices: bool) -> ProblemRow:
    value = offer.price if prices else offer
    said = " ".join(text for text in (value.refused_code, value.refused_message) if text)
    asked = _figure(offer.price.refused) if prices else str(offer.refused_qty)
    title = f"{offer.channel.name}: {offer.sku}"
    note = _("{value} was refused").format(value=asked)
    return ProblemRow(title, reverse("backoffice:offer", args=[offer.pk]), said, value.refused_at or clock.now(), note)


def unmapped(_organisation_id: int, part: str) -> list[ProblemRow]:
    """Lines whose SKU nobody knows."""
    rows = (
        OrderLine.objects.filter(stock_unit=None, ordered__gt=F("cancelled") + F("shipped"))
        .select_related("order__channel")
        .order_by("-order__ordered_at", "-pk")
    )
    channel, sku = _two(part)
    if channel is not None:
        rows = rows.filter(order__channel=channel, sku=sku)
    return [
        ProblemRow(
            _("{number}: {units} of {sku}").format(number=row.order.number, units=row.open, sku=row.sku),
            reverse("backoffice:order", args=[row.order_id]),
            row.title,
            row.order.ordered_at,
            row.order.channel.name,
        )
        for row in rows[:SHOWN]
    ]


READERS: dict[str, Callable[[int, str], list[ProblemRow]]] = {
    "shortages": shortages,
    "parked": parked,
    "drift": drift,
    "commands": commands,
    "refused": refused,
    "unmapped": unmapped,
}
