"""Which adapters there are. A new adapter adds its folder and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module

from stallkit import structs
from stallkit.http import Door
from stallkit.manifest import Manifest
from stallkit.protocols import Adapter

ADAPTERS = {
    "dummy": "stallkit.adapters.dummy",
    "emag": "stallkit.adapters.emag",
    "ozon": "stallkit.adapters.ozon",
    "walmart": "stallkit.adapters.walmart",
    "wildberries": "stallkit.adapters.wildberries",
    "yandex_market": "stallkit.adapters.yandex_market",
}
"""Platform code to package. Each package exports ``MANIFEST``, ``Adapter`` and (in its ``emulator`` module) ``Emulator``."""


def manifest_of(platform: str) -> Manifest:
    """The adapter's declaration; KeyError for an unknown platform."""
    manifest: Manifest = import_module(f"{ADAPTERS[platform]}.manifest").MANIFEST
    return manifest


def adapter_class(platform: str) -> Callable[[Mapping[str, str], Door, Callable[[], datetime]], Adapter]:
    """The adapter's class, its wire types ready for use by several threads; KeyError for an unknown platform."""
    module = import_module(f"{ADAPTERS[platform]}.adapter")
    structs.make_ready()
    made: Callable[[Mapping[str, str], Door, Callable[[], datetime]], Adapter] = module.Adapter
    return made


def build(platform: str, config: Mapping[str, str], http: Door, clock: Callable[[], datetime]) -> Adapter:
    """An adapter instance. ``config`` holds the manifest's settings by name, secrets in clear; ``http.base_url`` is the platform's host."""
    return adapter_class(platform)(config, http, clock)
