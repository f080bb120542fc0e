"""The warehouses of a cabinet, and by which of the two ways figures are kept for them.

A cabinet without warehouse groups keeps figures per warehouse (v3). As soon as it has one group, those calls are no longer for it, and
figures are kept by shop (v2), one shop having one warehouse; those of a group are one figure, told for any one of its warehouses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct, field

from stallkit.adapters.yandex_market.wire import Paging
from stallkit.types import RemoteWarehouse


class Model(Struct, rename="camel"):
    placement_type: str
    api_availability: str


class Warehouse(Struct):
    """A single warehouse (v3)."""

    id: int
    name: str
    models: tuple[Model, ...]


class Warehouses(Struct):
    warehouses: tuple[Warehouse, ...]
    paging: Paging = field(default_factory=Paging)


class WarehouseAnswer(Struct):
    result: Warehouses


class Group(Struct):
    id: int
    name: str


class Status(Struct):
    status: str


class GroupedWarehouse(Struct, rename="camel"):
    """A warehouse of a shop (v2), perhaps in a group."""

    id: int
    name: str
    campaign_id: int
    express: bool
    group_info: Group | None = None
    status: Status | None = None


class GroupedWarehouses(Struct):
    warehouses: tuple[GroupedWarehouse, ...]
    paging: Paging = field(default_factory=Paging)


class GroupedAnswer(Struct):
    result: GroupedWarehouses


@dataclass(frozen=True, slots=True)
class Place:
    """A warehouse that a channel may name. ``campaign`` is the shop by which its figures are kept, None where they are kept by warehouse;
    ``stands_for`` are the warehouses whose figure it is."""

    told: RemoteWarehouse
    campaign: int | None = None
    stands_for: frozenset[str] = frozenset()


def places_of(single: Sequence[Warehouse], by_shop: Sequence[GroupedWarehouse]) -> dict[str, Place]:
    """All places by the number of their warehouse."""
    if any(one.group_info for one in by_shop):
        return _grouped(by_shop)
    return {str(one.id): Place(_single(one), stands_for=frozenset({str(one.id)})) for one in single}


def _single(one: Warehouse) -> RemoteWarehouse:
    open_ = [model.placement_type for model in one.models if model.api_availability == "AVAILABLE"]
    shut = [f"{model.placement_type} {model.api_availability}" for model in one.models if model.api_availability != "AVAILABLE"]
    scheme = ",".join(sorted(kind.lower() for kind in open_ or [model.placement_type for model in one.models]))
    return RemoteWarehouse(
        str(one.id), one.name, scheme, usable=bool(open_), note=", ".join(shut) or ("" if open_ else "works by no model")
    )


def _grouped(by_shop: Sequence[GroupedWarehouse]) -> dict[str, Place]:
    groups: dict[int, list[GroupedWarehouse]] = {}
    for one in sorted(by_shop, key=lambda one: one.id):
        groups.setdefault(one.group_info.id if one.group_info else -one.id, []).append(one)
    places = {}
    for members in groups.values():
        numbers = frozenset(str(one.id) for one in members)
        for one in members:
            places[str(one.id)] = Place(_member(one, members[0]), one.campaign_id, numbers if one is members[0] else frozenset())
    return places


def _member(one: GroupedWarehouse, first: GroupedWarehouse) -> RemoteWarehouse:
    """One of a group. Only its first one can be used: two channels on one figure would overwrite each other."""
    scheme = "express" if one.express else ""
    if one.status is not None and one.status.status == "DISABLED_MANUALLY":
        return RemoteWarehouse(str(one.id), one.name, scheme, usable=False, note="switched off in the cabinet")
    if one is not first and one.group_info:
        note = f"one figure with warehouse {first.id}, both are in group {one.group_info.name}: use that one"
        return RemoteWarehouse(str(one.id), one.name, scheme, usable=False, note=note)
    return RemoteWarehouse(str(one.id), one.name, scheme)


def place_of_order(places: dict[str, Place], told: str) -> str:
    """The number of the place whose figure an order's warehouse is part of; "" where the order names none that we know."""
    return next((number for number, place in places.items() if told in place.stands_for), "")
