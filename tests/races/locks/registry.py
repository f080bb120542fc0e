"""All locks of all apps."""

from __future__ import annotations

from tests.races.locks import Proof, catalog, channels, core, orders, stock, sync

REGISTRY: dict[str, Proof] = {**core.LOCKS, **catalog.LOCKS, **stock.LOCKS, **channels.LOCKS, **orders.LOCKS, **sync.LOCKS}
