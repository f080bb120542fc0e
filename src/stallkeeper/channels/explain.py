"""Why is this number what it is? Every figure with its working, from the same lines that made it (C20, D1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from django.db import connection
from django.db.models import Q

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import explain_queries, facts, guard_explained, price_queries, pricing, queries
from stallkeeper.channels.facts import Facts
from stallkeeper.channels.held_rules import HeldRules, held_rules, sold_lately
from stallkeeper.channels.models import Channel, Offer
from stallkeeper.channels.overriding import Origin
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.channels.rule_models import Rounding
from stallkeeper.core import clock
from stallkeeper.core.copy import Ints
from stallkeeper.core.sql import Cursor
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.stock.availability import NOT_SET, Trace
from stallkit.words import joined
from stallkit.words import said as _


class NothingToExplain(LookupError):
    """There is no offer with this SKU (on this channel). The text says what was looked for."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the working: the figure before and after it. ``note`` says which rule or fact made the difference, ``origin`` whose
    rule it is: the channel's, the category's or the product's (the most special one, where several rules make a step)."""

    name: str
    before: int | None
    after: int
    note: str = ""
    origin: Origin = Origin.CHANNEL


@dataclass(frozen=True, slots=True)
class Spot:
    """A component at a place. ``counts``: the channel looks at this place."""

    component: str
    per_kit: int
    location: str
    on_hand: int
    allocated: int
    held: int
    counts: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """A reservation that lowers the figure. ``owner`` is what it is for; ``line_id`` is set for order lines."""

    component: str
    location: str
    kind: str
    quantity: int
    owner: str
    line_id: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Moved:
    component: str
    quantity: int
    origin: str
    target: str
    cause: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Sent:
    at: datetime
    kind: str
    value: Decimal
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One offer: the working of its intended quantity and price, the five quantities, and the facts behind them."""

    channel: str
    channel_code: str
    channel_id: int
    offer_id: int
    sku: str
    unit: str
    steps: tuple[Step, ...]
    rules: HeldRules
    intended: int | None
    stored: int | None
    believed: int | None
    observed: int | None
    observed_at: datetime | None
    sent: int | None
    sent_at: datetime | None
    accepted: int | None
    accepted_at: datetime | None
    open_units: int
    refused: str
    excluded: bool
    sends: bool
    verdict: str
    """in_step | to_push | unknown | refused | excluded | switched_off | not_refreshed"""
    spots: tuple[Spot, ...] = ()
    promises: tuple[Promise, ...] = ()
    movements: tuple[Moved, ...] = ()
    sends_log: tuple[Sent, ...] = ()
    price_steps: tuple[pricing.PriceStep, ...] = ()
    price_problem: str = ""


def explain(organisation_id: int, sku: str, channel_code: str | None = None) -> list[Explanation]:
    """All offers of a SKU (ours or the channel's), by channel. NothingToExplain if there is none."""
    with organisation_scope(organisation_id):
        found = offers_of(sku, channel_code)
        channels = facts.gather_channels(organisation_id)
        return [_explain(organisation_id, offer, channels) for offer in found]


def offers_of(sku: str, channel_code: str | None = None) -> list[Offer]:
    """All offers of a SKU (ours or the channel's), by channel; NothingToExplain if there is none. Call it inside a scope."""
    offers = Offer.objects.select_related("channel", "channel__connection", "stock_unit").order_by("channel__code", "id")
    # Two indexes, each by a list of keys: an OR over a join would read every offer.
    units = list(StockUnit.objects.filter(sku=sku).values_list("pk", flat=True))
    channels_here = list(Channel.objects.values_list("pk", flat=True))
    offers = offers.filter(Q(stock_unit_id__in=units) | Q(channel_id__in=channels_here, sku=sku))
    if channel_code:
        offers = offers.filter(channel__code__iexact=channel_code)
    found = list(offers)
    if not found:
        where = _("channel {code}", code=channel_code) if channel_code else _("any channel")
        raise NothingToExplain(_("there is no offer with the SKU {sku!r} on {where}; look at `stallkeeper offers`", sku=sku, where=where))
    return found


def _explain(organisation_id: int, offer: Offer, channels: Mapping[int, ChannelFacts]) -> Explanation:
    rows = queries.read_offer(offer.pk)
    places = queries.gather_places(rows["unit"])
    channel = channels[offer.channel_id]
    gathered = facts.gather(organisation_id, {channel.id: channel}, rows, places, clock.now().date())
    held = held_rules(gathered, offer.channel)
    components = np.unique(places["component"]).tolist()
    worked = work_out(gathered, lambda: guard_explained.quota_of(organisation_id, offer.pk, components, channels, clock.now()))
    figure, steps = worked.figure, _steps(worked, held, offer, sold_lately(gathered), channels)
    with connection.cursor() as cursor:
        spots = _spots(cursor, places, channel)
        promises = tuple(Promise(*row) for row in explain_queries.promises(cursor, components))
        movements = tuple(Moved(*row) for row in explain_queries.movements(cursor, organisation_id, components))
        sends_log = tuple(Sent(*row) for row in explain_queries.sends(cursor, offer.pk))
    price_steps, problem = _price(offer)
    return Explanation(
        channel=offer.channel.name,
        channel_code=offer.channel.code,
        channel_id=channel.id,
        offer_id=offer.pk,
        sku=offer.sku,
        unit=offer.stock_unit.sku,
        steps=steps,
        rules=held,
        intended=None if figure == NOT_SET else figure,
        stored=offer.intended_qty,
        believed=offer.believed_qty,
        observed=offer.observed_qty,
        observed_at=offer.observed_at,
        sent=offer.sent_qty,
        sent_at=offer.sent_at,
        accepted=offer.accepted_qty,
        accepted_at=offer.accepted_at,
        open_units=offer.open_qty,
        refused=f"{offer.refused_code}: {offer.refused_message}" if offer.refused_at else "",
        excluded=offer.stock_excluded,
        sends=channel.sends,
        verdict=verdict(offer, figure, channel.sends),
        spots=spots,
        promises=promises,
        movements=movements,
        sends_log=sends_log,
        price_steps=price_steps,
        price_problem=problem,
    )


def verdict(offer: Offer, figure: int, sends: bool) -> str:
    """In one word, why the channel shows what it shows."""
    if offer.stock_excluded:
        return "excluded"
    if offer.intended_qty != figure:
        return "not_refreshed"
    if not sends:
        return "switched_off"
    if offer.refused_at is not None and offer.refused_qty == figure:
        return "refused"
    if offer.believed_qty is None:
        return "unknown"
    return "in_step" if offer.believed_qty == figure else "to_push"


@dataclass(frozen=True, slots=True)
class Working:
    """How a figure comes about: (step, before, after); each step begins where the one before it ended, the last ends at ``figure``."""

    figure: int
    steps: Sequence[tuple[str, int | None, int]]
    quota: guard_explained.Quota | None


def work_out(one: Facts, quota: Callable[[], guard_explained.Quota | None]) -> Working:
    """The figure of the one offer that was gathered, NOT_SET if it is left out, and how it comes about. Pure but for ``quota``, which is
    asked for what the offer has of guarded units."""
    trace = Trace(keep=True)
    figure = int(facts.decide(one, trace)[0])
    steps = chain(trace)
    mine = quota() if figure != NOT_SET else None
    return Working(figure, steps, None) if mine is None else Working(mine.figure, [*steps, ("guard", figure, mine.figure)], mine)


def _steps(worked: Working, held: HeldRules, offer: Offer, sold: int, channels: Mapping[int, ChannelFacts]) -> tuple[Step, ...]:
    """The working with the rule or fact that made each step."""

    def note(name: str) -> str:
        return _why(worked.quota, channels) if name == "guard" and worked.quota is not None else _note(name, held, offer, sold)

    return tuple(Step(name, before, after, note(name), held.origin_of(name)) for name, before, after in worked.steps)


def chain(trace: Trace) -> list[tuple[str, int | None, int]]:
    """The steps of the one offer that was gathered: (step, figure before, figure after); each begins where the one before it ended.

    What is for sale is a step only where it is another figure than the units that can be made: not counted, or not active.
    """
    found: list[tuple[str, int | None, int]] = []
    for name, figures in trace.steps:
        before, after = found[-1][2] if found else None, int(figures[0])
        if name != "for_sale" or before != after:
            found.append((name, before, after))
    return found


def _why(quota: guard_explained.Quota, channels: Mapping[int, ChannelFacts]) -> str:
    """What the other channels have of the units, and for whose cuts a raise waits."""
    names = dict(Channel.objects.filter(pk__in=channels).values_list("pk", "name"))
    others, kept = (", ".join(f"{names[channel]} {units}" for channel, units in some) for some in (quota.others, quota.kept))
    parts = [_("{free} free, shared with: {others}", free=quota.free, others=others) if others else _("{free} free", free=quota.free)]
    if kept:
        parts.append(_("kept for channels: {kept}", kept=kept))
    if quota.gone:
        parts.append(_("this channel has no such offer, so the others have its part until it is listed again"))
    if quota.refused:
        parts.append(_("this channel has refused a figure, so it has no more than it shows until it is tried again, each night or by hand"))
    if quota.waits_for:
        parts.append(_("waits for the cut of {channels}", channels=", ".join(names[channel] for channel in quota.waits_for)))
    return joined(parts, "; ")


def _note(name: str, held: HeldRules, offer: Offer, sold: int) -> str:
    notes = {
        "share": f"{held.share.normalize():f} %, {Rounding(held.share_rounding).label}",
        "buffer": f"- {held.buffer}",
        "velocity": f"{held.velocity_share.normalize():f} % of {sold} sold in the last hour" if held.velocity_share else "",
        "cap": " ".join(
            [f"at most {held.max_publish}" if held.max_publish is not None else "", f"fixed {held.fixed}" if held.fixed else ""]
        ).strip(),
        "zero_at": f"0 at {held.zero_at} or below",
        "pack_factor": f"/ {offer.pack_factor}",
        "incoming": f"within {offer.channel.horizon_days} days" if offer.channel.horizon_days else "",
        "basis": f"open on the channel: {offer.open_qty}, of which it does not know we have: {offer.unacknowledged_qty}",
    }
    said = notes.get(name, "")
    return f"{said} ({held.origin_of(name).label})" if said and held.origin_of(name) is not Origin.CHANNEL else said


def _spots(cursor: Cursor, places: Mapping[str, Ints], channel: ChannelFacts) -> tuple[Spot, ...]:
    skus = dict(explain_queries.unit_skus(cursor, np.unique(places["component"]).tolist()))
    names = dict(explain_queries.location_names(cursor, np.unique(places["location"]).tolist()))
    rows = zip(*(places[name].tolist() for name in ("component", "per_kit", "location", "on_hand", "allocated", "held")), strict=True)
    return tuple(
        Spot(skus[component], per_kit, names[location], on_hand, allocated, held, location in channel.locations)
        for component, per_kit, location, on_hand, allocated, held in rows
        if location in names
    )


def _price(offer: Offer) -> tuple[tuple[pricing.PriceStep, ...], str]:
    with connection.cursor() as cursor:
        rules = price_queries.gather_channel(cursor, offer.organisation_id, offer.channel_id)
        base = explain_queries.base_price(cursor, rules.list_id, offer.stock_unit_id) if rules else None
    if rules is None or base is None:
        return (), ""
    try:
        return tuple(pricing.work_out(base, offer.pack_factor, rules)), ""
    except pricing.PriceRuleError as error:
        return (), str(error)
