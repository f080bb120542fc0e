"""SQL of the looks that go over whole tables: fingerprints, walls, canaries, the audit chain. Now and then, and at the end.

They read the catalogue for which tables there are, lock nothing and write nothing. Names of tables and columns come from the catalogue and
from Django's models, never from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from django.apps import apps
from django.db import connection, models

from stallkeeper.core.models import Organisation
from stallkeeper.core.sql import hot_cursor, rows
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.ops.simulation.truth.asking import ask
from stallkeeper.ops.simulation.truth.queries import GROWING

ORGANISATION = "organisation_id"


def fingerprints(organisation: int, known: Mapping[str, Iterable[int]]) -> dict[str, int]:
    """A number per growing table that changes when any of these rows of it does. Locks: none. Indexes: primary keys."""
    ids = {table: sorted(known.get(table, ())) for table in GROWING}
    return {table: int(value) for table, value in ask(_FINGERPRINTS, organisation=organisation, **ids)}


def _fingerprint(table: str, further: str = "") -> str:
    return f"""
        (SELECT '{table}', coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} AS t
         WHERE organisation_id = %(organisation)s {further})"""  # noqa: S608


_FINGERPRINTS = " UNION ALL ".join(_fingerprint(table, f"AND id = ANY(%({table})s::bigint[])") for table in GROWING) + " ORDER BY 1"


@cache
def tenant_tables() -> tuple[str, ...]:
    """Tables with a column that names the organisation; partitions are their parents' business."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT class.relname FROM pg_class AS class JOIN pg_namespace AS schema ON schema.oid = class.relnamespace
            JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attname = %s AND NOT attribute.attisdropped
            WHERE schema.nspname = 'public' AND class.relkind IN ('r', 'p') AND NOT class.relispartition ORDER BY 1
            """,
            [ORGANISATION],
        )
        return tuple(row[0] for row in rows(cursor))


def everything_of(organisation: int) -> dict[str, int]:
    """A number per tenant table that changes when any row of the organisation does. Locks: none. Reads whole tables."""
    with organisation_scope(organisation):
        return {table: int(value) for table, value in ask(_everything(), organisation=organisation)}


@cache
def _everything() -> str:
    return " UNION ALL ".join(map(_fingerprint, tenant_tables())) + " ORDER BY 1"


def strays(organisation: int) -> list[str]:
    """Rows of the organisation whose parent is another's, which cannot be seen from here, or none. Locks: none. Reads whole tables."""
    with organisation_scope(organisation):
        return sorted(row[0] for row in ask(_strays(), organisation=organisation))


@cache
def _strays() -> str:
    return " UNION ALL ".join(
        f"(SELECT format('%%s %%s: its {field.name} is of another organisation than %%s', '{child}', child.{key}, child.organisation_id)"  # noqa: S608
        f" FROM {child} AS child LEFT JOIN {parent} AS parent ON parent.id = child.{field.column}"
        f" WHERE child.{field.column} IS NOT NULL AND parent.organisation_id IS DISTINCT FROM child.organisation_id"
        " AND child.organisation_id = %(organisation)s)"
        for child, key, field, parent in _kinships()
    )


def _kinships() -> list[tuple[str, str, models.ForeignKey[models.Model, models.Model], str]]:
    """(child table, its first key column, the foreign key, parent table) wherever both name an organisation."""
    found = []
    for model in apps.get_models():
        mine = {field.column for field in model._meta.concrete_fields}
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and ORGANISATION in mine and field.column != ORGANISATION:
                parent = field.related_model
                if isinstance(parent, type) and ORGANISATION in {other.column for other in parent._meta.concrete_fields}:
                    key = model._meta.pk_fields[0].column
                    found.append((model._meta.db_table, str(key), field, parent._meta.db_table))
    return found


@cache
def _all_tables() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT class.oid::regclass::text FROM pg_class AS class JOIN pg_namespace AS schema ON schema.oid = class.relnamespace
            WHERE schema.nspname = 'public' AND class.relkind IN ('r', 'p') AND NOT class.relispartition ORDER BY 1
            """
        )
        return tuple(row[0] for row in rows(cursor))


def tables_with(texts: Sequence[str]) -> list[tuple[str, str]]:
    """(table, text) wherever one of the texts stands in clear, as text or as the bytes of a binary column. Reads the whole database."""
    organisations = list(Organisation.objects.order_by("pk").values_list("pk", flat=True))
    return sorted({found for organisation in organisations for found in _tables_with(organisation, texts)})


def _tables_with(organisation: int, texts: Sequence[str]) -> list[tuple[str, str]]:
    with organisation_scope(organisation):
        return [(table, text) for table, text in ask(_texts(), texts=list(texts))]


@cache
def _texts() -> str:
    return " UNION ALL ".join(map(_with_texts, _all_tables()))


def _with_texts(table: str) -> str:
    """OFFSET 0: a row is made a text once, not once for each of the texts."""
    return f"""
        (SELECT DISTINCT '{table}', wanted.text FROM (SELECT t::text AS body FROM {table} AS t OFFSET 0) AS line
         JOIN unnest(%(texts)s::text[]) AS wanted(text) ON position(wanted.text IN line.body) > 0
            OR position(encode(convert_to(wanted.text, 'UTF8'), 'hex') IN line.body) > 0)"""  # noqa: S608 - a name from the catalogue


class Link(NamedTuple):
    """An entry of the audit chain."""

    id: int
    at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    detail: object
    digest: bytes


def chain(organisation: int) -> list[Link]:
    """The whole chain, oldest first. Locks: none. Index: audit_recent."""
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT id, at, actor, action, subject_type, subject_id, detail, digest FROM core_auditentry
            WHERE organisation_id = %s ORDER BY id
            """,
            [organisation],
        )
        return [Link._make([*row[:7], bytes(row[7])]) for row in rows(cursor)]


def on_hand(unit: int, location: int) -> int:
    """What the level says now; 0 where there is none. Index: primary key."""
    with hot_cursor() as cursor:
        cursor.execute("SELECT on_hand FROM stock_level WHERE stock_unit_id = %s AND location_id = %s", [unit, location])
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def moved_since(organisation: int, unit: int, location: int, since: datetime) -> int:
    """By how many units a place's stock of a unit has changed after a moment, by the clock of events. Index: movement_unit."""
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(sum(CASE WHEN to_location_id = %s THEN quantity ELSE -quantity END), 0) FROM stock_movement
            WHERE organisation_id = %s AND stock_unit_id = %s AND occurred_at > %s AND %s IN (from_location_id, to_location_id)
            """,
            [location, organisation, unit, since, location],
        )
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def overdue(organisation: int, at: datetime) -> list[str]:
    """Owners of reservations whose time has been over for some minutes; holds by hand that were prolonged count by their own word."""
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT format('%%s %%s', kept.owner_type, kept.owner_id) FROM stock_reservation AS kept
            LEFT JOIN stock_manualhold AS hold ON kept.owner_type = 'manual' AND hold.id = kept.owner_id
            WHERE kept.organisation_id = %(organisation)s AND kept.expires_at < %(at)s::timestamptz - interval '5 minutes'
              AND (hold.id IS NULL OR hold.expires_at <= %(at)s)
            UNION
            SELECT format('observed %%s', id) FROM channels_observedhold
            WHERE organisation_id = %(organisation)s AND ended_at IS NULL AND expires_at < %(at)s::timestamptz - interval '5 minutes'
            ORDER BY 1
            """,
            {"organisation": organisation, "at": at},
        )
        return [row[0] for row in rows(cursor)]


def kept_for_nobody(organisation: int) -> list[str]:
    """Holds of sales that channels showed, whose reservation is there although they have ended, or keeps more than they say."""
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT format('hold %%s of %%s: %%s units, %%s reserved', kept.owner_id, offer.sku, hold.quantity, kept.quantity)
            FROM stock_reservation AS kept
            LEFT JOIN channels_observedhold AS hold ON hold.id = kept.owner_id
            LEFT JOIN channels_offer AS offer ON offer.id = hold.offer_id
            LEFT JOIN catalog_kitcomponent AS part ON part.kit_id = offer.stock_unit_id AND part.component_id = kept.stock_unit_id
            WHERE kept.organisation_id = %s AND kept.owner_type = 'observed'
              AND (hold.id IS NULL OR hold.ended_at IS NOT NULL
                   OR kept.quantity > hold.quantity * offer.pack_factor * coalesce(part.quantity, 1))
            ORDER BY 1
            """,
            [organisation],
        )
        return [row[0] for row in rows(cursor)]


def held_beyond(organisation: int) -> list[str]:
    """Holds of more units than the look that made them saw go: by how much the figure fell, or how many the platform has reserved at all.

    Index: observed_hold_latest.
    """
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT format('%%s: %%s held, seen was %%s', offer.sku, hold.seen, hold.cause)
            FROM channels_observedhold AS hold JOIN channels_offer AS offer ON offer.id = hold.offer_id
            CROSS JOIN LATERAL (
                SELECT hold.cause LIKE 'reserve %%' AS theirs, substring(hold.cause FROM '([0-9]+) ->')::int AS before,
                       substring(hold.cause FROM '-> ([0-9]+)$')::int AS after) AS look
            WHERE hold.organisation_id = %s
              AND hold.seen > CASE WHEN look.theirs THEN look.after ELSE look.before - look.after END
            ORDER BY hold.id
            """,
            [organisation],
        )
        return [row[0] for row in rows(cursor)]


def held_beyond_reserve(organisation: int) -> list[str]:
    """Offers of which more is held than the platform had reserved at the last look that found more. Index: observed_hold_open."""
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT format('%%s: %%s held, the last look was %%s', offer.sku, held.units, latest.cause)
            FROM (SELECT offer_id, sum(quantity) AS units, max(id) AS latest FROM channels_observedhold
                  WHERE organisation_id = %s AND ended_at IS NULL GROUP BY offer_id) AS held
            JOIN channels_observedhold AS latest ON latest.id = held.latest AND latest.cause LIKE 'reserve %%'
            JOIN channels_offer AS offer ON offer.id = held.offer_id
            WHERE held.units > substring(latest.cause FROM '-> ([0-9]+)$')::int ORDER BY held.offer_id
            """,
            [organisation],
        )
        return [row[0] for row in rows(cursor)]


def held_twice(organisation: int, since: datetime) -> list[str]:
    """Offers of which more is held and ordered than was seen to go: of an order that was placed between two looks, and came after the
    second, either the order or the hold keeps the units. All holds of an offer that were seen after ``since`` are taken together, as an
    order may take over the next one's units, the platform's clock being off; and only if no earlier one is near enough for that.

    Indexes: observed_hold_latest, order_line.offer."""
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT format('%%s: %%s seen, %%s still held, %%s ordered', offer.sku, sum(hold.seen), sum(hold.quantity), sum(sold.units))
            FROM channels_observedhold AS hold JOIN channels_offer AS offer ON offer.id = hold.offer_id
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(line.ordered - line.cancelled), 0) AS units
                FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
                WHERE line.offer_id = hold.offer_id AND o.fulfilled_by = 'seller' AND o.imported_at > hold.seen_at
                  AND o.ordered_at > hold.since AND o.ordered_at <= hold.seen_at) AS sold
            WHERE hold.organisation_id = %(organisation)s AND hold.since > %(since)s
            GROUP BY offer.id HAVING sum(hold.quantity) > 0 AND sum(hold.quantity + sold.units) > sum(hold.seen)
              AND NOT EXISTS (SELECT FROM channels_observedhold AS near WHERE near.offer_id = offer.id
                              AND (near.since IS NULL OR near.since <= %(since)s) AND near.seen_at > min(hold.since) - interval '4 minutes')
            ORDER BY offer.id
            """,
            {"organisation": organisation, "since": since},
        )
        return [row[0] for row in rows(cursor)]


def unasked(organisation: int, at: datetime) -> list[tuple[str, datetime]]:
    """(SKU, since) of figures that were listed after their account's trade lane had run, while it neither runs, is asked for, is due, nor
    waits after a failure. Indexes: lane_once, offer_todo_next."""
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT offer.sku, todo.since FROM channels_lane AS lane
            JOIN channels_channel AS channel ON lane.subject_type = 'connection' AND channel.connection_id = lane.subject_id
            JOIN channels_offertodo AS todo ON todo.channel_id = channel.id AND todo.kind = 'quantity' AND todo.since > lane.last_ended_at
            JOIN channels_offer AS offer ON offer.id = todo.offer_id
            JOIN channels_connection AS account ON account.id = channel.connection_id
            JOIN core_organisation AS organisation ON organisation.id = lane.organisation_id
            WHERE lane.organisation_id = %s AND lane.kind = 'trade' AND lane.enabled AND NOT lane.wanted AND lane.claimed_by = ''
              AND lane.failures = 0 AND lane.not_before > %s AND organisation.sending_enabled AND channel.active
              AND channel.stock_enabled AND account.writes_allowed AND account.state = 'ready'
            ORDER BY offer.id
            """,
            [organisation, at],
        )
        return rows(cursor)


def last_started(organisation: int) -> dict[int, datetime | None]:
    """When each account's trade lane was run last. Index: lane_once."""
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT subject_id, last_started_at FROM channels_lane
            WHERE organisation_id = %s AND subject_type = 'connection' AND kind = 'trade' ORDER BY subject_id
            """,
            [organisation],
        )
        return dict(rows(cursor))


def forgotten(organisation: int, nameless: Sequence[int]) -> list[str]:
    """Orders that still have to leave, of whose buyer nothing is known any more; ``nameless`` accounts never told. Index:
    personal_data_once."""
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT o.external_id FROM orders_order AS o
            WHERE o.organisation_id = %s AND o.state IN ('pending', 'new', 'acknowledged', 'part_shipped')
                AND o.connection_id <> ALL(%s::bigint[])
                AND NOT EXISTS (SELECT FROM core_personaldata AS vault WHERE vault.organisation_id = o.organisation_id
                                AND vault.subject_type = 'order' AND vault.subject_id = o.id)
            ORDER BY o.id
            """,
            [organisation, list(nameless)],
        )
        return [row[0] for row in rows(cursor)]


def intended(organisation_id: int) -> dict[int, int | None] | None:
    """What each offer is meant to show; None while a mark says that some are to be looked at again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM stock_stale WHERE organisation_id = %s)", [organisation_id])
        if cursor.fetchone()[0]:
            return None
        cursor.execute("SELECT id, intended_qty FROM channels_offer WHERE organisation_id = %s ORDER BY id", [organisation_id])
        return dict(cursor.fetchall())
