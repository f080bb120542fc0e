"""Bugs in guarded mode: what channels may show together (invariant 4)."""

from tests.planted.plant import bug

GUARD = "stallkeeper.channels.guard"

bug(
    "raise before the cuts of others are accepted",
    "A channel is raised to its part while the others still show theirs from before.",
    "4",
    f"{GUARD}:goes_out",
    ("min(value - extra, exposure.most(stake.offer_id) - missing)", "value - extra"),
)
bug(
    "unknown figure counts as nothing",
    "While a call is under way its channel counts as if it showed nothing, so another one is raised.",
    "4",
    f"{GUARD}:may_show",
    ("max(max(known) -", "max((stake.believed or 0) -"),
)
bug(
    "packs count as single units in guarded mode",
    "A listing of two pieces takes one of the units that channels share.",
    "4",
    "stallkeeper.channels.guard_queries:stakes",
    ("part.per * offer.pack_factor", "part.per"),
)
bug(
    "quotas for listings that are gone",
    "A listing that its channel does not have keeps its part, which nobody can buy then.",
    "4",
    f"{GUARD}:_claim",
    ("if stake.gone or stake.refused", "if stake.refused"),
)
bug(
    "what is kept for a channel is shared out",
    "Quotas take fenced units for units like all others.",
    "4",
    f"{GUARD}:pools_of",
    ("max(there - kept - back, 0)", "max(there - kept, 0)"),
)
bug(
    "quotas beyond the buffer",
    "What every channel keeps back is shared out all the same.",
    "4",
    f"{GUARD}:pools_of",
    ("max(there - kept - back, 0)", "max(there - back, 0)"),
)
