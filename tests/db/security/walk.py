"""Every address of the application, with arguments that lead to something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from stallkeeper.catalog.models import ImportRun, StockUnit
from stallkeeper.channels.models import (
    Channel,
    Command,
    Connection,
    FurtherField,
    ObservedHold,
    Offer,
    Parked,
    RemoteListing,
    SendPlan,
    SendTask,
)
from stallkeeper.core.models import ApiKey, FileExport, Invitation, Membership, NoticeTarget, Notification, Snooze
from stallkeeper.orders.models import Order, OrderLine, OrderView, Shortage
from stallkeeper.stock.models import Location, SourceRun, StockSource
from stallkeeper.sync.source_kinds import COMMERCEML
from tests.busy_shop import BusyShop


@dataclass(frozen=True)
class Address:
    route: str
    path: str
    callback: Any
    name: str

    @property
    def csrf_exempt(self) -> bool:
        return bool(getattr(self.callback, "csrf_exempt", False))


def every_route() -> Iterator[tuple[str, URLPattern]]:
    """(route as written, pattern) of all that the URL configuration knows."""

    def inside(resolver: URLResolver, before: str) -> Iterator[tuple[str, URLPattern]]:
        for each in resolver.url_patterns:
            route = before + str(each.pattern)
            if isinstance(each, URLResolver):
                yield from inside(each, route)
            else:
                yield route, each

    yield from inside(get_resolver(), "")


def every_address(busy: BusyShop, **guests: BusyShop) -> list[Address]:
    """One address per route; ids are those of rows of the shop. An id for which there is no row is 1: then nothing is found there.

    ``guests`` names arguments that lead to rows of another shop instead.
    """
    found = []
    for route, pattern in every_route():
        path = route.removeprefix("^/")
        if isinstance(pattern.pattern, RoutePattern):
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match, route=route: _of(guests.get(match[1], busy), route, match[1]), path)
        else:  # the admin site's last one takes whatever is left
            path = "nothing/here"
        assert "<" not in path, f"{route}: say in walk.py what its arguments lead to"
        found.append(Address(route, f"/{path}".replace("//", "/"), pattern.callback, pattern.name or ""))
    return found


def _of(busy: BusyShop, route: str, name: str) -> str:
    with busy.shop.scope():
        return _value(route, name, busy)


def _value(route: str, name: str, busy: BusyShop) -> str:
    models = {
        "problems/parked/": Parked,
        "problems/snoozed/": Snooze,
        "settings/notifications/": NoticeTarget,
        "notifications/": Notification,
        "orders/views/": OrderView,
        "orders/": Order,
        "offers/": Offer,
        "sending/plan/": SendPlan,
        "sending/tasks/": SendTask,
        "reserves/stop/": Channel,
        "reserves/terms/": Channel,
        "reserves/": ObservedHold,
        "listings/": RemoteListing,
        "stock/places/": Location,
        "stock/": StockUnit,
        "sources/": StockSource,
        "imports/": ImportRun,
        "channels/further-fields/": FurtherField,
        "channels/connections/": Connection,
        "settings/keys/": ApiKey,
        "exports/": FileExport,
        "settings/people/invitations/": Invitation,
        "settings/people/": Membership,
    }
    special = {"line": OrderLine, "command": Command, "place": Location, "run": SourceRun}
    words = {
        "code": "EMR",
        "operation": "ship",
        "fingerprint": "0" * 64,
        "token": "x" * 32,
        "kind": "refused",
        "way": "email",
        "platform": "emag",
        "rest": "more",
        "path": "x",
        "app_label": "core",
        "url": "nothing",
    }
    words |= {"content_type_id": str(ContentType.objects.get_for_model(Order).pk), "object_id": str(_first(Order))}
    if route.endswith("/case/"):
        return str(Shortage.objects.order_by("pk").values_list("line" if name == "line" else "line__order", flat=True).first() or 1)
    if "/1c/" in route and name == "pk":
        return str(_first(StockSource, kind=COMMERCEML))
    if name in special:
        return str(_first(special[name]))
    if route.startswith("stock/table/runs/"):
        return str(ImportRun.objects.filter(kind="stock_table").order_by("pk").values_list("pk", flat=True).first() or 1)
    if name == "pk" and route.startswith("channels/") and not route.startswith(("channels/connections/", "channels/further-fields/")):
        return str(busy.near.pk)
    if name == "pk":
        return str(_first(next(model for prefix, model in models.items() if route.startswith(prefix))))
    if name == "kind" and route.startswith(("imports/", "sources/")):
        return "products" if route.startswith("imports/") else "upload"
    if name == "kind" and route.startswith("exports/"):
        return "orders"
    return words[name]


def _first(model: Any, **of: Any) -> int:
    rows = model.objects.filter(**of).exclude(owner="virtual") if model is Location else model.objects.filter(**of)  # no screen shows those
    return rows.order_by("pk").values_list("pk", flat=True).first() or 1
