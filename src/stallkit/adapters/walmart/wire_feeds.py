"""Walmart's wire format for the results of feeds. Pure. Source: the feeds contract of August 2023."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from stallkit.adapters.walmart.wire import instant, many, ref_of
from stallkit.types import Accepted, OfferRef, Outcome, Rejected


class FeedState(StrEnum):
    RECEIVED = "RECEIVED"
    INPROGRESS = "INPROGRESS"
    PROCESSED = "PROCESSED"
    ERROR = "ERROR"


class Ingestion(StrEnum):
    """What became of one item. SYSTEM_ERROR and TIMEOUT_ERROR are Walmart's own failures: they say nothing about the value."""

    INPROGRESS = "INPROGRESS"
    SUCCESS = "SUCCESS"
    DATA_ERROR = "DATA_ERROR"
    SYSTEM_ERROR = "SYSTEM_ERROR"
    TIMEOUT_ERROR = "TIMEOUT_ERROR"


class IngestionError(Struct):
    code: str = ""
    description: str = ""
    field: str = ""


class IngestionErrors(Struct, rename="camel"):
    ingestion_error: list[IngestionError] | IngestionError | None = None


class IngestedItem(Struct, rename="camel"):
    ingestion_status: Ingestion
    sku: str
    ingestion_errors: IngestionErrors | None = None


class IngestedItems(Struct, rename="camel"):
    item_ingestion_status: list[IngestedItem] | IngestedItem | None = None


class FeedAccepted(Struct, rename="camel"):
    feed_id: str


class FeedDetail(Struct, rename="camel"):
    """One page of GET /v3/feeds/{feedId}?includeDetails=true."""

    feed_status: FeedState
    items_received: int = 0
    item_details: IngestedItems | None = None
    ingestion_errors: IngestionErrors | None = None

    @property
    def items(self) -> list[IngestedItem]:
        return many(self.item_details.item_ingestion_status if self.item_details else None)


class FeedSummary(Struct, rename="camel"):
    feed_id: str
    feed_type: str = ""
    feed_date: int | str = 0


class FeedSummaries(Struct):
    feed: list[FeedSummary] | FeedSummary | None = None


class FeedList(Struct):
    results: FeedSummaries | None = None


FEED_TYPES = {
    "stock": frozenset({"inventory", "mp_inventory"}),
    "price": frozenset({"price_and_promotion", "price", "mp_item_price_update"}),
}
"""Kind to the names under which Walmart lists such a feed, lower case (the list may use another name than the submission)."""


def tell_errors(errors: IngestionErrors | None) -> tuple[str, str]:
    """(code, text for people) of the first error; further ones are appended to the text."""
    found = many(errors.ingestion_error if errors else None)
    texts = [f"{error.field}: {error.description}".removeprefix(": ") for error in found]
    return (found[0].code if found else "", "; ".join(text for text in texts if text))


def parse_outcome(item: IngestedItem) -> Outcome | None:
    """Accepted or Rejected; None while Walmart works on it, or when Walmart itself failed and the value must be looked up."""
    if item.ingestion_status is Ingestion.SUCCESS:
        return Accepted()
    if item.ingestion_status is not Ingestion.DATA_ERROR:
        return None
    code, text = tell_errors(item.ingestion_errors)
    return Rejected(code or "DATA_ERROR", text or "Walmart gave no reason")


def parse_outcomes(items: Iterable[IngestedItem]) -> dict[OfferRef, Outcome]:
    decided = ((item.sku, parse_outcome(item)) for item in items)
    return {ref_of(sku): outcome for sku, outcome in decided if outcome is not None}


def newest_feed(feeds: Sequence[FeedSummary], kind: str, since: datetime) -> str | None:
    """Id of the newest feed of ``kind`` that Walmart received at or after ``since``, to the millisecond."""
    since = since.replace(microsecond=since.microsecond // 1000 * 1000)
    wanted = [(instant(feed.feed_date), feed.feed_id) for feed in feeds if feed.feed_type.casefold() in FEED_TYPES[kind]]
    return max(((at, feed_id) for at, feed_id in wanted if at >= since), default=(since, None))[1]
