"""Orders come in: a page of snapshots becomes rows, reservations, new offer figures and acknowledgements, in one transaction.

The order always enters: unmapped, nameless, short (C10, C27). The same snapshot twice writes nothing. About fifteen statements, however
many orders the page holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from stallkeeper.channels import sales
from stallkeeper.channels.models import Channel
from stallkeeper.channels.sales import Sold
from stallkeeper.core import personal
from stallkeeper.core.personal import PersonalText
from stallkeeper.core.secrets import Sealer
from stallkeeper.core.sql import Cursor, hot_cursor, pipelined
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import acknowledging, departures, lines, queries, snapshots
from stallkeeper.orders.queries import Asked, Intake, Known, LineRow, WrittenLine
from stallkeeper.orders.snapshots import OfferIndex
from stallkeeper.orders.stories import LineStory
from stallkit.types import OrderState, RemoteOrder

KEEP_PERSONAL_DATA = timedelta(days=60)
"""From the order on; deliveries, returns and questions need it that long."""


class IntakeError(ValueError):
    """The page cannot be taken: the connection has no active channel. The text says what to do."""


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What a page did. ``short_lines`` and ``unmapped_lines`` count lines of new and changed orders."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    short_lines: int = 0
    unmapped_lines: int = 0


@dataclass(slots=True)
class _Page:
    """A page on its way in."""

    uc: UseCase
    cursor: Cursor
    connection_id: int
    fetched_at: datetime
    channels: list[Intake]
    orders: dict[str, RemoteOrder]
    digests: dict[str, bytes]
    ids: dict[str, int]
    """External id to our id, of the orders that are written."""
    fresh: set[str]
    states: dict[str, str]
    """State of known orders before this page."""
    index: OfferIndex
    homes: dict[str, Intake]
    """External id to channel, as ``channel_of`` found it."""

    def channel_of(self, order: RemoteOrder) -> Intake:
        """The order's channel: its own if it is known, else that of its first mapped line, that with its currency, the first active one."""
        home = self.homes.get(order.order_id)
        if home is None:
            home = self.homes[order.order_id] = self._find_home(order)
        return home

    def _find_home(self, order: RemoteOrder) -> Intake:
        active = {channel.id: channel for channel in self.channels if channel.active}
        if not active:
            raise IntakeError("this connection has no active channel that its orders could belong to: add one, or activate it")
        for line in order.lines:
            mapped = self.index.find(line.ref)
            if mapped and mapped.channel_id in active:
                return active[mapped.channel_id]
        return next((channel for channel in active.values() if channel.currency == order.currency), next(iter(active.values())))

    def before_cutover(self, order: RemoteOrder) -> bool:
        channel = self.channel_of(order)
        excluded = channel.cutover == Channel.Cutover.EXCLUDE and channel.cutover_at is not None
        return excluded and channel.cutover_at is not None and order.ordered_at < channel.cutover_at

    def written(self) -> list[RemoteOrder]:
        return [order for external, order in self.orders.items() if external in self.ids]


def accept(uc: UseCase, connection_id: int, orders: Sequence[RemoteOrder], fetched_at: datetime) -> IntakeResult:
    """Take a page of snapshots that was fetched at ``fetched_at`` (start of the call). Idempotent; stale snapshots are ignored."""
    latest = {order.order_id: order for order in snapshots.newest(orders)}
    if not latest:
        return IntakeResult()
    with hot_cursor() as cursor, pipelined():
        page = _open(uc, cursor, connection_id, latest, fetched_at)
        changed = _write_orders(page)
        if not page.ids:
            return IntakeResult(unchanged=len(latest))
        rows = _write_lines(page)
        short, gone, taken_back = _reserve(page, rows)
        _write_facts(page, rows)
        _tell_offers(page, rows, gone, taken_back)
        _acknowledge(page)
    unmapped = sum(row.unit_id is None for row in rows)
    new = len(page.fresh)
    return IntakeResult(new, changed, len(latest) - new - changed, sum(quantity > 0 for quantity in short.values()), unmapped)


def _open(uc: UseCase, cursor: Cursor, connection_id: int, latest: dict[str, RemoteOrder], fetched_at: datetime) -> _Page:
    channels = sorted(queries.intake_channels(cursor, connection_id), key=lambda channel: not channel.active)
    digests = {external: snapshots.digest(order) for external, order in latest.items()}
    return _Page(uc, cursor, connection_id, fetched_at, channels, latest, digests, {}, set(), {}, OfferIndex([]), {})


def _write_orders(page: _Page) -> int:
    """Enter new orders, take over newer snapshots of known ones; returns the number of the latter. Fills ``page.ids``."""
    known = {row.external_id: row for row in queries.known_orders(page.cursor, page.connection_id, list(page.orders))}
    news = [row for row in known.values() if _is_news(page, row)]
    page.states = {row.external_id: row.state for row in news}
    own = {channel.id: channel for channel in page.channels}
    page.homes = {row.external_id: own[row.channel_id] for row in news}
    fresh = {external: order for external, order in page.orders.items() if external not in known}
    page.orders = {external: page.orders[external] for external in sorted([*fresh, *(row.external_id for row in news)])}
    if not page.orders:
        return 0
    refs = [line.ref for order in page.orders.values() for line in order.lines]
    found = queries.find_offers(
        page.cursor,
        list(own),
        sorted({ref.sku for ref in refs}),
        sorted({ref.external_id for ref in refs if ref.external_id}),
    )
    page.index = OfferIndex(sorted(found, key=lambda offer: not own[offer.channel_id].active))
    if fresh:
        page.ids = _insert(page, fresh)
        page.fresh = set(page.ids)
    return _take_over(page, news) if news else 0


def _is_news(page: _Page, row: Known) -> bool:
    return snapshots.is_news(row, page.orders[row.external_id], page.digests[row.external_id], page.fetched_at)


def _insert(page: _Page, fresh: Mapping[str, RemoteOrder]) -> dict[str, int]:
    rows = [
        (
            page.channel_of(order).id,
            external,
            order.number or external,
            str(order.state),
            order.remote_state,
            order.fulfilled_by,
            order.ordered_at,
            order.modified_at,
            page.fetched_at,
            order.acknowledge_by,
            order.dispatch_by,
            order.currency,
            page.digests[external],
            page.before_cutover(order),
        )
        for external, order in sorted(fresh.items())
    ]
    return queries.insert_orders(page.cursor, page.uc.organisation_id, page.connection_id, page.uc.at, rows)


def _take_over(page: _Page, news: Sequence[Known]) -> int:
    """Lock, look again (another worker may have been here), and take over what is still news."""
    still = [row for row in queries.lock_orders(page.cursor, [row.id for row in news]) if _is_news(page, row)]
    rows = [
        (row.id, str(order.state), order.remote_state, order.modified_at, page.fetched_at, order.dispatch_by, page.digests[row.external_id])
        for row in still
        for order in [page.orders[row.external_id]]
    ]
    if rows:
        queries.update_orders(page.cursor, rows)
        queries.delete_amounts(page.cursor, [row.id for row in still])
    page.ids |= {row.external_id: row.id for row in still}
    return len(still)


def _write_lines(page: _Page) -> list[WrittenLine]:
    asked: dict[tuple[str, str], Asked] = {}
    changed = {order_id: external for external, order_id in page.ids.items() if external not in page.fresh}
    if changed:
        for order_id, line_id, units in queries.pending_cancels(page.cursor, sorted(changed), page.fetched_at):
            asked[changed[order_id], line_id] = units
    rows = [row for order in page.written() for row in _rows(page, order, asked)]
    return queries.upsert_lines(page.cursor, page.uc.organisation_id, rows + _withdrawn(page, changed))


def _withdrawn(page: _Page, changed: Mapping[int, str]) -> list[LineRow]:
    """Lines that a snapshot no longer mentions: the channel took them out of the order, so what has not left is cancelled."""
    if not changed:
        return []
    mentioned = {(order_id, line.line_id) for order_id, external in changed.items() for line in page.orders[external].lines}
    return [
        (
            line.order_id,
            line.line_id,
            line.sku,
            line.external_offer_id,
            line.title,
            line.offer_id,
            line.unit_id,
            line.pack_factor,
            line.ordered,
            line.ordered - line.shipped,
            0,
        )
        for line in queries.lines_of(page.cursor, sorted(changed))
        if (line.order_id, line.line_id) not in mentioned
    ]


def _rows(page: _Page, order: RemoteOrder, asked: Mapping[tuple[str, str], Asked]) -> list[LineRow]:
    rows: list[LineRow] = []
    for line in order.lines:
        mapped = page.index.find(line.ref)
        rows.append(
            (
                page.ids[order.order_id],
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
            )
        )
    return rows


def _by_id(page: _Page) -> dict[int, RemoteOrder]:
    return {page.ids[order.order_id]: order for order in page.written()}


def _reserve(page: _Page, rows: Sequence[WrittenLine]) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """Set the reservations of all mapped lines that we serve; then let go what the channel says has been shipped without us.

    Returns units by line: what is short, what left without us, and what has not left after all by the channel's word.
    """
    orders = _by_id(page)
    claims = [
        _claim(page, orders[row.order_id], row)
        for row in rows
        if row.unit_id is not None and orders[row.order_id].fulfilled_by == "seller" and not page.before_cutover(orders[row.order_id])
    ]
    parts = page.index.parts()
    missing = {claim.unit_id for claim in claims} - parts.keys()
    parts |= lines.load_parts(page.cursor, sorted(missing)) if missing else {}
    short = lines.reserve_lines(page.uc, claims, parts, cause="order")
    taken_back = departures.compare(page.uc, page.cursor, rows, orders, page.fetched_at)
    gone = departures.follow(page.uc, page.cursor, rows, orders, {claim.line_id for claim in claims}, parts)
    return short, gone, taken_back


def _claim(page: _Page, order: RemoteOrder, row: WrittenLine) -> lines.Claim:
    channel = page.channel_of(order)
    unit = row.unit_id if row.unit_id is not None else 0
    open_ = row.ordered - row.cancelled - row.shipped
    return lines.Claim(
        row.id,
        unit,
        row.pack_factor,
        open_,
        str(order.state),
        order.dispatch_by,
        tuple(channel.locations),
        channel.splits,
        fresh=row.open_before < 0,
    )


def _write_facts(page: _Page, rows: Sequence[WrittenLine]) -> None:
    """Money, time line, untouched body, and the buyer in the vault."""
    line_ids: dict[int, dict[str, int]] = {}
    for row in rows:
        line_ids.setdefault(row.order_id, {})[row.line_id] = row.id
    sealer = Sealer(page.uc.organisation_id)
    orders = _by_id(page)
    amounts = [row for order_id, order in orders.items() for row in snapshots.amount_rows(order_id, order, line_ids.get(order_id, {}))]
    events = [(order_id, _event(page, order), _detail(order)) for order_id, order in orders.items()]
    raw = [(order_id, *sealer.seal(f"orders_raw_payload:{order_id}", order.raw)) for order_id, order in orders.items() if order.raw]
    queries.insert_facts(page.cursor, page.uc.organisation_id, page.uc.at, f"channel:{page.connection_id}", amounts, events, raw)
    personal.store_many(
        page.uc,
        [
            PersonalText("order", order_id, "delivery", snapshots.buyer_text(order.buyer), order.ordered_at + KEEP_PERSONAL_DATA)
            for order_id, order in orders.items()
            if order.buyer is not None
        ],
        sealer,
    )


def _event(page: _Page, order: RemoteOrder) -> str:
    return "imported" if order.order_id in page.fresh else "changed"


def _detail(order: RemoteOrder) -> str:
    return msgspec.json.encode({"state": order.remote_state, "lines": len(order.lines), "modified": order.modified_at}).decode()


def _tell_offers(page: _Page, rows: Sequence[WrittenLine], gone: Mapping[int, int], taken_back: Mapping[int, int]) -> None:
    """Sold units that are open per offer, and what each sale or cancellation did to the channel's own figure.

    Orders that the marketplace fulfils from its own stock touch neither.
    """
    orders = _by_id(page)
    sold: list[Sold] = []
    for row in rows:
        order = orders[row.order_id]
        if row.offer_id is None or row.unit_id is None or order.fulfilled_by != "seller":
            continue
        state_before = page.states.get(order.order_id, "")
        story = LineStory(row, order, state_before, gone.get(row.id, 0), page.fetched_at, taken_back.get(row.id, 0))
        platform = page.channels[0].platform
        sold.append(Sold(row.offer_id, row.unit_id, platform, story.opened(), story.unacknowledged(), tuple(story.own_sales())))
    sales.leave(page.uc, sold)


def _acknowledge(page: _Page) -> None:
    """Stock is reserved: tell the channel so (S1.9, S1.10), where that is wanted and still owed."""
    owed = [
        (page.ids[order.order_id], order.order_id)
        for order in page.written()
        if order.state is OrderState.NEW and order.fulfilled_by == "seller" and page.channel_of(order).acknowledge
    ]
    acknowledging.queue(page.uc, page.connection_id, owed)
