"""The Market's published contract (OpenAPI, August 2026) as a check on the emulator's traffic.

The file describes 155 paths. Only those that the adapter calls are kept, with all that they refer to: to check the rest again in each
process would take longer than the tests. Nothing is corrected.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from stallkit.testing.emulator import Emulator
from stallkit.testing.published import Document, Published, ValidatingTransport
from stallkit.testing.serving import EmulatorTransport

ORDER = "/v2/campaigns/{campaignId}/orders/{orderId}"
CALLED = {
    "/v2/auth/token",
    "/v2/campaigns",
    "/v3/businesses/{businessId}/warehouses",
    "/v2/businesses/{businessId}/warehouses",
    "/v2/businesses/{businessId}/offer-mappings",
    "/v3/businesses/{businessId}/offers/stocks",
    "/v3/businesses/{businessId}/offers/stocks/update",
    "/v2/campaigns/{campaignId}/offers/stocks",
    "/v2/businesses/{businessId}/offer-prices/updates",
    "/v2/campaigns/{campaignId}/offer-prices/updates",
    "/v1/businesses/{businessId}/orders",
    f"{ORDER}/boxes",
    f"{ORDER}/status",
    f"{ORDER}/delivery/track",
    f"{ORDER}/delivery/labels",
    f"{ORDER}/cancellation/accept",
    "/v2/delivery/services",
    "/v2/campaigns/{campaignId}/returns",
}
Kinds = dict[str, dict[str, object]]


def only_what_is_called(document: Document) -> None:
    """Leave out the paths that nobody calls here, and the components that only they need."""
    paths = cast("Document", document["paths"])
    document["paths"] = {path: told for path, told in paths.items() if path in CALLED}
    components = cast("Kinds", document["components"])
    needed = _reached(document["paths"], components)
    kept = {kind: {name: told for name, told in named.items() if (kind, name) in needed} for kind, named in components.items()}
    document["components"] = {kind: named for kind, named in kept.items() if named}


def _reached(start: object, components: Kinds) -> set[tuple[str, str]]:
    """(kind, name) of all components that can be reached from ``start``."""
    found: set[tuple[str, str]] = set()
    waiting = list(_references(start))
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += _references(components[place[0]][place[1]])
    return found


def _references(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str) and target.startswith("#/components/"):
            kind, _, name = target.removeprefix("#/components/").partition("/")
            yield kind, name
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


CONTRACT = Published.openapi("yandex_market", "MissiaL-yandex-market-api/yandex-market-openapi.json", amend=only_what_is_called)


class Transport(ValidatingTransport):
    """The way to an emulator on which every exchange is checked against the published contract."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(EmulatorTransport(emulator), [CONTRACT])
