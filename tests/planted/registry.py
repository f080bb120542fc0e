"""All planted bugs."""

from tests.planted import channels, core, guard, orders, sources, stock, sync
from tests.planted.plant import BUGS

SUBJECTS = (stock, sources, orders, channels, guard, sync, core)

__all__ = ["BUGS", "SUBJECTS"]
