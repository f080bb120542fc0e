"""The case file of an oversell: what happened on each channel, what each offer showed and should have shown, and the verdict.

All of it is read from what was written down at the time (orders, reservation events, movements, the log of what was sent, runs, reads) and
from past figures (``orders.past``); nothing is kept for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils.functional import cached_property

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import Offer, WriteWindow
from stallkeeper.channels.time_travel import Figure, PastExplanation
from stallkeeper.core.sql import Cursor
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.orders import case_queries as queries
from stallkeeper.orders import case_terms, past, verdicts
from stallkeeper.orders.case_queries import SaleRow, ShippedRow
from stallkeeper.orders.models import OrderLine, Shortage
from stallkeeper.orders.past import INSTANT
from stallkeeper.orders.verdicts import Cause, Clocks, Known, Send, SoldTwice, Verdict
from stallkit.manifest import Basis
from stallkit.registry import manifest_of
from stallkit.words import said as _

BEFORE = timedelta(hours=24)
"""So long before the sale its story is looked through."""
AROUND = timedelta(hours=1)
"""So long before and after the sale our records are looked through for clocks that differ."""
SHORTLY_BEFORE = (timedelta(0), timedelta(seconds=2), timedelta(minutes=1))
"""What went out was worked out a moment before it was sent; in that moment something else may have been committed."""


class NoCase(LookupError):
    """There is nothing to explain: no such line, or it was never short. The text says which."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the time line.

    ``what``: sold | unseen | entered | reserved | held | wanted | sent | answered | read | stock | short | window_closed
    """

    at: datetime
    channel_code: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class OfferThen:
    """An offer just before the unit was sold twice: what it should have shown, in both views, and what last stood there."""

    offer_id: int
    channel_code: str
    sku: str
    then: int | None
    today: int | None
    stood: Send | None


@dataclass(frozen=True, slots=True)
class WrittenOver:
    """In guarded mode, where a platform does not compare: the write that went over a sale between ``read_at`` and ``written_at``.

    ``read``: what the channel showed when we last knew it (None: nobody knew). ``written_at`` None: no answer came.
    """

    channel_code: str
    sku: str
    read_at: datetime
    read: int | None
    value: int
    sent_at: datetime
    written_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """``short``: sold units that no stock could be promised for, at worst. ``twice``: the sale that went beyond, if there was one.
    ``clocks``: those that differed around then, as far as the records show."""

    line_id: int
    order_id: int
    number: str
    channel_code: str
    sku: str
    short: int
    sold_at: datetime
    verdict: Verdict
    clocks: Clocks | None
    cause: Cause | None
    twice: SaleRow | None
    entries: tuple[Entry, ...]
    offers: tuple[OfferThen, ...]
    window: WrittenOver | None


def find(organisation_id: int, number: str, line: str) -> CaseFile:
    """The case file of a line by its order's number and its own (``1`` for the first). NoCase if there is none."""
    with organisation_scope(organisation_id), connection.cursor() as cursor:
        found = queries.find_line(cursor, organisation_id, number, line)
        if found is None:
            raise NoCase(
                _("there is no order {number!r} with a line {line!r}; look at `stallkeeper orders --short`", number=number, line=line)
            )
        return open_case(organisation_id, found)


def open_case(organisation_id: int, line_id: int) -> CaseFile:
    """The case file of a line; call it inside the organisation's scope. NoCase if the line was never short."""
    shortage = Shortage.objects.filter(line_id=line_id).select_related("line__order__channel", "window__offer__channel").first()
    if shortage is None:
        raise NoCase(_("all units of this line were promised when it came: nothing was sold twice"))
    return _Case(organisation_id, shortage).file()


class _Case:
    """What the parts of one case file share."""

    def __init__(self, organisation_id: int, shortage: Shortage) -> None:
        self.organisation, self.shortage = organisation_id, shortage
        self.line: OrderLine = shortage.line
        self.since, self.until = shortage.sold_at - BEFORE, shortage.detected_at
        with connection.cursor() as cursor:
            self.units = [unit for unit, _ in queries.counted_units(cursor, shortage.stock_unit_id)]
            self.sales = queries.sales(cursor, self.units, self.since, self.until, shortage.sold_at)
            self.lowered = queries.lowered(cursor, self.units, shortage.sold_at, self.until)

    def file(self) -> CaseFile:
        order = self.line.order
        twice, before = self._sold_twice()
        with connection.cursor() as cursor:
            sale = self._facts(cursor, twice, before) if twice and before else None
            until = max(self.until, *([sale.cut.at] if sale and sale.cut else [self.until]))
            entries = self._entries(cursor, until)
        at_entry = None if sale else self._at_entry()
        clocks = self._clocks()
        moment = (twice.ordered_at if twice else self.shortage.sold_at) - INSTANT
        return CaseFile(
            line_id=self.line.pk,
            order_id=order.pk,
            number=order.number,
            channel_code=order.channel.code,
            sku=self.line.sku,
            short=self.shortage.worst,
            sold_at=self.shortage.sold_at,
            verdict=verdicts.heed(self._verdict(sale, at_entry), clocks),
            clocks=clocks,
            cause=sale.cause if sale else None,
            twice=twice,
            entries=tuple(sorted(entries, key=lambda entry: (entry.at, entry.channel_code, entry.what))),
            offers=tuple(self._offers(moment)),
            window=_written_over(self.shortage.window),
        )

    def _verdict(self, sale: SoldTwice | None, at_entry: Figure | None) -> Verdict:
        with connection.cursor() as cursor:
            raised = sale is None and queries.entered_later(cursor, self.units, self.shortage.sold_at, self.until)
        ahead = at_entry is not None and is_ahead(at_entry)
        return verdicts.judge(sale, self._stock_cut(at_entry), ahead=ahead, entered_later=raised and not self.lowered)

    def _clocks(self) -> Clocks | None:
        """Where clocks differ around the sale, by what was written down."""
        sold_at, short_at = self.shortage.sold_at, self.shortage.detected_at
        since, until = min(sold_at, short_at) - AROUND, max(sold_at, short_at) + AROUND
        with connection.cursor() as cursor:
            own = queries.out_of_order(cursor, self.units, since, until)
        ahead = {self.line.order.channel.code: sold_at - short_at}
        for sale in self.sales:
            if sale.ordered_at >= since:
                ahead[sale.channel_code] = max(ahead.get(sale.channel_code, timedelta(0)), sale.ordered_at - sale.imported_at)
        return verdicts.differing(own, ahead)

    # --- which sale went beyond -----------------------------------------------------------------------------------------------------------

    def _sold_twice(self) -> tuple[SaleRow | None, PastExplanation | None]:
        """The line itself, if there was not enough when it was sold; else the first later one that came in before it and took its units."""
        mine = next((sale for sale in self.sales if sale.line_id == self.line.pk), None)
        later = [sale for sale in self.sales if sale.ordered_at >= self.shortage.sold_at and sale.imported_at <= self.until]
        for sale in [*([mine] if mine else []), *(sale for sale in later if sale.line_id != self.line.pk)]:
            if sale.offer_id is None:
                continue
            before = past.explain_before(self.organisation, self._offer(sale.offer_id), sale.ordered_at, sale.line_id, self.until)
            if left(before.today) < sale.units:
                return sale, before
        return None, None

    def _explained(self, offer: int, at: datetime) -> PastExplanation:
        return past.explain_offer(self.organisation, self._offer(offer), at)

    def _offer(self, offer: int) -> Offer:
        return Offer.objects.select_related("channel", "channel__connection", "stock_unit").get(pk=offer)

    # --- what explains it -----------------------------------------------------------------------------------------------------------------

    def _facts(self, cursor: Cursor, sale: SaleRow, before: PastExplanation) -> SoldTwice:
        offer = before.offer_id
        stood = _stood(queries.last_accepted(cursor, offer, sale.ordered_at))
        rested = (stood.sent_at or stood.at) if stood else self.since
        most = stood.value if stood else None
        tried, lower = self._cuts(cursor, sale, before, stood)
        cut = next((send for send in lower if send.outcome == "accepted"), None)
        refused = next((send.at for send in [*tried, *lower] if send.outcome == "rejected"), None)
        shipped = queries.shipped(cursor, offer, rested, self.until) if self._until_shipped(offer) else []
        untold = sum(one.units for one in shipped if one.told_at is None or one.told_at > sale.ordered_at)
        shown = queries.drifts(cursor, offer, stood.at if stood else self.since, sale.ordered_at + verdicts.SHOWN_WITHIN)
        return SoldTwice(
            sold_at=sale.ordered_at,
            units=sale.units,
            left_then=left(before.then),
            left_today=left(before.today),
            stood=stood,
            rules=self._rules(offer, rested) if stood else (),
            cut=cut,
            wanted_at=next((send.wanted_at for send in [*tried, *([cut] if cut else []), *lower[:1]] if send.wanted_at), None)
            or self._waited_since(sale)
            or queries.waits_since(cursor, offer),
            refused_at=refused,
            cause=self._cause(cursor, sale, before, rested) or _let_go(shipped, sale.ordered_at),
            read_above=any(observed is not None and most is not None and observed > most for _, _, observed, _ in shown),
            switched=queries.switched(cursor, self.organisation, rested, sale.ordered_at),
            freed=max(queries.no_longer_open(cursor, offer, rested, self.until) - untold, 0),
        )

    def _cuts(self, cursor: Cursor, sale: SaleRow, before: PastExplanation, stood: Send | None) -> tuple[list[Send], list[Send]]:
        """What was sent to lower the figure that stood: before the sale, without a yes, what would have prevented it; afterwards, anything
        lower."""
        open_then, until = open_there(before.today), self.shortage.cut_accepted_at or self.until + BEFORE
        sent = [Send(at, value, outcome, sent_at, wanted, detail) for _, at, value, outcome, sent_at, wanted, detail in
                queries.sends(cursor, [before.offer_id], min(stood.at if stood else self.since, sale.ordered_at), until)]  # fmt: skip
        later = [send for send in sent if send.at >= sale.ordered_at]
        tried = [send for send in sent if send.at < sale.ordered_at and send.outcome != "accepted" and send.value - open_then < sale.units]
        return tried, [send for send in later if stood is None or send.value < stood.value]

    def _waited_since(self, sale: SaleRow) -> datetime | None:
        """Since when a cut had been waiting to be sent as the sale came in, as far as that was written down."""
        return self.shortage.cut_wanted_at if sale.line_id == self.line.pk else None

    def _until_shipped(self, offer: int) -> bool:
        platform = self._offer(offer).channel.connection.platform
        return manifest_of(platform).quirks.basis is Basis.GROSS_UNTIL_SHIPPED

    def _rules(self, offer: int, sent_at: datetime) -> list[Known]:
        moments = [self._explained(offer, sent_at - before).then for before in SHORTLY_BEFORE]
        return [Known(figure.number, most_there(figure), open_there(figure)) for figure in moments]

    def _cause(self, cursor: Cursor, sale: SaleRow, before: PastExplanation, since: datetime) -> Cause | None:
        """What took the units between the figure that stood and the sale: the last sale before it without which there was enough, or
        else what the ledger or a hold took. What the order itself has in other lines comes last."""
        others = [one for one in self.sales if one.line_id != sale.line_id]
        earlier = [one for one in others if one.ordered_at <= sale.ordered_at and one.imported_at > since]
        room = left(before.today)
        latest_first = earlier[::-1]
        for one in sorted(latest_first, key=lambda one: one.order_id == sale.order_id):
            room += one.units
            if room >= sale.units:
                return self._sale_cause(cursor, one)
        taken = [
            Cause(case_terms.lowered(quantity, cause, reason), min(happened, known), known)
            for happened, known, quantity, cause, reason in queries.lowered(cursor, self.units, since, self.until)
            if happened <= sale.ordered_at
        ]
        taken += [
            Cause(case_terms.promise(owner, was, after, kind, why), at, at)
            for at, owner, _, kind, was, after, why in queries.promises(cursor, self.units, since, sale.ordered_at)
            if after > was and owner != "line"
        ]
        return max(taken, key=lambda cause: cause.happened_at, default=self._sale_cause(cursor, earlier[-1]) if earlier else None)

    def _sale_cause(self, cursor: Cursor, sale: SaleRow) -> Cause:
        unseen = queries.seen_to(cursor, sale.connection_id, sale.imported_at)
        words = _("order {number} on {code}", number=sale.number, code=sale.channel_code)
        return Cause(words, sale.ordered_at, sale.imported_at, is_sale=True, unseen_at=unseen)

    def _stock_cut(self, at_entry: Figure | None) -> str:
        """What took the units after the sale: the ledger, or a person who took a place or the unit from the channel before it came in."""
        lowered = ", ".join(f"{cause} {quantity}" for _, _, quantity, cause, _ in self.lowered)
        if lowered or at_entry is None:
            return lowered
        return "" if left(at_entry) >= self.line.ordered else "no longer for this channel"

    def _at_entry(self) -> Figure | None:
        """The offer's figure just before the line came in."""
        offer = self.line.offer_id
        return None if offer is None else self._explained(offer, self.shortage.detected_at - INSTANT).then

    # --- what happened --------------------------------------------------------------------------------------------------------------------

    def _entries(self, cursor: Cursor, until: datetime) -> list[Entry]:
        since = self.shortage.sold_at - timedelta(minutes=30)
        near = [sale for sale in self.sales if sale.ordered_at >= since or sale.imported_at >= since]
        found = [entry for sale in near for entry in self._story(cursor, sale)]
        codes = {offer.pk: offer.channel.code for offer in self._all_offers}
        for offer, at, value, outcome, sent_at, wanted, detail in queries.sends(cursor, sorted(codes), since, until):
            found += [Entry(wanted, codes[offer], "wanted", str(value))] if wanted else []
            found += [Entry(sent_at, codes[offer], "sent", str(value))] if sent_at else []
            found.append(Entry(at, codes[offer], "answered", case_terms.answer(value, outcome, detail)))
        for offer, code in codes.items():
            reads = queries.drifts(cursor, offer, since, until)
            found += [Entry(at, code, "read", case_terms.read_back(seen, believed, why)) for at, believed, seen, why in reads]
        numbers = {sale.line_id: (sale.channel_code, sale.number) for sale in self.sales}
        for at, owner, owner_id, kind, was, after, why in queries.promises(cursor, self.units, since, until):
            code, whom = numbers.get(owner_id, ("", owner)) if owner == "line" else ("", owner)
            found.append(Entry(at, code, "reserved" if owner == "line" else "held", case_terms.promise(whom, was, after, kind, why)))
        for _unit, recorded, quantity, cause, reason in self.lowered:
            found.append(Entry(recorded, "", "stock", case_terms.lowered(quantity, cause, reason)))
        code = self.line.order.channel.code
        found.append(Entry(self.shortage.detected_at, code, "short", f"{self.line.order.number}: {self.shortage.worst}"))
        if self.shortage.cut_accepted_at:
            found.append(Entry(self.shortage.cut_accepted_at, code, "window_closed", ""))
        return found

    def _story(self, cursor: Cursor, sale: SaleRow) -> list[Entry]:
        unseen = queries.seen_to(cursor, sale.connection_id, sale.imported_at)
        code, words = sale.channel_code, f"{sale.number}: {sale.units}"
        entries = [Entry(sale.ordered_at, code, "sold", words), Entry(sale.imported_at, code, "entered", words)]
        return [*entries, *([Entry(unseen, code, "unseen", sale.number)] if unseen and unseen > sale.ordered_at else [])]

    @cached_property
    def _all_offers(self) -> Sequence[Offer]:
        kits = StockUnit.objects.filter(components__component__in=self.units).values_list("pk", flat=True)
        mine = Offer.objects.filter(stock_unit_id__in={*self.units, *kits})
        return list(mine.select_related("channel", "channel__connection", "stock_unit").order_by("channel__code", "pk")[:50])

    def _offers(self, moment: datetime) -> list[OfferThen]:
        figures = past.figures_of(self.organisation, self._all_offers, moment)
        with connection.cursor() as cursor:
            return [
                OfferThen(
                    offer.pk, offer.channel.code, offer.sku, *figures[offer.pk], _stood(queries.last_accepted(cursor, offer.pk, moment))
                )
                for offer in self._all_offers
            ]


def _written_over(window: WriteWindow | None) -> WrittenOver | None:
    if window is None:
        return None
    offer = window.offer
    return WrittenOver(offer.channel.code, offer.sku, window.read_at, window.read, window.value, window.sent_at, window.written_at)


def _let_go(shipped: Sequence[ShippedRow], sold_at: datetime) -> Cause | None:
    """What a channel that subtracts open orders subtracts no longer: its figure still contains a shipment that it has been told of."""
    told = [one for one in shipped if one.told_at is not None and one.told_at <= sold_at]
    if not told:
        return None
    return Cause(_("the shipment of order {number}", number=told[-1].number), told[-1].shipped_at, told[-1].shipped_at)


def _stood(found: tuple[datetime, int, datetime | None] | None) -> Send | None:
    return Send(found[0], found[1], "accepted", found[2]) if found else None


def open_there(figure: Figure) -> int:
    """Units that a figure contains only because the channel subtracts them: its own open orders."""
    return sum(step.after - (step.before or 0) for step in figure.steps if step.name == "basis")


def left(figure: Figure) -> int:
    """Units that an offer can still sell: its figure without what is open there already and only added for the channel's own books."""
    steps = {step.name: step for step in figure.steps}
    figures = [steps["limit"].after] if "limit" in steps else []
    if "guard" in steps:
        figures.append(steps["guard"].after - open_there(figure))
    return max(min(figures, default=0), 0)


def is_ahead(figure: Figure) -> bool:
    """Whether goods that are still to come are part of a figure."""
    return any(step.name == "incoming" and step.after > (step.before or 0) for step in figure.steps)


def most_there(figure: Figure) -> int:
    """The most that a figure could be, from its places alone: a bound that does not know of rules, fences or packs."""
    free: dict[str, int] = {}
    each: dict[str, int] = {}
    for spot in figure.spots:
        if spot.counts:
            free[spot.component] = free.get(spot.component, 0) + spot.on_hand - spot.allocated - spot.held
        each[spot.component] = spot.per_kit
    coming = sum(max(step.after - (step.before or 0), 0) for step in figure.steps if step.name in ("incoming", "for_sale", "basis"))
    return min((max(free.get(part, 0), 0) // number for part, number in each.items()), default=0) + coming
