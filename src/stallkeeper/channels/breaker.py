"""The breaker: a plan that would take much off a channel at once, cut prices deeply, or show many times as much, stops and asks (C21).

It counts what is pending now, so ordinary selling out, one by one, never comes near it. While a channel is stopped, cuts to a figure above
zero keep flowing; zeroings, raises and prices wait until a person has seen the plan.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from django.db import connection

from stallkeeper.channels import breaker_queries as queries
from stallkeeper.channels.delivery import Chosen
from stallkeeper.channels.delivery_queries import Standing, Value, Waiting
from stallkeeper.channels.models import Channel, TodoKind
from stallkeeper.core import audit, notify
from stallkeeper.core.copy import Ints
from stallkeeper.core.models import Severity
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.stock.availability import Flags
from stallkit.words import said as _

FEW = 10
"""So many zeroings at once are never an accident worth stopping for."""
TIMES = 10
AT_LEAST = 100
"""A figure that becomes ten times as much, and a hundred more, is one that another column of a file may hold: a code, a year, a weight."""
RELEASED_FOR = timedelta(minutes=30)
EXAMPLES = 10


class NotThatPlan(ValueError):
    """The plan to release is not the one that is stopped now. The text says what to do."""


def check(uc: UseCase, channel: Channel, kind: str, now: Standing, chosen: Sequence[Chosen] | None = None) -> bool:
    """Whether sending this kind is stopped; stops it first if the pending plan calls for that.

    ``chosen``: what is about to go out of a plan that was judged before. The plan is judged again if there is something of the sort that
    stops it, so that none of it goes out unjudged, and looking at everything that waits is not the price of every call.
    """
    if now.stopped:
        return True
    if now.released_until is not None and now.released_until > uc.at:
        return False
    if chosen is not None and not any(grave(kind, row, value, now.price_drop_limit) for row, value in chosen):
        return False
    if kind == TodoKind.PRICE:
        return _stop_prices(uc, channel)
    return _stop_zeroings(uc, channel) or _stop_jumps(uc, channel)


def grave(kind: str, row: Waiting, value: Value, price_drop_limit: Decimal) -> bool:
    """Whether sending this value is what a plan is stopped for: it goes to zero, jumps, or its price falls deeply. Pure."""
    shown = row.observed if row.believed is None else row.believed
    if kind == TodoKind.QUANTITY:
        return value == 0 or (shown is not None and shown > 0 and value >= shown * TIMES and value - shown >= AT_LEAST)
    return shown is not None and value < shown * (1 - price_drop_limit / 100)


def jump(shown: Ints, after: Ints) -> Flags:
    """The same of many figures: which of them jump. ``shown``: -1 where nothing is known. Pure."""
    return (shown > 0) & (after >= shown * TIMES) & (after - shown >= AT_LEAST)


def too_many(zeroings: int, live: int, limit: int, share: float) -> bool:
    """More than ``limit`` offers (in a small shop: more than half of the live ones) and more than ``share`` per cent of them. Pure."""
    enough = min(limit, max(FEW, live // 2))
    return zeroings > enough and zeroings * 100 > live * share


def _stop_zeroings(uc: UseCase, channel: Channel) -> bool:
    with connection.cursor() as cursor:
        zeroings = queries.count_zeroings(cursor, channel.pk)
        if zeroings <= min(FEW, channel.zero_limit):
            return False
        live = queries.count_live(cursor, channel.pk)
        if not too_many(zeroings, live, channel.zero_limit, float(channel.zero_limit_share)):
            return False
        offers = queries.zeroings(cursor, channel.pk)
    reason = _("{zeroings} of {live} live offers would go to zero at once", zeroings=zeroings, live=live)
    _stop(uc, channel, TodoKind.QUANTITY, reason, {"zeroings": zeroings, "live": live}, offers)
    return True


def _stop_jumps(uc: UseCase, channel: Channel) -> bool:
    with connection.cursor() as cursor:
        jumps = queries.jumps(cursor, channel.pk, TIMES, AT_LEAST)
        if len(jumps) <= min(FEW, channel.zero_limit):
            return False
        live = queries.count_live(cursor, channel.pk)
    if not too_many(len(jumps), live, channel.zero_limit, float(channel.zero_limit_share)):
        return False
    reason = _("{jumps} of {live} live offers would show {times} times as much or more at once", jumps=len(jumps), live=live, times=TIMES)
    _stop(uc, channel, TodoKind.QUANTITY, reason, {"jumps": len(jumps), "live": live}, jumps)
    return True


def _stop_prices(uc: UseCase, channel: Channel) -> bool:
    with connection.cursor() as cursor:
        offers = queries.deep_cuts(cursor, channel.pk, channel.price_drop_limit)
    if not offers:
        return False
    limit = f"{channel.price_drop_limit.normalize():f}"
    reason = _("the prices of {offers} offers would fall by more than {limit} %", offers=len(offers), limit=limit)
    _stop(uc, channel, TodoKind.PRICE, reason, {"price_cuts": len(offers)}, offers)
    return True


def _stop(uc: UseCase, channel: Channel, kind: str, reason: str, counts: dict[str, int], offers: list[tuple[int, str]]) -> None:
    detail: dict[str, object] = {
        "kind": kind,
        **counts,
        "examples": [sku for _, sku in offers[:EXAMPLES]],
        "fingerprint": fingerprint(kind, [offer for offer, _ in offers]),
    }
    Channel.objects.filter(pk=channel.pk).update(stopped_at=uc.at, stop_reason=reason[:300], stop_detail=detail)
    audit.record(uc, "channel.stop", "channel", channel.pk, reason=reason, **counts)
    examples = ", ".join(sku for _offer, sku in offers[:EXAMPLES])
    text = _("{reason}. For instance: {skus}. Look at the plan, then release it or correct it.", reason=reason, skus=examples)
    notify.raise_(uc, _key(channel.pk), Severity.ERROR, _("{channel}: sending is stopped", channel=channel.name), text)


def fingerprint(kind: str, offers: list[int]) -> str:
    """Names a plan: the same offers give the same text."""
    return hashlib.sha256(f"{kind}:{','.join(map(str, sorted(offers)))}".encode()).hexdigest()[:16]


def release(organisation_id: int, channel_id: int, fingerprint: str, actor: str) -> None:
    """A person has seen the stopped plan and lets it pass, for RELEASED_FOR. NotThatPlan if another one is stopped now."""
    with use_case("channel.release", organisation_id=organisation_id, actor=actor) as uc:
        channel = Channel.objects.select_for_update().get(pk=channel_id)
        if channel.stopped_at is None or channel.stop_detail.get("fingerprint") != fingerprint:
            raise NotThatPlan(_("Channel {code} is not stopped by this plan (any more). Open it again and look.", code=channel.code))
        _start(uc, channel)
        channel.released_until = uc.at + RELEASED_FOR
        channel.save(update_fields=["stopped_at", "stop_reason", "stop_detail", "released_until"])
        audit.record(uc, "channel.release", "channel", channel_id, fingerprint=fingerprint)


def let_pass(uc: UseCase, channel_id: int, why: str) -> None:
    """A person has confirmed a plan that goes beyond the limits of this channel: what stops it lets it through, for RELEASED_FOR."""
    channel = Channel.objects.select_for_update().get(pk=channel_id)
    _start(uc, channel)
    channel.released_until = uc.at + RELEASED_FOR
    channel.save(update_fields=["stopped_at", "stop_reason", "stop_detail", "released_until"])
    audit.record(uc, "channel.release", "channel", channel_id, plan=why)


def look_again(uc: UseCase, channel_id: int) -> bool:
    """The figures have been corrected: let the breaker judge the plan anew. True if the channel was stopped."""
    channel = Channel.objects.select_for_update().get(pk=channel_id)
    if channel.stopped_at is None:
        return False
    _start(uc, channel)
    channel.save(update_fields=["stopped_at", "stop_reason", "stop_detail"])
    audit.record(uc, "channel.look_again", "channel", channel_id)
    return True


def _start(uc: UseCase, channel: Channel) -> None:
    channel.stopped_at, channel.stop_reason, channel.stop_detail = None, "", {}
    notify.resolve(uc, _key(channel.pk))
    uc.mark("wake_connection", [channel.connection_id])


def _key(channel_id: int) -> str:
    return f"channel:{channel_id}:stopped"
