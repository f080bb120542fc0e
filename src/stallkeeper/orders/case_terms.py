"""What the codes of reservations, movements, sends and reads are called in the time line of a case file."""

from __future__ import annotations

from stallkit.words import Said, joined
from stallkit.words import said as _

KINDS = {
    "allocated": _("promised"),
    "pending": _("pending order"),
    "observed": _("seen on the channel before its order"),
    "manual": _("kept back by hand"),
    "line": _("order"),
}
WHY = {
    "order": _("ordered"),
    "shipped": _("shipped"),
    "stock_cut": _("stock was lowered"),
    "refill": _("stock came"),
    "cancelled": _("cancelled"),
    "cancel_refused": _("the cancellation was refused"),
    "cancel_given_up": _("the cancellation was given up"),
    "found": _("found while shipping"),
    "linked": _("linked"),
    "not_left": _("has not left after all"),
    "opening": _("opening balance"),
    "receipt": _("goods received"),
    "ship": _("shipped"),
    "return": _("returned"),
    "transfer": _("transferred"),
    "adjust": _("adjusted"),
    "count": _("counted"),
    "source": _("set by a source"),
    "scrap": _("scrapped"),
}
"""Why a promise or the stock changed."""
ANSWERS = {"accepted": _("accepted"), "pending": _("result comes later"), "rejected": _("refused"), "unknown": _("not known")}
READS = {
    "sale_not_yet_pulled": _("a sale that we had not read yet"),
    "edited_on_channel": _("changed by hand on the channel"),
    "late_push": _("an earlier value of ours arrived late"),
    "not_applied": _("the channel said yes and did not do it"),
    "unknown": _("not known why"),
}


def promise(whom: str, was: int, after: int, kind: str, why: str) -> Said:
    """A reservation that changed."""
    words = {"whom": KINDS.get(whom, whom), "kind": KINDS.get(kind, kind), "why": WHY.get(why, why)}
    return _("{whom}: {was} → {after} ({kind}, {why})", was=was, after=after, **words)


def lowered(quantity: int, cause: str, reason: str) -> Said:
    """A movement that lowered the stock, and what was said with it."""
    first = _("{quantity} less: {why}", quantity=quantity, why=WHY.get(cause, cause))
    return joined([first, reason], ", ") if reason else first


def answer(value: object, outcome: str, detail: str) -> Said:
    """What a channel said to a value that was sent."""
    first = _("{value}: {answer}", value=str(value), answer=ANSWERS.get(outcome, outcome))
    return joined([first, detail], ", ") if detail else first


def read_back(observed: object, believed: object, verdict: str) -> Said:
    """A figure that was read, and is not the one that we believed in."""
    return _("{observed}, believed {believed}: {why}", observed=str(observed), believed=str(believed), why=READS.get(verdict, verdict))
