"""What is kept of a snapshot beside its lines: money, time line, untouched body, and the buyer in the vault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import msgspec

from stallkeeper.channels.queries import CommandRow
from stallkeeper.core.personal import PersonalText
from stallkeeper.core.secret_queries import PersonalRow
from stallkeeper.orders import entry_queries, snapshots
from stallkeeper.orders.page import Page
from stallkeeper.orders.queries import WrittenLine
from stallkit.types import RemoteOrder

KEEP_PERSONAL_DATA = timedelta(days=60)
"""From the order on; deliveries, returns and questions need it that long."""


def write(
    page: Page,
    rows: Iterable[WrittenLine],
    orders: Mapping[int, RemoteOrder],
    people: Sequence[PersonalRow] = (),
    commands: Sequence[CommandRow] = (),
) -> None:
    """Keep it in one statement. ``people`` (see ``buyers``) and ``commands`` go along where all orders are new."""
    line_ids: dict[int, dict[str, int]] = {}
    for row in rows:
        line_ids.setdefault(row.order_id, {})[row.line_id] = row.id
    amounts = [row for order_id, order in orders.items() for row in snapshots.amount_rows(order_id, order, line_ids.get(order_id, {}))]
    events = [(order_id, _event(page, order), _detail(order)) for order_id, order in orders.items()]
    raw = [(order_id, *page.sealer.seal(f"orders_raw_payload:{order_id}", order.raw)) for order_id, order in orders.items() if order.raw]
    uc = page.uc
    entry_queries.insert_facts(page.cursor, uc.organisation_id, page.connection_id, uc.at, amounts, events, raw, people, commands)


def buyers(orders: Mapping[int, RemoteOrder]) -> list[PersonalText]:
    """What goes to the vault."""
    return [
        PersonalText(
            "order", order_id, "delivery", snapshots.buyer_text(buyer), order.ordered_at + KEEP_PERSONAL_DATA, snapshots.buyer_words(buyer)
        )
        for order_id, order in orders.items()
        if (buyer := order.buyer) is not None
    ]


def _event(page: Page, order: RemoteOrder) -> str:
    return "imported" if order.order_id in page.fresh else "changed"


def _detail(order: RemoteOrder) -> str:
    return msgspec.json.encode({"state": order.remote_state, "lines": len(order.lines), "modified": order.modified_at}).decode()
