"""Walmart Marketplace (United States). See README.md for the figures it wants and the traps it hides."""

from stallkit.adapters.walmart.adapter import Adapter
from stallkit.adapters.walmart.manifest import MANIFEST

__all__ = ["MANIFEST", "Adapter"]
