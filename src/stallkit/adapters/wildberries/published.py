"""Wildberries' published contracts (18.08.2026) as a check on the emulator's traffic."""

from __future__ import annotations

from stallkit.testing.emulator import Emulator
from stallkit.testing.published import Published, ValidatingTransport, Validator
from stallkit.testing.serving import EmulatorTransport

FOLDER = "ZloyDeDD-wb-api-skill"


def contracts() -> list[Validator]:
    """One per category that the adapter calls; as they are, without corrections."""
    files = ("01-general.yaml", "02-items.yaml", "03-orders-fbs.yaml", "05-dbs.yaml", "09-communications.yaml")
    return [Published.openapi("wildberries", f"{FOLDER}/{file}") for file in files]


class Transport(ValidatingTransport):
    """An emulator whose every exchange is checked."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(EmulatorTransport(emulator), contracts())
