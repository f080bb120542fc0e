"""The dummy market: a small clean platform that exists only as an emulator. The teaching example for new adapters, and fate's workshop."""

from stallkit.adapters.dummy.adapter import Adapter
from stallkit.adapters.dummy.manifest import MANIFEST

__all__ = ["MANIFEST", "Adapter"]
