"""All planted bugs."""

from tests.planted import adapters, channels, commerceml, core, guard, orders, plans, sources, stock, sync
from tests.planted.plant import BUGS

SUBJECTS = (stock, sources, commerceml, orders, channels, plans, guard, adapters, sync, core)

__all__ = ["BUGS", "SUBJECTS"]
