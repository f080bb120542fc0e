"""Verification of what must hold: the ledger added up again, every rule that can be verified at rest. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.apps import apps
from django.db import connection, models, transaction

from stallkeeper.channels import refresh
from stallkeeper.channels.models import Channel, Offer
from stallkeeper.core import audit, clock
from stallkeeper.core import walls as database_walls
from stallkeeper.core.models import AuditEntry
from stallkeeper.core.tenancy import TenantModel, organisation_scope
from stallkeeper.core.use_case import UseCase
from stallkeeper.ops import check_queries as queries
from stallkeeper.ops.check_rules import AT_REST, WHEN_CALM
from stallkeeper.stock.models import Stale

MOST = 50
"""So many problems of one rule are told."""
Tick = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Result:
    """One rule: how many things were looked at, how many break it, and the first of those in words."""

    number: str
    title: str
    looked_at: int
    broken: int
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "invariant": self.number,
            "title": self.title,
            "looked_at": self.looked_at,
            "broken": self.broken,
            "problems": list(self.problems),
        }


def check(organisation_id: int, *, calm: bool = False, tick: Tick | None = None, at: datetime | None = None) -> list[Result]:
    """Verify all rules of one organisation, in one snapshot of the database.

    ``calm`` adds what holds only when no work is left: nothing to send, no command under way, every offer worked out anew is as stored.
    """
    at = at or clock.now()
    rules = (*AT_REST, *(WHEN_CALM if calm else ()))
    results = []
    with organisation_scope(organisation_id), connection.cursor() as cursor:
        queries.take_turn(cursor)
    # lint: allow crash-point because it only reads
    with organisation_scope(organisation_id), transaction.atomic(), connection.cursor() as cursor:
        if not connection.savepoint_ids:  # else we are inside of somebody's transaction, which has its own view
            queries.begin_snapshot(cursor)
        for done, rule in enumerate(rules, start=1):
            looked, wrong, problems = queries.verify(cursor, rule, organisation_id, at, MOST)
            results.append(Result(rule.number, rule.title, looked, wrong, tuple(problems)))
            if tick is not None:
                tick(done, len(rules) + 4)
        results += [walls(organisation_id), policies(), guards(), chain(organisation_id)]
    return [*results, *([figures(organisation_id, at)] if calm else [])]


def walls(organisation_id: int) -> Result:
    """No row refers to a row of another organisation, or to one that is not there: every reference between tables of organisations."""
    looked, broken, problems = 0, 0, []
    with connection.cursor() as cursor:
        for child, column, parent, key in _references():
            seen, wrong = queries.strangers(cursor, organisation_id, child, column, parent, key)
            looked, broken = looked + seen, broken + wrong
            if wrong:
                problems.append(f"{child}.{column}: {wrong} rows refer to another organisation's {parent}, or to none")
    return Result("14", "No row refers to another organisation's", looked, broken, tuple(problems))


def policies() -> Result:
    """The database itself keeps organisations apart (ADR 0035): every table's policies are there and hold our role."""
    faults = database_walls.faults()
    return Result("14", "The database keeps organisations apart", len(database_walls.tables()), len(faults), tuple(faults[:MOST]))


def _references() -> Iterator[tuple[str, str, str, str]]:
    """(table, column, referred table, its key) of every foreign key between tables that have an organisation."""
    for model in _our_models():
        if not model._meta.managed or not _has_organisation(model):
            continue
        for field in model._meta.concrete_fields:
            target = field.related_model
            if isinstance(field, models.ForeignKey) and isinstance(target, type) and issubclass(target, TenantModel):
                yield model._meta.db_table, field.column, target._meta.db_table, str(field.target_field.column)


def _our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("stallkeeper.")]


def _has_organisation(model: type[models.Model]) -> bool:
    return any(field.column == "organisation_id" for field in model._meta.concrete_fields)


def guards() -> Result:
    """The database has every constraint that the models name: a restore or a hand in the database may have lost one."""
    wanted = sorted({constraint.name for model in _our_models() if model._meta.managed for constraint in model._meta.constraints})
    with connection.cursor() as cursor:
        missing = queries.unvalidated(cursor, wanted)
    return Result("3", "The database has every constraint", len(wanted), len(missing), tuple(f"{name} is missing" for name in missing))


def chain(organisation_id: int) -> Result:
    """Audit entries: none was changed, none is missing."""
    problems = audit.verify_chain(organisation_id)
    return Result("17", "The chain of audit entries is whole", AuditEntry.objects.count(), len(problems), tuple(problems[:MOST]))


def figures(organisation_id: int, at: datetime) -> Result:
    """Every offer, worked out anew from the facts, is what is stored, unless it is marked to be looked at."""
    wrong: list[str] = []
    with transaction.atomic(), organisation_scope(organisation_id):  # lint: allow crash-point because it is always rolled back
        uc = UseCase("check.offers", organisation_id, at, "system")
        waiting = set(Stale.objects.values_list("stock_unit_id", flat=True))
        for channel in Channel.objects.order_by("pk"):
            wrong += _differing(uc, channel, waiting)
        looked = Offer.objects.count()
        transaction.set_rollback(True)
    return Result("10", "Every offer, worked out anew, is what is stored", looked, len(wrong), tuple(wrong[:MOST]))


def _differing(uc: UseCase, channel: Channel, waiting: set[int]) -> list[str]:
    found, after = [], 0
    while True:
        difference, after = refresh.refresh_channel(uc, channel.pk, dry_run=True, after=after)
        changes = {change.offer_id: change for change in refresh.due(difference).changes()}
        for offer in Offer.objects.filter(pk__in=changes).exclude(stock_unit_id__in=waiting).order_by("sku"):
            change = changes[offer.pk]
            found.append(f"offer {offer.sku} on {channel.code}: stored {change.before}, worked out {change.after}")
        if not after:
            return found
