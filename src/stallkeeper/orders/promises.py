"""What is promised for the time that an operation takes, end to end. The ceilings are those that are published for hubs like this one
(S1.21-S1.28); they are the default line, not what we aim at.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class Operation(StrEnum):
    """``LIST``, ``MATCH`` and ``CREATE`` are named because others promise a time for them; we have none to measure (``UNMEASURED``)."""

    LIST = "list"
    MATCH = "match"
    STOCK = "stock"
    PRICE = "price"
    INTAKE = "intake"
    CREATE = "create"
    ACKNOWLEDGE = "acknowledge"
    SHIP = "ship"
    CANCEL = "cancel"


UNMEASURED = (Operation.LIST, Operation.MATCH, Operation.CREATE)
"""New products are put on a channel there, and listings are linked here; an order has its number in the transaction that takes it in."""
MEASURED = tuple(operation for operation in Operation if operation not in UNMEASURED)

CEILINGS = {
    Operation.LIST: timedelta(minutes=5),
    Operation.MATCH: timedelta(minutes=30),
    Operation.STOCK: timedelta(minutes=10),
    Operation.PRICE: timedelta(minutes=5),
    Operation.INTAKE: timedelta(minutes=30),
    Operation.CREATE: timedelta(minutes=5),
    Operation.ACKNOWLEDGE: timedelta(minutes=5),
    Operation.SHIP: timedelta(minutes=5),
    Operation.CANCEL: timedelta(minutes=5),
}
