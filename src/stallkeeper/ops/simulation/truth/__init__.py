"""The reference model of the simulation: what must hold of the hub, told again in plain Python.

It is a second opinion. It reads the tables and the books of the emulated stalls, never a decision of the product's code: how many units are
for sale, what a line holds, what may be believed are worked out here from the requirements. docs/invariants.md lists every invariant and
how it is checked.
"""

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.events import TruthEvent
from stallkeeper.ops.simulation.truth.model import Truth
from stallkeeper.ops.simulation.truth.stalls import StallView

__all__ = ["Breach", "StallView", "Truth", "TruthEvent"]
