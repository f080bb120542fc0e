"""Whether a plan still says what it said when it was looked at, and in which words it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from stallkeeper.channels import plan_items, plan_queries
from stallkeeper.channels.plan_items import ABSENT, NO_ITEMS, Moved, Part
from stallkeeper.channels.plan_work import Worked
from stallkeeper.stock.availability import NOT_SET
from stallkit.words import joined
from stallkit.words import said as _

EXAMPLES = 20


class PlanError(ValueError):
    """A plan cannot be applied, or there is none. The text says why and what to do."""


class NotOpen(PlanError):
    """The plan was replaced or discarded."""


@dataclass(frozen=True, slots=True)
class Move:
    """An offer of which the plan says something else by now. None: not known (before), or not in the plan (after)."""

    sku: str
    channel: str
    then_before: int | None
    then_after: int | None
    now_before: int | None
    now_after: int | None
    price: bool = False

    def __str__(self) -> str:
        then, now = _pair(self.then_before, self.then_after, self.price), _pair(self.now_before, self.now_after, self.price)
        return _("{channel} {sku}: the plan says {then}, now it is {now}", channel=self.channel, sku=self.sku, then=then, now=now)


def _pair(before: int | None, after: int | None, price: bool) -> str:
    if after is None:
        return _("nothing to send")
    unit = plan_items.PARTS_OF_A_UNIT if price else 1
    figures = [("?" if figure is None else f"{figure / unit:.2f}" if price else str(figure)) for figure in (before, after)]
    return " → ".join(figures)


class Stale(PlanError):
    """Facts have moved: the plan no longer says the same. ``offers`` counts them, ``moves`` are some, ``settings`` names other rules."""

    def __init__(self, offers: int, moves: Sequence[Move], settings: Sequence[str]) -> None:
        self.offers, self.moves, self.settings = offers, tuple(moves), tuple(settings)
        some = joined([str(move) for move in self.moves[:3]], "; ")
        moved = [_("{offers} values have moved, for instance {some}", offers=offers, some=some)] if self.moves else []
        words = joined([*self.settings, *moved], "; ")
        super().__init__(_("The plan is out of date: {words}. Nothing was changed. Make it anew and look again.", words=words))


def still_says(then: Worked, worked: Worked, *, lower_is_fine: bool) -> None:
    """Stale if the plan says something else than it did."""
    if worked.fingerprint == then.fingerprint:
        return
    moves = _moved(then.parts, worked)
    settings = _settings_moved(then, worked)
    worse = {counts.code for counts in worked.counts if counts.held} - {counts.code for counts in then.counts if counts.held}
    if lower_is_fine and not settings and not worse and not any(price or found.higher.any() for _, price, found in moves):
        return
    raise Stale(sum(len(found) for _, _, found in moves), _examples(moves, worked), settings)


def _moved(then: Mapping[int, Part], worked: Worked) -> list[tuple[int, bool, Moved]]:
    """What moved, by channel, quantities then prices."""
    found = []
    for channel in sorted(then.keys() | worked.parts.keys()):
        old, new = then.get(channel, Part(NO_ITEMS, NO_ITEMS)), worked.parts.get(channel, Part(NO_ITEMS, NO_ITEMS))
        found.append((channel, False, plan_items.moved(old.quantities, new.quantities)))
        found.append((channel, True, plan_items.moved(old.prices, new.prices)))
    return [each for each in found if len(each[2])]


def _examples(moves: Sequence[tuple[int, bool, Moved]], worked: Worked) -> list[Move]:
    codes = {counts.channel_id: counts.code for counts in worked.counts}
    rows = [(channel, price, found, at) for channel, price, found in moves for at in range(min(len(found), EXAMPLES))][:EXAMPLES]
    with connection.cursor() as cursor:
        names = plan_queries.skus(cursor, [int(found.offer[at]) for _, _, found, at in rows])
    return [
        Move(
            names.get(int(found.offer[at]), _("an offer that is gone")),
            codes.get(channel, str(channel)),
            _figure(found.then_before[at]),
            _figure(found.then_after[at]),
            _figure(found.now_before[at]),
            _figure(found.now_after[at]),
            price,
        )
        for channel, price, found, at in rows
    ]


def _figure(value: np.int64) -> int | None:
    return None if value in {NOT_SET, ABSENT} else int(value)


def _settings_moved(made: Worked, worked: Worked) -> list[str]:
    """Rules and switches that were changed since the plan was made, in words."""
    found: list[str] = []
    if made.base["sending"] != worked.base["sending"]:
        found.append(_("the switch of the company was turned"))
    if made.base.get("places") != worked.base.get("places"):
        found.append(_("of the places other settings hold"))
    then, now = made.base["channels"], worked.base["channels"]
    assert isinstance(then, dict)
    assert isinstance(now, dict)
    codes = {str(counts.channel_id): counts.code for counts in (*made.counts, *worked.counts)}
    for channel in sorted(then.keys() | now.keys(), key=int):
        if then.get(channel) != now.get(channel):
            found.append(_channel_moved(codes.get(channel, channel), then.get(channel), now.get(channel)))
    if made.base.get("accounts") != worked.base.get("accounts") and not found:
        found.append(_("writing to the account was switched"))
    return found


def _channel_moved(code: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> str:
    if old is None:
        return _("channel {code} came", code=code)
    if new is None:
        return _("channel {code} went", code=code)
    changed: list[str] = sorted(name for part in ("rules", "switches") for name in new[part] if old[part].get(name) != new[part][name])
    changed += [_("rules of categories or products")] if old.get("own") != new.get("own") else []
    changed += [_("writing to the account")] if old.get("writes") != new.get("writes") else []
    return _("of channel {code} other settings hold: {changed}", code=code, changed=joined(changed, ", "))
