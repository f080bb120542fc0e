"""Invariants 12, 13 and 17: what was committed stays, what was said twice happened once, what a person did is in the audit."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from stallkeeper.core import clock
from stallkeeper.ops.simulation.truth import deep_queries
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.events import CancelWished, Counted, Did, Hinted, Moved, ShipTried, ShipWished
from stallkeeper.ops.simulation.truth.rows import Channel
from stallkeeper.ops.simulation.truth.shop import Shop

AUDITED = {"ship": "ship.order", "cancel": "cancel.lines"}
"""Commands that only a person can have wanted, and the audit's word for it."""
REPEATED = {"ask.source"}
"""Wishes that several people may have at once; who is woken by them may look at both commits."""


@dataclass
class Promises:
    """What somebody was told, and what the tables said at the last look over all of them."""

    moved: dict[str, Moved] = field(default_factory=dict)
    ships: dict[tuple[int, str], set[str]] = field(default_factory=dict)
    tried: dict[tuple[int, str], set[str]] = field(default_factory=dict)
    """Shipments that people have begun: of one that died on the way nobody was told whether it counts."""
    cancels: Counter[tuple[int, str]] = field(default_factory=Counter)
    did: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    hints: dict[int, datetime] = field(default_factory=dict)
    known: dict[str, set[int]] = field(default_factory=dict)
    prints: dict[str, int] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    put_off: bool = False
    """Whether the next look is at more than one commit."""

    # --- what is told ---------------------------------------------------------------------------------------------------------------------

    def moved_(self, event: Moved) -> Iterator[Breach]:
        known = self.moved.setdefault(event.reference, event)
        if known != event:
            yield Breach("13", f"the reference {event.reference} was given to {known} and to {event}")

    def counted(self, shop: Shop, event: Counted) -> Iterator[Breach]:
        there = deep_queries.on_hand(event.unit_id, event.location_id)
        if event.as_of is not None:
            there -= deep_queries.moved_since(shop.organisation_id, event.unit_id, event.location_id, event.as_of)
        if there != event.on_hand:
            spot = shop.spot((event.unit_id, event.location_id))
            yield Breach("12", f"{spot}: {event.on_hand} were counted and we said yes, the level says {there}")

    def wished(self, event: ShipTried | ShipWished | CancelWished | Did | Hinted) -> None:
        match event:
            case ShipTried():
                self.tried.setdefault((event.connection_id, event.order), set()).add(event.key)
            case ShipWished():
                wishes = self.ships.setdefault((event.connection_id, event.order), set())
                wishes.add(event.key or str(len(wishes)))
            case CancelWished():
                self.cancels[event.connection_id, event.order] += 1
            case Did():
                self.did[event.action, event.subject_type, event.subject_id] += 1
            case Hinted():
                self.hints[event.connection_id] = max(event.at, self.hints.get(event.connection_id, event.at))

    # --- after each commit ----------------------------------------------------------------------------------------------------------------

    def check(self, shop: Shop) -> Iterator[Breach]:
        yield from self._nothing_vanished(shop)
        yield from self._moves(shop)
        yield from self._audited(shop)

    def _nothing_vanished(self, shop: Shop) -> Iterator[Breach]:
        """12: of the tables that last, every row that was ever seen is there."""
        known = {
            "stock_movement": [row.id for row in shop.movements],
            "orders_order": list(shop.orders),
            "orders_orderline": list(shop.lines),
            "channels_command": list(shop.commands),
            "core_auditentry": [row.id for row in shop.audit],
        }
        for total in shop.now.totals:
            ids = known[total.table]
            if (total.count, total.ids) != (len(ids), sum(ids)):
                yield Breach("12", f"{total.table} has {total.count} rows (ids add up to {total.ids}), {len(ids)} ({sum(ids)}) were seen")

    def _moves(self, shop: Shop) -> Iterator[Breach]:
        """12 and 13: a movement that somebody was told of is there, as it was told, once. (That it is there once, 1 says too.)"""
        if not self.moved:
            return
        found = {row.reference: row for row in shop.movements if row.reference in self.moved}
        for reference, event in self.moved.items():
            row = found.get(reference)
            if row is None:
                yield Breach("12", f"the movement {reference} was promised and is not there")
            elif (row.stock_unit_id, row.quantity) != (event.unit_id, event.quantity):
                told = f"{event.quantity} of {shop.sku(event.unit_id)}"
                yield Breach("13", f"the movement {reference} is {row.quantity} of {shop.sku(row.stock_unit_id)}, told was {told}")
        self.moved.clear()

    def _audited(self, shop: Shop) -> Iterator[Breach]:
        """17: an entry in the same commit for each decision of a person, one each."""
        entries = Counter((row.action, row.subject_type, row.subject_id) for row in shop.now.audit)
        for command in shop.now.commands:
            action = AUDITED.get(command.kind)
            if action and command.id not in shop.commands_before and not entries[action, "order", str(command.subject_id)]:
                yield Breach("17", f"order {command.subject_id}: {command.kind} was decided, and the audit says nothing of it")
        for (action, kind, subject, text), times in Counter(
            (row.action, row.subject_type, row.subject_id, row.text) for row in shop.now.audit
        ).items():
            if times > 1 and shop.looks > 1 and not self.put_off and action not in REPEATED:
                yield Breach("17", f"the audit says {times} times in one commit: {action} {kind} {subject} {text}")
        changed = [channel for channel in shop.channels.values() if self.channels.get(channel.id, channel) != channel]
        if changed and not shop.now.audit:
            yield Breach("17", f"the rules or switches of channel {changed[0].id} have changed, and the audit says nothing of it")
        self.channels, self.put_off = shop.channels, False

    # --- over whole tables ----------------------------------------------------------------------------------------------------------------

    def unchanged(self, shop: Shop, nameless: Sequence[int]) -> Iterator[Breach]:
        """1, 12 and 17: what only grows has not been rewritten. ``nameless`` accounts tell nothing of buyers."""
        if self.known:
            for table, value in deep_queries.fingerprints(shop.organisation_id, self.known).items():
                if value != self.prints[table]:
                    yield Breach("1" if table == "stock_movement" else "12", f"entries of {table} were changed after they were written")
        self.known = {table: set(ids) for table, ids in shop.seen.ids.items()}
        self.prints = deep_queries.fingerprints(shop.organisation_id, self.known)

        for order in deep_queries.forgotten(shop.organisation_id, nameless):
            yield Breach("12", f"order {order} still has to leave, and nothing is known of its buyer any more")

    def at_end(self, shop: Shop) -> Iterator[Breach]:
        yield from self._wishes(shop)
        yield from self._deeds(shop)
        yield from chain(shop.organisation_id)
        for owner in deep_queries.overdue(shop.organisation_id, clock.now()):
            yield Breach("2", f"{owner} still keeps units back, and its time is over")
        started = deep_queries.last_started(shop.organisation_id)
        for connection, at in sorted(self.hints.items()):
            last = started.get(connection)
            if last is None or last < at:
                yield Breach("12", f"account {connection}: a hint of {at} was answered, and nobody has looked since ({last})")

    def _wishes(self, shop: Shop) -> Iterator[Breach]:
        """11 and 13: as many commands as wishes, no more for wishes that were said twice, and none is lost."""
        meant = Counter((row.connection_id, shop.orders[row.subject_id].external_id, row.kind) for row in shop.commands.values())
        for (connection, order), keys in sorted(self.ships.items()):
            most = len(keys | self.tried.get((connection, order), set()))
            if not len(keys) <= meant[connection, order, "ship"] <= most:
                yield Breach("13", f"order {order}: shipped {len(keys)} times by people, {meant[connection, order, 'ship']} commands")
        for (connection, order), times in sorted(self.cancels.items()):
            if meant[connection, order, "cancel"] < times:
                yield Breach("12", f"order {order}: cancelled {times} times by people, {meant[connection, order, 'cancel']} commands")

    def _deeds(self, shop: Shop) -> Iterator[Breach]:
        entries = Counter[tuple[str, str, str]]()
        for row in shop.audit:
            if row.actor.startswith("user:"):
                for kind, subject in {(row.subject_type, row.subject_id), (row.subject_type, ""), ("", "")}:
                    entries[row.action, kind, subject] += 1
        for (action, kind, subject), times in sorted(self.did.items()):
            if entries[action, kind, subject] < times:
                yield Breach(
                    "17", f"{action} {kind} {subject}: done {times} times by people, audited {entries[action, kind, subject]} times"
                )


def chain(organisation: int) -> Iterator[Breach]:
    """17: each digest covers its entry and the digest before it."""
    before = b""
    for link in deep_queries.chain(organisation):
        at = link.at.astimezone(UTC).isoformat(timespec="microseconds")
        detail = json.loads(link.detail) if isinstance(link.detail, str) else link.detail
        body = [organisation, at, link.actor, link.action, link.subject_type, link.subject_id, detail]
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if hashlib.sha256(before + text.encode()).digest() != link.digest:
            yield Breach("17", f"audit entry {link.id} ({link.action}) was changed, or one before it is missing")
        before = link.digest
