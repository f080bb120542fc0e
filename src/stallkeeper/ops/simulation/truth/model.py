"""The model itself: it is told what the world does, looks at the tables after each commit, and says what cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from stallkeeper.core import clock
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.ops.simulation.truth import (
    channel_rules,
    deep_queries,
    flow_rules,
    guard_rules,
    offer_rules,
    order_rules,
    price_rules,
    split_rules,
)
from stallkeeper.ops.simulation.truth.belief import Beliefs
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.events import Canary, Counted, Crashed, Moved, PlanSent, PlanShown, Told, TruthEvent
from stallkeeper.ops.simulation.truth.exchange_rules import Exchange
from stallkeeper.ops.simulation.truth.family_rules import Families
from stallkeeper.ops.simulation.truth.files import FeedView
from stallkeeper.ops.simulation.truth.kept_rules import Promises
from stallkeeper.ops.simulation.truth.lane_rules import Lanes
from stallkeeper.ops.simulation.truth.one_c import ExchangeView
from stallkeeper.ops.simulation.truth.past_rules import Past
from stallkeeper.ops.simulation.truth.plan_rules import Plans
from stallkeeper.ops.simulation.truth.price_rules import Prices
from stallkeeper.ops.simulation.truth.push_rules import Pushes
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.source_rules import Feed
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkeeper.ops.simulation.truth.stock_rules import Stock
from stallkeeper.ops.simulation.truth.velocity_rules import Sales
from stallkeeper.ops.simulation.truth.walls import Walls
from stallkeeper.ops.simulation.truth.wire_rules import Calls

DEEP = 25
"""Every so many looks go over whole tables too."""
LOOKED = "commit:sync.source_end:after"
"""A source's lane has just said whether the source is silent."""


class Truth:
    """One a seed. Call it outside of the product's transactions; it reads only, and takes its time from ``core.clock``.

    ``bystanders``: other organisations in the same database that do nothing, so nothing of theirs may change.
    """

    def __init__(
        self,
        organisation_id: int,
        stalls: Sequence[StallView],
        bystanders: Sequence[int] = (),
        feeds: Sequence[FeedView] = (),
        exchanges: Sequence[ExchangeView] = (),
    ) -> None:
        self.stalls = {stall.channel_id: stall for stall in stalls}
        self.accounts = {stall.connection_id: stall for stall in stalls}
        self.quirks = {stall.channel_id: stall.quirks for stall in stalls}
        self.shop = Shop(organisation_id)
        self.sales = Sales()
        self.stock, self.beliefs, self.promises, self.calls, self.pushes = Stock(), Beliefs(), Promises(), Calls(), Pushes()
        self.prices, self.price_beliefs = Prices(), Beliefs("price")
        self.guards = guard_rules.Guards()
        self.lanes, self.walls = Lanes(), Walls(tuple(bystanders))
        self.past = Past()
        self.feeds, self.plans, self.families = [Feed(view) for view in feeds], Plans(), Families()
        self.exchanges = [Exchange(view) for view in exchanges]
        self.crashed = False
        self.found: list[Breach] = []

    def told(self, event: TruthEvent) -> None:
        """The world did this. What is wrong with it comes out with the next look."""
        match event:
            case Moved():
                self.found += self.promises.moved_(event)
            case Counted():
                self.found += self.promises.counted(self.shop, event)
            case Canary():
                self.walls.canaries[event.text] = event
            case Told():
                self.found += self.walls.told(event)
            case PlanShown() | PlanSent():
                self.plans.told(event)
            case Crashed():
                self.crashed = True
                self.lanes.dead.add(event.worker)
            case _:
                self.promises.wished(event)

    def after_commit(self, where: str) -> list[Breach]:
        """What is wrong now, after the commit ``where``; empty if all is well."""
        deep = self.crashed or self.shop.looks % DEEP == 0
        self.crashed = False
        with organisation_scope(self.shop.organisation_id):
            found = [*self._now(), *(self._deep() if deep else ()), *self._silent(where)]
        return [Breach(breach.invariant, f"{breach.text} (after {where})") for breach in found]

    def undisturbed(self, last: datetime) -> list[Breach]:
        """What is wrong now that somebody's use case is over and nothing has disturbed any since ``last``: wake-ups come after the commit,
        and are lost with the process."""
        with organisation_scope(self.shop.organisation_id):
            unasked = deep_queries.unasked(self.shop.organisation_id, clock.now())
            twice = deep_queries.held_twice(self.shop.organisation_id, last)
            beyond = deep_queries.held_beyond_reserve(self.shop.organisation_id)
        found = [
            Breach("10", f"{sku} is listed to be sent since {since}, and nobody has asked for a run")
            for sku, since in unasked
            if since > last
        ]
        found += [Breach("2", f"more is held than the platform has reserved: {held}") for held in beyond]
        return found + [Breach("2", f"a sale is reserved twice: {hold}") for hold in twice]

    def quiet(self, at: datetime) -> None:
        """Nobody of ours is in the middle of anything."""
        with organisation_scope(self.shop.organisation_id):
            self.past.keep(self.shop, at)

    def is_settled(self) -> bool:
        """Whether, as of the last look, what must hold only at the end holds already, and nothing is on its way. Says nothing of what it
        finds: that is asked at the end."""
        now = self.shop.now
        if now.todo or now.tickets or any(command.state in {"queued", "sent"} for command in self.shop.commands.values()):
            return False
        if any(stall.emulator.has_late_pushes for stall in self.stalls.values()):
            return False
        with organisation_scope(self.shop.organisation_id):
            return not any(self._when_quiet())

    def at_end(self) -> list[Breach]:
        """The same once everything is quiet, with what must hold only then."""
        with organisation_scope(self.shop.organisation_id):
            return [*self._now(), *self._deep(), *self._calm(), *self.past.check(self.shop)]

    def _now(self) -> Iterator[Breach]:
        told, self.found = self.found, []
        yield from told
        self.shop.look()
        yield from self.stock.check(self.shop)
        yield from self._orders()
        yield from self._flows()
        today, several = clock.now().date(), self.promises.put_off
        shared = guard_rules.guarded_offers(self.shop)
        yield from offer_rules.figures(self.shop, self.quirks, today, shared)
        yield from self.plans.check(self.shop, shared, several=several)
        yield from self.families.check(self.shop)
        yield from self.guards.check(self.shop, self.stalls, today, several=several)
        yield from self.sales.check(self.shop, clock.now())
        yield from offer_rules.listed(self.shop)
        yield from self.beliefs.check(self.shop)
        yield from self.beliefs.faithful(self.shop, self.stalls)
        beliefs = self.beliefs
        yield from self.pushes.check(self.shop, self.stalls, clock.now(), beliefs.submitted, in_step=beliefs.in_step)
        yield from self.lanes.check(self.shop) if beliefs.in_step else ()
        yield from self.price_beliefs.check(self.shop)
        yield from self.prices.check(self.shop, self.stalls, clock.now(), in_step=beliefs.in_step)
        yield from self.calls.check(self.stalls)
        yield from self.promises.check(self.shop)
        yield from self.walls.check(self.shop)
        for feed in self.feeds:
            yield from feed.check(self.shop, in_step=beliefs.in_step)
        for exchange in self.exchanges:
            yield from exchange.check(self.shop, clock.now(), in_step=beliefs.in_step)

    def _silent(self, where: str) -> Iterator[Breach]:
        for feed in self.feeds if self.beliefs.in_step and where == LOOKED else ():
            yield from feed.silent(self.shop, clock.now())

    def _orders(self) -> Iterator[Breach]:
        yield from channel_rules.once(self.shop, self.accounts)
        yield from channel_rules.forward(self.shop, self.accounts)
        yield from channel_rules.heard_once(self.shop, self.accounts)
        yield from order_rules.lines(self.shop)
        yield from order_rules.promises(self.shop)
        yield from order_rules.shortages(self.shop)
        yield from order_rules.no_false_alarm(self.shop)
        yield from order_rules.what_is_left(self.shop, several=self.promises.put_off)
        yield from order_rules.open_units(self.shop)
        yield from order_rules.money(self.shop, self.accounts)
        yield from split_rules.kept_once(self.shop, self.accounts)

    def _flows(self) -> Iterator[Breach]:
        yield from flow_rules.goods_left(self.shop)
        yield from flow_rules.served_in_turn(self.shop)
        yield from flow_rules.nobody_waits(self.shop, at_end=False)
        yield from flow_rules.in_order(self.shop)

    def _deep(self) -> Iterator[Breach]:
        yield from self.promises.unchanged(self.shop, [one.connection_id for one in self.stalls.values() if not one.names_buyers])
        yield from self.walls.unmoved(self.shop.organisation_id)
        for hold in deep_queries.kept_for_nobody(self.shop.organisation_id):
            yield Breach("2", f"{hold}: it has ended, or says less")
        for hold in deep_queries.held_beyond(self.shop.organisation_id):
            yield Breach("2", f"more is held than was seen to go: {hold}")

    def _calm(self) -> Iterator[Breach]:
        yield from self._when_quiet()
        yield from self.walls.nowhere()

    def _when_quiet(self) -> Iterator[Breach]:
        yield from channel_rules.same_books(self.shop, self.accounts)
        yield from channel_rules.ended(self.shop, self.accounts)
        yield from flow_rules.nobody_waits(self.shop, at_end=True)
        yield from offer_rules.shown(self.shop, self.stalls)
        yield from price_rules.shown(self.shop, self.stalls)
        yield from self.promises.at_end(self.shop)
        yield from self.plans.when_quiet(self.shop)
        for feed in self.feeds:
            yield from feed.when_quiet(self.shop)
        for exchange in self.exchanges:
            yield from exchange.when_quiet(self.shop, in_step=self.beliefs.in_step)
