"""Every list that can be taken away as a file: who may, which rows, and what stands in its columns. No buyer's data is in any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.audit_rows import KEYS as AUDIT_KEYS
from stallkeeper.backoffice.audit_rows import audit_rows, entries_with
from stallkeeper.backoffice.export_tables import Row, Table, moment
from stallkeeper.backoffice.listing_rows import listings_with, rows_of
from stallkeeper.backoffice.offer_rows import offers_with
from stallkeeper.backoffice.offer_rows import row as offer_row
from stallkeeper.backoffice.order_filters import given, keys_of, orders_with
from stallkeeper.backoffice.order_rows import order_row
from stallkeeper.backoffice.reserve_rows import holds_with, promise_rows, promises_with
from stallkeeper.backoffice.sending_rows import columns as sending_columns
from stallkeeper.backoffice.sending_rows import rows as sending_rows
from stallkeeper.backoffice.sending_rows import units_with as units_to_send
from stallkeeper.backoffice.stock import UnitRow, own_places
from stallkeeper.backoffice.stock import units_with as units_in_stock
from stallkeeper.catalog.models import ImportRun, StockUnit
from stallkeeper.channels import plans, switches
from stallkeeper.channels.models import ObservedHold, Offer, RemoteListing
from stallkeeper.core import clock
from stallkeeper.core.models import AuditEntry
from stallkeeper.core.people import Permission
from stallkeeper.orders.models import Order
from stallkeeper.stock.models import Level, Location, LocationOwner, Reservation, StockSource

Filters = Mapping[str, str]


@dataclass(frozen=True)
class Listed:
    """A list by the name in its address: its title, who may have it, and its table as a query string narrows it."""

    title: str | Promise
    permission: Permission
    table: Callable[[Filters], Table[Any]]


def _listed(filters: Filters) -> QuerySet[Order]:
    return orders_with(given(filters)).select_related("channel").prefetch_related("lines")


def _orders(filters: Filters) -> Table[Order]:
    head = [_("Number"), _("Number on the channel"), _("Channel"), _("State"), _("State on the channel"), _("Ordered"), _("Taken in")]
    head += [_("Acknowledge by"), _("Dispatch by"), _("SKUs"), _("Units"), _("Short")]

    def cells(orders: Sequence[Order]) -> Iterable[Row]:
        now = clock.now()
        for order in orders:
            row = order_row(order, now)
            said = [order.number, order.external_id, order.channel.name, order.get_state_display(), order.remote_state]
            times = [moment(at) for at in (order.ordered_at, order.imported_at, order.acknowledge_by, order.dispatch_by)]
            yield [*said, *times, row.skus, row.units, row.short]

    return Table(head, _listed(filters), keys_of(given(filters)), cells)


def _order_lines(filters: Filters) -> Table[Order]:
    head = [_("Order"), _("Channel"), _("Ordered"), _("SKU on the channel"), _("Title"), _("Stock unit"), _("Pack factor")]
    head += [_("Units ordered"), _("Cancelled"), _("Shipped"), _("Returned"), _("Refunded"), _("Allocated"), _("Short")]

    def cells(orders: Sequence[Order]) -> Iterable[Row]:
        now = clock.now()
        units = {line.stock_unit_id for order in orders for line in order.lines.all() if line.stock_unit_id}
        skus = dict(StockUnit.objects.filter(pk__in=units).values_list("pk", "sku"))
        for order in orders:
            for line in order_row(order, now).lines:
                said = [line.sku, line.title, skus.get(line.stock_unit_id or 0), line.pack_factor]
                five = [line.ordered, line.cancelled, line.shipped, line.returned, line.refunded]
                yield [order.number, order.channel.name, moment(order.ordered_at), *said, *five, line.allocated, line.short]

    return Table(head, _listed(filters), keys_of(given(filters)), cells)


def _offers(filters: Filters) -> Table[Offer]:
    head = [_("SKU on the channel"), _("Channel"), _("Number on the channel"), _("Stock unit"), _("Title"), _("Pack factor"), _("State")]
    head += [_("Intended"), _("Sent"), _("Accepted"), _("Observed"), _("Observed at"), _("Believed")]
    head += [_("Intended price"), _("Believed price"), _("Currency"), _("The channel's reason")]

    def cells(offers: Sequence[Offer]) -> Iterable[Row]:
        for offer in offers:
            row, unit = offer_row(offer), offer.stock_unit
            said: Row = [offer.sku, offer.channel.name, offer.external_id, unit.sku, unit.title, offer.pack_factor, str(row.state_name)]
            four: Row = [offer.intended_qty, offer.sent_qty, offer.accepted_qty, offer.observed_qty, moment(offer.observed_at)]
            price: Row = [row.price.intended, row.price.believed, row.price.currency] if row.price else [None, None, None]
            yield [*said, *four, offer.believed_qty, *price, row.reason]

    return Table(head, offers_with(filters), ("channel_id", "sku"), cells)


def _sending(filters: Filters) -> Table[StockUnit]:
    channels = list(switches.states())
    shown, plan = sending_columns(channels, set()), plans.open_plan()
    head = [_("SKU"), _("Title"), _("For sale"), *(column.channel.name for column in shown)]

    def cells(units: Sequence[StockUnit]) -> Iterable[Row]:
        organisation = channels[0].organisation_id if channels else 0
        for row in sending_rows(organisation, units, shown, plan):
            figures = [sum(cell.offer.intended_qty or 0 for cell in column if cell.shown) if column else None for column in row.cells]
            yield [row.unit.sku, row.unit.title, row.for_sale, *figures]

    return Table(head, units_to_send(filters, [column.channel.pk for column in shown], plan).units, ("sku",), cells)


def _listings(filters: Filters) -> Table[RemoteListing]:
    head = [_("Channel"), _("SKU on the channel"), _("Number on the channel"), _("Title"), _("GTIN"), _("Status"), _("State")]
    head += [
        _("Our quantity"),
        _("Quantity there"),
        _("Our price"),
        _("Price there"),
        _("Currency"),
        _("Linked to"),
        _("Candidates"),
        _("Seen"),
    ]
    channels = list(switches.states())

    def cells(listings: Sequence[RemoteListing]) -> Iterable[Row]:
        for row in rows_of(listings, channels):
            each, price = row.listing, row.price
            said = [each.channel.name, each.sku, each.external_id, each.title, ", ".join(each.gtins), each.status, str(row.state_name)]
            figures: Row = [each.offer.intended_qty if each.offer else None, row.there, price.intended if price else None, row.price_there]
            linked = each.offer.stock_unit.sku if each.offer else ""
            fits = ", ".join(candidate.sku for candidate in row.candidates)
            yield [*said, *figures, price.currency if price else each.currency, linked, fits, moment(each.seen_at)]

    return Table(head, listings_with(filters), ("channel_id", "sku", "external_id"), cells)


def _stock(filters: Filters) -> Table[StockUnit]:
    places = own_places()
    head = [_("SKU"), _("Title"), _("Kind"), _("On hand"), _("Allocated"), _("Held"), _("Free"), *(place.name for place in places)]

    def cells(units: Sequence[StockUnit]) -> Iterable[Row]:
        levels: dict[int, dict[int, Level]] = {}
        for level in Level.objects.filter(stock_unit__in=[unit.pk for unit in units], location__in=places):
            levels.setdefault(level.stock_unit_id, {})[level.location_id] = level
        for unit in units:
            row, said = UnitRow(unit, levels.get(unit.pk, {}), places), [unit.sku, unit.title, unit.get_kind_display()]
            yield [*said, row.on_hand, row.allocated, row.held, row.free, *row.cells] if row.counted else said

    return Table(head, units_in_stock(filters), ("sku",), cells)


def _observed(filters: Filters) -> Table[ObservedHold]:
    head = [_("Seen"), _("Channel"), _("SKU on the channel"), _("Stock unit"), _("Cause"), _("Units seen"), _("Waits for its order")]
    head += [_("The order came"), _("The figure came back"), _("No order came"), _("Let go by hand"), _("Reason"), _("Ended")]

    def cells(holds: Sequence[ObservedHold]) -> Iterable[Row]:
        for hold in holds:
            said = [moment(hold.seen_at), hold.offer.channel.name, hold.offer.sku, hold.offer.stock_unit.sku, hold.cause, hold.seen]
            parts = [hold.quantity, hold.taken_over, hold.withdrawn, hold.lapsed, hold.released]
            yield [*said, *parts, hold.reason, moment(hold.ended_at)]

    return Table(head, holds_with(filters), ("-seen_at", "id"), cells)


def _promised(of: str, filters: Filters) -> Table[Reservation]:
    head = [_("Since"), _("Stock unit"), _("Place"), _("Units"), _("Order"), _("Channel"), _("Dispatch by"), _("Reason"), _("Until")]

    def cells(reservations: Sequence[Reservation]) -> Iterable[Row]:
        for row in promise_rows(of, reservations):
            each, order = row.reservation, row.line.order if row.line else None
            said = [moment(each.created_at), each.stock_unit.sku, each.location.name, each.quantity]
            whose = [order.number, order.channel.name] if order else ["", ""]
            yield [*said, *whose, moment(each.due_at), row.hold.reason if row.hold else "", moment(each.expires_at)]

    return Table(head, promises_with(of, filters), ("-id",), cells)


def _places(_filters: Filters) -> Table[Location]:
    head = [_("Code"), _("Name"), _("Whose stock"), _("Priority"), _("What lies there may be sold"), _("In use")]

    def cells(places: Sequence[Location]) -> Iterable[Row]:
        for each in places:
            yield [each.code, each.name, each.get_owner_display(), each.priority, _yes(each.sellable), _yes(each.active)]

    return Table(head, Location.objects.exclude(owner=LocationOwner.VIRTUAL), ("priority", "id"), cells)


def _sources(_filters: Filters) -> Table[StockSource]:
    head = [_("Name"), _("Place"), _("Kind"), _("Enabled"), _("Last success"), _("Rows"), _("Last error")]

    def cells(sources: Sequence[StockSource]) -> Iterable[Row]:
        for each in sources:
            yield [
                each.name,
                each.location.name,
                each.kind,
                _yes(each.enabled),
                moment(each.last_success_at),
                each.last_rows,
                each.last_error,
            ]

    return Table(head, StockSource.objects.select_related("location"), ("name", "id"), cells)


def _imports(_filters: Filters) -> Table[ImportRun]:
    head = [_("Began"), _("File"), _("Kind"), _("Only tried"), _("State"), _("Rows"), _("Changed"), _("Refused"), _("By"), _("Ended")]

    def cells(runs: Sequence[ImportRun]) -> Iterable[Row]:
        names = names_of([run.actor for run in runs])
        for run in runs:
            said = [moment(run.started_at), run.file_name, run.kind, _yes(run.dry_run), run.get_state_display()]
            yield [*said, run.rows_done, run.rows_changed, run.rows_refused, names[run.actor], moment(run.finished_at)]

    return Table(head, ImportRun.objects.all(), ("-started_at", "id"), cells)


def _audit(filters: Filters) -> Table[AuditEntry]:
    head = [_("When"), _("Who"), _("What was done"), _("To what"), _("Name"), _("Number"), _("Details"), _("Word of the program")]

    def cells(entries: Sequence[AuditEntry]) -> Iterable[Row]:
        for row in audit_rows(entries):
            details = "; ".join(f"{name}: {value}" for name, value in row.details)
            entry, thing = row.entry, row.thing
            yield [moment(entry.at), row.who, row.what, thing.kind, thing.name, entry.subject_id, details, entry.action]

    return Table(head, entries_with(filters), AUDIT_KEYS, cells)


def _yes(value: bool) -> str:
    return _("yes") if value else _("no")


LISTS: dict[str, Listed] = {
    "orders": Listed(gettext_lazy("Orders"), Permission.VIEW_ORDERS, _orders),
    "order-lines": Listed(gettext_lazy("Lines of orders"), Permission.VIEW_ORDERS, _order_lines),
    "offers": Listed(gettext_lazy("Offers"), Permission.VIEW_STOCK, _offers),
    "sending": Listed(gettext_lazy("Sending"), Permission.VIEW_STOCK, _sending),
    "listings": Listed(gettext_lazy("Listings"), Permission.VIEW_STOCK, _listings),
    "stock": Listed(gettext_lazy("Products and stock"), Permission.VIEW_STOCK, _stock),
    "reserves": Listed(gettext_lazy("Reserves"), Permission.VIEW_STOCK, _observed),
    "reserves-line": Listed(gettext_lazy("Reserved by orders"), Permission.VIEW_STOCK, lambda filters: _promised("line", filters)),
    "reserves-manual": Listed(gettext_lazy("Kept back by hand"), Permission.VIEW_STOCK, lambda filters: _promised("manual", filters)),
    "places": Listed(gettext_lazy("Places"), Permission.VIEW_STOCK, _places),
    "sources": Listed(gettext_lazy("Sources"), Permission.VIEW_STOCK, _sources),
    "imports": Listed(gettext_lazy("Imports"), Permission.EDIT_CATALOGUE, _imports),
    "audit": Listed(gettext_lazy("Audit"), Permission.SEE_AUDIT, _audit),
}
"""Name in addresses and rows to the list."""
