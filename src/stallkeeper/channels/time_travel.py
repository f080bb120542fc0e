"""An offer's figure at a past moment with its working, in both views, and what the difference between them is (D1, D2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from stallkeeper.channels import explain_queries, facts, past, past_queries
from stallkeeper.channels.explain import Moved, Promise, Sent, Spot, Step, chain, offers_of
from stallkeeper.channels.facts import Facts
from stallkeeper.channels.held_rules import HeldRules, held_rules, sold_lately
from stallkeeper.channels.models import Offer
from stallkeeper.channels.past import Late, Past, View
from stallkeeper.channels.past_queries import PromiseThen
from stallkeeper.channels.rule_models import Rounding
from stallkeeper.core import clock
from stallkeeper.core.models import Organisation
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.stock.availability import NOT_SET, Trace
from stallkit.words import said as _

ALL = Decimal(100)


class NotYet(ValueError):
    """The moment lies ahead; the text says so."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What an offer should have shown, as one view knows it, with the facts behind it. ``number`` None: it was left out, or not linked."""

    view: View
    number: int | None
    steps: tuple[Step, ...]
    spots: tuple[Spot, ...]
    promises: tuple[Promise, ...]
    movements: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class LateOrder:
    """An order that was placed by the moment and came in after it. ``units``: sold units of the line that promised stock."""

    line_id: int
    number: str
    channel_code: str
    units: int
    ordered_at: datetime
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class PastExplanation:
    """An offer at a moment. ``linked``: it existed by then. ``sends_log``: newest first; the channel's last yes is in it.

    ``unrecorded_before``: set where rules, links, kits, ring-fences, incoming goods and switches were not recorded yet.
    """

    channel: str
    channel_code: str
    offer_id: int
    sku: str
    unit: str
    at: datetime
    linked: bool
    excluded: bool
    then: Figure
    today: Figure
    late_movements: tuple[Moved, ...]
    late_orders: tuple[LateOrder, ...]
    sends_log: tuple[Sent, ...]
    unrecorded_before: datetime | None

    @property
    def differs(self) -> bool:
        return self.then.number != self.today.number


GatherLate = Callable[[int, Sequence[Offer], datetime], tuple[Late, Sequence[LateOrder]]]
"""Organisation, offers, moment: what orders add, by the layer of orders."""


def explain_at(organisation_id: int, sku: str, at: datetime, channel_code: str | None, gather_late: GatherLate) -> list[PastExplanation]:
    """All offers of a SKU as they are linked now, by channel, at a past moment. NothingToExplain if there is none; NotYet."""
    if at > clock.now():
        raise NotYet(_("at: {at} lies ahead; name a moment that is over", at=f"{at:%Y-%m-%d %H:%M:%S %Z}"))
    with organisation_scope(organisation_id):
        return [explain_offer(organisation_id, offer, at, gather_late) for offer in offers_of(sku, channel_code)]


def explain_offer(organisation_id: int, offer: Offer, at: datetime, gather_late: GatherLate) -> PastExplanation:
    """One offer at a past moment; call it inside the organisation's scope."""
    since = Organisation.objects.values_list("facts_since", flat=True).get(pk=organisation_id)
    late, orders = gather_late(organisation_id, [offer], at)
    pasts = {view: past.gather(organisation_id, since, [offer.pk], at, view, late) for view in View}
    then = pasts[View.THEN]
    units = sorted(set(then.facts.places["component"].tolist()))
    with connection.cursor() as cursor:
        moved = tuple(Moved(*row) for row in past_queries.late_movements(cursor, units, at))
        sends_log = tuple(Sent(*row) for row in past_queries.sends(cursor, offer.pk, at))
        sku = dict(explain_queries.unit_skus(cursor, then.facts.offers["unit"].tolist()))[int(then.facts.offers["unit"][0])]
    return PastExplanation(
        channel=offer.channel.name,
        channel_code=offer.channel.code,
        offer_id=offer.pk,
        sku=offer.sku,
        unit=sku,
        at=at,
        linked=offer.pk in then.existed,
        excluded=bool(then.facts.offers["excluded"][0]),
        then=_figure(then),
        today=_figure(pasts[View.TODAY]),
        late_movements=moved,
        late_orders=tuple(orders),
        sends_log=sends_log,
        unrecorded_before=then.unrecorded_before,
    )


def figures_of(
    organisation_id: int, offers: Sequence[Offer], at: datetime, gather_late: GatherLate
) -> dict[int, tuple[int | None, int | None]]:
    """What each offer should have shown at a past moment (as believed then, as known today) without the workings; None: nothing. All are
    gathered together; call it inside the organisation's scope."""
    since = Organisation.objects.values_list("facts_since", flat=True).get(pk=organisation_id)
    late, _orders = gather_late(organisation_id, offers, at)
    ids = [offer.pk for offer in offers]
    then, today = (_numbers(past.gather(organisation_id, since, ids, at, view, late)) for view in (View.THEN, View.TODAY))
    return {pk: (then.get(pk), today.get(pk)) for pk in ids}


def _numbers(of: Past) -> dict[int, int]:
    shown = zip(of.facts.offers["id"].tolist(), of.figures().tolist(), strict=True)
    return {offer: number for offer, number in shown if number != NOT_SET}


def _figure(of: Past) -> Figure:
    """The working of the one offer that was gathered, by the lines that work out every figure."""
    trace = Trace(keep=True)
    facts.decide(of.facts, trace)
    number = int(of.figures()[0])
    units = sorted(set(of.facts.places["component"].tolist()))
    with connection.cursor() as cursor:
        skus = dict(explain_queries.unit_skus(cursor, units))
        names = dict(explain_queries.location_names(cursor, sorted(set(of.facts.places["location"].tolist()))))
        moved = past_queries.movements(cursor, units, of.at, past.CLOCKS[of.view])
    channel = of.facts.channels[int(of.facts.offers["channel"][0])]
    return Figure(
        view=of.view,
        number=None if number == NOT_SET else number,
        steps=_with_quota(_steps(trace, of.facts), of, number),
        spots=_spots(of.facts, skus, names, channel.locations),
        promises=tuple(_promise(row, skus, names) for row in of.promises),
        movements=tuple(Moved(*row) for row in moved),
    )


def _steps(trace: Trace, of: Facts) -> tuple[Step, ...]:
    channel = of.channels[int(of.offers["channel"][0])]
    held = held_rules(of, channel)
    notes = _notes(held, channel.horizon_days, sold_lately(of), {name: int(column[0]) for name, column in of.offers.items()})
    return tuple(Step(name, before, after, notes.get(name, ""), held.origin_of(name)) for name, before, after in chain(trace))


def _with_quota(steps: tuple[Step, ...], of: Past, number: int) -> tuple[Step, ...]:
    """What guarded mode had made of it, as a last step."""
    quota = of.quotas.get(int(of.facts.offers["id"][0]))
    return steps if quota is None or number == NOT_SET else (*steps, Step("guard", steps[-1].after, number, f"given {quota}"))


def _notes(held: HeldRules, horizon: int, sold: int, offer: Mapping[str, int]) -> dict[str, str]:
    """The rules and facts of the moment behind the steps, where one is set."""
    caps = [f"at most {held.max_publish}"] if held.max_publish is not None else []
    caps += [f"fixed {held.fixed}"] if held.fixed is not None else []
    return {
        "share": f"{held.share.normalize():f} %, {Rounding(held.share_rounding).label}" if held.share != ALL else "",
        "buffer": f"- {held.buffer}" if held.buffer else "",
        "velocity": f"{held.velocity_share.normalize():f} % of {sold} sold in the last hour" if held.velocity_share else "",
        "cap": ", ".join(caps),
        "zero_at": f"0 at {held.zero_at} or below" if held.zero_at else "",
        "pack_factor": f"/ {offer['pack_factor']}" if offer["pack_factor"] != 1 else "",
        "incoming": f"within {horizon} days" if horizon else "",
        "basis": f"open there: {offer['open']}, not acknowledged: {offer['unacknowledged']}" if offer["open"] else "",
    }


def _spots(of: Facts, skus: dict[int, str], names: dict[int, str], counting: Sequence[int]) -> tuple[Spot, ...]:
    rows = zip(*(of.places[name].tolist() for name in ("component", "per_kit", "location", "on_hand", "allocated", "held")), strict=True)
    return tuple(
        Spot(skus[component], per_kit, names[location], on_hand, allocated, held, location in counting)
        for component, per_kit, location, on_hand, allocated, held in rows
        if location in names
    )


def _promise(row: PromiseThen, skus: dict[int, str], names: dict[int, str]) -> Promise:
    line = row.owner_id if row.owner_type == "line" else None
    place = names.get(row.location_id, str(row.location_id))
    return Promise(skus[row.unit_id], place, row.kind, row.quantity, f"{row.owner_type} {row.owner_id}", line, None)
