"""Why more was sold than there was: latency, with whose it was and how long each part took; a stock cut; or a bug. Pure.

A unit is sold twice when a channel sells it after it was gone and before that channel had accepted our cut. If there was such a window, its
length has parts, and each part is somebody's. If there was none, something broke a rule that must hold, and the verdict names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

CLOCKS = timedelta(seconds=5)
"""Two clocks, and platforms that cut their times to the second: nearer than this nobody can say what came first."""
DECIDED_WITHIN = timedelta(minutes=5)
"""What is known is worked into the offers in its own transaction, or soon after by a job. Later than this it was lost."""
SHOWN_WITHIN = timedelta(minutes=15)
"""A platform that has said yes may need so long until its buyers see it. By then we have read it back."""


class Kind(StrEnum):
    LATENCY = "latency"
    STOCK_CUT = "stock_cut"
    AHEAD = "ahead"
    """Sold from goods that are still to come, as the channel's rules want it."""
    ENTERED_LATER = "entered_later"
    """When it came in, the books did not know yet what was there."""
    BUG = "bug"
    CLOCKS = "clocks"
    """By the times that were written down it would be a bug, and they are those of clocks that differ."""


class Whose(StrEnum):
    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the window. ``name``: order_list | pull | list_or_pull | enter | decide | queue | accept | refused | show."""

    name: str
    whose: Whose
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """``broken`` names the invariant that a bug broke, and how (docs/invariants.md); where clocks differ, the one that would be broken by
    the times that were written down. ``since``, ``until``: the window, if there was one."""

    kind: Kind
    parts: tuple[Part, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    broken: str = ""

    @property
    def ours(self) -> int:
        return sum(part.milliseconds for part in self.parts if part.whose is Whose.OURS)

    @property
    def theirs(self) -> int:
        return sum(part.milliseconds for part in self.parts if part.whose is Whose.THEIRS)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Clocks that differ by at least ``milliseconds``: a channel's and ours, or, without a channel, those of our own processes."""

    milliseconds: int
    channel_code: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """What took the units: a sale on another channel, or the ledger or a hold.

    ``unseen_at``: the last complete read of the channel's orders that did not show the sale yet; None where that was not recorded.
    """

    what: str
    happened_at: datetime
    known_at: datetime
    is_sale: bool = False
    unseen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """A quantity that we sent. ``at``: its answer was written down. ``wanted_at``: since when the channel was to show something else."""

    at: datetime
    value: int
    outcome: str
    sent_at: datetime | None = None
    wanted_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What a figure was at a moment, from what was known. ``figure``: what should have been sent, None if nothing; ``there``: the most that
    could be there, worked out from places alone; ``open``: units of the figure that the channel subtracts, because its buyers have them."""

    figure: int | None
    there: int
    open: int = 0


@dataclass(frozen=True, slots=True)
class SoldTwice:
    """The sale that went beyond, and everything that could explain it.

    ``left_then``, ``left_today``: units the offer could still sell just before, as believed then and as known today. ``stood``: the last
    figure of ours that the channel had accepted by then; ``rules``: what was known when that was sent, and shortly before. ``cut``: the
    first lower one it accepted afterwards. ``wanted_at``: since when a lower one was wanted (before the sale: one low enough to prevent
    it); ``refused_at``: it said no to one. ``read_above``: reads after ``stood`` showed more than it. ``switched``: sending was off then.
    ``freed``: so many units that the
    channel subtracted from ``stood`` it may have put back on show before the sale: cancelled, or shipped as far as it had been told.
    """

    sold_at: datetime
    units: int
    left_then: int
    left_today: int
    stood: Send | None = None
    rules: Sequence[Known] = field(default_factory=tuple)
    cut: Send | None = None
    wanted_at: datetime | None = None
    refused_at: datetime | None = None
    cause: Cause | None = None
    read_above: bool = False
    switched: bool = False
    freed: int = 0


def judge(sale: SoldTwice | None, stock_cut: str = "", *, ahead: bool = False, entered_later: bool = False) -> Verdict:
    """The verdict. ``sale`` None: at each sale there was enough; ``stock_cut`` names what lowered the stock afterwards, if anything did;
    ``ahead``: when the order came in, what there was were goods that are still to come; ``entered_later``: nothing was lowered, and that
    more was there than the books said then was entered only after it had come in, or after the sale, for others who had waited."""
    if sale is None:
        return _enough(stock_cut, ahead=ahead, entered_later=entered_later)
    wrong = _wrongly_sent(sale)
    if wrong:
        return wrong
    if sale.stood is not None and _for_sale(sale, sale.stood) < sale.units and sale.sold_at > sale.stood.at:
        return _shown_late(sale, sale.stood)
    if sale.cause is None:
        return Verdict(Kind.STOCK_CUT) if stock_cut else _bug("10: nothing was taken since the channel's figure was right")
    return _lost(sale, sale.cause) or _window(sale, sale.cause)


def _enough(stock_cut: str, *, ahead: bool, entered_later: bool) -> Verdict:
    if ahead and not stock_cut:
        return Verdict(Kind.AHEAD)
    if entered_later:
        return Verdict(Kind.ENTERED_LATER)
    return Verdict(Kind.STOCK_CUT) if stock_cut else _bug("3: there was enough when it was sold, and it was not promised")


def differing(own: timedelta, channels: Mapping[str, timedelta]) -> Clocks | None:
    """The clocks that differ most, if any do by more than two clocks always do. ``own``: by how much what we wrote down later is dated
    earlier; ``channels``: by how much an order is dated after we had it, by channel."""
    code, most = max({"": own, **channels}.items(), key=lambda clock: clock[1])
    return Clocks(_ms(most), code) if most > CLOCKS else None


def heed(verdict: Verdict, clocks: Clocks | None) -> Verdict:
    """A bug is told from what came first. Where clocks differ nobody can tell, and nobody is accused."""
    return replace(verdict, kind=Kind.CLOCKS) if clocks is not None and verdict.kind is Kind.BUG else verdict


def _bug(broken: str) -> Verdict:
    return Verdict(Kind.BUG, broken=broken)


def _wrongly_sent(sale: SoldTwice) -> Verdict | None:
    """What stood on the channel was more than the facts gave when it was sent."""
    figures = [known.figure for known in sale.rules if known.figure is not None]
    if sale.stood is None or not figures or sale.stood.value <= max(figures):
        there = max((known.there for known in sale.rules), default=0)
        over = sale.stood is not None and bool(figures) and sale.stood.value > there
        return _bug(f"4: {sale.stood.value} was sent, and {there} were there at most") if over and sale.stood else None
    return _bug(f"10: {sale.stood.value} was sent, and the facts of that moment give {max(figures)}")


def _for_sale(sale: SoldTwice, stood: Send) -> int:
    """What buyers could have by a figure that the channel had accepted: without what it subtracts itself, where it wants gross figures.

    That is looked at only where nothing else took the units: what it subtracts is told from our books, which may be behind its own.
    """
    if sale.cause is not None:
        return stood.value
    subtracted = min((known.open for known in sale.rules if known.figure == stood.value), default=0)
    return stood.value - max(subtracted - sale.freed, 0)


def _shown_late(sale: SoldTwice, stood: Send) -> Verdict:
    """The channel sold more than it had said yes to."""
    late = sale.sold_at - stood.at
    if late > max(SHOWN_WITHIN, CLOCKS) and not sale.read_above:
        minutes = late.total_seconds() / 60
        sold = stood.value - _for_sale(sale, stood)
        value = f"{stood.value}, {sold} of them sold there already," if sold else str(stood.value)
        return _bug(f"9: the channel had accepted {value} {minutes:.0f} minutes before it sold {sale.units}, and no read shows more")
    return Verdict(Kind.LATENCY, _nonzero([Part("show", Whose.THEIRS, _ms(late))]), stood.at, sale.sold_at)


def _lost(sale: SoldTwice, cause: Cause) -> Verdict | None:
    """We knew long before the sale, and the offer was not worked out anew."""
    if sale.left_then >= sale.units or sale.switched or cause.known_at + DECIDED_WITHIN > sale.sold_at:
        return None
    if sale.wanted_at is not None and sale.wanted_at <= cause.known_at + DECIDED_WITHIN:
        return None
    minutes = (sale.sold_at - cause.known_at).total_seconds() / 60
    return _bug(f"10: {cause.what} was known {minutes:.0f} minutes before the sale, and no cut was wanted")


def _window(sale: SoldTwice, cause: Cause) -> Verdict:
    """From what took the units to the cut that the channel accepted; where it needed none any more, to the sale."""
    cut = sale.cut
    end = cut.at if cut is not None else max(sale.sold_at, cause.known_at)
    parts = [*_until_known(cause)]
    if cut is not None and cut.sent_at is not None:
        wanted = cut.wanted_at or cause.known_at
        parts += [
            Part("decide", Whose.OURS, _ms(wanted - cause.known_at)),
            Part("queue", Whose.OURS, _ms(cut.sent_at - max(wanted, cause.known_at))),
            Part("accept", Whose.THEIRS, _ms(cut.at - cut.sent_at)),
        ]
    elif sale.refused_at is not None:
        refused = max(sale.refused_at, cause.known_at)
        parts.append(Part("queue", Whose.OURS, _ms(refused - cause.known_at)))
        parts.append(Part("refused", Whose.THEIRS, _ms(end - refused)))
    else:
        parts.append(Part("queue", Whose.OURS, _ms(end - cause.known_at)))
    return Verdict(Kind.LATENCY, _nonzero(parts), cause.happened_at, end)


def _until_known(cause: Cause) -> list[Part]:
    whole = cause.known_at - cause.happened_at
    if not cause.is_sale:
        return [Part("enter", Whose.OURS, _ms(whole))]
    if cause.unseen_at is None:
        return [Part("list_or_pull", Whose.OURS, _ms(whole))]
    listed = max(cause.unseen_at - cause.happened_at, timedelta(0))
    return [Part("order_list", Whose.THEIRS, _ms(listed)), Part("pull", Whose.OURS, _ms(whole - listed))]


def _ms(length: timedelta) -> int:
    return max(round(length.total_seconds() * 1000), 0)


def _nonzero(parts: Sequence[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part.milliseconds)
