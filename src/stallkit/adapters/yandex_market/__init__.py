"""Yandex Market: FBS, Express and DBS orders of one cabinet. Read ``README.md`` first."""

from stallkit.adapters.yandex_market.adapter import Adapter
from stallkit.adapters.yandex_market.manifest import MANIFEST

__all__ = ["MANIFEST", "Adapter"]
