"""What buyers of a channel may be shown of a guarded offer at the most, while nobody knows (invariant 4)."""

from __future__ import annotations

import pytest

from stallkeeper.channels.guard import Stake, exposed
from tests.unit.test_uncounted_parts import channel


@pytest.mark.parametrize(
    ("most", "in_ticket", "missing", "shown"),
    [
        (7, None, 0, 7),
        (7, None, -2, 5),
        (7, None, 2, 9),
        (1, None, -3, 0),
        (0, 7, 0, 7),
        (0, 7, -1, 7),
        (9, 7, -1, 8),
        (9, 7, -4, 7),
        (0, 7, 2, 9),
    ],
)
def test_sales_are_in_what_stands_there_and_not_in_what_may_still_land(most: int, in_ticket: int | None, missing: int, shown: int) -> None:
    """Seed 65: a submission that nobody had answered held 7, an order of one came in, and 6 were counted; it could land after that sale."""
    stake = Stake(1, 1, 1, 1, 1, 8, None, most, in_ticket, missing, 0, 0)
    assert exposed(stake, channel()._replace(platform="ozon")) == shown
