"""Ozon: stock per warehouse with its own reserve, postings (FBS and rFBS), labels, returns, notifications."""

from stallkit.adapters.ozon.adapter import Adapter
from stallkit.adapters.ozon.manifest import MANIFEST

__all__ = ["MANIFEST", "Adapter"]
