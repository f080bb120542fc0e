"""Verification of what must hold at rest."""

from __future__ import annotations


def check(organisation_id, *, calm=False, tick=None):
    return []
