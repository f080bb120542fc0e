"""All moments at which a process may die: what the simulation must reach, and what screens, commands and the work of a day reach.

A name of ``commit:``, ``send:`` and ``claim:`` stands for two points, ``:before`` and ``:after``; one of ``within:`` for one, in the middle
of a transaction. The build fails when the code has a point that is not here, or lost one that is (``lint/points.py``); tests see that each
is reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

PAIR = ("before", "after")


class Kind(StrEnum):
    """What happens at a point: a change is stored, the outside is called, its answer is written down, work is taken, or a lock is held."""

    COMMIT = "commit"
    SEND = "send"
    RECORD = "record"
    CLAIM = "claim"
    WITHIN = "within"


class By(StrEnum):
    """Who comes past: runs of lanes and what wakes them; or people, and the work of a day."""

    ENGINE = "engine"
    PERSON = "person"


ENGINE: dict[Kind, tuple[str, ...]] = {
    Kind.CLAIM: (
        "claim:lane",
        "commit:budget.take",
        "commit:sync.pick",
        "commit:sync.send_command",
    ),
    Kind.SEND: (
        "send:acknowledge",
        "send:cancel_lines",
        "send:confirm_shipment",
        "send:find_ticket",
        "send:pull_orders",
        "send:read_offers",
        "send:read_order",
        "send:read_states",
        "send:resolve_ticket",
        "send:submit_prices",
        "send:submit_stock",
        "send:write_prices",
        "send:write_stock",
    ),
    Kind.RECORD: (
        "commit:budget.block",
        "commit:budget.charge",
        "commit:sync.accept_orders",
        "commit:sync.delay_command",
        "commit:sync.end_command",
        "commit:sync.find_ticket",
        "commit:sync.give_back",
        "commit:sync.needs_reconnect",
        "commit:sync.park_order",
        "commit:sync.read_offers",
        "commit:sync.record_sent",
        "commit:sync.resolve_ticket",
        "commit:sync.step_error",
        "commit:sync.take_listings",
        "commit:sync.unknown_outcome",
        "commit:sync.unpark",
    ),
    Kind.COMMIT: (
        "commit:delays.measure",
        "commit:exposure.measure",
        "commit:holds.lapse",
        "commit:job.defer",
        "commit:job.tidy",
        "commit:lane.beat",
        "commit:lane.create",
        "commit:lane.give_back",
        "commit:lane.hint",
        "commit:lane.rest",
        "commit:lane.want",
        "commit:offers.refresh",
        "commit:splits.lapse",
        "commit:sync.alarms",
        "commit:sync.close_windows",
        "commit:sync.end_run",
        "commit:sync.judge_drift",
        "commit:sync.looked_through",
        "commit:sync.verify_place",
        "commit:sync.watch_place",
    ),
    Kind.WITHIN: (
        "within:budget:locked",
        "within:delivery:picked",
        "within:delivery:recording",
        "within:entering:asked",
        "within:entering:lock",
        "within:intake:known",
        "within:intake:lock",
        "within:lane:guarded",
        "within:ledger:locked",
        "within:refresh:gathered",
        "within:refresh:lock",
        "within:refresh:locked",
        "within:reserve:locked",
        "within:reserve:read",
    ),
}

PERSON: dict[Kind, tuple[str, ...]] = {
    Kind.CLAIM: ("claim:day", "claim:exchange.file", "commit:export.claim", "commit:link.use"),
    Kind.SEND: ("send:fetch", "send:letter", "send:probe", "send:read_warehouses", "send:tell"),
    Kind.COMMIT: (
        "commit:accept.invitation",
        "commit:acknowledge.order",
        "commit:add.channel",
        "commit:add.member",
        "commit:add.target",
        "commit:adjust.stock",
        "commit:answer.cutover",
        "commit:ask.export",
        "commit:begin.quarantine",
        "commit:cancel.lines",
        "commit:change.account",
        "commit:change.channel",
        "commit:change.listings",
        "commit:change.member",
        "commit:change.offers",
        "commit:change.organisation",
        "commit:change.place",
        "commit:change.target",
        "commit:channel.look_again",
        "commit:channel.release",
        "commit:choose.link",
        "commit:command.tell_again",
        "commit:confirm.links",
        "commit:connect.account",
        "commit:copy.channel",
        "commit:create.organisation",
        "commit:create.place",
        "commit:create.products",
        "commit:day.delete",
        "commit:day.drop_month",
        "commit:day.end",
        "commit:day.forget",
        "commit:day.links",
        "commit:day.partitions",
        "commit:drop.order_view",
        "commit:day.sessions",
        "commit:edit.stock",
        "commit:end.api_key",
        "commit:end.start",
        "commit:exchange.figures",
        "commit:exchange.file",
        "commit:exchange.goods",
        "commit:exchange.login",
        "commit:exchange.orders",
        "commit:exchange.session",
        "commit:export.end",
        "commit:export.piece",
        "commit:export.progress",
        "commit:first.locations",
        "commit:import.products",
        "commit:import.stock",
        "commit:import.stock_table",
        "commit:import_run.interrupted",
        "commit:import_run.problems",
        "commit:import_run.progress",
        "commit:import_run.queue",
        "commit:invite.member",
        "commit:keep.order_view",
        "commit:keys.drop",
        "commit:keys.first",
        "commit:keys.people",
        "commit:keys.reseal",
        "commit:keys.wrapping",
        "commit:lane.look_now",
        "commit:like.orders",
        "commit:link.line",
        "commit:link.make",
        "commit:make.api_key",
        "commit:make.data_key",
        "commit:make.sign_in_link",
        "commit:note.export",
        "commit:offers.new_day",
        "commit:offers.sweep",
        "commit:pass.start",
        "commit:password.first",
        "commit:plan.apply",
        "commit:plan.at_once",
        "commit:plan.discard",
        "commit:plan.save",
        "commit:problem.seen",
        "commit:promise.delay",
        "commit:propose.links",
        "commit:read.buyer",
        "commit:read.listings",
        "commit:read.parked",
        "commit:reconnect.account",
        "commit:record.count",
        "commit:release.observed_hold",
        "commit:remember.database",
        "commit:remove.target",
        "commit:resync.channel",
        "commit:rotate.keys",
        "commit:save.rules",
        "commit:search.buyers",
        "commit:second_step.code",
        "commit:send.stock",
        "commit:session.note",
        "commit:set.channel",
        "commit:set.exchange",
        "commit:set.fence",
        "commit:set.further_field",
        "commit:set.guard",
        "commit:set.hold",
        "commit:set.incoming",
        "commit:set.place",
        "commit:set.price",
        "commit:set.source",
        "commit:settle.source_run",
        "commit:ship.not_left",
        "commit:ship.order",
        "commit:ship.tell_again",
        "commit:show.columns",
        "commit:snooze.problem",
        "commit:source.begin",
        "commit:source.end",
        "commit:source.take_in",
        "commit:source_run.interrupted",
        "commit:stop.channel",
        "commit:switch.channel",
        "commit:switch.company",
        "commit:switch.connection",
        "commit:sync.source_end",
        "commit:sync.source_error",
        "commit:sync.source_learn",
        "commit:targets.claim",
        "commit:targets.gather",
        "commit:targets.told",
        "commit:test.target",
        "commit:turn.balancer",
        "commit:turn.guard",
        "commit:unlock.user",
        "commit:user.create",
        "commit:waiting.watch",
        "commit:wake.connection",
        "commit:wake.problem",
        "commit:withdraw.invitation",
        "commit:write.order_note",
    ),
}


@dataclass(frozen=True, slots=True)
class Point:
    """One name of the list."""

    name: str
    kind: Kind
    by: By

    @property
    def moments(self) -> tuple[str, ...]:
        """The points as ``core.crash`` names them."""
        return (self.name,) if self.kind is Kind.WITHIN else tuple(f"{self.name}:{side}" for side in PAIR)


def _points() -> Iterator[Point]:
    for by, table in ((By.ENGINE, ENGINE), (By.PERSON, PERSON)):
        for kind, names in table.items():
            yield from (Point(name, kind, by) for name in names)


POINTS: tuple[Point, ...] = tuple(_points())
MOMENTS: dict[str, Point] = {moment: point for point in POINTS for moment in point.moments}
"""Every point as ``core.crash`` names it."""


def to_reach(by: By) -> list[str]:
    """All moments that must be reached by this side."""
    return [moment for moment, point in MOMENTS.items() if point.by is by]


NOT_YET: tuple[str, ...] = ("commit:sync.park_order",)
"""Of the engine, and reached by one seed of four hundred: a cancellation was refused, and then its order cannot be read. There may only be
fewer of them."""


def unreached(counts: dict[str, int], by: By = By.ENGINE) -> list[str]:
    """Moments that a run, counted per moment, has not come past."""
    return [moment for moment in to_reach(by) if not counts.get(moment)]
