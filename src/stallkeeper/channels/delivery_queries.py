"""SQL of delivery: which offers to send, what was sent, what the channel said. The same statements serve quantities and prices.

One function per statement. Lock order everywhere: orders, levels, then offers (by id), then their prices and todo rows. ``figures`` names
the table and the columns of the kind; every name in it is a constant of this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from stallkeeper.channels.models import TodoKind
from stallkeeper.core.copy import array, columns, moments, plain, texts
from stallkeeper.core.sql import Cursor, rows

Value = int | Decimal
NO_SUCH_OFFER = "no_such_offer"
"""The refusal that we write down ourselves where a read says that there is no such offer."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Where the five figures of a kind live: ``believed{end}`` and so on in ``table``, whose key is ``key``."""

    kind: TodoKind
    table: str
    key: str
    end: str
    type: str
    excluded: str
    switch: str


QUANTITY = Figures(TodoKind.QUANTITY, "channels_offer", "id", "_qty", "int", "stock_excluded", "stock_enabled")
PRICE = Figures(TodoKind.PRICE, "channels_offerprice", "offer_id", "", "numeric", "prices_excluded", "prices_enabled")


class Waiting(NamedTuple):
    """An offer on the todo list with all that decides what to send. ``in_ticket``: the value that an open ticket carries, if any."""

    offer_id: int
    sku: str
    external_id: str
    currency: str
    version: int
    danger: int
    excluded: bool
    intended: Value | None
    believed: Value | None
    observed: Value | None
    observed_since: datetime | None
    """When this figure was read first, since the last acceptance."""
    sent: Value | None
    sent_at: datetime | None
    accepted: Value | None
    refused: Value | None
    in_ticket: Value | None
    since: datetime | None = None
    """When it was listed."""


class Standing(NamedTuple):
    """How one kind stands on one channel: the switches, the breaker, and whether the account has submissions that are not resolved."""

    live: bool
    """Company, account and channel allow sending."""
    in_tickets: bool
    stopped: bool
    """The breaker holds it."""
    released_until: datetime | None
    price_drop_limit: Decimal
    guards: bool = False
    """The company has units in guarded mode."""


GUARDS = "EXISTS (SELECT FROM channels_guardedunit AS guarded WHERE guarded.organisation_id = channel.organisation_id)"


def standing(cursor: Cursor, figures: Figures, channel: int) -> Standing:
    """How a kind stands on a channel now. Locks: none. Indexes: primary keys, ticket_open."""
    cursor.execute(
        f"""
        SELECT channel.active AND channel.{figures.switch} AND account.writes_allowed AND organisation.sending_enabled,
               EXISTS (SELECT FROM channels_ticket AS ticket
                       WHERE ticket.connection_id = account.id AND ticket.kind = %(kind)s AND ticket.closed_at IS NULL),
               channel.stopped_at IS NOT NULL AND coalesce(channel.stop_detail ->> 'kind' = %(kind)s, false),
               channel.released_until, channel.price_drop_limit,
               {GUARDS if figures is QUANTITY else "false"}
        FROM channels_channel AS channel
        JOIN channels_connection AS account ON account.id = channel.connection_id
        JOIN core_organisation AS organisation ON organisation.id = channel.organisation_id
        WHERE channel.id = %(channel)s
        """,  # noqa: S608 - constants of this module
        {"kind": figures.kind, "channel": channel},
    )
    return Standing(*rows(cursor)[0])


def take(
    cursor: Cursor,
    figures: Figures,
    channel: int,
    limit: int,
    *,
    in_tickets: bool,
    dangerous_only: bool,
    above_zero: bool,
    can_read: bool,
    stuck_before: datetime,
    quiet_before: datetime | None = None,
    read_since: datetime | None = None,
) -> list[Waiting]:
    """Lock the first ``limit`` offers in the line that may be sent now, and gather what decides what to send; by offer.

    Left out: those that must be read first, and those in a ticket opened after ``stuck_before`` unless the channel shows, or will show,
    too much. What has been read without an answer (``observed`` NULL, read after the last send) is not read again. ``above_zero`` leaves
    out those that are to go to zero as well; ``quiet_before`` those that were written later than that,
    ``read_since`` those that were read before that. ``in_tickets``: see ``Standing``; False spares looking for tickets.

    One statement: rows are chosen as it finds them, then locked, and judged and returned as they are once the lock is had (PostgreSQL's
    EvalPlanQual). Locks: the rows of the kind's table, by offer id. Indexes: offer_todo_next, ticket_open, primary keys.
    """
    end, offer = figures.end, _offer(figures)
    held = f"""(SELECT max(item.value) FROM channels_ticketitem AS item JOIN channels_ticket AS ticket ON ticket.id = item.ticket_id
                WHERE item.offer_id = {offer}.id AND {OPEN_ITEM})"""  # noqa: S608
    cursor.execute(
        f"""
        WITH chosen AS MATERIALIZED ({_chosen(figures, in_tickets, above_zero, quiet=quiet_before is not None)})
        SELECT {offer}.id, {offer}.sku, {offer}.external_id, {"figure.currency" if figures is PRICE else "''"}, chosen.version,
               {_danger(figures)}, {offer}.{figures.excluded},
               figure.intended{end}, figure.believed{end}, figure.observed{end}, {_since(figures)}, figure.sent{end}, figure.sent_at,
               figure.accepted{end}, figure.refused{end}, {held if in_tickets else "NULL::numeric"}, chosen.since
        FROM chosen
        JOIN {figures.table} AS figure ON figure.{figures.key} = chosen.offer_id
        {"" if figures is QUANTITY else "JOIN channels_offer AS offer ON offer.id = chosen.offer_id"}
        WHERE {_readable(figures)}
        ORDER BY chosen.offer_id FOR NO KEY UPDATE OF figure
        """,  # noqa: S608 - constants of this module
        {
            "channel": channel,
            "kind": figures.kind,
            "least_danger": int(dangerous_only),
            "can_read": can_read,
            "stuck_before": stuck_before,
            "quiet_before": quiet_before,
            "read_since": read_since,
            "limit": limit,
        },
    )
    return list(map(Waiting._make, rows(cursor)))


WRITTEN = "greatest(figure.sent_at, figure.accepted_at)"
"""When the platform last took a figure, at the latest: a call may have waited for its budget after it was written down as sent."""
OPEN_ITEM = "ticket.kind = %(kind)s AND ticket.closed_at IS NULL AND NOT item.resolved AND NOT item.overtaken"


def _offer(figures: Figures) -> str:
    """The name under which the offer's own columns are found."""
    return "figure" if figures is QUANTITY else "offer"


def _since(figures: Figures) -> str:
    """When the figure that was read last was read first; of prices nobody asks."""
    return "coalesce(figure.observed_since, figure.observed_at)" if figures is QUANTITY else "figure.observed_at"


def _danger(figures: Figures) -> str:
    """1 if the channel shows, or may show, more than we have. A price never does."""
    shown = f"coalesce(figure.believed{figures.end}, figure.observed{figures.end})"
    return f"({shown} IS NULL OR {shown} > figure.intended{figures.end})::int" if figures is QUANTITY else "0"


def _readable(figures: Figures) -> str:
    end = figures.end
    fresh = "(%(read_since)s::timestamptz IS NULL OR figure.observed_at >= %(read_since)s) AND " if figures is QUANTITY else ""
    return f"""{fresh}(figure.believed{end} IS NOT NULL OR NOT %(can_read)s
                OR (figure.observed{end} IS NULL AND figure.observed_at >= coalesce(figure.sent_at, figure.observed_at)))"""


def _chosen(figures: Figures, in_tickets: bool, above_zero: bool, *, quiet: bool) -> str:
    """The first offers of the line that are not in a ticket and, where there are tickets, those of them that are urgent.

    Two parts, so that the first few of many are found in the order of the index without looking at all of them.
    """
    wanted = f"AND figure.intended{figures.end} > 0" if above_zero else ""
    if quiet:
        wanted += f" AND ({WRITTEN} IS NULL OR {WRITTEN} <= %(quiet_before)s)"
    if not in_tickets:
        return _waiting(figures, wanted)
    held = f"{OPEN_ITEM} AND ticket.opened_at >= %(stuck_before)s"
    outside = f"""
        AND NOT EXISTS (SELECT FROM channels_ticketitem AS item JOIN channels_ticket AS ticket ON ticket.id = item.ticket_id
                        WHERE item.offer_id = todo.offer_id AND {held} OFFSET 0)"""
    return f"""
        SELECT offer_id, version, since FROM (
            (SELECT todo.offer_id, todo.version, todo.since, todo.danger,
                    todo.danger > 0 OR held.value > figure.intended{figures.end} AS urgent
             FROM (SELECT item.offer_id, max(item.value) AS value
                   FROM channels_ticket AS ticket JOIN channels_ticketitem AS item ON item.ticket_id = ticket.id
                   WHERE ticket.connection_id = (SELECT connection_id FROM channels_channel WHERE id = %(channel)s) AND {held}
                   GROUP BY item.offer_id) AS held
             JOIN channels_offertodo AS todo ON todo.offer_id = held.offer_id AND todo.kind = %(kind)s AND todo.channel_id = %(channel)s
             JOIN {figures.table} AS figure ON figure.{figures.key} = todo.offer_id
             WHERE (todo.danger > 0 OR held.value > figure.intended{figures.end})
                AND held.value IS DISTINCT FROM figure.intended{figures.end} AND {_readable(figures)} {wanted})
            UNION ALL
            (SELECT offer_id, version, since, danger, danger > 0 FROM ({_waiting(figures, wanted + outside)}) AS waiting)
        ) AS found
        ORDER BY urgent DESC, danger DESC, version, offer_id LIMIT %(limit)s"""  # noqa: S608


def _waiting(figures: Figures, further: str) -> str:
    return f"""
        SELECT todo.offer_id, todo.version, todo.since, todo.danger
        FROM channels_offertodo AS todo JOIN {figures.table} AS figure ON figure.{figures.key} = todo.offer_id
        WHERE todo.channel_id = %(channel)s AND todo.kind = %(kind)s AND todo.danger >= %(least_danger)s AND {_readable(figures)} {further}
        ORDER BY todo.danger DESC, todo.version, todo.offer_id LIMIT %(limit)s"""  # noqa: S608


def lock(cursor: Cursor, figures: Figures, offers: Sequence[int]) -> None:
    """Locks: the rows of the kind's table, by offer id. Index: its primary key."""
    cursor.execute(
        f"""
        SELECT {figures.key} FROM {figures.table} WHERE {figures.key} = ANY(%s::bigint[]) ORDER BY {figures.key} FOR NO KEY UPDATE
        """,  # noqa: S608
        [array(offers)],
    )


MOST_WHEN_SENT = """CASE WHEN figure.believed_qty IS NULL THEN greatest(figure.most_qty, row.value - least(figure.missing_qty, 0))
                        ELSE greatest(figure.believed_qty, row.value) END"""


def mark_sent(cursor: Cursor, figures: Figures, offers: Sequence[int], values: Sequence[Value], at: datetime, *, forget: bool) -> None:
    """Write down what is about to be sent. ``forget`` makes belief unknown until the answer is in. Locks: the rows (held already).

    Units that orders have told of while nobody knew (``missing_qty`` below 0) are in what was there before, and not in what is sent now.
    """
    believed = "NULL" if forget else f"figure.believed{figures.end}"
    most = f", most_qty = {MOST_WHEN_SENT}" if forget and figures is QUANTITY else ""
    cursor.execute(
        f"""
        UPDATE {figures.table} AS figure SET sent{figures.end} = row.value, sent_at = %s, believed{figures.end} = {believed}{most}
        FROM unnest(%s::bigint[], %s::{figures.type}[]) AS row(offer, value)
        WHERE figure.{figures.key} = row.offer
        """,  # noqa: S608
        [at, array(offers), plain(values)],
    )


def restore(
    cursor: Cursor,
    figures: Figures,
    offers: Sequence[int],
    believed: Sequence[Value | None],
    sent: Sequence[Value | None],
    sent_at: Sequence[datetime | None],
) -> None:
    """The call did not happen: what we believed and had sent before holds again. Locks: the rows (held already)."""
    end = figures.end
    cursor.execute(
        f"""
        UPDATE {figures.table} AS figure
        SET believed{end} = coalesce(figure.believed{end}, row.believed), sent{end} = row.sent, sent_at = row.sent_at{_known(figures)}
        FROM unnest(%s::bigint[], %s::{figures.type}[], %s::{figures.type}[], %s::timestamptz[]) AS row(offer, believed, sent, sent_at)
        WHERE figure.{figures.key} = row.offer
        """,  # noqa: S608
        [array(offers), plain(believed), plain(sent), moments(sent_at)],
    )


def accept(cursor: Cursor, figures: Figures, offers: Sequence[int], values: Sequence[Value], at: datetime) -> None:
    """The channel said yes, too late to tell what it shows: the caller has that forgotten. Locks: the rows (held already)."""
    end = figures.end
    cursor.execute(
        f"""
        UPDATE {figures.table} AS figure
        SET accepted{end} = row.value, accepted_at = %s,
            refused{end} = NULL, refused_code = '', refused_message = '', refused_at = NULL{_known(figures)}
        FROM unnest(%s::bigint[], %s::{figures.type}[]) AS row(offer, value)
        WHERE figure.{figures.key} = row.offer
        """,  # noqa: S608
        [at, array(offers), plain(values)],
    )


Origin = tuple[datetime | None, Value | None]
"""Of a send: since when the value was wanted, and what we believed the channel showed then."""


def conclude(
    cursor: Cursor,
    figures: Figures,
    organisation: int,
    offers: Sequence[int],
    values: Sequence[Value],
    at: datetime,
    run: int,
    *,
    sent_at: datetime,
    origins: Sequence[Origin] = (),
) -> list[int]:
    """The channel said yes: ``accept``, off the todo list, and into the log of what was sent. Returns the offers whose intention is another
    by now: they stay listed, and are to be settled. ``origins``: of each, if the caller knows it.

    Locks: the rows, in the order given (by offer), then their todo rows. Indexes: primary keys. Comparing with an array of one leaves the
    planner no other way than one look into the index after the other, which is what keeps that order.
    """
    end = figures.end
    cursor.execute(
        f"""
        WITH accepted AS (
            UPDATE {figures.table} AS figure
            SET accepted{end} = row.value, accepted_at = %(at)s, believed{end} = row.value,
                refused{end} = NULL, refused_code = '', refused_message = '', refused_at = NULL{_known(figures)}
            FROM unnest(%(offers)s::bigint[], %(values)s::{figures.type}[], %(wanted)s::timestamptz[], %(shown)s::{figures.type}[])
                AS row(offer, value, wanted_at, shown)
            WHERE figure.{figures.key} = ANY(ARRAY[row.offer])
            RETURNING row.*, figure.intended{end} AS intended
        ), ended AS (
            DELETE FROM channels_offertodo AS todo USING accepted
            WHERE todo.offer_id = accepted.offer AND todo.kind = %(kind)s AND accepted.intended = accepted.value
        ), logged AS (
            INSERT INTO channels_sent_log (organisation_id, at, offer_id, kind, value, outcome, detail, run_id, wanted_at, sent_at, shown)
            SELECT %(organisation)s, %(at)s, offer, %(kind)s, value, 'accepted', '', %(run)s, wanted_at, %(sent)s, shown FROM accepted
        )
        SELECT offer FROM accepted WHERE intended IS DISTINCT FROM value ORDER BY offer
        """,  # noqa: S608
        {
            "organisation": organisation,
            "offers": array(offers),
            "values": plain(values),
            "wanted": moments([wanted for wanted, _ in origins]),
            "shown": plain([shown for _, shown in origins]),
            "kind": figures.kind,
            "at": at,
            "sent": sent_at,
            "run": run,
        },
    )
    return [row[0] for row in rows(cursor)]


RefusalRow = tuple[int, Value | None, Value | None, str, str]
"""offer, the refused value, what was believed before, code, message"""


def refuse(cursor: Cursor, figures: Figures, refusals: Sequence[RefusalRow], at: datetime) -> None:
    """The channel said no, in its own words; what it shows has not changed. Locks: the rows (held already)."""
    end = figures.end
    cursor.execute(
        f"""
        UPDATE {figures.table} AS figure
        SET refused{end} = row.value, refused_code = row.code, refused_message = row.message, refused_at = %s,
            believed{end} = coalesce(figure.believed{end}, row.believed)
        FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::text[], %s::text[])
            AS row(offer, value, believed, code, message)
        WHERE figure.{figures.key} = row.offer
        """,  # noqa: S608
        [at, *columns(refusals, array, plain, plain, texts, texts)],
    )


def forget(cursor: Cursor, figures: Figures, offers: Sequence[int]) -> None:
    """What the channel shows is no longer known. Locks: the rows."""
    cursor.execute(
        f"""
        UPDATE {figures.table} AS figure SET believed{figures.end} = NULL{_most(figures)} WHERE {figures.key} = ANY(%s::bigint[])
        """,  # noqa: S608
        [array(offers)],
    )


def _most(figures: Figures) -> str:
    """Where a quantity becomes unknown: what was believed, or may land yet by a submission, is the most that it can be."""
    return (
        """, most_qty = greatest(coalesce(figure.believed_qty, figure.most_qty), (
            SELECT max(item.value)::int FROM channels_ticketitem AS item JOIN channels_ticket AS ticket ON ticket.id = item.ticket_id
            WHERE item.offer_id = figure.id AND NOT item.resolved AND ticket.kind = 'quantity'))"""
        if figures is QUANTITY
        else ""
    )


def _known(figures: Figures) -> str:
    """Where a quantity becomes known: units whose going could not be placed are in it."""
    return ", missing_qty = greatest(figure.missing_qty, 0)" if figures is QUANTITY else ""


def clear_refusals(cursor: Cursor, figures: Figures, offers: Sequence[int], code: str = "") -> list[int]:
    """Forget refusals (with this code, or all), so that the values may be sent again; returns the offers that had one. Locks: the rows
    (held already)."""
    cursor.execute(
        f"""
        UPDATE {figures.table} SET refused{figures.end} = NULL, refused_code = '', refused_message = '', refused_at = NULL
        WHERE {figures.key} = ANY(%s::bigint[]) AND refused_at IS NOT NULL AND (%s = '' OR refused_code = %s)
        RETURNING {figures.key}
        """,  # noqa: S608
        [array(offers), code, code],
    )
    return sorted(row[0] for row in rows(cursor))


def overtake(cursor: Cursor, figures: Figures, offers: Sequence[int]) -> None:
    """A direct call overtakes what open tickets carry for these offers. Locks: the ticket items. Index: ticket_item_once, offer."""
    cursor.execute(
        """
        UPDATE channels_ticketitem AS item SET overtaken = true
        FROM channels_ticket AS ticket
        WHERE ticket.id = item.ticket_id AND ticket.kind = %s AND ticket.closed_at IS NULL AND NOT item.resolved
            AND item.offer_id = ANY(%s::bigint[])
        """,
        [figures.kind, array(offers)],
    )


def settle(cursor: Cursor, figures: Figures, offers: Sequence[int], at: datetime) -> None:
    """Make the todo list true for these offers: listed if intended differs from what is believed and was not refused, else not listed.

    Locks: the todo rows. Index: primary keys. Run it while the offers are locked.
    """
    end = figures.end
    cursor.execute(
        f"""
        WITH looked AS MATERIALIZED (
            SELECT offer.id, offer.organisation_id, offer.channel_id, todo.danger AS was,
                   (coalesce(figure.believed{end}, figure.observed{end}) IS NULL
                    OR coalesce(figure.believed{end}, figure.observed{end}) > figure.intended{end})::int * %(is_quantity)s AS danger,
                   coalesce(channel.active AND channel.{figures.switch} AND account.writes_allowed AND organisation.sending_enabled
                       AND NOT offer.{figures.excluded} AND figure.intended{end} IS NOT NULL
                       AND figure.intended{end} IS DISTINCT FROM figure.believed{end}
                       AND figure.intended{end} IS DISTINCT FROM figure.refused{end}, false) AS needed
            FROM channels_offer AS offer
            JOIN {figures.table} AS figure ON figure.{figures.key} = offer.id
            JOIN channels_channel AS channel ON channel.id = offer.channel_id
            JOIN channels_connection AS account ON account.id = channel.connection_id
            JOIN core_organisation AS organisation ON organisation.id = offer.organisation_id
            LEFT JOIN channels_offertodo AS todo ON todo.offer_id = offer.id AND todo.kind = %(kind)s
            WHERE offer.id = ANY(%(offers)s::bigint[])
        ), ended AS (
            DELETE FROM channels_offertodo AS todo USING looked
            WHERE todo.offer_id = looked.id AND todo.kind = %(kind)s AND looked.was IS NOT NULL AND NOT looked.needed
        ), turned AS (
            UPDATE channels_offertodo AS todo SET danger = looked.danger FROM looked
            WHERE todo.offer_id = looked.id AND todo.kind = %(kind)s AND looked.needed AND looked.was <> looked.danger
        )
        INSERT INTO channels_offertodo AS todo (organisation_id, offer_id, kind, channel_id, danger, version, since)
        SELECT organisation_id, id, %(kind)s, channel_id, danger, nextval('channels_todo_version'), %(at)s
        FROM looked WHERE needed AND was IS NULL ORDER BY id
        ON CONFLICT (offer_id, kind) DO NOTHING
        """,  # noqa: S608
        {"offers": array(offers), "kind": figures.kind, "at": at, "is_quantity": int(figures is QUANTITY)},
    )


def line_up_again(cursor: Cursor, offers: Sequence[int]) -> None:
    """Quantities that cannot go out yet give up their place in the line. Locks: the todo rows. Index: primary key."""
    cursor.execute(
        """
        UPDATE channels_offertodo SET version = nextval('channels_todo_version') WHERE offer_id = ANY(%s::bigint[]) AND kind = 'quantity'
        """,
        [array(offers)],
    )


LogRow = tuple[int, Value, str, str]
"""offer, value, outcome (accepted | pending | rejected | unknown | dropped | postponed | differs), the channel's words"""


def log_sent(
    cursor: Cursor,
    organisation: int,
    kind: str,
    at: datetime,
    run: int,
    sent: Sequence[LogRow],
    *,
    sent_at: datetime,
    origins: Sequence[Origin] = (),
) -> None:
    """Append to the log of what was sent; ``origins`` as in ``conclude``. Locks: nothing that exists."""
    wanted, shown = [moment for moment, _ in origins], [value for _, value in origins]
    cursor.execute(
        """
        INSERT INTO channels_sent_log (organisation_id, at, offer_id, kind, value, outcome, detail, run_id, wanted_at, sent_at, shown)
        SELECT %s, %s, row.offer, %s, row.value, row.outcome, row.detail, %s, row.wanted_at, %s, row.shown
        FROM unnest(%s::bigint[], %s::numeric[], %s::text[], %s::text[], %s::timestamptz[], %s::numeric[])
            AS row(offer, value, outcome, detail, wanted_at, shown)
        """,
        [organisation, at, kind, run, sent_at, *columns(sent, array, plain, texts, texts), moments(wanted), plain(shown)],
    )


def count_waiting(cursor: Cursor, figures: Figures, channel: int, most: int) -> int:
    """How many offers of the channel wait, counting no further than ``most``. Index: offer_todo_next."""
    cursor.execute(
        "SELECT count(*) FROM (SELECT 1 FROM channels_offertodo WHERE channel_id = %s AND kind = %s LIMIT %s) AS counted",
        [channel, figures.kind, most],
    )
    return int(rows(cursor)[0][0])


def oldest_send(cursor: Cursor, figures: Figures, channel: int, head: int) -> datetime | None:
    """When the first of the offers at the head of the line was written last; None where none was. Index: offer_todo_next."""
    cursor.execute(
        f"""
        SELECT min({WRITTEN}) FROM (
            SELECT offer_id FROM channels_offertodo WHERE channel_id = %s AND kind = %s ORDER BY danger DESC, version, offer_id LIMIT %s
        ) AS todo JOIN {figures.table} AS figure ON figure.{figures.key} = todo.offer_id
        """,  # noqa: S608 - constants of this module
        [channel, figures.kind, head],
    )
    found: datetime | None = rows(cursor)[0][0]
    return found


def scarce(cursor: Cursor, channel: int, most: int, limit: int) -> list[int]:
    """Offers that the channel still shows and of which we have at most ``most``: for zeroing while blind (``sendable.zero`` decides).

    Reads the channel's offers.
    """
    cursor.execute(
        """
        SELECT id FROM channels_offer
        WHERE channel_id = %s AND intended_qty BETWEEN 1 AND %s AND believed_qty > 0 AND NOT stock_excluded
            AND (refused_qty IS NULL OR refused_qty NOT IN (0, intended_qty))
        ORDER BY intended_qty, id LIMIT %s
        """,
        [channel, most, limit],
    )
    return [row[0] for row in rows(cursor)]


def gather_scarce(cursor: Cursor, offers: Sequence[int]) -> list[Waiting]:
    """The same as ``gather`` for offers that need not be on the todo list."""
    cursor.execute(
        """
        SELECT id, sku, external_id, '', 0::bigint, 1, stock_excluded, intended_qty, believed_qty, observed_qty,
               coalesce(observed_since, observed_at), sent_qty,
               sent_at, accepted_qty, refused_qty, NULL::numeric, NULL::timestamptz
        FROM channels_offer WHERE id = ANY(%s) ORDER BY id
        """,
        [list(offers)],
    )
    return list(map(Waiting._make, rows(cursor)))


def forget_channel(cursor: Cursor, figures: Figures, channel: int) -> list[int]:
    """Everything that we believe of a channel's offers is unknown (resync, S4.42). Locks: the rows, by id. Returns the offers."""
    cursor.execute(
        f"""
        WITH mine AS (
            SELECT figure.{figures.key} AS id FROM {figures.table} AS figure JOIN channels_offer AS offer ON offer.id = figure.{figures.key}
            WHERE offer.channel_id = %s ORDER BY 1 FOR NO KEY UPDATE OF figure
        )
        UPDATE {figures.table} AS figure
        SET believed{figures.end} = NULL, refused{figures.end} = NULL, refused_code = '', refused_message = '',
            refused_at = NULL{_most(figures)},
            observed_at = CASE WHEN figure.observed{figures.end} IS NULL THEN NULL ELSE figure.observed_at END
        FROM mine WHERE figure.{figures.key} = mine.id
        RETURNING mine.id
        """,  # noqa: S608
        [channel],
    )
    return sorted(row[0] for row in rows(cursor))
