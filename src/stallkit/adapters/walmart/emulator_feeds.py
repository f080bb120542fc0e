"""Feeds of the emulated Walmart: taken in at once, worked on for minutes, applied item by item when they are due."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from stallkit.adapters.walmart.emulator_wire import Json
from stallkit.adapters.walmart.wire import PriceFeed, StockFeed

MOST_ITEMS = 10_000
MOST_BYTES = 10 * 1024 * 1024
TIMES = {"inventory": (120.0, 900.0), "PRICE_AND_PROMOTION": (240.0, 360.0)}
"""Seconds from submission to effect, shortest and longest, before ``limits_scale``."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One wish of a feed: a quantity (gross) or a price."""

    sku: str
    quantity: int | None = None
    price: Decimal | None = None


@dataclass(slots=True)
class Feed:
    feed_id: str
    feed_type: str
    submitted_at: datetime
    due_at: datetime
    items: list[FeedItem]
    node: str = ""
    broken: str = ""
    """Why the feed as a whole cannot be used."""
    results: list[Json] = field(default_factory=list)
    done: bool = False

    @property
    def status(self) -> str:
        if not self.done:
            return "INPROGRESS"
        return "ERROR" if self.broken else "PROCESSED"

    def counts(self) -> Json:
        failed = sum(result["ingestionStatus"] != "SUCCESS" for result in self.results)
        waiting = 0 if self.done else len(self.items)
        return {
            "itemsReceived": len(self.items),
            "itemsSucceeded": len(self.results) - failed,
            "itemsFailed": failed,
            "itemsProcessing": waiting,
        }

    def summary(self) -> Json:
        """As GET /v3/feeds lists it."""
        moment = int(self.submitted_at.timestamp() * 1000)
        known = {"feedId": self.feed_id, "feedSource": "SELLER", "feedType": self.feed_type, "partnerId": "100009"}
        return {**known, **self.counts(), "feedStatus": self.status, "feedDate": moment, "modifiedDtm": moment}

    def detail(self, offset: int, limit: int, *, with_items: bool) -> Json:
        """As GET /v3/feeds/{feedId} shows it."""
        body: dict[str, object] = {"feedId": self.feed_id, "feedStatus": self.status, **self.counts(), "offset": offset, "limit": limit}
        if self.broken and self.done:
            body["ingestionErrors"] = {
                "ingestionError": [{"type": "DATA_ERROR", "code": "ERR_EXT_DATA_0503009", "description": self.broken}]
            }
        if with_items:
            rows = self.results or [show_item(number, item.sku, "INPROGRESS") for number, item in enumerate(self.items)]
            body["itemDetails"] = {"itemIngestionStatus": rows[offset : offset + limit]}
        return body


def show_item(index: int, sku: str, status: str, text: str = "") -> Json:
    """One entry of ``itemIngestionStatus``."""
    row: dict[str, object] = {"martId": 0, "sku": sku, "index": index, "ingestionStatus": status}
    if text:
        error = {"type": status, "code": "ERR_EXT_DATA_REFUSED", "description": text}
        row["ingestionErrors"] = {"ingestionError": [error]}
    return row


def read_feed(feed_type: str, body: bytes) -> tuple[list[FeedItem], str]:
    """The items of a feed, and what is wrong with it as a whole ("" if nothing). A wrong header or spelling spoils all of it."""
    try:
        if feed_type == "inventory":
            stock = msgspec.json.decode(body, type=StockFeed)
            items = [FeedItem(entry.sku, quantity=entry.quantity.amount) for entry in stock.entries]
            right = stock.header.version == "1.4" and b'"InventoryHeader"' in body
        else:
            prices = msgspec.json.decode(body, type=PriceFeed)
            items = [FeedItem(entry.entry.sku, price=entry.entry.price) for entry in prices.entries]
            right = prices.header.business_unit == "WALMART_US" and prices.header.version.endswith("-api")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return [], f"the feed does not match its schema: {error}"
    if not right:
        return items, "the feed header is missing, or has another version"
    return items, "" if len(items) <= MOST_ITEMS else f"a feed holds at most {MOST_ITEMS} items"


def pick_repeated(items: list[FeedItem], chance: random.Random) -> list[FeedItem]:
    """One item per SKU: which of several wins is undefined, so chance decides."""
    by_sku: dict[str, list[FeedItem]] = {}
    for item in items:
        by_sku.setdefault(item.sku, []).append(item)
    return [found[0] if len(found) == 1 else chance.choice(found) for found in by_sku.values()]


@dataclass(slots=True)
class Feeds:
    """All feeds of the account, oldest first. ``apply`` sets one item and returns (ingestion status, reason)."""

    chance: random.Random
    limits_scale: float
    apply: Callable[[Feed, FeedItem], tuple[str, str]]
    known: dict[str, Feed] = field(default_factory=dict)

    def submit(self, feed_type: str, body: bytes, node: str, now: datetime) -> Feed:
        """Take a feed in. Whether it is any good shows only when it is due."""
        items, broken = read_feed(feed_type, body)
        due = now + timedelta(seconds=self.chance.uniform(*TIMES[feed_type]) * self.limits_scale)
        feed_id = f"{self.chance.getrandbits(128):032X}@{'AUoBAQA' if feed_type == 'inventory' else 'AXwBAgA'}"
        feed = self.known[feed_id] = Feed(feed_id, feed_type, now, due, pick_repeated(items, self.chance), node, broken)
        return feed

    def next_due(self, now: datetime) -> Feed | None:
        """The feed to finish next, in the order of their moments."""
        return min(
            (feed for feed in self.known.values() if not feed.done and feed.due_at <= now), key=lambda feed: feed.due_at, default=None
        )

    def finish(self, feed: Feed) -> None:
        """Apply all items. The status of the feed says nothing about them."""
        feed.done = True
        if not feed.broken:
            feed.results = [show_item(number, item.sku, *self.apply(feed, item)) for number, item in enumerate(feed.items)]
