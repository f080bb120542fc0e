"""Goods leave: the shelf goes down, the promise is kept, the channel is told with tracking (S1.12, S4.48)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import connection

from stallkeeper.channels import commands
from stallkeeper.channels.commands import CommandKind, Line, Ship
from stallkeeper.channels.models import Command
from stallkeeper.core import audit
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.fulfilment.models import Shipment, ShipmentLine
from stallkeeper.orders import acknowledging, departures, events, lines, queries
from stallkeeper.orders.asked import asked_of
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock import ledger, places
from stallkeeper.stock.ledger import Move
from stallkeeper.stock.models import Cause, VirtualRole
from stallkit.registry import manifest_of
from stallkit.words import said as _

NO_CARRIER = "carrier: say who carries the parcel"


class ShipError(ValueError):
    """The shipment cannot be made as asked; the text says which line and why."""


@again_on_conflict
def ship(
    organisation_id: int,
    order_id: int,
    quantities: Mapping[int, int] | None,
    *,
    carrier: str,
    tracking_number: str,
    actor: str,
    tracking_url: str = "",
    shipped_at: datetime | None = None,
    reference: str = "",
    although_asked: bool = False,
) -> Shipment:
    """Ship sold units per line (None = everything open). ``reference`` makes a repeat harmless: the same one returns the first shipment.

    A line that is short may be shipped only if the goods were found: they are entered as found first, so the ledger stays true.
    A line that the buyer asks to cancel leaves only if a person says so: ``although_asked``.
    """
    with use_case("ship.order", organisation_id=organisation_id, actor=actor) as uc:
        order = Order.objects.select_related("connection").select_for_update(of=("self",)).get(pk=order_id)
        existing = Shipment.objects.filter(reference=reference).first() if reference else None
        if existing is not None:
            return existing
        rows = list(OrderLine.objects.filter(order=order).order_by("id").select_for_update())
        wanted = _wanted(order, rows, quantities)
        if not carrier.strip():
            raise ShipError(NO_CARRIER)
        _heed_wishes(rows, wanted, although_asked=although_asked)
        _acknowledge_first(uc, order)
        shipment = _record(uc, order, wanted, carrier.strip(), tracking_number.strip(), tracking_url, shipped_at or uc.at, reference)
        _goods_leave(uc, order, rows, wanted, shipment)
        _tell_channel(uc, order, rows, wanted, shipment, although_asked=although_asked)
        told = {row.line_id: wanted[row.pk] for row in rows if row.pk in wanted}
        audit.record(uc, "ship.order", "order", order.pk, number=order.number, carrier=shipment.carrier, lines=told)
    return shipment


@again_on_conflict
def tell_again(
    organisation_id: int,
    shipment_id: int,
    *,
    actor: str,
    carrier: str | None = None,
    tracking_number: str | None = None,
    tracking_url: str | None = None,
    although_asked: bool | None = None,
) -> Shipment:
    """The channel refused a shipment, or was given up on: put right what was wrong (None leaves it as it is) and tell it again.

    ``although_asked``: the buyer has asked to cancel lines meanwhile, and they have left all the same. CommandError if it was told
    already, or is on its way. ShipError for a carrier without a name.
    """
    with use_case("ship.tell_again", organisation_id=organisation_id, actor=actor) as uc:
        shipment = Shipment.objects.select_related("order").select_for_update(of=("self",)).get(pk=shipment_id)
        shipment.carrier = _given(carrier, shipment.carrier)
        shipment.tracking_number = _given(tracking_number, shipment.tracking_number)
        shipment.tracking_url = _given(tracking_url, shipment.tracking_url)
        if not shipment.carrier:
            raise ShipError(NO_CARRIER)
        shipment.save(update_fields=["carrier", "tracking_number", "tracking_url"])
        units = {row.line: row.quantity for row in shipment.lines.select_related("line").order_by("line_id")}
        shipped = tuple(Line(line.line_id, quantity) for line, quantity in units.items())
        command = Command.objects.get(connection_id=shipment.order.connection_id, key=key_of(shipment))
        told = commands.payload_of(command.kind, command.payload)
        before = isinstance(told, Ship) and told.although_asked
        notice = _notice(shipment, shipped, although_asked=before if although_asked is None else although_asked)
        commands.try_again(uc, command.pk, notice)
        events.record(uc, shipment.order_id, "ship_told_again", {"carrier": shipment.carrier, "tracking": shipment.tracking_number})
    return shipment


def key_of(shipment: Shipment) -> str:
    """The key of the command that tells the channel of this shipment."""
    return f"ship:{shipment.pk}"


def _given(text: str | None, before: str) -> str:
    return before if text is None else text.strip()


def _wanted(order: Order, rows: list[OrderLine], quantities: Mapping[int, int] | None) -> dict[int, int]:
    if order.state == Order.State.PENDING:
        raise ShipError(_("order {number} is pending: its payment is not sure yet", number=order.number))
    if order.fulfilled_by != "seller":
        raise ShipError(_("order {number} is fulfilled by the marketplace: its goods do not leave from here", number=order.number))
    asked = asked_of(order, rows, quantities, ShipError)
    for row, quantity in asked:
        if not 0 < quantity <= row.open:
            raise ShipError(_("line {line_id}: {quantity} to ship, {open} open", line_id=row.line_id, quantity=quantity, open=row.open))
        if row.stock_unit_id is None:
            raise ShipError(_("line {line_id}: its SKU {sku!r} is not linked; link it first", line_id=row.line_id, sku=row.sku))
    if not asked:
        raise ShipError(_("order {number} has nothing left to ship", number=order.number))
    wanted = {row.pk: quantity for row, quantity in asked}
    _whole_if_it_must_be(order, rows, wanted)
    return wanted


def _acknowledge_first(uc: UseCase, order: Order) -> None:
    try:
        acknowledging.before(uc, order, CommandKind.SHIP)
    except acknowledging.NotAcknowledged as error:
        raise ShipError(str(error)) from error


def _heed_wishes(rows: list[OrderLine], wanted: Mapping[int, int], *, although_asked: bool) -> None:
    """Some channels take such a shipment only with an override: that is for a person to decide, not for us."""
    asked = [f"{row.cancel_requested} of line {row.line_id} ({row.sku})" for row in rows if row.pk in wanted and row.cancel_requested]
    if asked and not although_asked:
        raise ShipError(
            _(
                "the buyer asks to cancel {asked}: cancel that, or say that it leaves although they asked (tick it in the "
                "form; --although-asked on the command line)",
                asked=", ".join(asked),
            )
        )


def _whole_if_it_must_be(order: Order, rows: list[OrderLine], asked: Mapping[int, int]) -> None:
    """Said before the goods leave, not after the channel has refused them (C25)."""
    manifest = manifest_of(order.connection.platform)
    kept = [f"{row.open - asked.get(row.pk, 0)} of line {row.line_id}" for row in rows if row.open > asked.get(row.pk, 0)]
    if kept and not manifest.quirks.partial_shipments:
        raise ShipError(
            _(
                "{title} takes whole orders only, and {kept} would stay behind: ship everything, or cancel the rest first",
                title=manifest.title,
                kept=", ".join(kept),
            )
        )


def _record(
    uc: UseCase, order: Order, wanted: Mapping[int, int], carrier: str, tracking: str, url: str, at: datetime, reference: str
) -> Shipment:
    earlier = list(Shipment.objects.filter(order=order).values_list("shipped_at", flat=True))
    shipment = Shipment.objects.create(
        organisation_id=uc.organisation_id,
        order=order,
        reference=reference or f"{order.pk}-{len(earlier) + 1}",
        carrier=carrier,
        tracking_number=tracking,
        tracking_url=url,
        shipped_at=_own_second(at, earlier),
        actor=uc.actor,
    )
    ShipmentLine.objects.bulk_create(
        ShipmentLine(organisation_id=uc.organisation_id, shipment=shipment, line_id=line, quantity=quantity)
        for line, quantity in sorted(wanted.items())
    )
    return shipment


def _own_second(at: datetime, earlier: Iterable[datetime]) -> datetime:
    """The first second from ``at`` on in which nothing of the order has left yet: where a channel is asked whether it knows of a shipment,
    it is known by its tracking number and its second, and two that go into one parcel at once would pass for one."""
    taken = {int(other.timestamp()) for other in earlier}
    while int(at.timestamp()) in taken:
        at += timedelta(seconds=1)
    return at


def _goods_leave(uc: UseCase, order: Order, rows: list[OrderLine], wanted: Mapping[int, int], shipment: Shipment) -> None:
    shipping = [row for row in rows if row.pk in wanted]
    with connection.cursor() as cursor:
        parts = lines.load_parts(cursor, [row.stock_unit_id for row in shipping if row.stock_unit_id is not None])
    if not order.at_cutover:
        _enter_found(uc, shipping, wanted, parts, shipment)
        for row in shipping:
            taken = _units(row, wanted[row.pk], parts)
            departures.leave(uc, row.pk, taken, f"shipment:{shipment.pk}:{row.pk}")
    with connection.cursor() as cursor:
        queries.add_shipped(cursor, [row.pk for row in shipping], [wanted[row.pk] for row in shipping])
        queries.lower_shortages(cursor, uc.at, [row.pk for row in shipping])
    lines.change_open(uc, order, [(row, -wanted[row.pk]) for row in shipping])
    for row in shipping:
        row.shipped += wanted[row.pk]
    if order.state == Order.State.NEW:  # an order of which goods have left is not new any more
        lines.no_longer_unacknowledged(uc, order, rows)


def _units(row: OrderLine, quantity: int, parts: lines.Parts) -> dict[int, int]:
    unit_parts = parts.get(row.stock_unit_id, ()) if row.stock_unit_id is not None else ()
    return {unit: number * row.pack_factor * quantity for unit, number in unit_parts}


def _enter_found(uc: UseCase, shipping: list[OrderLine], wanted: Mapping[int, int], parts: lines.Parts, shipment: Shipment) -> None:
    """Units that are shipped although short were on the shelf after all: enter them at the channel's first place, then allocate."""
    missing = {row.pk: wanted[row.pk] - row.allocated for row in shipping if wanted[row.pk] > row.allocated}
    if not missing:
        return
    place = _first_place(shipping[0].order_id)
    adjustment = places.virtual(uc, VirtualRole.ADJUSTMENT).pk
    moves = [
        Move(unit, number, adjustment, place, Cause.FOUND, f"found:{shipment.pk}:{row.pk}:{unit}", uc.at, "shipped although short")
        for row in shipping
        if row.pk in missing
        for unit, number in sorted(_units(row, missing[row.pk], parts).items())
    ]
    ledger.post(uc, moves)
    lines.reset_lines(uc, sorted(missing), cause="found")


def _first_place(order_id: int) -> int:
    order = Order.objects.get(pk=order_id)
    with connection.cursor() as cursor:
        channels = queries.intake_channels(cursor, order.connection_id)
    chosen = next((channel.locations for channel in channels if channel.id == order.channel_id and channel.locations), None)
    if not chosen:
        raise ShipError(
            _("order {number}: its channel has no active place to ship from; choose one in the channel's rules", number=order.number)
        )
    return chosen[0]


def _tell_channel(
    uc: UseCase, order: Order, rows: list[OrderLine], wanted: Mapping[int, int], shipment: Shipment, *, although_asked: bool
) -> None:
    shipped = tuple(Line(row.line_id, wanted[row.pk]) for row in rows if row.pk in wanted)
    payload = _notice(shipment, shipped, although_asked=although_asked)
    commands.queue(uc, order.connection_id, CommandKind.SHIP, "order", order.pk, key_of(shipment), payload)
    left = sum(row.open for row in rows)
    Order.objects.filter(pk=order.pk).update(state=Order.State.PART_SHIPPED if left else Order.State.SHIPPED)
    detail: dict[str, object] = {
        "carrier": shipment.carrier,
        "tracking" if takes_tracking(order) else "tracking_kept": shipment.tracking_number,
        "lines": {line.line_id: line.quantity for line in shipped},
    }
    events.record(uc, order.pk, "shipped", detail)


def takes_tracking(order: Order) -> bool:
    """Whether the order's channel takes a tracking number with a shipment; otherwise it is kept here only."""
    return manifest_of(order.connection.platform).quirks.tracking_numbers_per_line > 0


def _notice(shipment: Shipment, lines: tuple[Line, ...], *, although_asked: bool) -> Ship:
    to = shipment.order.external_id
    return Ship(to, lines, shipment.carrier, shipment.shipped_at, shipment.tracking_number, shipment.tracking_url, although_asked)
