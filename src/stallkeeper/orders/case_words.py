"""What case files say, for sellers: the same words on screens and at the terminal."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.orders.cases import CaseFile
from stallkeeper.orders.verdicts import Kind
from stallkit.words import again

PARTS: dict[str, str | Promise] = {
    "order_list": gettext_lazy("until the channel's order list showed the order"),
    "pull": gettext_lazy("until we asked, and had taken it in"),
    "list_or_pull": gettext_lazy("until the order was here (what was read before it is not recorded)"),
    "enter": gettext_lazy("until it was entered"),
    "decide": gettext_lazy("until the cut was wanted"),
    "queue": gettext_lazy("until the cut was sent"),
    "accept": gettext_lazy("until the channel had accepted it"),
    "refused": gettext_lazy("the channel refused the cut"),
    "show": gettext_lazy("accepted, and still sold"),
}
WHOSE: dict[str, str | Promise] = {"ours": gettext_lazy("ours"), "theirs": gettext_lazy("the channel's")}
ENTRIES: dict[str, str | Promise] = {
    "sold": gettext_lazy("sold"),
    "unseen": gettext_lazy("order list read, not in it yet"),
    "entered": gettext_lazy("order entered"),
    "reserved": gettext_lazy("reserved"),
    "held": gettext_lazy("held"),
    "wanted": gettext_lazy("other figure wanted"),
    "sent": gettext_lazy("figure sent"),
    "answered": gettext_lazy("channel answered"),
    "read": gettext_lazy("read back"),
    "stock": gettext_lazy("stock lowered"),
    "short": gettext_lazy("short"),
    "window_closed": gettext_lazy("window closed"),
}


WINDOW: dict[str, str | Promise] = {
    "channel_code": gettext_lazy("Channel"),
    "sku": gettext_lazy("Offer"),
    "read_at": gettext_lazy("Last known at"),
    "read": gettext_lazy("Known to show"),
    "value": gettext_lazy("Written"),
    "sent_at": gettext_lazy("Sent at"),
    "written_at": gettext_lazy("Answered at"),
}
"""The columns of the write that went over a sale (``WrittenOver``)."""
WINDOW_TITLE: str | Promise = gettext_lazy(
    "what was sold there between the last known figure and the answer was written over, and offered once more"
)


def english(number: float) -> str:
    """A whole number as terminals and files write it."""
    return f"{number:,.0f}"


def words_of(case: CaseFile, figure: Callable[[float], str] = english) -> str:
    """The verdict in one sentence; ``figure`` writes its numbers."""
    verdict = case.verdict
    if verdict.kind is Kind.BUG:
        return _("Bug: invariant {broken}.").format(broken=verdict.broken)
    if verdict.kind is Kind.CLOCKS:
        return _("Nobody can tell what came first. By the times that were written down: invariant {broken}.").format(broken=verdict.broken)
    if verdict.kind is Kind.STOCK_CUT:
        return _("Not an oversell: after it was sold, stock was lowered or taken from the channel.")
    if verdict.kind is Kind.AHEAD:
        return _("Not an oversell: sold from goods that are still to come.")
    if verdict.kind is Kind.ENTERED_LATER:
        return _("Not an oversell: it was there, and was entered only after it had been sold.")
    cause = again(case.cause.what, _) if case.cause else _("the channel's own figure")
    words = _("Latency: {cause}. {ours} ms ours, {theirs} ms the channel's.")
    return words.format(cause=cause, ours=figure(verdict.ours), theirs=figure(verdict.theirs))


def clocks_of(case: CaseFile, figure: Callable[[float], str] = english) -> str:
    """Which clocks differ, in one sentence; "" if none do by what was written down. ``figure`` writes its numbers."""
    clocks = case.clocks
    if clocks is None:
        return ""
    seconds = figure(round(clocks.milliseconds / 1000))
    if clocks.channel_code:
        words = _("The clock of {channel} and ours differ by at least {seconds} s: its orders are dated after we had them.")
        return words.format(channel=clocks.channel_code, seconds=seconds)
    words = _(
        "Our own clocks differ by at least {seconds} s: what was written down later is dated earlier. Set the clocks of all machines."
    )
    return words.format(seconds=seconds)
