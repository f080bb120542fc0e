"""eMAG Marketplace (Romania, Bulgaria, Hungary) and Fashion Days (Romania, Bulgaria), API version 4.4.9. Read ``README.md`` first."""

from stallkit.adapters.emag.adapter import Adapter
from stallkit.adapters.emag.manifest import MANIFEST

__all__ = ["MANIFEST", "Adapter"]
