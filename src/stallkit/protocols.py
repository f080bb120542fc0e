"""One small Protocol per capability. An adapter implements those that its manifest declares, and no others.

Promises that hold for all of them, and that the contract suite checks:

* batch calls answer for **every** ref that went in, also when the platform forgets one (then the whole call is ``Unintelligible``);
* an exception from :mod:`stallkit.errors` means that the whole call failed, and which one says what the engine must do;
* reads never change anything on the platform;
* no call sleeps, retries or starts threads: pacing, retries and waiting belong to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol

from stallkit.manifest import Manifest
from stallkit.types import (
    AccountInfo,
    CancelNotice,
    Hint,
    LabelAnswer,
    OfferRef,
    OfferState,
    Outcome,
    Outcomes,
    Page,
    PriceIntent,
    RemoteOffer,
    RemoteOrder,
    RemoteReturn,
    RemoteWarehouse,
    ShipmentNotice,
    StockIntent,
    TicketResult,
)


class Adapter(Protocol):
    """Built by the registry from ``(config, http, clock)``; holds no globals and reads no environment."""

    MANIFEST: ClassVar[Manifest]


class Probe(Protocol):
    def probe(self) -> AccountInfo:
        """Cheapest call that proves the credentials. NeedsReconnect when they, or our address, are not accepted."""


class OfferReader(Protocol):
    def read_offers(self, cursor: str) -> Page[RemoteOffer]:
        """One page of all offers of the account; ``cursor`` is "" at the start. An empty account is an empty page, not an error."""


class StateReader(Protocol):
    def read_states(self, refs: Sequence[OfferRef], warehouse: str = "") -> Mapping[OfferRef, OfferState | None]:
        """What the platform shows now for each ref (at most ``manifest.read_batch``); None where it says that there is no such offer.

        ``warehouse``: theirs, where figures are kept per warehouse.
        """


class WarehouseReader(Protocol):
    def read_warehouses(self) -> Sequence[RemoteWarehouse]:
        """All warehouses that figures can be kept for, those that cannot be used now included."""


class OrderPuller(Protocol):
    def pull_orders(self, cursor: str) -> Page[RemoteOrder]:
        """Orders new or changed since the cursor ("" = as far back as makes sense), oldest change first where the platform can sort.

        A buyer's cancellation is a change. The same order may come twice; none may be left out.
        """


class OrderReader(Protocol):
    def read_order(self, order_id: str) -> RemoteOrder | None:
        """The order as it is now; None if the platform says that it does not exist."""


class Acknowledger(Protocol):
    def acknowledge(self, order_id: str) -> Outcome:
        """Tell the platform that we have the order and stock is reserved (S1.9, S4.47). Already acknowledged counts as Accepted."""


class StockWriter(Protocol):
    def write_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        """The quick path, at most ``manifest.stock_batch`` items."""


class BulkStockWriter(Protocol):
    def submit_stock(self, intents: Sequence[StockIntent]) -> Outcomes:
        """The bulk path, at most ``manifest.bulk_batch`` items; outcomes are usually Pending with one ticket for all."""


class PriceWriter(Protocol):
    def write_prices(self, intents: Sequence[PriceIntent]) -> Outcomes:
        """The quick path, at most ``manifest.stock_batch`` items."""


class BulkPriceWriter(Protocol):
    def submit_prices(self, intents: Sequence[PriceIntent]) -> Outcomes:
        """The bulk path, at most ``manifest.bulk_batch`` items."""


class TicketResolver(Protocol):
    def resolve_ticket(self, ticket: str) -> TicketResult:
        """What became of a bulk submission. Items without a decision are left out until ``done``."""

    def find_ticket(self, kind: str, since: datetime) -> str | None:
        """After an unknown outcome: the newest submission of ``kind`` ("stock" | "price") made at or after ``since``, or None."""


class ShipmentConfirmer(Protocol):
    def confirm_shipment(self, notice: ShipmentNotice) -> Outcome:
        """Tell the platform what left, with tracking. Never called twice for one shipment without a read in between."""


class LineCanceller(Protocol):
    def cancel_lines(self, notice: CancelNotice) -> Outcome:
        """Cancel quantities of lines that have not been shipped."""


class LabelReader(Protocol):
    def read_labels(self, order_ids: Sequence[str]) -> Mapping[str, LabelAnswer]:
        """The labels of acknowledged orders, an answer for each. Changes nothing but that the platform may make them."""


class ReturnReader(Protocol):
    def read_returns(self, cursor: str) -> Page[RemoteReturn]:
        """Returns that are new or changed since the cursor ("" = as far back as makes sense); promises as for ``pull_orders``."""


class HintReader(Protocol):
    def read_hint(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Hint | None:
        """Understand a callback of the platform; None if it is not one or its signature is wrong (the caller is refused then). A genuine
        one about something that we do not follow is a Hint that calls for no look. Never trusts it beyond "look"."""
