"""Bugs in sources of stock. The simulation hunts them, and a small model of their own finds each of them as well
(``tests/db/sources/test_planted.py``)."""

from tests.planted.plant import BUGS, bug

FIGURES = "stallkeeper.stock.source_figures"
SOURCES = "stallkeeper.stock.sources"

bug(
    "missing means zero in a list of changes",
    "A packet that lists changes only empties everything that did not change.",
    "20",
    f"{SOURCES}:_Work._missing",
    ("self.source.mode != SourceMode.ALL or not self.run.whole or found.blind", "self.source.mode != SourceMode.ALL or found.blind"),
)
bug(
    "net figures not added back",
    "What the source has taken off for our orders is taken off twice: stock that is there is not sold.",
    "20",
    f"{FIGURES}:goal",
    ("(standing.reserved if basis == SourceBasis.NET else 0)", "0"),
)
bug(
    "sales since the file forgotten",
    "A file that is an hour old brings back what was sold in that hour.",
    "20",
    f"{FIGURES}:goal",
    ("wanted + standing.since + ", "wanted + "),
)
bug(
    "what is promised now added to figures of then",
    "Orders that came after the file are added to what it had.",
    "20",
    "stallkeeper.stock.source_queries:_PROMISED_THEN",
    ("e.after - e.before", "0"),
)
bug(
    "a row that is refused is missing",
    "An article whose quantity cannot be read goes to zero.",
    "20",
    f"{FIGURES}:missing",
    ("and unit not in read_.protected", ""),
)

ALL = tuple(
    BUGS[name]
    for name in (
        "missing means zero in a list of changes",
        "net figures not added back",
        "sales since the file forgotten",
        "what is promised now added to figures of then",
        "a row that is refused is missing",
    )
)
"""Those that the model of their own finds."""
