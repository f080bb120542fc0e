"""Bugs in sources of stock. The simulated days have no sources: a model of their own finds these (``tests/db/sources/test_planted.py``)."""

from tests.planted.plant import Bug

FIGURES = "stallkeeper.stock.source_figures"
SOURCES = "stallkeeper.stock.sources"

ALL = (
    Bug(
        "missing means zero in a list of changes",
        "A packet that lists changes only empties everything that did not change.",
        (),
        f"{SOURCES}:_Work._missing",
        (("self.source.mode != SourceMode.ALL or not self.run.whole or found.blind", "self.source.mode != SourceMode.ALL or found.blind"),),
    ),
    Bug(
        "net figures not added back",
        "What the source has taken off for our orders is taken off twice: stock that is there is not sold.",
        (),
        f"{FIGURES}:goal",
        (("(standing.reserved if basis == SourceBasis.NET else 0)", "0"),),
    ),
    Bug(
        "sales since the file forgotten",
        "A file that is an hour old brings back what was sold in that hour.",
        (),
        f"{FIGURES}:goal",
        (("wanted + standing.since + ", "wanted + "),),
    ),
    Bug(
        "what is promised now added to figures of then",
        "Orders that came after the file are added to what it had.",
        (),
        "stallkeeper.stock.source_queries:_PROMISED_THEN",
        (("e.after - e.before", "0"),),
    ),
    Bug(
        "a row that is refused is missing",
        "An article whose quantity cannot be read goes to zero.",
        (),
        f"{FIGURES}:missing",
        (("and unit not in read_.protected", ""),),
    ),
)
