"""Wildberries: goods that the seller keeps and hands over to Wildberries for delivery (FBS)."""

from stallkit.adapters.wildberries.adapter import Adapter
from stallkit.adapters.wildberries.manifest import MANIFEST

__all__ = ["MANIFEST", "Adapter"]
