"""Look at open tickets: what the channel made of bulk submissions, and whether it got those whose reply was lost."""

from __future__ import annotations

from datetime import timedelta

from stallkeeper.channels import tickets
from stallkeeper.channels.delivery import STUCK
from stallkeeper.channels.models import Ticket, TodoKind
from stallkeeper.core import notify
from stallkeeper.core.models import Severity
from stallkeeper.core.use_case import UseCase
from stallkeeper.sync.run import Current, Done, now
from stallkit.errors import Refused, Unintelligible
from stallkit.manifest import Capability
from stallkit.pacing import Priority
from stallkit.types import TicketResult
from stallkit.words import joined
from stallkit.words import said as _

KIND = {TodoKind.QUANTITY.value: "stock", TodoKind.PRICE.value: "price"}
CLOCKS_DIFFER = timedelta(minutes=1)
"""Their clock may be behind ours by so much when we ask for submissions "since"."""
TOO_OLD = timedelta(days=1)
"""A ticket that the channel has not resolved for so long is given up: its offers are read and sent again."""


def look(current: Current) -> Done:
    """Look at the tickets that are due."""
    if not current.session.can(Capability.RESOLVE_TICKET):
        return Done()
    decided = refused = 0
    for ticket in tickets.due(current.connection.pk, now()):
        resolved = _look_at(current, ticket) if ticket.ticket else _look_for(current, ticket)
        decided, refused = decided + resolved.decided, refused + resolved.refused
        if current.out_of_time:
            break
    return Done(decided, refused, again_at=tickets.next_look(current.connection.pk))


def _look_at(current: Current, ticket: Ticket) -> tickets.Resolved:
    try:
        result: TicketResult = current.call(Priority.RAISE, current.session.adapter.resolve_ticket, ticket.ticket)
    except (Refused, Unintelligible) as error:  # one bad ticket must not hide the others
        return _unreadable(current, ticket, error.detail)
    if not result.done and now() - ticket.opened_at > TOO_OLD:
        result = TicketResult(done=True, outcomes=result.outcomes)

    def change(uc: UseCase) -> tickets.Resolved:
        resolved = tickets.resolve(uc, ticket, result, current.number(), current.session.limits_scale)
        _alarm(uc, current, ticket, resolved)
        return resolved

    return current.commit("resolve_ticket", change)


def _unreadable(current: Current, ticket: Ticket, why: str) -> tickets.Resolved:
    """The channel does not tell what became of it: after a few looks its offers are unknown."""
    with current.writing("resolve_ticket") as uc:
        lost = tickets.not_found(uc, ticket, current.session.limits_scale)
        if lost:
            title = _("{account}: the result of a submission cannot be had", account=current.connection.name)
            text = joined([why, _("Its offers are read and sent again.")])
            notify.raise_(uc, f"ticket:{ticket.pk}", Severity.WARNING, title, text)
    return tickets.Resolved(0, 0, lost)


def _look_for(current: Current, ticket: Ticket) -> tickets.Resolved:
    """The reply to this submission was lost: ask for the newest one."""
    since = ticket.opened_at - CLOCKS_DIFFER
    name: str | None = current.call(Priority.RAISE, current.session.adapter.find_ticket, KIND[ticket.kind], since)
    with current.writing("find_ticket") as uc:
        if name and not tickets.known_name(current.connection.pk, name):
            tickets.named(uc, ticket, name)
            return tickets.Resolved(0, 0, closed=False)
        return tickets.Resolved(0, 0, tickets.not_found(uc, ticket, current.session.limits_scale))


def _alarm(uc: UseCase, current: Current, ticket: Ticket, resolved: tickets.Resolved) -> None:
    key = f"ticket:{ticket.pk}"
    if resolved.closed:
        notify.resolve(uc, key)
    elif uc.at - ticket.opened_at > STUCK:
        hours = round((uc.at - ticket.opened_at).total_seconds() / 3600)
        title = _("{account} has not worked off a submission for {hours} h", account=current.connection.name, hours=hours)
        text = _("Ticket {ticket}. Its offers go out by single calls meanwhile.", ticket=ticket.ticket)
        notify.raise_(uc, key, Severity.WARNING, title, text)
