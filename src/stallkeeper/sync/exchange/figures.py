"""Quantities of 1C on their way to the ledger: whose they are, what they mean in our books, of when they are.

1C's figure and ours differ by what one of the two does not know yet. Free figures lack what 1C reserves for orders that it had from us:
that is added, or each order would be taken off twice. And goods of ours that left for an order that 1C did not have yet lie there still by
its books: they are taken off. So the source gets figures of what lies on the shelf, as of the moment that they are of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from stallkeeper.core.use_case import use_case
from stallkeeper.stock.models import Location, SourceBasis, SourceMode, SourceRun, StockSource
from stallkeeper.stock.sources import take_in
from stallkeeper.sync.exchange import goods, queries, sessions
from stallkeeper.sync.exchange.sessions import actor_of
from stallkeeper.sync.models import Exchange, ExchangeSession
from stallkit.sources.commerceml.packets import Offer, Packet
from stallkit.sources.commerceml.refusals import Refusal, refuse
from stallkit.sources.types import Figure, RowProblem

Spot = tuple[int, int]
"""Unit and place."""
OLD = timedelta(hours=1)
"""A file of the same session that is so much older than its first is one of another time."""
SETTLED = {SourceRun.State.DONE, SourceRun.State.ALLOWED, SourceRun.State.DROPPED, SourceRun.State.REPLACED}


def as_of(exchange: Exchange, session: ExchangeSession, packet: Packet) -> datetime:
    """The moment that a file's figures are of: when it was formed, but not after the session began, because 1C reads them before it writes.

    All files of a session are of one moment. One that says no time, or a time to come, is of when the session began.
    """
    formed = packet.formed_at.replace(tzinfo=ZoneInfo(exchange.time_zone)).astimezone(UTC) if packet.formed_at else session.begun_at
    formed = min(formed, session.begun_at)
    if session.as_of is None:
        session.as_of = formed
        ExchangeSession.objects.filter(pk=session.pk).update(as_of=formed)
    return formed if formed < session.as_of - OLD else session.as_of


def take(session: ExchangeSession, packets: Sequence[Packet], at: datetime, *, reference: str, whole: bool, name: str) -> None:
    """Take the figures into the ledger. ExchangeRefused if they wait for a person, or cannot be used; then nothing was changed.

    Goods of 1C that are no article of ours are left alone: most bases have many. They stand on the exchange's page. A session that 1C has
    given up changes nothing any more: the next one may have brought newer figures already.
    """
    exchange = session.exchange
    source = StockSource.objects.get(pk=exchange.source_id)
    rows = list(_Reader(exchange, source, at).rows([offer for packet in packets for offer in packet.offers]))
    if not rows:
        return
    if not source.enabled:
        raise refuse(Refusal.SWITCHED_OFF)
    if source.mode == SourceMode.DELTAS:
        raise refuse(Refusal.LEVELS)
    _supersede(exchange, reference)

    def guard() -> None:
        sessions.hold(session)

    run = take_in(source.pk, rows, as_of=at, reference=reference, whole=whole, actor=actor_of(exchange), name=name, guard=guard)
    if run.state not in SETTLED:
        raise refuse(Refusal.STOPPED if run.state == SourceRun.State.STOPPED else Refusal.NO_FIGURES, run.problem)
    ExchangeSession.objects.filter(pk=session.pk).update(figures_in=session.figures_in + run.rows_used)


def missing_means_zero(exchange: Exchange) -> bool:
    """Whether a person has chosen so for the source."""
    return StockSource.objects.filter(pk=exchange.source_id, mode=SourceMode.ALL).exists()


def _supersede(exchange: Exchange, reference: str) -> None:
    """Figures that were stopped have been refused to 1C, so it sends all of them once more: the older ones need not wait."""
    waiting = SourceRun.objects.filter(source_id=exchange.source_id, state=SourceRun.State.STOPPED).exclude(reference=reference)
    if waiting.exists():
        with use_case("exchange.figures", organisation_id=exchange.organisation_id, actor=actor_of(exchange)) as uc:
            waiting.update(state=SourceRun.State.REPLACED, finished_at=uc.at, body=None)


class _Reader:
    """Makes figures of a source out of offers of 1C."""

    def __init__(self, exchange: Exchange, source: StockSource, at: datetime) -> None:
        self.exchange, self.source, self.at = exchange, source, at
        self.mapped = {word: code for word, code in source.places.items() if code}
        self.place_ids = dict(Location.objects.filter(code__in=self.mapped.values()).values_list("code", "id"))
        self.number = 0

    def rows(self, offers: Sequence[Offer]) -> Iterator[Figure | RowProblem]:
        """Figures by SKU, and what could not be read of goods that are ours."""
        units = goods.units_of(self.exchange, [offer.good.code for offer in offers if offer.good.code])
        ours = [(offer, *units[offer.good.code]) for offer in offers if offer.good.code in units]
        corrections = self._corrections(sorted({unit for _offer, unit, _sku in ours}))
        for offer, unit, sku in ours:
            for problem in offer.problems:
                yield RowProblem(self._next(), problem.column, problem.value, problem.message, sku)
            if not offer.problems:
                for word, quantity, place in self._quantities(offer):
                    corrected = quantity + (corrections[unit, place] if place else 0)
                    yield Figure(self._next(), sku, "", word, max(corrected, 0), None)

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _quantities(self, offer: Offer) -> Iterable[tuple[str, int, int | None]]:
        """(1C's place, quantity, our place). Several of its places that are one of ours count together; without any mapped, all of them.

        Places that nobody has mapped, and those that are left out, go on under their own word: the source says so.
        """
        if not offer.places or not self.mapped:
            total = offer.total if offer.total is not None else sum(quantity for _place, quantity in offer.places)
            return [("", total, self.source.location_id)] if offer.total is not None or offer.places else []
        together: dict[int, tuple[str, int]] = {}
        others: list[tuple[str, int, int | None]] = []
        for word, quantity in offer.places:
            place = self.place_ids.get(self.mapped.get(word, ""))
            if place is None:
                others.append((word, quantity, None))
            else:
                first, sum_ = together.get(place, (word, 0))
                together[place] = (first, sum_ + quantity)
        return [*((word, quantity, place) for place, (word, quantity) in together.items()), *others]

    def _corrections(self, units: Sequence[int]) -> Counter[Spot]:
        """What has to be added to 1C's figures, by unit and place."""
        exchange, found = self.exchange, Counter[Spot]()
        if not exchange.give_orders or not units:
            return found
        common = (exchange.organisation_id, exchange.pk, exchange.orders_since, self.at, units)
        free, home = self.source.basis == SourceBasis.NET, self.source.location_id
        with connection.cursor() as cursor:
            for unit, place, quantity in queries.promised_in_1c(cursor, *common) if free else ():
                found[unit, place if place and self.mapped else home] += quantity  # a total lacks all that 1C reserves, whoever serves it
            until_booked = exchange.reports_back and not free
            for unit, place, quantity in queries.left_unknown_to_1c(cursor, *common, until_booked=until_booked):
                found[unit, place] -= quantity
        return found
