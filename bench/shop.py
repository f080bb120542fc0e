"""A shop of any size, made by SQL: units with stock at one place, and an offer of each on every channel.

Everything has converged: channels hold what we intend, nothing waits to be sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from stallkit.types import Buyer, Charge, ChargeKind, Money, OfferRef, OrderState, RemoteOrder, RemoteOrderLine

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CHANNELS = 10
ON_HAND = 50_000
RAW = b'{"order":"%s","lines":[' + b",".join(b'{"sku":"SKU-%08d","quantity":1,"price":"9.99"}' % n for n in range(20)) + b"]}"
"""About a kilobyte, the size of a small order's body."""


@dataclass(frozen=True)
class Shop:
    """What the cases need to know of the database they are on."""

    organisation: int
    connections: list[int]
    channels: list[int]
    place: int
    units: int


def sku(number: int) -> str:
    """The SKU of the unit with this number, 1 and up."""
    return f"SKU-{number:08d}"


def build(
    units: int,
    channels: int = CHANNELS,
    on_hand: int = ON_HAND,
    platform: str = "dummy",
    believed: bool = True,
    name: str = "bench",
    bare: bool = False,
) -> Shop:
    """Fill the database that Django is on with one organisation. Several need names of their own. ``bare``: channels show nothing yet."""
    organisation, place = _open(name)
    accounts = [_account(organisation, number, platform, name) for number in range(1, channels + 1)]
    shop = Shop(organisation, [account for account, _ in accounts], [channel for _, channel in accounts], place, units)
    from stallkeeper.core.tenancy import organisation_scope

    with organisation_scope(organisation):
        _fill(shop, on_hand, believed=believed, bare=bare)
    return shop


def found() -> Shop:
    """The shop that the database holds already."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT min(id) FROM core_organisation), ARRAY(SELECT connection_id FROM channels_channel ORDER BY id),
                   ARRAY(SELECT id FROM channels_channel ORDER BY id), (SELECT id FROM stock_location WHERE code = 'MAIN'),
                   (SELECT count(*) FROM catalog_stockunit)
            """
        )
        return Shop(*cursor.fetchone())


def _open(name: str) -> tuple[int, int]:
    from stallkeeper.core.models import Organisation
    from stallkeeper.core.secrets import Sealer
    from stallkeeper.core.use_case import use_case
    from stallkeeper.stock import places

    organisation = Organisation.objects.create(name=name.title(), slug=name, sending_enabled=True, created_at=NOON)
    with use_case("bench.open", organisation_id=organisation.pk, at=NOON) as uc:
        place = places.first_locations(uc)
        Sealer(organisation.pk).seal("bench:1", b"make the key now")
    return organisation.pk, place.pk


def _account(organisation: int, number: int, platform: str, name: str) -> tuple[int, int]:
    from stallkeeper.channels.models import Channel, ChannelLocation, Connection, Lane, LaneKind
    from stallkeeper.core.tenancy import organisation_scope
    from stallkeeper.stock.models import Location

    with organisation_scope(organisation):
        account = Connection.objects.create(
            organisation_id=organisation,
            platform=platform,
            name=f"{platform} {number}",
            state=Connection.State.READY,
            writes_allowed=True,
            created_at=NOON,
            hint_token=f"hint-{name}-{number}",
        )
        for kind in LaneKind:
            Lane.objects.create(organisation_id=organisation, subject_id=account.pk, kind=kind, not_before=NOON)
        channel = Channel.objects.create(
            organisation_id=organisation,
            connection=account,
            code=f"C{number:02d}",
            name=f"Channel {number}",
            currency="EUR",
            stock_enabled=True,
            orders_enabled=True,
            cutover="include",
            buffer=number,
            created_at=NOON,
        )
        ChannelLocation.objects.create(organisation_id=organisation, channel=channel, location=Location.objects.get(code="MAIN"))
    return account.pk, channel.pk


def _fill(shop: Shop, on_hand: int, *, believed: bool, bare: bool) -> None:
    from django.db import connection

    values = {
        "org": shop.organisation,
        "units": shop.units,
        "place": shop.place,
        "stock": on_hand,
        "at": NOON,
        "believed": believed,
        "bare": bare,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO catalog_stockunit (organisation_id, sku, title, kind, stocked, active, created_at)
            SELECT %(org)s, 'SKU-' || lpad(n::text, 8, '0'), 'Unit ' || n, 'single', true, true, %(at)s
            FROM generate_series(1, %(units)s) AS n
            """,
            values,
        )
        cursor.execute(
            """
            INSERT INTO stock_level (organisation_id, stock_unit_id, location_id, on_hand, allocated, held, backorder)
            SELECT %(org)s, id, %(place)s, %(stock)s, 0, 0, false FROM catalog_stockunit WHERE organisation_id = %(org)s ORDER BY id
            """,
            values,
        )
        cursor.execute(
            """
            INSERT INTO channels_offer
                (organisation_id, channel_id, stock_unit_id, sku, external_id, pack_factor, fulfilled_by, stock_excluded, prices_excluded,
                 open_qty, unacknowledged_qty, refused_code, refused_message, linked_by, linked_at,
                 intended_qty, sent_qty, sent_at, accepted_qty, accepted_at, observed_qty, observed_at, believed_qty)
            SELECT %(org)s, channel.id, unit.id, unit.sku, 'X' || unit.id, 1, 'seller', false, false, 0, 0, '', '', 'sku', %(at)s,
                   figure, there, %(at)s, there, %(at)s, there, %(at)s, CASE WHEN %(believed)s THEN there END
            FROM catalog_stockunit AS unit CROSS JOIN channels_channel AS channel
            CROSS JOIN LATERAL (SELECT greatest(%(stock)s - channel.buffer, 0) AS figure) AS wanted
            CROSS JOIN LATERAL (SELECT CASE WHEN %(bare)s THEN 0 ELSE figure END AS there) AS shown
            WHERE unit.organisation_id = %(org)s AND channel.organisation_id = %(org)s
            ORDER BY unit.id, channel.id
            """,
            values,
        )


def converge() -> None:
    """Every channel holds what we intend: as if all that waits had been sent and accepted."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE channels_offer SET believed_qty = intended_qty WHERE believed_qty IS DISTINCT FROM intended_qty")
        cursor.execute("DELETE FROM channels_offertodo")


def orders(run: str, count: int, units: int, dice: Random, hot: int = 0, at: datetime = NOON) -> list[RemoteOrder]:
    """``count`` new orders of three lines each, over all units or over the first ``hot`` ones."""
    return [_order(f"{run}-{number}", [dice.randint(1, hot or units) for _ in range(3)], at) for number in range(count)]


def _order(number: str, units: list[int], at: datetime) -> RemoteOrder:
    lines = tuple(
        RemoteOrderLine(
            str(position),
            OfferRef(sku(unit)),
            f"Unit {unit}",
            1,
            charges=(Charge(ChargeKind.PRODUCT, Money(Decimal("9.99"), "EUR"), tax_included=True, rate=Decimal("0.19")),),
        )
        for position, unit in enumerate(units, 1)
    )
    return RemoteOrder(
        order_id=number,
        number=number,
        state=OrderState.NEW,
        remote_state="Created",
        ordered_at=at + timedelta(hours=1),
        modified_at=at + timedelta(hours=1),
        acknowledge_by=at + timedelta(hours=5),
        dispatch_by=at + timedelta(days=2),
        currency="EUR",
        lines=lines,
        charges=(Charge(ChargeKind.SHIPPING, Money(Decimal("4.99"), "EUR"), tax_included=True),),
        buyer=Buyer(
            name="Ada Example",
            email="ada@example.com",
            phone="+40 700 000 000",
            address=("1 Sample Street",),
            postal_code="010101",
            city="Sample Town",
            country="RO",
        ),
        raw=RAW.replace(b"%s", number.encode()),
    )


def pages(run: str, count: int, size: int, units: int, dice: Random, hot: int = 0) -> Iterator[list[RemoteOrder]]:
    """Pages of ``size`` orders, the first twentieth of each seen before on the same channel's last page (an overlap of two)."""
    new = orders(run, count * size, units, dice, hot)
    overlap = size // 20
    last: list[RemoteOrder] = []
    for start in range(0, count * size, size):
        page = new[start : start + size]
        yield last[:overlap] + page[: size - len(last[:overlap])]
        last = page
