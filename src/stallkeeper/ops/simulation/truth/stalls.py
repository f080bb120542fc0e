"""A stall as the model sees it: the account in our tables, and the platform's own books behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from stallkit.manifest import Quirks
from stallkit.registry import manifest_of
from stallkit.testing.emulator import Emulator


@dataclass(frozen=True)
class StallView:
    """One channel on one account. ``quirks`` are those of its manifest; ``emulator`` is asked, never changed."""

    channel_id: int
    connection_id: int
    platform: str
    quirks: Quirks
    emulator: Emulator

    @property
    def hides_pending(self) -> bool:
        """Whether the platform lists an order only once its payment is sure."""
        return self.platform == "walmart"

    @property
    def names_buyers(self) -> bool:
        """Whether its list of orders tells who has bought (an adapter's manifest says so where it does not)."""
        return "orders.buyer_is_told" not in dict(manifest_of(self.platform).skips)

    @property
    def forgets_cancelled(self) -> bool:
        """Whether it shows an order without the units that were cancelled of it (an adapter's manifest says so)."""
        return "orders.partial_cancellation_seen" in dict(manifest_of(self.platform).skips)

    @property
    def gone_is_zero(self) -> bool:
        """Whether an offer that it has taken down reads as 0: only a write shows that it is gone."""
        return self.platform == "wildberries"

    @property
    def scans(self) -> bool:
        """Whether its own people see what leaves, whatever the seller says."""
        return type(self.emulator).scan is not Emulator.scan

    @property
    def name(self) -> str:
        return f"{self.platform} (channel {self.channel_id})"

    @property
    def order_freshness(self) -> timedelta:
        """How old the last complete pull may be when a figure goes out, by the platform's manifest."""
        return manifest_of(self.platform).order_freshness

    def kept(self, sku: str) -> int | None:
        """The figure that the platform keeps, in the basis in which it is written and read; None if it has no such offer."""
        if sku not in self.emulator.offers:
            return None
        books: dict[str, int] | None = getattr(self.emulator, "input", None) or getattr(self.emulator, "general", None)
        return books[sku] if books is not None else self.emulator.kept_of(sku)

    def shown(self, sku: str) -> int:
        """What a buyer could buy now. The platform finishes what is due first."""
        return self.emulator.quantity_of(sku)

    def shifted(self) -> dict[str, datetime]:
        """By SKU: when the platform's figure last became something else than what it had said: somebody typed one into the platform's own
        screen, or the platform mislaid what it had accepted, or applied it late."""
        edited = {entry.sku: entry.at for entry in self.emulator.diary if entry.cause == "edit"}
        return {sku: max(filter(None, (edited.get(sku), self.emulator.mislaid.get(sku)))) for sku in edited | self.emulator.mislaid}
