"""Texts that people read can be said in their language (ADR 0062)."""

from __future__ import annotations

import ast

from lint.engine import Found, Source, rule

SHOWN = {
    "AddressNotAllowed", "AmountError", "CancelError", "CatalogueError", "CellRefused", "CommandError", "ConnectError", "CountError",
    "CutoverError", "EditError", "FenceError", "FileRefused", "GuardError", "HoldError", "IncomingError", "LinkError", "NeedsReconnect",
    "NoCase", "NotAcknowledged", "NotEnough", "NotLeftError", "NotOpen", "NotThatPlan", "NotYet", "NothingToExplain", "ObservedError",
    "OutcomeUnknown", "PeopleError", "PlaceError", "PlanError", "PriceRuleError", "Problem", "ProposalError", "Refused", "RowProblem",
    "RuleError", "ShipError", "SlowDown", "SourceError", "StillUnread", "Stopped", "SwitchError", "TryLater", "Unintelligible",
    "Unwatched",
}  # fmt: skip
"""Errors and problems whose text a screen shows."""
WHERE = (
    "src/stallkit/sources/", "src/stallkit/tables/", "src/stallkit/http.py", "src/stallkit/guard.py", "src/stallkeeper/catalog/",
    "src/stallkeeper/stock/", "src/stallkeeper/channels/", "src/stallkeeper/orders/", "src/stallkeeper/fulfilment/",
    "src/stallkeeper/core/people.py", "src/stallkeeper/sync/source", "src/stallkeeper/sync/exchange/",
)  # fmt: skip
SETTINGS = {"Setting", "SourceManifest"}


def _shown(path: str) -> bool:
    return path.startswith(WHERE) and path.endswith(".py") and not path.endswith("emulator.py")


@rule("unsaid", "A text that a screen shows is _(…) of stallkit.words, with its values beside it, or nobody can translate it", _shown)
def unsaid(source: Source) -> Found:
    for call in source.nodes(ast.Call):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
        given = [*call.args, *(each.value for each in call.keywords if each.arg in {"detail", "help", "label", "message", "title"})]
        if name in SHOWN or name in SETTINGS:
            yield from ((text.lineno, f"a bare text in {name}()") for text in given if _bare(text))


def _bare(text: ast.expr) -> bool:
    """A sentence, or one that is put together; a name of a field has no blanks."""
    return isinstance(text, ast.JoinedStr) or (isinstance(text, ast.Constant) and isinstance(text.value, str) and " " in text.value)
