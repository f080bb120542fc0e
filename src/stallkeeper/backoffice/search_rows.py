"""What a search finds, by kind. Every statement follows an index from the beginning of what was typed, so a million rows cost what ten do.

Row-level security lets an index be asked only by operators that leak nothing: equality and ranges, not LIKE and not upper() (ADR 0066).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.catalog.identifiers import spellings
from stallkeeper.catalog.models import Identifier, IdentifierKind, StockUnit
from stallkeeper.channels.listing_models import RemoteListing
from stallkeeper.channels.models import Channel, Connection, Offer
from stallkeeper.core.models import Membership
from stallkeeper.core.people import Permission, can
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders.models import Order

M = TypeVar("M", bound=Model)

LEAST = 2
"""Letters; fewer fit everything."""
MOST = 100
"""Letters that are looked at: no field that is searched is longer."""
LAST = "\U0010ffff"
"""Nothing sorts behind it."""


@dataclass(frozen=True)
class Group:
    """What was found of one kind, in the order of what was typed; ``more``: the list (name of its address) that shows the rest."""

    kind: str
    title: str | Promise
    icon: str
    hits: Sequence[Model]
    more: str = ""


def spelled(text: str) -> list[str]:
    """The text in the cases that people write codes and titles in."""
    return list(dict.fromkeys((text, text.upper(), text.lower(), text[:1].upper() + text[1:], text.title())))


def beginning(rows: QuerySet[M], field: str, text: str, most: int) -> list[int]:
    """Keys of up to ``most`` rows whose ``field`` begins with the text, in its order, whatever the case. One statement.

    The table needs an index on what ``rows`` are narrowed to by equality, then ``field``.
    """
    parts = [
        rows.filter(**{f"{field}__gte": word, f"{field}__lte": word + LAST}).order_by(field).values_list("pk", field)[:most]
        for word in spelled(text)
    ]
    found = parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0]
    return [key for key, _value in sorted(found, key=lambda row: row[1])][:most]


def in_order(rows: QuerySet[M], keys: Iterable[int]) -> list[M]:
    """The rows of these keys, in the order of the keys."""
    wanted = list(dict.fromkeys(keys))
    by_key = rows.in_bulk(wanted) if wanted else {}
    return [by_key[key] for key in wanted if key in by_key]


def units(text: str, most: int) -> list[StockUnit]:
    """By SKU, GTIN or other code, and title."""
    gtins = Identifier.objects.filter(kind=IdentifierKind.GTIN, scope="", value__in=spellings(text))
    codes = Identifier.objects.filter(kind__in=[IdentifierKind.CODE, IdentifierKind.MPN], scope="", value__in=spelled(text))
    keys = [*gtins.values_list("stock_unit_id", flat=True)[:most], *codes.values_list("stock_unit_id", flat=True)[:most]]
    keys += beginning(StockUnit.objects.all(), "sku", text, most)
    if len(keys) < most:
        keys += beginning(StockUnit.objects.all(), "title", text, most)
    return in_order(StockUnit.objects.all(), keys)[:most]


def orders(text: str, most: int) -> list[Order]:
    """By our number or the channel's."""
    connections = list(Connection.objects.order_by("id").values_list("id", flat=True))
    own = Order.objects.filter(connection_id__in=connections, external_id__in=spelled(text)).values_list("pk", flat=True)[:most]
    keys = [*own, *beginning(Order.objects.all(), "number", text, most)]
    return orders_in(keys)[:most]


def orders_in(keys: Iterable[int]) -> list[Order]:
    """The orders of these keys, in their order."""
    return in_order(Order.objects.select_related("channel"), keys)


def shipments(text: str, most: int) -> list[Shipment]:
    """By tracking number."""
    return in_order(Shipment.objects.select_related("order__channel"), beginning(Shipment.objects.all(), "tracking_number", text, most))


def offers(text: str, most: int) -> list[Offer]:
    """By their whole SKU or number on the channel."""
    channels = list(Channel.objects.order_by("id").values_list("id", flat=True))
    words = spelled(text)
    by_sku = Offer.objects.filter(channel_id__in=channels, sku__in=words).values_list("pk", flat=True)[:most]
    by_number = Offer.objects.filter(channel_id__in=channels, external_id__in=words).values_list("pk", flat=True)[:most]
    return in_order(Offer.objects.select_related("channel", "stock_unit"), [*by_sku, *by_number])[:most]


def listings(text: str, most: int) -> list[RemoteListing]:
    """By their whole number or SKU on the channel."""
    channels = list(Channel.objects.order_by("id").values_list("id", flat=True))
    words = spelled(text)
    numbered = RemoteListing.objects.filter(channel_id__in=channels).exclude(external_id="")  # as the index says
    by_number = numbered.filter(external_id__in=words).values_list("pk", flat=True)[:most]
    by_sku = RemoteListing.objects.filter(channel_id__in=channels, sku__in=words).values_list("pk", flat=True)[:most]
    return in_order(RemoteListing.objects.select_related("channel"), [*by_number, *by_sku])[:most]


def channels(text: str, most: int) -> list[Channel]:
    """By a part of their name or code; there are tens of them."""
    part = text.casefold()
    named = Channel.objects.select_related("connection").order_by("name", "id")
    return [each for each in named if part in each.name.casefold() or part in each.code.casefold()][:most]


KINDS: tuple[tuple[str, str | Promise, str, str, Permission, Callable[[str, int], Sequence[Model]]], ...] = (
    ("channels", _("Channels"), "storefront", "", Permission.VIEW_STOCK, channels),
    ("orders", _("Orders"), "shopping_bag", "orders", Permission.VIEW_ORDERS, orders),
    ("shipments", _("Shipments"), "local_shipping", "", Permission.VIEW_ORDERS, shipments),
    ("units", _("Products"), "inventory_2", "stock", Permission.VIEW_STOCK, units),
    ("offers", _("Offers"), "sell", "offers", Permission.VIEW_STOCK, offers),
    ("listings", _("Listings"), "link", "listings", Permission.VIEW_STOCK, listings),
)


def found(membership: Membership, text: str, most: int) -> list[Group]:
    """What this person may see of what fits, up to ``most`` of each kind. Nothing for less than LEAST letters."""
    text = text.strip()[:MOST]
    if len(text) < LEAST:
        return []
    groups = [
        Group(kind, title, icon, find(text, most), more)
        for kind, title, icon, more, permission, find in KINDS
        if can(membership, permission)
    ]
    return [group for group in groups if group.hits]
