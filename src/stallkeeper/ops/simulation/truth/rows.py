"""Rows as the model reads them: only the columns that its checks need, under the tables' own names."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct


class Row(Struct, array_like=True, frozen=True):
    """A row, sent as a JSON array in the order of its fields."""


class Place(Row, frozen=True):
    id: int
    code: str
    owner: str
    active: bool
    sellable: bool
    allows_backorder: bool
    priority: int

    @property
    def virtual(self) -> bool:
        return self.owner == "virtual"


class Unit(Row, frozen=True):
    id: int
    sku: str
    kind: str
    stocked: bool
    active: bool


class Part(Row, frozen=True):
    kit_id: int
    component_id: int
    quantity: int


class Level(Row, frozen=True):
    stock_unit_id: int
    location_id: int
    on_hand: int
    allocated: int
    held: int
    backorder: bool


class Reservation(Row, frozen=True):
    id: int
    stock_unit_id: int
    location_id: int
    owner_type: str
    owner_id: int
    kind: str
    quantity: int
    due_at: datetime | None


class Hold(Row, frozen=True):
    id: int
    stock_unit_id: int
    location_id: int
    quantity: int


class Movement(Row, frozen=True):
    id: int
    stock_unit_id: int
    quantity: int
    from_location_id: int
    to_location_id: int
    cause: str
    reference: str
    occurred_at: datetime


class Kept(Row, frozen=True):
    """An event of a reservation's history."""

    id: int
    stock_unit_id: int
    location_id: int
    owner_type: str
    owner_id: int
    kind: str
    before: int
    after: int
    at: datetime


class Incoming(Row, frozen=True):
    stock_unit_id: int
    location_id: int
    quantity: int
    expected_on: date


class Fence(Row, frozen=True):
    channel_id: int
    stock_unit_id: int
    quantity: int


class Guarded(Row, frozen=True):
    stock_unit_id: int


class Channel(Row, frozen=True):
    """``sends``: every switch of sending together. ``places``: all chosen ones, usable or not."""

    id: int
    connection_id: int
    platform: str
    sends: bool
    share: Decimal
    share_rounding: str
    buffer: int
    max_publish: int | None
    zero_at: int
    fixed: int | None
    allow_splits: bool
    horizon_days: int
    orders_enabled: bool
    places: list[int]
    velocity_share: Decimal


class Override(Row, frozen=True):
    """Rules in force for a category, or (``stock_unit_id``) for one unit, on a channel; None, or "", says nothing."""

    channel_id: int
    category: str
    stock_unit_id: int | None
    share: Decimal | None
    share_rounding: str
    buffer: int | None
    max_publish: int | None
    zero_at: int | None
    fixed: int | None
    velocity_share: Decimal | None


class Shelved(Row, frozen=True):
    """A variant: which category its product is in."""

    stock_unit_id: int
    category: str


class UnitSale(Row, frozen=True):
    """What an order took of a unit, while it counts."""

    id: int
    stock_unit_id: int
    quantity: int
    sold_at: datetime


class Offer(Row, frozen=True):
    id: int
    channel_id: int
    stock_unit_id: int
    sku: str
    external_id: str
    pack_factor: int
    excluded: bool
    intended: int | None
    sent: int | None
    sent_at: datetime | None
    accepted: int | None
    accepted_at: datetime | None
    observed: int | None
    observed_at: datetime | None
    believed: int | None
    open: int
    unacknowledged: int
    refused: int | None
    refused_at: datetime | None
    refused_why: str


class Tariff(Row, frozen=True):
    """A channel's price rules. ``sends``: every switch of sending prices together."""

    channel_id: int
    sends: bool
    price_list_id: int
    list_currency: str
    list_includes_tax: bool
    currency: str
    mark_up: Decimal
    rounding: str
    exchange_rate: Decimal | None
    tax_rate: Decimal | None


class BasePrice(Row, frozen=True):
    price_list_id: int
    stock_unit_id: int
    amount: Decimal


class Price(Row, frozen=True):
    """The prices of an offer, by the offer's number. All are None while nobody has worked them out."""

    id: int
    channel_id: int
    stock_unit_id: int
    sku: str
    pack_factor: int
    excluded: bool
    intended: Decimal | None
    sent: Decimal | None
    sent_at: datetime | None
    accepted: Decimal | None
    accepted_at: datetime | None
    observed: Decimal | None
    observed_at: datetime | None
    believed: Decimal | None
    refused: Decimal | None
    refused_at: datetime | None
    refused_why: str


class Todo(Row, frozen=True):
    offer_id: int
    kind: str
    channel_id: int
    danger: int


class Ticket(Row, frozen=True):
    """An offer that an open bulk submission carries."""

    ticket_id: int
    offer_id: int
    kind: str
    value: Decimal
    overtaken: bool


class Sent(Row, frozen=True):
    id: int
    offer_id: int
    kind: str
    at: datetime
    value: Decimal
    outcome: str


class Order(Row, frozen=True):
    id: int
    connection_id: int
    channel_id: int
    external_id: str
    state: str
    remote_state: str
    fulfilled_by: str
    ordered_at: datetime
    remote_modified_at: datetime | None
    fetched_at: datetime
    currency: str
    digest: str
    at_cutover: bool
    dispatch_by: datetime | None


class Line(Row, frozen=True):
    id: int
    order_id: int
    line_id: str
    sku: str
    offer_id: int | None
    stock_unit_id: int | None
    pack_factor: int
    ordered: int
    cancelled: int
    shipped: int
    returned: int
    refunded: int
    short: int
    taken_back: int

    @property
    def open(self) -> int:
        return self.ordered - self.cancelled - self.shipped


class Shortage(Row, frozen=True):
    id: int
    line_id: int
    quantity: int
    worst: int
    sold_at: datetime
    cut_accepted_at: datetime | None
    open: bool


class Amount(Row, frozen=True):
    order_id: int
    line_id: int | None
    kind: str
    amount: Decimal
    currency: str
    owed_by: str
    label: str


class Command(Row, frozen=True):
    id: int
    connection_id: int
    kind: str
    subject_id: int
    key: str
    state: str
    attempts: int
    code: str
    message: str
    payload: str
    sent_at: datetime | None


class Story(Row, frozen=True):
    """An event of an order's time line."""

    id: int
    order_id: int
    kind: str
    actor: str
    text: str


class Audit(Row, frozen=True):
    id: int
    actor: str
    action: str
    subject_type: str
    subject_id: str
    text: str


class Words(Row, frozen=True):
    """Free text of some row that people or machines may read: where canaries are looked for."""

    where: str
    text: str


class Account(Row, frozen=True):
    """``watermark``: everything before it has been pulled. ``writes``: the company and the account may be told something."""

    id: int
    state: str
    watermark: datetime | None
    writes: bool


class Lane(Row, frozen=True):
    """``worker``: who runs it, "" if nobody does; ``name`` is for people."""

    id: int
    name: str
    epoch: int
    worker: str
    heard_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


class Run(Row, frozen=True):
    """What a worker has written about its run of a lane when it had ended."""

    id: int
    lane_id: int
    epoch: int
    ended_at: datetime


class Total(Row, frozen=True):
    """How many rows of the organisation a table has, and the sum of their ids: enough to see one vanish."""

    table: str
    count: int
    ids: int


class Reading(Struct, frozen=True):
    """What one look brings: small tables as a whole; of the others, what is new or was written since the last look."""

    horizon: int
    stale: list[int]
    places: list[Place]
    units: list[Unit]
    parts: list[Part]
    levels: list[Level]
    reservations: list[Reservation]
    holds: list[Hold]
    incoming: list[Incoming]
    fences: list[Fence]
    guarded: list[Guarded]
    overrides: list[Override]
    shelved: list[Shelved]
    sold: list[UnitSale]
    accounts: list[Account]
    channels: list[Channel]
    offers: list[Offer]
    tariffs: list[Tariff]
    base_prices: list[BasePrice]
    prices: list[Price]
    todo: list[Todo]
    tickets: list[Ticket]
    orders: list[Order]
    lines: list[Line]
    amounts: list[Amount]
    shortages: list[Shortage]
    commands: list[Command]
    movements: list[Movement]
    kept: list[Kept]
    sent: list[Sent]
    stories: list[Story]
    audit: list[Audit]
    notices: list[str]
    lanes: list[Lane]
    runs: list[Run]
    words: list[Words]
    totals: list[Total]
