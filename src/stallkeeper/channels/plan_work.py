"""Working out a plan: the offers of the channels that it is about, by the facts of this moment and the rules that it proposes.

The same availability that ``refresh`` writes down, over channels as they would be. It reads; who needs it to stay true locks first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import msgspec
import numpy as np

from stallkeeper.channels import (
    facts,
    guard,
    guard_queries,
    inheritance,
    plan_items,
    plan_queries,
    pricing,
    proposals,
    queries,
    rules,
    switches,
)
from stallkeeper.channels.models import Channel, ChannelLocation, Connection
from stallkeeper.channels.plan_items import PARTS_OF_A_UNIT, Counts, Items, Limits, Part
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.core.copy import Ints
from stallkeeper.core.models import Organisation
from stallkeeper.core.sql import hot_cursor
from stallkeeper.stock import taking_back
from stallkeeper.stock.availability import NOT_SET
from stallkeeper.stock.models import Location
from stallkit.words import plain

NO_CHANGE = ChannelChange()


@dataclass(frozen=True, slots=True)
class Worked:
    """A plan as it says at this moment."""

    proposal: Proposal
    base: dict[str, object]
    parts: Mapping[int, Part]
    counts: tuple[Counts, ...]
    fingerprint: str
    shared: Ints
    """Units whose channels share what there is."""
    moved: int = 0
    """Figures and prices that would be others than those in force."""

    @property
    def idle(self) -> bool:
        """It would be in force without anybody being sent anything else."""
        return not (self.moved or self.proposal.turns or self.proposal.take_back)

    def unlimited(self) -> Worked:
        """The same without what the limits would stop: that waits whether or not the proposal is in force."""
        return replace(self, counts=tuple(msgspec.structs.replace(counts, held=(), held_items=0) for counts in self.counts))

    @property
    def held(self) -> dict[int, tuple[str, ...]]:
        """What must be confirmed, by channel."""
        return {counts.channel_id: counts.held for counts in self.counts if counts.held}


def channels_of(proposal: Proposal) -> dict[int, Channel]:
    """The channels that an expanded proposal is about (``inheritance.expanded``): those it names, those that sell from places that it
    names, those of accounts that it switches, and where it is about the company all that are active. ProposalError names what is wrong."""
    every = {channel.pk: channel for channel in Channel.objects.select_related("connection", "organisation", "price_list").order_by("pk")}
    proposals.check(proposal, every)
    proposals.check_places(proposal, Location.objects.in_bulk(list(proposal.places)))
    proposals.check_accounts(proposal, set(Connection.objects.filter(pk__in=list(proposal.writes)).values_list("pk", flat=True)))
    named = {pk for pk, change in proposal.channels.items() if change}
    named |= {pk for pk, channel in every.items() if channel.active and channel.connection_id in proposal.writes}
    if proposal.places:
        named |= set(ChannelLocation.objects.filter(location_id__in=list(proposal.places)).values_list("channel_id", flat=True))
    return {pk: channel for pk, channel in every.items() if pk in named or (proposal.wide and channel.active)}


def work_out(organisation_id: int, proposal: Proposal, at: datetime) -> Worked:
    """What would be sent where if the proposal were in force, sub-channels included. RuleError, PriceRuleError, ProposalError as from
    applying it."""
    proposal = inheritance.expanded(proposal)
    channels = channels_of(proposal)
    company_now = Organisation.objects.values_list("sending_enabled", flat=True).get(pk=organisation_id)
    company = company_now if proposal.sending is None else proposal.sending
    would = {pk: proposals.as_if(channel, proposal.channels.get(pk, NO_CHANGE), proposal.writes) for pk, channel in channels.items()}
    blind = _without_orders(proposal, would)
    quantities, shared = _quantities(organisation_id, proposal, would, company, at)
    prices = _prices(proposal, would)
    parts: dict[int, Part] = {}
    counts: list[Counts] = []
    for pk, channel in would.items():
        parts[pk], said = _one(channel, company, _of(quantities, pk), _of(prices, pk))
        counts.append(msgspec.structs.replace(said, without_orders=pk in blind))
    base: dict[str, object] = {
        "sending": company_now,
        "channels": {str(pk): proposals.state_of(channel, proposal.channels.get(pk, NO_CHANGE)) for pk, channel in channels.items()},
    }
    if proposal.places:
        base["places"] = proposals.places_now(proposal)
    if proposal.writes:
        base["accounts"] = proposals.accounts_now(proposal)
    words = msgspec.json.encode([organisation_id, proposals.encode(proposal), base], order="deterministic")
    moved = sum(int((table["after"] != table["intended"]).sum()) for table in (quantities, prices))
    return Worked(proposal, base, parts, tuple(counts), plan_items.fingerprint(hashlib.sha256(words).digest(), parts), shared, moved)


def _without_orders(proposal: Proposal, would: Mapping[int, Channel]) -> set[int]:
    """Of the channels whose switches it turns those of accounts that would get stock though nobody reads their orders, and did not yet."""
    turned: dict[int, set[int]] = {}
    for pk, change in proposal.channels.items():
        if change.switches:
            turned.setdefault(would[pk].connection_id, set()).add(pk)
    found: set[int] = set()
    for account in Connection.objects.filter(pk__in=list(turned)):
        channels = list(account.channels.all())
        if not switches.unseen(account, channels) and switches.unseen(account, [would.get(each.pk, each) for each in channels]):
            found |= turned[account.pk]
    return found


def _of(table: Mapping[str, Ints], channel: int) -> dict[str, Ints]:
    mine = table["channel"] == channel
    return {name: column[mine] for name, column in table.items()}


def _quantities(
    organisation_id: int, proposal: Proposal, would: Mapping[int, Channel], company: bool, at: datetime
) -> tuple[dict[str, Ints], Ints]:
    """The offers' columns, and ``after``: what they should show then; and the units whose channels share what there is (``guard``)."""
    now, own = facts.gather_channels(organisation_id), proposals.overrides_as_if(would, proposal.channels)
    for pk, channel in would.items():
        now[pk] = proposals.facts_as_if(now[pk], channel, proposal.channels.get(pk, NO_CHANGE), company)
    for pk, locations in proposals.locations_as_if(proposal).items():
        now[pk] = now[pk]._replace(locations=locations)
    offers = plan_queries.read_offers(list(would))
    if not len(offers["id"]):
        return offers | {"after": offers["id"]}, plan_items.NOTHING
    places = queries.gather_places(np.unique(offers["unit"]))
    if proposal.take_back:
        _shift(places, taking_back.differences(organisation_id, proposal.take_back))
    found = facts.gather(organisation_id, now, offers, places, at.date(), own)
    after = guard.divide(found, facts.decide(found), at).shown
    return offers | {"after": after}, _shared(now, places)


def _shared(channels: Mapping[int, ChannelFacts], places: Mapping[str, Ints]) -> Ints:
    """Units that are guarded, or part of which is: what an offer shows there rests on other channels, which may move by themselves."""
    if not any(channel.guards or channel.guard_below for channel in channels.values()):
        return plan_items.NOTHING
    with hot_cursor() as cursor:
        guarded = [unit for unit, _by_hand, _scarce in guard_queries.guarded_among(cursor, np.unique(places["component"]).tolist())]
    return np.unique(places["unit"][np.isin(places["component"], np.array(guarded, dtype=np.int64))])


def _shift(places: Mapping[str, Ints], differences: Mapping[tuple[int, int], int]) -> None:
    """On hand as it would be."""
    spots = zip(places["component"].tolist(), places["location"].tolist(), strict=True)
    places["on_hand"][:] += np.array([differences.get(spot, 0) for spot in spots], dtype=np.int64)


def _prices(proposal: Proposal, would: Mapping[int, Channel]) -> dict[str, Ints]:
    """The offers' prices, and ``after``; worked out anew where the proposal changes how."""
    stored = plan_queries.read_prices([pk for pk, channel in would.items() if proposal.moves_prices(channel)])
    stored["after"] = stored["intended"].copy()
    for pk, channel in would.items():
        change = proposal.channels.get(pk, NO_CHANGE)
        if set(change.rules) & set(rules.PRICE_RULES) or change.switches.get("prices"):
            stored = _priced_anew(stored, channel)
    return stored


def _priced_anew(stored: dict[str, Ints], channel: Channel) -> dict[str, Ints]:
    try:
        worked = pricing.what_if(channel)
    except pricing.PriceRuleError as error:
        if channel.prices_enabled:
            raise rules.RuleError(str(error)) from error
        return stored
    others = {name: column[stored["channel"] != channel.pk] for name, column in stored.items()}
    mine = {name: column[stored["channel"] == channel.pk] for name, column in stored.items()}
    ids = np.fromiter(worked, dtype=np.int64, count=len(worked))
    known = dict(zip(mine["id"].tolist(), range(len(mine["id"])), strict=True))
    rows = np.array([known.get(offer, -1) for offer in ids.tolist()], dtype=np.int64)
    fresh = {name: np.where(rows >= 0, mine[name][rows], NOT_SET) if len(mine["id"]) else np.full(len(ids), NOT_SET) for name in mine}
    fresh |= {"id": ids, "channel": np.full(len(ids), channel.pk, dtype=np.int64), "after": _whole(worked.values())}
    fresh["excluded"] = np.maximum(fresh["excluded"], 0)
    return {name: np.concatenate([others[name], fresh[name]]).astype(np.int64) for name in stored}


def _whole(prices: Iterable[Decimal | None]) -> Ints:
    return np.array([NOT_SET if price is None else int(price * PARTS_OF_A_UNIT) for price in prices], dtype=np.int64)


def _one(channel: Channel, company: bool, offers: Mapping[str, Ints], prices: Mapping[str, Ints]) -> tuple[Part, Counts]:
    """The items and the figures of one channel."""
    sends, sends_prices = proposals.sends(channel, company, "stock"), proposals.sends(channel, company, "prices")
    shown = np.where(offers["believed"] == NOT_SET, offers["observed"], offers["believed"])
    differs = (offers["after"] != NOT_SET) & (offers["after"] != offers["believed"])
    refused = differs & (offers["after"] == offers["refused"])
    quantities = plan_items.choose(offers["id"], offers["believed"], offers["after"], differs & ~refused)
    wanted = (prices["after"] != NOT_SET) & (prices["after"] != prices["believed"]) & (prices["excluded"] == 0)
    no = wanted & (prices["after"] == prices["refused"])
    priced = plan_items.choose(prices["id"], prices["believed"], prices["after"], wanted & ~no)
    included = offers["excluded"] == 0
    counts = Counts(
        channel_id=channel.pk,
        code=channel.code,
        sends=sends,
        sends_prices=sends_prices,
        offers=len(offers["id"]),
        live=int((included & (shown > 0)).sum()),
        unknown_zero=int((differs & ~refused & (offers["believed"] == NOT_SET) & (offers["after"] == 0) & (shown != 0)).sum()),
        refused=int(refused.sum()) + int(no.sum()),
        silent=tuple(_silent(channel, company)),
    )
    held = _held(channel, offers, prices, differs & ~refused, wanted & ~no, counts)
    return Part(quantities, priced), msgspec.structs.replace(counts, **_tally(quantities, priced), **held)


def _tally(quantities: Items, prices: Items) -> dict[str, int | str]:
    known, priced = quantities.before != NOT_SET, prices.before != NOT_SET
    deepest, steepest = plan_items.steps_of(prices)
    return {
        "rises": int((known & (quantities.after > quantities.before)).sum()),
        "falls": int((known & (quantities.after < quantities.before)).sum()),
        "to_zero": int((known & (quantities.after == 0)).sum()),
        "unknown": int((~known).sum()),
        "price_rises": int((priced & (prices.after > prices.before)).sum()),
        "price_falls": int((priced & (prices.after < prices.before)).sum()),
        "price_unknown": int((~priced).sum()),
        "deepest": deepest,
        "steepest": steepest,
    }


def _held(
    channel: Channel, offers: Mapping[str, Ints], prices: Mapping[str, Ints], some: Ints, priced: Ints, counts: Counts
) -> dict[str, tuple[str, ...] | int]:
    """What the channel's limits stop, measured against what it shows, which is read where nothing is believed."""
    limits = Limits(channel.zero_limit, float(channel.zero_limit_share), channel.price_drop_limit)
    found: list[tuple[str, int]] = []
    if counts.sends:
        shown = np.where(offers["believed"] == NOT_SET, offers["observed"], offers["believed"])
        found += plan_items.judge_quantities(shown[some], offers["after"][some], counts.live, limits)
    if counts.sends_prices:
        seen = np.where(prices["believed"] == NOT_SET, prices["observed"], prices["believed"])
        found += plan_items.judge_prices(Items(prices["id"][priced], seen[priced], prices["after"][priced]), limits)
    return {"held": tuple(text for text, _ in found), "held_items": sum(number for _, number in found)}


def _silent(channel: Channel, company: bool) -> list[str]:
    """What keeps the channel's figures in the house then."""
    would = channel.organisation
    was, would.sending_enabled = would.sending_enabled, company
    try:
        return [plain(reason) for reason in switches.why_silent(channel) if channel.stopped_at is None or not reason.startswith("stopped")]
    finally:
        would.sending_enabled = was
