"""All planted bugs."""

from tests.planted import channels, core, orders, stock, sync
from tests.planted.plant import BUGS

SUBJECTS = (stock, orders, channels, sync, core)

__all__ = ["BUGS", "SUBJECTS"]
