"""A small shop for tests, built through the real use cases where there are any: units, places, channels, offers, remote orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from django.db import models

from stallkeeper.catalog.models import KitComponent, StockUnit, UnitKind
from stallkeeper.channels.models import Channel, ChannelLocation, Connection, Lane, LaneKind, Offer
from stallkeeper.channels.refresh import refresh_channel
from stallkeeper.core.models import Membership, Organisation, Role, User
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import ledger, places
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Level, Location
from stallkit.types import Buyer, Charge, ChargeKind, Money, OfferRef, OrderState, RemoteOrder, RemoteOrderLine

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_numbers = count(1)


@dataclass
class Shop:
    """One organisation with its first place. ``at`` is the time that its use cases run at; move it with ``later``."""

    organisation: Organisation
    at: datetime = NOON
    place: Location = field(init=False)

    def __post_init__(self) -> None:
        with use_case("test.open", organisation_id=self.organisation.pk, at=self.at) as uc:
            self.place = places.first_locations(uc)

    @classmethod
    def open(cls) -> Shop:
        number = next(_numbers)
        return cls(Organisation.objects.create(name=f"Shop {number}", slug=f"shop-{number}", sending_enabled=True, created_at=NOON))

    def later(self, **time: float) -> Shop:
        self.at += timedelta(**time)
        return self

    def scope(self):
        return organisation_scope(self.organisation.pk)

    def use_case(self, name: str = "test.change"):
        return use_case(name, organisation_id=self.organisation.pk, at=self.at)

    def add_place(self, code: str, priority: int = 50, **fields: object) -> Location:
        with self.use_case() as uc:
            return places.create_location(uc, code=code, name=code, priority=priority, **fields)

    def unit(self, sku: str, on_hand: int | dict[str, int] = 0, **fields: object) -> StockUnit:
        with self.scope():
            unit = StockUnit.objects.create(organisation=self.organisation, sku=sku, title=sku, created_at=NOON, **fields)
        self.stock(unit, on_hand)
        return unit

    def kit(self, sku: str, parts: dict[StockUnit, int]) -> StockUnit:
        with self.scope():
            kit = StockUnit.objects.create(organisation=self.organisation, sku=sku, title=sku, kind=UnitKind.KIT, created_at=NOON)
            for component, quantity in parts.items():
                KitComponent.objects.create(organisation=self.organisation, kit=kit, component=component, quantity=quantity)
        return kit

    def stock(self, unit: StockUnit, on_hand: int | dict[str, int]) -> None:
        with self.use_case("test.stock") as uc:
            by_code = {place.code: place.pk for place in Location.objects.all()}
            wanted = on_hand if isinstance(on_hand, dict) else {self.place.code: on_hand}
            ledger.set_on_hand(
                uc, [Target(unit.pk, by_code[code], quantity, f"test:{next(_numbers)}") for code, quantity in wanted.items()]
            )

    def channel(self, platform: str = "dummy", *, locations: list[Location] | None = None, **fields: object) -> Channel:
        number = next(_numbers)
        with self.scope():
            connection = Connection.objects.create(
                organisation=self.organisation,
                platform=platform,
                name=f"{platform} {number}",
                state=Connection.State.READY,
                writes_allowed=True,
                created_at=NOON,
                hint_token=f"hint-{number}",
            )
            for kind in LaneKind:
                Lane.objects.create(organisation=self.organisation, subject_id=connection.pk, kind=kind, not_before=NOON)
            settings = {
                "currency": "EUR",
                "stock_enabled": True,
                "orders_enabled": True,
                "cutover": "include",
                "code": f"C{number % 100:02d}",
            }
            channel = Channel.objects.create(
                organisation=self.organisation,
                connection=connection,
                name=f"Channel {number}",
                created_at=NOON,
                **(settings | fields),
            )
            for location in locations or [self.place]:
                ChannelLocation.objects.create(organisation=self.organisation, channel=channel, location=location)
        return channel

    def offer(self, channel: Channel, unit: StockUnit, sku: str = "", **fields: object) -> Offer:
        with self.scope():
            offer = Offer.objects.create(organisation=self.organisation, channel=channel, stock_unit=unit, sku=sku or unit.sku, **fields)
        with self.use_case("test.offer") as uc:
            refresh_channel(uc, channel.pk)
        with self.scope():
            offer.refresh_from_db()
        return offer

    def level(self, unit: StockUnit, place: Location | None = None) -> tuple[int, int, int]:
        """(on hand, allocated, held)"""
        with self.scope():
            row = Level.objects.get(stock_unit_id=unit.pk, location=place or self.place)
        return row.on_hand, row.allocated, row.held

    def reload(self, row: models.Model) -> None:
        """Read the row of this shop again."""
        with self.scope():
            row.refresh_from_db()

    def intended(self, offer: Offer) -> int | None:
        with self.scope():
            return Offer.objects.get(pk=offer.pk).intended_qty


def join(organisation: Organisation, user: User, role: Role | str) -> Membership:
    """The person belongs to the organisation from now on."""
    with organisation_scope(organisation.pk):
        return Membership.objects.create(user=user, organisation=organisation, role=role)


def remote_order(
    order_id: str,
    lines: list[tuple[str, int]] | list[RemoteOrderLine],
    *,
    state: OrderState = OrderState.NEW,
    at: datetime = NOON,
    modified: datetime | None = None,
    **fields: object,
) -> RemoteOrder:
    """A snapshot; plain lines are (sku, quantity) with line ids 1, 2, …"""
    rows = tuple(
        line if isinstance(line, RemoteOrderLine) else remote_line(str(number), line[0], line[1]) for number, line in enumerate(lines, 1)
    )
    return RemoteOrder(
        order_id=order_id,
        number=order_id,
        state=state,
        remote_state=str(state),
        ordered_at=at,
        modified_at=modified or at,
        currency="EUR",
        lines=rows,
        **({"buyer": Buyer(name="Ada Example", city="Sample Town"), "raw": b'{"order": 1}'} | fields),
    )


def remote_line(line_id: str, sku: str, ordered: int, **fields: object) -> RemoteOrderLine:
    charge = Charge(ChargeKind.PRODUCT, Money(Decimal("9.99") * ordered, "EUR"), tax_included=True)
    return RemoteOrderLine(line_id, OfferRef(sku), sku, ordered, charges=(charge,), **fields)
