"""A shop on a working day, for screens: two stalls, 300 offers, 70 orders of the last hour in every state, and something of each problem.

Facts come in through the use cases (stock, intake, shipping); what a run would have written (sends, reads, lane steps) is written straight
into the tables.
"""

from __future__ import annotations

import html
import math
import random
import re
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.http import HttpResponse
from django.test import Client

from stallkeeper.catalog.models import Identifier, IdentifierKind, StockUnit
from stallkeeper.channels.models import (
    Channel,
    Connection,
    Drift,
    Lane,
    LaneKind,
    LaneStep,
    Offer,
    OfferPrice,
    OfferTodo,
    Parked,
    RemoteListing,
    Run,
    SentLog,
)
from stallkeeper.channels.refresh import refresh_channel
from stallkeeper.core import clock, notify
from stallkeeper.core.models import Organisation, Role, Severity, User
from stallkeeper.fulfilment.ship import ship
from stallkeeper.orders import intake
from stallkeeper.orders.models import Order
from stallkeeper.stock import ledger
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Location
from stallkit.errors import NeedsReconnect
from stallkit.types import Buyer, Charge, ChargeKind, Money, OfferRef, OrderState, OwedBy, RemoteOrder, RemoteOrderLine
from tests.shop import Shop, join

NOUNS = ("Mug", "Kettle", "Lamp", "Cushion", "Blanket", "Notebook", "Backpack", "Bottle", "Clock", "Vase", "Tray", "Candle")
ADJECTIVES = ("Blue", "Green", "Grey", "White", "Small", "Large", "Nordic", "Ribbed", "Matt", "Striped")
PEOPLE = ("Ana Exemplu", "Jonas Muster", "Maya Sample", "Piotr Przykład", "Chiara Esempio")
CARRIERS = ("Cargus", "Sameday", "DHL")


@dataclass(frozen=True)
class Trade:
    """How a shop traded until now: ``orders`` over so many seconds, from so many units of each article in the main warehouse at first.
    ``shipped_after``: what is older has left; None: every fifth. ``quiet``: (platform, name, code, currency) of stalls that sold
    nothing. ``by_day``: fewest buy when two fifths of the time are left."""

    units: int = 148
    orders: int = 70
    seconds: int = 3400
    figures: tuple[int, ...] = (0, 2, 5, 8, 12, 40, 120)
    shipped_after: timedelta | None = None
    quiet: tuple[tuple[str, str, str, str], ...] = ()
    by_day: bool = False

    def ago(self, number: int) -> int:
        """Seconds since the order of this number, of ``orders``."""
        share = (self.orders - number) / self.orders
        if self.by_day:
            turn = 2 * math.pi * self.seconds / 86400
            share += 0.7 / turn * (math.sin(turn * (share - 0.4)) + math.sin(turn * 0.4))
        return int(self.seconds * share)


@dataclass
class BusyShop:
    """The shop with its two channels and a member who may do everything. ``now`` is the moment that everything leads up to."""

    shop: Shop
    near: Channel
    far: Channel
    owner: User
    now: datetime

    @property
    def organisation(self):
        return self.shop.organisation


def open_busy_shop(
    units: int = 148,
    orders: int = 70,
    seed: int = 7,
    email: str = "owner@example.com",
    people: tuple[str, ...] = PEOPLE,
    trade: Trade | None = None,
) -> BusyShop:
    """Fill the database; commits where the use cases commit. A second shop needs another owner's ``email``; ``people`` are the buyers."""
    trade = trade or Trade(units, orders)
    dice = random.Random(seed)
    now = clock.now().replace(microsecond=0)
    shop = Shop.open()
    shop.at = now - timedelta(seconds=trade.seconds) - timedelta(seconds=7400)
    _name(shop)
    owner = User.objects.create_user(email, name="Olga Owner")
    join(shop.organisation, owner, Role.OWNER)
    shop.add_place("EAST", 60)
    near = _channel(shop, "emag", "eMAG Romania", "EMR", "RON")
    far = _channel(shop, "walmart", "Walmart US", "WMT", "USD")
    stock = _units(shop, trade, dice)
    for channel in (near, far):
        _offers(shop, channel, stock, dice, now)
    for stall in trade.quiet:
        _offers(shop, _channel(shop, *stall), stock[:60], dice, now)
    busy = BusyShop(shop, near, far, owner, now)
    _orders(busy, stock, trade, dice, people)
    _runs(busy)
    _problems(busy, dice)
    return busy


def _name(shop: Shop) -> None:
    shop.organisation.name = "Sample Home Goods"
    shop.organisation.time_zone = "Europe/Bucharest"
    shop.organisation.save()
    with shop.scope():
        shop.place.name = "Main warehouse"
        shop.place.save()


def _channel(shop: Shop, platform: str, name: str, code: str, currency: str) -> Channel:
    channel = shop.channel(platform, code=code, currency=currency, prices_enabled=True, buffer=1)
    with shop.scope():
        channel.name = name
        channel.cutover_at = shop.at
        channel.save()
        Connection.objects.filter(pk=channel.connection_id).update(name=name, account_id=f"{code}-1001", account_name="Sample Home Goods")
    return channel


def _units(shop: Shop, trade: Trade, dice: random.Random) -> list[StockUnit]:
    made = []
    with shop.scope():
        for number in range(1, trade.units + 1):
            adjective, noun = dice.choice(ADJECTIVES), dice.choice(NOUNS)
            unit = StockUnit.objects.create(
                organisation=shop.organisation,
                sku=f"{noun[:3].upper()}-{number:04d}",
                title=f"{adjective} {noun.lower()}, series {number}",
                created_at=shop.at,
            )
            made.append(unit)
        Identifier.objects.bulk_create(
            Identifier(organisation=shop.organisation, stock_unit=unit, kind=IdentifierKind.GTIN, value=f"59400000{unit.pk:05d}")
            for unit in made
        )
    with shop.use_case("test.stock") as uc:
        places = {place.code: place.pk for place in Location.objects.all()}
        targets = [
            Target(unit.pk, places[code], dice.choice(figures), f"opening:{unit.sku}:{code}")
            for unit in made
            for code, figures in (("MAIN", trade.figures), ("EAST", (0, 0, 3, 20)))
        ]
        ledger.set_on_hand(uc, targets)
    kits = [shop.kit(f"SET-{number}", {made[number]: 2, made[number + 10]: 1}) for number in (1, 2)]
    return made + kits


def _offers(shop: Shop, channel: Channel, stock: list[StockUnit], dice: random.Random, now: datetime) -> None:
    with shop.scope():
        offers = Offer.objects.bulk_create(
            Offer(
                organisation=shop.organisation,
                channel=channel,
                stock_unit=unit,
                sku=unit.sku,
                external_id=f"{channel.code}{unit.pk}",
                linked_by="sku",
                linked_at=shop.at,
            )
            for unit in stock
        )
    with shop.use_case("test.refresh") as uc:
        refresh_channel(uc, channel.pk)
    with shop.scope():
        offers = list(Offer.objects.filter(channel=channel).order_by("pk"))
        for offer in offers:
            offer.sent_qty = offer.accepted_qty = offer.observed_qty = offer.believed_qty = offer.intended_qty
            offer.sent_at = offer.accepted_at = shop.at
            offer.observed_at = now - timedelta(minutes=dice.randint(1, 14))
        Offer.objects.bulk_update(
            offers, ["sent_qty", "sent_at", "accepted_qty", "accepted_at", "observed_qty", "observed_at", "believed_qty"]
        )
        prices = [Decimal(dice.randrange(1900, 24900)) / 100 for _ in offers]
        OfferPrice.objects.bulk_create(
            OfferPrice(
                offer=offer, organisation=shop.organisation, currency=channel.currency, intended=price, believed=price, observed=price
            )
            for offer, price in zip(offers, prices, strict=True)
        )
        OfferTodo.objects.filter(channel=channel).delete()
        _listings(shop, channel, offers, dice, now)


def _listings(shop: Shop, channel: Channel, offers: list[Offer], dice: random.Random, now: datetime) -> None:
    common = {"organisation": shop.organisation, "channel": channel, "status": "live", "seen_at": now}
    rows = [
        RemoteListing(
            **common, sku=each.sku, external_id=each.external_id, title=each.sku, state="linked", offer=each, quantity=each.intended_qty
        )
        for each in offers
    ]
    for number, offer in enumerate(offers[:6]):
        fits = {"unit": offer.stock_unit_id, "sku": offer.sku, "by": "gtin", "value": "5940000000017", "factor": 1}
        others = [fits] if number < 3 else [fits, fits | {"unit": offers[number + 9].stock_unit_id, "sku": offers[number + 9].sku}]
        rows.append(
            RemoteListing(
                **common,
                sku=f"OLD-{channel.code}-{number}",
                external_id=f"X{number}",
                title=f"An older listing of the same thing, number {number}",
                gtins=["5940000000017"],
                state="new" if number < 3 else "ambiguous",
                candidates=others,
                quantity=dice.randint(0, 9),
                price=Decimal("49.90"),
                currency=channel.currency,
            )
        )
    RemoteListing.objects.bulk_create(rows)


def _orders(busy: BusyShop, stock: list[StockUnit], trade: Trade, dice: random.Random, people: tuple[str, ...]) -> None:
    count = trade.orders
    with busy.shop.scope():
        stalls = list(Channel.objects.order_by("pk"))
    for number in range(count):
        channel = busy.near if dice.random() < 0.6 else busy.far
        at = busy.now - timedelta(seconds=trade.ago(number) + dice.randint(0, 40))
        order = an_order(channel, f"{700100 + number}", stock, at, dice, people, unmapped=number in (20, 55))
        busy.shop.at = at + timedelta(seconds=dice.uniform(0.4, 4.5))
        with busy.shop.use_case("accept.orders") as uc:
            intake.accept(uc, channel.connection_id, [order], busy.shop.at)
        for other in stalls if trade.by_day else [busy.far if channel == busy.near else busy.near]:
            push(busy, other, dice)
        old = number % 5 == 0 and number < count - 10 if trade.shipped_after is None else busy.now - at > trade.shipped_after
        if old:
            with clock.using(lambda at=at: at + timedelta(hours=2)) if trade.shipped_after else nullcontext():
                _ship(busy, order, dice)
    busy.shop.at = busy.now


def an_order(
    channel: Channel, number: str, stock: list[StockUnit], at: datetime, dice: random.Random, people: tuple[str, ...], *, unmapped: bool
) -> RemoteOrder:
    units = dice.sample(stock, min(dice.choice((1, 1, 1, 2, 3)), len(stock)))
    lines = []
    for position, unit in enumerate(units, 1):
        quantity = dice.choice((1, 1, 1, 2, 4))
        sku = "UNKNOWN-77" if unmapped and position == 1 else unit.sku
        price = Decimal(dice.randrange(1900, 24900)) / 100 * quantity
        charges = (
            Charge(ChargeKind.PRODUCT, Money(price, channel.currency), tax_included=channel.currency == "RON", rate=Decimal("0.21")),
            *([] if channel.currency == "RON" else [Charge(ChargeKind.TAX, Money(Decimal("3.12"), "USD"), owed_by=OwedBy.MARKETPLACE)]),
        )
        lines.append(RemoteOrderLine(str(position), OfferRef(sku), unit.title or unit.sku, quantity, charges=charges))
    name = dice.choice(people)
    return RemoteOrder(
        order_id=number,
        number=number,
        state=OrderState.NEW,
        remote_state="1 new" if channel.currency == "RON" else "Created",
        ordered_at=at,
        modified_at=at,
        currency=channel.currency,
        lines=tuple(lines),
        acknowledge_by=at + timedelta(hours=4),
        dispatch_by=at + timedelta(days=1),
        charges=(Charge(ChargeKind.SHIPPING, Money(Decimal("19.99"), channel.currency), tax_included=True),),
        buyer=Buyer(
            name=name,
            email="buyer@example.com",
            phone="+40 700 000 000",
            address=("Example Street 5",),
            postal_code="010101",
            city="Sample Town",
            country="RO",
        ),
        raw=b"{}",
    )


def push(busy: BusyShop, channel: Channel, dice: random.Random) -> None:
    """What the trade run of the other stall does with the new quantities."""
    with busy.shop.scope():
        at = busy.shop.at + timedelta(seconds=dice.uniform(0.3, 6))
        todo = list(OfferTodo.objects.filter(channel=channel).values_list("offer_id", flat=True))
        for offer in Offer.objects.filter(pk__in=todo).order_by("pk"):
            Offer.objects.filter(pk=offer.pk).update(
                sent_qty=offer.intended_qty, sent_at=at, accepted_qty=offer.intended_qty, accepted_at=at, believed_qty=offer.intended_qty
            )
            SentLog.objects.create(
                organisation=busy.organisation, at=at, offer_id=offer.pk, kind="quantity", value=offer.intended_qty or 0, outcome="accepted"
            )
        OfferTodo.objects.filter(channel=channel).delete()


def _ship(busy: BusyShop, order: RemoteOrder, dice: random.Random) -> None:
    with busy.shop.scope():
        row = Order.objects.get(external_id=order.order_id)
        lines = {line.pk: line.allocated for line in row.lines.all() if line.allocated}
        whole = all(line.allocated == line.open for line in row.lines.all())
    if lines and (whole or row.channel_id == busy.far.pk):
        number = f"AWB{dice.randrange(10**9)}"
        ship(busy.organisation.pk, row.pk, lines, carrier=dice.choice(CARRIERS), tracking_number=number, actor=busy.owner.actor)


def _runs(busy: BusyShop) -> None:
    steps = {LaneKind.TRADE: ("orders", "observe", "commands", "quantities", "prices"), LaneKind.BACKGROUND: ("catalogue", "verify")}
    with busy.shop.scope():
        for lane in Lane.objects.order_by("pk"):
            age = timedelta(seconds=3) if lane.kind == LaneKind.TRADE else timedelta(minutes=4)
            Lane.objects.filter(pk=lane.pk).update(last_success_at=busy.now - age, not_before=busy.now + age, last_ended_at=busy.now - age)
            for position, name in enumerate(steps[LaneKind(lane.kind)]):
                LaneStep.objects.create(
                    organisation=busy.organisation,
                    lane=lane,
                    step=name,
                    last_success_at=busy.now - age,
                    moved_at=busy.now - age * (position + 1),
                    items_total=400 - 70 * position,
                    watermark=busy.now - age - timedelta(seconds=2) if name == "orders" else None,
                )
            for number in range(4):
                began = busy.now - age * (number + 1)
                done = [{"step": name, "items": 3 - at, "errors": 0} for at, name in enumerate(steps[LaneKind(lane.kind)][:3])]
                Run.objects.create(
                    organisation=busy.organisation,
                    lane=lane,
                    epoch=number,
                    started_at=began,
                    ended_at=began + timedelta(seconds=0.4),
                    outcome="ok",
                    steps=done,
                )


def _problems(busy: BusyShop, dice: random.Random) -> None:
    with busy.shop.scope():
        near, far = (list(Offer.objects.filter(channel=channel).order_by("pk")) for channel in (busy.near, busy.far))
        Offer.objects.filter(pk__in=[near[3].pk, near[8].pk]).update(
            refused_qty=4,
            refused_code="VALIDATION",
            refused_message="Stock cannot be changed while the documentation is being validated.",
            refused_at=busy.now,
        )
        Offer.objects.filter(pk__in=[each.pk for each in far[20:24]]).update(believed_qty=None, observed_qty=None, observed_at=None)
        Offer.objects.filter(pk=far[30].pk).update(stock_excluded=True, prices_excluded=True)
        OfferPrice.objects.filter(offer=far[33]).update(intended=Decimal("99.99"))
        Drift.objects.create(
            organisation=busy.organisation,
            offer=near[12],
            at=busy.now,
            kind="quantity",
            believed=5,
            observed=9,
            intended=5,
            verdict="edited_on_channel",
        )
        Parked.objects.create(
            organisation=busy.organisation,
            connection_id=busy.near.connection_id,
            kind="order",
            external_id="700999",
            reason="status: 9 is none of the states that eMAG documents (0 to 5)",
            first_seen_at=busy.now,
            last_seen_at=busy.now,
        )
        far_lane = Lane.objects.get(subject_id=busy.far.connection_id, kind=LaneKind.BACKGROUND)
        Lane.objects.filter(pk=far_lane.pk).update(failures=2, last_error="TryLater: GET /v3/items answered 503")
    with busy.shop.use_case("test.notify") as uc:
        notify.raise_(
            uc, "test:expiry", Severity.WARNING, "Walmart US: the client secret ends in 9 days", "Make a new one in the Developer Portal."
        )


def signed_in(user: User) -> Client:
    """A client in which this person has signed in."""
    client = Client()
    client.force_login(user)
    return client


def member(organisation: Organisation, role: Role | str) -> Client:
    """A client in which a new member with this role has signed in. There is one of each role, called "A owner" and so on."""
    user = User.objects.create_user(f"{role}-{organisation.pk}@example.com", name=f"A {role}")
    join(organisation, user, role)
    return signed_in(user)


def is_in(client: Client) -> bool:
    """Whether somebody is signed in here."""
    return client.get("/orders/").status_code == 200


def text(response: HttpResponse) -> str:
    """The page's words without tags, in one line."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())))


def refuse_to_probe(*_args: object) -> None:
    """In place of asking an account who it is: the credentials are wrong."""
    raise NeedsReconnect("401: the credentials are not accepted")
