"""A page of snapshots on its way in: what was looked up for it, and what its orders turn into."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from stallkeeper.channels import observed_queries
from stallkeeper.channels import queries as channel_queries
from stallkeeper.channels.delivery import AMBIGUOUS
from stallkeeper.channels.models import Channel
from stallkeeper.channels.observed import Sale
from stallkeeper.channels.overriding_queries import SoldRow
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.channels.sales import Sold
from stallkeeper.core.secrets import Sealer
from stallkeeper.core.sql import Cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import departures, entry_queries, lines, snapshots
from stallkeeper.orders.entry_queries import OrderRow
from stallkeeper.orders.queries import Asked, Known, LineRow, WrittenLine
from stallkeeper.orders.snapshots import Mapped, OfferIndex
from stallkeeper.orders.stories import LineStory
from stallkit.types import OrderState, RemoteOrder


class IntakeError(ValueError):
    """The page cannot be taken: the connection has no active channel. The text says what to do."""


@dataclass(slots=True)
class Page:
    """Orders by the channel's id of them, sorted; only those that are new or may have changed."""

    uc: UseCase
    cursor: Cursor
    connection_id: int
    fetched_at: datetime
    facts: Mapping[int, ChannelFacts]
    """All channels of the organisation."""
    channels: list[ChannelFacts]
    """Those of this connection, active ones first."""
    orders: dict[str, RemoteOrder]
    digests: dict[str, bytes]
    index: OfferIndex
    sealer: Sealer
    fresh: set[str]
    """Orders that are not here yet."""
    news: list[Known]
    """Orders that are here, of which this snapshot says something else and later."""
    ids: dict[str, int] = field(default_factory=dict)
    """External id to our id, of the orders that are written."""
    states: dict[str, str] = field(default_factory=dict)
    """State of known orders before this page."""
    known_at: dict[str, datetime] = field(default_factory=dict)
    """And of when that was."""
    homes: dict[str, ChannelFacts] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    """Orders of which new ones on the page are parts: what they say is looked at again, though it may be what they said before."""
    read_to: datetime | None = None
    """The account's orders were read completely before, from then on."""
    holds: bool = False
    """Units of the account's offers are held for orders that may be on this page."""
    _mapped: dict[str, list[Mapped | None]] = field(default_factory=dict)

    def mapped(self, order: RemoteOrder) -> list[Mapped | None]:
        """The offer that each line names, None where there is none."""
        found = self._mapped.get(order.order_id)
        if found is None:
            channel = self._of_warehouse(order)
            place = channel.id if channel else snapshots.ANY
            found = self._mapped[order.order_id] = [self.index.find(line.ref, place) for line in order.lines]
        return found

    def _of_warehouse(self, order: RemoteOrder) -> ChannelFacts | None:
        """The channel whose figures are kept for the warehouse that the order is served from."""
        same = [channel for channel in self.channels if channel.warehouse and channel.warehouse == order.warehouse]
        return same[0] if same else None

    def channel_of(self, order: RemoteOrder) -> ChannelFacts:
        """The order's channel: its own if it is known, else that of its first mapped line, that with its currency, the first active one."""
        home = self.homes.get(order.order_id)
        if home is None:
            home = self.homes[order.order_id] = self._find_home(order)
        return home

    def _find_home(self, order: RemoteOrder) -> ChannelFacts:
        active = [channel for channel in self.channels if channel.active]
        if not active:
            raise IntakeError("this connection has no active channel that its orders could belong to: add one, or activate it")
        if len(active) == 1:
            return active[0]
        warehouse = self._of_warehouse(order)
        if warehouse and warehouse.active:
            return warehouse
        for mapped in self.mapped(order):
            if mapped and self.facts[mapped.channel_id].active:
                return self.facts[mapped.channel_id]
        return next((channel for channel in active if channel.currency == order.currency), active[0])

    def before_cutover(self, order: RemoteOrder) -> bool:
        channel = self.channel_of(order)
        excluded = channel.cutover == Channel.Cutover.EXCLUDE and channel.cutover_at is not None
        return excluded and channel.cutover_at is not None and order.ordered_at < channel.cutover_at

    def is_served(self, order: RemoteOrder) -> bool:
        """Whether its lines reserve stock: not if the marketplace fulfils it, or if the first numbers had its units taken off."""
        return order.fulfilled_by == "seller" and not self.before_cutover(order)

    def is_news(self, row: Known) -> bool:
        if row.external_id in self.cut:
            row = row._replace(digest=b"")
        return snapshots.is_news(row, self.orders[row.external_id], self.digests[row.external_id], self.fetched_at)

    def by_id(self) -> dict[int, RemoteOrder]:
        """The orders that are written, by our id."""
        return {self.ids[external]: order for external, order in self.orders.items() if external in self.ids}

    def new_rows(self) -> list[OrderRow]:
        return [self._new_row(external, self.orders[external]) for external in sorted(self.fresh)]

    def _new_row(self, external: str, order: RemoteOrder) -> OrderRow:
        return (
            self.channel_of(order).id,
            external,
            order.number or external,
            str(order.state),
            order.remote_state,
            order.fulfilled_by,
            order.ordered_at,
            order.modified_at,
            self.fetched_at,
            order.acknowledge_by,
            order.dispatch_by,
            self.read_to if self.read_to is not None and order.ordered_at < self.read_to - AMBIGUOUS else None,
            order.currency,
            self.digests[external],
            self.before_cutover(order),
            len(order.lines),
        )

    def line_rows(self, order_id: int, order: RemoteOrder, asked: Mapping[tuple[str, str], Asked]) -> list[LineRow]:
        rows: list[LineRow] = []
        for line, mapped in zip(order.lines, self.mapped(order), strict=True):
            rows.append(
                (
                    order_id,
                    line.line_id,
                    line.ref.sku[:100],
                    line.ref.external_id[:100],
                    line.title[:500],
                    mapped.offer_id if mapped else None,
                    mapped.unit_id if mapped else None,
                    mapped.pack_factor if mapped else 1,
                    line.ordered,
                    snapshots.cancelled_units(order, line, asked),
                    line.cancel_requested,
                    line.shipped,
                )
            )
        return rows

    def claims(self, rows: Iterable[WrittenLine], orders: Mapping[int, RemoteOrder]) -> list[lines.Claim]:
        """What the mapped lines of orders that we serve claim from stock."""
        terms = {
            order_id: (str(order.state), order.dispatch_by, tuple(channel.locations), channel.allow_splits)
            for order_id, order in orders.items()
            if self.is_served(order)
            for channel in [self.channel_of(order)]
        }
        return [
            lines.Claim(
                row.id,
                row.unit_id,
                row.pack_factor,
                row.ordered - row.cancelled - row.shipped,
                *mine,
                fresh=row.open_before < 0,
                first=departures.left_without_us(orders[row.order_id], row) > 0,
            )
            for row in rows
            if row.unit_id is not None and (mine := terms.get(row.order_id))
        ]

    def sold(
        self,
        rows: Iterable[WrittenLine],
        orders: Mapping[int, RemoteOrder],
        gone: Mapping[int, int],
        taken_back: Mapping[int, int],
        moved: Mapping[int, int],
    ) -> list[Sold]:
        """Sold units that are open per offer, and what each sale or cancellation did to the channel's own figure.

        Orders that the marketplace fulfils from its own stock touch neither. ``gone``, ``taken_back``, ``moved``: units of lines, see
        ``LineStory``.
        """
        platform = self.channels[0].platform
        sold: list[Sold] = []
        for row in rows:
            order = orders[row.order_id]
            if row.offer_id is None or row.unit_id is None or order.fulfilled_by != "seller":
                continue
            state_before = self.states.get(order.order_id, "")
            back, known_at = taken_back.get(row.id, 0), self.known_at.get(order.order_id)
            story = LineStory(row, order, state_before, gone.get(row.id, 0), self.fetched_at, back, known_at, moved.get(row.id, 0))
            sold.append(Sold(row.offer_id, row.unit_id, platform, story.opened(), story.unacknowledged(), tuple(story.own_sales())))
        return sold

    def sales(self, rows: Iterable[WrittenLine], orders: Mapping[int, RemoteOrder], moved: Mapping[int, int]) -> list[Sale]:
        """What the lines that are new say about held units: so many were sold, then; ``moved`` ones were before."""
        found = ((row, orders[row.order_id]) for row in rows if row.open_before < 0 and row.offer_id is not None)
        return [
            Sale(row.offer_id, units, order.ordered_at)
            for row, order in found
            if row.offer_id is not None
            and order.fulfilled_by == "seller"
            and (units := row.ordered - row.cancelled - moved.get(row.id, 0)) > 0
        ]

    def taken(
        self, rows: Iterable[WrittenLine], orders: Mapping[int, RemoteOrder], parts: lines.Parts, moved: Mapping[int, int]
    ) -> list[SoldRow]:
        """What the lines that are new took of counted units, and when: for the velocity guard. ``moved`` units were sold before.

        The marketplace's own stock is not ours.
        """
        found = ((row, orders[row.order_id]) for row in rows if row.open_before < 0 and row.unit_id is not None)
        return [
            (component, number * row.pack_factor * units, order.ordered_at)
            for row, order in found
            if row.unit_id is not None and order.fulfilled_by == "seller" and (units := row.ordered - moved.get(row.id, 0)) > 0
            for component, number in parts.get(row.unit_id, ())
        ]

    def owed(self, orders: Mapping[int, RemoteOrder]) -> list[tuple[int, str]]:
        """Orders (our id, the channel's) whose channel is owed the word that stock is reserved (S1.9, S1.10), where that is wanted."""
        return [
            (order_id, order.order_id)
            for order_id, order in orders.items()
            if order.state is OrderState.NEW and order.fulfilled_by == "seller" and self.channel_of(order).acknowledge
        ]


ELSEWHERE = "elsewhere"
"""Who fulfils an order that leaves from a warehouse of theirs whose figures no channel keeps: the seller, from other stock than ours."""


def _by_whom(order: RemoteOrder, warehouses: Collection[str]) -> RemoteOrder:
    """The order as it concerns us."""
    if order.fulfilled_by != "seller" or not warehouses or not order.warehouse or order.warehouse in warehouses:
        return order
    return replace(order, fulfilled_by=ELSEWHERE)


def open_page(uc: UseCase, cursor: Cursor, connection_id: int, orders: Collection[RemoteOrder], fetched_at: datetime) -> Page:
    """Look up what intake must know of these orders, one of each, in one go."""
    latest = {order.order_id: order for order in sorted(orders, key=lambda order: order.order_id)}
    refs = [line.ref for order in latest.values() for line in order.lines]
    numbers = sorted({ref.external_id for ref in refs if ref.external_id})
    all_channels = channel_queries.ask_channels(uc.organisation_id)
    here = entry_queries.ask_known_orders(connection_id, list(latest))
    offers = entry_queries.ask_offers(connection_id, sorted({ref.sku for ref in refs}), numbers)
    sealer = Sealer(uc.organisation_id, ahead=True)
    digests = {external: snapshots.digest(order) for external, order in latest.items()}
    facts = {channel.id: channel for channel in all_channels()}
    channels = sorted((mine for mine in facts.values() if mine.connection_id == connection_id), key=lambda mine: not mine.active)
    warehouses = {channel.warehouse for channel in channels if channel.warehouse}
    latest = {external: _by_whom(order, warehouses) for external, order in latest.items()}
    known = {row.external_id: row for row in here()}
    index = OfferIndex(sorted(offers(), key=lambda offer: not facts[offer.channel_id].active))
    page = Page(uc, cursor, connection_id, fetched_at, facts, channels, latest, digests, index, sealer, set(), [])
    page.fresh = latest.keys() - known.keys()
    page.cut = {order.split_from for number, order in latest.items() if number in page.fresh and order.split_from}
    page.news = [row for row in known.values() if page.is_news(row)]
    page.homes = {row.external_id: facts[row.channel_id] for row in page.news}
    page.holds = any(channel.watched for channel in channels) and any(observed_queries.ask_any_open(connection_id)())
    page.states = {row.external_id: row.state for row in page.news}
    page.known_at = {row.external_id: row.fetched_at for row in page.news}
    page.orders = {external: latest[external] for external in sorted([*page.fresh, *page.states])}
    return page
